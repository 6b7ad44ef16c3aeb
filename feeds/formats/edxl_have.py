"""EDXL-HAVE 1.0 and 2.0 (OASIS, hospital availability), bare or inside EDXL-DE, in XML.

Elements are known by their local names whatever their case and namespace: 1.0 writes
``AvailableCount``, 2.0 ``availableCount``, and the namespaces of published documents vary.

| 1.0 (in ``Hospital``) | 2.0 (in ``facility``) | field |
|---|---|---|
| ``OrganisationName``: ``OrganisationID``, | ``facilityID``, else | unit |
| else ``NameElement`` | ``facilityName`` | |
| ``BedType`` | ``serviceTaxonomyKeyValue``, else ``serviceName`` | which beds; see mapping |
| ``AvailableCount`` | ``availableCount`` | free |
| ``BaselineCount`` | ``baselineCount`` | total |
| ``CapacityStatus`` NotAvailable | ``isAvailable`` false, ``availability`` Inactive | free is 0 |
| ``FacilityStatus`` Closed, Evacuating | all chosen services not available | closure |
| ``LastUpdateTime`` | see below | observed_at |

``AvailableCount`` is by definition the vacant beds that have staff, hence free as we mean it. A
sum with an unknown part is unknown, and so is a facility that tells nothing about a chosen bed
type. Where none is chosen, a service (2.0) of which no capacity is told is no bed type.
A negative count (2.0: working beyond capacity) is no free bed, and that many occupied over total.
A parent bed type without a count is the sum of its ``SubCategoryBedType``s.

**Which instant.** 1.0 states ``LastUpdateTime``. 2.0 has only a ``reportingPeriod``, and says that
a document without one is about today: observed_at is then when the EDXL-DE envelope was sent, else
when it was received, but never past the period's end. A mapping can refuse such documents.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element

from capacity.instants import BadInstantError, parse_instant
from capacity.model import Batch
from capacity.privacy import CPR_REASON, holds_cpr
from capacity.reading import FieldError, shown
from feeds.formats import Format, Mapping
from feeds.formats.fhir_xml import _tree as xml_tree
from feeds.formats.gathering import (
    DOCUMENT,
    Gathering,
    looks_like_a_web_page,
    refuse_what_is_no_text,
    unreadable,
)

_FACILITIES = {"hospitalstatus": "hospital", "have": "facility"}
"""Each version's root, and its element for one facility."""
_CLOSED = frozenset({"closed", "evacuating"})
_NOT_AVAILABLE = frozenset({"notavailable", "false", "0", "inactive"})
_COUNT = re.compile(r"[+-]?[0-9]{1,9}")


class HaveMapping(Mapping):
    """What makes a unit, and which beds are its."""

    unit_per: Literal["facility", "service"] = "facility"
    """``service``: each bed type is a unit of its own, named ``facility/bed type``."""
    bed_types: tuple[str, ...] = ()
    """Bed types (2.0: services) to add up, whatever their case; all of them, if empty."""
    without_time: Literal["received", "refuse"] = "received"
    distribution_statuses: frozenset[str] = frozenset()
    """EDXL-DE's ``distributionStatus`` must be one of these; any, if empty. A live source says
    ``["Actual"]``, so that exercises do not count."""
    closed_reason: str = "Lukket"
    """The reason shown for a closure, of which the documents give none that may be kept."""


class _Beds(NamedTuple):
    """One bed type of a facility; counts are ``None`` when unknown."""

    type: str
    free: int | None
    total: int | None
    available: bool
    told: bool = True
    """Whether the document has a capacity for it at all."""


class _Context(NamedTuple):
    """What is around a facility: when its document was sent, and the period it is about."""

    sent: str | None
    period_end: str | None


def parse(raw: bytes, mapping: HaveMapping | None, received_at: datetime) -> Batch:
    """Reports of an EDXL-HAVE document; see the module's table."""
    mapping = mapping or HaveMapping()
    refuse_what_is_no_text(raw)
    if looks_like_a_web_page(raw[:400].decode("latin-1")):
        raise unreadable(DOCUMENT, "is a web page (HTML), not EDXL-HAVE")
    gathering = Gathering(received_at, mapping.local_time)
    found = False
    for index, (facility, context) in enumerate(_facilities(xml_tree(raw), mapping)):
        found = True
        where = f"{facility.tag.rpartition('}')[2]}[{index}]"
        try:
            reader = _Facility(facility, mapping)
            observed_at = _observed(facility, context, mapping, received_at)
            for fields in reader.reports():
                fields["observed_at"] = observed_at
                gathering.read(where, fields, mapping.type_of(fields["unit"]))
        except FieldError as error:
            gathering.reject(where, error)
    if not found:
        raise unreadable("HospitalStatus", "is missing: this is no EDXL-HAVE with any facility")
    return gathering.batch()


def _facilities(root: Element, mapping: HaveMapping) -> Iterator[tuple[Element, _Context]]:
    """Every facility with its context, in document order."""
    waiting: list[tuple[Element, str | None]] = [(root, None)]
    while waiting:
        element, sent = waiting.pop()
        name = _name(element)
        if name == "edxldistribution":
            sent = _text(element, "datetimesent") or None
            _refuse_other_status(_text(element, "distributionstatus"), mapping)
        wanted = _FACILITIES.get(name)
        if wanted is None:
            waiting.extend((child, sent) for child in reversed(element))
            continue
        context = _Context(sent, _period_end(element))
        yield from ((child, context) for child in element if _name(child) == wanted)


def _refuse_other_status(status: str, mapping: HaveMapping) -> None:
    if mapping.distribution_statuses and status not in mapping.distribution_statuses:
        raise unreadable("distributionStatus", "is none that this source counts")


class _Facility:
    """One hospital (1.0) or facility (2.0)."""

    def __init__(self, element: Element, mapping: HaveMapping) -> None:
        _refuse_cpr(element)
        self._element = element
        self._mapping = mapping
        self._wanted = {bed_type.casefold() for bed_type in mapping.bed_types}
        self._beds = [
            beds
            for beds in (*_beds_1(element), *_beds_2(element))
            if not self._wanted or beds.type.casefold() in self._wanted
        ]

    def reports(self) -> Iterator[dict[str, object]]:
        """The raw fields of each unit that the facility is to us."""
        unit, closed = self._unit(), self._is_closed()
        if self._mapping.unit_per == "service":
            for beds in self._beds:
                yield self._report(f"{unit}/{beds.type}", [beds], closed=closed)
            return
        chosen = [beds for beds in self._beds if beds.told or self._wanted]
        complete = self._wanted <= {beds.type.casefold() for beds in chosen}
        yield self._report(unit, chosen if complete else [], closed=closed)

    def _report(self, unit: str, beds: list[_Beds], *, closed: bool) -> dict[str, object]:
        free, total = _sum([b.free for b in beds]), _sum([b.total for b in beds])
        fields: dict[str, object] = {"unit": unit, "total": total, "free": free}
        over = any(b.free is not None and b.free < 0 for b in beds)
        if over and free is not None:
            free = sum(max(0, b.free or 0) for b in beds)
            fields["free"] = free
            beyond = -sum(min(0, b.free or 0) for b in beds)
            fields["occupied"] = None if total is None else total - free + beyond
        if closed or (beds and not any(b.available for b in beds)):
            fields["closure"] = {"reason": self._mapping.closed_reason}
        return fields

    def _unit(self) -> str:
        information = _child(self._element, "facilityinformation")
        if information is not None:
            named = _text(information, "facilityid") or _text(information, "facilityname")
        else:
            named = _organisation(self._element)
        if not named:
            raise FieldError("facilityID", "is missing, and no name is given either")
        return named

    def _is_closed(self) -> bool:
        status = _child(self._element, "hospitalfacilitystatus")
        return status is not None and _text(status, "facilitystatus").casefold() in _CLOSED


def _organisation(hospital: Element) -> str:
    for element in hospital.iter():
        if _name(element) == "organisationname":
            for key, value in element.attrib.items():
                if key.rpartition("}")[2].casefold() in ("organisationid", "organizationid"):
                    return value.strip()
            parts = (_own(child) for child in element if _name(child) == "nameelement")
            return " ".join(part for part in parts if part)
    return ""


def _beds_1(hospital: Element) -> Iterator[_Beds]:
    """1.0: bed types and their capacities stand one after the other, as siblings."""
    status = _child(hospital, "hospitalbedcapacitystatus")
    for group in () if status is None else status:
        own: dict[str, _Beds] = {}
        parts: dict[str, list[_Beds]] = {}
        bed_type, sub = "", False
        for child in group:
            name = _name(child)
            if name in ("bedtype", "subcategorybedtype"):
                sub = name != "bedtype"
                bed_type = bed_type if sub else _own(child)
                parts.setdefault(bed_type, [])
            elif name == "capacity" and bed_type:
                beds = _capacity(bed_type, child)
                if sub:
                    parts[bed_type].append(beds)
                else:
                    own[bed_type] = beds
        for each, subs in parts.items():
            yield _with_parts(own.get(each), subs, each)


def _with_parts(own: _Beds | None, parts: list[_Beds], bed_type: str) -> _Beds:
    own = own or _Beds(bed_type, None, None, available=True)
    if own.free is not None or not parts:
        return own
    total = _sum([part.total for part in parts]) if own.total is None else own.total
    return own._replace(free=_sum([part.free for part in parts]), total=total)


def _capacity(bed_type: str, element: Element) -> _Beds:
    available = _text(element, "capacitystatus").casefold() not in _NOT_AVAILABLE
    return _beds(bed_type, element, available=available)


def _beds_2(facility: Element) -> Iterator[_Beds]:
    """2.0: a list of services, each with a status and a capacity of its own, or without."""
    services = _child(facility, "servicelist")
    for item in () if services is None else services:
        bed_type = _text(item, "servicetaxonomykeyvalue") or _text(item, "servicename")
        status, capacity = _child(item, "servicestatus"), _child(item, "servicebedcapacity")
        if not bed_type or (status is None and capacity is None):
            continue
        words = (
            "" if status is None else _text(status, "isavailable"),
            "" if capacity is None else _text(capacity, "availability"),
        )
        available = not any(word.casefold() in _NOT_AVAILABLE for word in words)
        yield _beds(bed_type, capacity, available=available)


def _beds(bed_type: str, capacity: Element | None, *, available: bool) -> _Beds:
    free = None if capacity is None else _count(capacity, "AvailableCount")
    total = None if capacity is None else _count(capacity, "BaselineCount")
    if total is not None and total < 0:
        raise FieldError("BaselineCount", "is negative")
    return _Beds(bed_type, free if available else 0, total, available, capacity is not None)


def _count(holder: Element, name: str) -> int | None:
    text = _text(holder, name.casefold())
    if not text:
        return None
    if not _COUNT.fullmatch(text):
        raise FieldError(name, "is not a whole number")
    return int(text)


def _sum(counts: list[int | None]) -> int | None:
    """The sum, unknown as soon as one part is, or when there is none."""
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _observed(
    facility: Element, context: _Context, mapping: HaveMapping, received_at: datetime
) -> datetime:
    stated = _text(facility, "lastupdatetime")
    if stated:
        return _instant("LastUpdateTime", stated, mapping)
    end, sent = _period_end(facility) or context.period_end, context.sent
    if end is None and sent is None and mapping.without_time == "refuse":
        raise FieldError("LastUpdateTime", "is missing, and nothing else says when")
    observed = received_at if sent is None else _instant("dateTimeSent", sent, mapping)
    return observed if end is None else min(observed, _instant("reportingPeriod", end, mapping))


def _period_end(holder: Element) -> str | None:
    period = _child(holder, "reportingperiod")
    texts = (
        () if period is None else [_own(e) for e in period if _name(e).startswith(("to", "end"))]
    )
    return next(iter(texts), None)


def _instant(field: str, text: str, mapping: HaveMapping) -> datetime:
    try:
        return parse_instant(text, mapping.local_time.zone, mapping.local_time.repeated)
    except BadInstantError as error:
        raise FieldError(field, str(error)) from error


def _refuse_cpr(facility: Element) -> None:
    """Of what is not read too; positions are full of digits, and no text."""
    for element in facility.iter():
        if _name(element) == "pos":
            continue
        if any(holds_cpr(text) for text in (element.text or "", *element.attrib.values())):
            raise FieldError(shown(element.tag.rpartition("}")[2]), CPR_REASON)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2].casefold()


def _child(holder: Element, name: str) -> Element | None:
    return next((child for child in holder if _name(child) == name), None)


def _own(element: Element) -> str:
    return " ".join((element.text or "").split())


def _text(holder: Element, name: str) -> str:
    child = _child(holder, name)
    return "" if child is None else _own(child)


FORMAT = Format("have", ("application/xml", "text/xml"), parse, HaveMapping)
