"""What processes cost, read from /proc (Linux)."""

import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process has used: seconds of processor, and bytes of memory now (RSS)."""

    name: str
    cpu: float
    memory: int


def costs(roots: Sequence[int]) -> dict[int, Cost]:
    """What these processes and all below them have used so far, by process id."""
    found = {}
    for pid in _with_children(roots):
        try:
            found[pid] = _cost(pid)
        except (OSError, IndexError):
            continue  # it ended while we looked
    return found


def _cost(pid: int) -> Cost:
    fields = (PROC / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    pages = int((PROC / str(pid) / "statm").read_text("ascii").split()[1])
    return Cost(_name(pid), ticks / os.sysconf("SC_CLK_TCK"), pages * resource.getpagesize())


def _name(pid: int) -> str:
    words = (PROC / str(pid) / "cmdline").read_text("utf-8", errors="replace").split("\0")
    if pid == os.getpid():
        return "simulators"
    if "--listen-on" in words:
        return "web process"
    if "serve" in words:
        return "serve"
    return (PROC / str(pid) / "comm").read_text("utf-8", errors="replace").strip()


def _with_children(roots: Sequence[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text("utf-8", errors="replace")
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        pid = waiting.pop(0)
        if pid not in found:
            found.append(pid)
            waiting += [] if pid == os.getpid() else children.get(pid, [])
    return found
