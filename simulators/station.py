"""One system outside: what it knows, how it writes it, when it tells, and its gate and outlet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from simulators import care_csv, care_json, hospital
from simulators.document import Emission, Flaw
from simulators.faults import Gate
from simulators.figures import Figures, Look
from simulators.outlets import Outlet
from simulators.scenario import Speaks, System

Write = Callable[[Look, Flaw | None], Emission]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a kind of system behaves.

    `resolution` is the smallest number of seconds its time stamps can tell apart; two documents
    within it would look equally old, so it sends no second one. `ticks` systems send at regular
    beats whether anything changed or not; the others on change, and at least now and then.
    """

    write: Write
    resolution: float
    ticks: bool


MANNERS: Mapping[Speaks, Manner] = {
    Speaks.CSV_SEMICOLON: Manner(care_csv.semicolon, 60, ticks=False),
    Speaks.CSV_COMMA: Manner(care_csv.comma, 1, ticks=False),
    Speaks.JSON_PUSH: Manner(care_json.push, 0.001, ticks=False),
    Speaks.JSON_POLL: Manner(hospital.status, 0.001, ticks=True),
    Speaks.FHIR_PUSH: Manner(hospital.fhir_json, 0.001, ticks=True),
    Speaks.FHIR_XML_PUSH: Manner(hospital.fhir_xml, 0.001, ticks=True),
}
TICK = 5
"""A ticking system sends at every so many beats (10 s with the usual beat of 2 s)."""
AT_LEAST = 90
"""A system that sends on change does so at least every so many beats (3 minutes)."""


class Station:
    """One source among the simulated systems."""

    def __init__(self, system: System, gate: Gate, outlet: Outlet, offset: int = 0) -> None:
        """`offset` staggers the ticks of several systems."""
        self.system, self.gate, self.outlet = system, gate, outlet
        self.manner = MANNERS[system.speaks]
        self.sent = 0
        self._offset = offset
        self._last_beat: int | None = None
        self._last_stamp: int | None = None
        self._last_units: Mapping[str, Figures] = {}

    def beat(self, beat: int, now: datetime, minute: float, figures: Mapping[str, Figures]) -> None:
        """Look at the units and tell, if it is time to; `now` is the real present."""
        look = Look(
            self.gate.clock(now),
            minute,
            {own: figures[unit] for own, unit in self.system.units.items()},
        )
        stamp = int(look.at.timestamp() / self.manner.resolution)
        if not self._is_due(beat, look) or stamp == self._last_stamp:
            return
        self._last_beat, self._last_stamp, self._last_units = beat, stamp, look.units
        for emission in self.gate.through(self.manner.write(look, self.gate.flaw())):
            self.outlet.put(emission)
            self.sent += len(emission)

    def _is_due(self, beat: int, look: Look) -> bool:
        if self._last_beat is None:
            return True
        if self.manner.ticks:
            return (beat + self._offset) % TICK == 0
        return look.units != self._last_units or beat - self._last_beat >= AT_LEAST
