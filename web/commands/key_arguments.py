"""The words after ``akutoverblik key``."""

import argparse

from web.key_kinds import KeyKind

DEFAULT_OVERLAP = "7 d"


def add_key_arguments(parser: argparse.ArgumentParser) -> None:
    """The words after ``akutoverblik key``."""
    actions = parser.add_subparsers(dest="action", required=True)
    new = actions.add_parser("new", help="make a key; it is shown once")
    new.add_argument("kind", choices=[kind.value for kind in KeyKind])
    new.add_argument("of", help="the source or cluster that it opens ('all' for the others)")
    new.add_argument("--label", default="", help="what or where it is for")
    new.add_argument("--for", dest="lifetime", help="how long it is good, such as '90 d'")
    actions.add_parser("list", help="every key, without its secret")
    rotate = actions.add_parser("rotate", help="a new key for the same; the old one fades")
    rotate.add_argument("id")
    rotate.add_argument("--overlap", default=DEFAULT_OVERLAP, help="how long the old one lasts")
    actions.add_parser("revoke", help="end a key at once").add_argument("id")
