"""DEMIS bed occupancy: the report Bundle, wrapped or not, and the portal's form."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.model import Batch, PlaceReport, UnreadableError
from capacity.privacy import CPR_REASON
from feeds.formats.fhir_format import FORMAT
from tests.support.fhir import Resource, bundle, resource, to, xml
from tests.support.formats import CPR, NOW, faults, mangled, parsed, reads_or_refuses

SEEN = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
WARD = "BedsGeneralWard"
ALL = {
    f"numberOperable{WARD}Adults": 30,
    f"numberOccupied{WARD}Adults": 22,
    f"numberOperable{WARD}Children": 5,
    f"numberOccupied{WARD}Children": 2,
}


def item(link: object, value: object) -> dict[str, Any]:
    return {"linkId": link} | ({} if value is None else {"answer": [{"valueInteger": value}]})


def answers(own_id: str = "Q", counts: dict[str, Any] | None = None, **elements: Any) -> Resource:
    items = [item(link, value) for link, value in (ALL if counts is None else counts).items()]
    return resource(
        "QuestionnaireResponse", own_id, **{"status": "completed", "item": items, **elements}
    )


def composition(*responses: str, **elements: Any) -> Resource:
    entries = [to("QuestionnaireResponse", name) for name in responses or ("Q",)]
    return resource(
        "Composition",
        "C",
        **{
            "status": "final",
            "subject": {"identifier": {"system": "urn:sites", "value": "123456"}},
            "date": "2026-11-22T12:00:00.000+01:00",
            "title": "Bericht",
            "section": [{"entry": entries}],
            **elements,
        },
    )


def document(*resources: Resource) -> Resource:
    return bundle(*(resources or (composition(), answers())), type="document")


def wrapped(inner: Resource) -> Resource:
    return {"resourceType": "Parameters", "parameter": [{"name": "content", "resource": inner}]}


def read(made: object, mapping: object = None) -> Batch:
    return parsed(FORMAT, orjson.dumps(made), mapping)


def only(batch: Batch) -> PlaceReport:
    assert batch.rejects == ()
    (found,) = batch.reports
    assert isinstance(found, PlaceReport)
    return found


EXPECTED = PlaceReport(unit="123456", observed_at=SEEN, total=35, staffed=35, occupied=24, free=11)


# The report Bundle


def test_adults_and_children_are_added_up() -> None:
    batch = read(document())
    assert only(batch) == EXPECTED
    assert batch.places == ("Bundle.entry[0].resource",)


def test_inside_of_parameters() -> None:
    batch = read(wrapped(document()))
    assert only(batch) == EXPECTED
    assert batch.places == ("Parameters.parameter[0].resource.entry[0].resource",)


@pytest.mark.parametrize("made", [document(), wrapped(document())])
def test_xml_reads_as_json_does(made: Resource) -> None:
    assert parsed(FORMAT, xml(made)) == read(made)


@pytest.mark.parametrize(("ages", "counts"), [("adults", (30, 22, 8)), ("children", (5, 2, 3))])
def test_one_age_alone(ages: str, counts: tuple[int, ...]) -> None:
    found = only(read(document(), {"ages": ages}))
    assert (found.total, found.occupied, found.free) == counts


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({f"numberOccupied{WARD}Children": ...}, (35, None, None)),
        ({f"numberOccupied{WARD}Children": None}, (35, None, None)),
        ({f"numberOperable{WARD}Adults": ...}, (None, 24, None)),
        ({f"numberOperable{WARD}Adults": ..., f"numberOperable{WARD}Children": ...},
         (None, 24, None)),
        ({f"numberOccupied{WARD}Children": 0}, (35, 22, 13)),
    ],
)  # fmt: skip
def test_a_missing_addend_makes_the_sum_unknown(changed: dict[str, Any], expected: object) -> None:
    counts = {link: value for link, value in (ALL | changed).items() if value is not ...}
    found = only(read(document(composition(), answers(counts=counts))))
    assert (found.total, found.occupied, found.free) == expected
    assert found.staffed == found.total


def test_more_occupied_than_operable_is_marked_and_kept() -> None:
    counts = ALL | {f"numberOccupied{WARD}Adults": 40}
    found = only(read(document(composition(), answers(counts=counts))))
    assert (found.occupied, found.free, len(found.inconsistencies)) == (42, 0, 1)


def test_answers_deep_inside_and_in_several_responses() -> None:
    occupied, operable = ({k: v for k, v in ALL.items() if part in k} for part in ("Occ", "Oper"))
    nested = answers("R", {}, item=[{"linkId": "1", "item": [{"item": [item(*pair)]} for pair in
                                                             operable.items()]}])  # fmt: skip
    made = document(composition("Q", "R", "nowhere"), answers("Q", occupied), nested)
    assert only(read(made)) == EXPECTED


def test_full_urls_are_followed() -> None:
    made = document(composition(section=[{"entry": [{"reference": "urn:uuid:1"}]}]), answers())
    made["entry"][1]["fullUrl"] = "urn:uuid:1"
    assert only(read(made)) == EXPECTED


def test_two_sites_in_one_bundle() -> None:
    other = composition("R", subject={"identifier": {"value": "654321"}}, date="2026-11-22")
    made = document(
        composition(), answers(), other, answers("R", {f"numberOccupied{WARD}Adults": 1})
    )
    batch = read(made, {"timezone": "Europe/Copenhagen", "ages": "adults"})
    assert [(r.unit, r.total, r.occupied) for r in batch.reports] == [
        ("123456", 30, 22),
        ("654321", None, 1),
    ]
    assert batch.reports[1].observed_at == datetime(2026, 11, 21, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("made", "field"),
    [
        ((composition(status="preliminary"), answers()), "status"),
        ((composition(), answers(status="in-progress")), "status"),
        ((composition(date=None), answers()), "date"),
        ((composition(date="soon"), answers()), "date"),
        ((composition(subject=None), answers()), "unit"),
        ((composition(subject={"identifier": {"value": 5}}), answers()), "unit"),
        ((composition(subject=[]), answers()), "subject"),
        ((composition(section={}), answers()), "section"),
        ((composition(section=[{"entry": {}}]), answers()), "entry"),
        ((composition(), answers(item={})), "item"),
        ((composition(), answers(item=[{"item": 5}])), "item"),
        ((composition(), answers(item=[{"linkId": f"numberOperable{WARD}Adults", "answer": 5}])),
         "answer"),
        ((composition(), answers(item=[item(f"numberOperable{WARD}Adults", 1)] * 2)),
         f"numberOperable{WARD}Adults"),
        ((composition(),
          answers(item=[{"linkId": f"numberOperable{WARD}Adults", "answer": [{}, {}]}])),
         f"numberOperable{WARD}Adults"),
        ((composition(), answers(counts=ALL | {f"numberOccupied{WARD}Adults": -1})),
         "occupied beds"),
        ((composition(), answers(counts=ALL | {f"numberOccupied{WARD}Adults": "22"})),
         "occupied beds"),
        ((composition(), answers(counts=ALL | {f"numberOperable{WARD}Adults": True})),
         "operable beds"),
        ((composition(), answers(counts=ALL | {f"numberOperable{WARD}Adults": 10**6})), "total"),
    ],
)  # fmt: skip
def test_an_element_that_is_wrong_is_named(made: tuple[Resource, ...], field: str) -> None:
    batch = read(document(*made))
    assert (batch.reports, faults(batch)) == ((), [("Bundle.entry[0].resource", field)])


@pytest.mark.parametrize(
    "made",
    [
        document(composition()),
        document(answers()),
        document(composition(section=None), answers()),
        document(composition(), answers(counts={"numberOfBeds": 5, "": 1})),
        document(composition(), answers(item=[{"linkId": 5}], status="in-progress")),
        wrapped(document(composition("nowhere"))),
    ],
)
def test_a_document_without_bed_counts_tells_nothing(made: Resource) -> None:
    with pytest.raises(UnreadableError, match="tells of no capacity"):
        read(made)


def test_people_who_are_named_are_not_read_and_their_numbers_refused() -> None:
    notifier = resource("PractitionerRole", "P", code=[{"text": "Anna"}])
    assert only(read(document(composition(), answers(), notifier))) == EXPECTED
    named = composition(title=f"fra {CPR}")
    batch = read(document(named, answers()))
    assert [(r.field, r.reason) for r in batch.rejects] == [("title", CPR_REASON)]
    batch = read(document(composition(), answers(author={"display": CPR})))
    assert (batch.reports, faults(batch)) == ((), [("Bundle.entry[1].resource", "author.display")])


# The portal's form


def form(occupied: object = None, operable: object = None, **changed: Any) -> dict[str, Any]:
    question = {"occupiedBeds": occupied, "operableBeds": operable}
    return {
        "notifierFacility": {"locationID": "123456", "contact": {"lastname": "X"}},
        "bedOccupancyQuestion": {k: v for k, v in question.items() if v is not None},
        **changed,
    }


def beds(adults: object, children: object) -> dict[str, Any]:
    return {"adultsNumberOfBeds": adults, "childrenNumberOfBeds": children}


def test_a_form_with_everything() -> None:
    batch = read(form(beds(22, 2), beds(30, 5)))
    assert batch.places == ("bedOccupancyQuestion",)
    found = only(batch)
    assert found.observed_at == NOW
    assert (found.total, found.staffed, found.occupied, found.free) == (35, 35, 24, 11)


def test_a_form_with_occupied_beds_only() -> None:
    found = only(read(form(beds(3, 0))))
    assert (found.total, found.staffed, found.occupied, found.free) == (None, None, 3, None)


@pytest.mark.parametrize("children", [None, ...])
def test_a_form_with_a_figure_left_out(children: object) -> None:
    counts = {k: v for k, v in beds(3, children).items() if v is not ...}
    assert only(read(form(counts))).occupied is None
    assert only(read(form(counts), {"ages": "adults"})).occupied == 3


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (form(beds(3, 0), notifierFacility={}), "unit"),
        (form(beds(3, 0), notifierFacility=5), "notifierFacility"),
        (form(beds(3, "0")), "occupied beds"),
        (form(5), "occupiedBeds"),
        (form(bedOccupancyQuestion=[]), "bedOccupancyQuestion"),
        (form(beds(3, 0), note=CPR), "note"),
    ],
)
def test_a_form_with_something_wrong(made: object, field: str) -> None:
    assert faults(read(made)) == [("bedOccupancyQuestion", field)]


# Anything at all

FULL = wrapped(document())


@given(st.binary() | mangled(orjson.dumps(FULL), xml(FULL), orjson.dumps(form(beds(1, 2)))))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)


# Published documents


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BedOccupancyExample",
         ("987654", 300, 258, 42, datetime(2021, 11, 20, 16, 50, tzinfo=UTC))),
        ("gateway-parameters_report_bedoccupancy",
         ("123456", 35, 24, 11, datetime(2022, 8, 31, 11, 38, 38, tzinfo=UTC))),
        ("gateway-portal-report_content_max", ("123456", 35, 24, 11, NOW)),
        ("gateway-portal-report_content_min", ("123456", None, 3, None, NOW)),
    ],
)  # fmt: skip
def test_the_published_reports(samples: Path, name: str, expected: tuple[object, ...]) -> None:
    raw = (samples / "fhir-demis-bedoccupancy" / f"{name}.json").read_bytes()
    found = only(FORMAT.parse(raw, None, NOW))
    assert expected == (found.unit, found.total, found.occupied, found.free, found.observed_at)
    if "portal" not in name:
        as_xml = parsed(FORMAT, xml(orjson.loads(raw)))
        assert as_xml.reports == (found,)


@pytest.mark.samples
def test_the_published_receipt_is_no_report(samples: Path) -> None:
    raw = (samples / "fhir-demis-bedoccupancy" / "BedOccupancyExampleResult.json").read_bytes()
    with pytest.raises(UnreadableError, match="tells of no capacity"):
        FORMAT.parse(raw, None, NOW)
