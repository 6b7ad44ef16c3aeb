"""A visitator: takes calls, seeks an alternative, asks for it, and logs what came of the call."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.people.board import LiveBoard
from simulators.people.diary import Diary
from simulators.people.door import Door

NEEDS = (
    (),
    (),
    ("tobs_observation",),
    ("iv_antibiotics",),
    ("iv_fluid", "tobs_observation"),
    ("oxygen",),
    ("wound_care",),
    ("palliation",),
)
ANSWERS = ("accepted", "declined", "expired", "cancelled", "released", "filled")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a visitator works. Times in simulated minutes, shares from 0 to 1."""

    calls_per_hour: float = 6.0
    gives_up_after: float = 10.0
    asks_at_most: int = 3
    admits_all_the_same: float = 0.1


class Visitator:
    """One chair in the visitation, for the municipalities of the cluster."""

    def __init__(
        self,
        cluster: str,
        municipalities: tuple[str, ...],
        board: LiveBoard,
        door: Door,
        diary: Diary,
        minutes: Callable[[float], float],
        rng: random.Random,
        habits: Habits,
    ) -> None:
        """`minutes` turns simulated minutes into real seconds."""
        self._cluster, self._municipalities = cluster, municipalities
        self._board, self._door, self._diary = board, door, diary
        self._minutes, self._rng, self._habits = minutes, rng, habits

    async def work(self) -> None:
        """One call after the other until the duty ends."""
        while True:
            pause = self._rng.expovariate(self._habits.calls_per_hour / 60)
            await asyncio.sleep(self._minutes(pause))
            await self._call()

    async def _call(self) -> None:
        began = time.monotonic()
        self._diary.calls += 1
        need: dict[str, Any] = {
            "municipality": self._rng.choice(self._municipalities),
            "capabilities": list(self._rng.choice(NEEDS)),
            "within_minutes": self._rng.choice([120, 480, None]),
            "where": self._rng.choice(["place", "place", "home", "either"]),
        }
        offered = await self._alternatives(need)
        good = [each for each in offered if each["verdict"] == "yes" and each["holdable"]]
        if good and self._rng.random() < self._habits.admits_all_the_same:
            await self._log("admitted_despite_free", "doctor_decision", None, need, began)
            return
        for alternative in good[: self._habits.asks_at_most]:
            hold = await self._ask(alternative["unit"], need)
            if hold is not None and await self._is_accepted(hold):
                await self._log("alternative", None, hold, need, began)
                return
        if good:
            await self._log("admitted_despite_free", "declined_by_unit", None, need, began)
        else:
            await self._log("admitted_none_free", None, None, need, began)

    async def _alternatives(self, need: dict[str, Any]) -> list[dict[str, Any]]:
        asked = [("municipality", need["municipality"]), ("where", need["where"])]
        asked += [("capability", word) for word in need["capabilities"]]
        if need["within_minutes"] is not None:
            asked.append(("within_minutes", str(need["within_minutes"])))
        answer = await self._door.get(f"/api/v1/alternatives/{self._cluster}", asked)
        found: list[dict[str, Any]] = answer["alternatives"]
        return found

    async def _ask(self, unit: str, need: dict[str, Any]) -> dict[str, Any] | None:
        self._diary.asks += 1
        asked_at = time.monotonic()
        path = f"/api/v1/holds/{self._cluster}"
        status, body = await self._door.post(path, {"unit": unit, "need": need})
        if status != 201:
            self._diary.races_lost += body.get("code") == "taken"
            self._diary.answers["refused"] += body.get("code") != "taken"
            return None
        hold: dict[str, Any] = body["hold"]
        if await self._board.until(lambda: self._board.hold(unit, hold["id"]) is not None, 10):
            self._diary.seconds_to_phone.append(time.monotonic() - asked_at)
        return hold

    async def _is_accepted(self, hold: dict[str, Any]) -> bool:
        """Wait for the answer on the board; nobody waits for ever with a doctor on the phone."""

        def is_answered() -> bool:
            shown = self._board.hold(hold["unit"], hold["id"])
            return shown is not None and shown["state"] in ANSWERS

        patience = self._minutes(self._habits.gives_up_after)
        if not await self._board.until(is_answered, patience):
            path = f"/api/v1/holds/{self._cluster}/{hold['id']}/cancel"
            status, body = await self._door.post(path, {"reason": "other_chosen"})
            word = "unanswered" if status == 200 else str(body.get("state"))
            self._diary.answers[word] += 1
            return word in ("accepted", "filled")
        shown = self._board.hold(hold["unit"], hold["id"])
        state = shown["state"] if shown else "unknown"
        self._diary.answers["accepted" if state == "filled" else state] += 1
        return state in ("accepted", "filled")

    async def _log(
        self,
        outcome: str,
        reason: str | None,
        hold: dict[str, Any] | None,
        need: dict[str, Any],
        began: float,
    ) -> None:
        body = {
            "outcome": outcome,
            "reason": reason,
            "unit": hold["unit"] if hold else None,
            "hold": hold["id"] if hold else None,
            "need": need,
            "took_seconds": min(7200, round((time.monotonic() - began) / self._minutes(1) * 60)),
        }
        status, said = await self._door.post(f"/api/v1/outcomes/{self._cluster}", body)
        if status != 201:
            raise RuntimeError(f"an outcome was refused: {status} {said}")
        self._diary.outcomes[outcome] += 1
