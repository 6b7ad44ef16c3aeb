"""Recordings of every format, and every transport as a line to play them over.

A recording is a folder of tests/support/recordings that bears its format's name:

    source.toml   one [[source]] block as an operator would write it, without `transport`
    steps.toml    what is sent, in order, and what must become of it
    and the documents, all of our own making

    unit = "favrskov-akutplads"         # whose row is looked at
    not_applicable = { local_time = "why this format cannot have it" }

    [[step]]
    name = "up"                         # one of STEPS, each once
    at = "2026-11-22T12:00:00Z"         # the service's clock
    file = "state.json"
    replace = { "11:55" = "11:56" }     # in the text (of a zip file, in that of its members)
    accepted = 1                        # and unchanged, superseded, rejected: 0 if left out;
    shows = { occupied = 1 }            # and what the row holds afterwards

Adding such a folder adds its cases to tests/test_conformance.py.
"""

import asyncio
import io
import tomllib
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
import orjson

from capacity.board import Board
from feeds.health import SourceHealth
from feeds.intake import Intake
from feeds.sources import Source, Transport, load_sources
from feeds.transports.folder import FolderWatch
from feeds.transports.poll import Poll, polling_client
from feeds.transports.retry import Fetching, Paced
from feeds.transports.sftp import SftpFolder
from tests.support.feeding import CATALOGUE, HandClock
from tests.support.service import Service, running, settings_for
from tests.support.sftp_server import SftpHost, sftp_host

RECORDINGS = Path(__file__).with_name("recordings")
STEPS = ("up", "duplicate", "newer", "out_of_order", "half_bad", "ahead", "local_time", "nonsense")
"""`up` and `newer` are good; `out_of_order` is older than what stands; of `half_bad` one part is
usable; `ahead` lies more than two minutes in the future; `local_time` has no offset; of `nonsense`
nothing can be read."""
FATES = ("accepted", "unchanged", "superseded", "rejected")
MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Step:
    """One document that is sent, and what must become of it."""

    name: str
    at: datetime
    document: bytes
    fates: Mapping[str, int]
    shows: Mapping[str, object]


@dataclass(frozen=True)
class Recording:
    """One format's recording."""

    format: str
    source: str
    unit: str
    steps: tuple[Step, ...]
    not_applicable: Mapping[str, str]


def recorded() -> list[str]:
    """The formats that have a recording."""
    return sorted(path.parent.name for path in RECORDINGS.glob("*/steps.toml"))


def recording_of(name: str) -> Recording:
    """The recording of a format."""
    folder = RECORDINGS / name
    stated = tomllib.loads((folder / "steps.toml").read_text(encoding="utf-8"))
    return Recording(
        format=name,
        source=(folder / "source.toml").read_text(encoding="utf-8"),
        unit=stated["unit"],
        steps=tuple(_step(folder, each) for each in stated["step"]),
        not_applicable=stated.get("not_applicable", {}),
    )


def _step(folder: Path, stated: dict[str, Any]) -> Step:
    raw = (folder / stated["file"]).read_bytes()
    for old, new in stated.get("replace", {}).items():
        raw = _replaced(raw, old.encode(), new.encode())
    return Step(
        name=stated["name"],
        at=datetime.fromisoformat(stated["at"]),
        document=raw,
        fates={fate: stated.get(fate, 0) for fate in FATES},
        shows=stated.get("shows", {}),
    )


def _replaced(raw: bytes, old: bytes, new: bytes) -> bytes:
    """The document with every `old` replaced; there must be one."""
    if not raw.startswith(b"PK"):
        assert old in raw, old
        return raw.replace(old, new)
    packed = io.BytesIO()
    found = False
    with zipfile.ZipFile(io.BytesIO(raw)) as before, zipfile.ZipFile(packed, "w") as after:
        for name in before.namelist():
            found = found or old in before.read(name)
            after.writestr(name, before.read(name).replace(old, new))
    assert found, old
    return packed.getvalue()


class Line(Protocol):
    """One source's way to us, both ends of it."""

    source: Source
    health: SourceHealth
    runs: int
    """How often documents were fetched, or tried to be handed over."""

    async def send(self, document: bytes) -> None:
        """Have the source hand over or publish a document, and us take it if it can be taken."""

    async def tick(self) -> None:
        """Have us look again, or the source send again what it could not hand over."""

    async def fails(self) -> None:
        """Have the source's side fail, then work again."""

    async def hangs(self) -> None:
        """Have the source's side say nothing while it is asked, then work again."""


@dataclass
class FetchedLine:
    """A line on which we fetch: at once when something is sent, or at a `pace`."""

    source: Source
    health: SourceHealth
    fetching: Fetching
    pace: Paced | None = None
    runs: int = 0
    sent: int = 0

    async def tick(self) -> None:
        if self.pace is None:
            await self.fetching.once()
            self.runs += 1
        else:
            self.runs += await self.pace.tick()

    def _put(self, folder: Path, document: bytes) -> None:
        """Write a file and hand it over whole."""
        self.sent += 1
        written = folder / f"{self.sent:03}.tmp"
        written.write_bytes(document)
        written.rename(written.with_suffix(".doc"))


@dataclass(kw_only=True)
class FolderLine(FetchedLine):
    """Files renamed into a watched folder; its failure is a share that is gone for a while."""

    folder: Path

    async def send(self, document: bytes) -> None:
        self._put(self.folder, document)
        await self.tick()

    async def fails(self) -> None:
        away = self.folder.with_name("away")
        self.folder.rename(away)
        await self.tick()
        away.rename(self.folder)

    async def hangs(self) -> None:
        raise AssertionError("a folder is asked without waiting")


@dataclass(kw_only=True)
class PollLine(FetchedLine):
    """An HTTP server that is polled."""

    origin: "Origin"

    async def send(self, document: bytes) -> None:
        self.origin.body = document
        self.origin.version += 1
        await self.tick()

    async def fails(self) -> None:
        self.origin.status = b"500 Internal Server Error"
        await self.tick()
        self.origin.status = b"200 OK"

    async def hangs(self) -> None:
        self.origin.answers.clear()
        await self.tick()
        self.origin.answers.set()


@dataclass(kw_only=True)
class SftpLine(FetchedLine):
    """Files renamed into a folder of an SFTP server."""

    host: SftpHost

    async def send(self, document: bytes) -> None:
        self._put(self.host.root / "out", document)
        await self.tick()

    async def fails(self) -> None:
        await self.host.down()
        await self.tick()
        await self.host.up()

    async def hangs(self) -> None:
        self.host.answers.clear()
        await self.send(b"nothing")
        self.host.answers.set()
        (self.host.root / "out" / f"{self.sent:03}.doc").unlink()


@dataclass
class PushLine:
    """A client that posts documents, and keeps them while it is told 503; see `unsent`."""

    source: Source
    health: SourceHealth
    service: Service
    key: str
    unsent: list[bytes] = field(default_factory=list)
    refused: int = 0
    runs: int = 0

    async def send(self, document: bytes) -> None:
        self.unsent.append(document)
        await self.tick()

    async def tick(self) -> None:
        media = self.source.format.media_types[0]
        while self.unsent:
            self.runs += 1
            answer = await self.service.push(
                self.source.id, self.unsent[0], key=self.key, media=media
            )
            if answer.status_code == 503:
                assert int(answer.headers["Retry-After"]) >= 1
                self.refused += 1
                return
            assert answer.status_code in (200, 422), answer.text
            self.unsent.pop(0)

    async def fails(self) -> None:
        """The line is cut in the middle of a document."""
        reader, writer = await self._half_a_request()
        writer.close()
        await writer.wait_closed()
        assert not await reader.read()

    async def hangs(self) -> None:
        """The client stops in the middle of a document, and is told so in the end."""
        reader, writer = await self._half_a_request()
        answer = await reader.readuntil(b"\r\n")
        assert b" 408 " in answer, answer
        writer.close()
        await writer.wait_closed()

    async def _half_a_request(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        url = httpx.URL(self.service.base)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(
            f"POST /api/v1/feeds/{self.source.id} HTTP/1.1\r\nHost: {url.host}\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Length: 1000\r\n\r\n[".encode()
        )
        await writer.drain()
        return reader, writer


@dataclass
class Origin:
    """An HTTP server with one document, its version as its ETag."""

    body: bytes = b""
    version: int = 0
    status: bytes = b"200 OK"
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    requests: int = 0
    at_work: set[asyncio.Task[Any]] = field(default_factory=set)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.at_work.add(task)
        task.add_done_callback(self.at_work.discard)
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        await self.answers.wait()
        etag = b'"%d"' % self.version
        status, body = self.status, self.body
        if b"none-match: " + etag in head.lower() and status.startswith(b"200"):
            status, body = b"304 Not Modified", b""
        writer.write(
            b"HTTP/1.1 %b\r\nETag: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (status, etag, len(body), body)
        )
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@asynccontextmanager
async def http_origin() -> AsyncIterator[tuple[Origin, str]]:
    """An origin and its address."""
    origin = Origin()
    origin.answers.set()
    server = await asyncio.start_server(origin.answer, "127.0.0.1", 0)
    async with server:
        yield origin, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/state"
        origin.answers.set()
        await asyncio.gather(*origin.at_work)


LINES = (Transport.PUSH, Transport.FOLDER, Transport.POLL, Transport.SFTP)
PLAYED_ELSEWHERE = {"mllp": "carries HL7 v2 only: tests/test_mllp.py"}


@asynccontextmanager
async def line_over(
    transport: Transport,
    block: str,
    folder: Path,
    store_url: str,
    clock: HandClock,
    *,
    give_up: str = "30 s",
) -> AsyncIterator[Line]:
    """A line for the source of a TOML block, over a store that runs, given up after `give_up`."""
    async with AsyncExitStack() as stack:
        keys = {"transport": f'"{transport}"'}
        host: SftpHost | None = None
        origin: Origin | None = None
        if transport is Transport.SFTP:
            host = await stack.enter_async_context(sftp_host(folder / "remote"))
            keys = host.block(folder, pattern='"*.doc"', timeout=f'"{give_up}"')
        elif transport is Transport.FOLDER:
            keys |= {"pattern": '"*.doc"'}
        elif transport is Transport.POLL:
            origin, url = await stack.enter_async_context(http_origin())
            keys |= {"url": f'"{url}"', "timeout": f'"{give_up}"'}
        path = folder / "sources.toml"
        more = "".join(f"{key} = {value}\n" for key, value in keys.items())
        path.write_text(block.replace("[[source]]\n", "[[source]]\n" + more, 1), encoding="utf-8")
        if transport is Transport.PUSH:
            settings = settings_for(folder / "data", store_url, path, run_feeds=False)
            service = await stack.enter_async_context(running(settings, demo=True, clock=clock))
            (source,) = service.services.sources.values()
            health = service.services.intake.health.of(source.id)
            yield PushLine(source, health, service, service.key_for(source.id))
            return
        (source,) = load_sources([path], CATALOGUE).values()
        board = Board(store_url)
        stack.push_async_callback(board.stop)
        await board.start()
        intake = Intake(board, CATALOGUE, clock)
        health = intake.health.of(source.id)
        inbox = folder / "inbox"
        if host is not None:
            remote = SftpFolder(source, inbox, intake, clock, MAX_BYTES)
            yield SftpLine(source, health, remote, host=host)
        elif origin is not None:
            client = await stack.enter_async_context(polling_client())
            poll = Poll(source, client, intake, clock, MAX_BYTES)
            yield PollLine(source, health, poll, origin=origin)
        else:
            watch = FolderWatch(source, inbox, intake, clock, MAX_BYTES)
            watch.prepare()
            yield FolderLine(source, health, watch, folder=watch.folder)


async def rows_of(board: Board, cluster: str = "randers") -> dict[str, dict[str, Any]]:
    """The board's rows by unit."""
    snapshot = await board.snapshot(cluster)
    return {stored.unit: orjson.loads(stored.row) for stored in snapshot.rows}
