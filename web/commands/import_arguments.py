"""The words after ``akutoverblik history`` and ``akutoverblik import-indicators``."""

import argparse
from pathlib import Path


def add_import_arguments(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The words after ``akutoverblik history`` and ``akutoverblik import-indicators``."""
    history = commands.add_parser("history", help="bring in the time before the board")
    actions = history.add_subparsers(dest="action", required=True)
    reports = actions.add_parser(
        "import", help="reports of a large NDJSON file; may be stopped and given again"
    )
    reports.add_argument("file", type=Path, metavar="FILE")
    reports.add_argument("--mapping", type=Path, help="TOML file: time zone, units, types")
    reports.add_argument(
        "--source", default="history-import", help="what the figures' source is called"
    )
    indicators = commands.add_parser(
        "import-indicators", help="figures of a register; may be stopped and given again"
    )
    indicators.add_argument(
        "files", type=Path, nargs="+", metavar="FILE",
        help="CSV or XLSX; of several the earlier first, since what a later one says counts",
    )  # fmt: skip
    indicators.add_argument("--mapping", type=Path, help="TOML file that says what columns mean")
    indicators.add_argument("--cluster", help="whose figures they are, where there are several")
    return history, indicators
