"""Calls to the visitation: a need, what the board offers, an ask and its answer, the outcome."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulators.months.land import DAY, MINUTE, Need
from simulators.months.log import Outcome
from simulators.months.outlet import Live
from simulators.months.plan import local, millis_of
from simulators.months.truth import share_of

if TYPE_CHECKING:
    from simulators.months.course import Course

CAPABILITIES = (
    (), (), ("tobs_observation",), ("iv_antibiotics",), ("iv_fluid", "tobs_observation"),
    ("oxygen",), ("wound_care",), ("palliation",),
)  # fmt: skip
REASONS = (
    "needs_hospital_tests", "competence_missing", "citizen_or_relatives_wish", "doctor_decision",
)  # fmt: skip
PATIENCE = 20 * MINUTE
ASKS_AT_MOST = 2
DECLINES, STAYS_AWAY, CORRECTS, NOT_SAID, ADVICE_ONLY = 0.08, 0.05, 0.05, 0.04, 0.08
"""How often a nurse says no although there is room, a citizen does not come, an outcome is
corrected, the need is not logged, and the call is about something else."""


@dataclass(slots=True)
class Call:
    """One call, until its outcome is logged."""

    need: Need
    began: int
    asked: list[str] = field(default_factory=list)


class Calls:
    """The visitators' telephone, and the nurses who answer asks."""

    def __init__(self, course: "Course") -> None:
        self._course = course
        self._rings, self._chance = course.chance("rings"), course.chance("answers")
        self._holds = f"/api/v1/holds/{course.land.cluster}"
        self._outcomes = f"/api/v1/outcomes/{course.land.cluster}"

    def begin(self) -> None:
        """Wait for the first call."""
        self._ring_after(self._course.now + 60 * MINUTE)

    def _ring_after(self, since: int) -> None:
        busy = max(0.1, share_of(local(since).hour))
        mean = DAY / self._course.plan.calls_per_day
        at = since + round(self._rings.expovariate(busy / mean) / 1000) * 1000
        rings = self._rings
        need = Need(
            rings.choice(self._course.land.municipalities),
            rings.choice(CAPABILITIES),
            rings.choice((120, 240, 480, None)),
            rings.choice(("place", "place", "home", "either")),
        )

        async def ring() -> None:
            self._ring_after(at)
            self._course.log.calls += 1
            await self._look(Call(need, self._course.now))

        self._course.at(at, ring)

    async def _look(self, call: Call) -> None:
        """See what the board offers, and ask or admit."""
        good = [each for each in await self._offered(call.need) if each not in call.asked]
        uses = self._chance.random() < self._course.plan.habits(call.began).uses_free
        if self._chance.random() < ADVICE_ONLY:
            await self._log(call, "other", "advice_only")
        elif not good and not call.asked:
            await self._log(call, "admitted_none_free", None)
        elif good and (uses or call.asked) and len(call.asked) < ASKS_AT_MOST:
            await self._ask(call, good[0])
        else:
            reason = "declined_by_unit" if call.asked else self._chance.choice(REASONS)
            await self._log(call, "admitted_despite_free", reason)

    async def _offered(self, need: Need) -> list[str]:
        """Units that can be asked at once, best first."""
        asked = [("municipality", need.municipality), ("where", need.where)]
        asked += [("capability", word) for word in need.capabilities]
        if need.within is not None:
            asked.append(("within_minutes", str(need.within)))
        found = await self._course.outlet.get(
            f"/api/v1/alternatives/{self._course.land.cluster}", asked
        )
        return [
            each["unit"]
            for each in found["alternatives"]
            if each["verdict"] == "yes" and each["holdable"]
        ]

    async def _ask(self, call: Call, unit: str) -> None:
        course = self._course
        body = {"unit": unit, "need": call.need.body()}
        status, said = await course.outlet.post(self._holds, body)
        if status != 201:
            raise RuntimeError(f"{unit} was offered, but not to be had: {status} {said}")
        told = said["hold"]
        hold = Live(
            told["id"], unit, millis_of(told["asked_at"]), millis_of(told["expires_at"]),
            told["agreement"], call.need.municipality,
        )  # fmt: skip
        call.asked.append(unit)
        course.note(hold, "asked")
        mean = course.plan.habits(course.now).answers_after
        after = MINUTE + round(self._chance.expovariate(1 / (mean * 60))) * 1000
        if after < PATIENCE and after < hold.expires - hold.asked - MINUTE:
            course.at(course.now + after, lambda: self._answer(call, hold))
        else:
            patience = min(PATIENCE, hold.expires - hold.asked - 2 * MINUTE)
            course.at(course.now + patience, lambda: self._give_up(call, hold))

    async def _answer(self, call: Call, hold: Live) -> None:
        course, unit = self._course, self._course.land.units[hold.unit]
        room = unit.kind == "subacute_slot" or course.truth.has_room(unit, course.now)
        if room and self._chance.random() >= DECLINES:
            await self._move(hold, "accept", "accepted", {})
            course.at(course.now + 10_000, lambda: self._log(call, "alternative", None, hold))
            self._receive_later(hold)
        else:
            reason = "no_staff" if room else "place_taken"
            await self._move(hold, "decline", "declined", {"reason": reason})
            course.at(course.now + 20_000, lambda: self._look(call))

    async def _give_up(self, call: Call, hold: Live) -> None:
        await self._move(hold, "cancel", "cancelled", {"reason": "other_chosen"})
        self._course.at(self._course.now + 20_000, lambda: self._look(call))

    def _receive_later(self, hold: Live) -> None:
        """The citizen comes, is called off, or never comes and the hold runs out."""
        course, chance = self._course, self._chance.random()
        left = hold.expires - course.now
        if chance < STAYS_AWAY / 2:
            return
        at = course.now + max(5000, round(left * self._chance.uniform(0.15, 0.85) / 1000) * 1000)
        if chance < STAYS_AWAY:
            told = {"reason": "citizen_did_not_come"}
            course.at(at, lambda: self._release(hold, told))
        else:
            course.at(at, lambda: self._fill(hold))

    async def _release(self, hold: Live, told: dict[str, Any]) -> None:
        if hold.id in self._course.live:
            await self._move(hold, "release", "released", told)

    async def _fill(self, hold: Live) -> None:
        course = self._course
        if hold.id not in course.live:
            return
        await self._move(hold, "fill", "filled", {})
        if hold.unit in course.truth.present:
            course.arrived(course.land.units[hold.unit], course.now)

    async def _move(self, hold: Live, action: str, state: str, body: dict[str, Any]) -> None:
        status, said = await self._course.outlet.post(f"{self._holds}/{hold.id}/{action}", body)
        if status != 200 or said["hold"]["state"] != state:
            raise RuntimeError(f"a hold could not be {state}: {status} {said}")
        self._course.note(hold, state)

    async def _log(
        self, call: Call, outcome: str, reason: str | None, hold: Live | None = None
    ) -> None:
        course = self._course
        said_need = self._chance.random() >= NOT_SAID
        value = {
            "outcome": outcome,
            "reason": reason,
            "unit": hold.unit if hold else None,
            "hold": hold.id if hold else None,
            "need": call.need.body() if said_need else None,
            "took_seconds": min(7200, (course.now - call.began) // 1000 + 60),
        }
        status, said = await course.outlet.post(self._outcomes, value)
        if status != 201:
            raise RuntimeError(f"an outcome was refused: {status} {said}")
        logged = Outcome(millis_of(said["outcome"]["at"]), said["outcome"]["id"], value)
        course.log.outcomes.append(logged)
        if outcome == "admitted_despite_free" and self._chance.random() < CORRECTS:
            course.at(course.now + 15 * MINUTE, lambda: self._correct(logged))

    async def _correct(self, logged: Outcome) -> None:
        """It turns out that nothing was to be had after all."""
        value = logged.value | {"outcome": "admitted_none_free", "reason": None}
        path = f"{self._outcomes}/{logged.id}/correct"
        status, said = await self._course.outlet.post(path, value)
        if status != 200:
            raise RuntimeError(f"a correction was refused: {status} {said}")
        logged.value, logged.corrections = value, logged.corrections + 1
