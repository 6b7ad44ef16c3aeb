"""The amounts of one Danish day, window by window, so that no more than an hour is in hand."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from capacity.indicators.days import Window
from capacity.indicators.definitions import ReferenceNeed
from capacity.indicators.measures import Tally
from capacity.indicators.needs import Memory, need_times
from capacity.indicators.pressure import Level, pressure
from capacity.indicators.shown import Shown, Standing, in_force, slices, standing_after
from capacity.indicators.time_use import time_use
from capacity.units import Catalogue


@dataclass(frozen=True, slots=True)
class Scope:
    """Of what the amounts are: the cluster's catalogue, and the needs that are asked about."""

    cluster: str
    catalogue: Catalogue
    needs: tuple[ReferenceNeed, ...] = ()

    def municipalities(self, day: date) -> tuple[str, ...]:
        """Those that the cluster has on a day."""
        cluster = self.catalogue.clusters.get(self.cluster)
        return (cluster.municipalities.on(day) or ()) if cluster else ()


def window_tally(
    scope: Scope,
    day: date,
    window: Window,
    standing: Standing,
    changes: Iterable[Shown],
    levels: Sequence[Level],
    memory: Memory | None = None,
) -> tuple[Tally, Standing]:
    """The amounts of one window, and what is in force at its end.

    `standing` is what was in force at its beginning, `changes` those within it, `levels` the
    surge levels of at least the window, `memory` what was
    judged in the window before.
    """
    lines = in_force(standing, changes)
    shown = {unit: slices(standing, line, window) for unit, line in lines.items()}
    tally: Tally = Counter()
    for parts in shown.values():
        tally.update(time_use(parts, window.hour))
    places = scope.municipalities(day)
    tally.update(
        need_times(shown, levels, scope.catalogue, scope.needs, places, window.hour, memory)
    )
    tally.update(pressure(levels, window))
    return tally, standing_after(lines)
