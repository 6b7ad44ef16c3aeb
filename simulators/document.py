"""A document as it goes over the wire, and the flaws a half-broken one has."""

from dataclasses import dataclass
from enum import StrEnum


class Flaw(StrEnum):
    """What is wrong with the one bad row of a half-broken document."""

    WORD = "word"
    """A word where a number belongs."""
    NEGATIVE = "negative"
    """A count below zero."""
    STRANGER = "stranger"
    """An identifier that nobody has declared."""


STRANGE_ID = "UKENDT-99"
WRONG_WORD = "mange"


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes with the media type and file ending a system gives them."""

    body: bytes
    media_type: str
    suffix: str


Emission = tuple[Document, ...]
"""What a system sends at one moment: one document, or one for each unit."""
