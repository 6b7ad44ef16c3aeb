"""EDXL-HAVE 1.0 and 2.0: beds and services of facilities, never a zero that nobody wrote."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, Inconsistency, UnreadableError
from feeds.formats.edxl_have import FORMAT
from tests.support.formats import CPR, NOW, faults, mangled, parsed, reads_or_refuses

H1 = "urn:oasis:names:tc:emergency:EDXL:HAVE:1.0"
H2 = "urn:oasis:names:tc:emergency:edxl:have:2.0"
DE = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
AT = datetime(2026, 11, 22, 11, 55, tzinfo=UTC)


def hospital(
    *beds: str, name: str = "RHR", extra: str = "", at: str = "2026-11-22T11:55:00Z"
) -> str:
    """One hospital in version 1.0; `beds` are the insides of BedCapacity elements."""
    groups = "".join(f"<h:BedCapacity>{each}</h:BedCapacity>" for each in beds)
    status = f"<h:HospitalBedCapacityStatus>{groups}</h:HospitalBedCapacityStatus>" if beds else ""
    stamp = f"<h:LastUpdateTime>{at}</h:LastUpdateTime>" if at else ""
    return (
        "<h:Hospital><h:Organization><h:OrganizationInformation><n:OrganisationName>"
        f"<n:NameElement>{name}</n:NameElement></n:OrganisationName>"
        f"</h:OrganizationInformation></h:Organization>{status}{extra}{stamp}</h:Hospital>"
    )


def have1(*hospitals: str) -> str:
    return (
        f'<h:HospitalStatus xmlns:h="{H1}" xmlns:n="urn:n">{"".join(hospitals)}</h:HospitalStatus>'
    )


def beds(kind: str, available: object = None, baseline: object = None, status: str = "") -> str:
    counts = "" if available is None else f"<h:AvailableCount>{available}</h:AvailableCount>"
    counts += "" if baseline is None else f"<h:BaselineCount>{baseline}</h:BaselineCount>"
    counts += f"<h:CapacityStatus>{status}</h:CapacityStatus>" if status else ""
    return f"<h:BedType>{kind}</h:BedType><h:Capacity>{counts}</h:Capacity>"


def service(kind: str, counts: str | None = "", available: str = "") -> str:
    """One service in version 2.0."""
    inner = f"<serviceTaxonomyKeyValue>{kind}</serviceTaxonomyKeyValue>"
    if available:
        inner += f"<serviceStatus><isAvailable>{available}</isAvailable></serviceStatus>"
    if counts is not None:
        inner += f"<serviceBedCapacity>{counts}</serviceBedCapacity>"
    return f"<serviceListItem>{inner}</serviceListItem>"


def have2(*services: str, identity: str = "<facilityID>F1</facilityID>", period: str = "") -> str:
    return (
        f'<HAVE xmlns="{H2}">{period}<facility>'
        f"<facilityInformation>{identity}</facilityInformation>"
        f"<serviceList>{''.join(services)}</serviceList></facility></HAVE>"
    )


def counts2(available: object, baseline: object) -> str:
    return f"<availableCount>{available}</availableCount><baselineCount>{baseline}</baselineCount>"


def enveloped(inner: str, sent: str = "2026-11-22T11:50:00Z", status: str = "Actual") -> str:
    return (
        f'<d:EDXLDistribution xmlns:d="{DE}"><d:dateTimeSent>{sent}</d:dateTimeSent>'
        f"<d:distributionStatus>{status}</d:distributionStatus><d:contentObject><d:xmlContent>"
        f"<d:embeddedXMLContent>{inner}</d:embeddedXMLContent></d:xmlContent></d:contentObject>"
        "</d:EDXLDistribution>"
    )


def read(text: str, mapping: object = None) -> Batch:
    return parsed(FORMAT, text.encode(), mapping)


def figures(batch: Batch) -> list[tuple[str, int | None, int | None]]:
    """Unit, total and free of each report."""
    assert batch.rejects == ()
    return [(report.unit, report.total, report.free) for report in batch.reports]


def test_version_1_bare_and_in_its_envelope() -> None:
    text = have1(hospital(beds("AdultICU", 2, 8), beds("Burn", 1, 3)), hospital(name="X Y"))
    for document in (text, enveloped(text), f"<r>{enveloped(text)}</r>"):
        batch = read(document)
        assert figures(batch) == [("RHR", 11, 3), ("X Y", None, None)]
        assert [report.observed_at for report in batch.reports] == [AT, AT]
        assert batch.places == ("Hospital[0]", "Hospital[1]")


def test_version_2_bare_and_in_its_envelope() -> None:
    text = have2(service("icu", counts2(2, 8)), service("burn", counts2(1, 3)))
    assert figures(read(text)) == [("F1", 11, 3)]
    assert read(text).reports[0].observed_at == NOW
    assert read(enveloped(text)).reports[0].observed_at == AT.replace(minute=50)


def test_each_bed_type_may_be_a_unit() -> None:
    text = have1(hospital(beds("AdultICU", 2, 8), beds("Burn", 1)))
    expected = [("RHR/AdultICU", 8, 2), ("RHR/Burn", None, 1)]
    assert figures(read(text, {"unit_per": "service"})) == expected
    chosen = {"unit_per": "service", "bed_types": ["burn"]}
    assert figures(read(text, chosen)) == expected[1:]
    text = have2(service("icu", None, "false"), service("x", None), service("", ""))
    batch = read(text, {"unit_per": "service"})
    assert figures(batch) == [("F1/icu", None, 0)]
    assert batch.reports[0].closure is not None


@pytest.mark.parametrize(
    ("chosen", "total", "free"),
    [
        (["AdultICU"], 8, 2),
        (["adulticu", "BURN"], 11, 3),
        (["AdultICU", "Pediatrics"], None, None),
        (["Pediatrics"], None, None),
        ([], 11, 3),
    ],
)
def test_the_mapping_chooses_the_beds(
    chosen: list[str], total: int | None, free: int | None
) -> None:
    text = have1(hospital(beds("AdultICU", 2, 8), beds("Burn", 1, 3)))
    assert figures(read(text, {"bed_types": chosen})) == [("RHR", total, free)]


@pytest.mark.parametrize(
    ("group", "total", "free"),
    [
        (beds("Burn"), None, None),
        (beds("Burn", baseline=4), 4, None),
        (beds("Burn", status="Vacant/Available"), None, None),
        (beds("Burn", baseline=4, status="NotAvailable"), 4, 0),
        (beds("Burn", 3, 4, status="NotAvailable"), 4, 0),
        ("<h:Capacity><h:AvailableCount>3</h:AvailableCount></h:Capacity>", None, None),
        ("<h:BedType>Burn</h:BedType>", None, None),
        (
            "<h:BedType>ICU</h:BedType><h:SubCategoryBedType>a</h:SubCategoryBedType><h:Capacity>"
            "<h:AvailableCount>1</h:AvailableCount><h:BaselineCount>2</h:BaselineCount>"
            "</h:Capacity><h:SubCategoryBedType>b</h:SubCategoryBedType><h:Capacity>"
            "<h:AvailableCount>3</h:AvailableCount><h:BaselineCount>4</h:BaselineCount>"
            "</h:Capacity>",
            6,
            4,
        ),
        (
            beds("ICU", 9, 9) + "<h:SubCategoryBedType>a</h:SubCategoryBedType><h:Capacity>"
            "<h:AvailableCount>1</h:AvailableCount></h:Capacity>",
            9,
            9,
        ),
        (
            beds("ICU", baseline=9) + "<h:SubCategoryBedType>a</h:SubCategoryBedType>"
            "<h:Capacity><h:AvailableCount>1</h:AvailableCount></h:Capacity>",
            9,
            1,
        ),
    ],
)
def test_what_is_not_there_is_unknown(group: str, total: int | None, free: int | None) -> None:
    assert figures(read(have1(hospital(group)))) == [("RHR", total, free)]


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    text = have1(hospital(beds("AdultICU", 2, 8), beds("Burn", baseline=3)))
    assert figures(read(text)) == [("RHR", 11, None)]
    # Of a service without any capacity nobody said that it has beds; unless it is asked for.
    text = have2(service("icu", counts2(2, 8)), service("psy", None, "true"))
    assert figures(read(text)) == [("F1", 8, 2)]
    assert figures(read(text, {"bed_types": ["icu", "psy"]})) == [("F1", None, None)]


def test_beyond_capacity_is_no_free_bed_and_shown_as_it_is() -> None:
    batch = read(have2(service("icu", counts2(-2, 8)), service("burn", counts2(1, 3))))
    (report,) = batch.reports
    assert (report.total, report.stated_free, report.occupied) == (11, 1, 12)
    assert Inconsistency.OCCUPIED_OVER_TOTAL in report.inconsistencies
    (report,) = read(have2(service("icu", "<availableCount>-2</availableCount>"))).reports
    assert (report.free, report.occupied) == (0, None)


@pytest.mark.parametrize("status", ["Closed", "Evacuating", "Normal"])
def test_a_closed_facility_is_closed(status: str) -> None:
    inner = f"<h:FacilityStatus>{status}</h:FacilityStatus>"
    extra = f"<h:HospitalFacilityStatus>{inner}</h:HospitalFacilityStatus>"
    mapping = {"closed_reason": "Lukket af kilden"}
    (report,) = read(have1(hospital(beds("Burn", 1), extra=extra)), mapping).reports
    reason = report.closure and report.closure.reason
    assert reason == (None if status == "Normal" else "Lukket af kilden")


@pytest.mark.parametrize(
    ("first", "second", "closed"), [("false", "0", True), ("false", "true", False)]
)
def test_services_that_are_all_off_close_the_unit(first: str, second: str, closed: bool) -> None:
    text = have2(service("a", counts2(2, 4), first), service("b", counts2(1, 2), second))
    (report,) = read(text).reports
    assert (report.closure is not None) is closed
    assert report.stated_free == (0 if closed else 1)
    inactive = "<availability>Inactive</availability>"
    assert read(have2(service("a", counts2(2, 4) + inactive))).reports[0].closure is not None


@pytest.mark.parametrize(
    ("identity", "unit"),
    [
        ("<facilityID>F1</facilityID><facilityName>N</facilityName>", "F1"),
        ("<facilityName> Stort\n hus </facilityName>", "Stort hus"),
    ],
)
def test_what_a_unit_is_called(identity: str, unit: str) -> None:
    assert read(have2(identity=identity)).reports[0].unit == unit
    text = have1(hospital()).replace(
        "<n:OrganisationName>", '<n:OrganisationName n:OrganisationID="7">'
    )
    assert read(text).reports[0].unit == "7"
    assert read(text.replace("OrganisationID", "lang")).reports[0].unit == "RHR"


@pytest.mark.parametrize(
    ("period", "sent", "expected"),
    [
        ("", "", NOW),
        ("2026-11-22T11:40:00Z", "", AT.replace(minute=40)),
        ("2026-11-22T23:00:00Z", "", NOW),
        ("2026-11-22T23:00:00Z", "2026-11-22T11:55:00Z", AT),
        ("2026-11-22T11:40:00Z", "2026-11-22T11:55:00Z", AT.replace(minute=40)),
    ],
)
def test_when_version_2_was_observed(period: str, sent: str, expected: datetime) -> None:
    stated = f"<fromDateTime>x</fromDateTime><toDateTime>{period}</toDateTime>"
    text = have2(period=f"<reportingPeriod>{stated}</reportingPeriod>" if period else "")
    batch = read(enveloped(text, sent) if sent else text)
    assert [report.observed_at for report in batch.reports] == [expected]


def test_documents_without_time_may_be_refused() -> None:
    batch = read(have2(), {"without_time": "refuse"})
    assert faults(batch) == [("facility[0]", "LastUpdateTime")]
    assert figures(read(enveloped(have2()), {"without_time": "refuse"})) == [("F1", None, None)]


def test_exercises_may_be_refused() -> None:
    text = enveloped(have1(hospital()), status="Exercise")
    assert len(read(text).reports) == 1
    with pytest.raises(UnreadableError, match="distributionStatus"):
        read(text, {"distribution_statuses": ["Actual"]})


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (hospital(at="i dag"), "LastUpdateTime"),
        (hospital(at="2026-11-22T11:55:00"), "LastUpdateTime"),
        (hospital(at="2026-11-22T12:02:01Z"), "observed_at"),
        (hospital(name=""), "facilityID"),
        (hospital(beds("Burn", "mange")), "AvailableCount"),
        (hospital(beds("Burn", 1, -1)), "BaselineCount"),
        (hospital(beds("Burn", 100_001)), "free"),
        (hospital(extra=f"<h:CommentText>{CPR}</h:CommentText>"), "CommentText"),
        (hospital(extra=f'<h:CommentText x="{CPR}"/>'), "CommentText"),
        (hospital().replace("<n:NameElement>RHR</n:NameElement>", ""), "facilityID"),
        (hospital().replace("n:OrganisationName", "n:Other"), "facilityID"),
    ],
)
def test_a_bad_facility_costs_itself_only(bad: str, field: str) -> None:
    batch = read(have1(bad, hospital(beds("Burn", 1))))
    assert faults(batch) == [("Hospital[0]", field)]
    assert [report.unit for report in batch.reports] == ["RHR"]
    assert CPR not in repr(batch)


def test_positions_are_no_person_numbers() -> None:
    assert figures(read(have1(hospital(extra="<h:pos>45.120499 -1234.5</h:pos>"))))
    assert figures(read(have1(hospital(extra=f"<h:pos>{CPR}</h:pos>"))))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html></html>",
        b"<HospitalStatus/>",
        b"<other/>",
        b"<a><b></a>",
        b"<" + b"a><" * 100 + b"b/>",
        f"<!DOCTYPE x><h:HospitalStatus xmlns:h='{H1}'/>".encode(),
        f'<!DOCTYPE x [<!ENTITY a "b">]>{have1(hospital())}'.encode(),
    ],
)
def test_what_cannot_be_read_at_all(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        parsed(FORMAT, raw)


@given(
    st.one_of(
        mangled(
            have1(
                hospital(beds("Burn", 1, 2)), hospital(beds("ICU", status="NotAvailable"))
            ).encode(),
            enveloped(have2(service("icu", counts2(-2, 8), "false"))).encode(),
        ),
        st.binary(max_size=200),
    )
)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)
    reads_or_refuses(FORMAT, raw, {"unit_per": "service", "timezone": "Europe/Copenhagen"})


@pytest.mark.samples
def test_the_published_documents(samples: Path) -> None:
    folder = samples / "edxl-have"
    for name in ("xcore-EDXL-HAVE1.xml", "xcore-HAVE-EdxlDeRequest.xml"):
        batch = parsed(FORMAT, (folder / "1.0" / name).read_bytes())
        assert figures(batch) == [("Hospital 1", None, 100), ("Hospital 2", None, None)]
        at = datetime(2010, 11, 11, 19, 59, 12, 390000, tzinfo=UTC)
        assert {report.observed_at for report in batch.reports} == {at}
    batch = parsed(FORMAT, (folder / "2.0" / "HAVE.xml").read_bytes())
    assert figures(batch) == [
        ("NB-SaintJohnRegional", 8, 6),
        ("NB-Moncton", None, None),
        ("NB-Fredericton", 8, 6),
        ("ME-CalaisRegional", 8, 6),
        ("ME-DownEastCommunityHospital", 8, 6),
        ("ME-EasternMaineMedicalCentre", 16, 8),
        ("ME-StJosephHospital", 14, 12),
    ]
