"""What a web process has for pushes, and asks for it to push."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson

from capacity.board.notices import Notices
from capacity.board.subscriptions import Subscriptions
from capacity.catalogue import builtin_catalogue
from capacity.instants import format_instant, utc_now
from tests.support.push_service import PushService
from web.notify.asks import Asks
from web.notify.outgoing import Hosts, Outgoing
from web.notify.push import Pusher, UnitPushes
from web.notify.push_key import PushKey
from web.notify.tally import Tally

CATALOGUE = builtin_catalogue()
UNIT = CATALOGUE.units["randers-akutplads-1"]
CONTACT = "mailto:drift@example.org"
LOOPBACK = ["127.0.0.1"]


class Process:
    """What one web process has for pushes, over the store of all."""

    def __init__(self, url: str, key: PushKey, *, seconds: float = 30.0) -> None:
        """`seconds` is how long a push service may take to answer."""
        self.tally = Tally()
        self.subscriptions = Subscriptions(url)
        self.notices = Notices(url)
        self.outgoing = Outgoing(LOOPBACK)
        hosts = Hosts.of(LOOPBACK, LOOPBACK)
        pusher = Pusher(key, CONTACT, hosts, self.outgoing, utc_now, seconds=seconds)
        self.pushes = UnitPushes(pusher, self.subscriptions, self.notices, self.tally)
        self.asks = Asks(CATALOGUE, self.pushes, self.notices, utc_now)
        self.running: asyncio.Task[None] | None = None

    def run(self) -> None:
        self.running = asyncio.create_task(self.asks.run())

    async def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)
            self.running = None

    async def stop(self) -> None:
        await self.kill()
        await self.outgoing.stop()
        await self.notices.stop()
        await self.subscriptions.stop()


def hold(hold_id: str, state: str = "asked", **more: Any) -> dict[str, Any]:
    """A hold as it stands in a row."""
    now = utc_now()
    return {
        "id": hold_id,
        "unit": UNIT.id,
        "state": state,
        "asked_at": format_instant(now),
        "expires_at": format_instant(now + timedelta(minutes=30)),
        "answer_by": format_instant(now + timedelta(seconds=60)),
        "answered_at": None if state == "asked" else format_instant(now),
        "ended_at": None,
        "by": {"role": "visitator", "organisation": None, "account": "a"},
        "need": {"municipality": "0730", "capabilities": ["iv_antibiotics"]},
        "agreement": None,
        "reason": None,
        "counts": True,
    } | more


def row(*holds: dict[str, Any]) -> bytes:
    """A row that the board would hold, as far as asks look at it."""
    return orjson.dumps({"unit": UNIT.id, "holds": list(holds)})


async def subscribe(process: Process, phones: PushService, key: PushKey, *names: str) -> None:
    """Phones of these names follow the unit."""
    for name in names:
        subscription = phones.phone(name).subscription(key.public)
        assert await process.subscriptions.add(UNIT.cluster, UNIT.id, subscription)


async def delivered(phones: PushService, count: int) -> None:
    """Wait until so many pushes have come."""
    await asyncio.to_thread(phones.wait_for, count)
