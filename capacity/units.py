"""Units, organisations and clusters: what the catalogue knows, all of it dated data.

Who holds authority over a unit, who operates it, which municipalities form a grouping, and what
the terms are called change by law and agreement (the next time on 1 January 2027), so each is a
list of values with the day it is valid from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from capacity.instants import COPENHAGEN
from capacity.model import REPORT_TYPE_OF_KIND, ReportType, UnitKind

T = TypeVar("T")


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
class Opening:
    """Local opening hours on the weekdays 0 (Monday) to 6; `closes` <= `opens` runs overnight."""

    weekdays: frozenset[int]
    opens: time
    closes: time

    def covers(self, local: datetime) -> bool:
        """Whether the wall-clock time `local` lies in these hours, `opens` included."""
        now, today = local.time(), local.weekday()
        if self.closes > self.opens:
            return today in self.weekdays and self.opens <= now < self.closes
        began_today = today in self.weekdays and now >= self.opens
        began_yesterday = (today - 1) % 7 in self.weekdays and now < self.closes
        return began_today or began_yesterday


@dataclass(frozen=True, slots=True)
class Unit:
    """One place that offers acute capacity.

    `opening` is ``None`` for round the clock. `assumptions` names the fields whose values are
    assumptions or placeholders rather than facts.
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

    def is_open(self, at: datetime) -> bool:
        """Whether an instant lies in the opening hours (Danish local time, without holidays)."""
        local = at.astimezone(COPENHAGEN)
        return self.opening is None or any(hours.covers(local) for hours in self.opening)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A grouping of municipalities around one acute hospital; itself dated data."""

    id: str
    name: str
    hospital: str
    municipalities: Dated[tuple[str, ...]]
    assumptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Term:
    """A word shown on screen, Danish and English, one and many."""

    da: str
    da_plural: str
    en: str
    en_plural: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything the catalogue files say, checked and keyed by id."""

    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    municipalities: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[str, Term] = field(default_factory=dict)
    terms: Mapping[str, Dated[Term]] = field(default_factory=dict)
    units: Mapping[str, Unit] = field(default_factory=dict)

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
