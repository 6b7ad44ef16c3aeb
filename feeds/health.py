"""How each source is doing: counters, the age of its data, and one log line per change of fate.

`SourceHealth` is what this process saw. `SharedHealth` adds it, every few seconds, to what all
processes together know (`capacity.board.feed_figures`), and tells when a source falls silent.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from capacity.board import BoardUnavailableError
from capacity.board.feed_figures import FeedFigures, Figures
from capacity.instants import Clock, from_epoch_millis

log = logging.getLogger(__name__)

SHARE_SECONDS = 5.0
"""How old the shared figures may be, hence how much of them a killed process takes along."""


class Alarm(StrEnum):
    """What is wrong with a source that does not fail."""

    SILENT = "silent"
    """Nothing that could be used came for longer than it should."""
    REPEATING = "repeating"
    """Documents keep coming, but tell of an ever older time: what is behind them is dead."""


def alarm_of(figures: Figures, expected_every: timedelta | None, now: datetime) -> Alarm | None:
    """The alarm of a source that should say something new at least so often; pure."""
    if expected_every is None or figures.since is None:
        return None

    def long_ago(instant: datetime | None) -> bool:
        return now - max(filter(None, (instant, figures.since))) > expected_every

    if figures.arrival and not long_ago(figures.arrival) and long_ago(figures.advanced):
        return Alarm.REPEATING
    return Alarm.SILENT if long_ago(figures.good) else None


@dataclass(slots=True)
class SourceHealth:
    """What this process has seen of one source since it started."""

    source: str
    last_success_at: datetime | None = None
    last_attempt_at: datetime | None = None
    last_good_at: datetime | None = None
    last_arrival_at: datetime | None = None
    newest_observed_ms: int | None = None
    advanced_at: datetime | None = None
    lag: timedelta | None = None
    failing_since: datetime | None = None
    last_error: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    _shared: Counter[str] = field(default_factory=Counter)
    _shared_attempt_at: datetime | None = None

    def succeeded(self, now: datetime) -> None:
        """The source was reached and its document, changed or not, was readable."""
        if self.failing_since is not None:
            log.warning("source %s works again; failed since %s", self.source, self.failing_since)
        self.last_success_at = self.last_attempt_at = now
        self.failing_since = None
        self.last_error = None

    def failed(self, now: datetime, reason: str) -> None:
        """The source could not be reached or read; logged once, until it works again."""
        self.last_attempt_at = now
        self.counts["failed"] += 1
        self.last_error = reason
        if self.failing_since is None:
            self.failing_since = now
            log.error("source %s failed: %s", self.source, reason)

    def arrived(self, now: datetime, newest_ms: int, *, good: bool) -> None:
        """Usable readings came, the newest observed then; `good` if not all were superseded."""
        self.last_arrival_at = now
        self.last_good_at = now if good else self.last_good_at
        self.lag = max(timedelta(0), now - from_epoch_millis(newest_ms))
        if self.newest_observed_ms is None or newest_ms > self.newest_observed_ms:
            self.newest_observed_ms, self.advanced_at = newest_ms, now

    def news(self) -> Figures | None:
        """What is to be shared, or ``None`` when nothing happened since `was_shared`."""
        counts = self.counts - self._shared
        if not counts and self.last_attempt_at == self._shared_attempt_at:
            return None
        # What was not modified is there, and as good as the document before it.
        same = self.last_success_at if counts["not_modified"] else None
        newest = self.newest_observed_ms
        return Figures(
            attempt=self.last_attempt_at,
            success=self.last_success_at,
            good=_latest(self.last_good_at, same),
            arrival=_latest(self.last_arrival_at, same),
            observed=None if newest is None else from_epoch_millis(newest),
            advanced=self.advanced_at,
            lag=None if same else self.lag,
            failing=self.failing_since,
            error=self.last_error or "",
            hour=counts,
        )

    def was_shared(self, news: Figures) -> None:
        """Those news have reached the store."""
        self._shared.update(news.hour)
        self._shared_attempt_at = news.attempt


class FeedHealth:
    """The health of all sources, in this process."""

    def __init__(self) -> None:
        self._sources: dict[str, SourceHealth] = {}

    def of(self, source: str) -> SourceHealth:
        """The health of one source, begun when first asked for."""
        return self._sources.setdefault(source, SourceHealth(source))

    def hand_over(self, source: str) -> None:
        """Another process runs this source now, and tells of it: this one's view is of the past."""
        of = self.of(source)
        of.failing_since = of.last_error = of.newest_observed_ms = of.last_success_at = None

    def all(self) -> list[SourceHealth]:
        """Every source seen, by id."""
        return [self._sources[source] for source in sorted(self._sources)]


class SharedHealth:
    """The health of all sources, of all processes.

    `expected` says how often each source should say something new; ``None`` for no expectation.
    Of several processes only one gives a source's alarm: the one that runs its cluster's feeds.
    """

    def __init__(
        self,
        health: FeedHealth,
        figures: FeedFigures,
        expected: Mapping[str, timedelta | None],
        clock: Clock,
    ) -> None:
        self._health = health
        self._figures = figures
        self._expected = expected
        self._clock = clock
        self._alarms: dict[str, Alarm] = {}
        self._watched: frozenset[str] = frozenset()
        self._woken = asyncio.Event()
        self._sharing = asyncio.Lock()

    async def share(self) -> None:
        """Add to the store what this process saw; raises `BoardUnavailableError`."""
        async with self._sharing:
            for source in self._health.all():
                news = source.news()
                if news is not None:
                    await self._figures.add(source.source, news, self._clock())
                    source.was_shared(news)

    async def read(self) -> dict[str, tuple[Figures, Alarm | None]]:
        """Figures and alarm of every source, all processes together, this one up to now."""
        await self.share()
        now = self._clock()
        found = await self._figures.read(self._expected, now)
        return {
            source: (figures, alarm_of(figures, self._expected[source], now))
            for source, figures in found.items()
        }

    async def begin(self, sources: Iterable[str] | None = None) -> None:
        """The silence of these sources (of all) counts from now on: nobody watched before."""
        await self._figures.watch(self._expected if sources is None else sources, self._clock())

    async def check(self, sources: Iterable[str] | None = None) -> None:
        """Log each alarm of these sources (of all) once when it begins and once when it is over."""
        known = await self.read()
        for source in known if sources is None else sources:
            figures, alarm = known[source]
            before = self._alarms.get(source)
            if alarm is before:
                continue
            if alarm is None:
                del self._alarms[source]
                log.warning("source %s is heard again", source)
                continue
            self._alarms[source] = alarm
            every = self._expected[source]
            if alarm is Alarm.SILENT:
                last = figures.good or "ever"
                log.error(
                    "source %s is silent: nothing since %s (expected every %s)", source, last, every
                )
            else:
                log.error(
                    "source %s repeats an old timestamp: %s (expected every %s)",
                    source,
                    figures.observed,
                    every,
                )

    async def run(self, watched: Callable[[], Mapping[str, bool]] = dict) -> None:
        """Share, and give alarms, until cancelled; a store that is away is waited for.

        `watched` names the sources whose alarms are this process's to give, at this moment, and
        whether nobody had watched each before.
        """
        while True:
            self._woken.clear()
            try:
                await self._look(watched())
            except BoardUnavailableError as error:
                log.debug("feed figures wait: the store is away (%s)", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHARE_SECONDS):
                    await self._woken.wait()

    def wake(self) -> None:
        """Look at once: which sources are ours has changed."""
        self._woken.set()

    async def _look(self, ours: Mapping[str, bool]) -> None:
        if unwatched := [s for s, anew in ours.items() if anew and s not in self._watched]:
            await self.begin(unwatched)
        self._watched = frozenset(ours)
        self._alarms = {s: alarm for s, alarm in self._alarms.items() if s in ours}
        await (self.check(ours) if ours else self.share())

    async def stop(self) -> None:
        """Share what is left, if the store is there, and close the connections."""
        try:
            await self.share()
        except BoardUnavailableError as error:
            log.debug("the last feed figures are lost: the store is away (%s)", error)
        await self._figures.stop()


def _latest(*instants: datetime | None) -> datetime | None:
    return max(filter(None, instants), default=None)
