"""When a transport tries again: its own pace while all is well, sooner and then ever later if not.

A document that the store could not take is kept (a poll keeps it, a folder leaves the file where
it is, a push is told 503), and handed over again after a second, two, four, up to `MOST`, each
time cut by chance so that all sources of a service do not come back at the same moment. The
schedule is pure: clock and chance are handed in.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from capacity.board import FencedError
from capacity.instants import Clock

FIRST = timedelta(seconds=1)
MOST = timedelta(seconds=15)
"""The store stands beside the service and bears many attempts; a board that shows old figures
does not bear long waits."""
TICK = timedelta(seconds=1)
"""How often the runner asks whether anything is due."""


@dataclass(slots=True)
class Backoff:
    """Waiting times of failures in a row: doubling from `first` to `most`, each cut by up to half.

    `chance` gives numbers from 0 (cut by half) to 1 (not cut).
    """

    first: timedelta = FIRST
    most: timedelta = MOST
    chance: Callable[[], float] = random.random
    failures: int = 0

    def after_failure(self) -> timedelta:
        """How long to wait after one more failure."""
        wait = self.first
        for _ in range(self.failures):
            wait = min(self.most, wait * 2)
        self.failures = min(self.failures + 1, 100)
        return wait * (0.5 + self.chance() / 2)

    def reset(self) -> None:
        """Forget the failures: it worked."""
        self.failures = 0


class Fetching(Protocol):
    """What fetches documents of one source and hands them over."""

    @property
    def waits_for_store(self) -> bool:
        """Whether the last `once` was left with a document that could not be made durable."""

    async def once(self) -> object:
        """Fetch and hand over what there is now; failures are told to the source's health."""


class Paced:
    """Runs a transport `every` so often, and after a `Backoff` while the store is away."""

    def __init__(
        self,
        transport: Fetching,
        every: timedelta,
        clock: Clock,
        backoff: Backoff | None = None,
    ) -> None:
        self._transport = transport
        self._every = every
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._next: datetime | None = None

    async def tick(self) -> bool:
        """Run if it is due (or as good as: ticks are a little early or late); tells whether.

        Raises the `FencedError` of a process that no longer runs the feeds.
        """
        now = self._clock()
        if self._next is not None and self._is_early(self._next - now):
            return False
        self._next = now + self._every
        try:
            await self._transport.once()
        except FencedError:
            self._next = None  # should the lease be ours again, what is kept need not wait
            raise
        if self._transport.waits_for_store:
            self._next = self._clock() + self._backoff.after_failure()
        else:
            self._backoff.reset()
        return True

    def _is_early(self, left: timedelta) -> bool:
        """A wait longer than any that is ever set means that the clock was put back: do not."""
        return min(TICK, self._every) / 2 < left <= max(self._every, self._backoff.most)
