"""Figures that registers hand in: kept with every version and who vouches for it."""

from capacity.imported import (
    Imported,
    Key,
    Refusal,
    Signed,
    State,
    Step,
    Told,
    Version,
    latest_first,
    value,
)
from capacity.imports.imports import Imports, digest_of
from capacity.imports.store import Counts, Document

__all__ = [
    "Counts",
    "Document",
    "Imported",
    "Imports",
    "Key",
    "Refusal",
    "Signed",
    "State",
    "Step",
    "Told",
    "Version",
    "digest_of",
    "latest_first",
    "value",
]
