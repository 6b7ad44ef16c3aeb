"""What people did: asks and their answers, use of agreements, outcomes, late reports, reminders.

Each is counted in the hour in which it began: a hold when it was asked for, an outcome when it was
logged, whatever came of them later.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from capacity.holds import HoldState
from capacity.indicators.days import hour_of
from capacity.indicators.measures import Key, Measure, Tally
from capacity.instants import epoch_millis, parse_instant
from capacity.outcomes import Logged, OutcomeCode
from capacity.units import Catalogue

CatalogueAt = Callable[[datetime], Catalogue]
"""The catalogue that was in force at an instant."""

_ANSWERS = (HoldState.ACCEPTED, HoldState.DECLINED)
_OF_OUTCOME = {
    OutcomeCode.ALTERNATIVE.value: Measure.OUTCOME_ALTERNATIVE,
    OutcomeCode.ADMITTED_DESPITE_FREE.value: Measure.OUTCOME_DESPITE_FREE,
    OutcomeCode.ADMITTED_NONE_FREE.value: Measure.OUTCOME_NONE_FREE,
}


def hold_counts(holds: Iterable[Mapping[str, Any]], catalogue_at: CatalogueAt) -> Tally:
    """Holds by what became of them, from the last record of each."""
    found: Tally = Counter()
    for hold in holds:
        asked_at = parse_instant(hold["asked_at"])
        for measure, amount in _of_hold(hold, asked_at):
            found[unit_key(catalogue_at, hold["unit"], measure, asked_at)] += amount
        if hold["agreement"] is not None:
            need = hold["need"] or {}
            where = (hold["agreement"], "", need.get("municipality") or "", hour_of(asked_at))
            found[Key(Measure.AGREEMENT_ASKED, *where)] += 1
            if hold["state"] == HoldState.FILLED:
                found[Key(Measure.AGREEMENT_FILLED, *where)] += 1
    return found


def _of_hold(hold: Mapping[str, Any], asked_at: datetime) -> Iterable[tuple[Measure, int]]:
    yield Measure.ASKED, 1
    answer = next(((state, at) for state, at, _ in hold["path"] if state in _ANSWERS), None)
    if answer is not None:
        state, at = answer
        yield Measure.ACCEPTED if state == HoldState.ACCEPTED else Measure.DECLINED, 1
        yield Measure.ANSWERED, 1
        waited = epoch_millis(parse_instant(at)) - epoch_millis(asked_at)
        yield Measure.ANSWER_MS, max(0, waited)
    elif hold["state"] in (HoldState.CANCELLED, HoldState.EXPIRED):
        yield Measure.UNANSWERED, 1
    if hold["state"] == HoldState.FILLED:
        yield Measure.FILLED, 1


def outcome_counts(outcomes: Iterable[Logged]) -> Tally:
    """Outcomes by their present value, corrections included."""
    found: Tally = Counter()
    for each in outcomes:
        value = each.value
        municipality = (value["need"] or {}).get("municipality") or ""
        where = (value["unit"] or "", "", municipality, hour_of(each.at))
        found[Key(Measure.OUTCOMES, *where)] += 1
        found[Key(_OF_OUTCOME.get(value["outcome"], Measure.OUTCOME_OTHER), *where)] += 1
        if value["took_seconds"] is not None:
            found[Key(Measure.TIMED_CALLS, *where)] += 1
            found[Key(Measure.CALL_SECONDS, *where)] += value["took_seconds"]
    return found


def unit_counts(
    measure: Measure, events: Iterable[tuple[str, datetime]], catalogue_at: CatalogueAt
) -> Tally:
    """Events of units, each with its unit and its instant, one by one."""
    return Counter(unit_key(catalogue_at, unit, measure, at) for unit, at in events)


def unit_key(catalogue_at: CatalogueAt, unit: str, measure: Measure, at: datetime) -> Key:
    """The key of an event of a unit; kind and place as the catalogue of then has them."""
    known = catalogue_at(at).units.get(unit)
    kind, municipality = (known.kind.value, known.municipality) if known else ("", "")
    return Key(measure, unit, kind, municipality, hour_of(at))
