"""FHIR XML to the shape of FHIR JSON, as far as capacity needs it.

In XML every primitive is an element with a ``value`` attribute and everything may repeat, so some
things must be known that JSON shows by itself: which elements are lists, which values are numbers
or truths, and that a primitive without value but with an extension is JSON's ``_name``. Comments,
processing instructions and attributes other than ``value``, ``url`` and ``id`` mean nothing here.
"""

import io
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from feeds.formats.gathering import (
    DOCUMENT,
    looks_like_a_web_page,
    refuse_what_is_no_text,
    unreadable,
)
from feeds.limits import LIMITS

MAX_DEPTH = LIMITS.xml_depth
MAX_ELEMENTS = LIMITS.xml_elements

_FHIR = "{http://hl7.org/fhir}"
_XHTML_DIV = "{http://www.w3.org/1999/xhtml}div"
_LISTS = frozenset(
    {
        *("entry", "link", "group", "population", "coding", "extension", "contained"),
        *("parameter", "part", "section", "item", "answer", "actor"),
        *("availableTime", "notAvailable", "daysOfWeek"),
    }
)
_IDENTIFIED = ("Location", "HealthcareService", "Schedule", "Slot")
_LISTS_IN = frozenset(
    {*((name, "identifier") for name in _IDENTIFIED), ("HealthcareService", "location")}
)
"""Elements that are lists in these parents, and single elsewhere."""
_PRIMITIVES = frozenset(
    {"count", "date", "start", "end", "status", "value", "reference", "valueInteger"}
)
_NUMBERS = frozenset({("population", "count"), ("measureScore", "value")})
_NUMERIC = frozenset({"valueInteger", "valueUnsignedInt", "valuePositiveInt"})
_TRUTHS = frozenset(
    {("availableTime", "allDay"), ("HealthcareService", "active"), ("Schedule", "active")}
)
_HOLDERS = frozenset({"resource", "contained"})
"""Elements that hold a whole resource."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


def load_xml(raw: bytes) -> dict[str, Any]:
    """The resource of a FHIR XML document, shaped like JSON; raises `UnreadableError`."""
    refuse_what_is_no_text(raw)
    if looks_like_a_web_page(raw[:400].decode("latin-1")):
        raise unreadable(DOCUMENT, "is a web page (HTML), not FHIR")
    root = _tree(raw)
    if not root.tag.startswith(_FHIR):
        raise unreadable(DOCUMENT, "is XML, but its root is not in the FHIR namespace")
    return _resource(root)


def _tree(raw: bytes) -> Element:
    try:
        return _bounded(
            defusedxml.ElementTree.iterparse(io.BytesIO(raw), ("start", "end"), forbid_dtd=True)
        )
    except DefusedXmlException as error:
        raise unreadable(DOCUMENT, "has a DOCTYPE or entities, which are refused") from error
    except ParseError as error:
        line, column = error.position
        place = f"line {line}, column {column + 1}"
        raise unreadable(DOCUMENT, f"is not well-formed XML ({place})") from error
    except (LookupError, ValueError) as error:
        raise unreadable(DOCUMENT, "declares an encoding that is not known; send UTF-8") from error


def _bounded(events: Iterator[tuple[str, Element]]) -> Element:
    depth = elements = 0
    root: Element | None = None
    for event, element in events:
        root = element if root is None else root
        depth += 1 if event == "start" else -1
        elements += event == "start"
        if depth > MAX_DEPTH:
            raise unreadable(DOCUMENT, f"is nested more than {MAX_DEPTH} deep")
        if elements > MAX_ELEMENTS:
            raise unreadable(DOCUMENT, f"has more than {MAX_ELEMENTS} elements")
    assert root is not None  # a document without an element is a ParseError
    return root


def _resource(element: Element) -> dict[str, Any]:
    name = _name(element)
    return {**_object(element, name), "resourceType": name}


def _name(element: Element) -> str:
    return element.tag.removeprefix(_FHIR)


def _object(element: Element, parent: str) -> dict[str, Any]:
    """The element's children by name; called no deeper than `MAX_DEPTH`."""
    shaped: dict[str, Any] = {k: v for k, v in element.attrib.items() if k in ("url", "id")}
    for child in element:
        name, value = _member(child, parent)
        if name in _LISTS or (parent, name) in _LISTS_IN:
            shaped.setdefault(name, []).append(value)
        else:
            # What may not repeat and does is kept as a list, which no reader takes for the thing.
            shaped[name] = [shaped[name], value] if name in shaped else value
    return shaped


def _member(child: Element, parent: str) -> tuple[str, Any]:
    name, text = _name(child), child.get("value")
    if child.tag == _XHTML_DIV:
        return "div", "".join(child.itertext())
    if text is not None:
        return name, _value(parent, name, text)
    if name in _HOLDERS and len(child) == 1:
        return name, _resource(child[0])
    return f"_{name}" if name in _PRIMITIVES else name, _object(child, name)


def _value(parent: str, name: str, text: str) -> object:
    if name in _NUMERIC or (parent, name) in _NUMBERS:
        return _number(text)
    if (parent, name) in _TRUTHS and text in ("true", "false"):
        return text == "true"
    return text


def _number(text: str) -> int | float | str:
    """The number; what is none stays text, for the reader to refuse."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    return float(text) if found[1] else int(text)
