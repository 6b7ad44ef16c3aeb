"""The simulated day: repeatable, conserving, and shaped like the real thing."""

import random
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.day import Day
from simulators.figures import Figures
from simulators.flow import Clockwork, Queue, Slots
from simulators.hours import DAY, HOUR, Rates, hour_of
from simulators.scenario import Duration, Scenario, ScenarioError, load_scenario


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario()


def course(day: Day, hours: int, step: float = 60.0) -> Iterator[dict[str, Figures]]:
    for _ in range(int(hours * HOUR / step)):
        yield day.figures()
        day.advance(step)


def test_the_same_seed_gives_the_same_course_and_another_seed_another(scenario: Scenario) -> None:
    first, same, other = (list(course(Day(scenario, seed), 48)) for seed in (7, 7, 8))
    assert first == same
    assert first != other


def test_the_course_does_not_depend_on_how_time_is_cut(scenario: Scenario) -> None:
    fine, coarse = Day(scenario, 3), Day(scenario, 3)
    for _ in range(600):
        fine.advance(1.5)
    coarse.advance(900)
    assert fine.figures() == coarse.figures()
    assert fine.minute == coarse.minute


def counts_of(figures: Figures) -> Iterator[int]:
    for name in ("total", "staffed", "occupied", "reserved", "closed", "waiting", "wait_minutes"):
        value = getattr(figures, name)
        if value is not None:
            yield value


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_count_is_ever_negative_and_places_add_up(scenario: Scenario, seed: int) -> None:
    for figures in course(Day(scenario, seed), 24 * 14, step=20):
        for unit, now in figures.items():
            assert min(counts_of(now), default=0) >= 0, unit
            if now.kind == "place" and now.reserved is not None:
                assert now.total
                assert now.closed is not None
                assert now.occupied is not None
                assert now.occupied + now.reserved + now.closed <= now.total, unit
            if now.kind == "team":
                assert now.total is not None
                assert now.occupied is not None
                assert now.occupied + (now.reserved or 0) <= now.total, unit


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nobody_is_lost_or_made_up(scenario: Scenario, seed: int) -> None:
    day = Day(scenario, seed)
    for _ in range(24 * 10):
        day.advance(60)
        for ward in (day.acute.ward, day.at_home):
            assert ward.arrived == ward.present + ward.left
        for queue in day.queues():
            assert queue.arrived == queue.waiting + queue.busy + queue.left
        for unit in day.places.units:
            assert unit.arrived == unit.occupied + unit.left
        for team in day.teams:
            assert team.arrived == team.at_home + team.left == team.referred_by.total()


def test_arrivals_follow_the_hours_of_the_day(scenario: Scenario) -> None:
    """120 days at a fixed seed: each hour within four standard deviations of its share."""
    day = Day(scenario, 11, begin=0)
    came = [0] * 24
    days = 120
    for hour in range(days * 24):
        before = day.visitation.queue.arrived
        day.advance(60)
        came[hour % 24] += day.visitation.queue.arrived - before
    weights = scenario.visitation.by_hour
    per_day = (scenario.visitation.least_per_day + scenario.visitation.most_per_day) / 2
    for hour, count in enumerate(came):
        expected = days * per_day * weights[hour] / sum(weights)
        assert abs(count - expected) < 4 * expected**0.5 + 0.06 * expected, f"hour {hour}"
    assert 10 <= came.index(max(came)) <= 14, "the peak is late morning to afternoon"
    assert 60 <= sum(came) / days <= 110


def test_the_figures_the_field_knows_come_out(scenario: Scenario) -> None:
    """Averages over 120 days, with the tolerance that the spread between seeds needs."""
    day = Day(scenario, 5, begin=0)
    arrived = day.acute.ward.arrived
    occupancy: list[list[float]] = [[] for _ in range(24)]
    places: list[float] = []
    evening: list[int] = []
    days = 120
    for figures in course(day, days * 24):
        hour = len(places) % 24
        acute = figures["rhr-akutafdeling"]
        assert acute.occupied is not None
        assert acute.total is not None
        occupancy[hour].append(acute.occupied / acute.total)
        places.append(sum(unit.occupied for unit in day.places.units) / 7)
        if 16 <= hour <= 18:
            evening.append(figures["laegevagt-randers"].wait_minutes or 0)
    morning, noon = fmean(occupancy[7]), max(fmean(hour) for hour in occupancy)
    assert 0.79 <= morning <= 0.88
    assert 0.98 <= noon <= 1.08
    assert 72 <= (day.acute.ward.arrived - arrived) / days <= 84
    assert 0.37 <= fmean(places) <= 0.57
    assert 5 <= fmean(evening) <= 20
    share = day.places.ended_in_hospital / sum(unit.left for unit in day.places.units)
    assert 0.12 <= share <= 0.38


def test_team_referrals_come_in_the_known_shares(scenario: Scenario) -> None:
    day = Day(scenario, 2)
    day.advance(90 * DAY)
    referred = sum((team.referred_by for team in day.teams), start=type(day.teams[0].referred_by)())
    for referrer, share in scenario.teams.referrers.items():
        assert referred[referrer] / referred.total() == pytest.approx(share / 0.99, abs=0.03)
    per_team = referred.total() / len(day.teams) / (day.minute / DAY)
    assert per_team == pytest.approx(7, abs=0.4)


def test_stays_have_the_known_median_and_mean(scenario: Scenario) -> None:
    rng, spec = random.Random(4), scenario.acute_places
    stays = [
        (spec.stay_before_hospital if rng.random() < spec.to_hospital_share else spec.stay).draw(
            rng
        )
        / DAY
        for _ in range(20_000)
    ]
    assert median(stays) == pytest.approx(3, abs=0.15)
    assert fmean(stays) == pytest.approx(3.6, abs=0.15)
    assert max(scenario.teams.course.draw(rng) for _ in range(5_000)) <= 48 * HOUR


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 20), min_size=24, max_size=24).filter(lambda rates: sum(rates) > 0.1),
    st.floats(0, 5000),
    st.floats(0.001, 50),
)
def test_a_rate_adds_up_to_the_need(per_hour: list[float], start: float, need: float) -> None:
    """Adding the rate up minute by minute, another way, gives the need again."""
    end = Rates(per_hour).reached(start, need)
    assert end >= start
    whole_days, rest = divmod(end - start, DAY)
    added = whole_days * sum(per_hour)
    at = start + whole_days * DAY
    while at < start + whole_days * DAY + rest - 1e-9:
        until = min((at // HOUR + 1) * HOUR, end)
        added += per_hour[hour_of(at)] * (until - at) / HOUR
        at = until
    assert added == pytest.approx(need, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("rates", [[0.0] * 24, [1.0] * 23, [1.0] * 23 + [-1.0]])
def test_impossible_rates_are_refused(rates: list[float]) -> None:
    with pytest.raises(ValueError, match="24 rates"):
        Rates(rates)


def test_a_queue_serves_in_order_and_tells_the_wait() -> None:
    clock = Clockwork(0)
    queue = Queue(clock, lambda _: 1, lambda: 10, 10)
    served: list[str] = []

    def note(name: str) -> None:
        served.append(f"{name}{clock.now:.0f}")

    for name in ("a", "b", "c"):
        queue.arrive(partial(note, name))
    assert (queue.busy, queue.waiting, queue.wait_minutes(), queue.next_end()) == (1, 2, 25, 10)
    clock.run_until(25)
    assert served == ["a10", "b20"]
    clock.run_until(30)
    assert (queue.busy, queue.waiting, queue.wait_minutes(), queue.next_end()) == (0, 0, 0, None)


def test_a_queue_is_not_left_standing_when_the_shift_ends() -> None:
    clock = Clockwork(0)
    queue = Queue(clock, lambda minute: 2 if minute < 5 else 0, lambda: 10, 10)
    for _ in range(4):
        queue.arrive()
    clock.run_until(100)
    assert (queue.left, queue.waiting) == (4, 0)


def test_slots_are_given_once_each_and_end_tomorrow() -> None:
    slots = Slots((9 * HOUR, 10 * HOUR), notice=30)
    for _ in range(5):
        slots.book(8 * HOUR)
    assert slots.turned_away == 1
    assert slots.free_at(8 * HOUR) == []
    assert len(slots.open_at(9.6 * HOUR)) == 2, "today's are too soon, tomorrow's remain"


def test_a_withdrawn_unit_is_closed_with_reason_and_time(scenario: Scenario) -> None:
    day = Day(scenario, 1)
    unit = next(unit for unit in day.places.units if unit.spec.places == 1 and unit.free)
    unit.withdraw(day.minute + 90, "Teknisk fejl")
    figures = unit.figures()
    assert figures.closure is not None
    assert (figures.closure.reason, figures.closure.reopens_at) == ("Teknisk fejl", day.minute + 90)
    assert (figures.staffed, figures.closed) == (0, 1)
    day.advance(90)
    assert unit.figures().closure is None


def test_lines_close_and_say_when_they_open(scenario: Scenario) -> None:
    at_ten, at_five = Day(scenario, 1, 10 * HOUR).figures(), Day(scenario, 1, 17 * HOUR).figures()
    closed = at_ten["laegevagt-randers"]
    assert closed.closure is not None
    assert closed.closure.reopens_at % DAY == 16 * HOUR
    assert closed.wait_minutes is None, "unknown, not zero"
    assert at_five["laegevagt-randers"].closure is None
    assert at_ten["rhr-geriatri-raad"].on_duty is True
    assert at_five["rhr-geriatri-raad"].on_duty is False


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("beds = 50", 'beds = "many"', "acute_department.beds"),
        ("beds = 50", "bedss = 50", "acute_department.bedss"),
        ("most_per_day = 110", "most_per_day = 10", "visitation"),
        ("to_hospital_share = 0.25", "to_hospital_share = 25", "acute_places.to_hospital_share"),
        ('"AP-1" = "randers-akutplads-1"', '"AP-1" = "nowhere"', "nowhere"),
        ('unit = "randers-akutplads-2"', 'unit = "randers-akutplads-1"', "occurs twice"),
        ('municipality = "0706"', 'municipality = "9999"', "not in the catchment"),
        ('source = "rhr-status"', 'source = "rhr-fhir"', "a source occurs twice"),
        ("name = ", "name ", "randers.toml"),
    ],
)
def test_a_scenario_that_does_not_fit_is_refused_by_field(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str, field: str
) -> None:
    text = files("simulators").joinpath("data/randers.toml").read_text(encoding="utf-8")
    assert before in text
    path = tmp_path_factory.mktemp("scenario") / "randers.toml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ScenarioError, match=field.replace(".", r"\.")):
        load_scenario(path)


def test_a_changed_scenario_changes_the_day(tmp_path_factory: pytest.TempPathFactory) -> None:
    text = files("simulators").joinpath("data/randers.toml").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("scenario") / "more.toml"
    path.write_text(text.replace("beds = 50 ", "beds = 61 "), encoding="utf-8")
    assert Day(load_scenario(path), 1).figures()["rhr-akutafdeling"].total == 61


def test_a_scenario_file_that_is_not_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path_factory.mktemp("none") / "none.toml")


def test_a_mean_below_the_median_is_refused() -> None:
    with pytest.raises(ValueError, match="long tail"):
        Duration(median=10, mean=5)
