"""What transports do when the feeds turn out to be another process's: nothing, and in order."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis

from capacity.board import Board, EmbeddedServer, FencedBoard, FencedError, Leases
from capacity.board.feed_figures import FeedFigures
from capacity.board.keys import ClusterKeys
from feeds.health import FeedHealth, SharedHealth
from feeds.intake import Intake
from feeds.transports.folder import FolderWatch
from feeds.transports.mllp import MllpServer
from feeds.transports.retry import Paced
from tests.support.board_model import all_changes, until
from tests.support.feeding import START, HandClock, intake_over, one_source, report
from tests.support.hl7 import adt

CLUSTER, UNIT = "randers", "favrskov-akutplads"
LIMIT = 20_000


class Held:
    """An intake under a lease, which can be lost."""

    def __init__(self, board: Board, leases: Leases, client: Redis) -> None:
        self.clock = HandClock()
        self.plain = intake_over(board, self.clock)
        self._board, self._leases, self._client = board, leases, client

    async def take(self) -> Intake:
        """The intake of whoever holds the lease now."""
        hold = await self._leases.hold(CLUSTER)
        assert hold.fence is not None
        return self.plain.onto(FencedBoard(self._board, CLUSTER, self._leases.token, hold.fence))

    async def lose(self) -> None:
        """Let the lease end."""
        await self._client.hset(ClusterKeys(CLUSTER).feeds, "until", 1)


@pytest.fixture
async def held(board: Board, valkey_server: EmbeddedServer) -> AsyncIterator[Held]:
    leases, client = Leases(valkey_server.url, "one"), Redis.from_url(valkey_server.url)
    yield Held(board, leases, client)
    await leases.stop()
    await client.aclose()


async def test_an_mllp_message_that_comes_too_late_is_not_answered(
    held: Held, board: Board, tmp_path: Path
) -> None:
    source = one_source(
        tmp_path, transport='"mllp"', port="1", format='"hl7v2"', units=f'{{ A1 = "{UNIT}" }}'
    )
    assert source.mllp is not None
    source = replace(source, mllp=replace(source.mllp, port=0))
    await held.plain.take(one_source(tmp_path), orjson.dumps([report(UNIT, 5, total=50)]))
    told: list[FencedError] = []
    server = MllpServer(source, await held.take(), held.clock, LIMIT, fenced=told.append)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        first = adt("A01", at="20261122120100+0000", control_id="M1").encode()
        writer.write(b"\x0b" + first + b"\x1c\r")
        assert b"MSA|AA|M1" in await reader.readuntil(b"\x1c\r")
        before = await all_changes(board, CLUSTER)
        await held.lose()
        late = adt("A01", at="20261122120200+0000", control_id="M2").encode()
        writer.write(b"\x0b" + late + b"\x1c\r")
        async with asyncio.timeout(30):
            assert await reader.read() == b""  # closed: it is sent again, to whoever listens then
        assert [error.cluster for error in told] == [CLUSTER]
        assert await all_changes(board, CLUSTER) == before
        port = server.port
        await server.abort()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    finally:
        writer.transport.abort()
        await server.abort()
        await asyncio.sleep(0)  # the loop closes the sender's socket


async def test_a_file_stays_where_it_is(held: Held, tmp_path: Path) -> None:
    source = one_source(tmp_path, transport='"folder"', pattern='"*.json"')
    watch = FolderWatch(source, tmp_path / "inbox", await held.take(), held.clock, LIMIT)
    watch.prepare()
    (watch.folder / "1.json").write_bytes(orjson.dumps([report(UNIT, 1)]))
    await held.lose()
    with pytest.raises(FencedError):
        await watch.once()
    assert (watch.folder / "1.json").exists()
    assert held.plain.health.of(source.id).failing_since is None
    # Whoever takes over takes it in.
    again = FolderWatch(source, tmp_path / "inbox", await held.take(), held.clock, LIMIT)
    assert await again.once() == 1
    assert (watch.folder / "done" / "1.json").exists()


async def test_a_file_of_the_same_name_that_came_meanwhile_is_not_put_away(
    held: Held, board: Board, tmp_path: Path
) -> None:
    """As after a pause between the taking in of a file and the putting away of it."""
    source = one_source(tmp_path, transport='"folder"', pattern='"*.json"')
    path = tmp_path / "inbox" / source.folder / "1.json"

    class Paused(Intake):
        """While this process paused, another was done with the file, and the next has come."""

        async def set_aside(self, *arguments: object) -> None:
            path.unlink()
            later = report(UNIT, 2, observed_at="2026-11-22T12:00:01Z")
            path.write_bytes(orjson.dumps([later]))

    intake = Paused(board, held.plain._catalogue, held.clock)
    paused = FolderWatch(source, tmp_path / "inbox", intake, held.clock, LIMIT)
    paused.prepare()
    path.write_bytes(orjson.dumps([report(UNIT, 1)]))
    await paused.once()
    assert path.exists()
    again = FolderWatch(source, tmp_path / "inbox", held.plain, held.clock, LIMIT)
    assert await again.once() == 1
    (row,) = (await board.snapshot(CLUSTER)).rows
    assert orjson.loads(row.row)["occupied"] == 2


async def test_what_is_kept_is_tried_at_the_next_tick_should_the_lease_be_ours_again() -> None:
    clock = HandClock()

    class Fetching:
        waits_for_store = True
        fenced = True
        times = 0

        async def once(self) -> None:
            self.times += 1
            if self.fenced:
                raise FencedError(CLUSTER, "two")

    fetching = Fetching()
    paced = Paced(fetching, timedelta(minutes=15), clock)
    with pytest.raises(FencedError, match="run by two"):
        await paced.tick()
    fetching.fenced = False
    assert await paced.tick()
    assert fetching.times == 2


async def test_alarms_are_given_by_the_process_that_runs_the_feeds(
    board: Board, valkey_server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock()
    shared = SharedHealth(
        FeedHealth(), FeedFigures(valkey_server.url), {"s": timedelta(minutes=5)}, clock
    )
    ours: dict[str, bool] = {}
    running = asyncio.create_task(shared.run(lambda: ours))

    async def since() -> object:
        return (await shared.read())["s"][0].since

    async def looked(at: object) -> None:
        shared.wake()

        async def is_so() -> bool:
            return await since() == at

        await until(is_so)

    try:
        await looked(None)
        ours["s"] = True  # taken after nobody had run it for long: silence counts from now
        await looked(START)
        clock.move(minutes=6)
        shared.wake()
        await until(lambda: "source s is silent" in caplog.text)
        ours.clear()
        caplog.clear()
        await looked(START)
        clock.move(minutes=6)
        ours["s"] = False  # taken over from another at once: it goes on as it was
        await looked(START)
        await until(lambda: "source s is silent" in caplog.text)
        assert [r.levelno for r in caplog.records if "silent" in r.message] == [logging.ERROR]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await shared.stop()


def test_a_process_forgets_how_sources_fared_that_another_runs_now() -> None:
    health = FeedHealth()
    health.of("s").failed(START, "answered 500")
    health.of("s").counts["accepted"] += 3
    health.hand_over("s")
    assert (health.of("s").failing_since, health.of("s").newest_observed_ms) == (None, None)
    assert health.of("s").counts["accepted"] == 3
