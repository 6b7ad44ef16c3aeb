"""What a table is that can be carried away: its columns, and the words that define it.

A table describes itself once; CSV, XLSX and Parquet are made from that. The names of columns are
for programs and stay; what they mean is in `web.words`, in the reader's language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from web.words import Words

Cell = str | int | float | datetime | date | None
"""``None`` is unknown, or nothing there: an empty cell, a null; never 0."""
Row = Sequence[Cell]


class Holds(StrEnum):
    """What the cells of a column are."""

    TEXT = "text"
    WHOLE = "whole"
    """A whole number (`int`)."""
    NUMBER = "number"
    """A number (`float`, or an `int` that happens to be whole)."""
    INSTANT = "instant"
    """A moment (`datetime` with a zone), kept to the millisecond in UTC."""
    CLOCK = "clock"
    """What clocks in Denmark showed (`datetime` without a zone), kept to the second."""
    DAY = "day"
    """A day of the calendar (`date`)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `words` is the key of what it means, by default that of its name."""

    name: str
    holds: Holds = Holds.TEXT
    words: str = ""

    def meaning(self, words: Words) -> str:
        """What stands in it, with its unit."""
        return words.text(self.words or f"column_{self.name}")


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of table: `id` names its words (`table_ID`, `table_ID_told`)."""

    id: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The header row."""
        return tuple(each.name for each in self.columns)


@dataclass(frozen=True, slots=True)
class Definition:
    """What goes with one table that was made: what it is of, and what stands in it.

    `about` are names and values: the cluster, the period, when it was made, and what else a
    reader needs who has nothing but the file.
    """

    table: Table
    words: Words
    about: Sequence[tuple[str, str]] = ()

    @property
    def title(self) -> str:
        """What the table is called."""
        return self.words.text(f"table_{self.table.id}")

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Everything but the columns: name and value."""
        told = self.words.text(f"table_{self.table.id}_told")
        return [
            (self.words.text("table_is"), self.title),
            (self.words.text("table_row_is"), told),
            *self.about,
            (self.words.text("table_empty"), self.words.text("table_empty_told")),
        ]

    @property
    def columns(self) -> list[tuple[str, str, str]]:
        """Of each column its name, what kind of value it holds, and what that means."""
        return [
            (each.name, self.words.text(f"table_{each.holds}"), each.meaning(self.words))
            for each in self.table.columns
        ]
