"""Where scenarios are played: a folder, a seed, how long things last, and who is told."""

import random
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tests.bench.world import World


@dataclass(frozen=True)
class Plan:
    """How much of everything; times in seconds."""

    name: str
    kills: int
    service_kills: int
    freezes: tuple[float, ...]
    outage: float
    boards: int
    storm: int
    steps: int
    mix: float


SHORT = Plan("short", 6, 2, (2, 8), 8, 60, 300, 6, 25)
WHOLE = Plan("whole", 200, 6, (2, 10, 70), 45, 200, 1000, 20, 120)
LONG = Plan("long", 200, 20, (2, 10, 70), 600, 200, 1000, 200, 900)


class Stage:
    """One run: its folder is removed afterwards, its seed makes it what it is."""

    def __init__(self, seed: int, plan: Plan, *, quiet: bool = False) -> None:
        self.seed = seed
        self.plan = plan
        self.folder = Path(mkdtemp(prefix="faults-"))
        self._began = time.monotonic()
        self._quiet = quiet
        self._worlds = 0

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def chance(self, name: str) -> random.Random:
        """The random choices of one scenario, the same for the same seed whatever is played."""
        return random.Random(f"{self.seed} {name}")

    def world(self, units: int = 20, sources: int = 4) -> World:
        """A fresh catalogue of one cluster, its sources and their keys."""
        self._worlds += 1
        return World.write(self.folder / f"w{self._worlds}", units, sources)

    def say(self, words: str) -> None:
        """Tell whoever waits."""
        if not self._quiet:
            took = time.monotonic() - self._began
            print(f"{took:6.1f} s  {words}", file=sys.stderr, flush=True)
