"""What one tap makes of the row that stands: the count, what is carried over, what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalogue import builtin_catalogue
from capacity.hand_report import NothingStandsError, arrived, empty_now, fits, report_of
from capacity.hand_word import ACTIONS, CLOSING_REASONS, read_word
from capacity.instants import format_instant
from capacity.model import REPORT_CLASSES, Closure, Inconsistency
from capacity.reading import FieldError
from capacity.row import Row, row_of
from capacity.units import Unit

CATALOGUE = builtin_catalogue()
NOW = datetime(2026, 11, 24, 13, 5, 30, tzinfo=UTC)
PLACE = CATALOGUE.units["randers-akutplads-1"]  # 2 places, stale after 4 hours
TEAM = CATALOGUE.units["randers-akutteam"]
LOAD = CATALOGUE.units["rhr-akutafdeling"]
ADVICE = CATALOGUE.units["rhr-geriatri-raad"]
SLOT = CATALOGUE.units["rhr-subakut-medicin"]


def standing(unit: Unit = PLACE, minutes_old: float = 10, **fields: Any) -> Row:
    observed_at = NOW - timedelta(minutes=minutes_old)
    report = REPORT_CLASSES[unit.report_type](unit=unit.id, observed_at=observed_at, **fields)
    return row_of(unit, report, received_at=observed_at, source="feed")


def filled(at: datetime, counts: bool = True) -> dict[str, object]:
    return {"state": "filled", "counts": counts, "ended_at": format_instant(at)}


def say(body: object, row: Row, unit: Unit = PLACE, now: datetime = NOW) -> Row:
    """The row that a body makes of a row, before holds."""
    said = report_of(unit, row, read_word(body, now), now)
    return row_of(unit, said, received_at=now, source="nurse")


def refused(body: object, row: Row | None = None, unit: Unit = PLACE) -> str:
    with pytest.raises(FieldError) as error:
        say(body, row or standing(unit), unit)
    return f"{error.value.field}: {error.value.reason}"


def counts(row: Row) -> tuple[int | None, ...]:
    return row["total"], row["occupied"], row["reserved"], row["closed"], row["free"]


# --- a count -------------------------------------------------------------------------------------


def test_a_count_sets_free_and_occupied_follows_from_the_total() -> None:
    row = standing(total=6, occupied=3, reserved=1, closed=1, free=1)
    assert counts(say({"free": 2}, row)) == (6, 2, 1, 1, 2)
    assert counts(say({"free": 0}, row)) == (6, 4, 1, 1, 0)
    assert say({"free": 2}, row)["inconsistencies"] == []


def test_the_rest_of_the_row_is_carried_over() -> None:
    row = standing(total=2, occupied=2, free=0, note="lift i brug", capabilities_off=("oxygen",))
    after = say({"free": 1}, row)
    assert after["note"] == "lift i brug"
    assert after["capabilities_off"] == ["oxygen"]
    assert after["observed_at"] == format_instant(NOW)


def test_unstaffed_places_cannot_be_occupied_by_a_tap() -> None:
    row = standing(total=4, staffed=3, occupied=1, free=2)
    assert counts(say({"free": 3}, row)) == (4, 0, None, None, 3)
    assert fits(PLACE, row) == 3


@pytest.mark.parametrize(
    ("free", "shown", "found"),
    [
        (3, 2, [Inconsistency.FREE_OVER_TOTAL, Inconsistency.FREE_CONTRADICTS_PARTS]),
        (9, 2, [Inconsistency.FREE_OVER_TOTAL, Inconsistency.FREE_CONTRADICTS_PARTS]),
    ],
)
def test_more_than_fits_is_kept_as_a_contradiction(free, shown, found) -> None:
    after = say({"free": free}, standing(total=2, occupied=1, free=1))
    assert after["free"] == shown
    assert after["occupied"] == 0
    assert after["inconsistencies"] == found


def test_a_unit_that_was_never_heard_of_gets_the_catalogues_places() -> None:
    after = say({"free": 1}, row_of(PLACE, None))
    assert counts(after) == (2, 1, None, None, 1)
    assert after["state"] == "free"


def test_without_any_total_the_old_occupied_is_not_kept() -> None:
    after = say({"free": 2}, standing(TEAM, occupied=3, free=0, on_duty=True), TEAM)
    assert counts(after) == (None, None, None, None, 2)
    assert fits(TEAM, row_of(TEAM, None)) is None


def test_reserved_that_nobody_knew_no_longer_hides_what_is_free() -> None:
    row = standing(total=2, occupied=1)  # the source did not know what it had reserved
    assert row["free"] is None
    assert counts(say({"free": 1}, row)) == (2, 1, None, None, 1)


def test_a_team_with_a_crew_waits_for_none() -> None:
    row = standing(TEAM, free=0, on_duty=True, next_free_at=NOW + timedelta(hours=1))
    assert say({"free": 1}, row, TEAM)["next_free_at"] is None
    assert say({"free": 0}, row, TEAM)["next_free_at"] is not None


def test_appointments_keep_when_the_next_one_is() -> None:
    row = standing(SLOT, total=8, free=3, next_free_at=NOW + timedelta(hours=1))
    after = say({"free": 2}, row, SLOT)
    assert counts(after) == (8, 6, None, None, 2)
    assert after["next_free_at"] == row["next_free_at"]


@pytest.mark.parametrize("free", [True, 1.0, "1", -1, None, 100_001])
def test_what_is_no_count_is_refused(free) -> None:
    assert refused({"free": free}).startswith("free: is not a whole number")


@pytest.mark.parametrize("unit", [LOAD, ADVICE])
def test_a_unit_without_places_says_no_free_count(unit) -> None:
    assert refused({"free": 1}, unit=unit) == "free: is not what a unit of this kind says"


# --- still right ---------------------------------------------------------------------------------


def test_a_confirmation_is_the_same_figures_with_a_new_age() -> None:
    row = standing(minutes_old=300, total=2, occupied=1, reserved=0, closed=0, free=1)
    after = say({"confirm": True}, row)
    assert counts(after) == counts(row)
    assert after["observed_at"] == format_instant(NOW)
    assert after["stale_at"] == format_instant(NOW + PLACE.freshness.stale_after)


def test_a_confirmation_does_not_free_the_place_of_who_has_arrived() -> None:
    row = standing(total=2, occupied=0, free=2)
    row["holds"] = [filled(NOW - timedelta(minutes=5))]
    assert empty_now(row, NOW) == 1
    assert counts(say({"confirm": True}, row)) == (2, 1, None, None, 1)
    assert counts(say({"capabilities_off": []}, row)) == (2, 1, None, None, 1)
    # The person in the corridor has seen the guest: her own count is taken as it is.
    assert counts(say({"free": 2}, row)) == (2, 0, None, None, 2)


def test_what_was_said_before_the_arrival_leaves_the_hold_to_count() -> None:
    row = standing(total=2, occupied=0, free=2)
    row["holds"] = [filled(NOW), filled(NOW - timedelta(minutes=1), counts=False)]
    said_at = NOW - timedelta(minutes=2)
    assert arrived(row, said_at) == 0
    after = say({"confirm": True, "observed_at": format_instant(said_at)}, row)
    assert counts(after) == (2, 0, None, None, 2)


def test_nothing_is_confirmed_where_nothing_stands() -> None:
    for row in (row_of(PLACE, None), standing(total=2)):
        with pytest.raises(NothingStandsError):
            say({"confirm": True}, row)


def test_a_closed_unit_and_a_queue_can_be_confirmed() -> None:
    closed = standing(closure=Closure("smitte", NOW + timedelta(hours=3)))
    after = say({"confirm": True}, closed)
    assert (after["state"], after["closure_reason"]) == ("closed", "smitte")
    assert after["reopens_at"] == closed["reopens_at"]
    queue = standing(LOAD, total=50, occupied=40, waiting=7, wait_minutes=30)
    after = say({"confirm": True}, queue, LOAD)
    assert (after["occupied"], after["waiting"], after["wait_minutes"]) == (40, 7, 30)


# --- closing and opening -------------------------------------------------------------------------


def test_closing_keeps_the_counts_under_the_closure() -> None:
    reopens = format_instant(NOW + timedelta(hours=2))
    body = {"close": {"reason": "no_staff", "reopens_at": reopens, "reopens_itself": True}}
    after = say(body, standing(total=2, occupied=1, free=1))
    assert (after["state"], after["free"], after["free_before_holds"]) == ("closed", 0, 1)
    assert after["closure_reason"] == CLOSING_REASONS["no_staff"]
    assert (after["reopens_at"], after["reopens_itself"]) == (reopens, True)
    after = say({"close": {"reason": "other"}}, after)
    assert (after["closure_reason"], after["reopens_at"]) == ("anden grund", None)


@pytest.mark.parametrize(
    ("close", "fault"),
    [
        ("no_staff", "close: is not an object"),
        ({}, "close.reason: is none of"),
        ({"reason": "syg kollega"}, "close.reason: is none of"),
        ({"reason": "other", "why": "x"}, "close: has a field that is unknown"),
        ({"reason": "other", "reopens_at": "i morgen"}, "close.reopens_at: not an ISO"),
        ({"reason": "other", "reopens_at": 7}, "close.reopens_at: is not an ISO"),
        ({"reason": "other", "reopens_at": "2026-11-24T13:05:30Z"}, "close.reopens_at: is not wi"),
        ({"reason": "other", "reopens_at": "2028-11-24T13:05:30Z"}, "close.reopens_at: is not wi"),
        ({"reason": "other", "reopens_itself": True}, "close.reopens_at: is missing"),
        ({"reason": "other", "reopens_itself": 1}, "close.reopens_itself: is neither"),
    ],
)
def test_closures_that_cannot_be_are_refused(close, fault) -> None:
    assert refused({"close": close}).startswith(fault)


def test_opening_takes_the_closure_away_and_may_give_a_count() -> None:
    row = standing(total=2, occupied=1, free=1, closure=Closure("smitte"))
    after = say({"open": True}, row)
    assert (after["state"], after["free"], after["closure_reason"]) == ("free", 1, None)
    assert counts(say({"open": True, "free": 2}, row)) == (2, 0, None, None, 2)
    assert say({"open": True, "free": None}, row)["free"] == 1


def test_opening_overrides_places_that_stood_as_closed() -> None:
    row = standing(total=1, closed=1, staffed=0, free=0)
    assert row["state"] == "closed"
    after = say({"open": True, "free": 1}, row)
    assert (after["state"], *counts(after)) == ("free", 1, 0, None, None, 1)
    assert after["inconsistencies"] == []


# --- capabilities and duty -----------------------------------------------------------------------


def test_capabilities_that_are_off_replace_those_that_were() -> None:
    row = standing(total=2, free=1, occupied=1, capabilities_off=("oxygen",))
    after = say({"capabilities_off": ["iv_fluid"]}, row)
    assert after["capabilities_off"] == ["iv_fluid"]
    assert "oxygen" in after["capabilities"]
    assert say({"capabilities_off": []}, row)["capabilities_off"] == []


@pytest.mark.parametrize(
    ("off", "fault"),
    [(["ecg!"], "names a capability"), ("oxygen", "is not a list"), (None, "is not a list")],
)
def test_unknown_capabilities_are_refused(off, fault) -> None:
    assert refused({"capabilities_off": off}).startswith(f"capabilities_off: {fault}")


def test_an_old_figure_is_not_made_young_by_talk_of_something_else() -> None:
    old = standing(minutes_old=240, total=2, occupied=1, free=1)
    after = say({"capabilities_off": []}, old)
    assert counts(after) == (2, None, None, None, None)
    assert after["state"] == "unknown"
    assert say({"open": True, "free": 1}, old)["free"] == 1


def test_a_team_is_on_duty_busy_or_off() -> None:
    row = standing(TEAM, free=2, on_duty=True)
    busy_until = format_instant(NOW + timedelta(hours=2))
    busy = say({"on_duty": True, "free": 0, "next_free_at": busy_until}, row, TEAM)
    assert (busy["state"], busy["next_free_at"]) == ("occupied", busy_until)
    off = say({"on_duty": False}, row, TEAM)
    assert (off["state"], off["on_duty"], off["free"]) == ("closed", False, 0)
    back = say({"on_duty": True, "free": 1}, off, TEAM)
    assert (back["state"], back["free"]) == ("free", 1)


def test_a_telephone_line_is_open_or_not() -> None:
    row = standing(ADVICE, on_duty=True, waiting=2)
    shut = say({"on_duty": False}, row, ADVICE)
    assert (shut["state"], shut["waiting"]) == ("closed", 2)
    assert say({"on_duty": True}, shut, ADVICE)["state"] == "free"
    ahead = format_instant(NOW + timedelta(hours=1))
    assert refused({"on_duty": True, "next_free_at": ahead}, unit=ADVICE).startswith("next_free_at")
    assert refused({"on_duty": True, "free": 1}, unit=ADVICE).startswith("free")


def test_duty_that_cannot_be_is_refused() -> None:
    assert refused({"on_duty": True}).startswith("on_duty: is not what")
    assert refused({"on_duty": 1}, unit=TEAM) == "on_duty: is neither true nor false"
    past = {"on_duty": True, "next_free_at": "2026-11-24T13:00:00Z"}
    assert refused(past, unit=TEAM).startswith("next_free_at: is not within")


# --- what is said, and when ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ([], "body: is not a JSON object"),
        ({}, "body: says none of"),
        ({"observed_at": "2026-11-24T13:05:30Z"}, "body: says none of"),
        ({"free": 1, "confirm": True}, "free: cannot be said together with confirm"),
        ({"free": 1, "note": "hej"}, "(field name): is unknown"),
        ({"free": 1, "next_free_at": None}, "next_free_at: cannot be said together with free"),
        ({"confirm": False}, "confirm: is not true"),
        ({"open": 1}, "open: is not true"),
        ({"free": 1, "observed_at": 5}, "observed_at: is not an ISO"),
        ({"free": 1, "observed_at": "2026-11-24T13:05"}, "observed_at: no offset"),
        ({"free": 1, "observed_at": "2026-11-24T13:07:31Z"}, "observed_at: lies in the future"),
        ({"free": 1, "observed_at": "2026-11-23T13:05:29Z"}, "observed_at: is more than 24 hours"),
    ],
)
def test_bodies_that_cannot_be_used_name_the_field(body, fault) -> None:
    assert refused(body).startswith(fault)


@pytest.mark.parametrize(
    "body",
    [
        {"close": {"reason": "010190-1234"}},
        {"capabilities_off": ["0101901234"]},
        {"free": 1, "010190-1234": True},
        {"free": 101901234},
    ],
)
def test_a_person_number_is_refused_and_not_repeated(body) -> None:
    said = refused(body)
    assert "CPR" in said
    assert "1234" not in said


def test_a_moment_slightly_ahead_is_now() -> None:
    word = read_word({"free": 1, "observed_at": "2026-11-24T13:07:00Z"}, NOW)
    assert word.said_at == NOW
    earlier = read_word({"free": 1, "observed_at": "2026-11-24T13:00:00.250Z"}, NOW)
    assert earlier.said_at == NOW - timedelta(seconds=329.75)


NUMBERS = st.one_of(st.none(), st.integers(0, 12))


@given(
    total=NUMBERS, staffed=NUMBERS, occupied=NUMBERS, reserved=NUMBERS, closed=NUMBERS,
    free=st.integers(0, 12),
)  # fmt: skip
def test_a_count_that_fits_is_shown_as_said_and_contradicts_nothing(
    total, staffed, occupied, reserved, closed, free
) -> None:
    row = standing(
        total=total, staffed=staffed, occupied=occupied, reserved=reserved, closed=closed
    )
    after = say({"free": free}, row)
    room = fits(PLACE, row)
    assert room is not None  # the catalogue knows how many places there are
    assert after["free"] == min(free, room)
    honest = {Inconsistency.STAFFED_OVER_TOTAL, Inconsistency.PARTS_OVER_TOTAL}
    if free <= room:
        assert set(after["inconsistencies"]) <= honest
    else:
        assert after["inconsistencies"]


def test_every_action_is_one_of_those_that_are_documented() -> None:
    assert set(ACTIONS) == {"confirm", "close", "open", "capabilities_off", "on_duty", "free"}
