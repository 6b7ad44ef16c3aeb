"""Plain tables of figures, as pages and paper show them."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

UNKNOWN = "\u2013"
"""What stands where nothing is known; never 0."""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line: what it is of, its cells, and a note under its name; `is_sum` is set apart."""

    name: str
    cells: Sequence[str | Markup]
    note: str = ""
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table with its caption; `first` heads the names. `id` is unique on the page.

    `columns` are those of figures. `notes` stand under it.
    """

    id: str
    caption: str
    first: str
    columns: Sequence[str]
    lines: Sequence[ShownLine]
    notes: Sequence[str] = ()
