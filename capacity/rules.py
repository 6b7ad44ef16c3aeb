"""The rules of the field over counts and times. Pure: values in, values out.

Source of every rule here: the field description the project was founded on (free, missing,
freshness and closure), whose text is summarised in docs/rules.md.
"""

from datetime import datetime, timedelta

from capacity.model import Closure, Freshness, Inconsistency, State

FUTURE_TOLERANCE = timedelta(minutes=2)
"""A source's clock may run this much ahead; a reading further in the future is refused."""


def free_places(
    *,
    total: int | None,
    staffed: int | None,
    occupied: int | None,
    reserved: int | None,
    closed: int | None,
    stated: int | None = None,
) -> int | None:
    """Staffed places that can be taken now, before holds; ``None`` when that cannot be known.

    free = total - occupied - reserved - closed, never below zero. An unstaffed empty place is
    closed, so at least ``total - staffed`` are. Any unknown part makes the result unknown. When
    the source also states a free count of its own, that is taken as far as the known parts leave
    room for it: promising a place that is not there is the worse error.
    """
    if stated is None:
        return _derived(total, staffed, occupied, reserved, closed)
    at_most = _at_most(total, staffed, occupied, reserved, closed)
    return stated if at_most is None else min(stated, at_most)


def unusable(total: int | None, staffed: int | None, closed: int | None) -> int | None:
    """Places that cannot be used: those reported closed, or at least those without staff."""
    if closed is None:
        return None
    if total is None or staffed is None:
        return closed
    return max(closed, total - staffed)


def _derived(
    total: int | None,
    staffed: int | None,
    occupied: int | None,
    reserved: int | None,
    closed: int | None,
) -> int | None:
    out = unusable(total, staffed, closed)
    if total is None or occupied is None or reserved is None or out is None:
        return None
    return max(0, total - occupied - reserved - out)


def _at_most(
    total: int | None,
    staffed: int | None,
    occupied: int | None,
    reserved: int | None,
    closed: int | None,
) -> int | None:
    """The most that can be free, whatever the unknown parts are; equals `_derived` if none is."""
    return _derived(total, staffed, occupied or 0, reserved or 0, closed or 0)


def inconsistencies(
    *,
    total: int | None,
    staffed: int | None,
    occupied: int | None,
    reserved: int | None,
    closed: int | None,
    stated: int | None,
) -> tuple[Inconsistency, ...]:
    """Every way in which the counts of one report contradict each other."""
    found: list[Inconsistency] = []
    if total is not None:
        if occupied is not None and occupied > total:
            found.append(Inconsistency.OCCUPIED_OVER_TOTAL)
        elif (occupied or 0) + (reserved or 0) + (closed or 0) > total:
            found.append(Inconsistency.PARTS_OVER_TOTAL)
        if staffed is not None and staffed > total:
            found.append(Inconsistency.STAFFED_OVER_TOTAL)
        if stated is not None and stated > total:
            found.append(Inconsistency.FREE_OVER_TOTAL)
    if stated is not None and _contradicts(
        stated,
        _derived(total, staffed, occupied, reserved, closed),
        _at_most(total, staffed, occupied, reserved, closed),
    ):
        found.append(Inconsistency.FREE_CONTRADICTS_PARTS)
    return tuple(found)


def _contradicts(stated: int, derived: int | None, at_most: int | None) -> bool:
    """A stated free count differs from the parts, or is more than the known parts leave."""
    if derived is not None:
        return stated != derived
    return at_most is not None and stated > at_most


def state_of(
    *,
    free: int | None,
    total: int | None,
    occupied: int | None,
    out_of_use: int | None,
    closure: Closure | None,
    on_duty: bool | None,
    answers_when_on_duty: bool = False,
) -> State:
    """The state a unit shows.

    Closed: by its own word, off duty, or with every place out of use and nobody in one. Otherwise
    the free count decides. A telephone line has no places: for it being on duty is being free
    (`answers_when_on_duty`).
    """
    if closure is not None or on_duty is False:
        return State.CLOSED
    nothing_in_use = not free and not occupied
    if nothing_in_use and total is not None and out_of_use is not None and out_of_use >= total:
        return State.CLOSED
    if free is not None:
        return State.FREE if free > 0 else State.OCCUPIED
    if answers_when_on_duty and on_duty:
        return State.FREE
    return State.UNKNOWN


def freshness_at(
    now: datetime,
    observed_at: datetime | None,
    ageing_at: datetime | None,
    stale_at: datetime | None,
) -> Freshness:
    """How far a figure can be trusted at `now`; it is stale *at* `stale_at`, not after it."""
    if observed_at is None or stale_at is None:
        return Freshness.UNKNOWN
    if now >= stale_at:
        return Freshness.STALE
    if ageing_at is not None and now >= ageing_at:
        return Freshness.AGEING
    return Freshness.FRESH


def is_from_the_future(observed_at: datetime, received_at: datetime) -> bool:
    """Whether a reading claims to be further ahead than a clock may be off."""
    return observed_at - received_at > FUTURE_TOLERANCE
