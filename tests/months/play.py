"""One run: play, let the service roll up, read all it tells, count anew, compare."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from simulators.months.course import Course
from simulators.months.plan import Plan
from simulators.months.recount import recount
from tests.months.check import Compared, Told, compare, read
from tests.months.land import LAND
from tests.months.service import Months, months
from tests.months.signals import Seen, signals

Tell = Callable[[str], None]


@dataclass(slots=True)
class Run:
    """What was played, what came of it, and how long each part took (seconds by its name)."""

    plan: Plan
    counts: dict[str, int]
    findings: dict[str, int]
    compared: Compared
    seen: list[Seen]
    seconds: dict[str, float] = field(default_factory=dict)


@asynccontextmanager
async def played(plan: Plan, folder: Path, tell: Tell) -> AsyncIterator[tuple[Run, Months]]:
    """A run, and the service that still stands on the first minutes after it."""
    began = time.monotonic()
    took: dict[str, float] = {}

    def lap(name: str) -> None:
        took[name] = round(time.monotonic() - began - sum(took.values()), 1)
        tell(f"{name}: {took[name]:.0f} s")

    async with months(folder, plan.opens) as outlet:
        log = await Course(plan, LAND, outlet).run(tell)
        lap("played")
        await outlet.finish()
        lap("rolled up")
        told = await read(outlet, plan)
        lap("read")
        compared = compare(plan, told, recount(plan, LAND, log))
        lap("counted anew")
        holds = Counter(step.state for step in log.steps)
        counts = {
            "requests": outlet.requests, "documents": log.documents, "reports": len(log.said),
            "late": sum(each.late for each in log.said), "calls": log.calls,
            "outcomes": len(log.outcomes),
            "corrected": sum(each.corrections for each in log.outcomes),
            "levels by hand": len(log.by_hand), **{f"holds {k}": n for k, n in holds.items()},
        }  # fmt: skip
        yield Run(plan, counts, _findings(told), compared, signals(plan, told), took), outlet


def _findings(told: Told) -> dict[str, int]:
    return dict(Counter(call["finding"] for call in told.calls))
