"""Parsing the formats that have no large document: their small recordings, again and again.

Beside each stands the bare reader that its parser begins with, on the same bytes. The documents
are those of the conformance test, a few kilobytes each, so fixed costs weigh more than they would
in a large one.
"""

import io
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from defusedxml import ElementTree
from python_calamine import CalamineWorkbook

from capacity.model import UnreadableError
from feeds.formats import format_named
from tests.bench.figures import CannotRunError, Figure
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Stage

NAME = "parsing-recorded"
REPEATS = 50
RECEIVED = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
"""Just after the recordings were, so that none of them lies in the future."""
_RECORDINGS = Path(__file__).resolve().parents[1] / "support" / "recordings"


def _lines(raw: bytes) -> object:
    return [orjson.loads(line) for line in raw.splitlines() if line.strip()]


def _fields(raw: bytes) -> object:
    return [segment.split("|") for segment in raw.decode().replace("\n", "\r").split("\r")]


def _sheets(raw: bytes) -> object:
    book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


CASES: tuple[tuple[str, str, str, Callable[[bytes], object]], ...] = (
    ("ndjson", "state.ndjson", "orjson.loads a line", _lines),
    ("xlsx", "export.xlsx", "python-calamine", _sheets),
    ("hl7v2", "batch.hl7", "str.split", _fields),
    ("medcom", "two.json", "orjson.loads", orjson.loads),
    ("have", "status.xml", "ElementTree", ElementTree.fromstring),
    ("ical", "shifts.ics", "splitlines", bytes.splitlines),
)


def run(plan: Plan, _stage: Stage, progress: Progress) -> list[Figure]:
    """Every recorded format, parser and bare reader in turn."""
    return [_measure(*case, plan=plan, progress=progress) for case in CASES]


def _measure(
    name: str,
    file: str,
    reader: str,
    bare: Callable[[bytes], object],
    *,
    plan: Plan,
    progress: Progress,
) -> Figure:
    raw = (_RECORDINGS / name / file).read_bytes()
    progress.say(f"parsing: {name}, {len(raw)} bytes, {REPEATS} times")
    parse, mapping = _prepared(name)
    try:
        batch = parse(raw, mapping, RECEIVED)
    except UnreadableError as error:
        raise CannotRunError(f"{name}: the recording cannot be read: {error}") from error
    if not (batch.reports or batch.movements or batch.beds):
        raise CannotRunError(f"{name}: the recording gives nothing")
    ours = tuple(_timed(lambda: parse(raw, mapping, RECEIVED)) for _ in range(plan.runs))
    theirs = tuple(_timed(lambda: bare(raw)) for _ in range(plan.runs))
    return Figure(
        f"{name}: CPU time to parse its recording", "µs per document", "less", ours, theirs, reader
    )


def _prepared(name: str) -> tuple[Callable[..., Any], Any]:
    source = tomllib.loads((_RECORDINGS / name / "source.toml").read_text(encoding="utf-8"))
    block = source["source"][0]
    chosen = format_named(name)
    units = block["units"]
    pairs = units if isinstance(units, dict) else {unit: unit for unit in units}
    values = {**block.get("mapping", {}), "units": pairs}
    if "timezone" in block:
        values["timezone"] = block["timezone"]
    return chosen.parse, chosen.read_mapping(values)


def _timed(work: Callable[[], object]) -> float:
    """Microseconds of processor time for one call, over `REPEATS` calls."""
    begin = time.process_time()
    for _ in range(REPEATS):
        work()
    return (time.process_time() - begin) / REPEATS * 1e6
