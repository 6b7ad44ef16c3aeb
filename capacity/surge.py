"""The surge level of a cluster: from four figures and stated thresholds to a level. Pure.

Every pair of a level and a figure that has a `Threshold` is a switch of its own: it goes on when
the figure reaches `up` and off only when it reaches `down`, and in between, or while the figure is
unknown, it stays as it was. The level wanted is the highest with any switch on. A rise is taken at
once; a fall only when the present level has stood for `SurgeRule.fall_after`. Explained in
docs/rules.md; the thresholds are data of the catalogue.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from capacity.instants import format_instant, parse_instant

LEVELS = range(4)
"""0 normal, 1 pressed, 2 high, 3 critical; the words are in web/words/surge.py."""


class Fact(StrEnum):
    """A figure that pressure is judged by; whole numbers, percentages cut to whole ones."""

    FREE = "free"
    """Free acute places in percent of all; the one figure that is worse when lower."""
    LOAD = "load"
    """Occupied places of the acute department in percent; can exceed 100."""
    WAITING = "waiting"
    """How many wait in the visitation."""
    WAIT = "wait"
    """The visitation's waiting time in minutes."""


Values = Mapping[Fact, int | None]
"""What the figures are; a missing one or ``None`` is unknown."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a switch goes on (`up`) and off again (`down`), both included; never equal."""

    up: int
    down: int

    def holds(self, value: int | None, before: bool) -> bool:
        """Whether the switch is on at `value`, when it was `before`."""
        if value is None:
            return before
        falling = self.up < self.down  # the figure is worse when lower
        if value <= self.up if falling else value >= self.up:
            return True
        if value >= self.down if falling else value <= self.down:
            return False
        return before


@dataclass(frozen=True, slots=True)
class SurgeRule:
    """One cluster's thresholds.

    `levels` are those of the levels 1, 2 and 3. A level stands for at least `fall_after` before it
    falls. Free places are known when at least `known_percent` of the units with places are.
    """

    levels: tuple[Mapping[Fact, Threshold], ...]
    fall_after: timedelta
    known_percent: int = 50

    def switches(self) -> Iterator[tuple[int, Fact, Threshold]]:
        """Every threshold with its level and its figure."""
        for level, thresholds in enumerate(self.levels, start=1):
            for fact, threshold in thresholds.items():
                yield level, fact, threshold

    def facts(self) -> frozenset[Fact]:
        """The figures that any threshold asks for."""
        return frozenset(fact for _, fact, _ in self.switches())


Holding = frozenset[tuple[int, Fact]]
"""The switches that are on, by level and figure."""


@dataclass(frozen=True, slots=True)
class SurgeState:
    """A computed level, since when it stands, and the switches that are on.

    `unknown_since` is from when the level could no longer be judged: no figure is known, or none
    of those that the level rests on. The level then stays what it was.
    """

    level: int
    since: datetime
    holding: Holding = frozenset()
    unknown_since: datetime | None = None

    @property
    def wanted(self) -> int:
        """The highest level with a switch on; below `level` while a fall is waiting its time."""
        return max((level for level, _ in self.holding), default=0)

    def as_json(self) -> dict[str, object]:
        """The form in which it is stored; `state_from_json` reads it back."""
        return {
            "level": self.level,
            "since": format_instant(self.since),
            "holding": [[level, fact.value] for level, fact in sorted(self.holding)],
            "unknown_since": format_instant(self.unknown_since),
        }


def state_from_json(stored: Mapping[str, object]) -> SurgeState:
    """The state of `SurgeState.as_json`; figures that this program does not know are left out."""
    holding, unknown = stored["holding"], stored["unknown_since"]
    assert isinstance(holding, list)
    return SurgeState(
        level=int(str(stored["level"])),
        since=parse_instant(str(stored["since"])),
        holding=frozenset(
            (int(level), Fact(fact)) for level, fact in holding if fact in Fact.__members__.values()
        ),
        unknown_since=None if unknown is None else parse_instant(str(unknown)),
    )


def next_state(
    values: Values, rule: SurgeRule, before: SurgeState | None, now: datetime
) -> SurgeState:
    """The state that follows from the figures at `now`; ``None`` before means the first look.

    The same figures at the same instant again change nothing.
    """
    was_on = before.holding if before else frozenset()
    holding = frozenset(
        (level, fact)
        for level, fact, threshold in rule.switches()
        if threshold.holds(values.get(fact), (level, fact) in was_on)
    )
    wanted = max((level for level, _ in holding), default=0)
    if before is None:
        level, since = wanted, now
    else:
        level, since = before.level, before.since
        if wanted > level or (wanted < level and now - since >= rule.fall_after):
            level, since = wanted, now
    unknown_since = None
    if _cannot_be_judged(values, rule, level, holding):
        unknown_since = (before.unknown_since if before else None) or now
    return SurgeState(level, since, holding, unknown_since)


def _cannot_be_judged(values: Values, rule: SurgeRule, level: int, holding: Holding) -> bool:
    known = {fact for fact in rule.facts() if values.get(fact) is not None}
    reasons = {fact for at, fact in holding if at == level}
    return not known or (bool(reasons) and not reasons & known)


@dataclass(frozen=True, slots=True)
class Crossing:
    """The highest threshold of one figure that is on."""

    level: int
    threshold: Threshold


def crossings(rule: SurgeRule, holding: Holding) -> dict[Fact, Crossing]:
    """For each figure with a switch on, its highest: what the level is explained by."""
    return {
        fact: Crossing(level, threshold)
        for level, fact, threshold in rule.switches()  # levels rise, so the highest stays
        if (level, fact) in holding
    }


def may_fall_at(state: SurgeState, rule: SurgeRule) -> datetime | None:
    """When a fall that is waiting takes place, if nothing changes; ``None`` when none is."""
    return state.since + rule.fall_after if state.wanted < state.level else None
