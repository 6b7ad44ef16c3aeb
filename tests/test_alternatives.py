"""Alternatives by example: what each rule says, the order, and when to look again."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from capacity.alternatives import next_best, rank
from capacity.model import UnitKind
from capacity.need import Need, Where
from capacity.opening import Opening
from capacity.units import Agreement, Dated, Distance, Period, Quota, Unit
from tests.support.alternatives import (
    HOME,
    NEIGHBOUR,
    NOW,
    at,
    catalogue,
    codes,
    full,
    judged,
    need,
    row,
    unit,
)

PLACE = unit()
TEAM = unit("team", UnitKind.ACUTE_TEAM, response=timedelta(minutes=60))
LINE = unit("linje", UnitKind.ADVICE_LINE)
CLINIC = unit("klinik", UnitKind.ACUTE_CLINIC)
SLOT = unit("tid", UnitKind.SUBACUTE_SLOT)
AT_HOME = unit("hjemme", UnitKind.HOSPITAL_AT_HOME, response=timedelta(hours=4))
DAY = (Opening(frozenset(range(7)), time(8), time(15)),)
"""In the winter 07-14 UTC; `NOW` is 09 UTC."""
EVENING = (Opening(frozenset(range(7)), time(16), time(8)),)
CLOSED: dict[str, Any] = {"state": "closed", "closure_reason": "Mangler personale", "free": 0}
OFF_DUTY: dict[str, Any] = {"state": "closed", "on_duty": False, "free": 0}
DISPUTE = {"source": "nurse", "free": 0, "state": "occupied", "observed_at": at(minutes=-1)}

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


# --- the way --------------------------------------------------------------------------------


def by_road(km: float | None, minutes: int | None, of: Unit = PLACE) -> Any:
    return {HOME: {of.id: Distance(km, minutes)}}


@pytest.mark.parametrize(
    ("distance", "within", "verdict", "code"),
    [
        ((20, 25), None, "yes", "travel"),
        ((20, 25), 25, "yes", "travel"),
        ((20, 25), 24, "no", "travel_too_long"),
        ((20, None), 20, "yes", "travel"),
        ((20.5, None), 20, "no", "travel_too_long"),
        ((None, 25), 24, "no", "travel_too_long"),
    ],
)
def test_the_road_to_a_place(
    distance: tuple[float | None, int | None], within: int | None, verdict: str, code: str
) -> None:
    found = judged(need(within=within), PLACE, distances=by_road(*distance))
    assert found.verdict == verdict
    assert code in codes(found)
    assert (found.distance_km, found.travel_minutes) == distance


def test_who_comes_to_the_citizen_has_a_response_and_no_road() -> None:
    found = judged(need(), TEAM, distances=by_road(20, 25, TEAM))
    assert (found.travel_minutes, found.distance_km, found.response_minutes) == (None, None, 60)
    assert judged(need(), PLACE).response_minutes is None


def test_advice_needs_no_road() -> None:
    found = judged(need(within=5), LINE, distances=by_road(20, 25, LINE))
    assert found.verdict == "yes"


def test_who_would_come_after_closing_time_asks_first() -> None:
    of = unit(opening=DAY)  # until 14.00 UTC
    before = datetime(2026, 11, 23, 13, 34, tzinfo=UTC)
    given = row(of, before)
    for now, verdict in ((before, "yes"), (before + timedelta(minutes=1), "ask")):
        found = judged(need(), of, given, now=now, distances=by_road(20, 25))
        assert found.verdict == verdict
        assert ("closes_before_arrival" in codes(found)) is (verdict == "ask")


# --- agreements and holding -----------------------------------------------------------------

LENT = Agreement(
    "aftale", NEIGHBOUR, "randers-kommune", frozenset({UnitKind.ACUTE_PLACE}), "Efter aftale.",
    Quota(2, Period.DAY), surge_level=1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("level", "used", "verdict", "code", "holdable"),
    [
        (1, 1, "yes", "agreement", True),
        (1, 2, "no", "agreement_quota", False),
        (0, 0, "no", "agreement_surge", False),
        (None, 0, "no", "agreement_surge", False),
    ],
)
def test_borrowed_places(
    level: int | None, used: int, verdict: str, code: str, holdable: bool
) -> None:
    asked, counts = need(municipality=NEIGHBOUR), {"aftale|2026-11-23": used}
    found = judged(asked, PLACE, surge_level=level, used=counts, agreements=[LENT])
    assert (found.verdict, found.holdable) == (verdict, holdable)
    assert code in codes(found)
    assert found.agreement == ("aftale" if verdict == "yes" else None)
    if verdict == "yes":
        told = {"terms": "Efter aftale.", "used": 1, "limit": 2, "per": "day"}
        expected = {"code": "agreement", "verdict": "yes", "agreement": "aftale", **told}
        assert expected in found.reasons


def test_an_agreement_without_a_quota_counts_nothing() -> None:
    free = Agreement("fri", NEIGHBOUR, "randers-kommune", LENT.kinds, "Uden grænse.")
    found = judged(need(municipality=NEIGHBOUR), PLACE, agreements=[free])
    (told,) = [each for each in found.reasons if each["code"] == "agreement"]
    assert (told["used"], told["limit"], told["per"]) == (0, None, None)


@pytest.mark.parametrize(
    ("of", "given", "holdable"),
    [
        (PLACE, None, True),
        (TEAM, None, True),
        (SLOT, None, True),
        (AT_HOME, None, True),
        (LINE, None, False),
        (CLINIC, row(CLINIC, free=3, state="free"), False),
        (PLACE, full(PLACE), False),
        (PLACE, row(PLACE, free=None, state="unknown"), False),
        (PLACE, row(PLACE, state="closed"), False),
        (PLACE, row(PLACE, NOW - timedelta(hours=2)), False),
        (PLACE, row(PLACE, None), False),
        (PLACE, row(PLACE, disputed=DISPUTE), True),
        (unit(opening=EVENING), None, False),
    ],
)
def test_what_can_be_held(of: Unit, given: Any, holdable: bool) -> None:
    assert judged(need(), of, given).holdable is holdable


def test_figures_that_cannot_be_trusted_are_not_given() -> None:
    assert judged(need(), PLACE, row(PLACE, NOW - timedelta(hours=2))).free is None
    assert judged(need(), PLACE, row(PLACE, NOW - timedelta(hours=1))).free == 2


# --- order ----------------------------------------------------------------------------------


def ordered(asked: Need, rows: list[Any], *units: Unit, **world: Any) -> list[str]:
    found = rank(asked, rows, catalogue(*units, **world), NOW, 0)
    return [each.unit for each in found.alternatives]


def test_the_order() -> None:
    near = {HOME: {"b-far": Distance(minutes=30), "a-near": Distance(minutes=10)}}
    near[HOME] |= dict.fromkeys(("old", "few", "many", "many-2"), Distance(minutes=20))
    units = [
        unit("b-far"),
        unit("a-near"),
        unit("old"),
        unit("few"),
        unit("many"),
        unit("many-2", name="Many"),
        unit("unknown-way"),
        unit("advice", UnitKind.ADVICE_LINE),
        unit("hospital", organisation="hospital"),
        unit("full"),
        unit("unsure"),
        unit("elsewhere", municipality=NEIGHBOUR),
    ]
    by_id = {each.id: row(each) for each in units}
    by_id["old"] = row(units[2], NOW - timedelta(hours=1))
    by_id["few"] = row(units[3], free=1)
    by_id["full"] = full(units[9])
    by_id["unsure"] = row(units[10], None)
    expected = [
        "a-near", "many", "many-2", "few", "old", "b-far", "unknown-way",  # own, of the kind asked
        "advice",  # own, advice
        "hospital",  # serves it
        "unsure",  # to be asked
        "full", "elsewhere",  # cannot
    ]  # fmt: skip
    rows = [by_id[name] for name in sorted(by_id)]
    assert ordered(need(), rows, *units, distances=near) == expected
    assert ordered(need(), rows[::-1], *units, distances=near) == expected


def test_kinds_that_are_no_alternative_and_units_unknown_are_passed_over() -> None:
    none = [
        unit(kind.value, kind)
        for kind in (
            UnitKind.ACUTE_DEPARTMENT,
            UnitKind.VISITATION,
            UnitKind.OUT_OF_HOURS,
            UnitKind.PREHOSPITAL,
        )
    ]
    rows = [row(each, None) for each in [*none, PLACE, unit("gone")]]
    assert ordered(need(), rows, *none, PLACE) == ["plads"]


def test_the_next_best_can_be_held_if_any_can() -> None:
    units = [unit("lost"), unit("held"), LINE, unit("unsure"), unit("full"), unit("other")]
    rows = [row(each) for each in units[:3]] + [row(units[3], None), full(units[4]), row(units[5])]
    ranking = rank(need(), rows, catalogue(*units), NOW, 0)
    assert [each.unit for each in next_best(ranking, "lost")] == ["held", "other", "linje"]
    best = next_best(ranking, "lost", most=9)
    assert [each.unit for each in best] == ["held", "other", "linje", "unsure"]


# --- when to look again ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "of", "given", "then"),
    [
        (need(), PLACE, None, NOW + timedelta(minutes=55)),  # it ages
        (need(), PLACE, row(PLACE, NOW - timedelta(minutes=90)), NOW + timedelta(minutes=30)),
        (need(), PLACE, row(PLACE, NOW - timedelta(hours=3)), None),
        (need(), PLACE, row(PLACE, None), None),
        # seven hours from now it opens, and a need of an hour may wait for it after six
        (
            need(within=60),
            unit(opening=EVENING),
            row(PLACE, None),
            NOW + timedelta(hours=5),
        ),
        (
            need(within=60), SLOT, row(SLOT, ageing_at=None, stale_at=at(days=1),
                                       next_free_at=at(minutes=90)),
            NOW + timedelta(minutes=30),
        ),
    ],
)  # fmt: skip
def test_recheck(asked: Need, of: Unit, given: Any, then: datetime | None) -> None:
    rows = [row(of) if given is None else given]
    assert rank(asked, rows, catalogue(of), NOW, 0).recheck_at == then


def test_recheck_when_an_agreement_or_a_day_begins() -> None:
    asked, rows = need(municipality=NEIGHBOUR), [row(PLACE, None)]
    midnight = datetime(2026, 11, 23, 23, tzinfo=UTC)

    def then(**fields: Any) -> datetime | None:
        values: dict[str, Any] = {
            "id": "aftale", "borrower": NEIGHBOUR, "lender": "randers-kommune",
            "kinds": LENT.kinds, "terms": "Efter aftale.",
        }  # fmt: skip
        agreement = Agreement(**values | fields)
        return rank(asked, rows, catalogue(PLACE, agreements=[agreement]), NOW, 0).recheck_at

    assert then() is None
    assert then(quota=Quota(1, Period.DAY)) == midnight
    assert then(since=date(2026, 11, 24)) == midnight
    assert then(until=date(2026, 11, 23)) == midnight
    changing = unit(authority=Dated(((date.min, "a"), (date(2026, 11, 24), "b"))))
    agreement = Agreement("aftale", NEIGHBOUR, "b", LENT.kinds, "Efter aftale.")
    world = catalogue(changing, agreements=[agreement])
    assert rank(asked, [row(changing, None)], world, NOW, 0).recheck_at == midnight
