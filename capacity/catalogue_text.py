"""A catalogue as one text and back, so that history can keep it: the same content, the same text.

    text = text_of(catalogue)        canonical JSON: equal content gives equal text, in any process
    digest_of(text)                  names the content
    catalogue_of(text)               the catalogue again, checked

The order of units, clusters and agreements is content (pages show them so); that of sets is not.
What equals its default is left out, so a program that knows a further optional field gives the same
text as long as nobody uses it. Reminders are left out too: a webhook's address may be a secret, and
how somebody was reminded says nothing of what the board showed.
"""

import hashlib
from dataclasses import replace
from datetime import timedelta
from functools import cache

import orjson
from pydantic import TypeAdapter, ValidationError

from capacity.units import Catalogue


class CatalogueTextError(ValueError):
    """A text that is no catalogue to this program: damaged, or of a newer one."""


def text_of(catalogue: Catalogue) -> str:
    """Everything that the catalogue says, but reminders."""
    units = {id_: replace(unit, remind=None) for id_, unit in catalogue.units.items()}
    return whole_text_of(replace(catalogue, units=units))


def whole_text_of(catalogue: Catalogue) -> str:
    """Everything that the catalogue says, for this installation's own eyes."""
    told = _adapter().dump_python(catalogue, exclude_defaults=True)
    return orjson.dumps(told, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def digest_of(text: str) -> str:
    """The SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def catalogue_of(text: str) -> Catalogue:
    """The catalogue that `text_of` told; `CatalogueTextError` where it cannot be read."""
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)[0]
        raise CatalogueTextError(f"{found['loc']}: {found['msg']}") from None


@cache
def _adapter() -> TypeAdapter[Catalogue]:
    """Made when it is first needed: it takes as long as reading a small catalogue."""
    return TypeAdapter(Catalogue)


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"no canonical form of {type(value).__name__}")
