"""Telling a unit's browsers at once that somebody asks for a place, and when that is over.

This follows the rows that the hub follows: a hold that stands in a row as asked is to be told of,
and one that no longer does is over. What has to be told is therefore known from the board itself,
after a crash as before it, and the route that made the hold waits for nothing. Each process of an
installation sees every row; the claim in the store (`capacity.board.notices`) lets one of them
send, and another take over if that one dies.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from capacity.board import BoardUnavailableError
from capacity.board.notices import Claim, Notices
from capacity.instants import Clock, parse_instant
from capacity.units import Catalogue, Unit
from web.notify.messages import ask, ended
from web.notify.push import Round, UnitPushes

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=8)
"""How soon another process goes on when the one that was sending dies."""
WITHIN = 6.0
"""Seconds in which one round of tries must be over, well within the lease."""
TRIES = 4
AGAIN = timedelta(seconds=1)
"""How long to wait before the second try; each further one waits twice as long."""
LONGEST_WAIT = timedelta(seconds=20)
SWEEP = 0.5
"""Seconds between looks at what is left to do: other processes' claims, tries put off."""
OLD = timedelta(minutes=10)
"""An ask that ended longer ago is not told of: nobody still looks at it."""
REMEMBERED = 20_000
_NO_HOLDS = b'"holds":[]'


@dataclass(slots=True)
class _Due:
    """One message that is to be sent: of an ask, or (with `state`) of its end."""

    unit: Unit
    hold: str
    state: str | None
    until: datetime
    not_before: float = 0.0
    at_work: bool = False

    @property
    def notice(self) -> str:
        return f"{'ask' if self.state is None else 'ended'}:{self.hold}"


class Asks:
    """What one process tells of the asks in all clusters."""

    def __init__(
        self, catalogue: Catalogue, pushes: UnitPushes, notices: Notices, clock: Clock
    ) -> None:
        self._catalogue = catalogue
        self._pushes = pushes
        self._notices = notices
        self._clock = clock
        self._due: dict[str, _Due] = {}
        self._done: OrderedDict[str, None] = OrderedDict()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._away = False

    def seen(self, cluster: str, rows: Sequence[bytes]) -> None:
        """Take note of rows as they stand now; the hub calls this, so it waits for nothing."""
        for encoded in rows:
            if _NO_HOLDS in encoded or not encoded:
                continue
            row = orjson.loads(encoded)
            unit = self._catalogue.units.get(row["unit"])
            if unit is not None and unit.cluster == cluster:
                for hold in row.get("holds", ()):  # an older program's rows have none
                    self._note(unit, hold)

    async def run(self) -> None:
        """Send what is due until cancelled."""
        try:
            while True:
                self._start_due()
                try:
                    async with asyncio.timeout(SWEEP if self._due else None):
                        await self._wake.wait()
                except TimeoutError:
                    continue
                self._wake.clear()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _note(self, unit: Unit, hold: dict[str, object]) -> None:
        hold_id, state = str(hold["id"]), str(hold["state"])
        if state == "asked":
            due = _Due(unit, hold_id, None, parse_instant(str(hold["expires_at"])))
        else:
            self._due.pop(f"ask:{hold_id}", None)
            since = parse_instant(str(hold["answered_at"] or hold["ended_at"] or hold["asked_at"]))
            due = _Due(unit, hold_id, state, since + OLD)
        if due.notice in self._due or due.notice in self._done or due.until <= self._clock():
            return
        self._due[due.notice] = due
        self._wake.set()

    def _start_due(self) -> None:
        """One task for each message that is due now; those past their time are let go."""
        now, wall = asyncio.get_running_loop().time(), self._clock()
        for notice, due in list(self._due.items()):
            if due.until <= wall:
                del self._due[notice]
            elif not due.at_work and due.not_before <= now:
                due.at_work = True
                task = asyncio.create_task(self._tell(due), name=f"push {notice}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _tell(self, due: _Due) -> None:
        try:
            over = await self._try(due)
            self._away = False
        except BoardUnavailableError as error:
            if not self._away:
                log.warning("pushes of requests wait for the store (%s)", error)
            self._away, over = True, False
            due.not_before = asyncio.get_running_loop().time() + AGAIN.total_seconds()
        except Exception:
            log.exception("a push of unit %s went wrong, and is let be", due.unit.id)
            over = True
        finally:
            due.at_work = False
        if over:
            self._due.pop(due.notice, None)
            self._done[due.notice] = None
            if len(self._done) > REMEMBERED:
                self._done.popitem(last=False)

    async def _try(self, due: _Due) -> bool:
        """One round; whether nothing is left to be done by this process."""
        claim = await self._claim(due)
        if not claim.tries:
            return not claim.busy
        if due.state is None and due.notice not in self._due:
            await self._notices.finish(due.unit.cluster, due.notice, "over")
            return True
        if due.state is None:
            message, only, but = ask(due.unit, due.hold), None, claim.reached
        else:
            message, only, but = ended(due.unit, due.hold, due.state), claim.reached, frozenset()
        done = await self._pushes.send(
            due.unit, message, due.notice, only=only, but=but, within=WITHIN
        )
        return await self._conclude(due, claim, done)

    async def _claim(self, due: _Due) -> Claim:
        cluster = due.unit.cluster
        if due.state is None:
            return await self._notices.claim(cluster, due.notice, LEASE)
        return await self._notices.claim_end(cluster, due.notice, f"ask:{due.hold}", LEASE)

    async def _conclude(self, due: _Due, claim: Claim, done: Round) -> bool:
        cluster = due.unit.cluster
        if done.later and claim.tries < TRIES:
            wait = min(max(AGAIN * 2 ** (claim.tries - 1), done.wait), LONGEST_WAIT)
            await self._notices.put_off(cluster, due.notice, wait)
            due.not_before = asyncio.get_running_loop().time() + wait.total_seconds()
            return False
        if done.later:
            log.warning(
                "%d browsers of unit %s could not be told of a request in %d tries",
                done.later,
                due.unit.id,
                TRIES,
            )
        reached = done.sent + len(claim.reached)
        await self._notices.finish(cluster, due.notice, "sent" if reached else "nobody")
        return True
