"""How the units of a cluster are laid out: a strip of pressure, one group per municipality, and
one of hospital and region. The order is the catalogue's and never changes while people look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from capacity.instants import COPENHAGEN
from capacity.model import UnitKind
from capacity.row import Row, row_of
from capacity.units import Catalogue, Unit
from web.pages.filters import Filters, served_by
from web.pages.shown import Shown, shown
from web.pages.totals import total_of, total_shown
from web.words import Words

LOCAL_KINDS: Final = frozenset({UnitKind.ACUTE_PLACE, UnitKind.ACUTE_TEAM})
"""Kinds that belong to a place on the map, whoever has authority over them by law."""
PRESSURE_KINDS: Final = frozenset({UnitKind.ACUTE_DEPARTMENT, UnitKind.VISITATION})
MOST_IN_STRIP: Final = 3
"""More departments than this are a list, not a headline."""
REGION: Final = "region"


@dataclass(frozen=True, slots=True)
class UnitView:
    """One unit's element: its row, texts, and what the catalogue says besides."""

    row: Row
    shown: Shown
    served: frozenset[str]
    hidden: bool
    kind: str
    authority: str
    operator: str
    may_report: bool

    @property
    def id(self) -> str:
        """The unit's id."""
        return self.row["unit"]


@dataclass(frozen=True, slots=True)
class Group:
    """A heading, the units under it, and the texts of its total; `hidden` by the filters."""

    id: str
    name: str
    units: tuple[UnitView, ...]
    total: Shown
    hidden: bool

    @property
    def empty(self) -> bool:
        """Whether the filters leave nothing of it."""
        return all(unit.hidden for unit in self.units)


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole board: the strip, one group per municipality, hospital and region, the total."""

    strip: tuple[UnitView, ...]
    local: tuple[Group, ...]
    region: Group | None
    total: Shown
    rows: tuple[Row, ...]

    @property
    def units(self) -> tuple[UnitView, ...]:
        """Every unit, in the order of the page."""
        return (*self.strip, *self.filtered)

    @property
    def filtered(self) -> tuple[UnitView, ...]:
        """The units that the filters apply to: all but the strip's."""
        groups = (*self.local, self.region) if self.region else self.local
        return tuple(unit for group in groups for unit in group.units)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Everything that decides how a row is shown at one moment; `may_report` are the ids of units
    for which whoever looks may report by hand."""

    catalogue: Catalogue
    now: datetime
    words: Words
    abilities: Mapping[str, str]
    filters: Filters
    may_report: frozenset[str] = frozenset()

    def view(self, unit: Unit, row: Row, filtered: bool) -> UnitView:
        """The element of one unit."""
        served = served_by(unit, unit.kind in LOCAL_KINDS)
        today = self.now.astimezone(COPENHAGEN).date()
        return UnitView(
            row=row,
            shown=shown(row, self.now, self.words, self.abilities),
            served=served,
            hidden=filtered and not self.filters.accepts(row, served),
            kind=kind_name(self.catalogue, unit.kind, self.now, self.words),
            authority=self._organisation(unit.authority.on(today)),
            operator=self._organisation(unit.operator.on(today)),
            may_report=unit.id in self.may_report,
        )

    def _organisation(self, id_: str | None) -> str:
        organisation = self.catalogue.organisations.get(id_ or "")
        return organisation.name if organisation else id_ or ""


def lay_out(viewer: Viewer, cluster_id: str, rows: Sequence[Row]) -> Layout:
    """Every unit of the cluster, in catalogue order; one without a row is unknown, not absent."""
    by_unit = {row["unit"]: row for row in rows}
    units = viewer.catalogue.units_of(cluster_id)
    all_rows = {unit.id: by_unit.get(unit.id) or row_of(unit, None) for unit in units}
    strip = tuple(unit for unit in units if unit.kind in PRESSURE_KINDS)
    if len(strip) > MOST_IN_STRIP:
        strip = ()
    rest = tuple(unit for unit in units if unit not in strip)
    return Layout(
        strip=tuple(viewer.view(unit, all_rows[unit.id], filtered=False) for unit in strip),
        local=tuple(_local_groups(viewer, cluster_id, rest, all_rows)),
        region=_region_group(viewer, rest, all_rows),
        total=total_shown(total_of(all_rows.values(), viewer.now), viewer.words),
        rows=tuple(all_rows.values()),
    )


def municipalities_of(catalogue: Catalogue, cluster_id: str, now: datetime) -> dict[str, str]:
    """Code and name of the cluster's municipalities, in the catalogue's order of that day."""
    cluster = catalogue.clusters[cluster_id]
    codes = list(cluster.municipalities.on(now.astimezone(COPENHAGEN).date()) or ())
    for unit in catalogue.units_of(cluster_id):
        if unit.kind in LOCAL_KINDS and unit.municipality not in codes:
            codes.append(unit.municipality)
    return {code: catalogue.municipalities.get(code, code) for code in codes}


def kind_name(catalogue: Catalogue, kind: UnitKind, now: datetime, words: Words) -> str:
    """What a kind of unit is called on that day."""
    term = catalogue.term(kind.value, now)
    if term is None:
        return words.kind(kind.value)
    return term.da if words.lang == "da" else term.en


def _local_groups(
    viewer: Viewer, cluster_id: str, units: Sequence[Unit], rows: Mapping[str, Row]
) -> Iterable[Group]:
    names = municipalities_of(viewer.catalogue, cluster_id, viewer.now)
    for code, name in names.items():
        local = [u for u in units if u.kind in LOCAL_KINDS and u.municipality == code]
        if local:
            yield _group(viewer, code, name, local, rows)


def _region_group(viewer: Viewer, units: Sequence[Unit], rows: Mapping[str, Row]) -> Group | None:
    rest = [unit for unit in units if unit.kind not in LOCAL_KINDS]
    name = viewer.words.text("region_group")
    return _group(viewer, REGION, name, rest, rows) if rest else None


def _group(
    viewer: Viewer, id_: str, name: str, units: Sequence[Unit], rows: Mapping[str, Row]
) -> Group:
    views = tuple(viewer.view(unit, rows[unit.id], filtered=True) for unit in units)
    counted = total_of((view.row for view in views if not view.hidden), viewer.now)
    return Group(
        id=id_,
        name=name,
        units=views,
        total=total_shown(counted, viewer.words),
        hidden=bool(viewer.filters.municipality) and all(view.hidden for view in views),
    )
