"""Everything that signing in needs in one process, started and stopped together."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from capacity.board.audit import AuditTrail
from capacity.board.key_use import KeyUse
from capacity.board.pending import Pending
from capacity.board.rates import Rates
from capacity.board.sessions import Lifetime, Sessions
from capacity.history import History, HistoryUnavailableError
from capacity.instants import Clock
from capacity.people import AuditCopier, People
from capacity.settings import Settings
from web.access import Access
from web.auth.passwords import be_ready
from web.auth.watch import SocketWatch
from web.roles import Role

if TYPE_CHECKING:
    from web.auth.oidc import Provider

log = logging.getLogger(__name__)

WALL_LIFETIME = Lifetime(idle=timedelta(days=2), absolute=timedelta(days=400))
"""A wall screen stays signed in until its link is revoked."""
LOOK_FOR_ACCOUNTS = 5.0
"""Seconds between looks at whether there is any account, while there is none."""


@dataclass(slots=True)
class Door:
    """Accounts, sessions, limits and the audit trail."""

    people: People
    audit: AuditTrail
    sessions: Sessions
    rates: Rates
    watch: SocketWatch
    copier: AuditCopier
    pending: Pending
    key_use: KeyUse
    provider: "Provider | None"
    access: Access
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Begin to look after sockets, the trail, and whether there is any account."""
        self._tasks = [
            asyncio.create_task(self.watch.run(), name="socket watch"),
            asyncio.create_task(self.copier.run(), name="audit copier"),
            asyncio.create_task(self._look_for_accounts(), name="first account"),
            asyncio.create_task(self.key_use.run(), name="last use of keys"),
            asyncio.create_task(be_ready(), name="first sign-in"),
        ]

    async def stop(self) -> None:
        """Stop the tasks and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.audit.stop()
        await self.sessions.stop()
        await self.rates.stop()
        await self.pending.stop()
        await self.key_use.stop()

    def healthy(self) -> bool:
        """Whether none of its tasks has ended on an unforeseen error."""
        return not any(
            task.done() and not task.cancelled() and task.exception() for task in self._tasks
        )

    async def _look_for_accounts(self) -> None:
        while True:
            try:
                known = self.provider is not None or bool(await self.people.accounts())
                self.access.anybody = known  # a provider's people get accounts as they come
            except HistoryUnavailableError as error:
                log.debug("accounts cannot be looked at: %s", error)
            if self.access.anybody:
                return
            await asyncio.sleep(LOOK_FOR_ACCOUNTS)


def build_door(settings: Settings, access: Access, history: History, clock: Clock) -> Door:
    """The door of a process whose store and database are those of `settings`."""
    assert settings.store_url is not None
    url = settings.store_url
    people, trail = People(history, clock), AuditTrail(url)
    lifetime = Lifetime(
        idle=timedelta(minutes=settings.session_idle_minutes),
        absolute=timedelta(hours=settings.session_hours),
    )
    sessions = Sessions(url, clock, {Role.WALL.value: WALL_LIFETIME}, lifetime)
    keep = timedelta(days=settings.audit_days)
    pending = Pending(url)
    return Door(
        people=people,
        audit=trail,
        sessions=sessions,
        rates=Rates(url, clock),
        watch=SocketWatch(sessions),
        copier=AuditCopier(trail, people, clock, keep),
        pending=pending,
        key_use=KeyUse(url, clock),
        provider=_provider(settings, pending),
        access=access,
    )


def _provider(settings: Settings, pending: Pending) -> "Provider | None":
    """The identity provider, if there is one; else its protocol, slow to load, is left alone."""
    if not settings.oidc_issuer:
        return None
    from web.auth.oidc import Provider

    return Provider(settings, pending)
