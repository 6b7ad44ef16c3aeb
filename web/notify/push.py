"""Web Push: one message to one browser, or to every browser that follows a unit.

However many there are and however slow a push service is, the event loop does not wait: pushes go
side by side, a bounded number at a time, each within `SECONDS`. A browser that is gone (404, 410)
is forgotten; one on a host that is not allowed is never tried.
"""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module

from capacity.board import BoardUnavailableError
from capacity.board.notices import Notices
from capacity.board.subscriptions import Subscription, Subscriptions
from capacity.instants import Clock
from capacity.reminders import Channel
from capacity.units import Unit
from web.notify.messages import PushMessage
from web.notify.outgoing import Answer, Hosts, NotAllowedError, Outgoing, UnreachableError
from web.notify.push_key import PushKey
from web.notify.tally import Fate, Tally

log = logging.getLogger(__name__)

SECONDS = 5.0
"""How long one push may take; push services answer within a fraction of a second."""
AT_ONCE = 16
BOARDS_FIRST = 3.0
"""Seconds after the start in which a process has its hands full with boards."""
_GONE = (404, 410)


@dataclass(frozen=True, slots=True)
class Round:
    """What became of one message to a unit's browsers, those left out not counted.

    `later` of them may be tried again, at the earliest after `wait`.
    """

    sent: int = 0
    gone: int = 0
    refused: int = 0
    later: int = 0
    wait: timedelta = timedelta(0)


class Pusher:
    """Sends one push to one browser."""

    def __init__(
        self,
        key: PushKey,
        contact: str,
        hosts: Hosts,
        outgoing: Outgoing,
        clock: Clock,
        *,
        seconds: float = SECONDS,
    ) -> None:
        self.key = key
        self.hosts = hosts
        self._contact = contact
        self._outgoing = outgoing
        self._clock = clock
        self._seconds = seconds
        self._places = asyncio.Semaphore(AT_ONCE)

    async def send(
        self, subscription: Subscription, message: PushMessage
    ) -> tuple[Fate, timedelta]:
        """What became of it, and how long its push service asks to be left alone."""
        if subscription.server_key != self.key.public:
            return Fate.REFUSED, timedelta(0)  # its push service would say so too
        try:
            async with self._places:
                answer = await self._post(subscription, message)
        except NotAllowedError as error:
            log.warning("a push of unit %s was not sent: the subscription %s", message.unit, error)
            return Fate.REFUSED, timedelta(0)
        except UnreachableError:
            return Fate.LATER, timedelta(0)
        return _fate(answer), answer.retry_after or timedelta(0)

    async def _post(self, subscription: Subscription, message: PushMessage) -> Answer:
        parts = self.hosts.check(subscription.endpoint)
        payload = message.payload(subscription.lang)
        body, authorization = await asyncio.to_thread(self._seal, subscription, payload)
        headers = {
            "Authorization": authorization,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(message.ttl // timedelta(seconds=1)),
            "Urgency": "high" if message.urgent else "normal",
            "Topic": message.topic,
        }
        return await self._outgoing.post(parts, body, headers, self._seconds)

    def _seal(self, subscription: Subscription, payload: bytes) -> tuple[bytes, str]:
        # takes long to import: in this thread only
        from web.notify.encryption import CannotSealError, sealed, signature

        parts = self.hosts.check(subscription.endpoint)
        try:
            authorization = signature(self.key, self._contact, parts, self._clock())
            return sealed(subscription, payload), authorization
        except CannotSealError as error:
            raise NotAllowedError(str(error)) from error


async def be_ready() -> None:
    """Import what would else keep the first push, once the boards are open."""
    await asyncio.sleep(BOARDS_FIRST)
    await asyncio.to_thread(import_module, "web.notify.encryption")


def _fate(answer: Answer) -> Fate:
    if answer.ok:
        return Fate.SENT
    if answer.status in _GONE:
        return Fate.GONE
    return Fate.LATER if answer.may_pass else Fate.REFUSED


class UnitPushes:
    """Sends one message to every browser that follows a unit."""

    def __init__(
        self, pusher: Pusher, subscriptions: Subscriptions, notices: Notices, tally: Tally
    ) -> None:
        self.pusher = pusher
        self.subscriptions = subscriptions
        self._notices = notices
        self._tally = tally
        self._other_keys = False

    async def send(
        self,
        unit: Unit,
        message: PushMessage,
        notice: str,
        *,
        only: Collection[str] | None = None,
        but: Collection[str] = (),
        within: float,
    ) -> Round:
        """One try at each browser, all within `within` seconds.

        `notice` is the claim under which each that was reached is noted at once; `only` and
        `but` are ids of subscriptions. Raises `BoardUnavailableError` when the store cannot say
        who there is.
        """
        known = await self.subscriptions.of(unit.cluster, unit.id)
        wanted = [
            each.subscription
            for each in known
            if each.subscription.id not in but and (only is None or each.subscription.id in only)
        ]
        wanted = self._for_our_key(wanted, unit)
        tries = [self._try(unit, each, message, notice, within) for each in wanted]
        found = await asyncio.gather(*tries)
        fates = [fate for fate, _ in found]
        return Round(
            sent=fates.count(Fate.SENT),
            gone=fates.count(Fate.GONE),
            refused=fates.count(Fate.REFUSED),
            later=fates.count(Fate.LATER),
            wait=max((wait for fate, wait in found if fate is Fate.LATER), default=timedelta(0)),
        )

    def _for_our_key(self, wanted: list[Subscription], unit: Unit) -> list[Subscription]:
        """Those made for our key. Others are left alone, for another process may have their key."""
        ours = [each for each in wanted if each.server_key == self.pusher.key.public]
        if len(ours) < len(wanted) and not self._other_keys:
            self._other_keys = True
            log.error(
                "%d browsers of unit %s subscribed for another push key than this process has: "
                "all processes need the same (docs/notifications.md)",
                len(wanted) - len(ours),
                unit.id,
            )
        return ours

    async def send_to(self, unit: Unit, subscription: Subscription, message: PushMessage) -> Fate:
        """One try at one browser."""
        fate, _ = await self._try(unit, subscription, message, None, SECONDS)
        return fate

    async def _try(
        self,
        unit: Unit,
        subscription: Subscription,
        message: PushMessage,
        notice: str | None,
        within: float,
    ) -> tuple[Fate, timedelta]:
        fate, wait = Fate.LATER, timedelta(0)
        try:
            async with asyncio.timeout(within):
                fate, wait = await self.pusher.send(subscription, message)
                await self._note(unit, subscription, notice, fate)
        except TimeoutError:
            log.info("a push of unit %s had to wait too long", unit.id)
        except BoardUnavailableError as error:
            log.warning("the store could not note a push of unit %s (%s)", unit.id, error)
        self._tally.add(message.kind, Channel.PUSH, fate)
        return fate, wait

    async def _note(
        self, unit: Unit, subscription: Subscription, notice: str | None, fate: Fate
    ) -> None:
        if fate is Fate.GONE:
            await self.subscriptions.forget(unit.cluster, unit.id, subscription.id)
        if fate is Fate.SENT:
            if notice is not None:
                await self._notices.reach(unit.cluster, notice, subscription.id)
            await self.subscriptions.reached(unit.cluster, unit.id, subscription.id)
