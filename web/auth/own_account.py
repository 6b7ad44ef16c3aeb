"""What somebody signed in may prove and prepare about their own account."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from capacity.board.sessions import Session
from capacity.people import Account
from web.auth import passwords
from web.services import Services

PENDING = timedelta(minutes=10)
"""How long a secret waits for its first code."""
TRIES_PER_MINUTE = 10
"""Passwords and codes that one account may try on its own page; a session that somebody left open
must not be a way to guess them."""


class WaitError(Exception):
    """Too many tries."""


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """The account of a session."""

    services: Services
    session: Session
    account: Account

    @classmethod
    async def of(cls, services: Services, session: Session) -> Self:
        """Look it up."""
        return cls(services, session, await services.door.people.account(session.account))

    async def knows(self, password: str) -> bool:
        """Whether it is the account's password; `WaitError` after too many tries."""
        await self.count_try()
        return await passwords.matches(password, self.account.password_hash)

    async def count_try(self) -> None:
        """Count a try against the limit."""
        verdict = await self.services.door.rates.hit(
            "own-account", self.account.id, TRIES_PER_MINUTE
        )
        if not verdict.allowed:
            raise WaitError

    async def pending_secret(self) -> str | None:
        """The secret that waits for its first code, in this very session."""
        found = await self.services.door.pending.look(pending_name(self.session))
        return None if found is None else str(found["secret"])


def pending_name(session: Session) -> str:
    """Under what a session's secret waits."""
    return f"code:{session.id}"
