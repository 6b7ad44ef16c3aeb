"""What the blocks of catalogue files are made of: single values, dated values, hours, freshness.

What a single value must look like is settled here; `capacity.catalogue_schema` puts the blocks
together.
"""

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

from capacity.notations import (
    read_days,
    read_duration,
    read_hours,
    read_phone,
    read_yearly_day,
)
from capacity.opening import Opening
from capacity.units import (
    Freshness,
    Term,
)


def _closed_is_no_hours(value: object) -> object:
    return [] if value == "closed" else value


def _dated_organisation(value: object) -> object:
    """A plain id stands for the same organisation at all times."""
    return [{"organisation": value}] if isinstance(value, str) else value


def no_repeats(values: list[str]) -> list[str]:
    """The values, if each is there once."""
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
Words = Annotated[list[str], AfterValidator(no_repeats)]
MailAddress = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[\w.%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"),
]
WebAddress = Annotated[
    str, StringConstraints(max_length=2000, pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[!-~]*)?$")
]
YearlyDay = Annotated[tuple[int, int], BeforeValidator(read_yearly_day)]
Terms = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


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


class HolidayOpeningBlock(Block):
    """Opening hours on public holidays; on all of them unless `days` says otherwise."""

    days: Annotated[frozenset[int], BeforeValidator(read_days)] = frozenset(range(7))
    hours: Annotated[tuple[time, time], BeforeValidator(read_hours)]

    def opening(self) -> Opening:
        """The hours as the rules take them."""
        return Opening(self.days, *self.hours)


Openings = Annotated[list[OpeningBlock], Field(min_length=1)]
HolidayOpenings = Annotated[list[HolidayOpeningBlock], BeforeValidator(_closed_is_no_hours)]


def opening_of(
    entries: Sequence[OpeningBlock | HolidayOpeningBlock] | None,
) -> tuple[Opening, ...] | None:
    """Opening hours as the rules take them; what is left out stays out."""
    return None if entries is None else tuple(entry.opening() for entry in entries)


class AssumingBlock(Block):
    """A block that may name those of its own keys whose values are assumptions."""

    assumptions: Words = Field(default_factory=list)

    @field_validator("assumptions")
    @classmethod
    def _own_keys(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in cls.model_fields:
                raise ValueError(f"names {name[:60]}, which is no key of this block")
        return names


def since_of(entries: Sequence[DatedBlock]) -> list[date]:
    """The day each entry holds from; ``date.min`` where it is left out."""
    return [entry.since or date.min for entry in entries]


def is_placeholder(digits: str | None) -> bool:
    """Whether a telephone number or SOR id is one that nobody can have.

    No Danish subscriber number and no SOR id begins with 0, so a leading zero is free to mark
    the numbers that are still to be filled in.
    """
    return digits is not None and digits.removeprefix("+45 ").startswith("0")
