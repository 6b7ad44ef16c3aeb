"""What the systems tell: care records by habit, hospital and region by the clock."""

from functools import partial
from typing import TYPE_CHECKING, Any

from simulators.months.land import DAY, HOUR, MINUTE, Unit
from simulators.months.log import Said
from simulators.months.plan import local
from simulators.months.truth import CLOSES_PER_DAY
from simulators.months.wire import TICKS, Source, document, sources_of

if TYPE_CHECKING:
    from simulators.months.course import Course

AT_NIGHT, AT_WEEKENDS = 1.6, 1.2
"""How much longer care records wait then."""
UNKNOWN, LATE = 0.02, 0.03
"""How often a document does not know how many are there, and how often an old one comes after."""

Figures = dict[str, dict[str, Any]]


class Feeds:
    """All systems of the cluster."""

    def __init__(self, course: "Course") -> None:
        self._course = course
        self._chance = course.chance("feeds")
        self._sources = sources_of(course.land)
        self._observed: dict[str, int] = {}

    def begin(self) -> None:
        """Everybody tells in the first minutes; then each by its habit."""
        course = self._course
        for number, source in enumerate(self._sources.values()):
            course.at(course.now + number * MINUTE, partial(self._observe, source))
        for unit in course.land.of_kind("acute_place"):
            self._close_later(unit, course.now)

    async def _observe(self, source: Source) -> None:
        """Look now, tell in some seconds, and look again when it is time."""
        course, at = self._course, self._course.now
        if source.id in TICKS:
            course.truth.drift()
            wait = TICKS[source.id] * MINUTE
        else:
            wait = self._pause(at)
        course.at(at + wait, lambda: self._observe(source))
        figures = self._figures(source, at)
        lag = self._chance.randint(3, 40) * 1000
        course.at(at + lag, lambda: self._tell(source, figures, at))
        if source.id not in TICKS and self._chance.random() < LATE:
            old = self._figures(source, at - 30 * MINUTE)
            course.at(at + 5 * MINUTE, lambda: self._tell(source, old, at - 30 * MINUTE))

    def _pause(self, at: int) -> int:
        clock, mean = local(at), self._course.plan.habits(at).reports_every
        mean *= AT_NIGHT if clock.hour >= 23 or clock.hour < 7 else 1
        mean *= AT_WEEKENDS if clock.weekday() >= 5 else 1
        return round(mean * self._chance.uniform(0.35, 1.65) * 60) * 1000

    def _figures(self, source: Source, at: int) -> Figures:
        found = {u.id: self._course.truth.figures(u, at, source.speaks) for u in source.units}
        if source.id not in TICKS and self._chance.random() < UNKNOWN:
            found[source.units[0].id]["occupied"] = None
        return found

    async def _tell(self, source: Source, figures: Figures, observed: int) -> None:
        course = self._course
        body, media = document(source, figures, observed)
        receipt = await course.outlet.push(source.id, body, media)
        course.log.documents += 1
        late = self._observed.get(source.id, 0) >= observed
        # One that had to be sent again is "unchanged" if it had come all the same.
        taken = receipt["superseded"] if late else receipt["accepted"] + receipt["unchanged"]
        if taken != len(source.units) or receipt["rejected"]:
            raise RuntimeError(f"{source.id} was answered {receipt}")
        self._observed[source.id] = max(observed, self._observed.get(source.id, 0))
        for unit in source.units:
            course.log.said.append(
                Said(
                    at=course.now, source=source.id, unit=unit.id, observed=observed,
                    figures=figures[unit.id], late=late,
                    ageing=observed + (source.ageing or unit.ageing),
                    stale=observed + (source.stale or unit.stale),
                )
            )  # fmt: skip

    def _close_later(self, unit: Unit, since: int) -> None:
        at = since + round(self._chance.expovariate(CLOSES_PER_DAY / DAY))
        until = at + self._chance.randint(4, 10) * HOUR

        async def close() -> None:
            self._course.truth.closed_until[unit.id] = until
            self._close_later(unit, until)

        self._course.at(at, close, silent=True)
