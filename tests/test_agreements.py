"""Agreements: who may use whose places, when, and how many."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.agreements import Allowed, Refusal, agreement_for, midnight, period
from capacity.catalogue import builtin_catalogue
from capacity.instants import COPENHAGEN
from capacity.model import UnitKind
from capacity.opening import Hours, Opening
from capacity.units import Agreement, Dated, Period, Quota, danish_day
from tests.support.alternatives import HOME, NEIGHBOUR, NOW, catalogue, need, owned_by, unit

NIGHTS = Hours((Opening(frozenset(range(7)), time(23), time(7)),))
FROM_NEIGHBOUR = need(municipality=NEIGHBOUR)


def lent(name: str = "aftale", **fields: Any) -> Agreement:
    """Favrskov may use Randers' acute places."""
    values: dict[str, Any] = {
        "id": name,
        "borrower": NEIGHBOUR,
        "lender": "randers-kommune",
        "kinds": frozenset({UnitKind.ACUTE_PLACE}),
        "terms": "Efter aftale.",
    }
    return Agreement(**values | fields)


def asked(
    *agreements: Agreement,
    now: datetime = NOW,
    surge_level: int | None = 0,
    used: dict[str, int] | None = None,
    **fields: Any,
) -> Allowed | Refusal:
    """What is said of Randers' place for a citizen of Favrskov."""
    of = unit(**fields)
    world = catalogue(of, agreements=agreements)
    return agreement_for(world, FROM_NEIGHBOUR, of, now, surge_level, used or {})


@pytest.mark.parametrize("municipality", [HOME, None])
def test_ones_own_needs_no_agreement(municipality: str | None) -> None:
    of = unit()
    found = agreement_for(catalogue(of), need(municipality=municipality), of, NOW, None)
    assert found == Allowed()
    assert isinstance(found, Allowed)
    assert found.usage_key is None


def test_a_service_area_decides_where_there_is_one() -> None:
    of = unit(service_area=(NEIGHBOUR,))
    world = catalogue(of)
    assert agreement_for(world, FROM_NEIGHBOUR, of, NOW, 0) == Allowed()
    assert agreement_for(world, need(), of, NOW, 0) == Refusal("agreement_none")


@pytest.mark.parametrize(
    "agreement",
    [
        lent(borrower=HOME),
        lent(lender="favrskov-kommune"),
        lent(kinds=frozenset({UnitKind.ACUTE_TEAM})),
    ],
)
def test_an_agreement_of_others_is_none(agreement: Agreement) -> None:
    assert asked(agreement) == Refusal("agreement_none")


def test_without_a_condition_it_always_holds() -> None:
    found = asked(lent(), surge_level=None)
    assert found == Allowed(lent(), None, None)
    assert isinstance(found, Allowed)
    assert found.usage_key is None


@pytest.mark.parametrize(
    ("agreement", "now", "level", "code", "params"),
    [
        (lent(surge_level=1), NOW, 0, "agreement_surge", {"level": 1, "present": 0}),
        (lent(surge_level=1), NOW, None, "agreement_surge", {"level": 1, "present": None}),
        (lent(hours=NIGHTS), NOW, 3, "agreement_hours", {"from": "2026-11-23T22:00:00Z"}),
        (lent(hours=Hours(())), NOW, 3, "agreement_hours", {"from": None}),
        (
            lent(since=date(2026, 11, 24)), NOW, 3, "agreement_dates",
            {"since": "2026-11-24", "until": None},
        ),
        (
            lent(until=date(2026, 11, 22)), NOW, 3, "agreement_dates",
            {"since": None, "until": "2026-11-22"},
        ),
    ],
)  # fmt: skip
def test_outside_its_condition_the_reason_is_told(
    agreement: Agreement, now: datetime, level: int | None, code: str, params: dict[str, object]
) -> None:
    found = asked(agreement, now=now, surge_level=level)
    assert isinstance(found, Refusal)
    assert found.code == code
    assert found.params == {"agreement": "aftale", "terms": "Efter aftale.", **params}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("2026-11-22 23:59:59", False),
        ("2026-11-23 00:00:00", True),
        ("2026-11-24 23:59:59", True),
        ("2026-11-25 00:00:00", False),
    ],
)
def test_both_days_of_its_dates_are_whole_danish_days(text: str, holds: bool) -> None:
    now = datetime.fromisoformat(text).replace(tzinfo=COPENHAGEN).astimezone(UTC)
    found = asked(lent(since=date(2026, 11, 23), until=date(2026, 11, 24)), now=now)
    assert isinstance(found, Allowed) is holds


def test_a_last_day_that_never_comes() -> None:
    assert isinstance(asked(lent(until=date.max)), Allowed)


def test_the_nearest_miss_is_told_and_any_agreement_is_enough() -> None:
    late, loud, dear = (
        lent("nat", hours=NIGHTS),
        lent("pres", surge_level=2),
        lent("dyr", quota=Quota(1, Period.DAY)),
    )
    used = {"dyr|2026-11-23": 1}
    for agreements in ((late, loud), (loud, late)):
        found = asked(*agreements)
        assert isinstance(found, Refusal)
        assert found.code == "agreement_surge"
    found = asked(dear, late, used=used)
    assert isinstance(found, Refusal)
    assert found.code == "agreement_quota"
    found = asked(dear, late, lent("fri"), used=used)
    assert isinstance(found, Allowed)
    assert found.agreement == lent("fri")


@pytest.mark.parametrize(
    ("per", "key", "then"),
    [
        (Period.DAY, "2026-11-23", "2026-11-23T23:00:00Z"),
        (Period.WEEK, "2026-W48", "2026-11-29T23:00:00Z"),
        (Period.MONTH, "2026-11", "2026-11-30T23:00:00Z"),
    ],
)
def test_a_quota_is_counted_in_calendar_periods(per: Period, key: str, then: str) -> None:
    agreement = lent(quota=Quota(2, per))
    found = asked(agreement, used={f"aftale|{key}": 1})
    assert found == Allowed(agreement, key, 2)
    assert isinstance(found, Allowed)
    assert found.usage_key == f"aftale|{key}"
    used_up = asked(agreement, used={f"aftale|{key}": 2})
    assert isinstance(used_up, Refusal)
    assert used_up.code == "agreement_quota"
    assert used_up.params["from"] == then
    assert (used_up.params["limit"], used_up.params["per"]) == (2, per.value)


@given(st.dates(max_value=date(9999, 12, 1)), st.sampled_from(Period))
def test_a_period_ends_where_the_next_begins(day: date, per: Period) -> None:
    key, after = period(per, day)
    assert after > day
    assert period(per, after)[0] != key
    assert period(per, after - timedelta(days=1))[0] == key


def test_the_day_is_the_danish_one() -> None:
    agreement = lent(quota=Quota(1, Period.DAY))
    found = asked(agreement, now=datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    assert isinstance(found, Allowed)
    assert found.period_key == "2026-11-24"


def test_whoever_has_operates_or_answers_for_the_unit_lends_it() -> None:
    later = Dated(((date.min, "randers-kommune"), (date(2027, 1, 1), "region")))
    region = lent(lender="region")
    before, after = (
        datetime(2026, 12, 31, 22, 59, tzinfo=UTC),
        datetime(2026, 12, 31, 23, tzinfo=UTC),
    )
    fields: list[dict[str, Any]] = [{"authority": later}, {"operator": later}]
    for field in fields:
        assert asked(region, now=before, **field) == Refusal("agreement_none")
        assert isinstance(asked(region, now=after, **field), Allowed)
    not_yet = Dated(((date(2027, 1, 1), "region"),))
    assert asked(region, now=before, authority=not_yet) == Refusal("agreement_none")
    assert isinstance(asked(lent(), now=after, authority=owned_by("region")), Allowed)


def test_the_shipped_agreements_are_assumptions_and_work() -> None:
    shipped = builtin_catalogue()
    assert len(shipped.agreements) >= 2
    for agreement in shipped.agreements.values():
        assert {"borrower", "lender", "kinds", "terms"} <= agreement.assumptions
    of = shipped.units["randers-akutplads-1"]
    quiet = agreement_for(shipped, FROM_NEIGHBOUR, of, NOW, 0)
    pressed = agreement_for(shipped, FROM_NEIGHBOUR, of, NOW, 1)
    assert isinstance(quiet, Refusal)
    assert quiet.code == "agreement_surge"
    assert isinstance(pressed, Allowed)
    assert pressed.usage_key == "favrskov-hos-randers|2026-W48"
    assert pressed.limit == 2


@given(st.dates(max_value=date(9999, 12, 30)))
def test_midnight_begins_the_danish_day(day: date) -> None:
    begins = midnight(day)
    assert day == date.min or danish_day(begins) == day
    assert day == date.min or danish_day(begins - timedelta(milliseconds=1)) == day - timedelta(1)
