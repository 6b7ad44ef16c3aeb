"""Health clusters on the shards of a Valkey/Redis Cluster, and a shard that is moved under traffic.

Answers the hazards of a confirmed reading that is gone, and of a place promised twice, when the
store grows.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from functools import partial
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.crc import key_slot

from capacity.board import Board, BoardUnavailableError, UnconfirmedError, backup
from capacity.board.sessions import NewSession
from capacity.instants import format_instant, utc_now
from tests.support.board_model import (
    all_changes,
    all_late,
    assert_contiguous,
    fold,
    insisting,
    opened,
    until,
)
from tests.support.holds import CLUSTER as HOLDS
from tests.support.holds import ask, assert_sound, held, report
from tests.support.live import SOURCE, UNIT, source_file
from tests.support.service import running, settings_for
from tests.support.shards import Sharded, sharded
from tests.support.topology import PROGRAMS
from tests.support.traffic import Page, Writer, assert_kept, stopped
from web.live.hub import Hub

PLACES, VISITATORS = 3, 12


@pytest.fixture(params=["valkey", pytest.param("redis7", marks=pytest.mark.redis7)])
def shards(request: pytest.FixtureRequest) -> Iterator[Sharded]:
    """Three primaries."""
    with sharded(PROGRAMS[request.param]) as cluster:
        yield cluster


def slot_of(cluster: str) -> int:
    return key_slot(f"{{{cluster}}}".encode())


def one_on_each(shards: Sharded) -> list[str]:
    """A health cluster on each shard; the first shares its shard with the one of the holds."""
    found = {shards.owner(slot_of(HOLDS)).port: ""}
    for number in count():
        port = shards.owner(slot_of(f"h{number}")).port
        found[port] = found.get(port) or f"h{number}"
        if len(found) == len(shards.nodes) and all(found.values()):
            return list(found.values())
    raise AssertionError


async def test_a_shard_moves_under_traffic_and_nothing_is_lost(shards: Sharded) -> None:
    clusters = one_on_each(shards)
    moving = [clusters[0], HOLDS]
    async with opened(shards.url) as board:
        hub = Hub(board, [*clusters, HOLDS], utc_now)
        pages = {cluster: Page() for cluster in clusters}
        await hub.start()
        for cluster, page in pages.items():
            hub.join(cluster, page, None)
        await report(board, "many", PLACES)
        await report(board, "one", 1)
        kept = await held(board, "one", request_id="kept")
        writers = [Writer(n, board, n, cluster) for n, cluster in enumerate(clusters)]
        tasks = [asyncio.create_task(writer.run()) for writer in writers]
        await until(lambda: all(len(writer.acknowledged) > 50 for writer in writers))
        before = {cluster: (await board.cursor(cluster)).epoch for cluster in [*clusters, HOLDS]}

        new = await asyncio.to_thread(shards.join)  # it has neither slots nor functions
        asks: list[Any] = [
            insisting(partial(ask, board, "many", request_id=f"v{n}")) for n in range(VISITATORS)
        ]
        asking = asyncio.gather(*asks)
        for cluster in moving:
            await asyncio.to_thread(
                shards.move, slot_of(cluster), new, half_way=calling(refusal, board, cluster)
            )
        answers = await asking
        done = [len(writer.acknowledged) for writer in writers]
        await until(
            lambda: all(len(w.acknowledged) > n + 50 for w, n in zip(writers, done, strict=True))
        )
        await stopped(tasks)

        for cluster, writer in zip(clusters, writers, strict=True):
            await assert_whole(board, cluster, writer, pages[cluster])
        await ask(board, "one", request_id="late")
        after = {cluster: (await board.cursor(cluster)).epoch for cluster in before}
        assert {cluster for cluster in before if after[cluster] != before[cluster]} == set(moving)
        assert (await ask(board, "one", request_id="kept")).hold == kept
        assert (await ask(board, "one", request_id="later")).code == "taken"
        codes = sorted(answer.code for answer in answers)
        assert codes == ["held"] * PLACES + ["taken"] * (VISITATORS - PLACES)
        await assert_sound(board)
        await hub.stop()


def calling(work: Callable[..., Coroutine[Any, Any, None]], *told: object) -> Callable[[], None]:
    """Does work of this loop from another thread, and waits for it."""
    loop = asyncio.get_running_loop()
    return lambda: asyncio.run_coroutine_threadsafe(work(*told), loop).result(20)


async def refusal(board: Board, cluster: str) -> None:
    """Nothing can be written while a cluster's keys are on two servers; nobody is left unsure."""
    with pytest.raises(BoardUnavailableError) as caught:
        await board.replace(cluster, [])
    assert not isinstance(caught.value, UnconfirmedError)


async def assert_whole(board: Board, cluster: str, writer: Writer, page: Page) -> None:
    """What was acknowledged is there, once and in order, and the page shows what stands."""
    changes, snapshot = await all_changes(board, cluster), await board.snapshot(cluster)
    assert_contiguous(changes)
    assert fold(changes) == {row.unit: row.row for row in snapshot.rows}
    assert_kept(writer.acknowledged, changes, await all_late(board, cluster))
    await until(lambda: page.cursor == str(snapshot.cursor))
    assert page.rows == {row.unit: orjson.loads(row.row) for row in snapshot.rows}


async def test_a_whole_service_runs_on_a_cluster(tmp_path: Path) -> None:
    """Every part that keeps anything in the store: none has keys of two slots in one call."""
    with sharded(PROGRAMS["valkey"]) as shards:
        settings = settings_for(tmp_path, shards.url, source_file(tmp_path), run_feeds=True)
        async with running(settings) as service:
            headers = {"X-CSRF-Token": service.csrf}
            seen = {"unit": UNIT, "observed_at": format_instant(utc_now()), "total": 1, "free": 1}
            document = orjson.dumps({"reports": [seen, seen | {"total": -1}]})
            pushed = await service.push(SOURCE, document, key=service.key_for(SOURCE))
            assert (pushed.status_code, pushed.json()["accepted"]) == (200, 1)
            assert (await service.rows("randers"))[UNIT]["free"] == 1
            for path, body in {
                "holds/randers": {"unit": UNIT},
                "outcomes/randers": {"outcome": "other"},
            }.items():
                answer = await service.client.post(f"/api/v1/{path}", json=body, headers=headers)
                assert answer.status_code == 201, answer.text
            until_then = format_instant(utc_now() + timedelta(hours=1))
            wish = {"level": 2, "reason": "test", "until": until_then}
            surge = "/api/v1/surge/randers"
            answer = await service.client.post(surge, json=wish, headers=headers)
            assert (answer.status_code, answer.json()["level"]) == (200, 2)
            assert (await service.client.get("/readyz")).status_code == 200
            shown = await service.client.get("/operator")
            assert (shown.status_code, SOURCE in shown.text) == (200, True)
            parts = service.services
            assert len(await parts.quarantine.entries(SOURCE)) == 1
            await parts.feed_health.share()
            sessions, rates = parts.door.sessions, parts.door.rates
            wanted = NewSession("a", "visitator", None, (), 1, "password", "::1", "test")
            token = await sessions.begin(wanted)
            assert [s.account for s in (await sessions.still_on([token])).values()] == ["a"]
            assert await sessions.end("a") == 1
            assert [(await rates.hit("x", "y", 1)).allowed for _ in range(2)] == [True, False]
            await rates.failed("x")
            assert await rates.may_try("x") is None
            store, copy = tmp_path / "store", BytesIO()
            with store.open("wb") as file:
                kept = await backup.dump(shards.url, file)
        for node in shards.nodes:
            node.says("FLUSHALL")
        assert await backup.is_empty(shards.url)
        with store.open("rb") as file:
            assert await backup.load(shards.url, file) == kept
        await backup.dump(shards.url, copy)
        assert names_in(copy.getvalue()) == names_in(store.read_bytes())


def names_in(dump: bytes) -> list[bytes]:
    """The names of all keys, whatever else is in a dump."""
    return sorted(set(re.findall(rb"akutoverblik:[{}a-z:_-]+", dump)))
