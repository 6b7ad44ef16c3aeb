"""What is answered to an HL7 v2 message: its acknowledgement, as text, without any patient.

| code | when | what the sender does |
|---|---|---|
| AA | what the message says is durable | goes on to the next |
| AE | it cannot be used; MSA-3 and ERR say which field, and why | mends it, or sets it aside |
| AR | it does not belong here: no ADT, another event or application, no separators, too long | |

While the store is away nothing is answered at all (see `mllp`), because what senders do with AE
and AR is to set the message aside, and it would be lost.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from capacity.model import Reject
from capacity.privacy import holds_cpr
from feeds.formats.hl7v2 import REFUSED_FIELDS
from feeds.formats.hl7v2_message import Header

Code = Literal["AA", "AE", "AR"]
MAX_ECHO = 200
"""Characters repeated of any field of the message."""

_SEPARATORS = str.maketrans(dict.fromkeys("|^~\\&\r\n\x0b\x1c", " "))


def code_of(rejects: Sequence[Reject]) -> Code:
    """The acknowledgement code of a message with these rejects."""
    if not rejects:
        return "AA"
    return "AR" if rejects[0].field in REFUSED_FIELDS else "AE"


def acknowledgement(
    header: Header | None, code: Code, rejects: Sequence[Reject], now: datetime
) -> bytes:
    """An ACK in answer to a message with that header (``None``: it could not be read)."""
    head = header or Header()
    stamp = now.strftime("%Y%m%d%H%M%S")
    event = _plain(head.event)
    fields = [
        "MSH",
        "^~\\&",
        _plain(head.receiving_application),
        _plain(head.receiving_facility),
        _plain(head.sending_application),
        _plain(head.sending_facility),
        stamp + now.strftime("%z"),
        "",
        f"ACK^{event}^ACK" if event else "ACK",
        f"{stamp}{now.microsecond // 1000:03}",
        _plain(head.processing_id) or "P",
        _plain(head.version) or "2.5",
    ]
    first = rejects[0] if rejects else None
    reason = _plain(f"{first.field} {first.reason}") if first else ""
    segments = ["|".join(fields), f"MSA|{code}|{_plain(head.control_id)}|{reason}".rstrip("|")]
    segments += [_error(reject) for reject in rejects[:10]]
    return "".join(segment + "\r" for segment in segments).encode()


def _error(reject: Reject) -> str:
    """ERR as of version 2.5: the place as segment^sequence^field, and the reason in words."""
    segment, dash, number = reject.field.partition("-")
    place = f"{segment}^1^{number}" if dash and number.isdecimal() else ""
    return f"ERR||{place}|{_condition(reject)}^HL70357|E||||{_plain(reject.reason)}"


def _condition(reject: Reject) -> str:
    """The code of HL7 table 0357 that comes nearest."""
    if reject.field == "MSH-9":
        return "200^Unsupported message type"
    if reject.reason.startswith("is missing"):
        return "101^Required field missing"
    return "102^Data type error" if "-" in reject.field else "207^Application internal error"


def _plain(text: str) -> str:
    """A text of the message that may be repeated to its sender: cut, and no person's number."""
    cut = text.translate(_SEPARATORS)[:MAX_ECHO].strip()
    return cut if cut.isprintable() and not holds_cpr(cut) else ""
