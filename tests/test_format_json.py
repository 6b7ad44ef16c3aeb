"""Our own JSON."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import LoadReport, PlaceReport, UnreadableError
from capacity.privacy import CPR_REASON
from feeds.formats.gathering import MAX_ROWS
from feeds.formats.own_json import FORMAT
from tests.support.formats import CPR, faults, mangled, parsed, reads_or_refuses

REPORT = {"unit": "a", "observed_at": "2026-11-22T11:00:00Z", "total": 4, "occupied": 1}


def document(*reports: object) -> bytes:
    return orjson.dumps({"reports": reports})


def test_the_three_shapes_of_a_document() -> None:
    enveloped = parsed(FORMAT, orjson.dumps({"sent_by": "x", "reports": [REPORT, REPORT]}))
    listed = parsed(FORMAT, orjson.dumps([REPORT, REPORT]))
    alone = parsed(FORMAT, orjson.dumps(REPORT))
    assert enveloped.reports == listed.reports == alone.reports * 2
    assert enveloped.places == ("reports[0]", "reports[1]")
    assert listed.places == ("[0]", "[1]")
    assert alone.places == ("document",)
    assert alone.reports[0] == PlaceReport(
        unit="a", observed_at=datetime(2026, 11, 22, 11, tzinfo=UTC), total=4, occupied=1, free=3
    )


def test_one_bad_report_never_costs_the_others() -> None:
    batch = parsed(FORMAT, document(REPORT, 5, {**REPORT, "total": -1}, None, {}, REPORT))
    assert batch.places == ("reports[0]", "reports[5]")
    assert faults(batch) == [
        ("reports[1]", "report"),
        ("reports[2]", "total"),
        ("reports[3]", "report"),
        ("reports[4]", "unit"),
    ]


def test_a_byte_order_mark_is_no_part_of_the_document() -> None:
    assert len(parsed(FORMAT, b"\xef\xbb\xbf" + document(REPORT)).reports) == 1


def test_no_reports_is_a_document_too() -> None:
    batch = parsed(FORMAT, b'{"reports": []}')
    assert (batch.reports, batch.rejects) == ((), ())


def test_a_key_written_twice_counts_as_last_written() -> None:
    raw = b'{"unit": "a", "observed_at": "2026-11-22T11:00:00Z", "total": 4, "total": 6}'
    assert parsed(FORMAT, raw).reports[0].total == 6


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        (b"", "document", "is empty"),
        (b" \r\n\t", "document", "is empty"),
        (b"\xef\xbb\xbf", "document", "is empty"),
        (b"{", "document", "is not valid JSON in UTF-8 (line 1, column 2)"),
        (b'{"reports":\n [}', "document", "is not valid JSON in UTF-8 (line 2, column 3)"),
        (b"\xe6", "document", "is not valid JSON"),
        (b"[" * 100_000, "document", "deep"),
        (b'{"a":' * 5_000, "document", "deep"),
        (b'{"reports": [], "patient": "010190-1234"}', "document", "CPR"),
        (b'{"reports": [], "who": {"010190-1234": 1}}', "document", "CPR"),
        (b"[\0]", "document", "holds NUL bytes"),
        ("[]".encode("utf-16"), "document", "is UTF-16"),
        ("[]".encode("utf-16-be"), "document", "holds NUL bytes"),
        ("[]".encode("utf-32"), "document", "is UTF-32"),
        (b"\xfe\xff\0[", "document", "is UTF-16"),
        (b"\n<!DOCTYPE html><html>", "document", "is a web page"),
        (b"<html><body>502</body></html>", "document", "is a web page"),
        (b"5", "document", "is neither an object nor a list"),
        (b"null", "document", "is neither an object nor a list"),
        (b"{}", "reports", "is missing"),
        (b'{"error": "x"}', "reports", "is missing"),
        (b'{"reports": {}}', "reports", "is not a list"),
        (b'{"reports": null}', "reports", "is not a list"),
    ],
)
def test_what_is_no_document_is_refused_and_said_why(raw: bytes, field: str, reason: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parsed(FORMAT, raw)
    assert caught.value.reject.where == "document"
    assert caught.value.reject.field == field
    assert reason in caught.value.reject.reason


def test_more_reports_than_the_limit_are_refused() -> None:
    many = b"[" + b",".join([b"0"] * (MAX_ROWS + 1)) + b"]"
    with pytest.raises(UnreadableError, match="more than 50000"):
        parsed(FORMAT, many)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"note": f"{CPR} venter"}, "note"),
        ({"unit": CPR}, "unit"),
        ({"total": 1204991234}, "total"),
        ({"anything": [{CPR: 0}]}, "anything"),
        ({CPR: 0}, "(field name)"),
    ],
)
def test_a_person_number_is_refused_and_not_repeated(fields: dict[str, Any], field: str) -> None:
    batch = parsed(FORMAT, document({**REPORT, **fields}, REPORT))
    assert len(batch.reports) == 1
    assert [(r.where, r.field, r.reason) for r in batch.rejects] == [
        ("reports[0]", field, CPR_REASON)
    ]


def test_values_nested_to_any_depth_are_one_bad_report() -> None:
    deep = b'[{"unit": "a", "note": ' + b"[" * 900 + b"]" * 900 + b"}]"
    assert faults(parsed(FORMAT, deep)) == [("[0]", "observed_at")]


def test_local_times_and_types_by_the_mapping() -> None:
    mapping = {
        "timezone": "Europe/Copenhagen",
        "repeated": "second",
        "types": {"q": "load"},
    }
    night = {"observed_at": "2026-10-25T02:30"}
    batch = parsed(
        FORMAT,
        document(
            {"unit": "q", "waiting": 2, **night},
            {"unit": "p", **night},
            {"unit": "p", "observed_at": "2026-03-29T02:30"},
            {"unit": "p", "observed_at": "2026-07-01T12:00+01:00"},
            {"unit": ["q"], **night},
        ),
        mapping,
    )
    assert [type(report) for report in batch.reports] == [LoadReport, PlaceReport]
    assert {r.observed_at for r in batch.reports} == {datetime(2026, 10, 25, 1, 30, tzinfo=UTC)}
    assert faults(batch) == [
        ("reports[2]", "observed_at"),
        ("reports[3]", "observed_at"),
        ("reports[4]", "unit"),
    ]


def test_without_a_zone_a_time_needs_its_offset() -> None:
    batch = parsed(FORMAT, document({**REPORT, "observed_at": "2026-11-22T11:00:00"}))
    assert faults(batch) == [("reports[0]", "observed_at")]


FULL = document(
    {**REPORT, "closure": {"reason": "x", "reopens_at": "2026-11-23T11:00:00Z"}, "note": "y"},
    {"unit": "b", "type": "load", "observed_at": "2026-11-22T11:00:00+01:00", "waiting": 1},
)


@given(st.binary() | mangled(FULL))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, {"timezone": "Europe/Copenhagen"})


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(-(2**63), 2**63),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    reads_or_refuses(FORMAT, orjson.dumps(value))
    reads_or_refuses(FORMAT, orjson.dumps({"reports": value}))
    reads_or_refuses(FORMAT, orjson.dumps([REPORT | {"note": value, "closure": value}]))


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (b'"total": NaN', "total"),
        (b'"total": Infinity', "total"),
        (b'"total": 1e999', "total"),
        (b'"note": "\\ud800"', "note"),
        (b'"note": NaN', "note"),
    ],
)
def test_what_is_no_strict_json_costs_its_row_only(bad: bytes, field: str) -> None:
    good = b'"unit": "a", "observed_at": "2026-11-22T11:00:00Z"'
    batch = parsed(FORMAT, b"[{%s}, {%s, %s}]" % (good, good, bad))
    assert [report.unit for report in batch.reports] == ["a"]
    assert [reject.field for reject in batch.rejects] == [field]


@given(
    st.sampled_from(["note", "unit", "type", "total", "observed_at", "anything"]),
    st.text("0129-./_ \t\xa0å–x", max_size=24) | st.integers(0, 10**10) | st.just(CPR),
)
def test_a_person_number_is_found_whether_or_not_the_document_looks_suspicious(
    field: str, value: str | int
) -> None:
    raw = document({**REPORT, field: value})
    looked_at_closely = raw.replace(b'"total"', b'"\\u0074otal"')
    assert looked_at_closely != raw
    assert parsed(FORMAT, raw) == parsed(FORMAT, looked_at_closely)
