"""MedCom HospitalNotification (FHIR message, 2.x and 3.x): citizens admitted, on leave, back, home.

JSON or XML; one message Bundle, or a Bundle of such Bundles. The message tells a municipality
about one citizen; what is kept is that one citizen more or fewer of an organisation is in
hospital. **The Patient resource, all narrative and everything else the table does not name is
never looked at**, so a CPR number may be there and goes nowhere.

| element | used as | notes |
|---|---|---|
| ``MessageHeader.id`` | identity of the message | a message that comes again counts once |
| ``Bundle.timestamp`` | observed_at | else ``Provenance.occurredDateTime`` of this message |
| ``Encounter.status`` | where the citizen is now | in-progress: in; onleave, finished: out; |
| | | entered-in-error: as before the message that is cancelled |
| ``Encounter.class`` | | inpatient and acute ambulant count, see `MedcomMapping.classes` |
| ``Provenance.activity`` of the message revised | where the citizen was before | |
| receiver, sender or service provider | unit | ``SOR:`` and the identifier under |
| | | ``urn:oid:1.2.208.176.1.1``; or a municipality's four digits |

The message counts as the difference between now and before, so a correction that moves nobody, or
going home straight from leave, counts nothing. ``Encounter.status`` is believed over the activity
code: MedCom's own examples end a stay under an admission's code.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from capacity.instants import BadInstantError, parse_instant
from capacity.model import Batch, Movement, MovementKind, Reject
from capacity.reading import FieldError
from capacity.rules import is_from_the_future
from feeds.formats import Format
from feeds.formats.fhir_xml import load_xml
from feeds.formats.gathering import DOCUMENT, MAX_ROWS, unreadable
from feeds.formats.hl7v2_message import read_identifier
from feeds.formats.movement_mapping import MovementMapping
from feeds.formats.own_json import load_json

SOR = "urn:oid:1.2.208.176.1.1"
MUNICIPALITY = "http://hl7.dk/fhir/core/CodeSystem/dk-core-municipality-codes"
EVENT = "hospital-notification-message"

_IN_HOSPITAL = {"in-progress": True, "onleave": False, "finished": False}
_BEFORE_AND_AFTER = {
    "admit": (False, True),
    "start-leave": (True, False),
    "end-leave": (False, True),
    "discharge": (True, False),
}
_Object = dict[str, Any]


class MedcomMapping(MovementMapping):
    """Whose organisation a movement is counted for, and which stays count."""

    organisation: Literal["receiver", "sender", "service_provider"] = "receiver"
    """The municipality told (the load it has in hospital), the hospital telling, or the ward."""
    municipalities: dict[str, str] = Field(default={})
    """SOR identifiers of organisations -> one identifier, such as ``0730``, to count them under."""
    classes: frozenset[str] = frozenset({"IMP", "EMER"})


def parse(raw: bytes, mapping: MedcomMapping | None, received_at: datetime) -> Batch:
    """Movements of hospital notifications; see the module's table."""
    mapping = mapping or MedcomMapping()
    is_xml = raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    document = load_xml(raw) if is_xml else load_json(raw)
    movements: list[Movement] = []
    rejects: list[Reject] = []
    for where, bundle in _messages(document):
        try:
            movement = _Notification(bundle, mapping, where).movement(received_at)
        except FieldError as error:
            rejects.append(Reject(where, error.field, error.reason))
        else:
            movements += [movement] if movement else []
    return Batch(rejects=tuple(rejects), movements=tuple(movements))


def _messages(document: object) -> Iterator[tuple[str, _Object]]:
    if not isinstance(document, dict) or document.get("resourceType") != "Bundle":
        raise unreadable("resourceType", "is not Bundle")
    if document.get("type") == "message":
        yield "Bundle", document
        return
    inner = [
        (f"Bundle.entry[{index}].resource", entry.get("resource"))
        for index, entry in enumerate(_many(document, "entry"))
    ]
    found = [
        (where, bundle)
        for where, bundle in inner
        if isinstance(bundle, dict) and bundle.get("type") == "message"
    ]
    if not found:
        raise unreadable("type", "is not message, and no message is inside")
    if len(found) > MAX_ROWS:
        raise unreadable(DOCUMENT, f"holds more than {MAX_ROWS} messages")
    yield from found


class _Notification:
    """One message, of which Patient resources are left out from the beginning."""

    def __init__(self, bundle: _Object, mapping: MedcomMapping, where: str) -> None:
        self._bundle = bundle
        self._mapping = mapping
        self._where = where
        self._resources: dict[str, _Object] = {}
        self._provenances: list[_Object] = []
        header: _Object | None = None
        for entry in _many(bundle, "entry"):
            resource, url = entry.get("resource"), entry.get("fullUrl")
            kind = resource.get("resourceType") if isinstance(resource, dict) else None
            if not isinstance(resource, dict) or kind == "Patient":
                continue
            if kind == "Provenance":
                self._provenances.append(resource)
            elif kind == "MessageHeader":
                header = header or resource
            for name in (url, f"{kind}/{resource.get('id')}"):
                if isinstance(name, str):
                    self._resources[name] = resource
        if header is None:
            raise FieldError("MessageHeader", "is missing")
        if _one(header, "eventCoding").get("code") != EVENT:
            raise FieldError("MessageHeader.eventCoding", "is no hospital notification")
        self._header = header

    def movement(self, received_at: datetime) -> Movement | None:
        """What it counts as; ``None`` when nobody moved."""
        message_id = read_identifier(_text(self._header, "id"), "MessageHeader.id")
        observed_at = self._observed_at(received_at)
        encounter = self._referred(_first(self._header, "focus"), "MessageHeader.focus")
        unit = self._unit(encounter)
        activity = self._activity(message_id)
        before, now = self._before(message_id, activity), self._now(encounter, activity)
        if before is now or _text(_one(encounter, "class"), "code") not in self._mapping.classes:
            return None
        return Movement(
            unit=unit,
            observed_at=observed_at,
            change=1 if now else -1,
            kind=_kind(encounter, activity, now=now),
            message_id=message_id,
            where=self._where,
        )

    def _observed_at(self, received_at: datetime) -> datetime:
        field, text = "Bundle.timestamp", _text(self._bundle, "timestamp")
        if not text:
            field = "Provenance.occurredDateTime"
            for provenance in self._about(_text(self._header, "id")):
                text = _text(provenance, "occurredDateTime")
        if not text:
            raise FieldError("Bundle.timestamp", "is missing")
        local = self._mapping.local_time
        try:
            instant = parse_instant(text, local.zone, local.repeated)
        except BadInstantError as error:
            raise FieldError(field, str(error)) from error
        if is_from_the_future(instant, received_at):
            raise FieldError(field, "lies more than two minutes in the future")
        return instant

    def _unit(self, encounter: _Object) -> str:
        way = self._mapping.organisation
        if way == "service_provider":
            field, reference = "Encounter.serviceProvider", _one(encounter, "serviceProvider")
        elif way == "sender":
            field, reference = "MessageHeader.sender", _one(self._header, "sender")
        else:
            field = "MessageHeader.destination.receiver"
            reference = _one(_first(self._header, "destination"), "receiver")
        identifiers = {
            _text(identifier, "system"): _text(identifier, "value")
            for identifier in _many(self._referred(reference, field), "identifier")
        }
        sor = read_identifier(identifiers[SOR], field) if identifiers.get(SOR) else ""
        if sor in self._mapping.municipalities:
            return self._mapping.municipalities[sor]
        if sor:
            return f"SOR:{sor}"
        if MUNICIPALITY in identifiers:
            return read_identifier(identifiers[MUNICIPALITY], field)
        raise FieldError(field, "names no organisation by a SOR identifier")

    def _referred(self, reference: _Object, field: str) -> _Object:
        name = _text(reference, "reference")
        if name not in self._resources:
            raise FieldError(field, "refers to nothing in the message")
        return self._resources[name]

    def _about(self, message_id: str) -> list[_Object]:
        """The provenances of one message of the chain."""
        wanted = f"MessageHeader/{message_id}"
        return [
            provenance
            for provenance in self._provenances
            if _text(_first(provenance, "target"), "reference").endswith(wanted)
        ]

    def _activity(self, message_id: str) -> str:
        for provenance in self._about(message_id):
            coding = _first(_one(provenance, "activity"), "coding")
            return _text(coding, "code")
        return ""

    def _before(self, message_id: str, activity: str) -> bool:
        """Whether the citizen was in hospital before this message.

        The chain of provenances tells, as far as it comes along; else the activity itself does.
        """
        for provenance in self._about(message_id):
            revised = _text(_one(_first(provenance, "entity"), "what"), "reference")
            previous = self._activity(revised.rpartition("/")[2]) if revised else ""
            if previous:
                return _after(previous)
        correction, before, after = _meaning(activity)
        return after if correction else before

    def _now(self, encounter: _Object, activity: str) -> bool:
        status = _text(encounter, "status")
        if status in _IN_HOSPITAL:
            return _IN_HOSPITAL[status]
        if status != "entered-in-error":
            raise FieldError("Encounter.status", f"is none of {', '.join(_IN_HOSPITAL)}")
        return _after(activity) if activity.startswith("cancel-") else False


def _kind(encounter: _Object, activity: str, *, now: bool) -> MovementKind:
    if activity.startswith("cancel-") or encounter.get("status") == "entered-in-error":
        return MovementKind.CANCELLED
    if now:
        returned = "end-leave" in activity
        return MovementKind.RETURNED if returned else MovementKind.ADMITTED
    on_leave = encounter.get("status") == "onleave"
    return MovementKind.ON_LEAVE if on_leave else MovementKind.DISCHARGED


def _meaning(activity: str) -> tuple[str, bool, bool]:
    """Whether an activity corrects (``revise``, ``cancel``), and in hospital before and after."""
    correction, plain = "", activity
    for prefix in ("revise-", "cancel-"):
        if activity.startswith(prefix):
            correction, plain = prefix, activity.removeprefix(prefix)
    for name, (before, after) in _BEFORE_AND_AFTER.items():
        if plain.startswith(name):
            return correction, before, after
    raise FieldError("Provenance.activity", "is no activity of a hospital notification")


def _after(activity: str) -> bool:
    correction, before, after = _meaning(activity)
    return before if correction == "cancel-" else after


def _one(holder: _Object, name: str) -> _Object:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _many(holder: _Object, name: str) -> list[_Object]:
    """The objects under a name; in XML a single one stands alone."""
    value = holder.get(name)
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _first(holder: _Object, name: str) -> _Object:
    return next(iter(_many(holder, name)), {})


def _text(holder: _Object, name: str) -> str:
    value = holder.get(name)
    return value.strip() if isinstance(value, str) else ""


FORMAT = Format(
    "medcom",
    ("application/fhir+json", "application/fhir+xml", "application/json", "application/xml"),
    parse,
    MedcomMapping,
    carries_patients=True,
)
