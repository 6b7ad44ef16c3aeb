"""Small FHIR documents for tests, as JSON and as XML."""

from typing import Any
from xml.sax.saxutils import quoteattr

import orjson

Resource = dict[str, Any]


def resource(kind: str, own_id: str | None = None, **elements: Any) -> Resource:
    """A resource without the elements that are ``None``."""
    made = {"resourceType": kind, "id": own_id, **elements}
    return {name: value for name, value in made.items() if value is not None}


def bundle(*resources: object, **elements: Any) -> Resource:
    """A Bundle of these resources; elements of its own as keywords."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        **elements,
        "entry": [{"resource": inner} for inner in resources],
    }


def ndjson(*values: object) -> bytes:
    """Each value on a line; bytes as they are."""
    return b"\n".join(v if isinstance(v, bytes) else orjson.dumps(v) for v in values)


def to(kind: str, own_id: str) -> dict[str, str]:
    """A Reference."""
    return {"reference": f"{kind}/{own_id}"}


def concept(code: str, system: str = "http://example.org/codes") -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


def xml(document: Resource) -> bytes:
    """The same resource as FHIR XML."""
    body = _resource(document, ' xmlns="http://hl7.org/fhir"')
    return ('<?xml version="1.0" encoding="UTF-8"?>' + body).encode()


def _resource(body: Resource, attributes: str = "") -> str:
    name = body["resourceType"]
    return f"<{name}{attributes}>{_elements(body)}</{name}>"


def _elements(body: dict[str, Any]) -> str:
    return "".join(
        _element(name, each)
        for name, value in body.items()
        if name not in ("resourceType", "url")
        for each in (value if isinstance(value, list) else [value])
    )


def _element(name: str, value: Any) -> str:
    if isinstance(value, dict):
        if "resourceType" in value:
            return f"<{name}>{_resource(value)}</{name}>"
        url = f" url={quoteattr(value['url'])}" if "url" in value else ""
        return f"<{name.removeprefix('_')}{url}>{_elements(value)}</{name.removeprefix('_')}>"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name} value={quoteattr(text)}/>"
