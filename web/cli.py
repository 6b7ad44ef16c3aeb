"""The console script: ``akutoverblik serve | demo | read | key | account | audit | feed``."""

import argparse
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from web.commands.feed_arguments import add_feed_arguments
from web.commands.import_arguments import add_import_arguments
from web.commands.key_arguments import add_key_arguments
from web.commands.people_arguments import add_people_arguments


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (2 for a wrong call, as argparse does)."""
    options = _parser().parse_args(arguments)
    _log_to_stderr()
    code: int = options.run(options)
    return code


# Each command imports what it needs when it runs: reading a file must not wait for a web server
# to be imported.


def _read(options: argparse.Namespace) -> int:
    from web.commands.read import read_files

    return read_files(options.format, options.files, options.mapping)


def _serve(options: argparse.Namespace) -> int:
    from web.commands.kept import kept_for_good

    with kept_for_good():
        from web.commands.serve import run_web, serve
        from web.commands.settings import settings_or_exit

    settings = settings_or_exit()
    if options.as_demo:
        return run_web(settings, demo=True)
    if options.listen_on is not None:
        return run_web(settings, listener=socket.socket(fileno=options.listen_on))
    return serve(settings, accept_empty=options.accept_empty, workers=options.workers)


def _demo(options: argparse.Namespace) -> int:
    from web.commands.demo import demo
    from web.commands.settings import settings_or_exit

    settings = settings_or_exit()
    if "data" not in settings.model_fields_set:
        settings = settings.model_copy(update={"data": Path(".demo")})
    return demo(settings, accept_empty=options.accept_empty)


def _key(options: argparse.Namespace) -> int:
    from web.commands.keys import key
    from web.commands.settings import settings_or_exit

    return key(settings_or_exit(), options)


def _push_key(options: argparse.Namespace) -> int:
    from web.commands.push_key import push_key_command
    from web.commands.settings import settings_or_exit

    return push_key_command(settings_or_exit(), options.action)


def _people(options: argparse.Namespace) -> int:
    from web.commands.people import people
    from web.commands.settings import settings_or_exit

    return people(settings_or_exit(), options)


def _backup(options: argparse.Namespace) -> int:
    from web.commands.backup import backup
    from web.commands.settings import settings_or_exit

    return backup(settings_or_exit(), options)


def _restore(options: argparse.Namespace) -> int:
    from web.commands.backup import restore
    from web.commands.settings import settings_or_exit

    return restore(settings_or_exit(), options)


def _feed(options: argparse.Namespace) -> int:
    from web.commands.feed import feed
    from web.commands.settings import settings_or_exit

    return feed(settings_or_exit(), options)


def _history(options: argparse.Namespace) -> int:
    from web.commands.history_import import history_import
    from web.commands.settings import settings_or_exit

    return history_import(settings_or_exit(), options)


def _import_indicators(options: argparse.Namespace) -> int:
    from web.commands.import_indicators import import_indicators
    from web.commands.settings import settings_or_exit

    return import_indicators(settings_or_exit(), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="akutoverblik", description="One live overview of acute capacity."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("serve", help="run the service")
    _add_accept_empty(run)
    run.add_argument(
        "--workers",
        type=int,
        choices=range(1, 65),
        default=1,
        metavar="N",
        help="web processes on this port, on Linux (docs/operations.md, 'Several')",
    )
    run.add_argument("--as-demo", action="store_true", help=argparse.SUPPRESS)
    run.add_argument("--listen-on", type=int, help=argparse.SUPPRESS)
    run.set_defaults(run=_serve)
    demo = commands.add_parser("demo", help="run everything on this machine, with simulators")
    _add_accept_empty(demo)
    demo.set_defaults(run=_demo)
    read = commands.add_parser("read", help="parse documents and print what they say")
    read.add_argument("format", help="short name of a format, such as json, csv or fhir")
    read.add_argument("files", nargs="+", type=Path, metavar="FILE")
    read.add_argument("--mapping", type=Path, help="TOML file that says how to read the format")
    read.set_defaults(run=_read)
    key = commands.add_parser("key", help="keys of programs and wall screens")
    add_key_arguments(key)
    key.set_defaults(run=_key)
    push_key = commands.add_parser("push-key", help="the key that signs pushes to phones")
    push_key.add_argument(
        "action",
        choices=["new", "show"],
        help="print a fresh private key; or the public one in use",
    )
    push_key.set_defaults(run=_push_key)
    for command in add_people_arguments(commands):
        command.set_defaults(run=_people)
    for name, work, told in (
        ("backup", _backup, "database and store into a new folder, while the service runs"),
        ("restore", _restore, "a backup into an empty database and an empty store"),
    ):
        copying = commands.add_parser(name, help=told)
        copying.add_argument("folder", type=Path)
        copying.set_defaults(run=work)
    history, indicators = add_import_arguments(commands)
    history.set_defaults(run=_history)
    indicators.set_defaults(run=_import_indicators)
    feed = commands.add_parser("feed", help="health of the feeds, trying one out, quarantine")
    add_feed_arguments(feed)
    feed.set_defaults(run=_feed)
    return parser


def _add_accept_empty(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--accept-empty",
        action="store_true",
        help="start although the store has lost its data; it is filled from history",
    )


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for chatty in ("httpx", "httpcore", "alembic", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # The scheduler warns whenever a scan is still at work when the next is due, which is meant.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
