"""How long something took, as this machine ran it.

A machine that is shared stands still now and then, for seconds and with all its processes at
once. What is promised ("told within two seconds") says nothing of that time, and a test of such a
promise must not either: it would fail with nothing wrong. So time is counted here in small ticks,
of which each counts for little however long it lasted. Time in which only what is tried stands
still counts in full.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK_SECONDS = 0.02
MOST_A_TICK = 0.06
"""More than a busy machine makes of a tick, and next to nothing of a standstill."""


class Stopwatch:
    """Seconds counted from when it was made, by whoever calls `tick` every now and then."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._last = now()
        self._lock = threading.Lock()
        self._counted = 0.0
        self._stopped = False

    def tick(self) -> None:
        """Count what passed since the tick before."""
        with self._lock:
            if self._stopped:
                return
            now = self._now()
            self._counted += min(now - self._last, MOST_A_TICK)
            self._last = now

    def stop(self) -> None:
        """Count no more."""
        self.tick()
        self._stopped = True

    @property
    def seconds(self) -> float:
        """Seconds that the machine ran so far."""
        self.tick()
        return self._counted


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """A running stopwatch, whose thread ticks also while an event loop is held up."""
    watch = Stopwatch()
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(TICK_SECONDS):
            watch.tick()

    thread = threading.Thread(target=run, name="stopwatch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        ended.set()
        thread.join()
