"""Opening hours of FHIR HealthcareServices."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import AdviceReport, Batch, Closure, LoadReport, TeamReport
from feeds.formats.fhir_format import FORMAT
from feeds.formats.fhir_hours import DAYS, Away, Hours, Span
from tests.support.fhir import Resource, bundle, resource, to, xml
from tests.support.formats import CPR, NOW, faults, mangled, parsed, reads_or_refuses

COPENHAGEN = {"timezone": "Europe/Copenhagen"}
ZONE = ZoneInfo("Europe/Copenhagen")
WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]
CLOSED = "Uden for åbningstid"


def open_from(start: object, end: object, *days: object, **more: object) -> dict[str, Any]:
    made = {
        "daysOfWeek": list(days) or None,
        "availableStartTime": start,
        "availableEndTime": end,
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def service(*times: object, **elements: Any) -> Resource:
    return resource(
        "HealthcareService", "geriatri-raad", **{"availableTime": list(times) or None, **elements}
    )


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def read(made: Resource, when: str, mapping: dict[str, Any] | None = None) -> Batch:
    document = bundle(made, timestamp=local(when).isoformat())
    checked = FORMAT.read_mapping({**COPENHAGEN, **(mapping or {})})
    return FORMAT.parse(orjson.dumps(document), checked, local("2027-06-01T00:00"))


def advice(made: Resource, when: str) -> AdviceReport:
    batch = read(made, when)
    assert batch.rejects == ()
    (report,) = batch.reports
    assert isinstance(report, AdviceReport)
    assert (report.unit, report.observed_at) == ("geriatri-raad", local(when))
    return report


def state(made: Resource, when: str) -> tuple[bool | None, datetime | None]:
    found = advice(made, when)
    return found.on_duty, found.closure.reopens_at if found.closure else None


# Sunday 22 November 2026 is the day before a Monday.


def test_open_and_closed_by_day_and_hour() -> None:
    hours = service(open_from("08:00:00", "15:30:00", *WORKDAYS))
    assert state(hours, "2026-11-20T08:00") == (True, None)
    assert state(hours, "2026-11-20T15:29:59") == (True, None)
    assert state(hours, "2026-11-20T15:30") == (False, local("2026-11-23T08:00"))
    assert state(hours, "2026-11-20T07:59:59") == (False, local("2026-11-20T08:00"))
    assert state(hours, "2026-11-22T12:00") == (False, local("2026-11-23T08:00"))
    assert advice(hours, "2026-11-22T12:00").closure == Closure(CLOSED, local("2026-11-23T08:00"))


def test_hours_over_midnight_belong_to_the_day_they_begin_on() -> None:
    night = service(open_from("16:00:00", "08:00:00", "fri", "sat"))
    assert state(night, "2026-11-20T23:59") == (True, None)
    assert state(night, "2026-11-21T00:00") == (True, None)
    assert state(night, "2026-11-21T07:59") == (True, None)
    assert state(night, "2026-11-21T08:00") == (False, local("2026-11-21T16:00"))
    assert state(night, "2026-11-22T07:00") == (True, None)
    assert state(night, "2026-11-20T07:00") == (False, local("2026-11-20T16:00"))
    sunday = service(open_from("22:00:00", "06:00:00", "sun"))
    assert state(sunday, "2026-11-23T05:00") == (True, None)


@pytest.mark.parametrize(
    "time",
    [
        {"allDay": True},
        {"allDay": True, "daysOfWeek": []},
        {"allDay": True, "availableStartTime": "08:00", "availableEndTime": "09:00"},
        open_from("00:00:00", "00:00:00"),
        open_from("00:00", "24:00"),
        open_from("24:00", "24:00:00.000"),
        {},
    ],
)
def test_always_open(time: dict[str, Any]) -> None:
    for when in ("2026-11-22T00:00", "2026-11-22T23:59:59", "2026-03-29T03:00"):
        assert state(service(time), when) == (True, None)


def test_only_a_start_or_only_an_end() -> None:
    assert state(service(open_from("12:00", None)), "2026-11-22T23:00")[0] is True
    assert state(service(open_from(None, "12:00")), "2026-11-22T00:00")[0] is True
    assert state(service(open_from(None, "12:00")), "2026-11-22T12:00")[0] is False


def test_several_times_of_a_day() -> None:
    hours = service(open_from("08:00", "12:00"), open_from("13:00", "16:00"))
    assert state(hours, "2026-11-22T12:30") == (False, local("2026-11-22T13:00"))
    assert state(hours, "2026-11-22T13:30") == (True, None)


def test_holidays_close_with_their_own_reason() -> None:
    holiday = {"description": "Julelukket", "during": {"start": "2026-12-24", "end": "2026-12-26"}}
    hours = service(open_from("08:00", "15:00"), notAvailable=[holiday])
    assert advice(hours, "2026-12-24T10:00").closure == Closure(
        "Julelukket", local("2026-12-27T08:00")
    )
    assert state(hours, "2026-12-26T23:00")[0] is False
    assert state(hours, "2026-12-27T10:00") == (True, None)


def test_an_absence_ends_in_the_middle_of_the_day() -> None:
    course = {"during": {"start": "2026-11-20T09:00:00+01:00", "end": "2026-11-20T11:00:00+01:00"}}
    hours = service(open_from("08:00", "15:00"), notAvailable=[course])
    assert advice(hours, "2026-11-20T10:00").closure == Closure(CLOSED, local("2026-11-20T11:00"))
    assert state(hours, "2026-11-20T08:59")[0] is True


def test_absences_without_beginning_or_end() -> None:
    always = service(open_from("08:00", "15:00"), notAvailable=[{"during": {}}])
    assert state(always, "2026-11-20T10:00") == (False, None)
    until = {"description": " ", "during": {"end": "2026-11-20"}}
    hours = service(open_from("08:00", "15:00"), notAvailable=[until])
    assert state(hours, "2026-11-20T10:00") == (False, local("2026-11-21T08:00"))


def test_no_hours_are_unknown_and_not_closed() -> None:
    assert state(service(), "2026-11-22T12:00") == (None, None)
    away = [{"during": {"start": "2026-11-22", "end": "2026-11-22"}}]
    assert state(service(notAvailable=away), "2026-11-22T12:00") == (False, None)
    assert state(service(notAvailable=away), "2026-11-23T12:00") == (None, None)


def test_a_service_that_is_not_active_is_closed() -> None:
    found = advice(service({"allDay": True}, active=False), "2026-11-22T12:00")
    assert (found.on_duty, found.closure) == (False, Closure(CLOSED))


def test_absences_that_touch_and_one_that_ends_before_it_begins() -> None:
    away = [
        {"during": {"start": "2026-11-20T11:00:00+01:00", "end": "2026-11-20T12:00:00+01:00"}},
        {"during": {"start": "2026-11-20T09:00:00+01:00", "end": "2026-11-20T11:00:00+01:00"}},
        {"during": {"start": "2026-11-20T13:00:00+01:00", "end": "2026-11-20T08:00:00+01:00"}},
    ]
    hours = service(open_from("08:00", "15:00"), notAvailable=away)
    assert state(hours, "2026-11-20T10:00") == (False, local("2026-11-20T12:00"))
    assert state(hours, "2026-11-20T13:00") == (True, None)


def test_longer_than_two_weeks_is_not_looked_ahead() -> None:
    away = [{"during": {"start": "2026-11-01", "end": "2026-12-24"}}]
    hours = service(open_from("08:00", "15:00"), notAvailable=away)
    assert state(hours, "2026-11-20T10:00") == (False, None)


def test_summer_time() -> None:
    hours = service(open_from("02:30", "04:00"))
    assert state(hours, "2026-03-29T01:59") == (False, datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
    assert state(hours, "2026-03-29T03:10") == (True, None)
    for at in (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ):
        document = bundle(hours, timestamp=at.isoformat())
        (found,) = parsed(FORMAT, orjson.dumps(document), COPENHAGEN).reports
        assert isinstance(found, AdviceReport)
        assert found.on_duty is True


# Units and types


@pytest.mark.parametrize("known", ["geriatri-raad", "0042", "L1"])
def test_the_unit_is_the_first_name_that_is_declared(known: str) -> None:
    made = service(identifier=[{"value": "0042"}], location=[to("Location", "L1"), {}])
    assert read(made, "2026-11-20T10:00", {"units": {known: "x"}}).reports[0].unit == known
    assert read(made, "2026-11-20T10:00").reports[0].unit == "geriatri-raad"


def test_other_types_close_without_a_duty() -> None:
    hours = service(open_from("08:00", "15:00"))
    (clinic,) = read(hours, "2026-11-20T16:00", {"report_type": "load"}).reports
    assert isinstance(clinic, LoadReport)
    assert clinic.closure == Closure(CLOSED, local("2026-11-21T08:00"))
    (clinic,) = read(hours, "2026-11-20T10:00", {"report_type": "load"}).reports
    assert clinic.closure is None
    (team,) = read(hours, "2026-11-20T16:00", {"report_type": "team"}).reports
    assert isinstance(team, TeamReport)
    assert team.on_duty is False
    (named,) = read(hours, "2026-11-20T16:00", {"closed_reason": "Lukket nu"}).reports
    assert named.closure is not None
    assert named.closure.reason == "Lukket nu"


def test_without_a_time_of_the_document_it_is_looked_up_when_received() -> None:
    made = service(open_from("08:00", "15:00"), meta={"lastUpdated": "2020-01-01T00:00:00Z"})
    (found,) = parsed(FORMAT, orjson.dumps(made), COPENHAGEN).reports
    assert found.observed_at == NOW
    assert isinstance(found, AdviceReport)
    assert found.on_duty is True


# What is wrong


@pytest.mark.parametrize(
    ("elements", "field"),
    [
        ({"availableTime": {}}, "availableTime"),
        ({"notAvailable": [5]}, "notAvailable"),
        ({"availableTime": [open_from("25:00", None)]}, "availableTime.availableStartTime"),
        ({"availableTime": [open_from("24:01", None)]}, "availableTime.availableStartTime"),
        ({"availableTime": [open_from("8:00", None)]}, "availableTime.availableStartTime"),
        ({"availableTime": [open_from(None, 8)]}, "availableTime.availableEndTime"),
        ({"availableTime": [open_from(None, None, "man")]}, "availableTime.daysOfWeek"),
        ({"availableTime": [open_from(None, None, [])]}, "availableTime.daysOfWeek"),
        ({"availableTime": [{"daysOfWeek": "mon"}]}, "availableTime.daysOfWeek"),
        ({"availableTime": [{}] * 51}, "availableTime"),
        ({"notAvailable": [{}] * 201}, "availableTime"),
        ({"notAvailable": [{"during": []}]}, "during"),
        ({"notAvailable": [{"during": {"start": "x"}}]}, "notAvailable.during.start"),
        ({"notAvailable": [{"during": {"end": 5}}]}, "notAvailable.during.end"),
        ({"id": None}, "id"),
        ({"location": {}}, "location"),
        ({"name": CPR}, "name"),
        ({"notAvailable": [{"description": "a" * 501, "during": {}}]}, "closure.reason"),
    ],
)
def test_an_element_that_is_wrong_is_named(elements: dict[str, Any], field: str) -> None:
    made = {name: value for name, value in (service() | elements).items() if value is not None}
    batch = read(made, "2026-11-22T12:00")
    assert (batch.reports, faults(batch)) == ((), [("Bundle.entry[0].resource", field)])


def test_hours_need_a_zone() -> None:
    batch = parsed(FORMAT, orjson.dumps(service(open_from("08:00", "15:00"))))
    assert faults(batch) == [("HealthcareService", "availableTime")]
    assert "time zone" in batch.rejects[0].reason
    assert len(parsed(FORMAT, orjson.dumps(service())).reports) == 1


def test_a_bad_time_of_the_document_is_said() -> None:
    document = bundle(service(), timestamp="now")
    assert faults(parsed(FORMAT, orjson.dumps(document)))[0][1] == "Bundle.timestamp"


# Documents

FULL = bundle(
    service(
        open_from("16:00:00", "08:00:00", "mon", "tue"),
        {"allDay": True, "daysOfWeek": ["sun"]},
        identifier=[{"value": "0042"}],
        location=[to("Location", "L1")],
        active=True,
        notAvailable=[
            {"description": "Jul", "during": {"start": "2026-12-24", "end": "2026-12-26"}}
        ],
    ),
    timestamp="2026-11-22T11:00:00Z",
)


def test_xml_reads_as_json_does() -> None:
    mapping = {**COPENHAGEN, "units": {"L1": "x"}}
    batch = parsed(FORMAT, xml(FULL), mapping)
    assert batch == parsed(FORMAT, orjson.dumps(FULL), mapping)
    (found,) = batch.reports
    assert isinstance(found, AdviceReport)
    assert (found.unit, found.on_duty) == ("L1", True)
    off = xml(FULL).replace(b'<active value="true"/>', b'<active value="false"/>')
    assert parsed(FORMAT, off, mapping).reports[0].closure == Closure(CLOSED)


@given(st.binary() | mangled(orjson.dumps(FULL), xml(FULL)))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw, COPENHAGEN)
    reads_or_refuses(FORMAT, raw, {"timezone": "America/New_York", "report_type": "load"})


seconds = st.integers(0, 86_399)
spans = st.builds(
    lambda days, start, length: Span(frozenset(days), start, start + length),
    st.sets(st.integers(0, 6), min_size=1), seconds, st.integers(1, 86_400),
)  # fmt: skip


moments = st.datetimes(datetime(2026, 5, 1), datetime(2026, 5, 20)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0)
)
absences = st.builds(Away, moments, moments, st.none())


@given(
    st.lists(spans, min_size=1, max_size=4),
    st.lists(absences, max_size=4),
    st.datetimes(datetime(2026, 4, 25), datetime(2026, 5, 15)),  # noqa: DTZ001
)
def test_it_opens_when_it_says_so_and_not_before(
    found: list[Span], away: list[Away], when: datetime
) -> None:
    """Against a walk through the coming two weeks, a quarter of an hour at a time."""
    hours = Hours(ZONE, tuple(found), tuple(away))
    now = when.replace(tzinfo=UTC)
    if hours.is_open(now):
        return
    opens = hours.opens_after(now)
    assert opens is None or hours.is_open(opens)
    until = opens or now + timedelta(days=13)
    between = (now + timedelta(minutes=15) * n for n in range(14 * 96))
    assert not any(hours.is_open(at) for at in between if at < until)


@given(st.sets(st.integers(0, 6), min_size=1), seconds, st.integers(0, 27 * 3600))
def test_hours_equal_a_look_at_the_clock(days: set[int], start: int, later: int) -> None:
    """In a week without a change of clocks: open from the start for eight hours."""
    hours = Hours(ZONE, (Span(frozenset(days), start, start + 8 * 3600),), ())
    for day in range(7):
        opened = local("2026-11-02T00:00") + timedelta(days=day, seconds=start)
        at = opened + timedelta(seconds=later)
        expected = any(
            timedelta(0) <= at - (opened + timedelta(days=n)) < timedelta(hours=8)
            for n in (-1, 0, 1) if (day + n) % 7 in days
        )  # fmt: skip
        assert hours.is_open(at) is expected
    assert len(DAYS) == 7
