"""Tells the open boards of a channel what changed: when, and what becomes of who cannot keep up.

The first change after a pause goes out at once; further ones are gathered for `WINDOW` seconds,
or less once many wait, the latest row per unit, so a board gets at most a few frames a second
however much happens. A board that does not read is skipped, and brought up once it does.
"""

import asyncio
import logging

from capacity.board import Cursor
from capacity.board.changes import place
from capacity.instants import Clock, epoch_millis
from web.live.connections import Connection, encoded
from web.live.lags import Lags
from web.live.lanes import Channel, Member

log = logging.getLogger(__name__)

WINDOW = 0.27
"""Seconds between two frames of changes to the same boards: an eye takes in no more, and the last
of a thousand boards has every change within 300 ms."""
FULL, FULL_SHARE = 50, 0.6
"""Once so many changes wait, the next frame comes after this share of the window. Most of what a
frame with few rows costs is the frame (docs/performance.md), so few are worth waiting for more."""
PATIENCE = 30.0
"""Seconds that a board may stay behind before it is dropped (it then starts over)."""


class Broadcaster:
    """Sends to the boards of any channel. `window` and `patience` are seconds; see above."""

    def __init__(self, clock: Clock, *, window: float = WINDOW, patience: float = PATIENCE) -> None:
        self._clock = clock
        self._window = window
        self._patience = patience
        self.frames_sent = 0
        self.boards_dropped = 0
        self.lags = Lags()

    def join(self, channel: Channel, connection: Connection, since: Cursor | None) -> Member:
        """Add a board and send it what it lacks."""
        member = Member(connection)
        channel.members.add(member)
        # It may now be ahead of the others, by changes that wait for their frame. That frame
        # tells it some rows once more, which does no harm.
        self._bring_up(channel, member, encoded(channel.feed.resume(since, self._clock())), since)
        return member

    def leave(self, channel: Channel, member: Member) -> None:
        """Forget a board."""
        channel.members.discard(member)
        channel.behind.discard(member)
        channel.sweep.pop(member, None)

    def schedule(self, channel: Channel) -> None:
        """Send what changed: now, or when the window ends."""
        loop = asyncio.get_running_loop()
        full = channel.gathered >= FULL
        due = channel.sent_at + self._window * (FULL_SHARE if full else 1)
        if channel.timer is not None:
            if channel.timer.when() <= due:
                return
            channel.timer.cancel()
            channel.timer = None
        if loop.time() >= due:
            self.broadcast(channel)
        else:
            channel.timer = loop.call_at(due, self.broadcast, channel)

    def broadcast(self, channel: Channel) -> None:
        """Send all boards what changed since the last broadcast, in one frame."""
        if channel.timer is not None:
            channel.timer.cancel()
            channel.timer = None
        feed = channel.feed
        if channel.told == feed.cursor:
            return
        before, channel.told = channel.told, feed.cursor
        oldest, channel.oldest, channel.gathered = channel.oldest, None, 0
        if not channel.members:
            return
        channel.sent_at = asyncio.get_running_loop().time()
        message = encoded(feed.resume(before, self._clock()))
        took, full = channel.send(message)
        self.frames_sent += took
        for member in full:
            self._fall_behind(channel, member, before)
        if oldest is not None:
            self.lags.note((epoch_millis(self._clock()) - place(oldest)[0]) / 1000)

    def heartbeat(self, channel: Channel) -> None:
        """Send a sign of life, which says whether the store is followed."""
        self.broadcast(channel)  # a heartbeat's cursor must not run ahead of the rows
        if not channel.members:
            return
        message = encoded(channel.feed.heartbeat(self._clock(), live=channel.live))
        channel.send(message)  # who does not take it is told of the next rows, or behind then
        for member in tuple(channel.behind):
            self._drop_if_lost(channel, member)

    def _fall_behind(self, channel: Channel, member: Member, told: Cursor | None) -> None:
        """It is skipped from now on, until it has read what it has."""
        channel.behind.add(member)
        channel.sweep.pop(member, None)
        member.told = told
        if member.behind_since is None:
            member.behind_since = asyncio.get_running_loop().time()
        self._catch_up_soon(channel)

    def _catch_up_soon(self, channel: Channel) -> None:
        if channel.catching_up is None:
            loop = asyncio.get_running_loop()
            channel.catching_up = loop.call_later(self._window, self._catch_up, channel)

    def _catch_up(self, channel: Channel) -> None:
        """Bring up the boards that were behind and have read what they had; look again if any is.

        Many fall behind together, when much changes at once, so they share their messages.
        """
        channel.catching_up = None
        messages: dict[Cursor | None, tuple[bytes, bytes]] = {}
        for member in tuple(channel.behind):
            if not member.connection.idle():
                continue
            if member.told not in messages:
                message = channel.feed.resume(member.told, self._clock())
                messages[member.told] = encoded(message)
            self._bring_up(channel, member, messages[member.told], member.told)
        if channel.behind:
            self._catch_up_soon(channel)

    def _bring_up(
        self,
        channel: Channel,
        member: Member,
        message: tuple[bytes, bytes],
        told: Cursor | None,
    ) -> None:
        """Send what a board lacks that was told so much."""
        if member.connection.offer(*message):
            channel.behind.discard(member)
            member.connection.join(channel.sweep, member)
            member.behind_since = None
            self.frames_sent += 1
        else:
            self._fall_behind(channel, member, told)

    def _drop_if_lost(self, channel: Channel, member: Member) -> None:
        now = asyncio.get_running_loop().time()
        if member.behind_since is not None and now - member.behind_since > self._patience:
            log.info("dropped a board of %s that did not read", channel.feed.cluster)
            self.boards_dropped += 1
            self.leave(channel, member)
            member.connection.abort()
