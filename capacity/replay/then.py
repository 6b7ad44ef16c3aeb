"""The catalogue as it stood at a moment: the units that were on the board, and what was said of
them; and the agreements in force. Pure.

Terms, groupings, authority, operators and agreements are dated in the catalogue itself. What is
not dated there, a unit's name, what it can do, that it is there at all, stands in the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from capacity.agreements import NO_USE, Allowed, Refusal, in_force
from capacity.model import UnitKind
from capacity.units import Agreement, Catalogue, Dated, Freshness, Unit, danish_day

RowJson = Mapping[str, Any]

_NEVER = timedelta(0)


def catalogue_then(catalogue: Catalogue, cluster: str, rows: Iterable[RowJson]) -> Catalogue:
    """The catalogue in which the cluster has exactly the units of `rows`, as the rows tell them.

    A unit that is in today's catalogue no more is made from its row; one that had no row is not
    there. Kinds that this program does not know are left out. Where nothing differs it is
    `catalogue` itself, so that what is derived from a catalogue need not be derived again.
    """
    by_unit = {row["unit"]: row for row in rows}
    present = {unit.id for unit in catalogue.units_of(cluster)}
    units: dict[str, Unit] = {}
    for unit in catalogue.units.values():
        if unit.cluster != cluster:
            units[unit.id] = unit
        elif unit.id in by_unit:
            units[unit.id] = _as_told(unit, by_unit[unit.id])
    for id_, row in by_unit.items():
        if id_ not in present and row["kind"] in set(UnitKind):
            units[id_] = _gone(row, cluster)
    if units.keys() == catalogue.units.keys() and all(
        units[id_] is unit for id_, unit in catalogue.units.items()
    ):
        return catalogue
    return replace(catalogue, units=units)


def _as_told(unit: Unit, row: RowJson) -> Unit:
    told: dict[str, Any] = {}
    for name in ("name", "organisation", "municipality", "phone"):
        if row[name] != getattr(unit, name):
            told[name] = row[name]
    if row["kind"] != unit.kind and row["kind"] in set(UnitKind):
        told["kind"] = UnitKind(row["kind"])
    could = _capabilities(row)
    if set(could) != set(unit.capabilities):
        told["capabilities"] = could
    return replace(unit, **told) if told else unit


def _gone(row: RowJson, cluster: str) -> Unit:
    def dated(name: str) -> Dated[str]:
        return Dated(((date.min, row[name]),) if row[name] else ())

    return Unit(
        id=row["unit"],
        name=row["name"],
        kind=UnitKind(row["kind"]),
        cluster=cluster,
        organisation=row["organisation"],
        municipality=row["municipality"],
        freshness=Freshness(_NEVER, _NEVER),  # rows say themselves when they went stale
        authority=dated("authority"),
        operator=dated("operator"),
        capabilities=_capabilities(row),
        phone=row["phone"],
    )


def _capabilities(row: RowJson) -> tuple[str, ...]:
    return (*row["capabilities"], *row["capabilities_off"])


@dataclass(frozen=True, slots=True)
class Standing:
    """One agreement at a moment: allowed then, or why not."""

    agreement: Agreement
    judged: Allowed | Refusal

    @property
    def in_force(self) -> bool:
        """Whether places could be used under it."""
        return isinstance(self.judged, Allowed)


def agreements_then(
    catalogue: Catalogue,
    cluster: str,
    at: datetime,
    surge_level: int | None,
    used: Mapping[str, int] = NO_USE,
) -> Sequence[Standing]:
    """The agreements that concern the cluster at `at`, in catalogue order.

    Those whose borrower belongs to it that day, and whose dates hold then; a condition of hours,
    surge level or quota that was not met is told.
    """
    day = danish_day(at)
    borrowers = set(catalogue.clusters[cluster].municipalities.on(day) or ())
    found = [
        Standing(each, in_force(each, at, surge_level, used))
        for each in catalogue.agreements.values()
        if each.borrower in borrowers
    ]
    return [each for each in found if _code(each.judged) != "agreement_dates"]


def _code(judged: Allowed | Refusal) -> str:
    return judged.code if isinstance(judged, Refusal) else ""
