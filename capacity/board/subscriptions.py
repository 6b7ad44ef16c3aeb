"""Who gets a push for a unit: the browsers that were allowed to, per unit, in the store.

A subscription's endpoint is a secret address: who knows it can reach the browser. It is therefore
never logged nor sent to a page; the *id*, a hash of it, stands for it everywhere.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

import orjson

from capacity.board.connection import Script, Store
from capacity.board.keys import PREFIX, ClusterKeys
from capacity.board.store import asking
from capacity.instants import from_epoch_millis

MOST_PER_UNIT = 40
"""Browsers that one unit's pushes go to: a large team's phones, each with a spare."""
UNUSED = timedelta(days=60)
"""A subscription that no push has reached for so long makes room for another."""

_SCRIPT = files("capacity.board").joinpath("subscriptions.lua").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One browser: where it is reached, its keys (base64url, RFC 8291), its reader's language.

    `server_key` is the public key that it was made for; a push signed by another is refused.
    """

    endpoint: str
    p256dh: str
    auth: str
    lang: str
    server_key: str

    @property
    def id(self) -> str:
        """Stands for the endpoint: its SHA-256 in hexadecimal, the first 32 digits."""
        return hashlib.sha256(self.endpoint.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription as the store holds it; `last_reached` is its making before any push."""

    subscription: Subscription
    last_reached: datetime


class Subscriptions:
    """The subscriptions of all units in one Redis/Valkey server.

    Every call may raise `capacity.board.BoardUnavailableError`; repeating it is safe.
    """

    def __init__(self, url: str, *, most: int = MOST_PER_UNIT) -> None:
        self._store = Store(url, connections=8)
        self._write = Script(self._store, _SCRIPT)
        self.most = most

    async def stop(self) -> None:
        """Close all connections."""
        await self._store.aclose()

    async def add(self, cluster: str, unit: str, subscription: Subscription) -> bool:
        """Keep one; false when the unit has as many as it may."""
        text = orjson.dumps(subscription)
        arguments: list[str | bytes | int] = [
            "add", subscription.id, text, self.most, UNUSED // timedelta(milliseconds=1)
        ]  # fmt: skip
        return bool(await self._do(cluster, unit, arguments))

    async def forget(self, cluster: str, unit: str, subscription_id: str) -> bool:
        """Forget one; false when it was not known."""
        return bool(await self._do(cluster, unit, ["forget", subscription_id]))

    async def reached(self, cluster: str, unit: str, subscription_id: str) -> None:
        """Note that a push has just reached one."""
        await self._do(cluster, unit, ["reached", subscription_id])

    async def of(self, cluster: str, unit: str) -> list[Subscribed]:
        """All subscriptions of a unit, by id."""
        keys = _keys(cluster, unit)
        async with asking(), self._store.at(keys[0]).pipeline(transaction=True) as pipe:
            for key in keys:
                pipe.hgetall(key)
            found: Any = await pipe.execute()
        texts, used = found
        return [
            Subscribed(
                Subscription(**orjson.loads(texts[each])), from_epoch_millis(int(used[each]))
            )
            for each in sorted(texts)
        ]

    async def _do(self, cluster: str, unit: str, arguments: Sequence[str | bytes | int]) -> int:
        async with asking():
            answer: int = await self._write(_keys(cluster, unit), arguments, confirmed=True)
        return answer


def _keys(cluster: str, unit: str) -> list[str]:
    tag = f"{PREFIX}:{{{ClusterKeys(cluster).cluster}}}"
    return [f"{tag}:push:{unit}", f"{tag}:push_used:{unit}"]
