"""The fuzzer's regression: a short run of each format, its crashers, and documents made to hurt."""

import io
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest

from capacity.model import UnreadableError
from feeds.formats import format_named, format_names
from feeds.limits import BadLimitError, Limits, limits_from
from tests.fuzz.__main__ import main
from tests.fuzz.loop import Figures, Fuzzer, HungError, Input, allowed, bounded, measured, reader
from tests.fuzz.seeds import RECORDINGS, mappings, seeds
from tests.support.formats import NOW, reads_or_refuses
from tests.support.workbooks import package, workbook

OWN = sorted(path.name for path in RECORDINGS.iterdir())
SECONDS = 10.0
"""Of the processor, for documents of many megabytes; noted: at most a few."""
JSON_OF = {"json": b'[{"unit": "a"%s}]', "fhir": b'{"resourceType": "Bundle"%s}'}
JSON_OF["medcom"] = JSON_OF["fhir"]


def refusal(name: str, raw: bytes) -> str:
    """Why a document is refused, within bounds of time."""
    with bounded(SECONDS), pytest.raises(UnreadableError) as caught:
        format_named(name).parse(raw, None, NOW)
    return str(caught.value)


# The loop


def test_every_format_has_a_recording_to_begin_with() -> None:
    assert set(OWN) <= set(format_names())
    assert len(OWN) >= 9


@pytest.mark.parametrize("name", OWN)
def test_a_short_run_finds_nothing(name: str) -> None:
    fuzzer = Fuzzer(name, seed=1)
    begun = set(fuzzer.figures.steps)
    figures = fuzzer.run(1, at_least=25)
    assert figures.crashers == {}
    # It is guided by what is reached: more than the documents it began with reach by themselves.
    assert figures.steps > begun


class _TrapError(Exception):
    """What a broken parser raises."""


def test_crashers_hangs_and_greed_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    fuzzer = Fuzzer("json")

    def note(parse: object) -> Figures:
        monkeypatch.setattr(fuzzer, "_parse", parse)
        fuzzer.figures.crashers.clear()
        fuzzer._measure(Input(b"x", 0))
        return fuzzer.figures

    def broken(_given: Input) -> None:
        raise _TrapError

    def greedy(_given: Input) -> None:
        bytearray(allowed("json", b"x") + 1)

    def endless(_given: Input) -> None:
        while True:
            pass

    assert [name.split()[0] for name in note(broken).crashers] == ["_TrapError"]
    assert [name.split()[0] for name in note(greedy).crashers] == ["MemoryError"]
    monkeypatch.setattr("tests.fuzz.loop.CPU_SECONDS", 0.05)
    assert [name.split()[0] for name in note(endless).crashers] == ["HungError"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "0.2", "--unreached", "--crashers", str(tmp_path), "json"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("json: ")
    assert "reading: [" in out
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit):
        main(["nonesuch"])


# Crashers found: (format, document); each once ended in a traceback


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        # A resource type that is no text was looked up in a set.
        ("fhir", b'{"resourceType": {}}'),
        ("fhir", b'{"resourceType": []}'),
        # The name of a time zone was looked up as a package inside a package inside a package …
        (
            "ical",
            b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:T\nDTSTART;TZID=A"
            + b"/A" * 2000
            + b":20261122T110000\nEND:VEVENT\nEND:VCALENDAR\n",
        ),
    ],
)
def test_crashers_stay_found(name: str, raw: bytes) -> None:
    for mapping in mappings(name):
        reads_or_refuses(reader(format_named(name), mapping), raw)


# Documents made to hurt, by format


@pytest.mark.parametrize("name", OWN)
def test_nul_bytes_and_nothing_else(name: str) -> None:
    assert refusal(name, b"\0" * 1_000_000)


@pytest.mark.parametrize("name", sorted(set(OWN) - {"xlsx"}))
def test_a_nul_byte_inside(name: str) -> None:
    raw = seeds(name)[0]
    assert "NUL" in refusal(name, raw[:20] + b"\0" + raw[20:])


@pytest.mark.parametrize("name", sorted(JSON_OF))
def test_json_nested_too_deep(name: str) -> None:
    assert "nested more than 1024 deep" in refusal(name, b"[" * 1_000_000)
    # As deep as the reader allows, our own code must cope with.
    deep = JSON_OF[name] % (b', "entry": ' + b'[{"resource": ' * 500 + b"1" + b"}]" * 500)
    reads_or_refuses(format_named(name), deep)
    deep = JSON_OF[name] % (b', "x": ' + b"[" * 1020 + b"]" * 1020)
    reads_or_refuses(format_named(name), deep)


@pytest.mark.parametrize("name", ["fhir", "have"])
def test_xml_nested_too_deep_or_of_too_many_elements(name: str) -> None:
    root = b'<Bundle xmlns="http://hl7.org/fhir">'
    assert "nested more than 60 deep" in refusal(name, root + b"<a>" * 1_000_000)
    assert "more than 1000000 elements" in refusal(name, root + b"<a/>" * 1_000_001 + b"</Bundle>")


LAUGHS = b"<!DOCTYPE a [<!ENTITY a0 'ha'>%s]><a>&a9;</a>" % b"".join(
    b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
)


@pytest.mark.parametrize("name", ["fhir", "have", "medcom"])
def test_a_billion_laughs(name: str) -> None:
    assert "DOCTYPE" in refusal(name, LAUGHS)


def test_a_billion_laughs_in_a_workbook() -> None:
    assert "DOCTYPE" in refusal("xlsx", package({"xl/workbook.xml": LAUGHS}))


def test_a_zip_bomb() -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<a>" + b" " * Limits().unpacked_bytes + b"</a>")
    assert len(raw.getvalue()) < 100_000
    assert "unpacks to more than 50000000 bytes" in refusal("xlsx", raw.getvalue())


def test_a_sheet_that_spans_all_cells_there_are() -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c>'
    raw = package({"xl/worksheets/sheet1.xml": f"<a>{rows}</row></a>".encode()})
    assert "more than 100000 rows, 1000 columns or 2000000 cells" in refusal("xlsx", raw)


MILLION = 1_000_000


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("json", b"[" + b"{}," * MILLION + b"{}]", "more than 50000"),
        ("ndjson", b"{}\n" * MILLION, "more than 500000 lines"),
        ("ndjson", b"{}\n" * 60_000, "more than 50000 rows"),
        ("csv", b"unit,observed_at\n" + b"a,b\n" * MILLION, "more than 500000 lines"),
        ("csv", b"unit,observed_at\n" + b"a,b\n" * 60_000, "more than 50000 rows"),
        ("csv", b"a," * MILLION, "a cell is endless"),
        ("fhir", b'{"resourceType":"Slot"}\n' * MILLION, "more than 500000 resources"),
        ("hl7v2", b"MSH|\r" * MILLION, "more than 50000 messages"),
        ("ical", b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\nEND:VEVENT\n" * 400_000, "20000 events"),
        ("ical", b"BEGIN:VCALENDAR\n" * MILLION, "nested more than 8 deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_million_rows(name: str, raw: bytes, reason: str) -> None:
    assert reason in refusal(name, raw)


def test_a_million_columns() -> None:
    fmt = format_named("csv")
    with bounded(SECONDS), pytest.raises(UnreadableError, match="more than 1000 columns"):
        fmt.parse(b"a," * MILLION, fmt.read_mapping({"separator": ","}), NOW)


def test_a_million_messages_for_a_municipality() -> None:
    message = {"resource": {"resourceType": "Bundle", "type": "message"}}
    raw = orjson.dumps({"resourceType": "Bundle", "entry": [message] * 60_000})
    assert "more than 50000 messages" in refusal("medcom", raw)


HUGE = b"x" * 2_000_000


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("json", b"favrskov-akutplads"),
        ("ndjson", b"favrskov-akutplads"),
        ("csv", b"AP-1"),
        ("fhir", b"AKUT"),
        ("hl7v2", b"PAS"),
        ("medcom", b"in-progress"),
        ("have", b"H1"),
        ("ical", b"Favrskov"),
    ],
)
def test_one_huge_cell(name: str, word: bytes) -> None:
    raw = seeds(name)[0]
    assert word in raw
    fmt = reader(format_named(name), mappings(name)[0])
    with bounded(SECONDS):
        reads_or_refuses(fmt, raw.replace(word, HUGE))


def test_one_huge_cell_of_a_sheet() -> None:
    raw = workbook({"A": [["unit", "observed_at"], [HUGE.decode(), "2026-11-22T11:00:00Z"]]})
    with bounded(SECONDS):
        batch = format_named("xlsx").parse(raw, None, NOW)
    assert batch.reports == ()
    assert [reject.field for reject in batch.rejects] == ["unit"]


@pytest.mark.parametrize("name", OWN)
def test_memory_is_bounded_by_a_multiple_of_the_document(name: str) -> None:
    """Many times the recording's rows, or what takes the most memory for its size."""
    raw = seeds(name)[0]
    fmt = reader(format_named(name), mappings(name)[0])
    if name in ("csv", "ndjson", "hl7v2"):
        raw = raw * 300
    elif name == "json":
        raw = orjson.dumps({"reports": orjson.loads(raw)["reports"] * 300})
    elif name == "fhir":
        # The densest that was found: 86 times its size.
        raw = b'<Bundle xmlns="http://hl7.org/fhir">' + b"<a/>" * 100_000 + b"</Bundle>"
    _, peak = measured(lambda document: reads_or_refuses(fmt, document), raw)
    assert peak <= allowed(name, raw)


def test_a_hang_is_ended() -> None:
    def endless() -> None:
        while True:
            pass

    with pytest.raises(HungError), bounded(0.05):
        endless()


# Limits as settings


def test_limits_are_changed_by_name() -> None:
    assert limits_from({}) == Limits()
    assert limits_from({"rows": 7}) == Limits(rows=7)
    with pytest.raises(BadLimitError, match="row: no such limit; known are rows, lines"):
        limits_from({"row": 7})


def test_limits_come_from_the_environment() -> None:
    code = (
        "from feeds.formats import gathering, ndjson; print(gathering.MAX_ROWS, ndjson.MAX_LINES)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "AKUTOVERBLIK_LIMITS": '{"rows": 7}'},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert found.stdout == "7 500000\n"


def test_a_wrong_limit_ends_the_program_with_a_clear_word() -> None:
    path = str(RECORDINGS / "json" / "state.json")
    code = "import sys; from web.cli import main; sys.exit(main(sys.argv[1:]))"
    found = subprocess.run(
        [sys.executable, "-c", code, "read", "json", path],
        env={**os.environ, "AKUTOVERBLIK_LIMITS": '{"row": 7}'},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert found.returncode == 2
    assert found.stderr.startswith("akutoverblik: AKUTOVERBLIK_LIMITS: row: no such limit")


def test_every_limit_is_documented_with_its_default() -> None:
    text = (RECORDINGS.parents[2] / "docs" / "formats.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", text.partition("\n## Limits\n")[2], re.MULTILINE)
    assert {name: int(number) for name, number in rows} == asdict(Limits())
