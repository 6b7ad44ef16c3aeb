"""The table ``surge`` of a cluster, as catalogue files have it."""

from itertools import pairwise

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from capacity.catalogue_blocks import Block, Duration
from capacity.surge import Fact, SurgeRule, Threshold


class LowThreshold(Block):
    """A figure that is worse when lower: on from `up` down, off again from `down` up."""

    up: int = Field(ge=0, le=100, strict=True)
    down: int = Field(ge=0, le=100, strict=True)

    @field_validator("down")
    @classmethod
    def _apart(cls, value: int, info: ValidationInfo) -> int:
        if value <= info.data.get("up", -1):
            raise ValueError("must be above up: this figure is worse when lower")
        return value


class HighThreshold(Block):
    """A figure that is worse when higher: on from `up` up, off again from `down` down."""

    up: int = Field(ge=1, le=10_000, strict=True)
    down: int = Field(ge=0, le=10_000, strict=True)

    @field_validator("down")
    @classmethod
    def _apart(cls, value: int, info: ValidationInfo) -> int:
        if value >= info.data.get("up", 10_001):
            raise ValueError("must be below up: this figure is worse when higher")
        return value


class SurgeLevelBlock(Block):
    """When one surge level is reached and left; any threshold alone is enough."""

    free_percent: LowThreshold | None = None
    load_percent: HighThreshold | None = None
    waiting: HighThreshold | None = None
    wait_minutes: HighThreshold | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "SurgeLevelBlock":
        if not self.thresholds():
            raise ValueError("states no threshold")
        return self

    def thresholds(self) -> dict[Fact, Threshold]:
        """The thresholds that are stated, as the rules take them."""
        stated = {
            Fact.FREE: self.free_percent,
            Fact.LOAD: self.load_percent,
            Fact.WAITING: self.waiting,
            Fact.WAIT: self.wait_minutes,
        }
        return {fact: Threshold(it.up, it.down) for fact, it in stated.items() if it is not None}


class SurgeBlock(Block):
    """The table ``surge`` of a cluster; see `capacity.surge.SurgeRule`."""

    pressed: SurgeLevelBlock
    high: SurgeLevelBlock
    critical: SurgeLevelBlock
    fall_after: Duration
    known_percent: int = Field(default=50, ge=1, le=100, strict=True)

    @model_validator(mode="after")
    def _in_order(self) -> "SurgeBlock":
        for fact in Fact:
            found = [level[fact] for level in self._levels() if fact in level]
            for lower, higher in pairwise(found):
                sign = -1 if fact is Fact.FREE else 1
                if sign * higher.up < sign * lower.up or sign * higher.down < sign * lower.down:
                    raise ValueError(f"a higher level is reached or left before a lower: {fact}")
        return self

    def _levels(self) -> tuple[dict[Fact, Threshold], ...]:
        return tuple(each.thresholds() for each in (self.pressed, self.high, self.critical))

    def rule(self) -> SurgeRule:
        """The thresholds as the rules take them."""
        return SurgeRule(self._levels(), self.fall_after, self.known_percent)
