"""What a key can open."""

from enum import StrEnum


class KeyKind(StrEnum):
    """What a key opens."""

    SOURCE = "source"
    BOARD = "board"
    METRICS = "metrics"
    OPERATOR = "operator"
    """The operator's pages: feed health and quarantine."""
