"""`People`: the door to accounts and the audit trail; asynchronous, like `History`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from capacity.board.audit import Noted
from capacity.history import History
from capacity.instants import Clock
from capacity.people import accounts, audit
from capacity.people.accounts import Account, NewAccount
from capacity.people.audit import AuditEntry, Verified


class People:
    """Who may sign in, and with what; and what they did. In history's database.

    Every method raises `HistoryUnavailableError` while the database cannot be used, and
    `PeopleError` (`UnknownError`) for a wish that cannot be met.
    """

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock

    async def create(self, wanted: NewAccount) -> tuple[Account, str]:
        """Make an account; returns it and its set-up token, which cannot be shown again."""
        now = self._clock()
        return await self._history.write(lambda sql: accounts.create(sql, wanted, now))

    async def account(self, account_id: str) -> Account:
        """The account of an id."""
        return await self._history.read(lambda sql: accounts.get(sql, account_id))

    async def by_login(self, login: str) -> Account | None:
        """The account that signs in with `login`."""
        return await self._history.read(lambda sql: accounts.by_login(sql, login))

    async def by_subject(self, issuer: str, subject: str) -> Account | None:
        """The account of somebody an identity provider knows."""
        return await self._history.read(lambda sql: accounts.by_subject(sql, issuer, subject))

    async def accounts(self) -> list[Account]:
        """Every account."""
        return await self._history.read(accounts.all_accounts)

    async def change(self, account_id: str, **values: Any) -> Account:
        """Set role, organisation, clusters, password_hash, totp_secret, disabled_at or
        last_sign_in_at."""
        return await self._history.write(lambda sql: accounts.change(sql, account_id, values))

    async def use_totp_step(self, account_id: str, step: int) -> bool:
        """Note a used time step; false if it was used before."""
        return await self._history.write(lambda sql: accounts.use_totp_step(sql, account_id, step))

    async def renew_setup(self, account_id: str) -> str:
        """A new set-up token."""
        now = self._clock()
        return await self._history.write(lambda sql: accounts.renew_setup(sql, account_id, now))

    async def by_setup(self, token: str) -> Account | None:
        """The account whose good set-up token this is."""
        now = self._clock()
        return await self._history.read(lambda sql: accounts.by_setup(sql, token, now))

    async def redeem_setup(self, token: str, password_hash: str) -> Account | None:
        """Use up a set-up token and keep the chosen password's hash."""
        now = self._clock()
        return await self._history.write(
            lambda sql: accounts.redeem_setup(sql, token, password_hash, now)
        )

    async def erase(self, account_id: str) -> None:
        """Forget who an account was."""
        now = self._clock()
        await self._history.write(lambda sql: accounts.erase(sql, account_id, now))

    async def record_audit(self, noted: Sequence[Noted]) -> int:
        """Chain entries onto the trail, each once."""
        return await self._history.write(lambda sql: audit.append(sql, noted))

    async def audit_entries(self, **wanted: Any) -> list[AuditEntry]:
        """Entries of the trail, the latest first; see `audit.entries`."""
        return await self._history.read(lambda sql: audit.entries(sql, **wanted))

    async def verify_audit(self) -> Verified:
        """Walk the chain."""
        return await self._history.read(audit.verify)

    async def drop_audit_before(self, instant: datetime) -> int:
        """Delete entries whose time is over."""
        return await self._history.write(lambda sql: audit.drop_before(sql, instant))
