"""The ``read`` contract, by running the console script: what goes where, and the exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPORT_FIELDS = {
    "unit", "observed_at", "total", "staffed", "occupied", "reserved", "closed", "free",
}  # fmt: skip


def run(*arguments: str | Path) -> tuple[int, list[dict[str, object]], list[dict[str, str]]]:
    """Exit code, reports from standard output, rejects from standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "web.cli", "read", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    rejects = [json.loads(line) for line in done.stderr.splitlines()]
    assert all(set(report) >= REPORT_FIELDS for report in reports)
    assert all(set(reject) == {"where", "field", "reason"} for reject in rejects)
    return done.returncode, reports, rejects


def test_reports_are_printed_with_null_for_unknown_and_utc(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"unit": "x", "observed_at": "2026-06-01T12:00:00+02:00", "total": 4}]')
    code, reports, rejects = run("json", path)
    assert (code, rejects) == (0, [])
    (report,) = reports
    assert report["observed_at"] == "2026-06-01T10:00:00Z"
    assert report["total"] == 4
    assert report["occupied"] is report["free"] is report["reserved"] is None


def test_a_bad_row_goes_to_standard_error_and_the_good_one_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    good = {"unit": "x", "observed_at": "2026-06-01T12:00:00Z", "total": 4, "occupied": 1}
    path.write_text(json.dumps({"reports": [good | {"total": -4}, good]}))
    code, reports, rejects = run("json", path)
    assert code == 1
    assert [report["free"] for report in reports] == [3]
    assert [(reject["where"], reject["field"]) for reject in rejects] == [("reports[0]", "total")]


@pytest.mark.parametrize("text", ["", "{", "<html></html>", "\x00", "7", '"text"'])
def test_an_unreadable_document_exits_with_two(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    code, reports, rejects = run("json", path)
    assert (code, reports, len(rejects)) == (2, [], 1)


def test_a_missing_file_an_unknown_format_and_a_wrong_mapping_exit_with_two(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("unit,observed_at,total\nx,2026-06-01T12:00:00Z,4\n")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('separator = "too long"\n')
    assert run("json", tmp_path / "missing.json")[0] == 2
    assert run("telex", path)[0] == 2
    assert run("csv", path, "--mapping", tmp_path / "missing.toml")[0] == 2
    code, _, rejects = run("csv", path, "--mapping", wrong)
    assert code == 2
    assert "separator" in rejects[0]["reason"]


def test_a_mapping_names_our_units_and_the_worst_file_decides_the_code(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("id;i alt;tid\nA1;4;2026-06-01T12:00:00\n")
    bad.write_text("id;i alt;tid\nA1;fire;2026-06-01T12:00:00\n")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        'timezone = "Europe/Copenhagen"\nseparator = ";"\n'
        '[columns]\nunit = "id"\ntotal = "i alt"\nobserved_at = "tid"\n'
        '[units]\n"A1" = "randers-akutplads-1"\n'
    )
    code, reports, rejects = run("csv", good, bad, "--mapping", mapping)
    assert code == 1
    assert [report["unit"] for report in reports] == ["randers-akutplads-1"]
    assert reports[0]["observed_at"] == "2026-06-01T10:00:00Z"
    assert rejects[0]["where"].startswith(f"{bad}: ")


@pytest.mark.samples
def test_the_published_bed_reports_read(samples: Path) -> None:
    folder = samples / "fhir-saner" / "measurereports"
    for path in sorted(folder.glob("*NJ*CDC*")):
        code, reports, _ = run("fhir", path)
        assert code == 0
        assert [(r["total"], r["occupied"], r["free"]) for r in reports] == [(20000, None, None)]
    madison = sorted((samples / "saner-madison" / "t0").glob("*-measureReports.json"))
    assert len(madison) == 4
    code, reports, rejects = run("fhir", *madison)
    assert (code, rejects) == (0, [])
    assert [report["unit"] for report in reports] == [p.name.partition("-")[0] for p in madison]
    assert reports[0]["total"] == 219
    assert reports[0]["staffed"] == 206
    assert reports[0]["occupied"] == 43
