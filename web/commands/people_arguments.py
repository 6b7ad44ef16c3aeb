"""The words after ``akutoverblik account`` and ``akutoverblik audit``."""

import argparse

from web.roles import PERSONS


def add_people_arguments(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The words after ``akutoverblik account`` and ``akutoverblik audit``."""
    account = commands.add_parser("account", help="accounts of people")
    actions = account.add_subparsers(dest="action", required=True)
    new = actions.add_parser("new", help="make an account; prints its set-up link")
    new.add_argument("login")
    new.add_argument("role", choices=sorted(role.value for role in PERSONS))
    change = actions.add_parser("change", help="change what an account may do; ends its sessions")
    change.add_argument("id")
    change.add_argument("--role", choices=sorted(role.value for role in PERSONS))
    for each in (new, change):
        each.add_argument("--organisation", help="hospital or municipality, by its catalogue id")
        each.add_argument("--cluster", action="append", default=[], help="may be given again")
    actions.add_parser("list", help="every account")
    for name, told in (
        ("disable", "let nobody sign in with it; ends its sessions"),
        ("enable", "let its owner sign in again"),
        ("renew", "a new set-up link, for a forgotten password"),
        ("reset-code", "forget the second factor, for a lost phone"),
        ("erase", "forget who it was; the trail keeps the pseudonym"),
        ("export", "all that is held about it, as JSON"),
        ("sign-out", "end its sessions"),
    ):
        actions.add_parser(name, help=told).add_argument("id")
    audit = commands.add_parser("audit", help="the audit trail")
    kinds = audit.add_subparsers(dest="action", required=True)
    kinds.add_parser("verify", help="find removed or edited entries; exit code 1 if there are")
    exported = kinds.add_parser("export", help="entries as lines of JSON, the latest first")
    exported.add_argument("--since", help="an instant, such as 2026-11-01T00:00:00Z")
    exported.add_argument("--until")
    return account, audit
