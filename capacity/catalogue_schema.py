"""The shape of one catalogue file, key by key; its notations are in `capacity.notations`.

What a single value must look like is settled here; what depends on other values or other files
(references, duplicates, order of dates) in `capacity.catalogue`. docs/catalogue.md shows it to
those who write such files.
"""

from collections.abc import Sequence
from datetime import date, time, timedelta
from itertools import pairwise
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
    model_validator,
)

from capacity.model import UnitKind
from capacity.notations import (
    read_days,
    read_duration,
    read_hours,
    read_phone,
    read_yearly_day,
)
from capacity.opening import Hours, Opening
from capacity.reminders import Channel, Quiet, Reminding
from capacity.surge import Fact, SurgeRule, Threshold
from capacity.units import (
    HOLD_FOR,
    Agreement,
    Distance,
    Freshness,
    OrganisationType,
    Period,
    Quota,
    Term,
)


def _closed_is_no_hours(value: object) -> object:
    return [] if value == "closed" else value


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


class RemindBlock(Block):
    """How a unit is reminded before its figure goes stale; see `capacity.reminders`."""

    by: Annotated[list[Channel], AfterValidator(_no_repeats), Field(min_length=1)]
    mail: MailAddress | None = None
    webhook: WebAddress | None = None
    before: Duration = timedelta(minutes=15)
    quiet: Annotated[tuple[time, time], BeforeValidator(read_hours)] | None = None
    at_most: int = Field(default=4, ge=1, le=24, strict=True)

    @model_validator(mode="after")
    def _is_whole(self) -> "RemindBlock":
        for channel, address in ((Channel.MAIL, self.mail), (Channel.WEBHOOK, self.webhook)):
            if (channel in self.by) is not (address is not None):
                raise ValueError(f'names "{channel}" in by, or gives its address, but not both')
        if self.quiet is not None and self.quiet[0] == self.quiet[1]:
            raise ValueError("has quiet hours round the clock: leave remind out instead")
        return self

    def reminding(self) -> Reminding:
        """The choice as the rules take it."""
        quiet = Quiet(*self.quiet) if self.quiet is not None else None
        return Reminding(tuple(self.by), self.before, self.at_most, quiet, self.mail, self.webhook)


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


class LowThreshold(Block):
    """A figure that is worse when lower: on from `up` down, off again from `down` up."""

    up: int = Field(ge=0, le=100, strict=True)
    down: int = Field(ge=0, le=100, strict=True)

    @field_validator("down")
    @classmethod
    def _apart(cls, value: int, info: ValidationInfo) -> int:
        if value <= info.data.get("up", -1):
            raise ValueError("must be above up: this figure is worse when lower")
        return value


class HighThreshold(Block):
    """A figure that is worse when higher: on from `up` up, off again from `down` down."""

    up: int = Field(ge=1, le=10_000, strict=True)
    down: int = Field(ge=0, le=10_000, strict=True)

    @field_validator("down")
    @classmethod
    def _apart(cls, value: int, info: ValidationInfo) -> int:
        if value >= info.data.get("up", 10_001):
            raise ValueError("must be below up: this figure is worse when higher")
        return value


class SurgeLevelBlock(Block):
    """When one surge level is reached and left; any threshold alone is enough."""

    free_percent: LowThreshold | None = None
    load_percent: HighThreshold | None = None
    waiting: HighThreshold | None = None
    wait_minutes: HighThreshold | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "SurgeLevelBlock":
        if not self.thresholds():
            raise ValueError("states no threshold")
        return self

    def thresholds(self) -> dict[Fact, Threshold]:
        """The thresholds that are stated, as the rules take them."""
        stated = {
            Fact.FREE: self.free_percent,
            Fact.LOAD: self.load_percent,
            Fact.WAITING: self.waiting,
            Fact.WAIT: self.wait_minutes,
        }
        return {fact: Threshold(it.up, it.down) for fact, it in stated.items() if it is not None}


class SurgeBlock(Block):
    """The table ``surge`` of a cluster; see `capacity.surge.SurgeRule`."""

    pressed: SurgeLevelBlock
    high: SurgeLevelBlock
    critical: SurgeLevelBlock
    fall_after: Duration
    known_percent: int = Field(default=50, ge=1, le=100, strict=True)

    @model_validator(mode="after")
    def _in_order(self) -> "SurgeBlock":
        for fact in Fact:
            found = [level[fact] for level in self._levels() if fact in level]
            for lower, higher in pairwise(found):
                sign = -1 if fact is Fact.FREE else 1
                if sign * higher.up < sign * lower.up or sign * higher.down < sign * lower.down:
                    raise ValueError(f"a higher level is reached or left before a lower: {fact}")
        return self

    def _levels(self) -> tuple[dict[Fact, Threshold], ...]:
        return tuple(each.thresholds() for each in (self.pressed, self.high, self.critical))

    def rule(self) -> SurgeRule:
        """The thresholds as the rules take them."""
        return SurgeRule(self._levels(), self.fall_after, self.known_percent)


class ClusterBlock(AssumingBlock):
    """One ``[[cluster]]``; see `capacity.units.Cluster`."""

    id: Id
    name: Name
    hospital: str
    municipalities: list[DatedMunicipalities] = Field(min_length=1)
    surge: SurgeBlock | None = None


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
    opening: Openings | None = None
    holiday_opening: HolidayOpenings | None = None
    holidays_also: list[YearlyDay] = []
    hold_for: Duration = HOLD_FOR
    response: Duration | None = None
    remind: RemindBlock | None = None
    sor: Sor | None = None
    service_area: Words = []


class DistanceBlock(Block):
    """How far a unit is from a municipality's citizens, by road: kilometres, minutes or both."""

    km: float | None = Field(default=None, ge=0, le=1000)
    minutes: int | None = Field(default=None, ge=0, le=1440, strict=True)

    @model_validator(mode="after")
    def _says_something(self) -> "DistanceBlock":
        if self.km is None and self.minutes is None:
            raise ValueError("gives neither km nor minutes")
        return self

    def distance(self) -> Distance:
        """The distance as the rules take it."""
        return Distance(self.km, self.minutes)


class QuotaBlock(Block):
    """How many places an agreement lends in each calendar day, week or month."""

    places: int = Field(ge=1, le=10_000, strict=True)
    per: Period

    def quota(self) -> Quota:
        """The quota as the rules take it."""
        return Quota(self.places, self.per)


class AgreementBlock(AssumingBlock):
    """One ``[[agreement]]``; see `capacity.units.Agreement`."""

    id: Id
    borrower: Code
    lender: str
    kinds: Annotated[list[UnitKind], Field(min_length=1)]
    terms: Terms
    quota: QuotaBlock | None = None
    surge_level: int = Field(default=0, ge=0, le=3, strict=True)
    hours: Openings | None = None
    holiday_hours: HolidayOpenings | None = None
    holidays_also: list[YearlyDay] = []
    since: date | None = None
    until: date | None = None

    @field_validator("until")
    @classmethod
    def _after_since(cls, value: date | None, info: ValidationInfo) -> date | None:
        since = info.data.get("since")
        if value is not None and since is not None and value < since:
            raise ValueError("lies before since")
        return value

    def agreement(self) -> Agreement:
        """The agreement as the rules take it."""
        return Agreement(
            id=self.id,
            borrower=self.borrower,
            lender=self.lender,
            kinds=frozenset(self.kinds),
            terms=self.terms,
            quota=self.quota.quota() if self.quota else None,
            surge_level=self.surge_level,
            hours=Hours(
                opening_of(self.hours),
                opening_of(self.holiday_hours),
                frozenset(self.holidays_also),
            ),
            since=self.since,
            until=self.until,
            assumptions=frozenset(self.assumptions),
        )


class CatalogueFile(AssumingBlock):
    """A whole file; every part may be left out. `assumptions` here names whole tables."""

    requires: list[Id] = []
    municipality: dict[Code, Name] = {}
    capability: dict[Word, TermWords] = {}
    term: dict[Word, Annotated[list[DatedTerm], Field(min_length=1)]] = {}
    organisation: list[OrganisationBlock] = []
    cluster: list[ClusterBlock] = []
    unit: list[UnitBlock] = []
    distance: dict[Code, dict[Id, DistanceBlock]] = {}
    agreement: list[AgreementBlock] = []


def since_of(entries: Sequence[DatedBlock]) -> list[date]:
    """The day each entry holds from; ``date.min`` where it is left out."""
    return [entry.since or date.min for entry in entries]


def is_placeholder(digits: str | None) -> bool:
    """Whether a telephone number or SOR id is one that nobody can have.

    No Danish subscriber number and no SOR id begins with 0, so a leading zero is free to mark
    the numbers that are still to be filled in.
    """
    return digits is not None and digits.removeprefix("+45 ").startswith("0")
