"""The board and the wall screen: one cluster's acute capacity at one moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from capacity.instants import format_instant
from capacity.model import REPORT_TYPE_OF_KIND
from capacity.row import Row
from capacity.units import Catalogue
from web.pages import times
from web.pages.environment import render
from web.pages.filters import Filters, read_filters
from web.pages.groups import LOCAL_KINDS, Layout, Viewer, lay_out, municipalities_of
from web.pages.shown import Shown
from web.words import DEFAULT, LANGUAGES, Lang, Words

FIRST_NEEDS: Final = (
    "iv_antibiotics",
    "tobs_observation",
    "palliation",
    "oxygen",
    "wound_care",
    "dementia",
)
"""What doctors ask for most (the intended look of the board); the rest unfold on demand."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How the page watches its link, in milliseconds.

    Without any frame for `watchdog_ms` the link counts as lost (three missed heartbeats; a muted
    socket never tells). Tries to come back start at `retry_ms`, double, and stop at `retry_max_ms`.
    """

    watchdog_ms: int = 15_000
    retry_ms: int = 1_000
    retry_max_ms: int = 15_000


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter button: its value, name, address, and whether it is chosen."""

    value: str
    name: str
    href: str
    chosen: bool


def render_board(
    catalogue: Catalogue,
    cluster_id: str,
    rows: Sequence[Row],
    cursor: str,
    now: datetime,
    lang: Lang,
    query: Iterable[tuple[str, str]] = (),
    *,
    demo: bool = False,
    timing: Timing | None = None,
) -> str:
    """The board page. `query` is the address's name and value pairs (filters, language).

    `KeyError` when the catalogue has no such cluster.
    """
    pairs = tuple(query)
    words = _words(catalogue, now, lang)
    abilities = _abilities(catalogue, cluster_id, words.lang)
    municipalities = municipalities_of(catalogue, cluster_id, now)
    filters = read_filters(pairs, municipalities, abilities)
    asked = next((v for k, v in pairs if k == "lang" and v in LANGUAGES), None)
    layout = lay_out(Viewer(catalogue, now, words, abilities, filters), cluster_id, rows)
    needs = [
        Choice(code, _upper(name), filters.toggled(code).href(asked), code in filters.capabilities)
        for code, name in abilities.items()
    ]
    first = {code: place for place, code in enumerate(FIRST_NEEDS)}
    more_needs = [choice for choice in needs if choice.value not in first]
    return render(
        "board.html",
        words,
        **_common(catalogue, cluster_id, layout, cursor, now, words, abilities, demo, timing),
        municipality_choices=[
            Choice(code, name, filters.in_municipality(code or None).href(asked), chosen)
            for code, name, chosen in _municipality_choices(municipalities, filters, words)
        ],
        needs=sorted((c for c in needs if c.value in first), key=lambda c: first[c.value]),
        more_needs=more_needs,
        more_label=_more_label(more_needs, words),
        filters=filters,
        clear_href=Filters().href(asked),
        language_hrefs={other: filters.href(other) for other in LANGUAGES},
        status=_status(layout, filters, words),
    )


def render_wall(
    catalogue: Catalogue,
    cluster_id: str,
    rows: Sequence[Row],
    cursor: str,
    now: datetime,
    lang: Lang = DEFAULT,
    *,
    demo: bool = False,
    timing: Timing | None = None,
) -> str:
    """The wall screen: the same figures, large, with a clock and nothing to press."""
    words = _words(catalogue, now, lang)
    abilities = _abilities(catalogue, cluster_id, words.lang)
    layout = lay_out(Viewer(catalogue, now, words, abilities, Filters()), cluster_id, rows)
    return render(
        "wall.html",
        words,
        **_common(catalogue, cluster_id, layout, cursor, now, words, abilities, demo, timing),
        stale_names=stale_names((view.shown for view in layout.units), words),
        clock=times.clock(words, now),
    )


def stale_names(units: Iterable[Shown], words: Words) -> str:
    """One sentence naming the units shown as outdated or unknown; empty when there are none.

    It goes by the mark, so that the sentence can never count otherwise than the eye does.
    """
    names = [texts["name"] for texts in units if texts["mark"] in ("stale", "unknown")]
    return words.count("stale_names", len(names), names=", ".join(names)) if names else ""


def _common(
    catalogue: Catalogue,
    cluster_id: str,
    layout: Layout,
    cursor: str,
    now: datetime,
    words: Words,
    abilities: dict[str, str],
    demo: bool,
    timing: Timing | None,
) -> dict[str, object]:
    return {
        "cluster": catalogue.clusters[cluster_id],
        "title": _title(catalogue, cluster_id, now, words),
        "layout": layout,
        "cursor": cursor,
        "server_time": format_instant(now),
        "taken_at": times.moment(words, now, now),
        "demo": demo,
        "timing": timing or Timing(),
        "script_words": {
            **words.for_script(),
            "abilities": abilities,
            "shapes": {kind.value: shape.value for kind, shape in REPORT_TYPE_OF_KIND.items()},
            "local_kinds": sorted(kind.value for kind in LOCAL_KINDS),
        },
    }


def _words(catalogue: Catalogue, now: datetime, lang: Lang) -> Words:
    term = catalogue.term("acute_place", now)
    if term is None:
        return Words(lang)
    return Words(lang, (term.da, term.da_plural) if lang == "da" else (term.en, term.en_plural))


def _title(catalogue: Catalogue, cluster_id: str, now: datetime, words: Words) -> str:
    """The grouping's name with the word of the day: a cluster until 2027, a council after."""
    term = catalogue.term("cluster", now)
    kind = words.text("cluster") if term is None else term.da if words.lang == "da" else term.en
    return f"{catalogue.clusters[cluster_id].name} {kind}"


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]


def _abilities(catalogue: Catalogue, cluster_id: str, lang: Lang) -> dict[str, str]:
    """Code and name of the capabilities that some unit of the cluster has, in catalogue order."""
    had = {code for unit in catalogue.units_of(cluster_id) for code in unit.capabilities}
    return {
        code: term.da if lang == "da" else term.en
        for code, term in catalogue.capabilities.items()
        if code in had
    }


def _municipality_choices(
    municipalities: dict[str, str], filters: Filters, words: Words
) -> Iterable[tuple[str, str, bool]]:
    yield "", words.text("all_municipalities"), filters.municipality is None
    for code, name in municipalities.items():
        yield code, name, filters.municipality == code


def _more_label(choices: Sequence[Choice], words: Words) -> str:
    """The unfolding button says how many it hides, so that no choice is out of sight."""
    chosen = sum(choice.chosen for choice in choices)
    return words.text("more_needs_chosen", n=chosen) if chosen else words.text("more_needs")


def _status(layout: Layout, filters: Filters, words: Words) -> str:
    if not filters.chosen:
        return ""
    visible = sum(not unit.hidden for unit in layout.filtered)
    return words.text("filter_status", shown=visible, all=len(layout.filtered))
