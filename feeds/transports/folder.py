"""A watched folder: files that are handed over whole are taken in, in the order of their names.

Hand-over is by renaming: a producer writes under a name that the source's pattern does not match
(or that begins with a dot, or ends in .tmp or .part) and renames when done. For a producer that
cannot, `settle` says how long a file must have stood unchanged. A file that was taken in moves to
``done``, one that could not be read to ``failed``, each with its reasons beside it as
``NAME.reason.json``. Between reading a file and moving it a crash is harmless: the same readings
applied again are unchanged.
"""

import asyncio
import fnmatch
import json
import logging
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from capacity.board import BoardUnavailableError
from capacity.instants import Clock
from capacity.model import Reject, UnreadableError
from feeds.intake import Intake
from feeds.sources import Source

log = logging.getLogger(__name__)

UNFINISHED = (".*", "*.tmp", "*.part", "*.partial", "*.reason.json")


class _Seen(NamedTuple):
    size: int
    modified_ns: int
    since: datetime


class FolderWatch:
    """One source's folder; `scan` takes in what is complete."""

    def __init__(
        self, source: Source, inbox: Path, intake: Intake, clock: Clock, max_bytes: int
    ) -> None:
        self.source = source
        self.folder = inbox / source.folder
        self._intake = intake
        self._clock = clock
        self._max_bytes = max_bytes
        self._seen: dict[str, _Seen] = {}

    def prepare(self) -> None:
        """Make the folder and its ``done`` and ``failed``."""
        for folder in (self.folder, self.folder / "done", self.folder / "failed"):
            folder.mkdir(parents=True, exist_ok=True)

    async def scan(self) -> int:
        """Take in every complete file; returns how many. A store that is away leaves them all."""
        taken = 0
        health = self._intake.health.of(self.source.id)
        for path in await asyncio.to_thread(self._complete_files):
            try:
                await self._take(path)
            except BoardUnavailableError as error:
                health.failed(self._clock(), f"the store is away, the files wait: {error}")
                return taken
            taken += 1
        return taken

    def _complete_files(self) -> list[Path]:
        now = self._clock()
        found: list[Path] = []
        seen: dict[str, _Seen] = {}
        for path in sorted(self.folder.iterdir()):
            if not self._is_candidate(path):
                continue
            stat = path.stat()
            before = self._seen.get(path.name)
            if before is None or before[:2] != (stat.st_size, stat.st_mtime_ns):
                before = _Seen(stat.st_size, stat.st_mtime_ns, now)
            seen[path.name] = before
            if now - before.since >= self.source.settle:
                found.append(path)
        self._seen = seen
        return found

    def _is_candidate(self, path: Path) -> bool:
        if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in UNFINISHED):
            return False
        if not fnmatch.fnmatchcase(path.name, self.source.pattern):
            return False
        return path.is_file() and not path.is_symlink()

    async def _take(self, path: Path) -> None:
        try:
            raw = await asyncio.to_thread(self._load, path)
            receipt = await self._intake.take(self.source, raw)
        except UnreadableError as error:
            self._put_aside(path, "failed", [error.reject])
            return
        except FileNotFoundError:
            return  # its producer took it back between the listing and the reading
        fate = "done" if receipt.durable or not receipt.rejected else "failed"
        self._put_aside(path, fate, receipt.rejected)

    def _load(self, path: Path) -> bytes:
        if path.stat().st_size > self._max_bytes:
            raise UnreadableError("file", "size", f"is over {self._max_bytes} bytes")
        return path.read_bytes()

    def _put_aside(self, path: Path, fate: str, rejects: list[Reject]) -> None:
        target = self.folder / fate / path.name
        if target.exists():
            stamp = self._clock().strftime("%Y%m%dT%H%M%S%f")
            target = target.with_name(f"{stamp}-{path.name}")
        if rejects:
            reasons = json.dumps([reject.as_json() for reject in rejects], indent=1)
            target.with_name(target.name + ".reason.json").write_text(reasons, encoding="utf-8")
        path.replace(target)
        if fate == "failed":
            log.warning("source %s: %s was set aside: %s", self.source.id, path.name, rejects[0])
