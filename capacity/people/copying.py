"""Copies the audit trail from the store to SQL, and deletes what has been kept long enough."""

import asyncio
import logging
from datetime import timedelta

from capacity.board.audit import AuditTrail
from capacity.board.store import BoardUnavailableError
from capacity.history import HistoryUnavailableError
from capacity.instants import Clock
from capacity.people.people import People

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks at the store."""
CLEAN_EVERY = 3600.0


class AuditCopier:
    """Several may run at once: each entry is chained once, whoever is faster."""

    def __init__(self, trail: AuditTrail, people: People, clock: Clock, keep: timedelta) -> None:
        self._trail = trail
        self._people = people
        self._clock = clock
        self._keep = keep
        self._failing = False
        self._clean_at = 0.0

    async def run(self) -> None:
        """Copy until cancelled; an outage is logged once, and waited out."""
        while True:
            try:
                await self.copy()
                await self._clean()
                if self._failing:
                    log.warning("the audit trail is being copied again")
                self._failing = False
            except (BoardUnavailableError, HistoryUnavailableError) as error:
                if not self._failing:
                    log.error("the audit trail waits in the store: %s", error)
                self._failing = True
            await asyncio.sleep(PAUSE)

    async def copy(self) -> int:
        """Copy all that waits; returns how many entries were new in SQL."""
        copied = 0
        while noted := await self._trail.waiting():
            copied += await self._people.record_audit(noted)
            await self._trail.forget([each.stream_id for each in noted])
        return copied

    async def _clean(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._clean_at:
            self._clean_at = now + CLEAN_EVERY
            dropped = await self._people.drop_audit_before(self._clock() - self._keep)
            if dropped:
                log.info("%d audit entries had been kept long enough and were deleted", dropped)
