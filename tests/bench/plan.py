"""How much to measure, and telling how far it has come."""

import sys
import time
from dataclasses import dataclass, field
from types import FrameType


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes and times of all measurements; seconds unless said otherwise.

    `runs` is how often everything is repeated; what is at rest, `idle_runs` times. `boards` are
    the numbers of open boards that fan-out is measured with; `slow_for` and `busy_for` how long
    changes are published at one and at twenty a second. `crowd` is how many visitators ask at once.
    `limit` compares with peers on `limit_boards`, and saturated on `many_boards` too; `steady`
    takes as many, and makes trouble for `trouble_for`; `size` counts units a cluster and
    clusters, publishes for `size_for`, and counts changes in a year's history.
    `years`: that many units change every `years_every` minutes, and are asked about after so many
    months; the service is then started `years_starts` times over all of it.
    `hostile` connections disturb `hostile_boards` boards for stretches of `hostile_for`.
    """

    runs: int = 5
    boards: tuple[int, ...] = (200, 1000)
    units: int = 200
    slow_for: float = 10.0
    busy_for: float = 4.0
    ingest_for: float = 2.0
    idle_boards: int = 500
    idle_runs: int = 5
    document_bytes: int = 1_000_000
    snapshot_units: tuple[int, ...] = (18, 200, 1000)
    alternative_units: tuple[int, ...] = (100, 1000, 10_000)
    crowd: int = 200
    crowd_units: tuple[int, ...] = (18, 200)
    limit_boards: int = 1000
    many_boards: int = 4000
    saturated_for: float = 3.0
    steady_for: float = 6.0
    trouble_for: float = 34.0
    sizes: tuple[int, ...] = (30, 200, 10_000)
    size_boards: int = 100
    size_for: float = 10.0
    clusters: int = 100
    history: int = 300_000
    hostile: int = 50
    hostile_boards: int = 1000
    hostile_for: float = 12.0
    years_on: tuple[str, ...] = ("sqlite", "postgres")
    years_units: int = 100
    years_every: int = 10
    years_months: tuple[int, ...] = (3, 6, 12)
    years_starts: int = 3

    @property
    def each(self) -> range:
        """One for every run."""
        return range(self.runs)


FULL = Plan()
QUICK = Plan(
    runs=3,
    boards=(200,),
    slow_for=2.0,
    busy_for=1.5,
    ingest_for=0.5,
    idle_boards=200,
    idle_runs=1,
    document_bytes=150_000,
    alternative_units=(100, 1000),
    crowd_units=(18,),
    limit_boards=200,
    many_boards=400,
    saturated_for=1.0,
    steady_for=2.0,
    trouble_for=3.0,
    sizes=(30, 200),
    size_boards=50,
    size_for=1.5,
    clusters=5,
    history=10_000,
    hostile_boards=200,
    hostile_for=3.0,
    years_units=30,
    years_every=60,
    years_starts=1,
)


@dataclass(slots=True)
class Progress:
    """Lines on standard error, with the time since the start; and whether to go on."""

    started: float = field(default_factory=time.monotonic)
    _interrupted: bool = False

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """A signal's handler. What is raised in the end of an object is lost, hence the mark."""
        self._interrupted = True
        raise KeyboardInterrupt

    def say(self, text: str) -> None:
        """One line; raises `KeyboardInterrupt` if there was an interrupt that went unheard."""
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt
        seconds = time.monotonic() - self.started
        print(f"[{seconds:5.0f} s] {text}", file=sys.stderr, flush=True)
