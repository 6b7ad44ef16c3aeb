"""``akutoverblik account`` and ``akutoverblik audit``: who may sign in, and what was done.

They work on the database directly, so that the first account can be made before the service runs.
What takes rights away also ends sessions, for which the store must be running.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

import orjson

from capacity.board import BoardUnavailableError
from capacity.config_file import ConfigError
from capacity.history import HistoryError
from capacity.instants import BadInstantError, format_instant, parse_instant
from capacity.people import PeopleError
from capacity.settings import Settings
from web.auth.accounts import AccountDesk, Rights, state_of
from web.commands.feed_station import CannotError
from web.commands.people_desk import Desk, open_desk
from web.roles import Role


def people(settings: Settings, options: argparse.Namespace) -> int:
    """Run one sub-command; returns the exit code."""
    try:
        return asyncio.run(_run(settings, options))
    except (CannotError, ConfigError, PeopleError, BadInstantError, HistoryError) as error:
        return _refuse(str(error))
    except BoardUnavailableError as error:
        return _refuse(f"the store is away: {error}")


async def _run(settings: Settings, options: argparse.Namespace) -> int:
    async with open_desk(settings) as desk:
        return await _ACTIONS[f"{options.command} {options.action}"](desk, options)


async def _new(desk: Desk, options: argparse.Namespace) -> int:
    rights = Rights(Role(options.role), options.organisation, tuple(options.cluster))
    async with desk.accounts(ends=False) as accounts:
        account, token = await accounts.new(options.login, rights)
    print(f"{account.id}\n{set_up_link(desk.settings, token)}")
    print("The link is good once, for three days. It is not shown again.", file=sys.stderr)
    return 0


async def _list(desk: Desk, _options: argparse.Namespace) -> int:
    for account in await desk.people.accounts():
        clusters = " ".join(account.clusters)
        words = [account.id, account.login or "-", account.role, account.organisation or clusters]
        state = state_of(account)
        print("\t".join([*words, "not set up" if state == "new" else state]))
    return 0


async def _change(desk: Desk, options: argparse.Namespace) -> int:
    before = await desk.people.account(options.id)
    rights = Rights(
        Role(options.role or before.role),
        options.organisation or before.organisation,
        tuple(options.cluster) or before.clusters,
    )
    async with desk.accounts() as accounts:
        await accounts.change(options.id, rights)
    return 0


def _that_ends_sessions(
    act: Callable[[AccountDesk, str], Awaitable[None]],
) -> Callable[[Desk, argparse.Namespace], Awaitable[int]]:
    async def run(desk: Desk, options: argparse.Namespace) -> int:
        async with desk.accounts() as accounts:
            await act(accounts, options.id)
        return 0

    return run


async def _renew(desk: Desk, options: argparse.Namespace) -> int:
    async with desk.accounts(ends=False) as accounts:
        print(set_up_link(desk.settings, await accounts.renew(options.id)))
    return 0


async def _export(desk: Desk, options: argparse.Namespace) -> int:
    async with desk.accounts(ends=False) as accounts:
        said = await accounts.export(options.id)
    print(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
    return 0


async def _sign_out(desk: Desk, options: argparse.Namespace) -> int:
    async with desk.accounts() as accounts:
        print(f"{await accounts.sign_out(options.id)} sessions ended")
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
    "account disable": _that_ends_sessions(AccountDesk.disable),
    "account enable": _that_ends_sessions(AccountDesk.enable),
    "account renew": _renew,
    "account reset-code": _that_ends_sessions(AccountDesk.reset_code),
    "account erase": _that_ends_sessions(AccountDesk.erase),
    "account export": _export,
    "account sign-out": _sign_out,
    "audit verify": _verify,
    "audit export": _export_audit,
}


def set_up_link(settings: Settings, token: str) -> str:
    """The address at which the owner of an account chooses a password."""
    base = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    return f"{base}/set-up/{token}"


def _refuse(reason: str) -> int:
    print(f"akutoverblik: {reason}", file=sys.stderr)
    return 2
