"""Plays recorded files through a source: into a folder or by push, at any speed.

Files and tar archives may be mixed. All files are put in the order of the time their name holds
(``2024-01-08T014337+0000``, ``20240108T0143``, ``2024-01-08``; without offset taken as UTC), then
those without one by name. Between two files passes the time between their names, or a second
where a name holds none, divided by the speed.
"""

import re
import signal
import sys
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol, TextIO

import httpx

from simulators.document import Document
from simulators.outlets import NO_KEY, TIMEOUT, Answer, headers_of, judge, unreachable, write_whole

MEDIA_TYPES = {".csv": "text/csv", ".json": "application/json", ".xml": "application/xml"}
INTERRUPTED = 130
"""Exit status when told to stop before the end, as shells have it for Ctrl-C."""
_EVER = datetime.min.replace(tzinfo=UTC)
_TIME = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})"
    r"(?:[T_ -]?(\d{2})[:.-]?(\d{2})(?:[:.-]?(\d{2}))?)?"
    r"(Z|[+-]\d{2}:?\d{2})?"
)


class ReplayError(ValueError):
    """A replay that cannot begin or go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded file; `at` is the time its name holds."""

    name: str
    at: datetime | None
    read: Callable[[], bytes]


class Target(Protocol):
    """Where recordings are played to."""

    def play(self, recording: Recording, stop: threading.Event) -> bool:
        """Hand one over; false when `stop` was set before that came about."""

    def summary(self) -> str:
        """What became of them, for the last line."""


class FolderTarget:
    """Hands files over in a folder under their own names, never visible unfinished."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def play(self, recording: Recording, stop: threading.Event) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder, recording.name, recording.read())
        return True

    def summary(self) -> str:
        return "handed over in the folder"


class PushTarget:
    """Pushes files one after the other, each until it was answered."""

    def __init__(self, url: str, key_file: Path) -> None:
        self._url, self._key_file = url, key_file
        self._counts: Counter[str] = Counter()

    def play(self, recording: Recording, stop: threading.Event) -> bool:
        media_type = MEDIA_TYPES.get(
            PurePosixPath(recording.name).suffix, "application/octet-stream"
        )
        document = Document(recording.read(), media_type, "")
        pause = 0.0
        with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
            while True:
                answer = self._push(client, document)
                if answer.again_after is None:
                    self._count(answer)
                    return True
                pause = min(max(answer.again_after, pause * 2), 15.0)
                if stop.wait(pause):
                    return False

    def _push(self, client: httpx.Client, document: Document) -> Answer:
        headers = headers_of(document, self._key_file)
        if headers is None:
            raise ReplayError(str(NO_KEY.trouble))
        try:
            return judge(client.post(self._url, content=document.body, headers=headers))
        except httpx.TransportError as error:
            return unreachable(error)

    def _count(self, answer: Answer) -> None:
        if answer.status in (401, 403):
            raise ReplayError(str(answer.trouble))
        if answer.trouble is not None:
            self._counts["documents refused"] += 1
        for name, value in (answer.body or {}).items():
            if isinstance(value, list):
                self._counts[name] += len(value)
            elif isinstance(value, int):
                self._counts[name] += value

    def summary(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in self._counts.items()) or "pushed"


class Progress:
    """How far it has come: one line kept current on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int, stream: TextIO, lines_every: int = 25) -> None:
        self._total, self._stream, self._every = total, stream, lines_every
        self._tty = stream.isatty()

    def show(self, done: int, name: str) -> None:
        """`done` files are over, the last of them `name`."""
        line = f"{done}/{self._total} {name}"
        if self._tty:
            self._stream.write(f"\r\x1b[K{line}")
        elif done % self._every == 0 or done == self._total:
            self._stream.write(line + "\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """A line of its own."""
        self._stream.write(("\r\x1b[K" if self._tty else "") + text + "\n")
        self._stream.flush()


def time_in(name: str) -> datetime | None:
    """The time a file name holds, or ``None``."""
    match = _TIME.search(name)
    if match is None:
        return None
    *numbers, offset = match.groups(default="0")
    year, month, day, hour, minute, second = map(int, numbers)
    zone = "+00:00" if offset in ("0", "Z") else offset
    try:
        moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - zone follows
        return datetime.fromisoformat(moment.isoformat() + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def recordings_in(paths: Sequence[Path], stack: ExitStack) -> list[Recording]:
    """Every file of the paths, in the order of play; archives stay open as long as `stack`."""
    found = [recording for path in paths for recording in _in_path(path, stack)]
    found.sort(key=lambda one: (one.at is None, one.at or _EVER, one.name))
    repeated = [name for name, times in Counter(one.name for one in found).items() if times > 1]
    if repeated:
        raise ReplayError(f"two recordings are called {repeated[0]}")
    return found


def _in_path(path: Path, stack: ExitStack) -> Iterator[Recording]:
    if not path.is_file():
        raise ReplayError(f"{path}: is no file")
    if not tarfile.is_tarfile(path):
        yield Recording(path.name, time_in(path.name), path.read_bytes)
        return
    archive = stack.enter_context(_opened(path))
    for member in archive.getmembers():
        name = PurePosixPath(member.name).name
        if member.isfile() and not name.startswith("."):
            yield Recording(name, time_in(name), partial(_extract, archive, member))


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    with tarfile.open(path) as archive:
        yield archive


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(member)
    assert content is not None, "only regular files are recordings"
    with content:
        return content.read()


def _remaining(recordings: list[Recording], after: str | None) -> list[Recording]:
    if after is None:
        return recordings
    names = [recording.name for recording in recordings]
    if after not in names:
        raise ReplayError(f"--after: no recording is called {after}")
    return recordings[names.index(after) + 1 :]


def _pauses(recordings: Sequence[Recording], speed: float | None) -> Iterator[float]:
    """How many seconds after the one before each is due."""
    before: Recording | None = None
    for recording in recordings:
        if before is None or speed is None:
            yield 0.0
        elif before.at is None or recording.at is None:
            yield 1.0 / speed
        else:
            yield (recording.at - before.at).total_seconds() / speed
        before = recording


def replay(
    paths: Sequence[Path],
    target: Target,
    *,
    speed: float | None,
    after: str | None = None,
    stop: threading.Event | None = None,
    stream: TextIO | None = None,
) -> int:
    """Play everything; 0 at the end, `INTERRUPTED` when `stop` was set (Ctrl-C) before.

    `speed` is recorded time per real time, ``None`` for as fast as it goes; `after` names the
    file after which to begin. What a target has taken is never handed over again by a resume.
    """
    stop = stop or threading.Event()
    with ExitStack() as stack:
        every = recordings_in(paths, stack)
        recordings = _remaining(every, after)
        progress = Progress(len(every), stream or sys.stderr)
        last, due = after, time.monotonic()
        begun = len(every) - len(recordings)
        pauses = _pauses(recordings, speed)
        for done, (recording, pause) in enumerate(zip(recordings, pauses, strict=True), begun + 1):
            due += pause
            if stop.wait(max(0.0, due - time.monotonic())) or not target.play(recording, stop):
                hint = f"resume with --after {last}" if last else "nothing was played"
                progress.say(f"interrupted; {hint}")
                return INTERRUPTED
            last = recording.name
            progress.show(done, last)
        progress.say(f"played {len(recordings)} of {len(every)} files: {target.summary()}")
    return 0


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that a file is handed over whole or not at all."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
