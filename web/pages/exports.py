"""Links to a table in every form it can be carried away in."""

from collections.abc import Callable, Sequence

from web.tables import FORMS, Form
from web.words import Words

Links = Sequence[tuple[str, str]]
"""Addresses and what they are called."""


def export_links(address: Callable[[Form], str], words: Words) -> Links:
    """A link for each form; `address` tells where it is had."""
    return [(address(form), words.text(f"tables_{form}")) for form in FORMS]
