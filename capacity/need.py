"""A need: what a caller asks for on behalf of a citizen who is never named.

A need is four choices and no free text: where the citizen lives, what a unit must be able to do,
how soon, and whether a place or help at home is wanted. Anything else is refused, so that nothing
about a person can come along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from capacity.privacy import CPR_REASON, first_cpr
from capacity.units import Catalogue

LONGEST_MINUTES = 7 * 24 * 60
"""A need that can wait for more than a week is not acute."""

MOST_CAPABILITIES = 40
"""More than any list of capabilities has; bounds the work for a request."""


class Where(StrEnum):
    """Whether the citizen needs a place to be, help at home, or either will do."""

    PLACE = "place"
    HOME = "home"
    EITHER = "either"


class NeedError(ValueError):
    """A need that cannot be used: `field` names what is wrong, `reason` says why.

    Neither repeats what was sent.
    """

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked for.

    `municipality` is the four-digit code of where the citizen lives (``None``: not said),
    `capabilities` are ids in catalogue order, all of them required, `within_minutes` is how soon
    help must begin (``None``: not said).
    """

    municipality: str | None = None
    capabilities: tuple[str, ...] = ()
    within_minutes: int | None = None
    where: Where = Where.EITHER

    def as_json(self) -> dict[str, object]:
        """The shape of every answer, hold and outcome; `parse_need` reads it back."""
        return {
            "municipality": self.municipality,
            "capabilities": list(self.capabilities),
            "within_minutes": self.within_minutes,
            "where": self.where.value,
        }


FIELDS = frozenset({"municipality", "capabilities", "within_minutes", "where"})


def parse_need(values: Mapping[str, object], catalogue: Catalogue) -> Need:
    """The need of a JSON object or of a query's parameters; raises `NeedError`.

    Every field may be left out or null. `municipality` may be any in the catalogue: a citizen of
    another cluster can call too. Numbers may come as decimal text, as a query has them.
    """
    path = first_cpr(dict(values))
    if path is not None:
        field = path.partition("[")[0]
        raise NeedError(field if field in FIELDS else "need", CPR_REASON)
    if set(values) - FIELDS:
        raise NeedError("need", "has a field that a need does not have")
    return Need(
        municipality=_municipality(values.get("municipality"), catalogue),
        capabilities=_capabilities(values.get("capabilities"), catalogue),
        within_minutes=_minutes(values.get("within_minutes")),
        where=_where(values.get("where")),
    )


def _municipality(value: object, catalogue: Catalogue) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in catalogue.municipalities:
        raise NeedError("municipality", "is no municipality of the catalogue (four digits)")
    return value


def _capabilities(value: object, catalogue: Catalogue) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise NeedError("capabilities", "must be a list")
    if len(value) > MOST_CAPABILITIES:
        raise NeedError("capabilities", f"has more than {MOST_CAPABILITIES} entries")
    for capability in value:
        if not isinstance(capability, str) or capability not in catalogue.capabilities:
            raise NeedError("capabilities", "names a capability that the catalogue does not know")
    return tuple(known for known in catalogue.capabilities if known in value)


def _minutes(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 5:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_MINUTES:
        raise NeedError("within_minutes", f"must be a whole number, 0 to {LONGEST_MINUTES}")
    return value


def _where(value: object) -> Where:
    if value is None:
        return Where.EITHER
    if not isinstance(value, str) or value not in set(Where):
        raise NeedError("where", "must be place, home or either")
    return Where(value)
