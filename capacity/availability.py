"""What a unit's row says of it for a need: open or closed, free or full, and how sure that is.

Figures that are stale or were never reported are not used at all: they are a reason to ask, and
neither a yes nor a no is made of them. Ageing ones are used, with a remark: whoever holds a place
asks the unit anyway.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from capacity.findings import Findings, Moments
from capacity.model import Freshness, ReportType, State
from capacity.need import Need
from capacity.suitability import Candidate, wait_of

RowJson = Mapping[str, Any]
"""A row as JSON has it (`capacity.row.Row`)."""


def freshness_of(row: RowJson, moments: Moments) -> Freshness:
    """How far the row's figures can be trusted; the rule of `capacity.rules.freshness_at`."""
    if row["observed_at"] is None or row["stale_at"] is None:
        return Freshness.UNKNOWN
    if moments.reached(_instant(row["stale_at"])):
        return Freshness.STALE
    if row["ageing_at"] is not None and moments.reached(_instant(row["ageing_at"])):
        return Freshness.AGEING
    return Freshness.FRESH


def judge_row(
    found: Findings,
    candidate: Candidate,
    row: RowJson,
    need: Need,
    moments: Moments,
    freshness: Freshness,
) -> None:
    """Add the findings."""
    trusted = freshness in (Freshness.FRESH, Freshness.AGEING)
    _judge_off_today(found, row, need, trusted=trusted)
    if trusted:
        _judge_figures(found, candidate, row, need, moments)
    else:
        _judge_last_word(found, row, need, moments)
    _judge_trust(found, row, freshness)


def _judge_off_today(found: Findings, row: RowJson, need: Need, *, trusted: bool) -> None:
    off = row["capabilities_off"]
    missed = off and [each for each in need.capabilities if each in off]
    if missed and trusted:
        found.no("capability_off", capabilities=missed)
    elif missed:
        found.ask("capability_off", capabilities=missed)


def _judge_trust(found: Findings, row: RowJson, freshness: Freshness) -> None:
    if freshness is Freshness.UNKNOWN:
        found.ask("never_reported")
    elif freshness is Freshness.STALE:
        found.ask("stale", observed_at=row["observed_at"])
    elif freshness is Freshness.AGEING:
        found.fact("ageing", observed_at=row["observed_at"])
    other = row["disputed"]
    if other:
        found.ask("disputed", **{key: other.get(key) for key in _OF_A_DISPUTE})
    if row["inconsistencies"]:
        found.ask("inconsistent", inconsistencies=row["inconsistencies"])


_OF_A_DISPUTE = ("source", "free", "state", "observed_at")


def _judge_last_word(found: Findings, row: RowJson, need: Need, moments: Moments) -> None:
    """Of old news only a closure is told: it stands until its own reopening, if that is ahead."""
    reopens_at = row["reopens_at"]
    if reopens_at is not None and not moments.reached(_instant(reopens_at)):
        _judge_closure(found, row, need, moments)
    elif row["state"] == State.CLOSED and row["observed_at"] is not None:
        found.ask("closed_last", reason=row["closure_reason"])


def _judge_figures(
    found: Findings, candidate: Candidate, row: RowJson, need: Need, moments: Moments
) -> None:
    report_type = candidate.unit.report_type
    if row["closure_reason"] is not None:
        _judge_closure(found, row, need, moments)
    elif row["on_duty"] is False:
        if not _later(found, "on_duty_later", row, need, moments):
            found.no("off_duty", next_free_at=row["next_free_at"])
    elif row["state"] == State.CLOSED:
        found.no("closed_all")
    elif report_type is ReportType.ADVICE:
        _judge_line(found, row, need)
    elif report_type is ReportType.LOAD:
        _judge_clinic(found, row, need)
    else:
        _judge_places(found, row, need, moments, slots=report_type is ReportType.SLOT)


def _judge_closure(found: Findings, row: RowJson, need: Need, moments: Moments) -> None:
    reopens_at = row["reopens_at"]
    closure = {"reason": row["closure_reason"], "reopens_at": reopens_at}
    if reopens_at is None:
        found.no("closed", **closure)
    elif moments.reached(_instant(reopens_at)):
        found.ask("reopening_passed", **closure)
    elif moments.comes_within(_instant(reopens_at), wait_of(need)):
        found.ask("reopens", **closure)
    else:
        found.no("closed", **closure)


def _later(found: Findings, code: str, row: RowJson, need: Need, moments: Moments) -> bool:
    """Whether something comes free in time although nothing is now; then that is a finding."""
    if row["next_free_at"] is None:
        return False
    instant = _instant(row["next_free_at"])
    if moments.reached(instant) or not moments.comes_within(instant, wait_of(need)):
        return False
    found.ask(code, at=row["next_free_at"])
    return True


def _judge_line(found: Findings, row: RowJson, need: Need) -> None:
    """A telephone line: to be reached is its capacity."""
    if row["on_duty"] is not True and row["state"] != State.FREE:
        found.ask("duty_unknown")
    elif row["wait_minutes"] is not None:
        _judge_wait(found, row["wait_minutes"], need)
    else:
        found.fact("answers")


def _judge_clinic(found: Findings, row: RowJson, need: Need) -> None:
    """Open doors: what counts is how long one waits; a free count decides where there is one."""
    if row["free"] == 0:
        found.no("none_free", held=row["held"])
    elif row["wait_minutes"] is not None:
        _judge_wait(found, row["wait_minutes"], need)
    elif row["free"] is None:
        found.ask("wait_unknown")
    else:
        found.fact("free", n=row["free"], held=row["held"])


def _judge_wait(found: Findings, minutes: int, need: Need) -> None:
    if need.within_minutes is not None and minutes > need.within_minutes:
        found.ask("wait_too_long", minutes=minutes, within=need.within_minutes)
    else:
        found.fact("wait", minutes=minutes)


def _judge_places(
    found: Findings, row: RowJson, need: Need, moments: Moments, *, slots: bool
) -> None:
    free, held = row["free"], row["held"]
    if free is None:
        if not _later(found, "free_later", row, need, moments):
            found.ask("free_unknown")
    elif free > 0:
        found.fact("free", n=free, held=held)
        if slots:
            _judge_slot_time(found, row, need, moments)
    elif not _later(found, "free_later", row, need, moments):
        found.no("all_held" if held else "none_free", held=held)


def _judge_slot_time(found: Findings, row: RowJson, need: Need, moments: Moments) -> None:
    at = row["next_free_at"]
    if at is None:
        if need.within_minutes is not None:
            found.ask("slot_time_unknown")
        return
    instant = _instant(at)
    if moments.reached(instant):
        found.ask("slot_passed", at=at)
    elif need.within_minutes is None or moments.comes_within(
        instant, timedelta(minutes=need.within_minutes)
    ):
        found.fact("slot", at=at)
    else:
        found.no("slot_late", at=at)


def _instant(text: str) -> datetime:
    """An instant of a row; rows have them in one notation, which Python reads itself."""
    return datetime.fromisoformat(text)
