"""What the page says of one row at one moment, as plain texts for the slots of a unit's element.

The one place on the server where a row turns into words; `static/js/shown.js` is its mirror in
the browser, and a test holds the two against each other over generated rows. Rules: a stale or
unknown figure is a dash and never a number, unknown is never 0, a contradiction is said in words.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from capacity.instants import parse_instant
from capacity.model import (
    REPORT_TYPE_OF_KIND,
    Freshness,
    Inconsistency,
    ReportType,
    State,
    UnitKind,
)
from capacity.row import Row
from capacity.rules import freshness_at
from web.pages import times
from web.words import Words

Shown = dict[str, str]
"""Slot name to text, "" where there is nothing to say; and `mark` and `freshness`, for the eye.

`mark` is free, one, occupied, closed, stale, unknown, or load (pressure, not an offer). `hold` says
whether a place can be asked for now: yes, no, or "" where the kind of unit is only ever rung.
"""

HOLDABLE: Final = frozenset({ReportType.PLACE, ReportType.TEAM, ReportType.SLOT})
"""Shapes of report that tell of something to keep: a place, a visit, a slot."""
LIVE: Final = ("asked", "accepted")
"""States of a hold that keeps a place now."""
NURSE: Final = "nurse"
"""The source of what a person at the unit said by hand."""


def instant(text: str | None) -> datetime | None:
    """The instant of a row's field."""
    return parse_instant(text) if text else None


def freshness_of(row: Row, now: datetime) -> Freshness:
    """How far the row's figures can be trusted at `now`."""
    return freshness_at(
        now, instant(row["observed_at"]), instant(row["ageing_at"]), instant(row["stale_at"])
    )


def shown(row: Row, now: datetime, words: Words, abilities: Mapping[str, str]) -> Shown:
    """All texts of one unit at `now`; `abilities` names the capabilities by code."""
    freshness = freshness_of(row, now)
    trusted = freshness in (Freshness.FRESH, Freshness.AGEING)
    return {
        "name": row["name"],
        "freshness": freshness.value,
        **_figure(row, freshness, words),
        **_pressure(row, trusted, words),
        **_age(row, freshness, now, words),
        "line": " · ".join(part for part in _line(row, freshness, now, words) if part),
        "warn": _contradictions(row, words) if trusted else "",
        "note": row["note"] or "",
        "phone": national(row["phone"] or ""),
        "counts": _counts(row, words) if trusted else "",
        "abilities": _names(row["capabilities"], abilities),
        "abilities_off": _off(row, words, abilities),
        "source": row["source"] or "",
        "held": words.count("held", row["held"]) if row["held"] else "",
        "holds": ", ".join(_holds(row, now, words)),
        "disputed": _dispute(row, now, words),
        "hold": _may_hold(row, trusted),
    }


def countdown(until: datetime, now: datetime) -> str:
    """Minutes and seconds left until an instant, "0:00" when it has passed."""
    left = max(0, -((now - until) // timedelta(seconds=1)))
    return f"{left // 60}:{left % 60:02}"


def _holds(row: Row, now: datetime, words: Words) -> Iterable[str]:
    """What stands between the unit's own figure and the free one, and a decline just given."""
    holds = [dict[str, Any](hold) for hold in row["holds"]]
    live = [hold for hold in holds if hold["state"] in LIVE]
    for hold in sorted(live, key=lambda hold: (hold["expires_at"], hold["id"])):
        left = countdown(parse_instant(hold["expires_at"]), now)
        yield words.text(f"hold_{hold['state']}", left=left)
    filled = sum(hold["state"] == "filled" and hold["counts"] for hold in holds)
    if filled:
        yield words.text("hold_filled", n=filled)
    declined = max((h["ended_at"] for h in holds if h["state"] == "declined"), default=None)
    if declined:
        yield words.text("hold_declined", time=times.moment(words, parse_instant(declined), now))


def _dispute(row: Row, now: datetime, words: Words) -> str:
    """Both figures, where a feed and a person at the unit disagree, each with its time."""
    other = row["disputed"]
    if other is None:
        return ""
    standing = (row["state"], row["free_before_holds"], row["observed_at"])
    said = (other["state"], other["free"], other["observed_at"])
    system, nurse = (standing, said) if other["source"] == NURSE else (said, standing)
    return words.text(
        "disputed", system=_word_of(system, now, words), nurse=_word_of(nurse, now, words)
    )


def _word_of(said: tuple[Any, Any, Any], now: datetime, words: Words) -> str:
    state, free, observed_at = said
    if state == State.CLOSED:
        figure = words.text("word_closed")
    else:
        figure = words.text("no_number") if free is None else str(free)
    observed = instant(observed_at)
    time = times.moment(words, observed, now) if observed else ""
    return f"{figure} {time}".strip()


def _may_hold(row: Row, trusted: bool) -> str:
    if REPORT_TYPE_OF_KIND[UnitKind(row["kind"])] not in HOLDABLE:
        return ""
    return "yes" if trusted and row["state"] != State.CLOSED and row["free"] else "no"


def _figure(row: Row, freshness: Freshness, words: Words) -> Shown:
    if freshness is Freshness.STALE:
        return _mark(words, "stale")
    if freshness is Freshness.UNKNOWN:
        return _mark(words, "unknown")
    if row["state"] == State.CLOSED:
        return _mark(words, "closed")
    load = _load(row, words)
    if load is not None:
        return load
    free = row["free"]
    if free is None:
        if row["state"] == State.FREE:
            return {**_mark(words, "free"), "number": "", "word": words.text("state_open")}
        return _mark(words, "unknown")
    mark = "occupied" if free < 1 else "one" if free == 1 else "free"
    return {**_mark(words, mark), "number": str(free), "of": _of(row, words)}


def _mark(words: Words, mark: str) -> Shown:
    return {
        "mark": mark,
        "number": words.text("no_number"),
        "of": "",
        "word": words.text(f"state_{mark}"),
    }


def _load(row: Row, words: Words) -> Shown | None:
    """A department's or queue's pressure; ``None`` when the row offers something instead."""
    if REPORT_TYPE_OF_KIND[UnitKind(row["kind"])] is not ReportType.LOAD:
        return None
    if row["occupied"] is not None:
        number, of, word = str(row["occupied"]), _of(row, words), "load_occupied"
    elif row["waiting"] is not None:
        number, of, word = str(row["waiting"]), "", "waiting"
    elif row["wait_minutes"] is not None:
        number, of, word = words.text("minutes", n=row["wait_minutes"]), "", "wait"
    else:
        return None
    return {"mark": "load", "number": number, "of": of, "word": words.text(word)}


def _of(row: Row, words: Words) -> str:
    return "" if row["total"] is None else words.text("of", n=row["total"])


def _pressure(row: Row, trusted: bool, words: Words) -> Shown:
    """Waiting and waiting time, where the main figure is not already that."""
    texts = dict.fromkeys(("waiting", "waiting_word", "wait", "wait_word"), "")
    if not trusted or row["state"] == State.CLOSED:
        return texts
    is_load = REPORT_TYPE_OF_KIND[UnitKind(row["kind"])] is ReportType.LOAD
    waiting_leads = is_load and row["occupied"] is None and row["waiting"] is not None
    wait_leads = is_load and row["occupied"] is None and row["waiting"] is None
    if row["waiting"] is not None and not waiting_leads:
        texts |= {"waiting": str(row["waiting"]), "waiting_word": words.text("waiting")}
    if row["wait_minutes"] is not None and not wait_leads:
        minutes = words.text("minutes", n=row["wait_minutes"])
        texts |= {"wait": minutes, "wait_word": words.text("wait")}
    return texts


def _age(row: Row, freshness: Freshness, now: datetime, words: Words) -> Shown:
    observed = instant(row["observed_at"])
    if observed is None:
        never = words.text("observed_never")
        return {"age": words.text("age_never"), "ageing": "", "observed": never, "observed_at": ""}
    return {
        "age": times.age(words, (now - observed).total_seconds()),
        "ageing": words.text("ageing") if freshness is Freshness.AGEING else "",
        "observed": words.text("observed", time=times.full(words, observed)),
        "observed_at": row["observed_at"] or "",
    }


def _line(row: Row, freshness: Freshness, now: datetime, words: Words) -> Sequence[str]:
    stale = freshness is Freshness.STALE
    parts: list[str] = []
    observed = instant(row["observed_at"])
    if stale and observed is not None:
        parts.append(words.text("last_at", time=times.moment(words, observed, now)))
    if row["closure_reason"]:
        reason = row["closure_reason"]
        parts.append(words.text("was_closed", reason=reason) if stale else reason)
    parts.append(_reopening(row, now, words))
    if not stale:
        parts.append(_duty(row, words))
        next_free = instant(row["next_free_at"])
        if next_free is not None and next_free > now:
            parts.append(words.text("next_free", time=times.moment(words, next_free, now)))
    return parts


def _reopening(row: Row, now: datetime, words: Words) -> str:
    reopens = instant(row["reopens_at"])
    if reopens is None:
        return ""
    key = "reopens" if row["reopens_itself"] else "reopens_expected"
    if reopens <= now:
        key = "reopening_passed"
    return words.text(key, time=times.moment(words, reopens, now))


def _duty(row: Row, words: Words) -> str:
    """Said only where the state does not say it already."""
    if row["on_duty"] is False and not row["closure_reason"]:
        return words.text("off_duty")
    return words.text("on_duty") if row["on_duty"] and row["state"] == State.UNKNOWN else ""


def _contradictions(row: Row, words: Words) -> str:
    texts: list[str] = []
    for code in row["inconsistencies"]:
        if code == Inconsistency.OCCUPIED_OVER_TOTAL:
            text = words.text("inconsistent_capacity", occupied=row["occupied"], total=row["total"])
        elif code == Inconsistency.STAFFED_OVER_TOTAL:
            text = words.text("inconsistent_staff")
        else:
            text = words.text("inconsistent")
        if text not in texts:
            texts.append(text)
    return ", ".join(texts)


def _counts(row: Row, words: Words) -> str:
    """The parts a source told of; what it did not tell is left out rather than called 0."""
    parts = {
        "count_total": row["total"],
        "count_staffed": row["staffed"],
        "count_occupied": row["occupied"],
        "count_reserved": row["reserved"],
        "count_closed": row["closed"],
        "count_held": row["held"] or None,
    }
    return ", ".join(words.text(key, n=n) for key, n in parts.items() if n is not None)


def national(phone: str) -> str:
    """A Danish number as Danes write it; the link dials the whole one."""
    return phone.removeprefix("+45").strip()


def _names(codes: Sequence[str], abilities: Mapping[str, str]) -> str:
    return ", ".join(abilities.get(code, code) for code in codes)


def _off(row: Row, words: Words, abilities: Mapping[str, str]) -> str:
    off = row["capabilities_off"]
    return words.text("abilities_off", names=_names(off, abilities)) if off else ""
