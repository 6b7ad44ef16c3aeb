"""The ways out of a system: a folder, a push by HTTP, a shelf that others fetch from.

A push outlet keeps what could not be delivered, in order, and tries again: it says so once when
delivery begins to fail and once when it works again.
"""

import asyncio
import hashlib
import random
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import httpx

from simulators.document import Document, Emission

OUTBOX = 200
"""Documents kept while the target is away; the oldest fall out first."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
"""Seconds between attempts: doubled each time, up to the longest."""
TIMEOUT = httpx.Timeout(10.0, connect=3.0)


def say(source: str, text: str) -> None:
    """One short line on standard error."""
    print(f"simulators: {source}: {text}", file=sys.stderr, flush=True)


class Outlet(Protocol):
    """Where a source's documents go."""

    def put(self, emission: Emission) -> None:
        """Take documents over; never blocks for long, never raises."""


def write_whole(folder: Path, name: str, body: bytes) -> Path:
    """Hand a file over so that it is never seen unfinished: written aside, then renamed.

    The unfinished file lies in the same folder (a rename is atomic only within a file system),
    hidden, and without the ending that watchers look for.
    """
    unfinished = folder / f".{name}.part"
    try:
        unfinished.write_bytes(body)
        return unfinished.replace(folder / name)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


class FolderDrop:
    """Hands files over in a folder, named so that they sort in the order they were put."""

    def __init__(self, source: str, folder: Path) -> None:
        self._source, self._folder = source, folder
        self._count = 0
        self._failing = False

    def put(self, emission: Emission) -> None:
        """Write each document; says so once when the folder cannot be written to."""
        for document in emission:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            self._count += 1
            name = f"{self._source}_{stamp}_{self._count:06d}{document.suffix}"
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                write_whole(self._folder, name, document.body)
            except OSError as error:
                self._note(f"cannot write to its folder: {error.strerror}")
            else:
                self._note(None)

    def _note(self, trouble: str | None) -> None:
        if trouble is not None and not self._failing:
            say(self._source, trouble)
        elif trouble is None and self._failing:
            say(self._source, "writes to its folder again")
        self._failing = trouble is not None


class Shelf:
    """The document that fetchers get now; `None` means no answer comes at all."""

    def __init__(self) -> None:
        self.document: Document | None = None
        self.etag = ""
        self.changed = asyncio.Event()

    def put(self, emission: Emission) -> None:
        """Lay out the newest document."""
        self.document = emission[-1]
        self.etag = f'"{hashlib.sha256(self.document.body).hexdigest()[:20]}"'
        self.changed.set()


class HttpPush:
    """Pushes documents in order; `run` is the task that does it.

    For `patience` seconds from its start nothing is said of trouble: the target may be starting.
    """

    def __init__(
        self, source: str, url: str, key_file: Path, seed: int = 0, patience: float = 0.0
    ) -> None:
        self._source, self._url, self._key_file = source, url, key_file
        self._outbox: deque[Document] = deque(maxlen=OUTBOX)
        self._filled = asyncio.Event()
        self._rng = random.Random(f"{seed}/push/{source}")
        self._trouble: str | None = None
        self._patience = patience
        self._quiet_until = 0.0

    def put(self, emission: Emission) -> None:
        """Put documents in the outbox."""
        self._outbox.extend(emission)
        self._filled.set()

    async def run(self) -> None:
        """Deliver, for ever; cancel to stop."""
        pause = FIRST_PAUSE
        self._quiet_until = asyncio.get_running_loop().time() + self._patience
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
            while True:
                await self._filled.wait()
                if not self._outbox:
                    self._filled.clear()
                    continue
                document = self._outbox[0]
                again_after = await self._try(client, document)
                if again_after is None:
                    if self._outbox and self._outbox[0] is document:
                        self._outbox.popleft()
                    pause = FIRST_PAUSE
                    continue
                await asyncio.sleep(max(again_after, pause * self._rng.uniform(0.8, 1.2)))
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _try(self, client: httpx.AsyncClient, document: Document) -> float | None:
        """Deliver once. ``None``: done with this document; else try again after some seconds."""
        headers = headers_of(document, self._key_file)
        if headers is None:
            answer = NO_KEY
        else:
            try:
                response = await client.post(self._url, content=document.body, headers=headers)
                answer = judge(response)
            except httpx.TransportError as error:
                answer = unreachable(error)
        self._note(answer.trouble)
        return answer.again_after

    def _note(self, trouble: str | None) -> None:
        if trouble is not None and asyncio.get_running_loop().time() < self._quiet_until:
            return
        if trouble is not None and trouble != self._trouble:
            say(self._source, trouble)
        elif trouble is None and self._trouble is not None:
            say(self._source, "delivers again")
        self._trouble = trouble


@dataclass(frozen=True, slots=True)
class Answer:
    """How a push went: what to say of it, whether to try again, and what the target answered.

    `again_after` is ``None`` when there is nothing more to do for the document, else seconds.
    """

    trouble: str | None = None
    again_after: float | None = None
    body: Mapping[str, object] | None = None
    status: int | None = None


def headers_of(document: Document, key_file: Path) -> dict[str, str] | None:
    """What goes with a document; the key is read anew each time, ``None`` while there is none."""
    try:
        key = key_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return {"Authorization": f"Bearer {key}", "Content-Type": document.media_type}


NO_KEY = Answer("has no key yet", FIRST_PAUSE)


def unreachable(error: Exception) -> Answer:
    """The answer when there was none."""
    return Answer(f"cannot deliver: {type(error).__name__}", FIRST_PAUSE)


def judge(response: httpx.Response) -> Answer:
    """Only an overloaded or broken target is asked again; what it refuses is not repeated."""
    status = response.status_code
    body = _json_object(response)
    if status in (429, 500, 502, 503, 504):
        return Answer(f"target answers {status}", _retry_after(response), body, status)
    if status in (401, 403):
        return Answer(f"key refused ({status})", None, body, status)
    if status >= 300:
        return Answer(f"document refused ({status})", None, body, status)
    return Answer(body=body, status=status)


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), 300.0) if text.isdecimal() else FIRST_PAUSE


def _json_object(response: httpx.Response) -> Mapping[str, object] | None:
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
