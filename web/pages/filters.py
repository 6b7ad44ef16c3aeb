"""The need a caller gives, as it is chosen: municipality, capabilities, how soon, and where.

It lives in the address, so that it works without script and can be sent to a colleague. The
municipality and the capabilities also filter the rows of the board.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from capacity.need import Where
from capacity.row import Row
from capacity.units import Unit

MOST_CAPABILITIES = 20
"""More than anyone asks for; the rest of a longer address is left unread."""

HOW_SOON: Final[Mapping[str, int]] = {
    "soon_now": 60,
    "soon_hours": 120,
    "soon_today": 480,
    "soon_tomorrow": 1440,
}
"""What can be chosen for how soon help must begin, by the key of its text, in minutes.

"Now" is within the hour (what an acute team answers to), "today" within a shift of eight hours.
"""

PLACES: Final[Mapping[str, str]] = {
    "where_place": Where.PLACE.value,
    "where_home": Where.HOME.value,
}
"""Where help can be asked for, by the key of its text; neither chosen means either will do."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Municipality code or ``None`` for all, capability codes (all are required), how soon in
    minutes or ``None``, and `where`: place, home or either."""

    municipality: str | None = None
    capabilities: tuple[str, ...] = ()
    within_minutes: int | None = None
    where: str = Where.EITHER.value

    @property
    def chosen(self) -> bool:
        """Whether anything is chosen at all."""
        return self != Filters()

    @property
    def filtering(self) -> bool:
        """Whether any row may be left out for it."""
        return bool(self.municipality or self.capabilities)

    def in_municipality(self, code: str | None) -> "Filters":
        """The same choice for another municipality."""
        return replace(self, municipality=code)

    def toggled(self, capability: str) -> "Filters":
        """The same choice with one capability more, or less."""
        rest = tuple(c for c in self.capabilities if c != capability)
        if len(rest) == len(self.capabilities):
            rest = (*rest, capability)
        return replace(self, capabilities=rest)

    def soon(self, minutes: int) -> "Filters":
        """The same choice for another moment; the one that is chosen already is let go."""
        return replace(self, within_minutes=None if self.within_minutes == minutes else minutes)

    def at(self, where: str) -> "Filters":
        """The same choice for another place; the one that is chosen already is let go."""
        return replace(self, where=Where.EITHER.value if self.where == where else where)

    def href(self, lang: str | None) -> str:
        """The relative address of this choice; a language only where the address chose one."""
        pairs = [("municipality", self.municipality)] if self.municipality else []
        pairs += [("capability", code) for code in self.capabilities]
        if self.within_minutes is not None:
            pairs.append(("within_minutes", str(self.within_minutes)))
        if self.where != Where.EITHER:
            pairs.append(("where", self.where))
        if lang:
            pairs.append(("lang", lang))
        return "?" + urlencode(pairs)

    def as_need(self) -> dict[str, object]:
        """The shape that `capacity.need.parse_need` reads."""
        return {
            "municipality": self.municipality,
            "capabilities": list(self.capabilities),
            "within_minutes": self.within_minutes,
            "where": self.where,
        }

    def accepts(self, row: Row, served: frozenset[str]) -> bool:
        """Whether a unit fits: it serves the municipality and can, just now, all that is asked.

        `served` is empty for units that serve the whole cluster.
        """
        if self.municipality and served and self.municipality not in served:
            return False
        return set(self.capabilities) <= set(row["capabilities"])


def read_filters(
    query: Iterable[tuple[str, str]], municipalities: Iterable[str], capabilities: Iterable[str]
) -> Filters:
    """The choice an address asks for; what the page does not offer is ignored."""
    known_places, known_capabilities = frozenset(municipalities), frozenset(capabilities)
    minutes = {str(value): value for value in HOW_SOON.values()}
    found = Filters()
    chosen: list[str] = []
    for name, value in query:
        if name == "municipality" and value in known_places:
            found = replace(found, municipality=value)
        elif name == "capability" and value in known_capabilities and value not in chosen:
            chosen.append(value)
        elif name == "within_minutes" and value in minutes:
            found = replace(found, within_minutes=minutes[value])
        elif name == "where" and value in PLACES.values():
            found = replace(found, where=value)
    return replace(found, capabilities=tuple(chosen[:MOST_CAPABILITIES]))


def served_by(unit: Unit, local: bool) -> frozenset[str]:
    """The municipalities whose citizens a unit takes; empty for the whole cluster.

    A municipal (`local`) unit takes its own. Others take the catalogue's service area, or all.
    """
    if local:
        return frozenset((unit.municipality, *unit.service_area))
    return frozenset(unit.service_area)
