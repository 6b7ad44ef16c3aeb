"""The rows of a CSV text with the line each begins on, as an editor counts lines.

A row that cannot be read costs itself only. A quotation mark that is never closed would swallow
the lines after it, so reading goes on at the very next line after a broken row.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that is no row, and why."""

    reason: str


class Lines:
    """Iterates over physical lines (ended by LF, CR LF or CR) and can be set back."""

    def __init__(self, text: str) -> None:
        self._lines = list(io.StringIO(text, newline=""))
        self.read = 0
        """How many lines have been read so far."""

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        if self.read >= len(self._lines):
            raise StopIteration
        self.read += 1
        return self._lines[self.read - 1]

    @property
    def is_cut_off(self) -> bool:
        """Whether the line read last is the file's last and has no end."""
        return self.read == len(self._lines) and not self._lines[-1].endswith(("\n", "\r"))


def rows(
    lines: Lines, separator: str, quote: str, width: int | None = None
) -> Iterator[tuple[int, list[str] | Broken]]:
    """Each row with the number of its first line; rows of blank cells are passed over.

    With a `width`, a row of another number of cells is broken.
    """
    reader = csv.reader(
        lines,
        delimiter=separator,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        strict=True,
    )
    while True:
        first = lines.read + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        if cells is None:
            reason = (
                "is no CSV: a quotation mark is out of place or not closed, or a cell is endless"
            )
        elif not any(map(str.strip, cells)):
            continue
        elif width is None or len(cells) == width:
            yield first, cells
            continue
        else:
            reason = _other_width(len(cells), width, lines)
        lines.read = first
        yield first, Broken(reason)


def _other_width(found: int, wanted: int, lines: Lines) -> str:
    cut = "; the file seems to be cut off here" if lines.is_cut_off and found < wanted else ""
    return f"has {found} cells where the header has {wanted}{cut}"
