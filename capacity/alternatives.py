"""Alternatives to admission: every unit that takes part, judged for a need and put in order. Pure.

    ranking = rank(need, rows, catalogue, now, surge_level, used)

Each alternative has a verdict (yes, ask, no) and the findings it rests on, those in its favour
too. Nothing is left out: a unit that cannot help comes last and says why. The order is total: by
verdict; the citizen's own municipality; the kind that was asked for; how soon help and citizen
meet; freshness; how many are free; name; id. docs/rules.md explains every rule.

`Ranking.recheck_at` is the next instant at which time alone can change anything in it: until then
the same rows, surge level and counts give the same ranking.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from capacity.agreements import NO_USE, Allowed
from capacity.availability import RowJson, freshness_of, judge_row
from capacity.findings import Findings, Moments, Reason, Verdict
from capacity.holds import is_holdable
from capacity.model import Freshness, State
from capacity.need import Need
from capacity.suitability import HOMES, Candidate, judge_area, judge_hours, prepare
from capacity.units import Catalogue


@dataclass(slots=True)
class Alternative:
    """One unit for one need, named as in every answer over HTTP. Never changed once made.

    (It is not declared frozen because that makes making it four times as slow.)

    `free` is ``None`` where it is unknown or cannot be trusted. `travel_minutes` and
    `distance_km` are the road to it for those it does not come to. `agreement` is the id of the
    one it would be used under. `holdable`: one of what it has can be kept now.
    """

    unit: str
    name: str
    kind: str
    municipality: str
    organisation: str
    phone: str | None
    verdict: Verdict
    reasons: Sequence[Reason]
    free: int | None
    held: int
    state: str
    freshness: Freshness
    observed_at: str | None
    stale_at: str | None
    travel_minutes: int | None
    distance_km: float | None
    response_minutes: int | None
    agreement: str | None
    holdable: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """All alternatives, best first, and when to look again (``None``: time changes nothing)."""

    alternatives: Sequence[Alternative]
    recheck_at: datetime | None


def rank(
    need: Need,
    rows: Iterable[RowJson],
    catalogue: Catalogue,
    now: datetime,
    surge_level: int | None,
    used: Mapping[str, int] = NO_USE,
) -> Ranking:
    """Judge the units of `rows` for `need` at `now`, best first.

    `rows` are a cluster's rows as JSON, in any order. Rows of kinds that do not take part, and of
    units that the catalogue does not have, are passed over. `used` counts the places used under
    agreements, by `Allowed.usage_key`.
    """
    moments = Moments(now)
    candidates = prepare(catalogue, need)
    judged: list[tuple[_Order, Alternative]] = []
    for row in rows:
        candidate = candidates.get(row["unit"])
        if candidate is not None:
            judged.append(_judge(candidate, row, need, moments, surge_level, used))
    judged.sort(key=_order)
    return Ranking([alternative for _, alternative in judged], moments.next)


def next_best(ranking: Ranking, besides: str, most: int = 3) -> list[Alternative]:
    """What to offer who was refused a hold of the unit `besides`: the best that may be held.

    Those that can be held come first, then others to be asked; none that is *no*.
    """
    offered = [
        each
        for each in ranking.alternatives
        if each.unit != besides and each.verdict is not Verdict.NO
    ]
    offered.sort(key=lambda each: (each.verdict is not Verdict.YES, not each.holdable))
    return offered[:most]


_Order = tuple[int, bool, int, float, int, int, str, str]
_BEST_FIRST = {each: n for n, each in enumerate(Verdict)}
_FRESHEST_FIRST = {each: n for n, each in enumerate(Freshness)}


def _order(judged: tuple[_Order, Alternative]) -> _Order:
    return judged[0]


def _judge(
    candidate: Candidate,
    row: RowJson,
    need: Need,
    moments: Moments,
    surge_level: int | None,
    used: Mapping[str, int],
) -> tuple[_Order, Alternative]:
    freshness = freshness_of(row, moments)
    trusted = freshness in (Freshness.FRESH, Freshness.AGEING)
    found = Findings(candidate.findings)
    allowed = judge_area(found, candidate, need, moments, surge_level, used)
    on_duty = trusted and row["on_duty"] is True
    is_open = judge_hours(found, candidate, need, moments, answers=on_duty)
    judge_row(found, candidate, row, need, moments, freshness)
    unit, verdict = candidate.unit, found.verdict
    free = row["free"] if trusted else None
    may_use = isinstance(allowed, Allowed)
    agreement = allowed.agreement if isinstance(allowed, Allowed) else None
    minutes = candidate.minutes
    alternative = Alternative(
        unit=unit.id,
        name=unit.name,
        kind=unit.kind,
        municipality=unit.municipality,
        organisation=unit.organisation,
        phone=unit.phone,
        verdict=verdict,
        reasons=found.reasons,
        free=free,
        held=row["held"],
        state=row["state"],
        freshness=freshness,
        observed_at=row["observed_at"],
        stale_at=row["stale_at"],
        travel_minutes=candidate.distance.minutes,
        distance_km=candidate.distance.km,
        response_minutes=round(minutes) if unit.kind in HOMES and minutes is not None else None,
        agreement=None if agreement is None else agreement.id,
        holdable=bool(free)
        and may_use
        and is_open
        and row["state"] != State.CLOSED
        and is_holdable(unit),
    )
    order = (
        _BEST_FIRST[verdict],
        not candidate.own,
        candidate.fit,
        inf if minutes is None else minutes,
        _FRESHEST_FIRST[freshness],
        1 if free is None else -free,
        unit.name.casefold(),
        unit.id,
    )
    return order, alternative
