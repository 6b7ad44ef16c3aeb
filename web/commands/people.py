"""``akutoverblik account`` and ``akutoverblik audit``: who may sign in, and what was done.

They work on the database directly, so that the first account can be made before the service runs.
What takes rights away also ends sessions, for which the store must be running.
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import orjson

from capacity.board import BoardUnavailableError
from capacity.board.audit import Noted
from capacity.board.embedded import running_url
from capacity.board.sessions import Lifetime, Sessions
from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.config_file import ConfigError
from capacity.history import History, HistoryError
from capacity.instants import BadInstantError, format_instant, parse_instant, utc_now
from capacity.people import Account, NewAccount, People, PeopleError, export, noted_now
from capacity.settings import Settings
from capacity.units import Catalogue
from web.commands.feed_station import CannotError, with_data
from web.commands.people_arguments import PERSONS
from web.roles import Role

NEEDS_ORGANISATION = frozenset({Role.VISITATOR, Role.MUNICIPAL_STAFF})
NEEDS_CLUSTER = frozenset({Role.COORDINATOR})


@dataclass(frozen=True, slots=True)
class Desk:
    """What the sub-commands work with."""

    settings: Settings
    people: People
    catalogue: Catalogue

    async def note(self, action: str, subject: str, **detail: object) -> None:
        """Put it on the trail, in the name of who is at this machine's keyboard."""
        noted: Noted = noted_now(
            utc_now(), action, subject, account=f"cli:{getpass.getuser()}"[:100], detail=detail
        )
        await self.people.record_audit([noted])

    @asynccontextmanager
    async def sessions(self) -> AsyncIterator[Sessions]:
        """The sessions of the service that runs; refuses when none does."""
        url = self.settings.redis_url or running_url(self.settings.store_folder)
        if url is None:
            raise CannotError("sessions must be ended too, and no store runs: start the service")
        hours = Lifetime(timedelta(hours=12), timedelta(hours=12))
        sessions = Sessions(url, utc_now, {}, hours)
        try:
            yield sessions
        finally:
            await sessions.stop()


def people(settings: Settings, options: argparse.Namespace) -> int:
    """Run one sub-command; returns the exit code."""
    try:
        return asyncio.run(_run(settings, options))
    except (CannotError, ConfigError, PeopleError, BadInstantError, HistoryError) as error:
        return _refuse(str(error))
    except BoardUnavailableError as error:
        return _refuse(f"the store is away: {error}")


async def _run(settings: Settings, options: argparse.Namespace) -> int:
    settings = with_data(settings)
    catalogue = load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
    history = History(settings.history_url)
    try:
        await history.start()
        action = _ACTIONS[f"{options.command} {options.action}"]
        return await action(Desk(settings, People(history, utc_now), catalogue), options)
    finally:
        await history.stop()


async def _new(desk: Desk, options: argparse.Namespace) -> int:
    role = Role(options.role)
    fault = fault_of(desk.catalogue, role, options.organisation, options.cluster)
    if fault is not None:
        raise CannotError(fault)
    wanted = NewAccount(
        role=role.value,
        login=options.login,
        organisation=options.organisation,
        clusters=tuple(options.cluster),
    )
    account, token = await desk.people.create(wanted)
    await desk.note("account-new", account.id, role=role.value)
    print(f"{account.id}\n{_set_up_link(desk.settings, token)}")
    print("The link is good once, for three days. It is not shown again.", file=sys.stderr)
    return 0


async def _list(desk: Desk, _options: argparse.Namespace) -> int:
    for account in await desk.people.accounts():
        clusters = " ".join(account.clusters)
        words = [account.id, account.login or "-", account.role, account.organisation or clusters]
        print("\t".join([*words, _state_of(account)]))
    return 0


async def _change(desk: Desk, options: argparse.Namespace) -> int:
    before = await desk.people.account(options.id)
    role = Role(options.role or before.role)
    organisation = options.organisation or before.organisation
    clusters = tuple(options.cluster) or before.clusters
    fault = fault_of(desk.catalogue, role, organisation, clusters)
    if fault is not None:
        raise CannotError(fault)
    values = {"role": role.value, "organisation": organisation, "clusters": clusters}
    return await _with_end(desk, options.id, "account-change", values)


async def _disable(desk: Desk, options: argparse.Namespace) -> int:
    return await _with_end(desk, options.id, "account-disable", {"disabled_at": utc_now()})


async def _enable(desk: Desk, options: argparse.Namespace) -> int:
    return await _with_end(desk, options.id, "account-enable", {"disabled_at": None})


async def _with_end(desk: Desk, account: str, action: str, values: dict[str, object]) -> int:
    async with desk.sessions() as sessions:
        await desk.note(action, account, **{k: str(v) for k, v in values.items()})
        await desk.people.change(account, **values)
        await sessions.end(account)
    return 0


async def _renew(desk: Desk, options: argparse.Namespace) -> int:
    await desk.note("account-renew", options.id)
    print(_set_up_link(desk.settings, await desk.people.renew_setup(options.id)))
    return 0


async def _reset_code(desk: Desk, options: argparse.Namespace) -> int:
    return await _with_end(desk, options.id, "account-reset-code", {"totp_secret": None})


async def _erase(desk: Desk, options: argparse.Namespace) -> int:
    async with desk.sessions() as sessions:
        await desk.note("account-erase", options.id)
        await desk.people.erase(options.id)
        await sessions.end(options.id)
    return 0


async def _export(desk: Desk, options: argparse.Namespace) -> int:
    account = await desk.people.account(options.id)
    await desk.note("account-export", options.id)
    trail = await desk.people.audit_entries(account=options.id, limit=100_000)
    said = export(account) | {"audit": [entry.as_json() for entry in trail]}
    print(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
    return 0


async def _sign_out(desk: Desk, options: argparse.Namespace) -> int:
    async with desk.sessions() as sessions:
        await desk.note("account-sign-out", options.id)
        print(f"{await sessions.end(options.id)} sessions ended")
    return 0


async def _verify(desk: Desk, _options: argparse.Namespace) -> int:
    found = await desk.people.verify_audit()
    print(f"{found.entries} entries, head {found.head}")
    if found.fault is not None:
        print(f"akutoverblik: the audit trail is broken: {found.fault}", file=sys.stderr)
        return 1
    return 0


async def _export_audit(desk: Desk, options: argparse.Namespace) -> int:
    since = parse_instant(options.since) if options.since else None
    until = parse_instant(options.until) if options.until else None
    said = {"since": format_instant(since), "until": format_instant(until)}
    await desk.note("audit-export", "audit", **said)
    before: int | None = None
    while page := await desk.people.audit_entries(
        since=since, until=until, before=before, limit=1000
    ):
        for entry in page:
            print(orjson.dumps(entry.as_json()).decode())
        before = page[-1].seq
    return 0


_ACTIONS: dict[str, Callable[[Desk, argparse.Namespace], Awaitable[int]]] = {
    "account new": _new,
    "account list": _list,
    "account change": _change,
    "account disable": _disable,
    "account enable": _enable,
    "account renew": _renew,
    "account reset-code": _reset_code,
    "account erase": _erase,
    "account export": _export,
    "account sign-out": _sign_out,
    "audit verify": _verify,
    "audit export": _export_audit,
}


def fault_of(
    catalogue: Catalogue, role: Role, organisation: str | None, clusters: tuple[str, ...]
) -> str | None:
    """Why an account cannot be made so; ``None`` if it can."""
    if role not in PERSONS:
        return f"{role} is no role of a person: programs and wall screens have keys"
    if organisation is not None and organisation not in catalogue.organisations:
        return f"organisation: {organisation!r} is not in the catalogue"
    for cluster in clusters:
        if cluster not in catalogue.clusters:
            return f"cluster: {cluster!r} is not in the catalogue"
    if role in NEEDS_ORGANISATION and organisation is None:
        return f"organisation: a {role} has one"
    if role in NEEDS_CLUSTER and not clusters:
        return f"cluster: a {role} has at least one"
    return None


def _set_up_link(settings: Settings, token: str) -> str:
    base = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    return f"{base}/set-up/{token}"


def _state_of(account: Account) -> str:
    if account.erased_at is not None:
        return "erased"
    if account.disabled_at is not None:
        return "disabled"
    return "ready" if account.password_hash or account.subject else "not set up"


def _refuse(reason: str) -> int:
    print(f"akutoverblik: {reason}", file=sys.stderr)
    return 2
