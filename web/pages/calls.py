"""The call panel of the board: alternatives to admission for the need that is chosen.

What one alternative says is put into words here; `static/js/alternative.js` is the mirror in the
browser, and a test holds the two against each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from capacity.model import REPORT_TYPE_OF_KIND, ReportType, State, UnitKind
from capacity.outcomes import REASONS, OutcomeCode
from capacity.units import Catalogue
from web.pages import times
from web.pages.cluster import abilities_of
from web.pages.filters import HOW_SOON, PLACES, Filters
from web.pages.groups import kind_name
from web.pages.shown import HOLDABLE, Shown, instant, national
from web.pages.visitor import Visitor
from web.pages.why import why
from web.words import Words

Names = Mapping[str, Mapping[str, str]]
"""What kinds, municipalities and capabilities ("abilities") are called, by code."""

SHOWN_ELSEWHERE: Final = frozenset({"free", "travel", "ageing"})
"""Findings that an alternative's other texts tell already."""

ROOMS: Final = ("calls", "alternatives", "surge")
"""The rooms of texts that the panel's scripts need."""
SHORTCUTS: Final[Mapping[str, str]] = {
    "seek": "b",
    "soon_now": "n",
    "soon_hours": "t",
    "soon_today": "d",
    "soon_tomorrow": "m",
    "where_place": "p",
    "where_home": "h",
    "list": "a",
    "hold": "r",
    "next": "v",
    "mine": "e",
    "outcome": "u",
    "clear": "x",
}
"""Single keys, the same in both languages so that the hand learns them once; the digits choose a
municipality. They can be switched off (WCAG 2.1.4)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who looks at the page, and what for.

    `csrf` is what the page sends with changes, `account` the pseudonymous id by which own holds
    are known (empty where many share one), `may_report` the units it may report for,
    `alternatives` the answer of the alternatives' address for the need (``None``: no panel),
    `surge` what is told of the surge level (``None``: no strip), and `visitor` who is signed in.
    """

    csrf: str = ""
    account: str = ""
    may_hold: bool = False
    may_log: bool = False
    may_report: frozenset[str] = frozenset()
    may_override: bool = False
    may_review: bool = False
    may_see_indicators: bool = False
    alternatives: Mapping[str, Any] | None = None
    surge: Mapping[str, Any] | None = None
    visitor: Visitor | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One button of the need: its value, name, address, whether it is chosen, and its key."""

    value: str
    name: str
    href: str
    chosen: bool
    key: str = ""


@dataclass(frozen=True, slots=True)
class AlternativeView:
    """One alternative's element: the item as it was answered, and its texts."""

    item: Mapping[str, Any]
    shown: Shown


def alternative_shown(
    item: Mapping[str, Any], now: datetime, words: Words, names: Mapping[str, Mapping[str, str]]
) -> Shown:
    """All texts of one alternative at `now`; `names` is from `names_of`."""
    observed = instant(item["observed_at"])
    age = times.age(words, (now - observed).total_seconds()) if observed else ""
    where = (
        names["municipalities"].get(item["municipality"], item["municipality"]),
        names["kinds"].get(item["kind"], item["kind"]),
    )
    return {
        "name": item["name"],
        "verdict": words.text(f"verdict_{item['verdict']}"),
        "figure": _figure(item, now, words),
        "held": words.count("held", item["held"]) if item["held"] else "",
        "against": _findings(item, now, words, names, speaks_against=True),
        "reasons": _findings(item, now, words, names, speaks_against=False),
        "place": " · ".join(where),
        "travel": _travel(item, words),
        "age": words.text("updated", age=age) if age else words.text("observed_never"),
        "phone": national(item["phone"] or ""),
        "hold": _may_hold(item),
    }


def _may_hold(item: Mapping[str, Any]) -> str:
    """As for a row: "" where the kind of unit is only ever rung."""
    if REPORT_TYPE_OF_KIND[UnitKind(item["kind"])] not in HOLDABLE:
        return ""
    return "yes" if item["holdable"] else "no"


def _findings(
    item: Mapping[str, Any], now: datetime, words: Words, names: Names, *, speaks_against: bool
) -> str:
    told = [
        why(words, reason, now, names["abilities"])
        for reason in item["reasons"]
        if (reason["verdict"] != "yes") is speaks_against and reason["code"] not in SHOWN_ELSEWHERE
    ]
    return " · ".join(told)


def _figure(item: Mapping[str, Any], now: datetime, words: Words) -> str:
    """Free now, or the word for why there is no number; a stale figure is never a number."""
    stale_at = instant(item["stale_at"])
    if stale_at is None:
        return words.text("state_unknown")
    if now >= stale_at:
        return words.text("state_stale")
    if item["state"] == State.CLOSED:
        return words.text("state_closed")
    if item["free"] is not None:
        return words.count("free_count", item["free"])
    if item["state"] == State.FREE:
        return words.text("state_open")
    is_load = REPORT_TYPE_OF_KIND[UnitKind(item["kind"])] is ReportType.LOAD
    return "" if is_load else words.text("state_unknown")


def _travel(item: Mapping[str, Any], words: Words) -> str:
    minutes, km = item["travel_minutes"], item["distance_km"]
    parts = [words.text("travel_minutes", n=minutes)] if minutes is not None else []
    parts += [words.text("distance", n=int(km + 0.5))] if km is not None else []
    return " · ".join(parts)


def alternative_views(
    answer: Mapping[str, Any],
    now: datetime,
    words: Words,
    names: Names,
) -> Sequence[AlternativeView]:
    """The alternatives of an answer, best first."""
    return [
        AlternativeView(item, alternative_shown(item, now, words, names))
        for item in answer["alternatives"]
    ]


EMPTY: Final[Mapping[str, Any]] = {
    "unit": "",
    "verdict": "no",
    "phone": None,
}
"""The item of the element that the script makes copies of."""


def blank_view() -> AlternativeView:
    """What the element that is copied is made from."""
    slots = (
        "name",
        "verdict",
        "figure",
        "held",
        "against",
        "reasons",
        "place",
        "travel",
        "age",
        "phone",
    )
    return AlternativeView(EMPTY, {**dict.fromkeys(slots, ""), "hold": "no"})


def names_of(
    catalogue: Catalogue, cluster_id: str, now: datetime, words: Words
) -> dict[str, dict[str, str]]:
    """What a cluster's kinds, municipalities and capabilities are called on that day."""
    units = catalogue.units_of(cluster_id)
    return {
        "kinds": {unit.kind.value: kind_name(catalogue, unit.kind, now, words) for unit in units},
        "municipalities": {
            unit.municipality: catalogue.municipalities.get(unit.municipality, unit.municipality)
            for unit in units
        },
        "abilities": abilities_of(catalogue, cluster_id, words.lang),
    }


def soon_choices(filters: Filters, words: Words, lang: str | None) -> list[Choice]:
    """How soon help must begin."""
    return [
        Choice(
            value=str(minutes),
            name=words.text(key),
            href=filters.soon(minutes).href(lang),
            chosen=filters.within_minutes == minutes,
            key=SHORTCUTS[key],
        )
        for key, minutes in HOW_SOON.items()
    ]


def where_choices(filters: Filters, words: Words, lang: str | None) -> list[Choice]:
    """Whether a place or help at home is wanted."""
    return [
        Choice(
            value=where,
            name=words.text(key),
            href=filters.at(where).href(lang),
            chosen=filters.where == where,
            key=SHORTCUTS[key],
        )
        for key, where in PLACES.items()
    ]


@dataclass(frozen=True, slots=True)
class CallPanel:
    """What the template needs of the panel; `answer` is what its script starts from."""

    cluster: str
    address: str
    account: str
    may_hold: bool
    may_log: bool
    chosen: bool
    views: Sequence[AlternativeView]
    blank: AlternativeView
    answer: Mapping[str, Any]
    reasons: Mapping[str, Sequence[str]]


def call_panel(
    caller: Caller,
    cluster_id: str,
    filters: Filters,
    now: datetime,
    words: Words,
    names: Names,
) -> CallPanel | None:
    """The panel with its alternatives; ``None`` for somebody who only looks at the board."""
    answer = caller.alternatives
    if answer is None:
        return None
    return CallPanel(
        cluster=quote(cluster_id),
        address=f"/api/v1/alternatives/{quote(cluster_id)}",
        account=caller.account,
        may_hold=caller.may_hold,
        may_log=caller.may_log,
        chosen=filters.chosen,
        views=alternative_views(answer, now, words, names),
        blank=blank_view(),
        answer=answer,
        reasons={outcome.value: REASONS[outcome] for outcome in OutcomeCode},
    )
