"""Small Excel workbooks written by hand: what a test wants to see stands in the XML it makes."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from xml.sax.saxutils import escape, quoteattr

Cell = str | int | float | bool | date | datetime | time | timedelta | None
Rows = Sequence[Sequence[Cell]]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_STYLES = (
    # 0 plain, 1 date and time, 2 date, 3 time of day, 4 per cent, 5 a span of hours
    f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" '
    'formatCode="[h]:mm:ss"/></numFmts><cellXfs>'
    + "".join(f'<xf numFmtId="{number}"/>' for number in (0, 22, 14, 21, 9, 164))
    + "</cellXfs></styleSheet>"
)
_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - a wall clock


def column(index: int) -> str:
    """The letters of a column that counts from 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def workbook(
    sheets: Mapping[str, Rows],
    *,
    merged: Mapping[str, Sequence[str]] | None = None,
    hidden: Sequence[str] = (),
    date1904: bool = False,
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """The bytes of an xlsx file; `more` adds or replaces parts of the package."""
    parts = {
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _book(list(sheets), hidden, date1904),
        "xl/styles.xml": _STYLES,
        "xl/_rels/workbook.xml.rels": _relations(
            [*(("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)),
             ("styles", "styles.xml")]
        ),
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
    }  # fmt: skip
    for number, (name, rows) in enumerate(sheets.items(), start=1):
        parts[f"xl/worksheets/sheet{number}.xml"] = sheet_xml(rows, (merged or {}).get(name, ()))
    return package({name: text.encode() for name, text in parts.items()} | dict(more or {}))


def package(parts: Mapping[str, bytes]) -> bytes:
    """A zip file of these parts."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return raw.getvalue()


def sheet_xml(rows: Rows, merged: Sequence[str] = ()) -> str:
    """A worksheet with inline texts."""
    written = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(
            _cell(f"{column(at)}{number}", cell) for at, cell in enumerate(row) if cell is not None
        )
        written.append(f'<row r="{number}">{cells}</row>')
    merges = "".join(f'<mergeCell ref="{ref}"/>' for ref in merged)
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(written)}</sheetData>'
        + (f"<mergeCells>{merges}</mergeCells>" if merges else "")
        + "</worksheet>"
    )


def serial(moment: datetime) -> float:
    """Days since the beginning of 1900 as Excel counts them."""
    return (moment - _ZERO) / timedelta(days=1)


def _cell(ref: str, cell: Cell) -> str:
    if isinstance(cell, str):
        return f'<c r="{ref}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    if isinstance(cell, bool):
        return f'<c r="{ref}" t="b"><v>{int(cell)}</v></c>'
    style, number = _number(cell)
    return f'<c r="{ref}" s="{style}"><v>{number!r}</v></c>'


def _number(cell: Cell) -> tuple[int, float]:
    if isinstance(cell, datetime):
        return 1, serial(cell)
    if isinstance(cell, date):
        return 2, (cell - _ZERO.date()).days
    if isinstance(cell, time):
        return 3, (cell.hour * 3600 + cell.minute * 60 + cell.second) / 86400
    if isinstance(cell, timedelta):
        return 5, cell / timedelta(days=1)
    assert isinstance(cell, int | float)
    return 0, cell


def _book(names: Sequence[str], hidden: Sequence[str], date1904: bool) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"'
        + (' state="hidden"' if name in hidden else "")
        + "/>"
        for n, name in enumerate(names, start=1)
    )
    properties = '<workbookPr date1904="1"/>' if date1904 else "<workbookPr/>"
    return (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOC}">{properties}'
        f"<sheets>{sheets}</sheets></workbook>"
    )


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    found = "".join(
        f'<Relationship Id="rId{n}" Type="{_DOC}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{found}</Relationships>'
