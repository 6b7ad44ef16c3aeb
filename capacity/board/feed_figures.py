"""What all processes together know of each source: its times, and its counts of the last hour.

Feeds run in one process and pushes may arrive at any, so each process adds what it saw here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from capacity.board.connection import Script, Store
from capacity.board.keys import PREFIX
from capacity.board.store import asking
from capacity.instants import epoch_millis, from_epoch_millis

BUCKET = timedelta(minutes=5)
HOUR = timedelta(hours=1)

_SCRIPT = files("capacity.board").joinpath("feed_figures.lua").read_text(encoding="utf-8")
_TIMES = ("attempt", "success", "good", "arrival", "observed", "advanced", "failing", "since")


@dataclass(frozen=True, slots=True)
class Figures:
    """One source as far as it is known; ``None`` is never, or not known."""

    attempt: datetime | None = None
    success: datetime | None = None
    good: datetime | None = None
    """When something of it was last accepted, or found unchanged."""
    arrival: datetime | None = None
    """When a document with any usable reading last came."""
    observed: datetime | None = None
    """The newest observation it ever made."""
    advanced: datetime | None = None
    """When that observation came in."""
    lag: timedelta | None = None
    """How long after its newest observation the latest document came in."""
    failing: datetime | None = None
    error: str = ""
    since: datetime | None = None
    """Since when this source is watched; before that, silence means nothing."""
    hour: Mapping[str, int] = field(default_factory=dict)
    """Reports by fate in the last 60 to 65 minutes."""


class FeedFigures:
    """The figures of all sources in one Redis/Valkey server; see `quarantine` for its errors."""

    def __init__(self, url: str) -> None:
        self._store = Store(url)
        self._write = Script(self._store, _SCRIPT)

    async def stop(self) -> None:
        """Close all connections."""
        await self._store.aclose()

    async def watch(self, sources: Iterable[str], now: datetime) -> None:
        """Note that these sources are watched from now on."""
        async with asking():
            since = ("since", epoch_millis(now))
            keys = [_state(source) for source in sources]
            await self._store.read([(key, ("HSET", key, *since)) for key in keys])

    async def add(self, source: str, seen: Figures, now: datetime) -> None:
        """Add what one process saw: its times, where they are later, and its counts."""
        times = (
            seen.attempt, seen.success, seen.good, seen.arrival, seen.observed, seen.advanced,
        )  # fmt: skip
        lag = "" if seen.lag is None else seen.lag // timedelta(milliseconds=1)
        arguments: list[str | int] = [
            2 * HOUR // timedelta(milliseconds=1),
            *map(_millis, times), lag, _millis(seen.failing), seen.error,
        ]  # fmt: skip
        for fate, count in seen.hour.items():
            arguments += (fate, count)
        async with asking():
            await self._write([_state(source), _counts(source, now)], arguments)

    async def read(self, sources: Iterable[str], now: datetime) -> dict[str, Figures]:
        """The figures of these sources, by id."""
        wanted = list(sources)
        buckets = [now - n * BUCKET for n in range(HOUR // BUCKET + 1)]
        keys = [
            key
            for source in wanted
            for key in (_state(source), *(_counts(source, bucket) for bucket in buckets))
        ]
        async with asking():
            replies = await self._store.read([(key, ("HGETALL", key)) for key in keys])
        size = 1 + len(buckets)
        return {
            source: _figures(*replies[index * size : (index + 1) * size])
            for index, source in enumerate(wanted)
        }


def _figures(state: Mapping[bytes, bytes], *buckets: Mapping[bytes, bytes]) -> Figures:
    hour: Counter[str] = Counter()
    for bucket in buckets:
        hour.update({fate.decode(): int(count) for fate, count in bucket.items()})
    stated = {name.decode(): value.decode() for name, value in state.items()}
    times: dict[str, Any] = {
        name: from_epoch_millis(int(stated[name])) if stated.get(name) else None for name in _TIMES
    }
    lag = timedelta(milliseconds=int(stated["lag"])) if stated.get("lag") else None
    return Figures(**times, lag=lag, error=stated.get("error", ""), hour=hour)


def _millis(instant: datetime | None) -> str | int:
    return "" if instant is None else epoch_millis(instant)


def _state(source: str) -> str:
    return f"{PREFIX}:{{feed:{source}}}:state"


def _counts(source: str, now: datetime) -> str:
    bucket = epoch_millis(now) // (BUCKET // timedelta(milliseconds=1))
    return f"{PREFIX}:{{feed:{source}}}:counts:{bucket}"
