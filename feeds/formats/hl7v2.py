"""HL7 v2 ADT: who comes to a ward and who leaves it, as movements without anyone's name.

One or many messages, bare or in a batch; segments end with CR, LF or both. The event is MSH-9's,
whatever EVN-1 says. Of a message only what the table names is looked at; PID and every other
segment about a person is passed over while reading.

| element | used as | notes |
|---|---|---|
| ``MSH-9`` | event | see below; other events and other types are refused |
| ``MSH-10``, ``MSH-3``, ``MSH-4`` | identity of the message | one that comes again counts once |
| ``MSH-11`` | | see `Hl7Mapping.processing_ids` |
| ``EVN-2``, else ``MSH-7`` | observed_at | when it was recorded, to the minute at least; with an |
| | | offset, or local to the mapping's zone |
| ``PV1-3`` | unit | point of care, else facility; see `Hl7Mapping.location` |
| ``PV1-6`` | unit left by a transfer | |
| ``PV1-2`` | patient class | outpatients take no place |
| ``NPU-1``, ``NPU-2`` | bed, its status (A20) | C, H, K out of use, O, I occupied, U free |

| event | counts as |
|---|---|
| A01 admit, A13 cancel discharge | one more in PV1-3 |
| A03 discharge, A11 cancel admit | one fewer in PV1-3 |
| A02 transfer, A12 cancel transfer | one more in PV1-3, one fewer in PV1-6 |
| A04 register | as A01, for the classes that are counted |
| A06 to inpatient, A07 to outpatient | one more in PV1-3; one fewer in PV1-6, else in PV1-3 |
| A05 pre-admit, A08 update | nothing |
| A20 bed status | the bed's status; a ward's figures once each of its `beds` is known |

**Why EVN-2** and not EVN-6, when it happened: a movement is held against a count that the source
took from its own records, and what was not yet recorded was not in that count.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal, NoReturn

from pydantic import Field

from capacity.model import Batch, BedStatus, BedUse, Movement, MovementKind, Reject
from capacity.reading import FieldError
from capacity.rules import is_from_the_future
from feeds.formats import Format
from feeds.formats.gathering import DOCUMENT, MAX_ROWS, unreadable
from feeds.formats.hl7v2_message import Message, read_identifier, read_messages, read_time
from feeds.formats.movement_mapping import CHANGE, Count, MovementMapping

REFUSED_FIELDS = frozenset({"MSH-1", "MSH-2", "MSH-3", "MSH-9", "MSH-11"})
"""Rejects of these fields mean that the message does not belong here at all."""

_BED_USES = {
    "C": BedUse.CLOSED,
    "H": BedUse.CLOSED,
    "K": BedUse.CLOSED,
    "I": BedUse.OCCUPIED,
    "O": BedUse.OCCUPIED,
    "U": BedUse.FREE,
}
"""HL7 table 0116: closed, housekeeping, contaminated, isolated (a patient is in it), occupied,
unoccupied. As the FHIR formats have it too."""


class Hl7Mapping(MovementMapping):
    """Which part of a location names the unit, and which messages count."""

    location: Literal["ward", "facility", "facility/ward"] = "ward"
    """Ward is PV1-3's point of care (the facility where there is none)."""
    sending_applications: frozenset[str] = frozenset()
    """MSH-3 must be one of these; any, if empty."""
    processing_ids: frozenset[str] = frozenset()
    """MSH-11 must be one of these; any, if empty. A live source says ``["P"]``, so that its
    supplier's test messages (``T``, ``D``) do not spoil the count."""
    uncounted_classes: frozenset[str] = frozenset({"O", "R", "C", "P"})
    """PV1-2 of patients who take no place: outpatients, recurring, commercial, pre-admitted."""
    outpatients_counted: bool = False
    """Whether those whom A06 makes inpatients were counted before (A07: are counted still)."""
    beds: dict[str, Count] = Field(default={})
    """How many beds each ward has, so that A20 can tell when the status of all is known."""


def parse(raw: bytes, mapping: Hl7Mapping | None, received_at: datetime) -> Batch:
    """Movements of ADT messages; see the module's tables."""
    mapping = mapping or Hl7Mapping()
    movements: list[Movement] = []
    beds: list[BedStatus] = []
    rejects: list[Reject] = []
    for index, (where, message) in enumerate(read_messages(raw)):
        if index == MAX_ROWS:
            raise unreadable(DOCUMENT, f"holds more than {MAX_ROWS} messages")
        try:
            if isinstance(message, FieldError):
                raise message
            for told in _Telling(message, where, mapping, received_at).told():
                if isinstance(told, Movement):
                    movements.append(told)
                else:
                    beds.append(told)
        except FieldError as error:
            rejects.append(Reject(where, error.field, error.reason))
    return Batch(rejects=tuple(rejects), movements=tuple(movements), beds=tuple(beds))


class _Telling:
    """What one message tells."""

    def __init__(
        self, message: Message, where: str, mapping: Hl7Mapping, received_at: datetime
    ) -> None:
        self._message = message
        self._where = where
        self._mapping = mapping
        self._header = message.header()
        self._event = self._known_event()
        self._id = self._message_id()
        self._observed_at = self._time(received_at)

    def told(self) -> list[Movement | BedStatus]:
        """All of it, or `FieldError`: a transfer is never counted by half."""
        return list(_EVENTS[self._event](self))

    def _known_event(self) -> str:
        header, mapping = self._header, self._mapping
        allowed = mapping.sending_applications
        if allowed and header.sending_application not in allowed:
            raise FieldError("MSH-3", "is not an application that this source listens to")
        if header.message_type != "ADT":
            raise FieldError("MSH-9", "is not ADT")
        if header.event not in _EVENTS:
            raise FieldError("MSH-9", f"is none of the events {', '.join(_EVENTS)}")
        if mapping.processing_ids and header.processing_id not in mapping.processing_ids:
            raise FieldError("MSH-11", "is no kind of message that this source counts")
        return header.event

    def _message_id(self) -> str:
        parts = [
            read_identifier(self._header.control_id, "MSH-10"),
            self._header.sending_application and self._named(3),
            self._header.sending_facility and self._named(4),
        ]
        return "|".join(parts)

    def _named(self, field: int) -> str:
        return read_identifier(self._message.value("MSH", field), f"MSH-{field}")

    def _time(self, received_at: datetime) -> datetime:
        recorded = self._message.value("EVN", 2)
        field, text = ("EVN-2", recorded) if recorded else ("MSH-7", self._message.value("MSH", 7))
        instant = read_time(text, field, self._mapping.local_time)
        if is_from_the_future(instant, received_at):
            raise FieldError(field, "lies more than two minutes in the future")
        return instant

    def _unit(self, segment: str, field: int) -> str:
        """The unit of a location (HL7 type PL); empty when the field is."""
        ward = self._message.value(segment, field)
        facility = self._message.value(segment, field, 4)
        way = self._mapping.location
        if way == "facility/ward" and ward and facility:
            named = f"{facility}/{ward}"
        elif way == "facility":
            named = facility
        else:
            named = ward or facility
        return read_identifier(named, f"{segment}-{field}") if named else ""

    def _assigned(self) -> str:
        return self._unit("PV1", 3) or self._missing("PV1-3")

    def _missing(self, field: str) -> NoReturn:
        segment = field.partition("-")[0]
        raise FieldError(field if self._message.has(segment) else segment, "is missing")

    def _takes_a_place(self) -> bool:
        return self._message.value("PV1", 2).upper() not in self._mapping.uncounted_classes

    def _movement(self, unit: str, kind: MovementKind, change: int | None = None) -> Movement:
        return Movement(
            unit=unit,
            observed_at=self._observed_at,
            change=CHANGE[kind] if change is None else change,
            kind=kind,
            message_id=self._id,
            where=self._where,
        )

    def arrival(self) -> Iterator[Movement]:
        """A01, A04."""
        unit = self._assigned()
        if self._takes_a_place():
            yield self._movement(unit, MovementKind.ADMITTED)

    def departure(self) -> Iterator[Movement]:
        """A03."""
        unit = self._assigned()
        if self._takes_a_place():
            yield self._movement(unit, MovementKind.DISCHARGED)

    def cancelled_arrival(self) -> Iterator[Movement]:
        """A11."""
        unit = self._assigned()
        if self._takes_a_place():
            yield self._movement(unit, MovementKind.CANCELLED, -1)

    def cancelled_departure(self) -> Iterator[Movement]:
        """A13."""
        unit = self._assigned()
        if self._takes_a_place():
            yield self._movement(unit, MovementKind.CANCELLED, 1)

    def transfer(self) -> Iterator[Movement]:
        """A02; and A12, in which PV1-3 is where the patient goes back to."""
        to, back = self._assigned(), self._event == "A12"
        left = self._unit("PV1", 6) or self._missing("PV1-6")
        if self._takes_a_place() and to != left:
            yield from self._between(left, to, cancelled=back)

    def _between(self, left: str, to: str, *, cancelled: bool) -> Iterator[Movement]:
        cancel = MovementKind.CANCELLED
        yield self._movement(left, cancel if cancelled else MovementKind.TRANSFERRED_OUT, -1)
        yield self._movement(to, cancel if cancelled else MovementKind.TRANSFERRED_IN, 1)

    def conversion(self) -> Iterator[Movement]:
        """A06 and A07: between in- and outpatient."""
        to, left = self._assigned(), self._unit("PV1", 6)
        if self._mapping.outpatients_counted:
            if left and left != to:
                yield from self._between(left, to, cancelled=False)
        elif self._event == "A06":
            yield self._movement(to, MovementKind.ADMITTED)
        else:
            yield self._movement(left or to, MovementKind.DISCHARGED)

    def nothing(self) -> Iterator[Movement]:
        """A05, A08."""
        return iter(())

    def bed(self) -> Iterator[BedStatus]:
        """A20."""
        unit = self._unit("NPU", 1) or self._missing("NPU-1")
        bed = "^".join(self._message.value("NPU", 1, part) for part in (2, 3)).strip("^")
        status = self._message.value("NPU", 2).upper() or self._missing("NPU-2")
        if status not in _BED_USES:
            raise FieldError("NPU-2", f"is none of {', '.join(_BED_USES)}")
        yield BedStatus(
            unit=unit,
            bed=read_identifier(bed, "NPU-1"),
            use=_BED_USES[status],
            beds=self._mapping.beds.get(unit),
            observed_at=self._observed_at,
            where=self._where,
        )


_EVENTS: dict[str, Callable[[_Telling], Iterator[Movement] | Iterator[BedStatus]]] = {
    "A01": _Telling.arrival,
    "A02": _Telling.transfer,
    "A03": _Telling.departure,
    "A04": _Telling.arrival,
    "A05": _Telling.nothing,
    "A06": _Telling.conversion,
    "A07": _Telling.conversion,
    "A08": _Telling.nothing,
    "A11": _Telling.cancelled_arrival,
    "A12": _Telling.transfer,
    "A13": _Telling.cancelled_departure,
    "A20": _Telling.bed,
}

FORMAT = Format(
    "hl7v2",
    ("application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7", "text/plain"),
    parse,
    Hl7Mapping,
    carries_patients=True,
)
