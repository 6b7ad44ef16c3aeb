"""A watched folder: files that are handed over whole are taken in, in the order of their names.

Hand-over is by renaming: a producer writes under a name that the source's pattern does not match
(or that begins with a dot, or ends in .tmp or .part) and renames when done. For a producer that
cannot, `settle` says how long a file must have stood unchanged. A file that was taken in moves to
``done``, one that could not be read to ``failed``, each with its reasons beside it as
``NAME.reason.json``. Documents of a format that carries patients are not kept: they are deleted
once taken in, and of those that could not be read only the reasons stay. Between reading a file
and moving it a crash is harmless: the same readings applied again are unchanged.
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
from capacity.privacy import CPR_REASON
from capacity.reading import shown
from feeds.intake import Intake
from feeds.sources import Source

log = logging.getLogger(__name__)

UNFINISHED = (".*", "*.tmp", "*.part", "*.partial", "*.reason.json")


class _Seen(NamedTuple):
    size: int
    modified_ns: int
    since: datetime


def make_folders(folder: Path) -> None:
    """Make a watched folder and its ``done`` and ``failed``; raises `OSError`."""
    for each in (folder, folder / "done", folder / "failed"):
        each.mkdir(parents=True, exist_ok=True)


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
        self.waits_for_store = False

    def prepare(self) -> None:
        """Make the folder and its ``done`` and ``failed``."""
        make_folders(self.folder)

    async def once(self) -> int:
        """Take in every complete file; returns how many.

        A store that is away leaves them all. A file that cannot be opened costs itself only.
        """
        self.waits_for_store = False
        taken = 0
        trouble: str | None = None
        try:
            for path in await asyncio.to_thread(self._complete_files):
                try:
                    taken += await self._take(path)
                except OSError as error:
                    trouble = f"{shown(path.name)}: {error.strerror or type(error).__name__}"
        except BoardUnavailableError as error:
            self.waits_for_store = True
            trouble = f"the store is away, the files wait: {error}"
        except OSError as error:
            trouble = f"the folder cannot be read: {error.strerror or type(error).__name__}"
        if trouble is not None:
            self._intake.health.of(self.source.id).failed(self._clock(), trouble)
        return taken

    scan = once

    def _complete_files(self) -> list[Path]:
        now = self._clock()
        found: list[Path] = []
        seen: dict[str, _Seen] = {}
        for path in sorted(self.folder.iterdir()):
            if not self.is_candidate(path):
                continue
            try:
                mark = _mark(path)
            except FileNotFoundError:
                continue  # its producer took it back
            before = self._seen.get(path.name)
            if before is None or before[:2] != mark:
                before = _Seen(*mark, now)
            seen[path.name] = before
            if now - before.since >= self.source.settle:
                found.append(path)
        self._seen = seen
        return found

    def is_candidate(self, path: Path) -> bool:
        """Whether a file is one of this source's, and not one that is still being written."""
        if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in UNFINISHED):
            return False
        if not fnmatch.fnmatchcase(path.name, self.source.pattern):
            return False
        return path.is_file() and not path.is_symlink()

    async def _take(self, path: Path) -> bool:
        try:
            mark = await asyncio.to_thread(_mark, path)
            raw = await self._load(path, mark)
            if raw is None:
                return False
            receipt = await self._intake.take(self.source, raw)
        except UnreadableError as error:
            await asyncio.to_thread(self._put_aside, path, mark, "failed", [error.reject])
            return True
        except FileNotFoundError:
            return False  # its producer took it back between the listing and the reading
        fate = "done" if receipt.durable or not receipt.rejected else "failed"
        await asyncio.to_thread(self._put_aside, path, mark, fate, receipt.rejected)
        return True

    async def _load(self, path: Path, before: tuple[int, int]) -> bytes | None:
        """The whole file, or ``None`` when it changed since it had that mark."""
        if before[0] > self._max_bytes:
            error = UnreadableError("file", "size", f"is over {self._max_bytes} bytes")
            await self._intake.set_aside(self.source, None, [error.reject])
            raise error
        raw = await asyncio.to_thread(path.read_bytes)
        return raw if before == await asyncio.to_thread(_mark, path) else None

    def _put_aside(
        self, path: Path, mark: tuple[int, int], fate: str, rejects: list[Reject]
    ) -> None:
        """Put the file away that had this mark; another one of its name is none of ours yet.

        There is another where this process paused after the reading, and whoever took over
        meanwhile was done with the file before its producer wrote the next.
        """
        if not path.exists() or _mark(path) != mark:
            return
        target = self.folder / fate / path.name
        if target.exists():
            stamp = self._clock().strftime("%Y%m%dT%H%M%S%f")
            target = target.with_name(f"{stamp}-{path.name}")
        if rejects:
            reasons = json.dumps([reject.as_json() for reject in rejects], indent=1)
            target.with_name(target.name + ".reason.json").write_text(reasons, encoding="utf-8")
        personal = any(reject.reason == CPR_REASON for reject in rejects)
        if self.source.format.carries_patients or personal:
            path.unlink()  # what identifies a person is not kept, only why it was refused
        else:
            path.replace(target)
        if fate == "failed":
            name = shown(path.name)
            log.warning("source %s: %s was set aside: %s", self.source.id, name, rejects[0])


def _mark(path: Path) -> tuple[int, int]:
    """What tells that a file is still the same one: its size, and when it was changed."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns
