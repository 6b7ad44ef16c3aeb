"""What may be done with accounts, each step on the trail first. One way, for the administrator's
pages and for ``akutoverblik account``.

`PeopleError` (with a `code` that pages have words for) is a wish that cannot be met. What takes
rights away ends the account's sessions, and with them the sockets of its pages.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from capacity.instants import Clock
from capacity.people import Account, NewAccount, People, PeopleError, export, new_id
from capacity.units import Catalogue
from web.roles import OF_AN_ORGANISATION, OF_CLUSTERS, PERSONS, Role

MOST_EXPORTED = 100_000
"""Entries of the trail that go into the export of one account; the latest."""


class Note(Protocol):
    """Puts a step on the trail, in the name of who takes it."""

    async def __call__(self, action: str, subject: str, **detail: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Rights:
    """What an account may do: the role, and what that is tied to."""

    role: Role
    organisation: str | None = None
    clusters: tuple[str, ...] = ()

    def as_values(self) -> dict[str, Any]:
        """For `People.change` and for the trail."""
        return {
            "role": self.role.value,
            "organisation": self.organisation,
            "clusters": self.clusters,
        }


@dataclass(frozen=True, slots=True)
class AccountDesk:
    """The actions. `end` ends the sessions of an account and tells how many there were."""

    people: People
    catalogue: Catalogue
    clock: Clock
    note: Note
    end: Callable[[str], Awaitable[int]]

    async def new(self, login: str, rights: Rights) -> tuple[Account, str]:
        """Make an account; returns it and the token of its set-up link, shown once."""
        self._check(rights)
        account = new_id()
        await self.note("account-new", account, **_told(rights))
        wanted = NewAccount(id=account, login=login, **rights.as_values())
        return await self.people.create(wanted)

    async def change(self, account: str, rights: Rights) -> None:
        """Give an account other rights."""
        self._check(rights)
        if rights.role is not Role.ADMINISTRATOR:
            await self._keep_an_administrator(account)
        await self._changed(account, "account-change", _told(rights), **rights.as_values())

    async def disable(self, account: str) -> None:
        """Let nobody sign in with it."""
        await self._keep_an_administrator(account)
        await self._changed(account, "account-disable", {}, disabled_at=self.clock())

    async def enable(self, account: str) -> None:
        """Let its owner sign in again."""
        await self._changed(account, "account-enable", {}, disabled_at=None)

    async def reset_code(self, account: str) -> None:
        """Forget the second factor, for a lost phone."""
        await self._changed(account, "account-reset-code", {}, totp_secret=None, totp_used=None)

    async def renew(self, account: str) -> str:
        """The token of a new set-up link, for a forgotten password."""
        found = await self._present(account)
        if found.login is None:
            raise PeopleError("account", "signs in at the identity provider", "oidc")
        await self.note("account-renew", account)
        return await self.people.renew_setup(account)

    async def erase(self, account: str) -> None:
        """Forget who it was; the trail keeps the pseudonym."""
        await self._present(account)
        await self._keep_an_administrator(account)
        await self.note("account-erase", account)
        await self.people.erase(account)
        await self.end(account)

    async def export(self, account: str) -> dict[str, object]:
        """All that is held about an account, and what the trail says of it."""
        found = await self.people.account(account)
        await self.note("account-export", account)
        trail = await self.people.audit_entries(account=account, limit=MOST_EXPORTED)
        return export(found) | {"audit": [entry.as_json() for entry in trail]}

    async def sign_out(self, account: str) -> int:
        """End its sessions; returns how many there were."""
        await self.people.account(account)
        await self.note("account-sign-out", account)
        return await self.end(account)

    async def _changed(
        self, account: str, action: str, detail: dict[str, object], **values: object
    ) -> None:
        """Rights first, sessions then: one that begins in between finds the new rights."""
        await self._present(account)
        await self.note(action, account, **detail)
        await self.people.change(account, **values)
        await self.end(account)

    async def _present(self, account: str) -> Account:
        found = await self.people.account(account)
        if found.erased_at is not None:
            raise PeopleError("account", "is erased", "erased")
        return found

    async def _keep_an_administrator(self, without: str) -> None:
        """Where there is an administrator, there stays one: nobody shuts everybody out by
        mistake."""
        usable = [each for each in await self.people.accounts() if each.usable]
        found = {each.id for each in usable if each.role == Role.ADMINISTRATOR}
        if found == {without}:
            raise PeopleError("account", "is the last administrator", "last")

    def _check(self, rights: Rights) -> None:
        fault = fault_of(self.catalogue, rights)
        if fault is not None:
            raise fault


def fault_of(catalogue: Catalogue, rights: Rights) -> PeopleError | None:
    """Why no account can have these rights; ``None`` if one can."""
    role, organisation = rights.role, rights.organisation
    if role not in PERSONS:
        reason = f"{role} is no role of a person: programs and wall screens have keys"
        return PeopleError("role", reason, "role")
    if organisation is not None and organisation not in catalogue.organisations:
        return PeopleError("organisation", f"{organisation!r} is not in the catalogue", "unknown")
    for cluster in rights.clusters:
        if cluster not in catalogue.clusters:
            return PeopleError("cluster", f"{cluster!r} is not in the catalogue", "unknown")
    if role in OF_AN_ORGANISATION and organisation is None:
        return PeopleError("organisation", f"a {role} has one", "organisation")
    if role in OF_CLUSTERS and not rights.clusters:
        return PeopleError("cluster", f"a {role} has at least one", "cluster")
    return None


def state_of(account: Account) -> str:
    """erased, disabled, ready or new: how far an account can be used."""
    if account.erased_at is not None:
        return "erased"
    if account.disabled_at is not None:
        return "disabled"
    return "ready" if account.password_hash or account.subject else "new"


def _told(rights: Rights) -> dict[str, object]:
    """Rights as the trail tells them."""
    clusters: Sequence[str] = list(rights.clusters)
    return rights.as_values() | {"clusters": clusters}
