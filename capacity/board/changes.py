"""What the board's streams hold, as values that history and the hub can share."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from capacity.instants import from_epoch_millis

START = "0-0"
"""The stream position before the first entry."""


def place(stream_id: str) -> tuple[int, int]:
    """A stream id as the store orders them."""
    millis, _, count = (stream_id or START).partition("-")
    return int(millis), int(count)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in one cluster's sequence of changes.

    The epoch is new whenever the store may have lost something; `seq` counts changes without a
    gap from 1. Its text form, ``epoch-seq``, is opaque to clients.
    """

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """The cursor of its text form, or ``None`` when it is none of ours."""
        epoch, dash, seq = text.rpartition("-")
        if not dash or not epoch.isalnum() or not seq.isdecimal() or len(text) > 64:
            return None
        return cls(epoch, int(seq))


class Change(NamedTuple):
    """One applied change: the whole row, as JSON bytes, that replaced the unit's former row.

    A tuple, because a process makes one for every change of every cluster.
    """

    stream_id: str
    epoch: str
    seq: int
    unit: str
    row: bytes

    @property
    def applied_at(self) -> datetime:
        """When the store applied it, by the store's clock."""
        return from_epoch_millis(int(self.stream_id.partition("-")[0]))


class Ends(NamedTuple):
    """Where a cluster's three streams end: the epoch of its last change (empty where there is
    none), and the id of each stream's last entry (`START` where it is empty).
    """

    epoch: str
    changes: str
    late: str
    journal: str


@dataclass(frozen=True, slots=True)
class LateReading:
    """A reading that was superseded when it came: kept for history, never shown on the board.

    `reason` is ``older`` (than what stood there), ``trust`` (a more trusted source's figures
    stood there and were not stale) or ``settled`` (a feed repeated what a nurse had overruled).
    """

    stream_id: str
    unit: str
    row: bytes
    reason: str = "older"

    @property
    def received_at(self) -> datetime:
        """When the store took it in, by the store's clock."""
        return from_epoch_millis(int(self.stream_id.partition("-")[0]))
