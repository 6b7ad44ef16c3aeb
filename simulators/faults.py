"""Faults on demand: what can go wrong between a system that knows and one that wants to know.

One `Gate` stands at the way out of each source. Everything it does follows from the seed and the
order of what passes, never from a clock, so a fault can be played again.
"""

import random
from collections import deque
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from simulators.document import Document, Emission, Flaw


class Kind(StrEnum):
    """The ways to go wrong."""

    NONE = "none"
    LATE = "late"
    """Held back: what goes out is what was due `behind` documents ago."""
    REPEATED = "repeated"
    """Everything goes out twice."""
    OUT_OF_ORDER = "out_of_order"
    """Every two change places: the newer goes first, the older after it."""
    HALF_BROKEN = "half_broken"
    """The last row of every document is bad, in one of the ways of `Flaw`."""
    TRUNCATED = "truncated"
    """Every document ends in its midst."""
    SILENT = "silent"
    """Nothing goes out; one who fetches gets no answer."""
    FROZEN = "frozen"
    """The same document again and again, as if all were well."""
    WRONG_CLOCK = "wrong_clock"
    """The system's clock is `minutes` ahead, or behind where negative."""
    ERROR_PAGE = "error_page"
    """A page for people instead of data; one who fetches gets it with HTTP `status`."""


class Fault(BaseModel):
    """A fault with its measure; ``Fault()`` is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Kind.NONE
    behind: Annotated[int, Field(ge=1, le=1000)] = 3
    minutes: Annotated[int, Field(ge=-525_600, le=525_600)] = 10
    status: Annotated[int, Field(ge=200, le=599)] = 200


ERROR_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n"
    "<body><h1>Bad Gateway</h1><p>Systemet er midlertidigt utilgængeligt.</p></body></html>\n"
).encode()


class Gate:
    """The way out of one source, sound or at fault."""

    def __init__(self, source: str, seed: int) -> None:
        self.source = source
        self.fault = Fault()
        self._rng = random.Random(f"{seed}/fault/{source}")
        self._held: deque[Emission] = deque()
        self._frozen: Emission | None = None

    def set(self, fault: Fault) -> None:
        """Begin a fault, or end it; what was held back goes out first with what comes next."""
        self.fault = fault
        self._frozen = None

    def clock(self, now: datetime) -> datetime:
        """What the system's own clock shows."""
        if self.fault.kind is Kind.WRONG_CLOCK:
            return now + timedelta(minutes=self.fault.minutes)
        return now

    def flaw(self) -> Flaw | None:
        """What is to be wrong with the last row of the next document."""
        if self.fault.kind is Kind.HALF_BROKEN:
            return self._rng.choice(list(Flaw))
        return None

    def through(self, emission: Emission) -> list[Emission]:
        """What really goes out, in order, when `emission` should."""
        match self.fault.kind:
            case Kind.SILENT:
                return []
            case Kind.LATE:
                self._held.append(emission)
                over = len(self._held) - self.fault.behind
                return [self._held.popleft() for _ in range(over)]
            case Kind.OUT_OF_ORDER:
                self._held.append(emission)
                return self._released()[::-1] if len(self._held) >= 2 else []
            case Kind.REPEATED:
                return [*self._released(), emission, emission]
            case Kind.FROZEN:
                self._frozen = self._frozen or emission
                return [self._frozen]
            case Kind.TRUNCATED:
                return [*self._released(), tuple(self._cut(document) for document in emission)]
            case Kind.ERROR_PAGE:
                return [tuple(_error_page(document) for document in emission)]
            case Kind.NONE | Kind.HALF_BROKEN | Kind.WRONG_CLOCK:
                return [*self._released(), emission]

    def _released(self) -> list[Emission]:
        held = list(self._held)
        self._held.clear()
        return held

    def _cut(self, document: Document) -> Document:
        keep = int(len(document.body) * self._rng.uniform(0.3, 0.9))
        return Document(document.body[:keep], document.media_type, document.suffix)


def _error_page(document: Document) -> Document:
    """In a file or a push the page stands where the data should; its label is unchanged."""
    return Document(ERROR_PAGE, document.media_type, document.suffix)
