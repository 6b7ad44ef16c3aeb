"""Tables to be carried away: every form tells the same, with its definition, and runs nothing."""

import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.tables import (
    READERS,
    alike,
    csv_rows,
    defined,
    parquet_definition,
    parquet_rows,
    xlsx_rows,
)
from web.tables import (
    FORMS,
    Cell,
    Column,
    Definition,
    Form,
    Holds,
    Makers,
    Row,
    Table,
    TableAnswer,
    TooLongError,
    in_parts,
    making,
)
from web.words import Words

TABLE = Table(
    "outcomes",
    (
        Column("at", Holds.INSTANT),
        Column("at_local", Holds.CLOCK),
        Column("period", Holds.DAY),
        Column("comments"),
        Column("total", Holds.WHOLE),
        Column("value", Holds.NUMBER),
    ),
)
ABOUT = (("Klynge", "Randers"), ("Periode", "1. til 2. maj"))
DANISH = Definition(TABLE, Words("da"), ABOUT)
AT = datetime(2026, 10, 25, 0, 30, 15, 250_000, tzinfo=UTC)
FULL: Row = (AT, datetime(2026, 10, 25, 2, 30, 15), date(2026, 10, 25), "Æblegård", 3, -2.5)  # noqa: DTZ001
EMPTY: Row = (None,) * 6
DANGEROUS = (
    "=1+1", "+45 12 34 56 78", "-1", "@SUM(A1)", "\tx", "  =HYPERLINK(\"http://x\")", "{=A1}",
    "http://example.org", "1e5", "0730",
)  # fmt: skip


async def made(form: Form, rows: Sequence[Row], definition: Definition = DANISH) -> bytes:
    with await Makers().make(definition, form, in_parts(rows)) as file:
        return file.read()


async def test_each_form_tells_the_same_and_unknown_is_not_zero() -> None:
    rows = [FULL, EMPTY, (AT, None, None, "", 0, 0.0)]
    files = {form: await made(form, rows) for form in FORMS}
    assert alike(TABLE, files) == 3
    text, sheet, columns = (READERS[form](files[form]) for form in FORMS)
    assert text[1] == [
        "2026-10-25T00:30:15.250Z", "2026-10-25 02:30:15", "2026-10-25", "Æblegård", "3", "-2.5",
    ]  # fmt: skip
    assert columns[1] == list(FULL)
    assert sheet[1][0] == AT.replace(tzinfo=None)
    assert (text[2], sheet[2], columns[2]) == ([""] * 6, [""] * 6, [None] * 6)
    assert text[3][4:] == ["0", "0.0"]
    assert sheet[3][4:] == [0, 0]
    assert columns[3][3:] == ["", 0, 0.0]


_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
_INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
_CELLS: Sequence[st.SearchStrategy[Cell]] = (
    _INSTANTS.map(lambda at: at.replace(tzinfo=UTC)),
    _INSTANTS.map(lambda at: at.replace(microsecond=0)),
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    _TEXTS.filter(bool),
    st.integers(-(2**53), 2**53),
    st.floats(-1e9, 1e9).map(lambda number: round(number, 3)),
)  # fmt: skip
_ROWS = st.lists(st.tuples(*(st.none() | each for each in _CELLS)), max_size=12)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_ROWS)
async def test_whatever_the_cells_are_every_form_tells_them(rows: list[Row]) -> None:
    assert alike(TABLE, {form: await made(form, rows) for form in FORMS}) == len(rows)


async def test_no_text_becomes_a_formula_a_number_or_a_link() -> None:
    rows: list[Row] = [(AT, None, None, text, None, None) for text in DANGEROUS]
    raw = await made("xlsx", rows)
    assert [row[3] for row in xlsx_rows(raw)[1:]] == list(DANGEROUS)
    parts = zipfile.ZipFile(io.BytesIO(raw))
    sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    for row in csv_rows(await made("csv", rows))[1:]:
        assert not row[3].lstrip(" ").startswith(("=", "+", "-", "@", "\t")), row[3]


async def test_the_definition_goes_along() -> None:
    sheet = xlsx_rows(await made("xlsx", [FULL]), 1)
    assert ["Klynge", "", "Randers"] in sheet
    assert ["at", "tidspunkt, UTC", "Hvornår, i UTC"] in sheet
    assert sum(row[0] in TABLE.names for row in sheet) == len(TABLE.columns)
    raw = await made("parquet", [FULL], Definition(TABLE, Words("en"), ABOUT))
    told, columns = parquet_definition(raw)
    assert (told["title"], told["language"]) == ("Outcomes of calls", "en")
    assert columns["total"] == "Places in all"
    assert ["Klynge", "Randers"] in defined(raw)["lines"]
    assert [each["name"] for each in defined(raw)["columns"]] == list(TABLE.names)


async def test_a_text_longer_than_a_cell_is_cut_in_a_workbook_only() -> None:
    rows: list[Row] = [(None, None, None, "x" * 40_000, None, None)]
    assert len(xlsx_rows(await made("xlsx", rows))[1][3]) == 32_767
    assert len(parquet_rows(await made("parquet", rows))[1][3]) == 40_000


async def test_an_empty_table_has_its_columns() -> None:
    for form, read in READERS.items():
        assert read(await made(form, [])) == [list(TABLE.names)]


async def long(parts: int) -> AsyncIterator[list[Row]]:
    for number in range(parts):
        at = AT + timedelta(minutes=number)
        yield [(at, None, None, f"unit {n % 100}", n, n / 7) for n in range(5_000)]


@pytest.mark.parametrize("form", FORMS)
async def test_a_long_table_is_whole_and_leaves_nothing_behind(
    form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with await Makers().make(DANISH, form, long(6)) as file:
        raw = file.read()
    rows = READERS[form](raw)[1:]
    assert len(rows) == 30_000
    assert [int(row[4]) for row in rows] == [*range(5_000)] * 6
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMS)
async def test_one_that_is_too_long_is_refused_and_leaves_nothing_behind(
    form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(making, "MOST_ROWS", 9_999)
    with pytest.raises(TooLongError):
        await Makers().make(DANISH, form, long(2))
    assert list(tmp_path.iterdir()) == []


async def test_the_answer_closes_its_file_though_nobody_takes_it() -> None:
    file = await Makers().make(DANISH, "csv", in_parts([FULL]))
    answer = TableAnswer(file, "csv", "table")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="table.csv"'

    async def gone(message: object) -> None:
        raise OSError("gone")

    async def wait() -> dict[str, str]:
        return {"type": "http.disconnect"}

    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the server makes of it
        await answer({"type": "http", "asgi": {"spec_version": "2.4"}}, wait, gone)
    assert file.closed
