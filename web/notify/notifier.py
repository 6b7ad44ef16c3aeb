"""All notices of one process: made from the settings, started and stopped with it."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage

from capacity.board import Board
from capacity.board.notices import Notices
from capacity.board.subscriptions import Subscriptions
from capacity.config_file import ConfigError, Problem
from capacity.instants import Clock
from capacity.reminders import Channel, Figure
from capacity.settings import Settings
from capacity.units import Catalogue, Unit
from web.notify import messages
from web.notify.asks import Asks
from web.notify.mail import Mailer, read_mail_server, reminder_mail
from web.notify.outgoing import Hosts, NotAllowedError, Outgoing
from web.notify.push import Pusher, UnitPushes, be_ready
from web.notify.push_key import push_key
from web.notify.reminding import Reminding, Send
from web.notify.tally import Fate, Tally
from web.notify.webhook import Webhook

log = logging.getLogger(__name__)

DEMO_CONTACT = "mailto:demo@akutoverblik.invalid"
PUSH_REMINDER_SECONDS = 15.0


class Notifier:
    """The parts that send, and the two tasks that make them: asks and reminders.

    `pushes` is ``None`` where Web Push is not set up. Raises `ConfigError` for settings that
    cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        board: Board,
        catalogue: Catalogue,
        clock: Clock,
        *,
        demo: bool = False,
    ) -> None:
        assert settings.store_url is not None
        self.tally = Tally()
        self._catalogue = catalogue
        self._public_url = settings.public_url
        self._outgoing = Outgoing(settings.private_hosts)
        self._notices = Notices(settings.store_url)
        self.subscriptions = Subscriptions(settings.store_url)
        self.pushes = self._make_pushes(settings, clock, demo=demo)
        self._webhook = Webhook(
            Hosts.of(settings.webhook_hosts, settings.private_hosts),
            self._outgoing,
            secret=settings.webhook_secret,
            public_url=settings.public_url,
        )
        self._mailer = _make_mailer(settings)
        self._asks: Asks | None = None
        if self.pushes is not None:
            self._asks = Asks(catalogue, self.pushes, self._notices, clock)
        self.reminding = Reminding(
            board, catalogue, self._notices, self._channels(), self.tally, clock
        )
        self._tasks: list[asyncio.Task[None]] = []

    def seen(self, cluster: str, rows: Sequence[bytes]) -> None:
        """Rows as they stand now, from the hub."""
        if self._asks is not None:
            self._asks.seen(cluster, rows)

    def start(self) -> None:
        """Begin; says once what was chosen in the catalogue and cannot be done."""
        for unit in self._catalogue.units.values():
            self._warn(unit)
        self._tasks = [asyncio.create_task(self.reminding.run(), name="reminding")]
        if self._asks is not None:
            self._tasks.append(asyncio.create_task(self._asks.run(), name="asks"))
            self._tasks.append(asyncio.create_task(be_ready(), name="first push"))

    async def stop(self) -> None:
        """Stop; what was claimed and not sent is taken on by another process, or by the next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._outgoing.stop()
        await self._notices.stop()
        await self.subscriptions.stop()

    def _make_pushes(self, settings: Settings, clock: Clock, *, demo: bool) -> UnitPushes | None:
        contact = settings.push_contact or (DEMO_CONTACT if demo else None)
        if contact is None:
            return None
        hosts = Hosts.of(settings.push_hosts, settings.private_hosts)
        pusher = Pusher(
            push_key(settings.push_key, settings.data), contact, hosts, self._outgoing, clock
        )
        return UnitPushes(pusher, self.subscriptions, self._notices, self.tally)

    def _channels(self) -> dict[Channel, Send]:
        channels: dict[Channel, Send] = {Channel.WEBHOOK: self._by_webhook}
        if self.pushes is not None:
            channels[Channel.PUSH] = self._by_push
        if self._mailer is not None:
            channels[Channel.MAIL] = self._by_mail
        return channels

    async def _by_push(
        self, unit: Unit, figure: Figure, now: datetime, notice: str
    ) -> tuple[Fate, str | None]:
        """Sent once any browser has it: a reminder is for whoever is on duty."""
        assert self.pushes is not None
        message = messages.reminder(unit, figure, now)
        done = await self.pushes.send(unit, message, notice, within=PUSH_REMINDER_SECONDS)
        if done.sent:
            return Fate.SENT, None
        if done.later:
            return Fate.LATER, None
        return Fate.REFUSED, None if done.refused else "no_subscription"

    async def _by_mail(
        self, unit: Unit, figure: Figure, now: datetime, _notice: str
    ) -> tuple[Fate, str | None]:
        assert self._mailer is not None
        sender = self._mailer.server.sender
        mail: EmailMessage = reminder_mail(unit, figure, now, sender, self._public_url)
        return await self._mailer.send(mail), None

    async def _by_webhook(
        self, unit: Unit, figure: Figure, _now: datetime, _notice: str
    ) -> tuple[Fate, str | None]:
        return await self._webhook.send(unit, figure), None

    def _warn(self, unit: Unit) -> None:
        chosen = unit.remind.by if unit.remind is not None else ()
        if Channel.PUSH in chosen and self.pushes is None:
            log.warning("unit %s is to be reminded by push: set AKUTOVERBLIK_PUSH_CONTACT", unit.id)
        if Channel.MAIL in chosen and self._mailer is None:
            log.warning("unit %s is to be reminded by mail: set AKUTOVERBLIK_SMTP_URL", unit.id)
        if Channel.WEBHOOK in chosen and unit.remind is not None:
            try:
                self._webhook.hosts.check(unit.remind.webhook or "")
            except NotAllowedError as error:
                log.warning(
                    "unit %s is to be reminded by a webhook that %s (AKUTOVERBLIK_WEBHOOK_HOSTS)",
                    unit.id,
                    error,
                )


def _make_mailer(settings: Settings) -> Mailer | None:
    if settings.smtp_url is None:
        return None
    try:
        return Mailer(read_mail_server(settings.smtp_url, settings.mail_from))
    except ValueError as error:
        raise ConfigError([Problem("AKUTOVERBLIK_SMTP_URL", 0, "", str(error))]) from None
