"""Rate limits and the delays after failed sign-ins, counted in Redis/Valkey for all processes."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from capacity.board.advance import Advance
from capacity.board.calls import BoardUnavailableError
from capacity.board.connection import Store
from capacity.board.crowd import Crowds, Limit, Tally
from capacity.board.keys import PREFIX
from capacity.board.store import asking
from capacity.instants import Clock, epoch_millis, from_epoch_millis

FREE_FAILURES = 4
"""Failed tries that cost nothing; people mistype."""
LONGEST_DELAY = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=24)
AHEAD_AFTER = 0.05
"""Seconds after a visit until places are counted for the next ones, so that it need not wait."""
_RATES = f"{PREFIX}:{{rates}}"
_PEOPLE = f"{PREFIX}:{{people}}"


class _Storage(RedisStorage):
    """Counts by way of our connections; the library would load every client it could use."""

    DEPENDENCIES = {"redis": None}  # noqa: RUF012 - as the library has it


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on; if not, in how many seconds the next one may."""

    allowed: bool
    retry_after: int = 0


_MAY = Verdict(allowed=True)


class Rates:
    """Counts by name; `BoardUnavailableError` when the store is away."""

    def __init__(
        self, url: str, clock: Clock, *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        """`ticks` are seconds that only go on."""
        self._ticks = ticks
        self._store = Store(url)
        self._rates = self._store.at(_RATES)
        self._people = self._store.at(_PEOPLE)
        self._clock = clock
        # The library wants an address even where it is given connections.
        storage = _Storage(
            "async+redis://localhost:6379",
            implementation="redispy",
            key_prefix=_RATES,
            connection_pool=self._rates.connection_pool,  # type: ignore[arg-type]
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._crowds = Crowds(self._count)
        self._advance = Advance()
        self._ahead: dict[Limit, asyncio.Task[None]] = {}

    async def hit(self, what: str, who: str, per_minute: int) -> Verdict:
        """Count one request of `who` against a limit a minute (a sliding window)."""
        limit = Limit(what, _name_of(who), per_minute)
        if self._advance.take(limit, self._ticks()):
            if limit not in self._ahead and self._advance.runs_low(limit):
                self._count_ahead(limit)
            return _MAY
        wait = await self._crowds.come(limit)
        return Verdict(not wait, wait)

    async def _count(self, limit: Limit, visitors: int) -> Tally:
        """Count those who are there, and places for those who come again soon."""
        tally = await self._ask(limit, visitors + self._advance.wanted(limit))
        beforehand = tally.allowed - visitors
        if beforehand > 0:
            self._advance.put(limit, beforehand, self._ticks())
            return Tally(visitors)
        return tally

    def _count_ahead(self, limit: Limit) -> None:
        task = asyncio.create_task(self._more_places(limit), name="counting ahead")
        self._ahead[limit] = task
        task.add_done_callback(lambda _: self._ahead.pop(limit))

    async def _more_places(self, limit: Limit) -> None:
        await asyncio.sleep(AHEAD_AFTER)
        wanted = self._advance.wanted(limit)
        with suppress(BoardUnavailableError):  # whoever comes next asks, and is told
            if wanted:
                tally = await self._ask(limit, wanted)
                self._advance.put(limit, tally.allowed, self._ticks())

    async def _ask(self, limit: Limit, visitors: int) -> Tally:
        """Count some requests that came together: all, or as many as there is room for."""
        item = RateLimitItemPerMinute(limit.per_minute)
        async with asking():
            if await self._limiter.hit(item, limit.what, limit.who, cost=visitors):
                return Tally(visitors)
            window = await self._limiter.get_window_stats(item, limit.what, limit.who)
            fit = min(window.remaining, visitors - 1)
            if fit > 0 and not await self._limiter.hit(item, limit.what, limit.who, cost=fit):
                fit = 0  # another process was quicker
        wait = window.reset_time - self._clock().timestamp()
        return Tally(max(0, fit), max(1, min(60, round(wait))))

    async def may_try(self, login: str) -> datetime | None:
        """``None`` if a sign-in may be tried now, else from when on."""
        async with asking():
            found: Any = await self._people.hget(_failures(login), "until")
        until = from_epoch_millis(int(found)) if found else None
        return until if until and until > self._clock() else None

    async def failed(self, login: str) -> None:
        """Note a failed try: after `FREE_FAILURES` each doubles the delay, up to a quarter hour.

        A delay, not a lock: nobody can shut somebody out for good by trying their login.
        """
        key = _failures(login)
        async with asking(), self._people.pipeline(transaction=True) as pipe:
            pipe.hincrby(key, "count", 1)
            pipe.pexpire(key, FORGET_AFTER)
            result: Any = await pipe.execute()
        over = int(result[0]) - FREE_FAILURES
        if over > 0:
            delay = min(LONGEST_DELAY, timedelta(seconds=2 ** min(over, 12)))
            async with asking():
                until = str(epoch_millis(self._clock() + delay))
                await self._people.hset(key, "until", until)

    async def succeeded(self, login: str) -> None:
        """Forget failed tries."""
        async with asking():
            await self._people.delete(_failures(login))

    async def stop(self) -> None:
        """Close the connections."""
        tasks = tuple(self._ahead.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._store.aclose()


@lru_cache(maxsize=1024)
def _name_of(who: str) -> str:
    return hashlib.sha256(who.encode()).hexdigest()[:32]


def _failures(login: str) -> str:
    """By hash: what was typed as a login may be a password."""
    digest = hashlib.sha256(login.strip().lower().encode()).hexdigest()[:32]
    return f"{_PEOPLE}:failed:{digest}"
