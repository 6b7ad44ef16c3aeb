"""MedCom hospital notifications of our own making. Whoever is in them does not exist."""

from typing import Any

import orjson

SOR = "urn:oid:1.2.208.176.1.1"
HOSPITAL, MUNICIPALITY, WARD = "100000000000001", "200000000000002", "300000000000003"
PATIENT = "OPDIGTET"
CPR = "120499-1234"
EVENTS = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-eventCodes"


def organisation(name: str, *identifiers: tuple[str, str]) -> dict[str, Any]:
    """An organisation under those identifiers (system, value)."""
    stated = [{"system": system, "value": value} for system, value in identifiers]
    return {"resourceType": "Organization", "id": name, "identifier": stated, "name": PATIENT}


def provenance(message: str, activity: str | None, revises: str | None) -> dict[str, Any]:
    """What one message of the chain did."""
    found: dict[str, Any] = {
        "resourceType": "Provenance",
        "id": f"p-{message}",
        "target": [{"reference": f"MessageHeader/{message}"}],
        "occurredDateTime": "2026-11-22T12:55:02+01:00",
    }
    if activity is not None:
        found["activity"] = {"coding": [{"code": activity}]}
    if revises is not None:
        what = {"reference": f"MessageHeader/{revises}"}
        found["entity"] = [{"role": "revision", "what": what}]
    return found


def notification(
    activity: str | None = "admit-inpatient",
    status: str = "in-progress",
    *,
    before: str | None = None,
    message: str = "m2",
    at: str | None = "2026-11-22T12:55:01+01:00",
    receiver: tuple[tuple[str, str], ...] = ((SOR, MUNICIPALITY),),
    stay: str = "IMP",
) -> dict[str, Any]:
    """One message Bundle; `before` is the activity of the message it revises."""
    header = {
        "resourceType": "MessageHeader",
        "id": message,
        "text": {"div": f"<div>{PATIENT} {CPR}</div>"},
        "eventCoding": {"system": EVENTS, "code": "hospital-notification-message"},
        "destination": [{"receiver": {"reference": "Organization/municipality"}}],
        "sender": {"reference": "Organization/hospital"},
        "focus": [{"reference": "Encounter/e"}],
    }
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": status,
        "class": {"code": stay},
        "subject": {"reference": "Patient/p", "display": f"{PATIENT} {CPR}"},
        "serviceProvider": {"reference": "Organization/ward"},
    }
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"value": CPR}],
        "name": [{"family": PATIENT}],
    }
    resources: list[dict[str, Any]] = [
        header,
        patient,
        encounter,
        organisation("hospital", (SOR, HOSPITAL)),
        organisation("municipality", ("https://www.gs1.org/gln", "579"), *receiver),
        organisation("ward", (SOR, WARD)),
        provenance(message, activity, "m1" if before else None),
    ]
    if before is not None:
        resources.append(provenance("m1", before, None))
    bundle = {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {"fullUrl": f"{each['resourceType']}/{each['id']}", "resource": each}
            for each in resources
        ],
    }
    return bundle | ({"timestamp": at} if at else {})


def document(bundle: object) -> bytes:
    """As JSON bytes."""
    return orjson.dumps(bundle)
