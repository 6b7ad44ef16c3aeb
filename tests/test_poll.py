"""HTTP poll against a real server: conditional requests, time-outs, up, down and up again."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from feeds.transports.poll import Poll, polling_client
from tests.support.feeding import HandClock, intake_over, one_source, report


@dataclass
class Origin:
    """A small HTTP server that answers what a test tells it to."""

    port: int = 0
    status: str = "200 OK"
    body: bytes = b""
    etag: str = '"1"'
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.idle.clear()
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        await self.answers.wait()
        status, body = self.status, self.body
        if f"if-none-match: {self.etag}" in head.lower() and status.startswith("200"):
            status, body = "304 Not Modified", b""
        writer.write(
            f"HTTP/1.1 {status}\r\nETag: {self.etag}\r\nContent-Length: {len(body)}\r\n"
            "Location: http://127.0.0.1:1/\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        self.idle.set()


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    origin = Origin(body=orjson.dumps([report()]))
    origin.answers.set()
    server = await asyncio.start_server(origin.answer, "127.0.0.1", 0)
    origin.port = server.sockets[0].getsockname()[1]
    async with server:
        yield origin
        origin.answers.set()
        await origin.idle.wait()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with polling_client() as client:
        yield client


def poll_of(
    board: Board,
    client: httpx.AsyncClient,
    folder: Path,
    origin: Origin,
    clock: HandClock,
    **keys: str,
) -> Poll:
    source = one_source(
        folder,
        transport='"poll"',
        url=f'"http://127.0.0.1:{origin.port}/status"',
        bearer='"secret"',
        **({"timeout": '"30 s"'} | keys),
    )
    return Poll(source, client, intake_over(board, clock), clock, 5_000)


async def test_a_document_is_read_once_until_it_changes(
    board: Board, client: httpx.AsyncClient, origin: Origin, tmp_path: Path
) -> None:
    poll = poll_of(board, client, tmp_path, origin, HandClock())
    first = await poll.once()
    assert first is not None
    assert first.accepted == 1
    assert "authorization: bearer secret" in origin.requests[0].lower()
    assert await poll.once() is None
    assert 'if-none-match: "1"' in origin.requests[1].lower()
    origin.etag = '"2"'
    origin.body = orjson.dumps([report(occupied=2, observed_at="2026-11-22T12:01:00Z")])
    second = await poll.once()
    assert second is not None
    assert second.accepted == 1


async def test_up_down_up_is_logged_once_each_way_and_loses_nothing(
    board: Board,
    client: httpx.AsyncClient,
    origin: Origin,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    clock = HandClock()
    poll = poll_of(board, client, tmp_path, origin, clock)
    health = poll._intake.health.of("s")
    await poll.once()
    origin.etag = '"2"'
    for failure, word in (
        ("500 Internal Server Error", "500"),
        ("302 Found", "302"),
        ("204 No Content", "204"),
    ):
        origin.status = failure
        assert await poll.once() is None
        assert health.last_error is not None
        assert word in health.last_error
    origin.status, page = "200 OK", origin.body
    origin.body = b"<html><body>Fejl</body></html>"
    assert await poll.once() is None
    origin.body = b" " * 6_000
    assert await poll.once() is None
    assert health.failing_since == clock.now
    origin.body = page
    again = await poll.once()
    assert again is not None
    assert again.unchanged == 1
    assert health.failing_since is None
    mine = [record for record in caplog.records if record.name == "feeds.health"]
    assert [record.levelname for record in mine] == ["ERROR", "WARNING"]


async def test_an_answer_that_does_not_come_is_given_up(
    board: Board, client: httpx.AsyncClient, origin: Origin, tmp_path: Path
) -> None:
    """After the source's own time-out, which is longer here than the library would wait."""
    poll = poll_of(board, client, tmp_path, origin, HandClock(), timeout='"6 s"')
    origin.answers.clear()
    assert await poll.once() is None
    assert poll._intake.health.of("s").last_error == "no answer within 0:00:06"


async def test_a_document_that_could_not_be_stored_is_kept_and_handed_over_later(
    client: httpx.AsyncClient, origin: Origin, tmp_path: Path
) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    board = Board(store.url)
    try:
        await board.start()
        poll = poll_of(board, client, tmp_path, origin, HandClock())
        await asyncio.to_thread(store.stop)
        assert await poll.once() is None
        assert poll.waits_for_store
        assert await poll.once() is None
        await asyncio.to_thread(store.start)
        receipt = await poll.once()
        assert receipt is not None
        assert receipt.accepted == 1
        assert not poll.waits_for_store
        assert len(origin.requests) == 1
        assert await poll.once() is None
        assert 'if-none-match: "1"' in origin.requests[1].lower()
    finally:
        await board.stop()
        await asyncio.to_thread(store.stop)


async def test_what_a_more_trusted_source_held_back_is_asked_for_again(
    board: Board, client: httpx.AsyncClient, origin: Origin, tmp_path: Path
) -> None:
    """Else a source that answers "not modified" would stay unseen when the other goes silent."""
    clock = HandClock()
    poll = poll_of(board, client, tmp_path, origin, clock, trust="1")
    unit = poll.source.units["favrskov-akutplads"]
    high = one_source(tmp_path, id='"high"', trust="2", units=f'["{unit.id}"]')
    earlier = orjson.dumps([report(occupied=2, observed_at="2026-11-22T11:59:00Z")])
    await intake_over(board, clock).take(high, earlier)
    for _ in range(2):
        held_back = await poll.once()
        assert held_back is not None
        assert held_back.superseded == 1
    clock.now += unit.freshness.stale_after
    shown = await poll.once()
    assert shown is not None
    assert shown.accepted == 1
    assert await poll.once() is None
