"""What became of the notices this process has sent, for the metrics and the log."""

from collections import Counter
from enum import StrEnum


class Fate(StrEnum):
    """What became of one message to one recipient."""

    SENT = "sent"
    GONE = "gone"
    """The recipient has left: a browser that no longer takes pushes."""
    LATER = "later"
    """Not taken now; trying again may help."""
    REFUSED = "refused"
    """Not taken, and trying again will not help."""


class Tally:
    """Messages by kind (ask, ended, reminder, test), channel and fate, since the start."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, kind: str, channel: str, fate: Fate) -> None:
        """Count one."""
        self._counts[kind, channel, fate.value] += 1

    def all(self) -> list[tuple[tuple[str, str, str], int]]:
        """Every count."""
        return sorted(self._counts.items())
