"""The ledger of calls: what a call led to, beside what the board could have told at that minute.

    case = judge(outcome, rows, catalogue, surge_level, used)

The alternatives are ranked with that moment's rows, catalogue, surge level and use of agreements,
by the very rules that the visitator saw (`capacity.alternatives`), and the call is put into one
class. A class says what the board showed. It says nothing of anybody: the doctor on the telephone
knew of the citizen what no board does. Pure; docs/replay.md explains the classes.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from capacity.agreements import NO_USE
from capacity.alternatives import Alternative, rank
from capacity.availability import RowJson
from capacity.findings import Verdict
from capacity.model import UnitKind
from capacity.need import Need, NeedError, parse_need
from capacity.outcomes import Logged, OutcomeCode
from capacity.units import Catalogue

ADMITTED: Final = frozenset({OutcomeCode.ADMITTED_DESPITE_FREE, OutcomeCode.ADMITTED_NONE_FREE})
"""Outcomes that are weighed against the board."""
UNSURE: Final = frozenset({"stale", "never_reported", "free_unknown"})
"""Findings that are about the figure and not about the unit."""
NOT_A_PLACE: Final = frozenset({UnitKind.ADVICE_LINE})
"""Kinds that help a doctor, but take nobody in."""
MOST_TOLD: Final = 5
"""Alternatives that stand beside a call."""


class Finding(StrEnum):
    """The classes, in the order of the page."""

    MISSED = "missed"
    """Admitted while a matching place was free, and its figure could be trusted."""
    STALE = "stale"
    """Admitted; a place would have matched, but its figure was too old, or not known at all."""
    ASK = "ask"
    """Admitted; nothing could be had outright, something might have been on asking."""
    NONE = "none"
    """Admitted because nothing matched."""
    NOT_JUDGED = "not_judged"
    """Admitted, but the need was not logged, so there is nothing to match."""
    NO_HISTORY = "no_history"
    """Admitted, but what the board showed then is not recorded."""
    USED = "used"
    """An alternative was chosen."""
    OTHER = "other"
    """The call led to neither."""


@dataclass(frozen=True, slots=True)
class Case:
    """One call: its outcome, its class, the need as it was read, and what the class rests on.

    `alternatives` are the first of those that make the class, best first; of `NONE` the first of
    those that could not be used, with the reasons. `matching` is how many make the class.
    """

    outcome: Logged
    finding: Finding
    need: Need | None = None
    alternatives: Sequence[Alternative] = ()
    matching: int = 0


def judge(
    outcome: Logged,
    rows: Iterable[RowJson],
    catalogue: Catalogue,
    surge_level: int | None,
    used: Mapping[str, int] = NO_USE,
) -> Case:
    """The call with its class. Everything but `outcome` is as of `outcome.at`."""
    need = need_of(outcome.value, catalogue)
    code = outcome.value["outcome"]
    if code == OutcomeCode.ALTERNATIVE:
        return Case(outcome, Finding.USED, need)
    if code not in ADMITTED:
        return Case(outcome, Finding.OTHER, need)
    if need is None:
        return Case(outcome, Finding.NOT_JUDGED)
    found = list(rows)
    if not found:
        return Case(outcome, Finding.NO_HISTORY, need)
    ranking = rank(need, found, catalogue, outcome.at, surge_level, used)
    last_free = {row["unit"]: row["free"] for row in found}
    places = [each for each in ranking.alternatives if each.kind not in NOT_A_PLACE]
    return _case(outcome, need, places, last_free)


def _case(
    outcome: Logged,
    need: Need,
    places: Sequence[Alternative],
    last_free: Mapping[str, int | None],
) -> Case:
    missed = [each for each in places if is_free(each)]
    unsure = [each for each in places if is_unsure(each, last_free[each.unit])]
    ask = [each for each in places if each.verdict is not Verdict.NO]
    for finding, grounds in (
        (Finding.MISSED, missed),
        (Finding.STALE, unsure),
        (Finding.ASK, ask),
    ):
        if grounds:
            return Case(outcome, finding, need, grounds[:MOST_TOLD], len(grounds))
    return Case(outcome, Finding.NONE, need, places[:MOST_TOLD])


def is_free(alternative: Alternative) -> bool:
    """Whether it could be had outright: nothing spoke against it, and it had a known free place."""
    return alternative.verdict is Verdict.YES and bool(alternative.free)


def is_unsure(alternative: Alternative, last_free: int | None) -> bool:
    """Whether only doubt about its figure spoke against it, and the last one known was not 0."""
    if alternative.verdict is not Verdict.ASK or last_free == 0:
        return False
    against = {each["code"] for each in alternative.reasons if each["verdict"] is not Verdict.YES}
    return against <= UNSURE


def need_of(value: Mapping[str, Any], catalogue: Catalogue) -> Need | None:
    """The need that was logged; ``None`` for none, an empty one, or one we cannot read any more."""
    if value["need"] is None:
        return None
    try:
        need = parse_need(value["need"], catalogue)
    except NeedError:
        return None
    return None if need == Need() else need


def counts(cases: Iterable[Case]) -> dict[Finding, int]:
    """How many calls there are of each class."""
    found = dict.fromkeys(Finding, 0)
    for case in cases:
        found[case.finding] += 1
    return found


def sample(cases: Sequence[Case], size: int, seed: str) -> list[Case]:
    """`size` of the cases by lot, in their order; the same `seed` draws the same.

    Each case draws its own lot from the seed and its id, so a call that is added or corrected
    afterwards does not change who else was drawn, unless it is drawn itself.
    """

    def lot(case: Case) -> bytes:
        return hashlib.sha256(f"{seed}\n{case.outcome.id}".encode()).digest()

    drawn = {case.outcome.id for case in sorted(cases, key=lot)[:size]}
    return [case for case in cases if case.outcome.id in drawn]
