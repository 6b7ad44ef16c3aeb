"""Sources, a hand-set clock and an intake for tests of what comes in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from capacity.board import Board
from capacity.catalogue import builtin_catalogue
from feeds.intake import Intake
from feeds.sources import Source, load_sources

CATALOGUE = builtin_catalogue()
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Move on by a `timedelta`'s arguments."""
        self.now += timedelta(**by)


def one_source(folder: Path, /, **keys: str) -> Source:
    """A source of the Randers cluster from a real sources file; values are TOML."""
    block = {
        "id": '"s"',
        "cluster": '"randers"',
        "format": '"json"',
        "transport": '"push"',
        "attribution": '"test"',
        "units": '["favrskov-akutplads", "norddjurs-akutplads"]',
    } | keys
    path = folder / "source.toml"
    lines = (f"{key} = {value}" for key, value in block.items())
    path.write_text("[[source]]\n" + "\n".join(lines), encoding="utf-8")
    (source,) = load_sources([path], CATALOGUE).values()
    return source


def intake_over(board: Board, clock: HandClock) -> Intake:
    """An intake over a real board."""
    return Intake(board, CATALOGUE, clock)


def report(
    unit: str = "favrskov-akutplads", occupied: int | None = 1, **fields: object
) -> dict[str, object]:
    """A good report about a unit, observed at `START`."""
    return {
        "unit": unit,
        "observed_at": "2026-11-22T12:00:00Z",
        "total": 2,
        "occupied": occupied,
    } | fields
