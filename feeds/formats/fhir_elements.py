"""Looking into FHIR resources: elements, codes, references and instants, each refused by name."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from capacity.instants import BadInstantError, localize, parse_instant
from capacity.model import ReportType
from capacity.reading import FieldError, LocalTime

Object = dict[str, Any]
_VERSION = re.compile(r"\d{1,9}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a document: the how-manieth, where it stands, and what it says.

    A resource that was `refused` holds a person's number. It is still there to be counted, and
    for its links; nothing else of it may be used.
    """

    at: int
    where: str
    body: Object
    full_url: object = None
    refused: bool = False

    @property
    def type(self) -> str | None:
        """The resource type; ``None`` if what stands there is no text."""
        kind = self.body.get("resourceType")
        return kind if isinstance(kind, str) else None


class Finding(NamedTuple):
    """What a document says at one place: the raw fields of a report, or why there is none."""

    at: int
    where: str
    fields: Object | FieldError
    type: ReportType | None = None


def object_of(holder: Object, name: str) -> Object:
    """The object called `name`, empty if there is none; raises `FieldError`."""
    value = holder.get(name, {})
    if not isinstance(value, dict):
        raise FieldError(name, "is not an object")
    return value


def objects_of(holder: Object, name: str) -> list[Object]:
    """The objects listed as `name`; raises `FieldError`."""
    value = holder.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise FieldError(name, "is not a list of objects")
    return value


def text_of(holder: Object, name: str) -> str | None:
    """The text called `name`; raises `FieldError`."""
    value = holder.get(name)
    if value is not None and not isinstance(value, str):
        raise FieldError(name, "is not a text")
    return value


def codes_of(concept: Object) -> frozenset[str]:
    """The codes of a CodeableConcept without case, each bare and as ``system|code``."""
    return frozenset(
        code for coding in objects_of(concept, "coding") for code in codes_of_coding(coding)
    )


def codes_of_coding(coding: Object) -> tuple[str, ...]:
    """The code of a Coding without case, bare and as ``system|code``; none if it has none."""
    code, system = coding.get("code"), coding.get("system")
    if not isinstance(code, str):
        return ()
    bare = code.casefold()
    return (bare, f"{system.casefold()}|{bare}") if isinstance(system, str) else (bare,)


def last_part(reference: object) -> str | None:
    """The id that a reference ends in: ``Location/AKUT/_history/3`` -> AKUT."""
    if not isinstance(reference, str):
        return None
    parts = reference.split("/")
    if "_history" in parts:
        parts = parts[: parts.index("_history")]
    return (parts[-1] if parts else "").removeprefix("#") or None


def identifiers_of(resource: Object) -> list[str]:
    """The values of a resource's own identifiers."""
    values = (identifier.get("value") for identifier in objects_of(resource, "identifier"))
    return [value for value in values if isinstance(value, str)]


def names_of(resource: Object) -> list[str]:
    """Everything a resource goes by: its id first, then its identifiers."""
    own = text_of(resource, "id")
    return [*([own] if own else []), *identifiers_of(resource)]


def instant_of(
    field: str, text: object, local: LocalTime, later: timedelta = timedelta()
) -> datetime:
    """The instant of a FHIR date or dateTime; a date is its midnight (plus `later`).

    Midnight of the source's zone, or of UTC where it declares none. Raises `FieldError`.
    """
    if text is None:
        raise FieldError(field, "is missing")
    if not isinstance(text, str):
        raise FieldError(field, "is not an ISO 8601 date and time")
    try:
        if _DAY.fullmatch(text):
            midnight = datetime.fromisoformat(text) + later
            return localize(midnight, local.zone) if local.zone else midnight.replace(tzinfo=UTC)
        return parse_instant(text, local.zone, local.repeated)
    except BadInstantError as error:
        raise FieldError(field, str(error)) from error
    except (ValueError, OverflowError) as error:
        raise FieldError(field, "is no day of the calendar") from error


def is_day(text: object) -> bool:
    """Whether a dateTime is a date without time."""
    return isinstance(text, str) and _DAY.fullmatch(text) is not None


class Directory:
    """Finds the resources of a document by reference: relative, absolute, or ``urn:uuid:``."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._found: dict[object, Resource] = {}
        for resource in resources:
            if isinstance(resource.full_url, str):
                self._found.setdefault(resource.full_url, resource)
            own = resource.body.get("id")
            if isinstance(own, str):
                self._found.setdefault((resource.type, own), resource)

    def find(self, kind: str, reference: Object) -> Resource | None:
        """The resource of that kind that a Reference element points at, if it stands here."""
        text = reference.get("reference")
        found = self._found.get(text) if isinstance(text, str) else None
        if found is None:
            found = self._found.get((kind, last_part(text)))
        return found if found is not None and found.type == kind else None


def newest_versions(resources: Sequence[Resource]) -> Iterator[Resource]:
    """Each resource once: of several versions the one updated last, else the first.

    A history holds a resource as often as it was changed, and counting it twice would invent
    beds. Resources without id are all different.
    """
    chosen: dict[tuple[object, object], Resource] = {}
    for resource in resources:
        own = resource.body.get("id")
        key = (resource.type, own if isinstance(own, str) else resource.at)
        other = chosen.get(key)
        if other is None or _version(resource) > _version(other):
            chosen[key] = resource
    yield from chosen.values()


def _version(resource: Resource) -> tuple[datetime, int]:
    meta = resource.body.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    try:
        updated = instant_of("meta.lastUpdated", meta.get("lastUpdated"), LocalTime())
    except FieldError:
        updated = datetime.min.replace(tzinfo=UTC)
    number = str(meta.get("versionId"))
    return updated, int(number) if _VERSION.fullmatch(number) else 0
