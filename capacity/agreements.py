"""Agreements on borrowing places: whether a unit may be used for a municipality's citizens.

    judged = agreement_for(catalogue, need, unit, now, surge_level)

A unit serves its own service area without asking. Others need an agreement between the citizen's
municipality and somebody who has, operates or holds authority over the unit, of the unit's kind,
and in force: by its dates, its hours, and the surge level. Its quota is counted per calendar
period in Danish time: `Allowed.usage_key` names the count and `Allowed.limit` bounds it. The count
itself is kept where holds are made, so that two at once cannot exceed it; here it is only looked
at, where the caller has it. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from capacity.findings import Moments
from capacity.instants import COPENHAGEN, format_instant
from capacity.need import Need
from capacity.units import Agreement, Catalogue, Period, Unit, danish_day

NO_USE: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Allowed:
    """The unit may be used; under `agreement` where it needed one.

    `period_key` is the calendar period that the quota counts in ("2026-11-22", "2026-W47" or
    "2026-11") and `limit` its number of places; both ``None`` without a quota.
    """

    agreement: Agreement | None = None
    period_key: str | None = None
    limit: int | None = None

    @property
    def usage_key(self) -> str | None:
        """The name of the count of what was used: ``agreement|period``; ``None``: not counted."""
        if self.agreement is None or self.period_key is None:
            return None
        return f"{self.agreement.id}|{self.period_key}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The unit may not be used now; `code` and `params` say why (web/words/alternatives.py).

    The nearest miss is told: of several agreements the one that fails latest in the order
    ``agreement_dates``, ``agreement_hours``, ``agreement_surge``, ``agreement_quota``; and
    ``agreement_none`` where there is none at all.
    """

    code: str
    params: Mapping[str, object] = field(default_factory=dict)


_NEAREST_LAST = ("agreement_dates", "agreement_hours", "agreement_surge", "agreement_quota")
_NEEDLESS = Allowed()
_NONE = Refusal("agreement_none")


def agreement_for(
    catalogue: Catalogue,
    need: Need,
    unit: Unit,
    now: datetime,
    surge_level: int | None,
    used: Mapping[str, int] = NO_USE,
) -> Allowed | Refusal:
    """Whether `unit` may be used for `need` at `now`, and under which agreement.

    A surge level that is not known (``None``) satisfies no condition above 0. `used` are the
    counts by usage key. A need without a municipality needs no agreement: nothing can be said.
    """
    candidates = agreements_on(catalogue, need.municipality, unit)
    return judge(need.municipality, unit, candidates, Moments(now), surge_level, used)


def in_force(
    agreement: Agreement,
    at: datetime,
    surge_level: int | None,
    used: Mapping[str, int] = NO_USE,
) -> Allowed | Refusal:
    """Whether an agreement's dates, hours, surge level and quota are met at `at`, whatever unit."""
    return _in_force(agreement, Moments(at), surge_level, used)


def agreements_on(
    catalogue: Catalogue, municipality: str | None, unit: Unit
) -> tuple[Agreement, ...]:
    """The agreements that could ever open a unit to a municipality's citizens."""
    if municipality is None or municipality in unit.area:
        return ()
    lenders = {
        unit.organisation,
        *(name for _, name in unit.operator.values),
        *(name for _, name in unit.authority.values),
    }
    return tuple(
        each
        for each in catalogue.agreements.values()
        if each.borrower == municipality and unit.kind in each.kinds and each.lender in lenders
    )


def judge(
    municipality: str | None,
    unit: Unit,
    candidates: Iterable[Agreement],
    moments: Moments,
    surge_level: int | None,
    used: Mapping[str, int],
) -> Allowed | Refusal:
    """`agreement_for` over agreements that were found before, and a clock that remembers."""
    if municipality is None or municipality in unit.area:
        return _NEEDLESS
    nearest = _NONE
    for agreement in candidates:
        if not _lends(agreement, unit, moments):
            continue
        judged = _in_force(agreement, moments, surge_level, used)
        if isinstance(judged, Allowed):
            return judged
        if nearest is _NONE or _nearness(judged) > _nearness(nearest):
            nearest = judged
    return nearest


def _nearness(refusal: Refusal) -> int:
    return _NEAREST_LAST.index(refusal.code)


def _lends(agreement: Agreement, unit: Unit, moments: Moments) -> bool:
    """Whether the lender has, operates or holds authority over the unit today."""
    names = {unit.organisation}
    for dated in (unit.operator, unit.authority):
        standing = None
        for since, name in dated.values:
            if moments.reached(midnight(since)):
                standing = name
        if standing is not None:
            names.add(standing)
    return agreement.lender in names


def _in_force(
    agreement: Agreement, moments: Moments, surge_level: int | None, used: Mapping[str, int]
) -> Allowed | Refusal:
    named: dict[str, object] = {"agreement": agreement.id, "terms": agreement.terms}
    begun = agreement.since is None or moments.reached(midnight(agreement.since))
    last = agreement.until
    over = last is not None and last < date.max and moments.reached(midnight(_next(last)))
    if over or not begun:
        dates = {"since": _text(agreement.since), "until": _text(agreement.until)}
        return Refusal("agreement_dates", named | dates)
    is_open, changes = moments.in_hours(agreement.hours)
    if not is_open:
        return Refusal("agreement_hours", named | {"from": format_instant(changes)})
    if (surge_level or 0) < agreement.surge_level:
        levels = {"level": agreement.surge_level, "present": surge_level}
        return Refusal("agreement_surge", named | levels)
    if agreement.quota is None:
        return Allowed(agreement)
    key, until = period(agreement.quota.per, danish_day(moments.now))
    allowed = Allowed(agreement, key, agreement.quota.places)
    moments.reached(midnight(until))
    if used.get(f"{agreement.id}|{key}", 0) >= agreement.quota.places:
        quota = {"limit": agreement.quota.places, "per": agreement.quota.per.value}
        return Refusal("agreement_quota", named | quota | {"from": format_instant(midnight(until))})
    return allowed


def period(per: Period, day: date) -> tuple[str, date]:
    """The name of the calendar period that holds `day`, and the first day after it."""
    if per is Period.DAY:
        return day.isoformat(), _next(day)
    if per is Period.WEEK:
        year, week, weekday = day.isocalendar()
        return f"{year}-W{week:02d}", day + timedelta(days=8 - weekday)
    after = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return f"{day.year}-{day.month:02d}", after


@lru_cache(maxsize=1024)
def midnight(day: date) -> datetime:
    """The instant at which a Danish day begins."""
    if day == date.min:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.combine(day, time(), tzinfo=COPENHAGEN).astimezone(UTC)


def _next(day: date) -> date:
    return day + timedelta(days=1)


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
