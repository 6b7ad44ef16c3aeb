"""Months of a cluster: a day and a half through the real service, and that the checks can fail."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta

import pytest

from capacity.comparison import Finding
from simulators.months.course import Course
from simulators.months.log import Log
from simulators.months.plan import AS_BEFORE, Plan, midnight
from simulators.months.recount import recount
from tests.months.__main__ import is_right
from tests.months.check import Compared, Told, compare, read
from tests.months.land import LAND
from tests.months.play import Run
from tests.months.service import months
from tests.months.signals import EXPECTED, Seen, signals

# The day on which clocks go back, and the half before it, with calls enough for every kind.
PLAN = Plan(seed=7, begin=date(2026, 10, 25), first_days=1, second_days=0, calls_per_day=50)
HOUR = 3_600_000
NOON = midnight(PLAN.begin) + 13 * HOUR
AT_HOME = "rhr-hjemmeindlaeggelse"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Log, Told]:
    """What was sent and answered, and what the service tells of it."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler to make a clock with")

    async def play() -> tuple[Log, Told]:
        async with months(tmp_path_factory.mktemp("m"), PLAN.opens) as outlet:
            log = await Course(PLAN, LAND, outlet).run(lambda _: None)
            await outlet.finish()
            return log, await read(outlet, PLAN)

    return asyncio.run(play())


def test_figures_and_ledger_equal_the_recount(day: tuple[Log, Told]) -> None:
    log, told = day
    compared = compare(PLAN, told, recount(PLAN, LAND, log))
    assert compared.unequal == []
    assert compared.figures > 100
    assert compared.calls == len(log.outcomes) > 40
    # It was no quiet time, in which everything would be equal.
    assert {"asked", "accepted", "filled"} <= {step.state for step in log.steps}
    assert {"missed", "used", "other"} <= {call["finding"] for call in told.calls}
    assert any(said.late for said in log.said)
    assert len({call["surge_level"] for call in told.calls}) > 1


def test_the_day_on_which_clocks_go_back_has_25_hours(day: tuple[Log, Told]) -> None:
    anew = recount(PLAN, LAND, day[0]).amounts
    assert sum(n for key, n in anew.items() if key.measure.startswith("level_")) == 25 * HOUR


def _busier(log: Log) -> None:
    said = next(each for each in log.said if each.unit == AT_HOME and each.at > NOON)
    more = said.figures | {"occupied": said.figures["occupied"] + 1}
    log.said[log.said.index(said)] = replace(said, figures=more)


def _slower(log: Log) -> None:
    place = next(
        n for n, step in enumerate(log.steps) if step.state == "accepted" and step.at > NOON
    )
    log.steps[place] = replace(log.steps[place], at=log.steps[place].at + 1)


def _forgotten(log: Log) -> None:
    log.outcomes.pop()


def _otherwise(log: Log) -> None:
    call = next(
        each for each in log.outcomes if each.value["outcome"] == "alternative" and each.at > NOON
    )
    call.value = call.value | {"outcome": "admitted_none_free"}


def _never_late(log: Log) -> None:
    place = next(n for n, said in enumerate(log.said) if said.late and said.at > NOON)
    log.said[place] = replace(log.said[place], late=False)


@pytest.mark.parametrize("change", [_busier, _slower, _forgotten, _otherwise, _never_late])
def test_the_comparison_fails_when_the_log_is_another(
    change: Callable[[Log], None], day: tuple[Log, Told]
) -> None:
    log, told = day
    changed = deepcopy(log)
    change(changed)
    assert compare(PLAN, told, recount(PLAN, LAND, changed)).unequal


# Whether the effect was found


TWO = Plan(1, date(2026, 10, 1), 20, 10)
NOISE = (0.0, 3.0, -2.0, 1.0, -3.0, 2.0, -1.0)


def _told(step: float) -> Told:
    """Series that wander about 50, and `step` higher from the turn on."""
    days = [TWO.begin + timedelta(days=n) for n in range(30)]
    series = [
        {
            "period": day.isoformat(),
            "value": 50 + NOISE[n % 7] + (step if day >= TWO.turn else 0),
            "unknown": None,
            "signal": {"meaning": "improvement"} if step and day >= TWO.turn else None,
        }
        for n, day in enumerate(days)
    ]
    every = [{"definition": {"id": name}, "series": series} for name in EXPECTED]
    return Told({"": every}, [])


def test_a_step_is_seen_and_none_is_not() -> None:
    (share,) = [each for each in signals(TWO, _told(10.0)) if each.name == "alternative_share"]
    assert share.finding is Finding.HIGHER
    assert share.is_effect
    assert share.better == 10
    assert share.page == "higher"
    (share,) = [each for each in signals(TWO, _told(0.0)) if each.name == "alternative_share"]
    assert share.finding is Finding.NOT_SEEN
    assert not share.is_found


def _run(plan: Plan, findings: Sequence[Finding], unequal: Sequence[str] = ()) -> Run:
    seen = [
        Seen(name, 1.0, 2.0, 0.5, finding) for name, finding in zip(EXPECTED, findings, strict=True)
    ]
    return Run(plan, {}, {}, Compared(unequal=list(unequal)), seen)


def test_a_run_is_right_only_with_its_effect() -> None:
    found, none = list(EXPECTED.values()), [Finding.NOT_SEEN] * len(EXPECTED)
    some = [*found[:3], Finding.REFUSED, Finding.NOT_SEEN]
    assert is_right(_run(TWO, found))
    assert is_right(_run(TWO, some))
    assert not is_right(_run(TWO, [*found[:2], *none[2:]]))
    assert not is_right(_run(TWO, [*found[:4], Finding.HIGHER]))
    assert not is_right(_run(TWO, found, ["a figure"]))
    without = replace(TWO, after=AS_BEFORE)
    assert is_right(_run(without, none))
    assert not is_right(_run(without, [*none[:4], Finding.LOWER]))
