"""All scenarios, in the order of their numbers in docs/faults.md."""

from typing import Protocol

from tests.faults.finding import Finding
from tests.faults.scenarios import (
    board_stopped,
    clocks,
    descriptors,
    disk_full,
    everything,
    file_damaged,
    history_away,
    holds_race,
    hostile,
    lease_paused,
    lost_reply,
    migration_killed,
    partition,
    promotion,
    service_killed,
    shards,
    source_frozen,
    store_frozen,
    store_killed,
    storm,
    termination,
    trimmed,
)
from tests.faults.stage import Stage


class Scenario(Protocol):
    """A module that plays one fault; `HAZARD` is the number in docs/safety.md that it answers."""

    NAME: str
    NUMBER: int
    HAZARD: int

    async def run(self, stage: Stage) -> Finding:
        """Play it; `OptedOutError` where that is not possible."""
        ...


SCENARIOS: tuple[Scenario, ...] = (
    lost_reply,
    store_killed,
    service_killed,
    promotion,
    trimmed,
    board_stopped,
    store_frozen,
    lease_paused,
    holds_race,
    source_frozen,
    clocks,
    disk_full,
    file_damaged,
    partition,
    storm,
    termination,
    hostile,
    descriptors,
    history_away,
    shards,
    migration_killed,
    everything,
)
