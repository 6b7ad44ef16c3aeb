"""Leases that are renewed together: one call to each server, and each lease still for itself.

Answers the hazard of a process that takes a lease for held, or held by another, because of what
became of somebody else's.
"""

import asyncio
import contextlib

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from capacity.board import Board, BoardUnavailableError, Leases
from capacity.board.keys import ClusterKeys
from capacity.board.lease_rounds import GATHER
from feeds.runner import to_next_beat
from tests.support.board_model import until
from tests.support.shards import Sharded

MANY = [f"many-{number}" for number in range(100)]

pytest_plugins = ["tests.support.lease_fixtures", "tests.support.shard_fixtures"]


async def fences(leases: Leases, clusters: list[str]) -> dict[str, int | None]:
    """All asked for at once."""
    holds = await asyncio.gather(*(leases.hold(cluster) for cluster in clusters))
    return {cluster: hold.fence for cluster, hold in zip(clusters, holds, strict=True)}


async def calls(raw: Redis) -> int:
    """How many calls of functions the server has had."""
    told = await raw.info("commandstats")
    return int(told.get("cmdstat_fcall", {"calls": 0})["calls"])


async def test_a_hundred_leases_are_renewed_in_one_call(one: Leases, raw: Redis) -> None:
    assert set((await fences(one, MANY)).values()) == {1}
    before = await calls(raw)
    assert set((await fences(one, MANY)).values()) == {1}
    assert await calls(raw) - before == 1


async def test_the_one_that_was_lost_is_noticed_and_no_other(
    one: Leases, two: Leases, raw: Redis
) -> None:
    await fences(one, MANY)
    await raw.hset(ClusterKeys(MANY[7]).feeds, "until", 1)
    assert (await two.hold(MANY[7])).fence == 2

    holds = await asyncio.gather(*(one.hold(cluster) for cluster in MANY))

    lost = {c: h for c, h in zip(MANY, holds, strict=True) if h.fence != 1}
    assert {(c, h.fence, h.holder) for c, h in lost.items()} == {(MANY[7], None, "two:2")}
    assert {h.holder for h in holds} - {"two:2"} == {"one:1"}


async def test_who_gave_up_before_the_call_takes_nothing(one: Leases, two: Leases) -> None:
    asks = asyncio.create_task(one.hold(MANY[0]))
    await asyncio.sleep(0)
    asks.cancel()
    assert (await one.hold(MANY[1])).fence == 1  # the round that the other had opened
    assert (await two.hold(MANY[0])).fence == 1


async def test_a_lease_is_given_up_after_what_is_under_way(one: Leases, two: Leases) -> None:
    assert (await one.hold(MANY[0])).fence == 1
    for _ in range(20):
        asks = asyncio.create_task(one.hold(MANY[0]))
        await asyncio.sleep(GATHER)
        asks.cancel()  # its renewal is about to be sent, on its way, or made
        assert await one.release(MANY[0])
        assert (await two.hold(MANY[0])).fence is not None
        assert await two.release(MANY[0])
        await one.hold(MANY[0])


def test_beats_are_shared_and_never_far_apart() -> None:
    assert to_next_beat(10.0, 2.0) == 2.0
    assert to_next_beat(10.5, 2.0) == 1.5
    assert to_next_beat(11.9, 2.0) == pytest.approx(2.1)
    for tenth in range(100):
        at = tenth / 10 + to_next_beat(tenth / 10, 2.0)
        assert at % 2.0 == pytest.approx(0.0, abs=1e-9) or at % 2.0 == pytest.approx(2.0)


def slot_of(cluster: str) -> int:
    return key_slot(ClusterKeys(cluster).feeds.encode())


async def test_a_shard_that_stands_still_keeps_only_its_own_leases(shards: Sharded) -> None:
    board, leases = Board(shards.url), Leases(shards.url, "one:1")
    stands = shards.nodes[1]
    its = [cluster for cluster in MANY if shards.owner(slot_of(cluster)) is stands]
    others = [cluster for cluster in MANY if cluster not in its]
    try:
        await board.start()
        assert set((await fences(leases, MANY)).values()) == {1}

        stands.pause()
        asks = {c: asyncio.create_task(leases.hold(c)) for c in MANY}
        async with asyncio.timeout(30):
            assert {(await asks[cluster]).fence for cluster in others} == {1}
            for cluster in its:
                with pytest.raises(BoardUnavailableError):
                    await asks[cluster]
        stands.resume()

        async def goes_on() -> bool:
            with contextlib.suppress(BoardUnavailableError):
                return set((await fences(leases, its)).values()) == {1}
            return False

        await until(goes_on)
    finally:
        stands.resume()
        await leases.stop()
        await board.stop()


async def test_a_slot_that_moved_takes_its_lease_along(shards: Sharded) -> None:
    board, leases = Board(shards.url), Leases(shards.url, "one:1")
    try:
        await board.start()
        await fences(leases, MANY)
        new = await asyncio.to_thread(shards.join)  # it has no functions yet
        await asyncio.to_thread(shards.move, slot_of(MANY[3]), new)
        assert await fences(leases, MANY) == dict.fromkeys(MANY, 1)
    finally:
        await leases.stop()
        await board.stop()
