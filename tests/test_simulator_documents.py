"""What the simulated systems write can be read back with plain tools, as described."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulators import care_csv, care_json, hospital
from simulators.day import Day
from simulators.document import STRANGE_ID, Flaw
from simulators.figures import Closure, Figures, Look
from simulators.scenario import load_scenario
from simulators.station import MANNERS

AT = datetime(2026, 11, 22, 13, 5, 9, 250_000, tzinfo=UTC)
PLACE = Figures(kind="place", total=2, staffed=2, occupied=1, reserved=0, closed=0)
SHUT = Figures(
    kind="place",
    total=1,
    staffed=0,
    occupied=0,
    reserved=0,
    closed=1,
    closure=Closure("Sygdom i personalet", 600.0),
)
TEAM = Figures(
    kind="team",
    total=3,
    staffed=3,
    occupied=3,
    reserved=0,
    closed=0,
    on_duty=True,
    next_free_at=525,
)
LOAD = Figures(kind="load", total=50, staffed=48, occupied=52, waiting=3)


def look(**units: Figures) -> Look:
    return Look(AT, 480.0, units)


def test_semicolon_csv_is_as_described() -> None:
    (document,) = care_csv.semicolon(look(A=PLACE, B=SHUT, TEAM=TEAM))
    text = document.body.decode("cp1252")
    assert b"Bem\xe6rkning" in document.body, "Windows-1252, not UTF-8"
    title, *rest = text.split("\r\n")
    assert ";" not in title
    rows = list(csv.reader(rest, delimiter=";"))
    assert rows[0] == list(care_csv.SEMICOLON_HEADERS)
    assert rows[1] == ["A", "2", "2", "1", "0", "0", "22-11-2026 14:05", ""]
    assert rows[2] == [
        *("B", "1", "0", "0", "0", "1", "22-11-2026 14:05"),
        "Lukket: Sygdom i personalet",
    ]
    assert rows[4] == ["I alt", "6", "5", "4", "0", "1", "22-11-2026 14:05", ""]


def test_comma_csv_is_as_described() -> None:
    (document,) = care_csv.comma(look(A=PLACE, T=TEAM))
    assert document.body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(document.body.decode("utf-8-sig"))))
    assert rows[0] == list(care_csv.COMMA_HEADERS)
    assert rows[1] == ["A", "2", "2", "1", "0", "0", "2026-11-22T14:05:09+01:00", ""]
    assert datetime.fromisoformat(rows[2][6]) == AT.replace(microsecond=0)


def test_an_unknown_count_is_written_in_the_words_of_the_format() -> None:
    unknown = look(A=Figures(kind="place", total=2))
    assert b"A;2;ukendt;ukendt" in care_csv.semicolon(unknown)[0].body
    assert b'"A","2","","",' in care_csv.comma(unknown)[0].body
    report = json.loads(care_json.push(unknown)[0].body)["reports"][0]
    assert report["occupied"] is None
    resource = json.loads(hospital.fhir_json(unknown)[0].body)
    occupied = resource["group"][0]["population"][2]
    assert "count" not in occupied
    assert occupied["_count"]["extension"][0]["valueCode"] == "unknown"


def test_json_reports_hold_what_their_type_keeps() -> None:
    (document,) = care_json.push(look(A=SHUT, T=TEAM, L=Figures(kind="load", waiting=0)))
    place, team, load = json.loads(document.body)["reports"]
    assert place == {
        "unit": "A",
        "type": "place",
        "observed_at": "2026-11-22T13:05:09.250Z",
        "total": 1,
        "staffed": 0,
        "occupied": 0,
        "reserved": 0,
        "closed": 1,
        "closure": {
            "reason": "Sygdom i personalet",
            "reopens_at": "2026-11-22T15:10:00.000Z",
            "reopens_itself": False,
        },
    }
    assert team["next_free_at"] == "2026-11-22T13:55:00.000Z", "45 minutes on, in whole 5 minutes"
    assert team["on_duty"] is True
    assert load == {
        "unit": "L",
        "type": "load",
        "observed_at": "2026-11-22T13:05:09.250Z",
        "waiting": 0,
        "wait_minutes": None,
    }


def test_a_round_instant_is_not_pushed_on() -> None:
    at = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
    assert Look(at, 0, {}).instant(10) == at + timedelta(minutes=10)
    assert Look(at, 50, {}).instant(10) == at, "what is over is now"


def populations(report: dict[str, Any]) -> dict[str, Any]:
    return {
        one["code"]["coding"][0]["code"]: one.get("count")
        for one in report["group"][0]["population"]
    }


def test_fhir_json_is_one_measure_report_a_location() -> None:
    acute, home = (
        json.loads(document.body) for document in hospital.fhir_json(look(AKUT=LOAD, HJEMME=PLACE))
    )
    assert acute["resourceType"] == "MeasureReport"
    assert acute["subject"]["reference"] == "Location/AKUT"
    assert populations(acute) == {
        "numTotBeds": 50,
        "numBeds": 48,
        "numBedsOcc": 52,
        "numWaiting": 3,
    }
    assert populations(home) == {"numTotBeds": 2, "numBeds": 2, "numBedsOcc": 1}
    assert acute["date"] == acute["period"]["end"] == "2026-11-22T14:05:09.250+01:00"


def test_fhir_xml_says_the_same_as_fhir_json() -> None:
    fhir = {"f": "http://hl7.org/fhir"}
    known = look(AKUT=LOAD, HJEMME=Figures(kind="place", total=2))
    for xml, json_document in zip(hospital.fhir_xml(known), hospital.fhir_json(known), strict=True):
        root, resource = ET.fromstring(xml.body), json.loads(json_document.body)
        assert root.tag == "{http://hl7.org/fhir}MeasureReport"
        reference = root.find("f:subject/f:reference", fhir)
        assert reference is not None
        assert reference.get("value") == resource["subject"]["reference"]
        found = {}
        for population in root.iterfind("f:group/f:population", fhir):
            code = population.find("f:code/f:coding/f:code", fhir)
            count = population.find("f:count", fhir)
            assert code is not None
            assert count is not None
            found[code.get("value")] = count.get("value")
            if count.get("value") is None:
                extension = count.find("f:extension", fhir)
                assert extension is not None
                assert extension.get("url") == hospital.ABSENT
                reason = extension.find("f:valueCode", fhir)
                assert reason is not None
                assert reason.get("value") == "unknown"
        assert found == {
            code: None if count is None else str(count)
            for code, count in populations(resource).items()
        }
        order = [child.tag.rpartition("}")[2] for child in root]
        assert order == [
            "id",
            "status",
            "type",
            "measure",
            "subject",
            "date",
            "reporter",
            "period",
            "group",
        ]


def test_xml_text_is_escaped() -> None:
    xml = hospital.to_xml({"resourceType": "Basic", "id": 'a<b>&"c"'})
    element = ET.fromstring(xml)[0]
    assert element.get("value") == 'a<b>&"c"'


@pytest.mark.parametrize("flaw", list(Flaw))
def test_a_flaw_spoils_the_last_row_only(flaw: Flaw) -> None:
    seen = look(A=PLACE, B=PLACE)
    sound, broken = (care_csv.comma(seen, f)[0].body.splitlines() for f in (None, flaw))
    assert [a == b for a, b in zip(sound, broken, strict=True)] == [True, True, False]
    sound, broken = (care_csv.semicolon(seen, f)[0].body.splitlines() for f in (None, flaw))
    assert [a == b for a, b in zip(sound, broken, strict=True)] == [True, True, True, False, True]
    good, bad = json.loads(care_json.push(seen, flaw)[0].body)["reports"]
    assert good == json.loads(care_json.push(seen)[0].body)["reports"][0]
    assert (bad["unit"] == STRANGE_ID, bad["occupied"] in ("mange", -1)) in (
        (True, False),
        (False, True),
    )
    (bundle,) = hospital.fhir_json(seen, flaw)
    first, last = (entry["resource"] for entry in json.loads(bundle.body)["entry"])
    assert first == json.loads(hospital.fhir_json(seen)[0].body)
    assert last != json.loads(hospital.fhir_json(seen)[1].body)
    (xml,) = hospital.fhir_xml(seen, flaw)
    assert len(ET.fromstring(xml.body).findall(".//{http://hl7.org/fhir}MeasureReport")) == 2


def test_every_system_of_the_shipped_day_writes_all_its_units() -> None:
    scenario = load_scenario()
    figures = Day(scenario, 1).figures()
    told = set()
    for system in scenario.systems:
        units = {own: figures[unit] for own, unit in system.units.items()}
        documents = MANNERS[system.speaks].write(Look(AT, 480.0, units), None)
        whole = b"".join(document.body for document in documents)
        assert all(own.encode() in whole for own in units), system.source
        told |= set(system.units.values())
    assert told == set(scenario.unit_names()), "every unit is told of by a system"


def examples(language: str) -> list[str]:
    """The fenced examples of a language in the documentation."""
    text = (Path(__file__).resolve().parents[1] / "docs" / "simulators.md").read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)\n```", text, re.DOTALL)


BUSY = replace(TEAM, total=4, staffed=4, reserved=1, next_free_at=505.0)


def test_the_documented_csv_is_what_is_written() -> None:
    semicolon = care_csv.semicolon(look(**{"AP-1": PLACE, "AP-2": SHUT, "TEAM": BUSY}))
    comma = care_csv.comma(look(**{"706-A": SHUT, "706-T": BUSY}))
    written = [semicolon[0].body.decode("cp1252"), comma[0].body.decode("utf-8-sig")]
    assert [example.splitlines() for example in examples("csv")] == [
        text.splitlines() for text in written
    ]


def test_the_documented_json_is_what_is_written() -> None:
    push, rhr, region, fhir = (json.loads(example) for example in examples("json"))
    written = look(**{"favrskov-akutplads": SHUT, "favrskov-akutteam": BUSY})
    assert push == json.loads(care_json.push(written)[0].body)
    acute = replace(LOAD, staffed=50, occupied=51)
    assert fhir == json.loads(hospital.fhir_json(look(AKUT=acute))[0].body)
    systems = {system.source: system for system in load_scenario().systems}
    figures = Day(load_scenario(), 1).figures()
    for source, documented in (("rhr-status", rhr), ("region-status", region)):
        units = {own: figures[unit] for own, unit in systems[source].units.items()}
        reports = json.loads(hospital.status(look(**units))[0].body)["reports"]
        for example, report in zip(documented["reports"], reports, strict=True):
            kept = [report | {"closure": 0}, report]
            assert example.keys() in [one.keys() for one in kept]
            assert (example["unit"], example["type"]) == (report["unit"], report["type"])


def test_the_documented_xml_is_what_is_written() -> None:
    (example,) = examples("xml")
    six = Figures(kind="place", total=6, staffed=6, occupied=4)
    written = hospital.fhir_xml(look(HJEMME=six))[0].body.decode()
    assert re.sub(r">\s+<", "><", example) == re.sub(r">\s+<", "><", written)
