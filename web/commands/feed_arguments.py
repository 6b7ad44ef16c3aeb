"""The words of ``akutoverblik feed``, apart from what does the work, which takes long to load."""

import argparse
from pathlib import Path


def add_feed_arguments(feed: argparse.ArgumentParser) -> None:
    """The sub-commands and their words."""
    actions = feed.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="how every source is doing")
    test = actions.add_parser("test", help="run one source once and write nothing")
    test.add_argument("source")
    test.add_argument("file", nargs="?", type=Path, help="read this file in place of asking")
    listing = actions.add_parser("quarantine", help="list what could not be used")
    listing.add_argument("source", nargs="?")
    listing.add_argument("--closed", action="store_true", help="what was dismissed or replayed")
    show = actions.add_parser("show", help="print one entry")
    show.add_argument("id")
    show.add_argument("--raw", action="store_true", help="print the raw document instead")
    again = actions.add_parser("replay", help="take quarantined documents in again")
    again.add_argument("ids", nargs="*", metavar="ID")
    again.add_argument("--source", help="all open entries of this source")
    dismiss = actions.add_parser("dismiss", help="close entries that somebody has seen")
    dismiss.add_argument("ids", nargs="+", metavar="ID")
    for action in (again, dismiss):
        action.add_argument("--by", default=None, help="role of who does it (default: the login)")
