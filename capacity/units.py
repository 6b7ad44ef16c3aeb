"""Units, organisations and clusters: what the catalogue knows, all of it dated data.

Who holds authority over a unit, who operates it, which municipalities form a grouping, and what
the terms are called change by law and agreement (the next time on 1 January 2027), so each is a
list of values with the day it is valid from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from capacity.instants import COPENHAGEN
from capacity.model import REPORT_TYPE_OF_KIND, ReportType, UnitKind
from capacity.opening import Hours, Opening
from capacity.reminders import Reminding
from capacity.surge import SurgeRule

T = TypeVar("T")

HOLD_FOR = timedelta(minutes=30)
"""How long a hold waits where the catalogue says nothing of its own."""


def danish_day(at: datetime) -> date:
    """The day by which dated values are looked up: laws take effect at Danish midnight."""
    return at.astimezone(COPENHAGEN).date()


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """Values with the day each begins to hold, in order; empty before the first."""

    values: tuple[tuple[date, T], ...]

    def on(self, day: date) -> T | None:
        """The value that holds on `day`."""
        current: T | None = None
        for since, value in self.values:
            if since <= day:
                current = value
        return current


class OrganisationType(StrEnum):
    """Who runs things."""

    MUNICIPALITY = "municipality"
    HOSPITAL = "hospital"
    REGION = "region"
    OUT_OF_HOURS = "out_of_hours"
    PREHOSPITAL = "prehospital"


@dataclass(frozen=True, slots=True)
class Organisation:
    """A municipality, hospital, out-of-hours or prehospital service.

    `municipality` is a four-digit code ("0730"), `sor` an identifier in the style of the Danish
    register of health organisations (a digit string), `region_code` a region's own four digits
    ("1082"); each ``None`` where there is none or it is not known. `assumptions` as for units.
    """

    id: str
    name: str
    type: OrganisationType
    municipality: str | None
    sor: str | None = None
    region_code: str | None = None
    assumptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long a unit's figures may be trusted after they were observed."""

    ageing_after: timedelta
    stale_after: timedelta


@dataclass(frozen=True, slots=True)
class Unit:
    """One place that offers acute capacity.

    `opening` is ``None`` for round the clock; `holiday_opening` are the hours on public holidays
    (empty: closed, ``None``: as usual) and on the days (month, day) of `holidays_also`.
    `hold_for` is how long a hold waits for its end, `response` how soon help usually comes where
    the unit comes to the citizen, `remind` how its owner is reminded before a figure goes stale
    (``None``: not at all). `assumptions` names the fields whose values are assumptions or
    placeholders rather than facts.
    """

    id: str
    name: str
    kind: UnitKind
    cluster: str
    organisation: str
    municipality: str
    freshness: Freshness
    authority: Dated[str]
    operator: Dated[str]
    capabilities: tuple[str, ...] = ()
    places: int | None = None
    phone: str | None = None
    opening: tuple[Opening, ...] | None = None
    holiday_opening: tuple[Opening, ...] | None = None
    holidays_also: frozenset[tuple[int, int]] = frozenset()
    hold_for: timedelta = HOLD_FOR
    response: timedelta | None = None
    remind: Reminding | None = None
    sor: str | None = None
    service_area: tuple[str, ...] = ()
    assumptions: frozenset[str] = frozenset()

    def __hash__(self) -> int:
        """By id, so that units can key a cache cheaply; equality still compares everything."""
        return hash(self.id)

    @property
    def report_type(self) -> ReportType:
        """The shape that reports about this unit must have."""
        return REPORT_TYPE_OF_KIND[self.kind]

    @property
    def hours(self) -> Hours:
        """When the unit is open, holidays included."""
        return Hours(self.opening, self.holiday_opening, self.holidays_also)

    @property
    def area(self) -> tuple[str, ...]:
        """Whose citizens it serves: as listed, else those of the municipality it lies in."""
        return self.service_area or (self.municipality,)

    def is_open(self, at: datetime) -> bool:
        """Whether an instant lies in the opening hours (Danish local time, holidays included)."""
        return self.hours.is_open(at)

    def organisations(self, day: date) -> frozenset[str]:
        """Those a unit belongs to on a day: its organisation and its operator."""
        operator = self.operator.on(day)
        return frozenset({self.organisation} if operator is None else {self.organisation, operator})


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a unit is by road from where a municipality's citizens live; ``None``: unknown."""

    km: float | None = None
    minutes: int | None = None


class Period(StrEnum):
    """What a quota is counted over: calendar days, weeks (from Monday) or months, Danish time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Quota:
    """At most so many places in each period."""

    places: int
    per: Period


@dataclass(frozen=True, slots=True)
class Agreement:
    """One municipality's citizens may use another's units of some kinds, on a condition.

    `borrower` is the municipality of residence (its code: that stays when authority moves),
    `lender` an organisation that has, operates or holds authority over the units. In force from
    `since` through `until` (both days included; ``None``: open end), at `surge_level` or above,
    within `hours`. `quota` ``None`` is without limit. `terms` is a short text to be shown.
    """

    id: str
    borrower: str
    lender: str
    kinds: frozenset[UnitKind]
    terms: str
    quota: Quota | None = None
    surge_level: int = 0
    hours: Hours = field(default_factory=Hours)
    since: date | None = None
    until: date | None = None
    assumptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A grouping of municipalities around one acute hospital; itself dated data.

    `surge` are the thresholds of its surge level; without them none is computed.
    """

    id: str
    name: str
    hospital: str
    municipalities: Dated[tuple[str, ...]]
    surge: SurgeRule | None = None
    assumptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Term:
    """A word shown on screen, Danish and English, one and many."""

    da: str
    da_plural: str
    en: str
    en_plural: str


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Everything the catalogue files say, checked and keyed by id.

    `distances` are by municipality, then unit. A catalogue equals itself only, so that what is
    derived from it can be kept by it. `assumptions` names tables whose values are assumptions.
    """

    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    municipalities: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[str, Term] = field(default_factory=dict)
    terms: Mapping[str, Dated[Term]] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)
    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    distances: Mapping[str, Mapping[str, Distance]] = field(default_factory=dict)
    assumptions: frozenset[str] = frozenset()

    def served_clusters(self) -> tuple[str, ...]:
        """The clusters that have any unit, hence a board, in catalogue order."""
        with_units = {unit.cluster for unit in self.units.values()}
        return tuple(cluster for cluster in self.clusters if cluster in with_units)

    def units_of(self, cluster: str) -> tuple[Unit, ...]:
        """The units of a cluster in catalogue order."""
        return tuple(unit for unit in self.units.values() if unit.cluster == cluster)

    def term(self, key: str, at: datetime) -> Term | None:
        """The word for `key` (a unit kind, or a concept such as ``cluster``) as of an instant."""
        dated = self.terms.get(key)
        return dated.on(danish_day(at)) if dated else None
