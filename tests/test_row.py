"""Rows: what the board shows of a unit after each kind of report."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from capacity.model import (
    REPORT_TYPE_OF_KIND,
    AdviceReport,
    Closure,
    Inconsistency,
    LoadReport,
    PlaceReport,
    Report,
    SlotReport,
    TeamReport,
    UnitKind,
)
from capacity.row import Row, digest_of, encode_row, row_of
from capacity.units import Dated, Freshness, Unit

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
RECEIVED = SEEN + timedelta(seconds=2)
LAW = date(2027, 1, 1)
UNIT = Unit(
    id="a",
    name="Akutpladserne",
    kind=UnitKind.ACUTE_PLACE,
    cluster="c",
    organisation="randers",
    municipality="0730",
    freshness=Freshness(timedelta(hours=1), timedelta(hours=3)),
    authority=Dated(((date(2020, 1, 1), "randers"), (LAW, "region"))),
    operator=Dated(((date(2020, 1, 1), "randers"),)),
    capabilities=("iv", "ekg"),
    phone="87000000",
)


def row(report: Report | None, unit: Unit = UNIT, **more: Any) -> Row:
    return row_of(unit, report, received_at=RECEIVED, source="s", today=SEEN.date(), **more)


def place(**fields: Any) -> PlaceReport:
    return PlaceReport(unit="a", observed_at=SEEN, **fields)


def test_a_unit_without_any_report_is_all_unknown() -> None:
    found = row(None)
    assert found["state"] == "unknown"
    assert found["capabilities"] == ["iv", "ekg"]
    for name in ("total", "free", "observed_at", "received_at", "ageing_at", "stale_at", "source"):
        assert found[name] is None
    assert set(found) == set(Row.__annotations__)


def test_a_row_of_a_full_report() -> None:
    report = place(
        total=4,
        staffed=4,
        occupied=5,
        reserved=0,
        closed=0,
        free=0,
        note="fuld",
        capabilities_off=("ekg", "unheard-of"),
        inconsistencies=(Inconsistency.OCCUPIED_OVER_TOTAL,),
    )
    found = row(report)
    assert found["occupied"] == 5
    assert found["state"] == "occupied"
    assert found["inconsistencies"] == ["occupied_over_total"]
    assert (found["capabilities"], found["capabilities_off"]) == (["iv"], ["ekg"])
    assert found["observed_at"] == "2026-11-22T11:00:00Z"
    assert found["received_at"] == "2026-11-22T11:00:02Z"
    assert found["ageing_at"] == "2026-11-22T12:00:00Z"
    assert found["stale_at"] == "2026-11-22T14:00:00Z"
    assert (found["source"], found["phone"], found["held"]) == ("s", "87000000", 0)
    assert set(found) == set(Row.__annotations__)
    assert orjson.loads(encode_row(found)) == found


def test_a_sources_own_freshness_goes_before_the_units() -> None:
    quick = Freshness(timedelta(minutes=2), timedelta(minutes=5))
    assert row(place(), freshness=quick)["stale_at"] == "2026-11-22T11:05:00Z"


def test_authority_and_operator_go_by_the_day() -> None:
    after = row_of(UNIT, None, today=LAW)
    assert (after["authority"], after["operator"]) == ("region", "randers")
    assert row_of(UNIT, None, today=date(2026, 12, 31))["authority"] == "randers"
    assert row_of(UNIT, None)["authority"] is None


def test_a_closed_unit_keeps_its_counts_and_offers_none() -> None:
    closure = Closure("vandskade", SEEN + timedelta(hours=20), reopens_itself=True)
    found = row(place(total=4, occupied=1, free=3, closure=closure))
    assert (found["state"], found["free"], found["total"]) == ("closed", 0, 4)
    assert found["closure_reason"] == "vandskade"
    assert found["reopens_at"] == "2026-11-23T07:00:00Z"
    assert found["reopens_itself"] is True


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        (place(total=4, occupied=2, free=2), {"state": "free", "free": 2}),
        (place(total=4, occupied=2, reserved=None, free=None), {"state": "unknown", "free": None}),
        (place(total=4, staffed=0, occupied=0, free=0), {"state": "closed", "free": 0}),
        (
            TeamReport(unit="a", observed_at=SEEN, free=2, on_duty=False),
            {"state": "closed", "free": 0, "on_duty": False},
        ),
        (
            TeamReport(unit="a", observed_at=SEEN, free=0, on_duty=True, next_free_at=RECEIVED),
            {"state": "occupied", "on_duty": True, "next_free_at": "2026-11-22T11:00:02Z"},
        ),
        (
            LoadReport(unit="a", observed_at=SEEN, waiting=3, wait_minutes=40),
            {"state": "unknown", "waiting": 3, "wait_minutes": 40, "on_duty": None},
        ),
        (
            SlotReport(unit="a", observed_at=SEEN, free=1, next_free_at=RECEIVED),
            {"state": "free", "next_free_at": "2026-11-22T11:00:02Z"},
        ),
        (AdviceReport(unit="a", observed_at=SEEN, on_duty=True), {"state": "free", "free": None}),
        (AdviceReport(unit="a", observed_at=SEEN), {"state": "unknown"}),
    ],
)
def test_each_type_of_report_shows_its_state(report: Report, shown: dict[str, object]) -> None:
    of_type = {kind: unit_kind for unit_kind, kind in REPORT_TYPE_OF_KIND.items()}
    found = row(report, replace(UNIT, kind=of_type[report.type]))
    assert {name: found[name] for name in shown} == shown  # type: ignore[literal-required]


def test_the_identity_of_a_message_is_its_content_and_its_source() -> None:
    def digest(source: str, received_at: datetime = RECEIVED, **counts: Any) -> str:
        made = row_of(UNIT, place(**counts), received_at=received_at, source=source)
        return digest_of(made)

    assert digest("s", total=4) == digest("s", total=4, received_at=SEEN)
    different = {
        digest("s", total=4),
        digest("t", total=4),
        digest("s", total=5),
        digest("s", total=4, note="x"),
    }
    assert len(different) == 4
