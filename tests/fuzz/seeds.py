"""Where the fuzzer begins: the recordings of each format, and small documents beside them.

The documents here only need to touch what the recordings do not, so that the fuzzer need not find
the way to a whole branch (FHIR Slots, EDXL-HAVE 2.0) by luck.
"""

import tomllib
from pathlib import Path
from typing import Any

import orjson

from tests.support.fhir import bundle, concept, resource, to, xml
from tests.support.hl7 import adt, bed

RECORDINGS = Path(__file__).parents[1] / "support" / "recordings"
_AT = "2026-11-22T11:00:00Z"


def mappings(name: str) -> list[dict[str, Any] | None]:
    """As the recording's source declares it, others, and none."""
    with (RECORDINGS / name / "source.toml").open("rb") as file:
        source = tomllib.load(file)["source"][0]
    units = source["units"]
    declared = {
        **source.get("mapping", {}),
        "timezone": source["timezone"],
        "units": units if isinstance(units, dict) else {unit: unit for unit in units},
    }
    return [declared, *_MAPPINGS.get(name, ()), None]


def seeds(name: str) -> list[bytes]:
    """The documents of a format, its recordings first."""
    recorded = sorted((RECORDINGS / name).iterdir())
    return [
        *(path.read_bytes() for path in recorded if path.suffix != ".toml"),
        *_SEEDS.get(name, ()),
    ]


_MAPPINGS: dict[str, tuple[dict[str, Any], ...]] = {
    "csv": (
        {"constants": {"type": "team"}, "ignore_case": True, "report_type": "load"},
        {"timezone": "Europe/Copenhagen", "repeated": "refuse", "quote": ""},
    ),
    "xlsx": ({"sheet": "*", "ignore_case": True},),
    "have": ({"unit_per": "service", "without_time": "refuse", "bed_types": ["ICU"]},),
    "ical": (
        {"unit": "T", "timezone": "Europe/Copenhagen"},
        {"unit": "T", "report_type": "advice"},
    ),
    "fhir": (
        {
            "timezone": "Europe/Copenhagen",
            "units": {"w": "a", "h": "b", "123456": "c"},
            "types": {"h": "advice"},
            "undated": "received",
            "notified": "whole_units",
        },
    ),
}
_FULL = {
    "reports": [
        {
            "unit": "a",
            "type": "place",
            "observed_at": _AT,
            "total": 4,
            "staffed": 4,
            "occupied": 1,
            "reserved": 1,
            "closed": 1,
            "free": 1,
            "note": "n",
            "capabilities_off": ["iv"],
            "closure": {"reason": "r", "reopens_at": _AT, "reopens_itself": True},
        },
        {"unit": "b", "type": "team", "observed_at": _AT, "on_duty": True, "next_free_at": _AT},
        {"unit": "c", "type": "load", "observed_at": _AT, "waiting": 3, "wait_minutes": None},
        {"unit": "d", "type": "slot", "observed_at": "2026-11-22T11:00", "next_free_at": None},
        {"unit": "e", "type": "advice", "observed_at": _AT, "on_duty": False, "waiting": 0},
    ]
}
_BEDS = bundle(
    resource("Location", "w", physicalType=concept("wa"), status="active", mode="instance"),
    *(
        resource(
            "Location",
            f"b{state}",
            physicalType=concept("bd"),
            operationalStatus={"code": state},
            partOf=to("Location", "w"),
            meta={"lastUpdated": _AT},
        )
        for state in "UOCHKI"
    ),
    timestamp=_AT,
)
_SLOTS = bundle(
    resource("Schedule", "s", actor=[to("Location", "w")], active=True),
    *(
        resource(
            "Slot",
            f"s{state}",
            schedule=to("Schedule", "s"),
            status=state,
            start="2026-11-22T13:00:00Z",
            end="2026-11-22T14:00:00Z",
        )
        for state in ("free", "busy", "busy-tentative", "busy-unavailable", "entered-in-error")
    ),
    timestamp=_AT,
)
_HOURS = resource(
    "HealthcareService",
    "h",
    active=True,
    availableTime=[
        {"daysOfWeek": ["mon", "sun"], "availableStartTime": "22:00:00",
         "availableEndTime": "07:00:00"},
        {"daysOfWeek": ["sat"], "allDay": True},
    ],
    notAvailable=[{"description": "Jul", "during": {"start": "2026-12-24", "end": "2026-12-26"}}],
    meta={"lastUpdated": _AT},
)  # fmt: skip
_NOTICE = bundle(
    {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "subscription", "valueReference": {"reference": "Subscription/a"}},
            {"name": "status", "valueCode": "active"},
            {"name": "type", "valueCode": "event-notification"},
            {"name": "events-since-subscription-start", "valueString": "2"},
            {
                "name": "notification-event",
                "part": [{"name": "event-number", "valueString": "2"}],
            },
        ],
    },
    _HOURS,
    type="history",
    timestamp=_AT,
)
_WARD = "BedsGeneralWard"
_DEMIS = bundle(
    resource(
        "Composition",
        status="final",
        date=_AT,
        section=[{"entry": [to("QuestionnaireResponse", "q")]}],
    ),
    resource(
        "QuestionnaireResponse",
        "q",
        status="completed",
        item=[
            {"linkId": f"number{kind}{_WARD}{age}", "answer": [{"valueInteger": 5}]}
            for kind in ("Operable", "Occupied")
            for age in ("Adults", "Children")
        ],
    ),
)
_FHIR = (_BEDS, _SLOTS, bundle(_HOURS, timestamp=_AT), _NOTICE, _DEMIS)

_HAVE_2 = (
    '<HAVE xmlns="urn:oasis:names:tc:emergency:edxl:have:2.0"><reportingPeriod>'
    "<start>2026-11-22T00:00:00Z</start><end>2026-11-22T23:00:00Z</end></reportingPeriod>"
    "<facility><facilityInformation><facilityID>F</facilityID></facilityInformation><serviceList>"
    "<serviceListItem><serviceTaxonomyKeyValue>ICU</serviceTaxonomyKeyValue><serviceStatus>"
    "<isAvailable>true</isAvailable></serviceStatus><serviceBedCapacity>"
    "<availableCount>-1</availableCount><baselineCount>4</baselineCount></serviceBedCapacity>"
    "</serviceListItem></serviceList></facility></HAVE>"
)
_EVENTS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-TIMEZONE:Europe/Copenhagen\r\n"
    "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:T\r\nDTSTART;TZID=Europe/Copenhagen:20260105T230000\r\n"
    "DTEND;TZID=Europe/Copenhagen:20260106T070000\r\n"
    "RRULE:FREQ=WEEKLY;BYDAY=MO,SU;WKST=MO;INTERVAL=1\r\n"
    "EXDATE;TZID=Europe/Copenhagen:20261116T230000\r\nRDATE:20261122T110000Z\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:1\r\nSEQUENCE:2\r\nRECURRENCE-ID;TZID=Europe/Copenhagen:20261122T230000"
    "\r\nDTSTART:20261122T110000Z\r\nDURATION:PT8H\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20261122\r\nSUMMARY:Lukket\r\n"
    "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1,22;COUNT=900\r\nBEGIN:VALARM\r\nEND:VALARM\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:3\r\nDTSTART:20200101T000000\r\n"
    "RRULE:FREQ=YEARLY;BYMONTH=1,11;BYDAY=2MO,-1SU;BYSETPOS=1;UNTIL=20301231T000000Z\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
_TABLE = (
    "unit;type;observed_date;observed_time;total;occupied;waiting;on_duty;closure_reason;reopens_at"
    "\nA;load;22.11.2026;12:00; 4 ;NA;3;;;\nB;team;2026-11-22;12:00;;;;ja;;"
    '\n"C";place;2026-11-22;12:00;4;9;;;"R;""x""";2026-11-23T08:00:00Z\n'
)
_SEEDS: dict[str, tuple[bytes, ...]] = {
    "json": (orjson.dumps(_FULL), orjson.dumps(_FULL["reports"][0])),
    "ndjson": (b"\n".join(map(orjson.dumps, _FULL["reports"])),),
    "csv": (_TABLE.encode(), _TABLE.replace(";", ",").encode("utf-8-sig")),
    "fhir": (
        *map(orjson.dumps, _FHIR),
        *map(xml, _FHIR),
        b'{"transactionTime": "2026-11-22T11:00:00Z"}\n'
        + b"\n".join(orjson.dumps(entry["resource"]) for entry in _BEDS["entry"]),
    ),
    "hl7v2": (
        bed("A1^1^2", "U").encode(),
        *(adt(f"A{number:02}").encode() for number in (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13)),
    ),
    "have": (
        _HAVE_2.encode(),
        b'<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0">'
        b"<dateTimeSent>2026-11-22T11:50:00Z</dateTimeSent>"
        b"<distributionStatus>Actual</distributionStatus><contentObject><xmlContent>"
        b"<embeddedXMLContent>" + _HAVE_2.encode() + b"</embeddedXMLContent></xmlContent>"
        b"</contentObject></EDXLDistribution>",
    ),
    "ical": (_EVENTS.encode(),),
}
