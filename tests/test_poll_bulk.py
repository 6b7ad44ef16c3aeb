"""Polled bulk publications: a manifest and its files, from real servers, are one document."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.board.quarantine import Quarantine
from feeds.intake import Intake
from feeds.transports.poll import Poll, polling_client
from tests.support.board_model import until
from tests.support.feeding import CATALOGUE, HandClock, one_source
from tests.support.fhir import ndjson, resource, to

LIMIT = 5_000
BEDS = ("O", "U", "U")


@dataclass
class Publisher:
    """An HTTP server over a table of paths; a path that is not in it is answered 404."""

    port: int = 0
    pages: dict[str, bytes] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[str]:
        """The paths asked for, in order."""
        return [path for path, _ in self.requests]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        path = first.split()[1]
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        self.requests.append((path, headers))
        if path in self.silent:
            await self.released.wait()
        body = self.pages.get(path)
        tag = f'"{hash(body)}"'
        status = "200 OK" if body is not None else "404 Not Found"
        if body is not None and headers.get("if-none-match") == tag:
            status, body = "304 Not Modified", b""
        body = body or b""
        writer.write(
            f"HTTP/1.1 {status}\r\nETag: {tag}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        self.open -= 1


@asynccontextmanager
async def publishing() -> AsyncIterator[Publisher]:
    publisher = Publisher()
    server = await asyncio.start_server(publisher.answer, "127.0.0.1", 0)
    publisher.port = server.sockets[0].getsockname()[1]
    async with server:
        yield publisher
        publisher.released.set()
        await until(lambda: not publisher.open)


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with publishing() as publisher:
        beds = [
            resource(
                "Location", f"b{n}", operationalStatus={"code": code}, partOf=to("Location", "AKUT")
            )
            for n, code in enumerate(BEDS)
        ]
        publisher.pages = {
            "/bulk/manifest": manifest("beds-1.ndjson", "/more/beds-2.ndjson"),
            "/bulk/beds-1.ndjson": ndjson(*beds[:2]),
            "/more/beds-2.ndjson": ndjson(*beds[2:]) + b"\n",
        }
        yield publisher


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with polling_client() as client:
        yield client


@pytest.fixture
async def quarantine(valkey_server: EmbeddedServer) -> AsyncIterator[Quarantine]:
    quarantine = Quarantine(valkey_server.url)
    yield quarantine
    await quarantine.stop()


def manifest(*urls: str, time: str = "2026-11-22T12:00:00Z") -> bytes:
    outputs: list[dict[str, Any]] = [{"type": "Location", "url": url} for url in urls]
    # What is not read is not asked for, wherever it lies.
    outputs.insert(0, {"type": "Patient", "url": "https://elsewhere.example/patients.ndjson"})
    return orjson.dumps({"transactionTime": time, "output": outputs})


def keys(publisher: Publisher, **more: str) -> dict[str, str]:
    return {
        "format": '"fhir"',
        "transport": '"poll"',
        "url": f'"{publisher.url}/bulk/manifest"',
        "timeout": '"5 s"',
        "bearer": '"secret"',
        "units": '{ "AKUT" = "rhr-akutafdeling" }',
    } | more


@pytest.fixture
def poll(
    board: Board,
    client: httpx.AsyncClient,
    publisher: Publisher,
    quarantine: Quarantine,
    tmp_path: Path,
) -> Poll:
    clock = HandClock()
    intake = Intake(board, CATALOGUE, clock, quarantine)
    return Poll(one_source(tmp_path, **keys(publisher)), client, intake, clock, LIMIT)


def error_of(poll: Poll) -> str:
    """What the source's health says is wrong."""
    return poll._intake.health.of("s").last_error or ""


async def row(board: Board) -> dict[str, Any] | None:
    for stored in (await board.snapshot("randers")).rows:
        row: dict[str, Any] = orjson.loads(stored.row)
        if row["unit"] == "rhr-akutafdeling":
            return row
    return None


async def test_a_publication_is_one_document_and_is_read_once(
    board: Board, poll: Poll, publisher: Publisher
) -> None:
    receipt = await poll.once()
    assert receipt is not None
    assert (receipt.accepted, receipt.rejected) == (1, [])
    shown = await row(board)
    assert shown is not None
    assert (shown["total"], shown["occupied"]) == (3, 1)
    assert shown["observed_at"] == "2026-11-22T12:00:00Z"
    assert publisher.asked == ["/bulk/manifest", "/bulk/beds-1.ndjson", "/more/beds-2.ndjson"]
    assert {headers["authorization"] for _, headers in publisher.requests} == {"bearer secret"}
    assert await poll.once() is None
    assert publisher.asked[3:] == ["/bulk/manifest"]
    assert poll._intake.health.of("s").counts["not_modified"] == 1


async def test_without_one_of_its_files_nothing_is_taken_until_it_is_there(
    board: Board, poll: Poll, publisher: Publisher
) -> None:
    page = publisher.pages.pop("/more/beds-2.ndjson")
    assert await poll.once() is None
    assert error_of(poll) == "answered 404 (file /more/beds-2.ndjson)"
    assert await row(board) is None
    publisher.pages["/more/beds-2.ndjson"] = page
    publisher.silent.add("/bulk/beds-1.ndjson")
    assert await poll.once() is None
    assert error_of(poll) == "no answer within 0:00:05 (file /bulk/beds-1.ndjson)"
    publisher.silent.clear()
    # The manifest is the same as at first, and yet was never told to be known.
    receipt = await poll.once()
    assert receipt is not None
    assert receipt.accepted == 1
    assert not error_of(poll)


async def test_the_limit_is_for_all_files_together(
    board: Board, poll: Poll, publisher: Publisher
) -> None:
    for path in ("/bulk/beds-1.ndjson", "/more/beds-2.ndjson"):
        publisher.pages[path] += b"\n" * (LIMIT // 2)
    assert await poll.once() is None
    assert error_of(poll).endswith(f"over {LIMIT} bytes (file /more/beds-2.ndjson)")
    assert await row(board) is None


async def test_another_host_is_asked_only_if_declared_and_never_gets_the_key(
    board: Board,
    client: httpx.AsyncClient,
    poll: Poll,
    publisher: Publisher,
    quarantine: Quarantine,
    tmp_path: Path,
) -> None:
    async with publishing() as other:
        other.pages["/beds-2.ndjson"] = publisher.pages["/more/beds-2.ndjson"]
        publisher.pages["/bulk/manifest"] = manifest("beds-1.ndjson", f"{other.url}/beds-2.ndjson")
        for _ in range(2):
            assert await poll.once() is None
        assert "output[2].url: is no address on the manifest's host" in error_of(poll)
        (kept,) = await quarantine.entries("s")
        assert kept.field == "output[2].url"
        assert publisher.asked == ["/bulk/manifest"] * 2
        assert not other.requests
        declared = keys(publisher, other_hosts=f'["127.0.0.1:{other.port}"]')
        source = one_source(tmp_path, **declared)
        receipt = await Poll(source, client, poll._intake, HandClock(), LIMIT).once()
        assert receipt is not None
        assert receipt.accepted == 1
        ((path, headers),) = other.requests
        assert path == "/beds-2.ndjson"
        assert "authorization" not in headers


async def test_while_the_store_is_away_the_whole_is_kept(
    client: httpx.AsyncClient, publisher: Publisher, tmp_path: Path
) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    board, clock = Board(store.url), HandClock()
    try:
        await board.start()
        source = one_source(tmp_path, **keys(publisher))
        poll = Poll(source, client, Intake(board, CATALOGUE, clock), clock, LIMIT)
        await asyncio.to_thread(store.stop)
        assert await poll.once() is None
        assert poll.waits_for_store
        await asyncio.to_thread(store.start)
        receipt = await poll.once()
        assert receipt is not None
        assert receipt.accepted == 1
        assert len(publisher.requests) == 3
    finally:
        await board.stop()
        await asyncio.to_thread(store.stop)
