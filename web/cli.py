"""The console script: ``akutoverblik serve | demo | read | key``."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from capacity.settings import Settings
from web.commands.demo import demo
from web.commands.keys import new_key
from web.commands.read import read_files
from web.commands.serve import run_web, serve
from web.keys import KeyKind


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (2 for a wrong call, as argparse does)."""
    options = _parser().parse_args(arguments)
    _log_to_stderr()
    if options.command == "read":
        return read_files(options.format, options.files, options.mapping)
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors():
            name = "_".join(map(str, fault["loc"])).upper()
            print(f"akutoverblik: AKUTOVERBLIK_{name}: {fault['msg']}", file=sys.stderr)
        return 2
    if options.command == "demo":
        data = Path(".demo") if "data" not in settings.model_fields_set else settings.data
        return demo(settings.model_copy(update={"data": data}))
    if options.command == "key":
        return new_key(settings, KeyKind(options.kind), options.of)
    if options.as_demo:
        return run_web(settings, demo=True)
    return serve(settings, accept_empty=options.accept_empty)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="akutoverblik", description="One live overview of acute capacity."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("serve", help="run the service")
    run.add_argument(
        "--accept-empty", action="store_true", help="start although the store has lost its data"
    )
    run.add_argument("--as-demo", action="store_true", help=argparse.SUPPRESS)
    commands.add_parser("demo", help="run everything on this machine, with simulators")
    read = commands.add_parser("read", help="parse documents and print what they say")
    read.add_argument("format", help="short name of a format, such as json, csv or fhir")
    read.add_argument("files", nargs="+", type=Path, metavar="FILE")
    read.add_argument("--mapping", type=Path, help="TOML file that says how to read the format")
    key = commands.add_parser("key", help="make a key")
    key.add_argument("action", choices=["new"])
    key.add_argument("kind", choices=[kind.value for kind in KeyKind])
    key.add_argument("of", help="the source or cluster that it opens ('all' for metrics)")
    return parser


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
