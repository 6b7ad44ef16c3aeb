"""The coordinator: now and then the surge level is set by hand, and now and then lifted again."""

from typing import TYPE_CHECKING

from simulators.months.land import DAY, HOUR, MINUTE
from simulators.months.log import ByHand
from simulators.months.plan import text_of

if TYPE_CHECKING:
    from simulators.months.course import Course

A_DAY = 0.3
"""How often."""
LIFTS = 0.4


class Coordinator:
    """Looks at the board each day at about ten."""

    def __init__(self, course: "Course") -> None:
        self._course = course
        self._chance = course.chance("coordinator")
        self._path = f"/api/v1/surge/{course.land.cluster}"

    def begin(self) -> None:
        """Come to work each day."""
        at = self._course.now + 22 * HOUR
        while at < self._course.end - DAY:
            if self._chance.random() < A_DAY:
                self._course.at(at + self._chance.randint(0, 90) * MINUTE, self._set)
            at += DAY

    async def _set(self) -> None:
        course, level = self._course, self._chance.randint(1, 3)
        until = course.now + self._chance.randint(3, 8) * HOUR
        body = {"level": level, "reason": "Aftalt på morgenmødet", "until": text_of(until)}
        status, said = await course.outlet.post(self._path, body)
        if status != 200:
            raise RuntimeError(f"the surge level was not set: {status} {said}")
        course.log.by_hand.append(ByHand(course.now, level, until))
        if self._chance.random() < LIFTS:
            course.at(course.now + 2 * HOUR, self._lift)

    async def _lift(self) -> None:
        course = self._course
        status = await course.outlet.delete(self._path)
        if status != 200:
            raise RuntimeError(f"the surge level was not lifted: {status}")
        course.log.by_hand.append(ByHand(course.now, None, course.now))
