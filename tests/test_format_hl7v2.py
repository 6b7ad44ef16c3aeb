"""HL7 v2 ADT: movements per ward, whatever the line ends, and nobody's name."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, BedUse, MovementKind, UnreadableError
from feeds.formats.gathering import MAX_ROWS
from feeds.formats.hl7v2 import FORMAT
from feeds.formats.hl7v2_message import Message, read_header, read_messages
from tests.support.formats import faults, mangled, parsed, reads_or_refuses
from tests.support.hl7 import CPR, PATIENT, adt, bed

AT = datetime(2026, 11, 22, 11, 55, tzinfo=UTC)
DANISH = {"timezone": "Europe/Copenhagen"}


def read(text: str, mapping: object = None) -> Batch:
    return parsed(FORMAT, text.encode(), mapping)


def moves(batch: Batch) -> list[tuple[str, int, str]]:
    assert batch.rejects == ()
    return [(told.unit, told.change, told.kind.value) for told in batch.movements]


def fault(batch: Batch) -> tuple[str, str]:
    assert batch.movements == ()
    (reject,) = batch.rejects
    return reject.field, reject.reason


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\n\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff", "\x0b"])
def test_line_ends_and_marks_make_no_difference(end: str, mark: str) -> None:
    first = adt(end=end, control_id="M1")
    batch = read(mark + first + adt("A03", end=end, control_id="M2", ward="B2"))
    assert moves(batch) == [("A1", 1, "admitted"), ("B2", -1, "discharged")]
    assert [told.where for told in batch.movements] == ["message 1", "message 2"]
    assert [told.message_id for told in batch.movements] == ["M1|PAS|RHR", "M2|PAS|RHR"]
    assert {told.observed_at for told in batch.movements} == {AT}


@pytest.mark.parametrize(
    ("event", "prior", "expected"),
    [
        ("A01", "", [("A1", 1, "admitted")]),
        ("A02", "B2^1", [("B2", -1, "transferred_out"), ("A1", 1, "transferred_in")]),
        ("A02", "A1^9^9", []),
        ("A03", "", [("A1", -1, "discharged")]),
        ("A04", "", [("A1", 1, "admitted")]),
        ("A05", "", []),
        ("A06", "B2", [("A1", 1, "admitted")]),
        ("A07", "B2", [("B2", -1, "discharged")]),
        ("A07", "", [("A1", -1, "discharged")]),
        ("A08", "", []),
        ("A11", "", [("A1", -1, "cancelled")]),
        ("A12", "B2", [("B2", -1, "cancelled"), ("A1", 1, "cancelled")]),
        ("A13", "", [("A1", 1, "cancelled")]),
    ],
)
def test_each_event_counts_as_the_table_says(
    event: str, prior: str, expected: list[tuple[str, int, str]]
) -> None:
    assert moves(read(adt(event, prior=prior))) == expected


@pytest.mark.parametrize("event", ["A01", "A02", "A03", "A04", "A11", "A12", "A13"])
@pytest.mark.parametrize("patient_class", ["O", "r", "C", "P"])
def test_outpatients_take_no_place(event: str, patient_class: str) -> None:
    assert moves(read(adt(event, prior="B2", patient_class=patient_class))) == []


def test_who_counts_outpatients_counts_a_conversion_as_a_transfer() -> None:
    mapping = {"outpatients_counted": True, "uncounted_classes": []}
    moved = [("B2", -1, "transferred_out"), ("A1", 1, "transferred_in")]
    assert moves(read(adt("A06", prior="B2"), mapping)) == moved
    assert moves(read(adt("A07", prior="B2", patient_class="O"), mapping)) == moved
    assert moves(read(adt("A06"), mapping)) == []
    assert moves(read(adt("A06", prior="A1"), mapping)) == []
    assert moves(read(adt("A04", patient_class="O"), mapping)) == [("A1", 1, "admitted")]


def test_the_header_is_trusted_over_the_event_segment() -> None:
    assert moves(read(adt("A03", evn_1="A01"))) == [("A1", -1, "discharged")]
    assert moves(read(adt(msh_9="ADT", evn_1="A03"))) == [("A1", -1, "discharged")]
    assert moves(read(adt(msh_9="adt^a03"))) == [("A1", -1, "discharged")]


@pytest.mark.parametrize(
    ("ward", "location", "unit"),
    [
        ("A1^12^2^RHR", "ward", "A1"),
        ("A1&9.8&ISO^12^2^RHR&x", "facility/ward", "RHR/A1"),
        ("A1^12^2^RHR", "facility", "RHR"),
        ("^^^RHR", "ward", "RHR"),
        ("^^^RHR", "facility/ward", "RHR"),
        ("A1", "facility/ward", "A1"),
        ("Å\\T\\Æ \\F\\ \\S\\\\R\\\\E\\", "ward", "Å&Æ | ^~\\"),
        ("A\\X42\\\\.br\\C", "ward", "AB C"),
        ("A1\\", "ward", "A1"),
        ("A1~B2", "ward", "A1"),
        ("x\u00ady", "ward", "xy"),
    ],
)
def test_a_location_names_the_unit(ward: str, location: str, unit: str) -> None:
    batch = read(adt(ward=ward), {"location": location})
    assert [told.unit for told in batch.movements] == [unit]


def test_other_separators_and_encodings_are_read() -> None:
    text = adt(ward="Å1").replace("|^~\\&|", "|#*!$|").replace("ADT^A01^ADT_A01", "ADT#A01")
    assert moves(read(text)) == [("Å1", 1, "admitted")]
    assert moves(parsed(FORMAT, adt(ward="Å1").encode("cp1252"))) == [("Å1", 1, "admitted")]
    twice = adt().replace("^~\\&", "^~\\\\&")
    assert moves(read(twice)) == [("A1", 1, "admitted")]
    few = adt().replace("^~\\&", "^")
    assert moves(read(few)) == [("A1", 1, "admitted")]
    assert moves(read(adt().replace("|", "!"))) == [("A1", 1, "admitted")]


@pytest.mark.parametrize(
    ("at", "instant"),
    [
        ("202611221255", AT),
        ("20261122125500", AT),
        ("20261122125500.1239", AT.replace(microsecond=123000)),
        ("202611221155+0000", AT),
        ("202611221255+0100", AT),
        ("20261122125500.5+0100^S", AT.replace(microsecond=500000)),
        ("202607010855", datetime(2026, 7, 1, 6, 55, tzinfo=UTC)),
        ("202611220655-0500", None),
    ],
)
def test_times_of_every_precision(at: str, instant: datetime | None) -> None:
    batch = read(adt(at=at), DANISH)
    if instant is None:
        assert fault(batch) == ("EVN-2", "its offset contradicts Europe/Copenhagen at that time")
        assert [told.observed_at for told in read(adt(at=at)).movements] == [AT]
    else:
        assert [told.observed_at for told in batch.movements] == [instant]


def test_the_header_time_is_used_where_the_event_has_none() -> None:
    assert [told.observed_at for told in read(adt(at="")).movements] == [AT.replace(second=1)]
    assert fault(read(adt(at="", msh_7="")))[0] == "MSH-7"
    assert fault(read(adt(at="", msh_7="202602301200")))[0] == "MSH-7"


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("20269122115500", "no such date"),
        ("20260230115500", "no such date"),
        ("20261122240000", "no such date"),
        ("20261122116000", "no such date"),
        ("20261122115500+2599", "no such date"),
        ("20261122115500+2400", "no such date"),
        ("00000101000000", "no such date"),
        ("00010101000000+2300", "lies outside"),
        ("20261122", "gives no time of day"),
        ("2026112211", "gives no time of day"),
        ("2026", "gives no time of day"),
        ("2026-11-22T11:55:00Z", "is no HL7 time stamp"),
        ("i dag", "is no HL7 time stamp"),
        ("20261122125500", "declares no time zone"),
        ("20261122120201+0000", "in the future"),
    ],
)
def test_impossible_times_are_rejected_by_field(at: str, reason: str) -> None:
    field, why = fault(read(adt(at=at)))
    assert field == "EVN-2"
    assert reason in why


def test_the_double_and_the_missing_hour() -> None:
    first, second = (
        read(adt(at="20251026023000"), {**DANISH, "repeated": which}).movements[0].observed_at
        for which in ("first", "second")
    )
    assert (first.hour, second.hour) == (0, 1)
    assert fault(read(adt(at="20260329023000"), DANISH))[0] == "EVN-2"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (adt(msh_9="ORU^R01"), "MSH-9"),
        (adt("A99"), "MSH-9"),
        (adt(msh_9="", evn_1=""), "MSH-9"),
        (adt(msh_3="ANDEN"), "MSH-3"),
        (adt(msh_11="T"), "MSH-11"),
        (adt(control_id=""), "MSH-10"),
        (adt(control_id=CPR), "MSH-10"),
        (adt(msh_4=f"x {CPR}"), "MSH-4"),
        (adt(ward=""), "PV1-3"),
        (adt(ward='""'), "PV1-3"),
        (adt(ward=CPR), "PV1-3"),
        (adt(ward="x" * 201), "PV1-3"),
        (adt(ward="x\x07"), "PV1-3"),
        (adt(pv1="ZZZ|"), "PV1"),
        (adt(pv1="PV1"), "PV1-3"),
        (adt("A02"), "PV1-6"),
        (adt("A12"), "PV1-6"),
        (bed("A1^1^1", "X"), "NPU-2"),
        (bed("A1^1^1", ""), "NPU-2"),
        (bed("A1", "O"), "NPU-1"),
        (bed("", "O"), "NPU-1"),
        (adt("A20"), "NPU"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_field(text: str, field: str) -> None:
    good = adt(control_id="M9")
    mapping = {"sending_applications": ["PAS"], "processing_ids": ["P"]}
    batch = read(text + good, mapping)
    assert faults(batch) == [("message 1", field)]
    assert [told.where for told in batch.movements] == ["message 2"]


@pytest.mark.parametrize(
    ("head", "field"),
    [
        ("MSH", "MSH-1"),
        ("MSHxY^~\\&xPAS", "MSH-1"),
        ("MSH \\^~&", "MSH-1"),
        ("MSH||PAS", "MSH-2"),
        ("MSH|ABC|PAS", "MSH-2"),
        ("MSH|^~\\&#!|PAS", "MSH-2"),
    ],
)
def test_a_header_without_separators_costs_its_message_only(head: str, field: str) -> None:
    batch = read(f"{head}\rEVN|A01|20261122115500+0000\rPV1|1|I|A1\r" + adt())
    assert faults(batch) == [("message 1", field)]
    assert len(batch.movements) == 1
    assert read_header(head.encode()) is None


def test_a_batch_is_its_messages() -> None:
    text = f"FHS|^~\\&|PAS\rBHS|^~\\&|PAS\r{adt()}{adt('A03', control_id='M2')}BTS|2\rFTS|1\r"
    assert [change for _, change, _ in moves(read(text))] == [1, -1]


def test_the_status_of_beds() -> None:
    statuses = "OUCHKI"
    text = "".join(bed(f"A1^{n}^V", s, control_id=s) for n, s in enumerate(statuses))
    batch = read(text, {"beds": {"A1": 6}})
    taken, out = BedUse.OCCUPIED, BedUse.CLOSED
    assert [b.use for b in batch.beds] == [taken, BedUse.FREE, out, out, out, taken]
    assert [b.bed for b in batch.beds] == [f"{n}^V" for n in range(6)]
    assert {(b.unit, b.beds, b.observed_at) for b in batch.beds} == {("A1", 6, AT)}
    assert read(text).beds[0].beds is None
    assert batch.movements == ()


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfeM", b"hello", b"FHS|^~\\&|\rBHS|^~\\&|\r", b"\0MSH"]
)
def test_what_holds_no_message_is_unreadable(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        parsed(FORMAT, raw)


def test_too_many_messages_are_refused() -> None:
    raw = b"MSH|\r" * (MAX_ROWS + 1)
    with pytest.raises(UnreadableError, match="more than"):
        parsed(FORMAT, raw)


def test_segments_about_people_are_never_taken_apart() -> None:
    ((_, message),) = read_messages(adt().encode())
    assert isinstance(message, Message)
    assert not any(message.has(name) for name in ("PID", "NK1", "OBX"))
    assert PATIENT not in repr(vars(message))
    assert CPR not in repr(vars(message))


@pytest.mark.parametrize("event", ["A01", "A02", "A99", "A20"])
@pytest.mark.parametrize("at", ["20261122115500+0000", f"{CPR}"])
def test_nobody_is_in_what_comes_out(event: str, at: str) -> None:
    batch = read(adt(event, at=at) + f"{PATIENT} {CPR}\rPID {CPR}\r")
    assert PATIENT not in repr(batch)
    assert CPR not in repr(batch)
    assert FORMAT.carries_patients


def test_the_header_that_is_answered() -> None:
    header = read_header(adt("A03", end="\n").encode())
    assert header is not None
    assert header.control_id == "M1"
    assert (header.message_type, header.event, header.version) == ("ADT", "A03", "2.5")
    assert (header.sending_application, header.receiving_facility) == ("PAS", "RANDERS")
    assert read_header(b"PID|1\rEVN|1") is None


@given(
    st.one_of(
        mangled(
            adt("A02", prior="B2").encode(),
            bed("A1^1^1", "O").encode(),
            adt(end="\r\n", ward="Å1").encode("cp1252"),
        ),
        st.binary(max_size=300),
    )
)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, {**DANISH, "beds": {"A1": 3}, "location": "facility/ward"})


def test_a_long_message_costs_no_more_than_its_length() -> None:
    long_field = "x\\" * 400_000
    assert fault(read(adt(ward=long_field)))[0] == "PV1-3"
    assert moves(read(adt(pv1="PV1|1|I|A1" + "|" * 800_000))) == [("A1", 1, "admitted")]


@pytest.mark.samples
def test_the_published_messages(samples: Path) -> None:
    found: dict[str, list[tuple[str, int, MovementKind]]] = {}
    for path in sorted((samples / "hl7v2").rglob("*.*")):
        raw = path.read_bytes()
        if path.suffix == ".adoc":
            block = re.search(r"^\.{4}$(.*?)^\.{4}$", raw.decode(), re.MULTILINE | re.DOTALL)
            assert block is not None
            raw = re.sub(r"<\u00ad?cr>\+?", "", block[1]).encode()
        batch = parsed(FORMAT, raw, DANISH)
        for reject in batch.rejects:
            assert reject.field == "EVN-2", path.name
        found[path.name] = [(told.unit, told.change, told.kind) for told in batch.movements]
        people = ("EVERYMAN", "MASSIE", "DOE", "Duck", "NUCLEAR", "Aniston")
        assert not any(name in repr(batch) for name in people)
    admitted = MovementKind.ADMITTED
    moved = [("6N", -1, MovementKind.TRANSFERRED_OUT), ("SICU", 1, MovementKind.TRANSFERRED_IN)]
    nothing: dict[str, list[tuple[str, int, MovementKind]]] = {name: [] for name in found}
    expected = nothing | {
        "A01.adoc": [("2000", 1, admitted)],
        "A02_1.adoc": moved,
        "A02_2.adoc": moved,
        "A06.adoc": [("6N", 1, admitted)],
        "ADT_A01.txt": [("ZFAST TRACK", 1, admitted)],
        "sample_unix.hl7": [("yyy", 1, admitted)],
    }
    assert found == expected
