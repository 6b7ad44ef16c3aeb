"""What was in force then: surge level, use of agreements, units, agreements; and moments as people
name them, over both nights on which clocks change."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.agreements import Allowed, Refusal
from capacity.catalogue import builtin_catalogue
from capacity.instants import COPENHAGEN, BadInstantError, format_instant
from capacity.replay import PastSurge, PastUse, agreements_then, catalogue_then
from capacity.row import row_of
from web.past_time import SECOND, day_away, day_of, named

CATALOGUE = builtin_catalogue()
START = datetime(2026, 11, 2, 8, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


# The surge level


def computed(minutes: float, level: int) -> tuple[datetime, str, dict[str, Any]]:
    return at(minutes), "surge", {"level": level}


def by_hand(
    minutes: float, event: str, level: int, until: float
) -> tuple[datetime, str, dict[str, Any]]:
    told = {"event": event, "override": {"level": level, "until": format_instant(at(until))}}
    return at(minutes), "surge_override", told


def test_the_level_is_the_last_one_computed() -> None:
    past = PastSurge([computed(0, 0), computed(30, 2)])
    assert [past.level(at(m)) for m in (-1, 0, 29.9, 30, 500)] == [None, 0, 0, 2, 2]


def test_a_level_set_by_hand_counts_until_its_end_whoever_noticed_it() -> None:
    past = PastSurge(
        [computed(0, 1), by_hand(10, "set", 3, 60), by_hand(75, "expired", 3, 60), computed(80, 2)]
    )
    assert [past.level(at(m)) for m in (9, 10, 59, 60, 76, 80)] == [1, 3, 3, 1, 1, 2]
    standing = past.at(at(20))
    assert standing is not None
    assert standing.by_hand
    assert standing.until == at(60)


def test_a_level_that_is_replaced_or_lifted() -> None:
    past = PastSurge(
        [
            computed(0, 0),
            by_hand(10, "set", 1, 90),
            by_hand(20, "replaced", 1, 90),
            by_hand(20, "set", 2, 90),
            by_hand(30, "lifted", 2, 90),
        ]
    )
    assert [past.level(at(m)) for m in (10, 20, 29, 30)] == [1, 2, 2, 0]


# The use of agreements


def test_live_and_filled_holds_use_a_quota_and_others_give_it_back() -> None:
    steps = [
        (0, "a", "asked"), (5, "a", "accepted"), (6, "b", "asked"), (9, "b", "declined"),
        (20, "a", "filled"), (30, "c", "asked"), (60, "c", "expired"),
    ]  # fmt: skip
    past = PastUse(
        (at(m), {"id": id_, "state": state, "quota": "x|2026-W45"}) for m, id_, state in steps
    )
    counts = [past.at(at(m)).get("x|2026-W45", 0) for m in (-1, 0, 5, 6, 9, 20, 30, 60)]
    assert counts == [0, 1, 1, 2, 1, 1, 2, 1]


def test_a_hold_under_no_quota_uses_none() -> None:
    assert PastUse([(at(0), {"id": "a", "state": "asked", "quota": None})]).at(at(1)) == {}


# The units


def rows() -> list[dict[str, Any]]:
    return [dict(row_of(unit, None)) for unit in CATALOGUE.units_of("randers")]


def test_a_catalogue_that_says_what_the_rows_say_is_itself() -> None:
    assert catalogue_then(CATALOGUE, "randers", rows()) is CATALOGUE


def test_a_unit_that_had_no_row_was_not_there_and_one_that_has_left_was() -> None:
    told = [row for row in rows() if row["unit"] != "syddjurs-akutplads"]
    gone = told[0] | {
        "unit": "hadsten-akutplads", "name": "Akutplads Hadsten", "municipality": "0710",
        "authority": "favrskov-kommune", "capabilities": ["oxygen"], "capabilities_off": ["ecg"],
    }  # fmt: skip
    then = catalogue_then(CATALOGUE, "randers", [*told, gone])
    ids = [unit.id for unit in then.units_of("randers")]
    assert "syddjurs-akutplads" not in ids
    assert ids[-1] == "hadsten-akutplads"
    unit = then.units["hadsten-akutplads"]
    assert unit.authority.on(date(2020, 1, 1)) == "favrskov-kommune"
    assert unit.capabilities == ("oxygen", "ecg")
    assert unit.area == ("0710",)


def test_a_unit_is_called_and_can_do_what_its_row_says() -> None:
    told = rows()
    told[0] |= {"name": "Det gamle navn", "capabilities": ["oxygen"], "capabilities_off": []}
    then = catalogue_then(CATALOGUE, "randers", told)
    unit = then.units[told[0]["unit"]]
    assert (unit.name, unit.capabilities) == ("Det gamle navn", ("oxygen",))
    assert unit.service_area == CATALOGUE.units[told[0]["unit"]].service_area


def test_a_capability_that_is_off_today_is_still_the_units() -> None:
    told = rows()
    off = told[0]["capabilities"].pop()
    told[0]["capabilities_off"] = [off]
    assert catalogue_then(CATALOGUE, "randers", told) is CATALOGUE


# Agreements


def judged(
    moment: datetime, level: int | None, used: dict[str, int] | None = None
) -> dict[str, Any]:
    found = agreements_then(CATALOGUE, "randers", moment, level, used or {})
    return {each.agreement.id: each.judged for each in found}


def test_an_agreement_follows_the_level_and_the_use_of_that_moment() -> None:
    key = "favrskov-hos-randers|2026-W45"
    calm, pressed = judged(START, 0)["favrskov-hos-randers"], judged(START, 1)
    assert isinstance(calm, Refusal)
    assert calm.code == "agreement_surge"
    assert isinstance(pressed["favrskov-hos-randers"], Allowed)
    used_up = judged(START, 1, {key: 2})["favrskov-hos-randers"]
    assert isinstance(used_up, Refusal)
    assert used_up.code == "agreement_quota"


def test_an_agreement_is_told_in_its_own_days_only() -> None:
    agreements = {
        id_: replace(each, since=date(2026, 11, 3), until=date(2026, 11, 5))
        for id_, each in CATALOGUE.agreements.items()
    }
    catalogue = replace(CATALOGUE, agreements=agreements)
    told = [
        len(agreements_then(catalogue, "randers", START + timedelta(days=n), 3)) for n in range(5)
    ]
    assert told == [0, *[len(agreements)] * 3, 0]


# Moments as people name them


def test_an_ordinary_moment() -> None:
    assert named("2026-11-22", "14:05").at == datetime(2026, 11, 22, 13, 5, tzinfo=UTC)


def test_the_hour_that_occurs_twice_is_whichever_is_meant() -> None:
    first, second = named("2026-10-25", "02:30"), named("2026-10-25", "02:30", SECOND)
    assert (first.at.hour, second.at.hour) == (0, 1)
    assert first.twice
    assert second.twice
    assert not named("2026-10-25", "03:00").twice
    assert named("2026-11-22", "02:30", SECOND) == named("2026-11-22", "02:30")


def test_the_missing_hour_is_told_and_shows_the_moment_after_it() -> None:
    found = named("2026-03-29", "02:30")
    assert found.missing
    assert found.at == datetime(2026, 3, 29, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "clock"),
    [("", ""), ("2026-02-30", "10:00"), ("2026-11-22", "25:00"), ("i dag", "10:00"),
     ("2026-11-22", "10:00+02:00"), ("0001-01-01", "00:00"), ("2026-11-22T", "10:00")],
)  # fmt: skip
def test_what_names_no_moment_is_refused(day: str, clock: str) -> None:
    with pytest.raises(BadInstantError):
        named(day, clock)


def test_days_have_as_many_minutes_as_went_by() -> None:
    minutes = [
        day_of(named(day, "12:00").at)[1] for day in ("2026-03-29", "2026-10-25", "2026-11-22")
    ]
    assert minutes == [23 * 60, 25 * 60, 24 * 60]


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 - made aware below
    st.sampled_from([-1, 1]),
)
def test_a_day_away_is_the_same_time_of_day_or_one_that_exists(naive: datetime, days: int) -> None:
    moment = naive.replace(tzinfo=UTC, microsecond=0)
    wall = moment.astimezone(COPENHAGEN)
    other = day_away(moment, days).astimezone(COPENHAGEN)
    assert other.date() == wall.date() + timedelta(days=days)
    skipped = other.date().month == 3 and wall.hour == 2 and other.hour == 3
    assert skipped or (other.hour, other.minute, other.second) == (
        wall.hour, wall.minute, wall.second,
    )  # fmt: skip
