"""From bytes to the resources of a FHIR document: one resource, a Bundle, Parameters, or NDJSON.

NDJSON is one resource a line, as bulk servers publish it. Its first line may be the manifest of
the publication, which tells the time of all (see `feeds.formats.fhir_bulk`). JSON and XML are told
apart by the first character, NDJSON by not being one JSON value while a line of it alone is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from capacity.model import UnreadableError
from capacity.reading import FieldError, LocalTime
from feeds.formats.fhir_elements import Finding, Object, Resource, instant_of, object_of, objects_of
from feeds.formats.fhir_xml import load_xml
from feeds.formats.gathering import DOCUMENT, refuse_what_is_no_text, unreadable
from feeds.formats.own_json import load_json
from feeds.limits import LIMITS

MAX_RESOURCES = LIMITS.resources
READABLE = frozenset(
    {
        "MeasureReport",
        "Location",
        "HealthcareService",
        "Schedule",
        "Slot",
        "Composition",
        "QuestionnaireResponse",
    }
)


@dataclass(slots=True)
class Document:
    """The resources of a document and what holds for all of them.

    `faults` are places that cannot be read; `partial` says why counts would be too low; `root`
    is the outermost object, unless the document is NDJSON.
    """

    root: Object | None
    resources: list[Resource] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)
    snapshot: datetime | FieldError | None = None
    partial: str | None = None

    @property
    def is_empty_bundle(self) -> bool:
        """A search that found nothing is an answer, not an error."""
        return (
            self.root is not None
            and self.root.get("resourceType") == "Bundle"
            and not self.root.get("entry")
        )

    def note_snapshot(self, text: object, name: str, local: LocalTime) -> None:
        """Remember when the whole was put together, unless that is known already."""
        if text is not None and self.snapshot is None:
            try:
                self.snapshot = instant_of(name, text, local)
            except FieldError as error:
                self.snapshot = error

    def add(self, where: str, body: Object, full_url: object = None) -> None:
        """One more resource."""
        if len(self.resources) >= MAX_RESOURCES:
            raise unreadable(DOCUMENT, f"holds more than {MAX_RESOURCES} resources")
        self.resources.append(Resource(len(self.resources), where, body, full_url))


def load(raw: bytes, local: LocalTime) -> Document:
    """The resources of a document; raises `UnreadableError`."""
    if raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return _of_object(load_xml(raw), local)
    refuse_what_is_no_text(raw)
    try:
        value = load_json(raw)
    except UnreadableError:
        lines = raw.removeprefix(b"\xef\xbb\xbf").splitlines()
        if not any(map(_stands_alone, lines)):
            raise
        return _of_lines(lines, local)
    if not isinstance(value, dict):
        raise unreadable(DOCUMENT, "is not a FHIR resource")
    return _of_object(value, local)


def is_manifest(value: object) -> bool:
    """Whether a JSON value is the manifest of a bulk publication."""
    return isinstance(value, dict) and "resourceType" not in value and "transactionTime" in value


def _of_object(body: Object, local: LocalTime) -> Document:
    document = Document(body)
    kind = body.get("resourceType")
    if kind == "Bundle":
        _add_bundle(document, body, "Bundle", local)
    elif kind == "Parameters":
        for where, bundle in _wrapped(body):
            _add_bundle(document, bundle, where, local)
    elif isinstance(kind, str) and kind in READABLE:
        document.add(kind, body)
    return document


def _wrapped(parameters: Object) -> Iterator[tuple[str, Object]]:
    """The Bundles inside of Parameters, as operations take and give them."""
    try:
        found = objects_of(parameters, "parameter")
    except FieldError as error:
        raise unreadable(error.field, error.reason, "Parameters") from error
    for index, parameter in enumerate(found):
        inner = parameter.get("resource")
        if isinstance(inner, dict) and inner.get("resourceType") == "Bundle":
            yield f"Parameters.parameter[{index}].resource", inner


def _add_bundle(document: Document, bundle: Object, where: str, local: LocalTime) -> None:
    try:
        entries, links = objects_of(bundle, "entry"), objects_of(bundle, "link")
        updated = object_of(bundle, "meta").get("lastUpdated")
    except FieldError as error:
        raise unreadable(error.field, error.reason, where) from error
    document.note_snapshot(bundle.get("timestamp"), f"{where}.timestamp", local)
    document.note_snapshot(updated, f"{where}.meta.lastUpdated", local)
    if any(link.get("relation") == "next" for link in links):
        document.partial = "the Bundle is one page of several; ask for all at once"
    for index, entry in enumerate(entries):
        resource = entry.get("resource")
        if isinstance(resource, dict):
            document.add(f"{where}.entry[{index}].resource", resource, entry.get("fullUrl"))


def _stands_alone(line: bytes) -> bool:
    value = _value(line) if line.startswith(b"{") else None
    return isinstance(value, dict) and ("resourceType" in value or is_manifest(value))


def _value(line: bytes) -> object:
    """The JSON value of a line; ``None`` if there is none."""
    try:
        value: object = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value


def _of_lines(lines: list[bytes], local: LocalTime) -> Document:
    document = Document(None)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where, value = f"line {number}", _value(line)
        if not isinstance(value, dict):
            # The next resource stands right after it.
            error = FieldError("line", "is no JSON object; the file may be cut off here")
            document.faults.append(Finding(len(document.resources), where, error))
            document.partial = f"{where} is broken"
        elif is_manifest(value):
            document.note_snapshot(value["transactionTime"], "transactionTime", local)
        else:
            document.add(where, value)
    return document
