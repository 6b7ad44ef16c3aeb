"""The two choices a visitator makes: the citizen's municipality and what the unit must be able to.

They live in the address, so that they work without script and can be sent to a colleague.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from capacity.row import Row
from capacity.units import Unit

MOST_CAPABILITIES = 20
"""More than anyone asks for; the rest of a longer address is left unread."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Chosen municipality code, or ``None`` for all, and capability codes (all are required)."""

    municipality: str | None = None
    capabilities: tuple[str, ...] = ()

    @property
    def chosen(self) -> bool:
        """Whether anything is chosen at all."""
        return bool(self.municipality or self.capabilities)

    def in_municipality(self, code: str | None) -> "Filters":
        """The same choice for another municipality."""
        return Filters(code, self.capabilities)

    def toggled(self, capability: str) -> "Filters":
        """The same choice with one capability more, or less."""
        rest = tuple(c for c in self.capabilities if c != capability)
        if len(rest) == len(self.capabilities):
            rest = (*rest, capability)
        return Filters(self.municipality, rest)

    def href(self, lang: str | None) -> str:
        """The relative address of this choice; a language only where the address chose one."""
        pairs = [("municipality", self.municipality)] if self.municipality else []
        pairs += [("capability", code) for code in self.capabilities]
        if lang:
            pairs.append(("lang", lang))
        return "?" + urlencode(pairs)

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
    """The choice an address asks for; what the catalogue does not know is ignored."""
    known_places, known_capabilities = frozenset(municipalities), frozenset(capabilities)
    municipality: str | None = None
    chosen: list[str] = []
    for name, value in query:
        if name == "municipality" and value in known_places:
            municipality = value
        elif name == "capability" and value in known_capabilities and value not in chosen:
            chosen.append(value)
    return Filters(municipality, tuple(chosen[:MOST_CAPABILITIES]))


def served_by(unit: Unit, local: bool) -> frozenset[str]:
    """The municipalities whose citizens a unit takes; empty for the whole cluster.

    A municipal (`local`) unit takes its own. Others take the catalogue's service area, or all.
    """
    if local:
        return frozenset((unit.municipality, *unit.service_area))
    return frozenset(unit.service_area)
