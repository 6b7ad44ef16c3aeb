"""One primary of a Valkey/Redis Cluster stands still and has no replica.

Answers the hazard of boards that freeze, or look live, because of what happens to others: those of
its clusters say that they are frozen, all others go on, and afterwards they are live again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import orjson
import pytest
from redis.crc import key_slot

from capacity.board import Board
from capacity.board.keys import ClusterKeys
from capacity.board.surge import Override, SurgeStore
from capacity.holds import By
from capacity.instants import utc_now
from tests.support.board_model import opened, reading, until
from tests.support.service import running, settings_for
from tests.support.shards import Sharded
from tests.support.small_catalogue import HEAD, cluster_block, source_block, unit_block
from tests.support.topology import Node
from web.live.hub import Hub

pytest_plugins = ["tests.support.shard_fixtures"]


class Open:
    """An open board that keeps what it is told."""

    def __init__(self) -> None:
        self.rows: dict[str, object] = {}
        self.live = True

    def offer(self, message: bytes, frame: bytes) -> bool:
        told = orjson.loads(message)
        if told["type"] == "heartbeat":
            self.live = told["live"]
        if told["type"] == "snapshot":
            self.rows = {}
        self.rows |= {row["unit"]: row["observed_ms"] for row in told.get("rows", ())}
        return True

    def join(self, sweep: object, name: object) -> None:
        """It is always asked."""

    def idle(self) -> bool:
        return True

    def abort(self) -> None: ...


def home_of(shards: Sharded, cluster: str) -> Node:
    return shards.owner(key_slot(ClusterKeys(cluster).changes.encode()))


def on_each(shards: Sharded, many: int = 2) -> dict[int, list[str]]:
    """So many health clusters on every shard, by its port."""
    found: dict[int, list[str]] = {node.port: [] for node in shards.nodes}
    for number in count():
        its = found[home_of(shards, f"h{number}").port]
        if len(its) < many:
            its.append(f"h{number}")
        if all(len(its) == many for its in found.values()):
            break
    return found


@asynccontextmanager
async def following(board: Board, clusters: list[str]) -> AsyncIterator[Hub]:
    hub = Hub(board, clusters, utc_now, heartbeat=0.2)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


async def test_only_the_boards_of_a_shard_that_stands_still_are_frozen(
    shards: Sharded, caplog: pytest.LogCaptureFixture
) -> None:
    homes = on_each(shards)
    stands = shards.nodes[0]
    frozen = homes[stands.port]
    others = [cluster for its in homes.values() for cluster in its if cluster not in frozen]
    async with opened(shards.url) as board, following(board, [*frozen, *others]) as hub:
        boards = {cluster: Open() for cluster in [*frozen, *others]}
        for cluster, shown in boards.items():
            hub.join(cluster, shown, None)
            await board.apply(cluster, [reading("u", 1)])
        await until(lambda: all(shown.rows == {"u": 1} for shown in boards.values()))

        stands.pause()
        try:
            for total in range(2, 30):  # all the while, and not only before it is noticed
                for cluster in others:
                    await board.apply(cluster, [reading("u", total)])
                await until(lambda n=total: all(boards[c].rows == {"u": n} for c in others))
                if total > 10 and not any(boards[cluster].live for cluster in frozen):
                    break
                await asyncio.sleep(0.3)

            await until(lambda: [c for c, shown in boards.items() if shown.live] == others)
            assert [cluster for cluster in boards if hub.can_serve(cluster)] == others
            assert (hub.healthy(), hub.live) == (True, False)
        finally:
            stands.resume()

        await until(lambda: hub.live)
        await until(lambda: all(shown.live for shown in boards.values()))
        for cluster in frozen:
            await board.apply(cluster, [reading("u", 99)])
        await until(lambda: all(boards[c].rows == {"u": 99} for c in frozen))
    told = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    assert {f"boards of {c}" for c in frozen} <= {each.split(" are ")[0] for each in told}


async def test_a_hub_that_starts_while_a_shard_stands_still_serves_the_others(
    shards: Sharded,
) -> None:
    homes = on_each(shards, 1)
    stands = shards.nodes[2]
    (frozen,) = homes[stands.port]
    (one, another) = (its[0] for port, its in homes.items() if port != stands.port)
    async with opened(shards.url) as board:
        for cluster in (frozen, one, another):
            await board.apply(cluster, [reading("u", 1)])
        stands.pause()
        try:
            async with following(board, [frozen, one, another]) as hub:
                await until(lambda: hub.can_serve(one) and hub.can_serve(another))
                assert not hub.can_serve(frozen)
                assert hub.healthy()
                stands.resume()
                await until(lambda: hub.can_serve(frozen))
                shown = Open()
                hub.join(frozen, shown, None)
                assert shown.rows == {"u": 1}
        finally:
            stands.resume()


async def test_a_process_is_ready_while_boards_of_other_shards_go_on(
    shards: Sharded, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    homes = on_each(shards, 1)
    stands = shards.nodes[2]
    (frozen,) = homes[stands.port]
    (one, another) = (its[0] for port, its in homes.items() if port != stands.port)
    another_process = SurgeStore(shards.url)
    catalogue, sources = tmp_path / "catalogue.toml", tmp_path / "sources.toml"
    blocks = [cluster_block(c) + unit_block(f"in-{c}", c) for c in (frozen, one, another)]
    catalogue.write_text(HEAD + "".join(blocks), encoding="utf-8")
    sources.write_text(source_block("bed-list", one, [f"in-{one}"]), encoding="utf-8")
    settings = settings_for(tmp_path, shards.url, sources, run_feeds=False, catalogue=[catalogue])
    async with running(settings) as service:
        hub = service.services.hub
        stands.pause()
        try:
            await until(lambda: not hub.can_serve(frozen) and hub.can_serve(one))
            answer = await service.client.get("/readyz", timeout=30)
            told = answer.json()
            assert (answer.status_code, told["store"]) == (200, "partly away")
            assert told["hub"] == "partly following"
            # What another process does there is seen here all the while.
            assert service.services.surge.level(one) == 0
            ends = utc_now() + timedelta(hours=1)
            critical = Override(3, "no places", ends, By("coordinator", "rh", "a_1"))
            await another_process.override(one, critical, "by hand")
            await until(lambda: service.services.surge.level(one) == 3)
            await until(lambda: f"surge levels of {frozen} stand still" in caplog.text)
        finally:
            stands.resume()
            await another_process.stop()
        await until(lambda: hub.live)
        await until(lambda: f"surge levels of {frozen} are kept again" in caplog.text)
        assert (await service.client.get("/readyz", timeout=30)).json()["store"] == "ok"
