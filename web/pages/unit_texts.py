"""What a unit's phone page says of its row, as plain texts for the page's slots.

`static/js/unit/texts.js` is the mirror in the browser; a test reads the page with and without
script and holds the two against each other. Without a row (the page was opened offline) nothing is
known, and nothing is called 0.
"""

from collections.abc import Mapping
from datetime import datetime

from capacity.board.store import NURSE
from capacity.hand_report import empty_now
from capacity.holds import LIVE
from capacity.model import Freshness, State
from capacity.row import Row
from capacity.units import Unit
from web.pages import times
from web.pages.shown import freshness_of, instant, shown
from web.words import Words


def promised(row: Row | None) -> int:
    """How many places are kept for somebody on the way."""
    return 0 if row is None else sum(hold["state"] in LIVE for hold in row["holds"])


def said(
    row: Row | None, now: datetime, words: Words, unit: Unit, config: Mapping[str, object]
) -> dict[str, str]:
    """Slot name to text ("" where there is nothing to say); `mark` and `shut` are for the eye."""
    kind = unit.report_type.value
    texts = {
        "question": words.text(f"unit_question_{kind}"),
        "rule": words.text(f"unit_rule_{kind}") if kind in ("place", "team", "slot") else "",
    }
    if row is None:
        return texts | {
            "now": words.text("no_number"), "line": "", "warn": "", "age": "", "kept": "",
            "stale": words.text("unit_no_figures"), "confirm": "", "mark": "unknown", "shut": "",
        }  # fmt: skip
    abilities = config["abilities"]
    assert isinstance(abilities, dict)
    seen = shown(row, now, words, abilities)
    stale = seen["freshness"] == Freshness.STALE
    kept = promised(row)
    shut = _is_shut(row)
    return texts | {
        "now": _now(row, now, words, seen, stale),
        "line": _line(row, now, words, seen, stale),
        "warn": seen["warn"],
        "age": _age(row, now, words, config),
        "kept": words.count("unit_kept_count", kept) if kept else "",
        "stale": words.text("unit_stale") if stale else "",
        "confirm": _confirm(row, now, words, kept, shut, kind),
        "mark": seen["mark"],
        "shut": "shut" if shut else "",
    }


def figure(row: Row, words: Words, free: int | None) -> str:
    """A count with its word: "2 af 4 ledige"; or what a unit without a count shows."""
    if free is None:
        return words.text("no_number")
    total = "" if row["total"] is None else f" {words.text('of', n=row['total'])}"
    return f"{free}{total} {words.count('total_free', free)}"


def _is_shut(row: Row) -> bool:
    return row["state"] == State.CLOSED


def _now(row: Row, now: datetime, words: Words, seen: Mapping[str, str], stale: bool) -> str:
    if freshness_of(row, now) is Freshness.UNKNOWN:
        return words.text("unit_never")
    if stale:
        return words.text("unit_last", figure=_plain(row, now, words, seen))
    return words.text("unit_now", figure=_plain(row, now, words, seen))


def _plain(row: Row, now: datetime, words: Words, seen: Mapping[str, str]) -> str:
    if _is_shut(row):
        return words.text("unit_figure_closed")
    if seen["mark"] == "load":
        return " ".join(part for part in (seen["number"], seen["of"], seen["word"]) if part)
    if row["free"] is not None:
        return figure(row, words, row["free"])
    if row["state"] == State.FREE:
        return words.text("state_open").lower()
    return words.text("no_number")


def _line(row: Row, now: datetime, words: Words, seen: Mapping[str, str], stale: bool) -> str:
    """The reason and the reopening of a closure, who is on duty, when the next is free."""
    last = instant(row["observed_at"]) if stale else None
    if last is None:
        return seen["line"]
    said_already = words.text("last_at", time=times.moment(words, last, now))
    return " · ".join(part for part in seen["line"].split(" · ") if part != said_already)


def _age(row: Row, now: datetime, words: Words, config: Mapping[str, object]) -> str:
    observed = instant(row["observed_at"])
    if observed is None:
        return ""
    return words.text(
        "unit_updated",
        time=times.moment(words, observed, now),
        age=times.age(words, (now - observed).total_seconds()),
        source=source_name(row["source"], words, config),
    )


def source_name(source: str | None, words: Words, config: Mapping[str, object]) -> str:
    """Who said it, by the source's own name for itself."""
    if source == NURSE:
        return words.text("unit_source_nurse")
    names = config["sources"]
    assert isinstance(names, dict)
    return str(names.get(source, source or words.text("no_number")))


def _confirm(row: Row, now: datetime, words: Words, kept: int, shut: bool, kind: str) -> str:
    """What the large button says; "" when there is nothing to confirm."""
    if row["observed_at"] is None:
        return ""
    if shut:
        return words.text("unit_confirm_closed")
    if kind not in ("place", "team", "slot"):
        return words.text("unit_confirm_plain")
    empty = empty_now(row, now)
    if empty is None:
        return ""
    said_figure = f"{empty} {words.count('total_free', empty)}"
    if kept and empty:
        said_figure = words.text("unit_figure_kept", figure=said_figure, n=min(kept, empty))
    return words.text("unit_confirm", figure=said_figure)
