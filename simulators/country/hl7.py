"""Admissions and discharges as HL7 v2 ADT messages, the way a patient administration sends them.

One message for each person who comes (A01) or leaves (A03), without any segment about the person:
nobody is in it, not even an invented one. Times have milliseconds and an offset.
"""

from datetime import datetime

from simulators.care_csv import COPENHAGEN
from simulators.document import Document

MEDIA_TYPE = "x-application/hl7-v2+er7"


def movement(ward: str, change: int, at: datetime, number: str, facility: str) -> Document:
    """One person more (`change` 1) or fewer (-1) in a ward; `number` is the message's own id."""
    event = "A01" if change > 0 else "A03"
    told = _time(at)
    segments = [
        f"MSH|^~\\&|PAS|{facility}|AKUT|LANDET|{told}||ADT^{event}^ADT_A01|{number}|P|2.5",
        f"EVN|{event}|{told}",
        f"PV1|1|I|{ward}^^^{facility}",
    ]
    return Document(("\r".join(segments) + "\r").encode("ascii"), MEDIA_TYPE, ".hl7")


def _time(at: datetime) -> str:
    local = at.astimezone(COPENHAGEN)
    return f"{local:%Y%m%d%H%M%S}.{local.microsecond // 1000:03d}{local:%z}"
