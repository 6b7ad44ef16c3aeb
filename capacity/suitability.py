"""What the catalogue alone says of a unit for a need: capability, area, place or home, way, hours.

`prepare` finds once per catalogue and need what no row and no clock changes; `judge_area` and
`judge_hours` add what the clock, the surge level and the use of agreements change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

from capacity.agreements import Allowed, Refusal, agreements_on
from capacity.agreements import judge as judge_agreements
from capacity.findings import Findings, Moments
from capacity.instants import format_instant
from capacity.model import UnitKind
from capacity.need import Need, Where
from capacity.opening import Hours
from capacity.units import Agreement, Catalogue, Distance, OrganisationType, Unit

PLACES: Final = frozenset({UnitKind.ACUTE_PLACE, UnitKind.ACUTE_CLINIC, UnitKind.SUBACUTE_SLOT})
"""Kinds that the citizen is brought to."""
HOMES: Final = frozenset({UnitKind.ACUTE_TEAM, UnitKind.HOSPITAL_AT_HOME})
"""Kinds that come to the citizen."""
TAKING_PART: Final = PLACES | HOMES | {UnitKind.ADVICE_LINE}
"""Kinds that can be an alternative to admission; the others are pressure, or the way there."""

LOOK_AHEAD = timedelta(hours=24)
"""How far ahead an opening or a next free place counts, where the need does not say how soon."""

_NO_DISTANCE = Distance()
_NOT_THE_MUNICIPALITY = frozenset(
    {OrganisationType.HOSPITAL, OrganisationType.OUT_OF_HOURS, OrganisationType.PREHOSPITAL}
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that takes part, and what of it depends on the need and the catalogue alone.

    `own`: it lies in the citizen's municipality and is no hospital's. `fit`: 0 of the kind asked
    for, 1 an advice line, 2 the other kind. `minutes` is how long until help and citizen meet by
    road or response (an hour for 60 km where only kilometres are known), ``None`` unknown.
    `findings` are those that nothing but the need and the catalogue decides.
    """

    unit: Unit
    hours: Hours
    own: bool
    fit: int
    agreements: tuple[Agreement, ...]
    distance: Distance
    minutes: float | None
    findings: Findings


@lru_cache(maxsize=32)
def prepare(catalogue: Catalogue, need: Need) -> dict[str, Candidate]:
    """The candidates by unit id."""
    distances = catalogue.distances.get(need.municipality or "", {})
    return {
        unit.id: _candidate(catalogue, need, unit, distances.get(unit.id, _NO_DISTANCE))
        for unit in catalogue.units.values()
        if unit.kind in TAKING_PART
    }


def _candidate(catalogue: Catalogue, need: Need, unit: Unit, distance: Distance) -> Candidate:
    runs = catalogue.organisations.get(unit.organisation)
    own = unit.municipality == need.municipality and (
        runs is None or runs.type not in _NOT_THE_MUNICIPALITY
    )
    distance = _NO_DISTANCE if unit.kind in HOMES else distance
    minutes = _minutes(unit, distance)
    found = Findings()
    _judge_capabilities(found, unit, need)
    fit = _fit(unit.kind, need.where)
    if fit == 2:
        found.no("not_at_home" if need.where is Where.HOME else "not_a_place")
    _judge_way(found, unit, distance, minutes, need)
    return Candidate(
        unit=unit,
        hours=unit.hours,
        own=own,
        fit=fit,
        agreements=agreements_on(catalogue, need.municipality, unit),
        distance=distance,
        minutes=minutes,
        findings=found,
    )


def _minutes(unit: Unit, distance: Distance) -> float | None:
    if unit.kind in HOMES:
        return None if unit.response is None else unit.response.total_seconds() / 60
    return distance.km if distance.minutes is None else distance.minutes


def _fit(kind: UnitKind, where: Where) -> int:
    if kind is UnitKind.ADVICE_LINE:
        return 1
    if where is Where.EITHER or (kind in PLACES) is (where is Where.PLACE):
        return 0
    return 2


def _judge_capabilities(found: Findings, unit: Unit, need: Need) -> None:
    if not need.capabilities:
        return
    lacks = [each for each in need.capabilities if each not in unit.capabilities]
    if not unit.capabilities:
        found.ask("capabilities_unknown")
    elif lacks:
        found.no("capability_never", capabilities=lacks)
    else:
        found.fact("capabilities_all")


def _judge_way(
    found: Findings, unit: Unit, distance: Distance, minutes: float | None, need: Need
) -> None:
    """Response is a promise that a unit may better when asked; a road is as long as it is."""
    within = need.within_minutes
    if unit.kind in HOMES:
        if minutes is None:
            if within is not None:
                found.ask("response_unknown")
        elif within is not None and minutes > within:
            found.ask("response_too_long", minutes=round(minutes), within=within)
        else:
            found.fact("response", minutes=round(minutes))
    elif unit.kind in PLACES and minutes is not None:
        way = {"minutes": distance.minutes, "km": distance.km}
        if within is not None and minutes > within:
            found.no("travel_too_long", within=within, **way)
        else:
            found.fact("travel", **way)


def judge_area(
    found: Findings,
    candidate: Candidate,
    need: Need,
    moments: Moments,
    surge_level: int | None,
    used: Mapping[str, int],
) -> Allowed | Refusal:
    """Add whether the unit serves the citizen's municipality; returns what was found."""
    allowed = judge_agreements(
        need.municipality, candidate.unit, candidate.agreements, moments, surge_level, used
    )
    if isinstance(allowed, Refusal):
        found.no(allowed.code, **allowed.params)
    elif need.municipality is None:
        found.ask("municipality_missing")
    elif allowed.agreement is not None:
        agreement = allowed.agreement
        count = {"used": used.get(allowed.usage_key or "", 0), "limit": allowed.limit}
        per = agreement.quota.per.value if agreement.quota else None
        found.fact("agreement", agreement=agreement.id, terms=agreement.terms, per=per, **count)
    else:
        found.fact("own_municipality" if candidate.own else "serves")
    return allowed


def wait_of(need: Need) -> timedelta:
    """How long the need can wait; `LOOK_AHEAD` where it does not say."""
    within = need.within_minutes
    return LOOK_AHEAD if within is None else timedelta(minutes=within)


def judge_hours(
    found: Findings, candidate: Candidate, need: Need, moments: Moments, *, answers: bool
) -> bool:
    """Add what the opening hours say; returns whether the unit is open now.

    `answers`: a report that can be trusted says that somebody is on duty, whatever the hours say.
    """
    hours = candidate.hours
    if hours.always:
        return True
    is_open, changes = moments.in_hours(hours)
    if not is_open:
        opens = {"opens_at": format_instant(changes)}
        if answers:
            found.ask("outside_hours", **opens)
        elif changes is not None and moments.comes_within(changes, wait_of(need)):
            found.ask("opens", **opens)
        else:
            found.no("closed_hours", **opens)
        return False
    if changes is not None:
        way = timedelta(minutes=candidate.minutes or 0)
        closes = {"closes_at": format_instant(changes)}
        if moments.comes_within(changes, way):
            found.ask("closes_before_arrival", **closes)
        elif moments.comes_within(changes, wait_of(need)):
            found.fact("closes", **closes)
    return True
