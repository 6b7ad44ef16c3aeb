"""Alternatives by example: the verdict on each, and everything for and against it."""

from datetime import time, timedelta
from typing import Any

import pytest

from capacity.model import UnitKind
from capacity.need import Need, Where
from capacity.opening import Opening
from capacity.units import Unit
from tests.support.alternatives import (
    AT_HOME,
    CLINIC,
    CLOSED,
    DAY,
    DISPUTE,
    EVENING,
    LINE,
    NEIGHBOUR,
    NOW,
    OFF_DUTY,
    PLACE,
    SLOT,
    TEAM,
    at,
    codes,
    full,
    judged,
    need,
    row,
    unit,
)

JUDGED: dict[str, tuple[Need, Unit, Any, str, set[str]]] = {
    # what: the need, the unit, its row (None: two free, five minutes ago), verdict, codes against
    "free": (need(), PLACE, None, "yes", set()),
    "all it needs": (need("ecg", "iv_fluid"), PLACE, None, "yes", set()),
    "a team on duty": (need(), TEAM, None, "yes", set()),
    "hospital at home": (need(), AT_HOME, None, "yes", set()),
    # capabilities
    "never able": (need("x_ray"), PLACE, None, "no", {"capability_never"}),
    "not able today": (
        need("ecg"), PLACE, row(PLACE, capabilities_off=["ecg"]), "no", {"capability_off"}),
    "not needed today": (
        need("iv_fluid"), PLACE, row(PLACE, capabilities_off=["ecg"]), "yes", set()),
    "off by an old report": (
        need("ecg"), PLACE, row(PLACE, NOW - timedelta(hours=3), capabilities_off=["ecg"]),
        "ask", {"capability_off", "stale"}),
    "no list of abilities": (
        need("ecg"), unit(capabilities=()), None, "ask", {"capabilities_unknown"}),
    "no list and none needed": (need(), unit(capabilities=()), None, "yes", set()),
    # municipality
    "another's citizen": (need(municipality=NEIGHBOUR), PLACE, None, "no", {"agreement_none"}),
    "municipality not said": (
        need(municipality=None), PLACE, None, "ask", {"municipality_missing"}),
    # place or home
    "home wanted, place had": (need(where=Where.HOME), PLACE, None, "no", {"not_at_home"}),
    "place wanted, team had": (need(where=Where.PLACE), TEAM, None, "no", {"not_a_place"}),
    "home wanted": (need(where=Where.HOME), AT_HOME, None, "yes", set()),
    "place wanted": (need(where=Where.PLACE), SLOT, None, "yes", set()),
    "advice fits a place": (need(where=Where.PLACE), LINE, None, "yes", set()),
    "advice fits a home": (need(where=Where.HOME), LINE, None, "yes", set()),
    # how soon
    "soon enough": (need(within=60), TEAM, None, "yes", set()),
    "not soon enough": (need(within=59), TEAM, None, "ask", {"response_too_long"}),
    "how soon is not known": (
        need(within=60), unit("t", UnitKind.ACUTE_TEAM), None, "ask", {"response_unknown"}),
    "how soon is not asked": (need(), unit("t", UnitKind.ACUTE_TEAM), None, "yes", set()),
    # free
    "none free": (need(), PLACE, full(PLACE), "no", {"none_free"}),
    "all held": (need(), PLACE, full(PLACE, held=1), "no", {"all_held"}),
    "not known": (need(), PLACE, row(PLACE, free=None, state="unknown"), "ask", {"free_unknown"}),
    "team free in time": (
        need(within=60), TEAM, full(TEAM, next_free_at=at(minutes=60)), "ask", {"free_later"}),
    "team free too late": (
        need(within=60), TEAM, full(TEAM, next_free_at=at(minutes=61)), "no", {"none_free"}),
    "team was to be free": (
        need(within=60), TEAM, full(TEAM, next_free_at=at(minutes=-1)), "no", {"none_free"}),
    "free within a day, no hurry": (
        need(), TEAM, full(TEAM, next_free_at=at(hours=24)), "ask", {"free_later"}),
    "free in more than a day": (
        need(), TEAM, full(TEAM, next_free_at=at(hours=25)), "no", {"none_free"}),
    "not known, free later": (
        need(), TEAM, row(TEAM, free=None, state="unknown", next_free_at=at(hours=1)),
        "ask", {"free_later"}),
    "off duty": (need(), TEAM, row(TEAM, **OFF_DUTY), "no", {"off_duty"}),
    "off duty until later": (
        need(), TEAM, row(TEAM, **OFF_DUTY, next_free_at=at(hours=1)), "ask", {"on_duty_later"}),
    "off duty until too late": (
        need(within=30), TEAM, row(TEAM, **OFF_DUTY, next_free_at=at(hours=1)),
        "no", {"response_too_long", "off_duty"}),
    # subacute slots
    "slot in time": (need(within=120), SLOT, row(SLOT, next_free_at=at(hours=2)), "yes", set()),
    "slot too late": (
        need(within=119), SLOT, row(SLOT, next_free_at=at(hours=2)), "no", {"slot_late"}),
    "slot some time": (need(), SLOT, row(SLOT, next_free_at=at(days=3)), "yes", set()),
    "slot passed": (need(), SLOT, row(SLOT, next_free_at=at(minutes=-1)), "ask", {"slot_passed"}),
    "slot of unknown time": (need(within=120), SLOT, None, "ask", {"slot_time_unknown"}),
    "slot of unknown time, no hurry": (need(), SLOT, None, "yes", set()),
    "no slot": (need(), SLOT, full(SLOT), "no", {"none_free"}),
    # advice lines and clinics
    "line answers": (need(), LINE, None, "yes", set()),
    "line not known": (
        need(), LINE, row(LINE, on_duty=None, state="unknown"), "ask", {"duty_unknown"}),
    "line states free": (need(), LINE, row(LINE, on_duty=None, state="free"), "yes", set()),
    "line shut": (need(), LINE, row(LINE, **OFF_DUTY), "no", {"off_duty"}),
    "line with a queue": (need(within=10), LINE, row(LINE, wait_minutes=10), "yes", set()),
    "line with a long queue": (
        need(within=9), LINE, row(LINE, wait_minutes=10), "ask", {"wait_too_long"}),
    "clinic with a wait": (need(), CLINIC, None, "yes", set()),
    "clinic with a long wait": (need(within=19), CLINIC, None, "ask", {"wait_too_long"}),
    "clinic, nothing known": (
        need(), CLINIC, row(CLINIC, wait_minutes=None), "ask", {"wait_unknown"}),
    "clinic with rooms": (
        need(), CLINIC, row(CLINIC, wait_minutes=None, free=3, state="free"), "yes", set()),
    "clinic full": (need(), CLINIC, full(CLINIC), "no", {"none_free"}),
    # closures
    "closed": (need(), PLACE, row(PLACE, **CLOSED), "no", {"closed"}),
    "closed, opens in time": (
        need(within=60), PLACE, row(PLACE, **CLOSED, reopens_at=at(hours=1)), "ask", {"reopens"}),
    "closed, opens too late": (
        need(within=59), PLACE, row(PLACE, **CLOSED, reopens_at=at(hours=1)), "no", {"closed"}),
    "was to open": (
        need(), PLACE, row(PLACE, **CLOSED, reopens_at=at()), "ask", {"reopening_passed"}),
    "every place out of use": (
        need(), PLACE, row(PLACE, state="closed", free=0), "no", {"closed_all"}),
    # how sure
    "never reported": (need(), PLACE, row(PLACE, None), "ask", {"never_reported"}),
    "stale": (need(), PLACE, row(PLACE, NOW - timedelta(hours=2)), "ask", {"stale"}),
    "stale and full": (need(), PLACE, full(PLACE, NOW - timedelta(hours=2)), "ask", {"stale"}),
    "ageing": (need(), PLACE, row(PLACE, NOW - timedelta(hours=1)), "yes", set()),
    "stale without ageing": (need(), PLACE, row(PLACE, ageing_at=None), "yes", set()),
    "closed by an old report": (
        need(), PLACE, row(PLACE, NOW - timedelta(hours=3), **CLOSED),
        "ask", {"closed_last", "stale"}),
    "closed until tomorrow by an old report": (
        need(within=60), PLACE,
        row(PLACE, NOW - timedelta(hours=3), **CLOSED, reopens_at=at(hours=20)),
        "no", {"closed", "stale"}),
    "was to open by an old report": (
        need(), PLACE, row(PLACE, NOW - timedelta(hours=3), **CLOSED, reopens_at=at(hours=-1)),
        "ask", {"closed_last", "stale"}),
    "disputed": (need(), PLACE, row(PLACE, disputed=DISPUTE), "ask", {"disputed"}),
    "contradictory": (
        need(), PLACE, row(PLACE, inconsistencies=["free_over_total"]), "ask", {"inconsistent"}),
    # hours
    "open": (need(), unit(opening=DAY), None, "yes", set()),
    "open without a break": (
        need(), unit(opening=(Opening(frozenset(range(7)), time(0), time(0)),)), None,
        "yes", set()),
    "shut, opens in time": (need(within=360), unit(opening=EVENING), None, "ask", {"opens"}),
    "shut, opens too late": (
        need(within=359), unit(opening=EVENING), None, "no", {"closed_hours"}),
    "shut, opens today, no hurry": (need(), unit(opening=EVENING), None, "ask", {"opens"}),
    "never open": (need(), unit(opening=()), None, "no", {"closed_hours"}),
    "shut, but somebody answers": (
        need(), unit("linje", UnitKind.ADVICE_LINE, opening=EVENING), None,
        "ask", {"outside_hours"}),
    "several things": (
        need("x_ray", "ecg", municipality=NEIGHBOUR, where=Where.HOME), PLACE,
        row(PLACE, NOW - timedelta(hours=2), disputed=DISPUTE), "no",
        {"capability_never", "not_at_home", "agreement_none", "stale", "disputed"}),
}  # fmt: skip


@pytest.mark.parametrize("case", JUDGED.values(), ids=JUDGED.keys())
def test_the_verdict_and_everything_against(
    case: tuple[Need, Unit, Any, str, set[str]],
) -> None:
    asked, of, given, verdict, against = case
    found = judged(asked, of, given)
    assert found.verdict == verdict
    assert {*codes(found, "ask"), *codes(found, "no")} == against
    assert codes(found) == codes(found, "no") + codes(found, "ask") + codes(found, "yes")


@pytest.mark.parametrize(
    ("asked", "of", "given", "told"),
    [
        (need("ecg"), PLACE, None, ["capabilities_all", "own_municipality", "free"]),
        (need(), TEAM, None, ["response", "own_municipality", "free"]),
        (need(), LINE, None, ["own_municipality", "answers"]),
        (need(), LINE, row(LINE, wait_minutes=4), ["own_municipality", "wait"]),
        (need(), SLOT, row(SLOT, next_free_at=at(hours=1)), ["own_municipality", "free", "slot"]),
        (need(), PLACE, row(PLACE, NOW - timedelta(hours=1)),
         ["own_municipality", "free", "ageing"]),
        (need(within=360), unit(opening=DAY), None, ["own_municipality", "closes", "free"]),
        (need(within=60), unit(opening=DAY), None, ["own_municipality", "free"]),
        (need(), unit(organisation="hospital"), None, ["serves", "free"]),
        (need(), unit(organisation="not in the catalogue"), None, ["own_municipality", "free"]),
        (need(municipality=NEIGHBOUR), unit(service_area=(NEIGHBOUR,)), None, ["serves", "free"]),
    ],
)  # fmt: skip
def test_what_speaks_for_it_is_told_too(asked: Need, of: Unit, given: Any, told: list[str]) -> None:
    assert codes(judged(asked, of, given)) == told


def test_findings_carry_what_their_words_need() -> None:
    found = judged(need("x_ray", "ecg"), PLACE, row(PLACE, disputed=DISPUTE))
    assert {"code": "capability_never", "verdict": "no", "capabilities": ["x_ray"]} in found.reasons
    assert {"code": "disputed", "verdict": "ask", **DISPUTE} in found.reasons
    assert {"code": "free", "verdict": "yes", "n": 2, "held": 0} in found.reasons
