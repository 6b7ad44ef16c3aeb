"""After a lost or incomplete FHIR notification, ask the source for its whole picture.

A source that pushes Subscription notifications may lose one on the way, or send only that
something has happened. Event numbers reveal the first, `SubscriptionNotice.tells_all` the second.
Then `resync_url` of the source is fetched as a poll would, bulk publications included, and taken
in like any other document. All that is kept about notifications is their numbers.

Fetching waits a moment, so that a burst of gaps costs one fetch; a source has at most one under
way, and a gap found meanwhile leads to one more. It is repeated, ever later, until it is durable.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from capacity.instants import Clock
from capacity.model import UnreadableError
from feeds.formats.fhir_subscription import EventCounter, SubscriptionNotice, read_notice
from feeds.intake import BIG_DOCUMENT, Intake
from feeds.sources import Source
from feeds.transports.retry import Backoff

if TYPE_CHECKING:
    import httpx

    from feeds.transports.poll import Poll

log = logging.getLogger(__name__)

GATHER = timedelta(seconds=1)
"""How long a fetch waits for more notifications of the same burst."""
MAX_BROKEN = 100
"""Subscriptions of one source that are remembered as not working."""
_BROKEN = frozenset({"error", "off", "entered-in-error"})


class Resync:
    """Watches the notifications that this process takes in, of all sources."""

    def __init__(self, intake: Intake, clock: Clock, max_bytes: int) -> None:
        self._intake = intake
        self._clock = clock
        self._max_bytes = max_bytes
        self._client: httpx.AsyncClient | None = None
        self._watched: dict[str, _Watched] = {}

    async def taken(self, source: Source, raw: bytes) -> None:
        """Look at a pushed document that was made durable; returns before anything is fetched."""
        if source.format.name != "fhir":
            return
        with suppress(UnreadableError):  # the intake has read it, and told of what is wrong
            big = len(raw) > BIG_DOCUMENT
            notice = await asyncio.to_thread(read_notice, raw) if big else read_notice(raw)
            if notice is not None:
                self._of(source).noticed(notice)

    async def stop(self) -> None:
        """Give up what is under way; the counts begin anew, so a later start asks again."""
        await asyncio.gather(*(watched.stop() for watched in self._watched.values()))
        if self._client is not None:
            await self._client.aclose()

    def _of(self, source: Source) -> "_Watched":
        watched = self._watched.get(source.id)
        if watched is None:
            poll = None
            if source.resync_url is not None:
                # Loads an HTTP client, which others need not wait for.
                from feeds.transports.poll import Poll, polling_client

                self._client = self._client or polling_client()
                # Never conditional: what was pushed in between may be what must be put right.
                asked = replace(source, url=source.resync_url)
                poll = Poll(
                    asked,
                    self._client,
                    self._intake,
                    self._clock,
                    self._max_bytes,
                    conditional=False,
                )
            watched = _Watched(source, poll, self._intake, self._clock)
            self._watched[source.id] = watched
        return watched


class _Watched:
    """One source: the numbers of its notifications, what ails it, and its fetching."""

    def __init__(self, source: Source, poll: "Poll | None", intake: Intake, clock: Clock) -> None:
        self._source = source
        self._poll = poll
        self._intake = intake
        self._clock = clock
        self._counter = EventCounter()
        self._broken: dict[str, str] = {}
        self._misses_picture = False
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def noticed(self, notice: SubscriptionNotice) -> None:
        """Take notice; what follows from it happens in the background."""
        gap = self._counter.note_notice(notice)
        self._note_status(notice)
        # An empty notice without events, whose count stands where it stood, says nothing new.
        announces = notice.event_numbers or notice.resources or notice.events_since_start is None
        if self._poll is None or not (gap or (announces and not notice.tells_all)):
            return
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._fetch(), name=f"resync {self._source.id}")

    async def stop(self) -> None:
        """Give up the fetch that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _fetch(self) -> None:
        """Fetch and hand over until nothing is wanted any more."""
        assert self._poll is not None
        store_away, failing = Backoff(), Backoff(most=self._source.every)
        wait, again = GATHER, False
        while self._wanted or again:
            await asyncio.sleep(wait.total_seconds())
            if not self._poll.waits_for_store:  # what is kept is older than what is wanted now
                self._wanted = False
            again = False
            if await self._poll.once() is not None:
                log.info("source %s was asked for its whole picture", self._source.id)
                self._misses_picture, wait = False, GATHER
                store_away.reset()
                failing.reset()
                self._settle()
                continue
            again = self._misses_picture = True
            self._intake.ailing.add(self._source.id)
            backoff = store_away if self._poll.waits_for_store else failing
            wait = backoff.after_failure()

    def _note_status(self, notice: SubscriptionNotice) -> None:
        was_broken = self._broken.pop(notice.subscription, None)
        if notice.status in _BROKEN:
            self._broken[notice.subscription] = str(notice.status)
            if len(self._broken) > MAX_BROKEN:
                del self._broken[next(iter(self._broken))]
            self._tell()
        elif was_broken:
            self._settle()

    def _tell(self) -> None:
        """The source fails, whatever good documents it still sends."""
        name, status = next(reversed(self._broken.items()))
        self._intake.ailing.add(self._source.id)
        reason = f"its subscription {name} has the status {status}"
        self._intake.health.of(self._source.id).failed(self._clock(), reason)

    def _settle(self) -> None:
        """The source works again if nothing else is wrong with it."""
        if self._broken:
            self._tell()
        elif not self._misses_picture:
            self._intake.ailing.discard(self._source.id)
            self._intake.health.of(self._source.id).succeeded(self._clock())
