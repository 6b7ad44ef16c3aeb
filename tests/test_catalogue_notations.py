"""Dates, opening hours, durations and numbers of the catalogue: each notation means one thing."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.notations import read_days, read_duration, read_hours, read_phone
from capacity.units import Catalogue, Dated

pytest_plugins = ["tests.support.catalogue_fixtures"]


def test_authority_changes_on_the_first_of_january_2027(randers: Catalogue) -> None:
    unit = randers.units["norddjurs-akutplads"]
    assert unit.authority.on(date(2026, 12, 31)) == "norddjurs-kommune"
    assert unit.authority.on(date(2027, 1, 1)) == "region-midtjylland"
    assert unit.operator.on(date(2027, 1, 1)) == "norddjurs-kommune"
    assert {"authority", "operator"} <= unit.assumptions
    cluster = randers.clusters["randers"]
    assert cluster.municipalities.on(date(2027, 1, 1)) == ("0730", "0710", "0707", "0706")
    assert "municipalities" in cluster.assumptions


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("acute_team", "akutteam", "akutsygepleje"),
        ("acute_function", "akutfunktion", "akutsygepleje"),
        ("acute_place", "akutplads", "sundheds- og omsorgsplads"),
        ("cluster", "sundhedsklynge", "sundhedsråd"),
        ("visitation", "hospitalsvisitation", "hospitalsvisitation"),
    ],
)
def test_terms_change_at_danish_midnight(
    randers: Catalogue, key: str, before: str, after: str
) -> None:
    last = randers.term(key, datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC))
    first = randers.term(key, datetime(2026, 12, 31, 23, 0, tzinfo=UTC))
    assert last is not None
    assert first is not None
    assert (last.da, first.da) == (before, after)
    assert randers.term("no such word", datetime(2026, 1, 1, tzinfo=UTC)) is None


@settings(deadline=None)
@given(st.lists(st.dates(), min_size=1, unique=True), st.dates())
def test_a_dated_value_holds_from_its_day_until_the_next(days: list[date], day: date) -> None:
    days.sort()
    dated = Dated(tuple((since, since) for since in days))
    assert dated.on(day) == max((since for since in days if since <= day), default=None)


# --- opening hours --------------------------------------------------------------------------


def copenhagen(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-20T15:59:59+01:00", False),  # a Friday
        ("2026-11-20T16:00:00+01:00", True),
        ("2026-11-21T07:59:59+01:00", True),
        ("2026-11-21T12:00:00+01:00", True),
        ("2026-11-22T23:30:00+01:00", True),
        ("2026-11-23T07:59:59+01:00", True),  # Monday morning belongs to Sunday's duty
        ("2026-11-23T08:00:00+01:00", False),
        ("2026-07-15T16:00:00+02:00", True),  # summer time
        ("2026-07-15T15:59:00+02:00", False),
    ],
)
def test_the_out_of_hours_service_is_open_out_of_hours(
    randers: Catalogue, at: str, is_open: bool
) -> None:
    assert randers.units["laegevagt-randers"].is_open(copenhagen(at)) is is_open


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-20T08:00:00+01:00", True),
        ("2026-11-20T15:00:00+01:00", False),
        ("2026-11-21T10:00:00+01:00", False),
    ],
)
def test_the_advice_line_has_day_hours(randers: Catalogue, at: str, is_open: bool) -> None:
    assert randers.units["rhr-geriatri-raad"].is_open(copenhagen(at)) is is_open


def test_a_unit_without_hours_is_always_open(randers: Catalogue) -> None:
    assert randers.units["randers-akutteam"].is_open(copenhagen("2026-11-20T03:00:00+01:00"))


# --- notations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90 s", timedelta(seconds=90)),
        ("3 min", timedelta(minutes=3)),
        ("4h", timedelta(hours=4)),
        ("1 d", timedelta(days=1)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert read_duration(text) == length


def test_days_and_hours() -> None:
    assert read_days("mon-fri") == {0, 1, 2, 3, 4}
    assert read_days("mon-tue, sun") == {0, 1, 6}
    assert read_days("sat") == {5}
    assert read_hours("08:00-15:30") == (time(8), time(15, 30))
    assert read_hours("00:00-24:00") == (time(0), time(0))
    assert read_hours("16:00-08:00") == (time(16), time(8))


@pytest.mark.parametrize("text", ["12345678", "12 34 56 78", "+45 12345678", "+4512345678"])
def test_a_number_is_kept_in_one_notation(text: str) -> None:
    assert read_phone(text) == "+45 12 34 56 78"


@settings(deadline=None)
@given(st.text(max_size=20))
def test_no_text_is_taken_for_a_notation_that_it_is_not(text: str) -> None:
    for reader in (read_duration, read_days, read_hours, read_phone):
        try:
            value = reader(text)
        except ValueError:
            continue
        assert value, "what is read is never empty"
