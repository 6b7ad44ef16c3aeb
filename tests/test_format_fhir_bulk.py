"""Bulk publications: which files a manifest names, and all of them as one document."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import UnreadableError
from feeds.formats import fhir_bulk
from feeds.formats.fhir_bulk import BulkFile, bulk_files, one_document
from feeds.formats.fhir_format import FORMAT
from tests.support.fhir import ndjson, resource, to
from tests.support.formats import mangled, parsed

URL = "https://ehr.example/bulk/$bulk-publish"
STAMP = "2026-11-22T11:00:00Z"


def manifest(*outputs: object, **changed: Any) -> bytes:
    return orjson.dumps({"transactionTime": STAMP, "output": list(outputs), **changed})


def output(kind: object, url: object) -> dict[str, object]:
    return {"type": kind, "url": url}


def test_files_by_type_with_absolute_addresses() -> None:
    raw = manifest(
        output("Location", "https://EHR.example/bulk/locations.ndjson"),
        output("Slot", "slots-1.ndjson"),
        output("Slot", "/slots-2.ndjson"),
        output("Patient", "https://elsewhere.example/patients.ndjson"),
    )
    assert bulk_files(raw, URL) == (
        BulkFile("Location", "https://EHR.example/bulk/locations.ndjson"),
        BulkFile("Slot", "https://ehr.example/bulk/slots-1.ndjson"),
        BulkFile("Slot", "https://ehr.example/slots-2.ndjson"),
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/s.ndjson",
        "https://ehr.example:8443/s.ndjson",
        "https://ehr.example@elsewhere.example/s.ndjson",
        "//elsewhere.example/s.ndjson",
        "file:///etc/passwd",
        "ftp://ehr.example/s.ndjson",
        "https://[/s.ndjson",
    ],
)
def test_other_hosts_get_no_credentials_of_ours(url: str) -> None:
    with pytest.raises(UnreadableError, match=r"output\[0\]\.url"):
        bulk_files(manifest(output("Slot", url)), URL)


def test_other_hosts_that_are_declared() -> None:
    raw = manifest(output("Slot", "https://cdn.example/s.ndjson"))
    assert bulk_files(raw, URL, ["cdn.example"])[0].url == "https://cdn.example/s.ndjson"
    with pytest.raises(UnreadableError):
        bulk_files(raw, "https://[", ["other.example"])


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"{", "document"),
        (b"[]", "document"),
        (b'{"output": []}', "document"),
        (b'{"resourceType": "Bundle", "transactionTime": "x"}', "document"),
        (manifest(output=None), "output"),
        (manifest(output={}), "output"),
        (manifest(5), "output[0]"),
        (manifest(output("Slot", "s"), output(None, "x")), "output[1]"),
        (manifest(output("Slot", 5)), "output[0]"),
    ],
)
def test_what_is_no_manifest_is_refused(raw: bytes, field: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        bulk_files(raw, URL)
    assert caught.value.reject.field == field


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir_bulk, "MAX_FILES", 2)
    with pytest.raises(UnreadableError, match="at most 2 files"):
        bulk_files(manifest(*[output("Slot", "s")] * 3), URL)


def test_all_files_become_one_document_of_one_instant() -> None:
    slots = [
        resource("Slot", str(n), schedule=to("Schedule", "S"), status="free",
                 start=f"2026-11-22T1{n}:00:00Z", end=f"2026-11-22T1{n}:30:00Z") for n in (2, 3)
    ]  # fmt: skip
    files = [b"\xef\xbb\xbf" + ndjson(resource("Schedule", "S", actor=[to("Location", "L")])),
             ndjson(slots[0]) + b"\n", ndjson(slots[1])]  # fmt: skip
    batch = parsed(FORMAT, one_document(manifest(), files))
    assert [(r.unit, r.total) for r in batch.reports] == [("L", 2)]
    assert batch.reports[0].observed_at.isoformat() == "2026-11-22T11:00:00+00:00"
    assert batch.rejects == ()


def test_a_manifest_by_itself_is_no_data() -> None:
    with pytest.raises(UnreadableError, match="output: is a list of files"):
        parsed(FORMAT, manifest(output("Slot", "s")))


@given(st.binary() | mangled(manifest(output("Slot", "s"), output("Location", "https://a/b"))))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        files = bulk_files(raw, URL)
    except UnreadableError:
        return
    assert all(file.url.startswith("https://ehr.example/") for file in files)


@pytest.mark.samples
def test_the_published_manifest(samples: Path) -> None:
    raw = (samples / "fhir-scheduling-links" / "$bulk-publish").read_bytes()
    base = "https://raw.githubusercontent.com/smart-on-fhir/smart-scheduling-links/x"
    files = bulk_files(raw, base)
    assert [file.type for file in files] == ["Location", "Schedule"] + ["Slot"] * 5
    assert files[0].url.endswith("/examples/locations.ndjson")
