"""Parsing: each format beside the bare reader that only takes the document apart.

What the difference buys: every field checked, instants placed in time, `free` computed, person
numbers refused, and each fault named. The time is processor time, which neighbours disturb least.
"""

import csv
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from defusedxml import ElementTree

from capacity.instants import utc_now
from capacity.model import Batch
from feeds.formats import format_named
from tests.bench.figures import CannotRunError, Figure
from tests.bench.plan import Plan, Progress
from tests.bench.processes import Stage
from tests.bench.world import moment, report

NAME = "parsing"
_FIELDS = ("unit", "type", "observed_at", "total", "staffed", "occupied", "reserved", "closed")
_BED_CODES = {
    "numTotBeds": "total",
    "numBeds": "staffed",
    "numBedsOcc": "occupied",
    "numBedsReserved": "reserved",
    "numBedsClosed": "closed",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One format's document of about the wanted size, and the bare reader of it."""

    name: str
    format: str
    raw: bytes
    reports: int
    reader: str
    bare: Callable[[bytes], object]


def run(plan: Plan, _stage: Stage, progress: Progress) -> list[Figure]:
    """Every format, parser and bare reader in turn."""
    return [_measure(case, plan, progress) for case in cases(plan.document_bytes)]


def cases(size: int) -> list[Case]:
    """A document of about `size` bytes in every format."""
    made = []
    for name, form, write, reader, bare in (
        ("json", "json", _json, "orjson.loads", orjson.loads),
        ("csv", "csv", _csv, "csv.reader", _read_csv),
        ("fhir, JSON", "fhir", _fhir_json, "orjson.loads", orjson.loads),
        ("fhir, XML", "fhir", _fhir_xml, "ElementTree", ElementTree.fromstring),
    ):
        few = len(write(_reports(100)))
        count = max(1, size * 100 // few)
        made.append(Case(name, form, write(_reports(count)), count, reader, bare))
    return made


def _measure(case: Case, plan: Plan, progress: Progress) -> Figure:
    progress.say(f"parsing: {case.name}, {len(case.raw) / 1e6:.2f} MB, {case.reports} reports")
    parse = format_named(case.format).parse
    received_at = utc_now()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(plan.runs):
        ours.append(_timed(lambda: _whole(parse, case, received_at)))
        theirs.append(_timed(lambda: case.bare(case.raw)))
    return Figure(
        f"{case.name}: CPU time to parse",
        "µs per report",
        "less",
        tuple(seconds / case.reports * 1e6 for seconds in ours),
        tuple(seconds / case.reports * 1e6 for seconds in theirs),
        case.reader,
    )


def _whole(parse: Callable[[bytes, Any, datetime], Batch], case: Case, at: datetime) -> None:
    batch = parse(case.raw, None, at)
    if batch.rejects or len(batch.reports) != case.reports:
        raise CannotRunError(f"{case.name}: the parser rejects the bench's own document")


def _timed(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _reports(count: int) -> list[dict[str, object]]:
    """Reports of which no two say the same, as real ones would not."""
    return [report(f"unit-{n:05d}", moment(n), f"melding {n}", n) for n in range(count)]


def _json(reports: Sequence[dict[str, object]]) -> bytes:
    return orjson.dumps({"reports": reports})


def _csv(reports: Sequence[dict[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*_FIELDS, "note"], delimiter=";")
    writer.writeheader()
    writer.writerows(reports)
    return text.getvalue().encode()


def _read_csv(raw: bytes) -> object:
    return list(csv.reader(io.StringIO(raw.decode()), delimiter=";"))


def _fhir_json(reports: Sequence[dict[str, object]]) -> bytes:
    entries = [{"resource": _measure_report(report)} for report in reports]
    return orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def _measure_report(report: dict[str, object]) -> dict[str, object]:
    populations = [
        {"code": {"coding": [{"code": code}]}, "count": report[field]}
        for code, field in _BED_CODES.items()
    ]
    return {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "subject": {"identifier": {"value": report["unit"]}},
        "date": report["observed_at"],
        "group": [{"code": {"coding": [{"code": "Beds"}]}, "population": populations}],
    }


def _fhir_xml(reports: Sequence[dict[str, object]]) -> bytes:
    entries = "".join(
        "<entry><resource><MeasureReport>"
        '<status value="complete"/><type value="summary"/>'
        f'<subject><identifier><value value="{report["unit"]}"/></identifier></subject>'
        f'<date value="{report["observed_at"]}"/>'
        '<group><code><coding><code value="Beds"/></coding></code>'
        + "".join(
            f'<population><code><coding><code value="{code}"/></coding></code>'
            f'<count value="{report[field]}"/></population>'
            for code, field in _BED_CODES.items()
        )
        + "</group></MeasureReport></resource></entry>"
        for report in reports
    )
    return (
        f'<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/>{entries}</Bundle>'
    ).encode()
