"""What is told of a cluster's surge level: in answers, in live frames, and in the journal. Pure."""

from capacity.board.surge import Override, Standing
from capacity.instants import format_instant
from capacity.surge import (
    Crossing,
    Fact,
    Holding,
    SurgeRule,
    Threshold,
    crossings,
    may_fall_at,
)
from capacity.surge_facts import Facts


def surge_answer(
    rule: SurgeRule | None, facts: Facts, standing: Standing | None
) -> dict[str, object]:
    """What is told of one cluster.

    `level` is the one that counts; `computed` what the figures lead to (null: none is computed
    here, or not yet). `since` is from when the level that counts stands, `unknown_since` from when
    it could not be judged, `may_fall_at` when a fall takes place that waits its time.
    """
    state = standing.state if standing and rule else None
    override = standing.override if standing else None
    since = override.at if override else state.since if state else None
    fall = may_fall_at(state, rule) if state and rule else None
    return {
        "level": override.level if override else state.level if state else 0,
        "computed": state.level if state else None,
        "since": format_instant(since),
        "unknown_since": format_instant(state.unknown_since) if state else None,
        "may_fall_at": format_instant(fall),
        "facts": facts_answer(rule, facts, state.holding if state else frozenset()),
        "override": _override_answer(override) if override else None,
    }


def facts_answer(rule: SurgeRule | None, facts: Facts, holding: Holding) -> list[dict[str, object]]:
    """The figures that the rule asks for, each with the highest threshold that it has crossed.

    `value` is what is compared with `up` and `down` (null: unknown); `crosses` is the level whose
    threshold that is, 0 and null when none is.
    """
    if rule is None:
        return []
    values, crossed, asked = (
        facts.values(rule.known_percent),
        crossings(rule, holding),
        rule.facts(),
    )
    return [
        {
            "code": fact.value,
            "value": values[fact],
            **_crossing_answer(crossed.get(fact)),
            **_numbers(fact, facts),
        }
        for fact in Fact
        if fact in asked
    ]


def _crossing_answer(crossing: Crossing | None) -> dict[str, object]:
    if crossing is None:
        return {"crosses": 0, "up": None, "down": None}
    threshold: Threshold = crossing.threshold
    return {"crosses": crossing.level, "up": threshold.up, "down": threshold.down}


def _numbers(fact: Fact, facts: Facts) -> dict[str, object]:
    """The counts behind a percentage."""
    if fact is Fact.FREE:
        places = facts.places
        return {
            "free": places.free,
            "of": places.of,
            "closed": places.closed,
            "unknown": places.unknown,
            "units": places.units,
        }
    return {"occupied": facts.occupied, "of": facts.beds} if fact is Fact.LOAD else {}


def _override_answer(override: Override) -> dict[str, object]:
    return {
        "level": override.level,
        "reason": override.reason,
        "until": format_instant(override.until),
        "at": format_instant(override.at),
        "by": {"role": override.by.role, "organisation": override.by.organisation},
    }
