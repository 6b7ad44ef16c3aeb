"""Which notices were sent, so that each is sent once although several processes run.

Before a process sends a notice it *claims* it in the store. A claim is a lease of seconds: when
its owner dies half-way, another process takes the notice on, and leaves out the recipients that
were reached already. What became of a reminder is written to the journal in the step that ends it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any

import orjson

from capacity.board.connection import Script, Store
from capacity.board.journal import JOURNAL_LENGTH
from capacity.board.keys import PREFIX, ClusterKeys
from capacity.board.store import asking
from capacity.instants import epoch_millis, from_epoch_millis
from capacity.reminders import Channel, Sent

KEEP = timedelta(days=3)
"""How long a notice is known to have been sent; none is still due after that."""

_SCRIPT = files("capacity.board").joinpath("notices.lua").read_text(encoding="utf-8")
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim: ours if `tries` is above zero, the try that this one is.

    Else `busy` tells that another process is at it, and that one may ask again; if it is not,
    the notice is done with. `reached` are the recipients that need no telling any more, or, of
    the end of something, those that were told of its beginning.
    """

    notice: str
    tries: int = 0
    busy: bool = False
    reached: frozenset[str] = frozenset()


class Notices:
    """The notices of all clusters in one Redis/Valkey server, as one process sees them.

    Every call may raise `capacity.board.BoardUnavailableError`; repeating it is safe: what was
    claimed by a call whose answer was lost is given up when the lease ends.
    """

    def __init__(self, url: str) -> None:
        self._store = Store(url, connections=8)
        self._write = Script(self._store, _SCRIPT)
        self._owner = uuid.uuid4().hex

    async def stop(self) -> None:
        """Close all connections."""
        await self._store.aclose()

    async def claim(self, cluster: str, notice: str, lease: timedelta) -> Claim:
        """Claim a notice."""
        return await self._claim("claim", notice, [_notice(cluster, notice)], lease)

    async def claim_end(self, cluster: str, notice: str, before: str, lease: timedelta) -> Claim:
        """Claim the notice that the matter of the notice `before` is over."""
        keys = [_notice(cluster, notice), _notice(cluster, before)]
        return await self._claim("claim_end", notice, keys, lease)

    async def claim_reminder(
        self,
        cluster: str,
        unit: str,
        figure: datetime,
        channels: Sequence[Channel],
        lease: timedelta,
        today: date,
        at_most: int,
    ) -> dict[Channel, Claim]:
        """Claim a reminder of a figure on each channel; nothing when today's are used up."""
        names = {channel: reminder(unit, figure, channel) for channel in channels}
        keys = [_reminded(cluster, unit), *(_notice(cluster, name) for name in names.values())]
        more = (epoch_millis(figure), today.isoformat(), at_most)
        taken = await self._do("claim_reminder", keys, *_times(lease), *more)
        answers = zip(names.items(), taken, strict=False)
        return {channel: _claim_of(name, word, ()) for (channel, name), word in answers}

    async def reach(self, cluster: str, notice: str, recipient: str) -> None:
        """Note that a recipient was reached."""
        await self._do("reach", [_notice(cluster, notice)], recipient)

    async def put_off(self, cluster: str, notice: str, wait: timedelta) -> None:
        """Give a claimed notice up, to be claimed again after `wait`."""
        await self._do("put_off", [_notice(cluster, notice)], wait // _MILLISECOND)

    async def finish(self, cluster: str, notice: str, outcome: str) -> None:
        """End a notice that we have claimed."""
        await self._do("finish", [_notice(cluster, notice)], outcome)

    async def finish_reminder(
        self, cluster: str, unit: str, figure: datetime, channel: Channel, told: dict[str, object]
    ) -> bool:
        """End a reminder on one channel and write `told` to the journal.

        False when it was not ours to end (any more), and nothing was written.
        """
        keys = [
            _notice(cluster, reminder(unit, figure, channel)),
            _reminded(cluster, unit),
            ClusterKeys(cluster).journal,
        ]
        more = (epoch_millis(figure), orjson.dumps(told), JOURNAL_LENGTH)
        return bool(await self._do("finish", keys, str(told["outcome"]), *more))

    async def sent(self, cluster: str, units: Sequence[str]) -> dict[str, Sent]:
        """What these units have been reminded of so far, by unit."""
        client = self._store.at(ClusterKeys(cluster).meta)
        async with asking(), client.pipeline(transaction=False) as pipe:
            for unit in units:
                pipe.hgetall(_reminded(cluster, unit))
            found: list[dict[bytes, bytes]] = await pipe.execute()
        return {unit: _sent(known) for unit, known in zip(units, found, strict=True) if known}

    async def _claim(self, what: str, notice: str, keys: Sequence[str], lease: timedelta) -> Claim:
        word, reached = await self._do(what, keys, *_times(lease))
        return _claim_of(notice, word, reached)

    async def _do(self, what: str, keys: Sequence[str], *arguments: str | bytes | int) -> Any:
        async with asking():
            return await self._write(keys, [what, self._owner, *arguments])


def reminder(unit: str, figure: datetime, channel: Channel) -> str:
    """The notice of a reminder of one figure by one channel."""
    return f"reminder:{unit}:{epoch_millis(figure)}:{channel}"


def _times(lease: timedelta) -> tuple[int, int]:
    return lease // _MILLISECOND, KEEP // _MILLISECOND


def _claim_of(notice: str, word: int | bytes, reached: Sequence[bytes]) -> Claim:
    if isinstance(word, bytes):
        return Claim(notice, busy=word == b"busy")
    return Claim(notice, tries=word, reached=frozenset(each.decode() for each in reached))


def _sent(known: dict[bytes, bytes]) -> Sent:
    return Sent(
        figure=from_epoch_millis(int(known[b"figure"])),
        unfinished=int(known[b"open"]) > 0,
        day=date.fromisoformat(known[b"day"].decode()),
        count=int(known[b"count"]),
    )


def _notice(cluster: str, notice: str) -> str:
    return f"{PREFIX}:{{{ClusterKeys(cluster).cluster}}}:notice:{notice}"


def _reminded(cluster: str, unit: str) -> str:
    return f"{PREFIX}:{{{ClusterKeys(cluster).cluster}}}:reminded:{unit}"
