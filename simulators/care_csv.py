"""Two municipal care-record systems that export CSV into a folder.

**csv_semicolon** (randers-omsorg). Semicolons, Windows-1252, line ends CR LF, no quotes needed.
First a title line that is no row, then the headers

    Enhed;Pladser i alt;Bemandede;Belagte;Reserverede;Lukkede;Tidspunkt;Bemærkning

then one row for each unit, then a total row whose Enhed is ``I alt`` (to be left out). For the
team the numbers count crews. Tidspunkt is local time in Europe/Copenhagen without offset and
without seconds, ``22-11-2026 14:05``; so two exports within one minute would look equally old,
and the system exports at most once a minute. A number it does not know is ``ukendt``.
Bemærkning is empty, or says why places are closed.

**csv_comma** (syddjurs-omsorg). Commas, UTF-8 with byte order mark, line ends LF, every text in
quotation marks. Headers

    enheds-id,kapacitet,bemandet,i brug,reserveret,spærret,målt,note

then one row for each unit, nothing else. ``målt`` is ISO 8601 with seconds and offset,
``2026-11-22T14:05:09+01:00``. A number it does not know is an empty field.
"""

import csv
import io
from zoneinfo import ZoneInfo

from simulators.document import STRANGE_ID, WRONG_WORD, Document, Emission, Flaw
from simulators.figures import Figures, Look

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
SEMICOLON_TITLE = "Akutpladser og akutteam, udtræk fra omsorgsjournalen"
SEMICOLON_HEADERS = (
    "Enhed",
    "Pladser i alt",
    "Bemandede",
    "Belagte",
    "Reserverede",
    "Lukkede",
    "Tidspunkt",
    "Bemærkning",
)
COMMA_HEADERS = (
    "enheds-id",
    "kapacitet",
    "bemandet",
    "i brug",
    "reserveret",
    "spærret",
    "målt",
    "note",
)
Cells = list[str]


def semicolon(look: Look, flaw: Flaw | None = None) -> Emission:
    """The export of randers-omsorg; with `flaw`, its last row is bad."""
    at = look.at.astimezone(COPENHAGEN).strftime("%d-%m-%Y %H:%M")
    rows = _rows(look, at, unknown="ukendt", flaw=flaw)
    counts = zip(*(_counts(figures) for figures in look.units.values()), strict=True)
    total = ["I alt", *(str(sum(n or 0 for n in column)) for column in counts), at, ""]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    text.write(SEMICOLON_TITLE + "\r\n")
    writer.writerows([SEMICOLON_HEADERS, *rows, total])
    return (Document(text.getvalue().encode("cp1252"), "text/csv; charset=windows-1252", ".csv"),)


def comma(look: Look, flaw: Flaw | None = None) -> Emission:
    """The export of syddjurs-omsorg; with `flaw`, its last row is bad."""
    at = look.at.astimezone(COPENHAGEN).isoformat(timespec="seconds")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([COMMA_HEADERS, *_rows(look, at, unknown="", flaw=flaw)])
    return (Document(text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8", ".csv"),)


def _rows(look: Look, at: str, *, unknown: str, flaw: Flaw | None) -> list[Cells]:
    rows = [
        [own, *(unknown if n is None else str(n) for n in _counts(figures)), at, _note(figures)]
        for own, figures in look.units.items()
    ]
    if flaw is Flaw.WORD:
        rows[-1][3] = WRONG_WORD
    elif flaw is Flaw.NEGATIVE:
        rows[-1][1] = "-1"
    elif flaw is Flaw.STRANGER:
        rows[-1][0] = STRANGE_ID
    return rows


def _counts(figures: Figures) -> tuple[int | None, ...]:
    return (figures.total, figures.staffed, figures.occupied, figures.reserved, figures.closed)


def _note(figures: Figures) -> str:
    if figures.closure is not None:
        return f"Lukket: {figures.closure.reason}"
    return ""
