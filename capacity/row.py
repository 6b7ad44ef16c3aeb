"""Rows: what the board shows of a unit, as plain JSON, every field always present.

A row holds nothing that changes by the passing of time alone; age and freshness are derived from
`observed_at`, `ageing_at` and `stale_at` wherever the row is shown. That is what makes a snapshot
followed by rows equal to a fresh snapshot.
"""

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import TypedDict

import orjson

from capacity.instants import format_instant
from capacity.model import Report, ReportType
from capacity.rules import state_of, unusable
from capacity.units import Freshness, Unit


class Row(TypedDict):
    """One unit on the board. Counts are ``None`` when unknown; instants are ISO 8601 UTC texts.

    `held` counts live holds; `free` is after holds, and 0 while closed; `free_before_holds` is the
    ruled count whether open or closed. `organisation` is a catalogue id,
    `municipality` a four-digit code, `capabilities` those that are available now.
    """

    unit: str
    name: str
    kind: str
    organisation: str
    municipality: str
    total: int | None
    staffed: int | None
    occupied: int | None
    reserved: int | None
    closed: int | None
    held: int
    free_before_holds: int | None
    free: int | None
    state: str
    inconsistencies: list[str]
    capabilities: list[str]
    capabilities_off: list[str]
    note: str | None
    closure_reason: str | None
    reopens_at: str | None
    reopens_itself: bool
    on_duty: bool | None
    next_free_at: str | None
    waiting: int | None
    wait_minutes: int | None
    phone: str | None
    authority: str | None
    operator: str | None
    observed_at: str | None
    received_at: str | None
    ageing_at: str | None
    stale_at: str | None
    source: str | None


def row_of(
    unit: Unit,
    report: Report | None,
    *,
    received_at: datetime | None = None,
    source: str | None = None,
    freshness: Freshness | None = None,
    today: date | None = None,
) -> Row:
    """The row of `unit` after `report`; without a report, a row of unknowns.

    `freshness` is the source's own, where it declares one. `today` dates authority and operator.
    """
    off = set(report.capabilities_off) if report else set()
    closure = report.closure if report else None
    on_duty = getattr(report, "on_duty", None)
    trust = freshness or unit.freshness
    observed_at = report.observed_at if report else None
    return Row(
        unit=unit.id,
        name=unit.name,
        kind=unit.kind.value,
        organisation=unit.organisation,
        municipality=unit.municipality,
        total=report.total if report else None,
        staffed=report.staffed if report else None,
        occupied=report.occupied if report else None,
        reserved=report.reserved if report else None,
        closed=report.closed if report else None,
        held=0,
        free_before_holds=report.free if report else None,
        free=_shown_free(report),
        state=_state(report),
        inconsistencies=[i.value for i in report.inconsistencies] if report else [],
        capabilities=[c for c in unit.capabilities if c not in off],
        capabilities_off=[c for c in unit.capabilities if c in off],
        note=report.note if report else None,
        closure_reason=closure.reason if closure else None,
        reopens_at=format_instant(closure.reopens_at) if closure else None,
        reopens_itself=closure.reopens_itself if closure else False,
        on_duty=on_duty,
        next_free_at=format_instant(getattr(report, "next_free_at", None)),
        waiting=getattr(report, "waiting", None),
        wait_minutes=getattr(report, "wait_minutes", None),
        phone=unit.phone,
        authority=unit.authority.on(today) if today else None,
        operator=unit.operator.on(today) if today else None,
        observed_at=format_instant(observed_at),
        received_at=format_instant(received_at) if report else None,
        ageing_at=format_instant(observed_at + trust.ageing_after) if observed_at else None,
        stale_at=format_instant(observed_at + trust.stale_after) if observed_at else None,
        source=source if report else None,
    )


def _shown_free(report: Report | None) -> int | None:
    """A closed unit offers nothing, whatever its counts say."""
    if report is None:
        return None
    if report.closure is not None or getattr(report, "on_duty", None) is False:
        return 0
    return report.free


def _state(report: Report | None) -> str:
    if report is None:
        return state_of(
            free=None, total=None, occupied=None, out_of_use=None, closure=None, on_duty=None
        ).value
    return state_of(
        free=report.free,
        total=report.total,
        occupied=report.occupied,
        out_of_use=unusable(report.total, report.staffed, report.closed or 0),
        closure=report.closure,
        on_duty=getattr(report, "on_duty", None),
        answers_when_on_duty=report.type is ReportType.ADVICE,
    ).value


def encode_row(row: Row) -> bytes:
    """The row as compact JSON bytes, the form in which it is stored, streamed and sent."""
    return orjson.dumps(row)


def digest_of(source: str, report: Report) -> str:
    """Identity of a message's content: the same words from the same source, and nothing else."""
    parts: Sequence[object] = (source, repr(report))
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=12).hexdigest()
