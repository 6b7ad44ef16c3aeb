"""The shape of one catalogue file, key by key, and the notations it may use.

What a single value must look like is settled here; what depends on other values or other files
(references, duplicates, order of dates) in `capacity.catalogue`. docs/catalogue.md shows it to
those who write such files.
"""

import re
from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from capacity.model import UnitKind
from capacity.units import Freshness, Opening, OrganisationType, Term

_DURATION = re.compile(r"([0-9]{1,6}) ?(s|min|h|d)")
_DURATION_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_PHONE = re.compile(r"(?:\+45 ?)?([0-9]{2}) ?([0-9]{2}) ?([0-9]{2}) ?([0-9]{2})")


def read_duration(value: object) -> timedelta:
    """A length of time such as ``"3 min"``, ``"4h"``, ``"90 s"`` or ``"1 d"``, above zero."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        raise ValueError('is no length of time above zero, such as "3 min", "4 h" or "1 d"')
    return timedelta(**{_DURATION_UNITS[match[2]]: int(match[1])})


def read_days(value: object) -> frozenset[int]:
    """Weekdays, 0 for Monday: ``"mon-fri"``, ``"sat"``, ``"mon-wed, fri"``."""
    days: set[int] = set()
    for part in value.split(",") if isinstance(value, str) else [""]:
        first, _, last = part.strip().partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError('names no weekdays, such as "mon-fri" or "sat, sun"')
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        if begin > end:
            raise ValueError("has a range of weekdays that runs backwards")
        days.update(range(begin, end + 1))
    return frozenset(days)


def read_hours(value: object) -> tuple[time, time]:
    """Local opening and closing time: ``"08:00-15:00"``; ``"16:00-08:00"`` ends the next day."""
    match = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('are no opening hours, such as "08:00-15:00" or "16:00-08:00"')
    opens = time(int(match[1]), int(match[2]))
    return opens, time(int(match[3] or 0), int(match[4] or 0))


def read_phone(value: str) -> str:
    """A Danish number of eight digits, with or without +45, as ``+45 12 34 56 78``."""
    match = _PHONE.fullmatch(value)
    if match is None:
        raise ValueError("is no Danish telephone number of eight digits")
    return "+45 " + " ".join(match.groups())


def _dated_organisation(value: object) -> object:
    """A plain id stands for the same organisation at all times."""
    return [{"organisation": value}] if isinstance(value, str) else value


def _no_repeats(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError("names the same thing twice")
    return values


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
Sor = Annotated[str, StringConstraints(pattern=r"^[0-9]{6,18}$")]
Phone = Annotated[str, AfterValidator(read_phone)]
Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Words = Annotated[list[str], AfterValidator(_no_repeats)]


class Block(BaseModel):
    """Any part of a file: a key that is not known is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatedBlock(Block):
    """A value with the day it holds from; the first of a list may leave the day out: always."""

    since: date | None = None


class DatedOrganisation(DatedBlock):
    """Who holds authority over a unit, or operates it, from a day on."""

    organisation: str


class DatedMunicipalities(DatedBlock):
    """Which municipalities a cluster has from a day on, by code."""

    codes: Words = Field(min_length=1)


class TermWords(Block):
    """A word in Danish and English; the plural is needed only where it differs."""

    da: Name
    da_plural: Name | None = None
    en: Name
    en_plural: Name | None = None

    def term(self) -> Term:
        """The words with every plural filled in."""
        return Term(self.da, self.da_plural or self.da, self.en, self.en_plural or self.en)


class DatedTerm(TermWords, DatedBlock):
    """The words for a unit kind or a concept from a day on."""


Authority = Annotated[
    list[DatedOrganisation], BeforeValidator(_dated_organisation), Field(min_length=1)
]


class FreshnessBlock(Block):
    """How long figures may be trusted; also what a source may say in its own file."""

    ageing_after: Duration
    stale_after: Duration

    @field_validator("stale_after")
    @classmethod
    def _later(cls, value: timedelta, info: ValidationInfo) -> timedelta:
        if value <= info.data.get("ageing_after", timedelta(0)):
            raise ValueError("must be longer than ageing_after")
        return value

    def freshness(self) -> Freshness:
        """The two lengths of time as the rules take them."""
        return Freshness(self.ageing_after, self.stale_after)


class OpeningBlock(Block):
    """Opening hours on some weekdays."""

    days: Annotated[frozenset[int], BeforeValidator(read_days)]
    hours: Annotated[tuple[time, time], BeforeValidator(read_hours)]

    def opening(self) -> Opening:
        """The hours as the rules take them."""
        return Opening(self.days, *self.hours)


class AssumingBlock(Block):
    """A block that may name those of its own keys whose values are assumptions."""

    assumptions: Words = []

    @field_validator("assumptions")
    @classmethod
    def _own_keys(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in cls.model_fields:
                raise ValueError(f"names {name[:60]}, which is no key of this block")
        return names


class OrganisationBlock(AssumingBlock):
    """One ``[[organisation]]``; see `capacity.units.Organisation`."""

    id: Id
    name: Name
    type: OrganisationType
    municipality: Code | None = None
    region_code: Code | None = None
    sor: Sor | None = None


class ClusterBlock(AssumingBlock):
    """One ``[[cluster]]``; see `capacity.units.Cluster`."""

    id: Id
    name: Name
    hospital: str
    municipalities: list[DatedMunicipalities] = Field(min_length=1)


class UnitBlock(AssumingBlock):
    """One ``[[unit]]``; see `capacity.units.Unit`."""

    id: Id
    name: Name
    kind: UnitKind
    cluster: str
    organisation: str
    municipality: Code
    freshness: FreshnessBlock
    authority: Authority
    operator: Authority
    capabilities: Words = []
    places: int | None = Field(default=None, ge=0, strict=True)
    phone: Phone | None = None
    opening: list[OpeningBlock] | None = Field(default=None, min_length=1)
    sor: Sor | None = None
    service_area: Words = []


class CatalogueFile(Block):
    """A whole file; every part may be left out."""

    requires: list[Id] = []
    municipality: dict[Code, Name] = {}
    capability: dict[Word, TermWords] = {}
    term: dict[Word, Annotated[list[DatedTerm], Field(min_length=1)]] = {}
    organisation: list[OrganisationBlock] = []
    cluster: list[ClusterBlock] = []
    unit: list[UnitBlock] = []


def since_of(entries: Sequence[DatedBlock]) -> list[date]:
    """The day each entry holds from; ``date.min`` where it is left out."""
    return [entry.since or date.min for entry in entries]


def is_placeholder(digits: str | None) -> bool:
    """Whether a telephone number or SOR id is one that nobody can have.

    No Danish subscriber number and no SOR id begins with 0, so a leading zero is free to mark
    the numbers that are still to be filled in.
    """
    return digits is not None and digits.removeprefix("+45 ").startswith("0")
