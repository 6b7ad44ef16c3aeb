"""Rows: what the board shows of a unit, as plain JSON, every field always present.

A row holds nothing that changes by the passing of time alone; age and freshness are derived from
`observed_at`, `ageing_at` and `stale_at` wherever the row is shown. That is what makes a snapshot
followed by rows equal to a fresh snapshot.

Rows are made without holds and disputes (`without_holds`): the store fills them in, in the one
place in which it writes rows, so that nobody who writes a row can overwrite a hold.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import TypedDict

import orjson

from capacity.holds import LIVE
from capacity.instants import format_instant
from capacity.model import REPORT_TYPE_OF_KIND, Closure, Report, ReportType, State, UnitKind
from capacity.rules import state_of, unusable
from capacity.units import Freshness, Unit


class Row(TypedDict):
    """One unit on the board. Counts are ``None`` when unknown; instants are ISO 8601 UTC texts.

    `held` counts live holds and `holds` lists them, with those that ended lately (see
    `capacity.board.holds`); `disputed` is the other word where a feed and a nurse disagree.
    Both are filled by the store itself. `free` is after holds, and 0 while closed;
    `free_before_holds` is the ruled count whether open or closed. `organisation` is a catalogue id,
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
    holds: list[dict[str, object]]
    disputed: dict[str, object] | None
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
    row = _unreported(unit, today).copy()
    if report is None:
        return row
    trust = freshness or unit.freshness
    row["total"] = report.total
    row["staffed"] = report.staffed
    row["occupied"] = report.occupied
    row["reserved"] = report.reserved
    row["closed"] = report.closed
    row["free_before_holds"] = report.free
    row["inconsistencies"] = [found.value for found in report.inconsistencies]
    row["note"] = report.note
    row["on_duty"] = getattr(report, "on_duty", None)
    row["next_free_at"] = format_instant(getattr(report, "next_free_at", None))
    row["waiting"] = getattr(report, "waiting", None)
    row["wait_minutes"] = getattr(report, "wait_minutes", None)
    row["observed_at"], row["ageing_at"], row["stale_at"] = _ages(report.observed_at, trust)
    row["received_at"] = format_instant(received_at)
    row["source"] = source
    if report.capabilities_off:
        off = set(report.capabilities_off)
        row["capabilities"] = [word for word in unit.capabilities if word not in off]
        row["capabilities_off"] = [word for word in unit.capabilities if word in off]
    if report.closure is not None:
        row["closure_reason"] = report.closure.reason
        row["reopens_at"] = format_instant(report.closure.reopens_at)
        row["reopens_itself"] = report.closure.reopens_itself
    return judge(row)


@lru_cache(maxsize=1024)
def _ages(observed_at: datetime, trust: Freshness) -> tuple[str | None, str | None, str | None]:
    """When it was observed, when it ages and when it is stale; the rows of a document share few."""
    return (
        format_instant(observed_at),
        format_instant(observed_at + trust.ageing_after),
        format_instant(observed_at + trust.stale_after),
    )


@lru_cache(maxsize=20_000)
def _unreported(unit: Unit, today: date | None) -> Row:
    """The row of a unit of which nothing is known; the same for every report, hence kept."""
    return Row(
        unit=unit.id,
        name=unit.name,
        kind=unit.kind.value,
        organisation=unit.organisation,
        municipality=unit.municipality,
        total=None,
        staffed=None,
        occupied=None,
        reserved=None,
        closed=None,
        held=0,
        holds=[],
        disputed=None,
        free_before_holds=None,
        free=None,
        state=State.UNKNOWN.value,
        inconsistencies=[],
        capabilities=list(unit.capabilities),
        capabilities_off=[],
        note=None,
        closure_reason=None,
        reopens_at=None,
        reopens_itself=False,
        on_duty=None,
        next_free_at=None,
        waiting=None,
        wait_minutes=None,
        phone=unit.phone,
        authority=unit.authority.on(today) if today else None,
        operator=unit.operator.on(today) if today else None,
        observed_at=None,
        received_at=None,
        ageing_at=None,
        stale_at=None,
        source=None,
    )


_OPEN_BY_DUTY = frozenset(
    kind.value for kind in UnitKind if REPORT_TYPE_OF_KIND[kind] is ReportType.ADVICE
)


def judge(row: Row) -> Row:
    """Set free and state as they follow from the row's counts, closure and duty; returns the row.

    A closed unit offers nothing, whatever its counts say. Holds and disputes are left out: the row
    is as a report makes it, and the store fills them in.
    """
    free, reason, on_duty = row["free_before_holds"], row["closure_reason"], row["on_duty"]
    row["state"] = state_of(
        free=free,
        total=row["total"],
        occupied=row["occupied"],
        out_of_use=unusable(row["total"], row["staffed"], row["closed"] or 0),
        closure=None if reason is None else Closure(reason),
        on_duty=on_duty,
        answers_when_on_duty=row["kind"] in _OPEN_BY_DUTY,
    ).value
    row["free"] = 0 if reason is not None or on_duty is False else free
    row["held"], row["holds"], row["disputed"] = 0, [], None
    return row


def without_holds(row: Row) -> Row:
    """A copy of the row as it is without holds and disputes: what a writer hands to the store."""
    return judge(row.copy())


def with_holds(
    row: Row, holds: Sequence[Mapping[str, object]], disputed: Mapping[str, object] | None = None
) -> Row:
    """A copy of the row with these holds of its unit, as the store fills them in (`kept.lua`).

    Holds that count lower free, never below zero; where it is unknown it stays so, and a closed
    unit offers nothing anyway. This is the store's step in Python, for whoever has no store.
    """
    filled = without_holds(row)
    filled["held"] = sum(hold["state"] in LIVE for hold in holds)
    filled["holds"] = [dict(hold) for hold in holds]
    filled["disputed"] = None if disputed is None else dict(disputed)
    before = filled["free_before_holds"]
    if before is not None and filled["state"] != State.CLOSED:
        filled["free"] = max(0, before - sum(hold["counts"] is True for hold in holds))
        filled["state"] = (State.FREE if filled["free"] else State.OCCUPIED).value
    return filled


def encode_row(row: Row) -> bytes:
    """The row as compact JSON bytes, the form in which it is handed to the store: without holds."""
    return orjson.dumps(without_holds(row) if row["holds"] or row["disputed"] else row)


def read_row(encoded: bytes) -> Row:
    """A stored row; one that a program before holds has written is brought to the present shape.

    Its fields then stand in the order that the store relies on.
    """
    row: Row = orjson.loads(encoded)
    if "holds" in row:
        return row
    blank: dict[str, object] = {"held": 0, "holds": []}
    return Row(**{name: row.get(name, blank.get(name)) for name in Row.__annotations__})


_REPORTED = itemgetter(
    "total", "staffed", "occupied", "reserved", "closed", "free_before_holds", "free", "state",
    "inconsistencies", "capabilities_off", "note", "closure_reason", "reopens_at",
    "reopens_itself", "on_duty", "next_free_at", "waiting", "wait_minutes", "observed_at", "source",
)  # fmt: skip


def digest_of(row: Row) -> str:
    """Identity of what a source said: equal for equal words of the same source, and only then.

    When it was received, and what the catalogue adds, do not count.
    """
    return blake2b(orjson.dumps(_REPORTED(row)), digest_size=12).hexdigest()
