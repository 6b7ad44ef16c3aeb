"""Surge levels in a real store: one history for all processes, ended overrides, the journal."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from capacity.board import START, Board, BoardUnavailableError, EmbeddedServer
from capacity.board.surge import Override, OverrideIsPastError, Standing, SurgeStore
from capacity.holds import By
from capacity.surge import Fact, SurgeState
from tests.support.board_model import until
from tests.support.stores import EACH_KIND, StoreServer, program_of

BY = By("coordinator", "randers-kommune", "demo")
FACTS = [{"code": "load", "value": 99}]
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module", params=EACH_KIND)
def valkey_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreServer]:
    """A server of each kind that the store promises to run on, in place of the shared one."""
    server = StoreServer(tmp_path_factory.mktemp("store"), program_of(request.param))
    server.start()
    yield server
    server.close()


@pytest.fixture
async def store(board: Board, valkey_server: EmbeddedServer) -> AsyncIterator[SurgeStore]:
    store = SurgeStore(valkey_server.url)
    yield store
    await store.stop()


async def look(store: SurgeStore) -> Standing:
    return (await store.look(["c"]))["c"]


def override(standing: Standing, level: int = 3, after: timedelta = HOUR) -> Override:
    return Override(level, "Brand på afsnittet", standing.now + after, BY)


async def journal(board: Board) -> list[tuple[str, dict[str, Any]]]:
    found = await board.journal_after("c", START, 1000)
    return [(entry.kind, orjson.loads(entry.data)) for entry in found.entries]


async def test_an_empty_store_has_no_state(store: SurgeStore) -> None:
    assert (await store.look([])) == {}
    standing = await look(store)

    assert (standing.version, standing.state, standing.override) == ("", None, None)


async def test_a_state_is_kept_whole_and_each_level_is_told_once(
    store: SurgeStore, board: Board
) -> None:
    empty = await look(store)
    first = SurgeState(0, empty.now, unknown_since=empty.now)
    high = SurgeState(2, empty.now + HOUR, frozenset({(1, Fact.LOAD), (2, Fact.LOAD)}))

    one = await store.put("c", empty, first, [])
    two = await store.put("c", one, high, FACTS)
    same = await store.put("c", two, replace(high, unknown_since=empty.now), FACTS)

    assert one.state == first
    assert two.state == high
    assert (await look(store)).state == same.state == replace(high, unknown_since=empty.now)
    assert await journal(board) == [
        ("surge", {"from": None, "level": 0, "facts": []}),
        ("surge", {"from": 0, "level": 2, "facts": FACTS}),
    ]


async def test_of_many_who_compute_at_once_one_writes_and_all_agree(
    store: SurgeStore, board: Board, valkey_server: EmbeddedServer
) -> None:
    others = [SurgeStore(valkey_server.url) for _ in range(8)]
    before = await look(store)
    states = [SurgeState(n % 3 + 1, before.now) for n in range(8)]

    found = await asyncio.gather(
        *(each.put("c", before, state, []) for each, state in zip(others, states, strict=True))
    )

    assert len({each.state for each in found}) == 1
    assert len(await journal(board)) == 1
    again = await store.put("c", before, states[0], [])  # as after a reply that was lost
    assert again.state == found[0].state
    assert len(await journal(board)) == 1
    for each in others:
        await each.stop()


async def test_an_override_stands_until_it_is_lifted(store: SurgeStore, board: Board) -> None:
    before = await look(store)
    wanted = override(before)

    set_ = await store.override("c", wanted, "r1")
    assert set_.override is not None
    assert set_.override.at is not None
    assert before.now <= set_.override.at <= set_.now
    assert replace(set_.override, at=None) == wanted
    lifted = await store.lift("c", By("coordinator", None, "other"), "r2")
    nothing = await store.lift("c", BY, "r3")

    assert lifted.override is None
    assert nothing.override is None
    (kind, begun), (_, ended) = await journal(board)
    assert kind == "surge_override"
    assert begun["event"] == "set"
    assert begun["by"] == BY.as_json()
    assert begun["override"]["reason"] == "Brand på afsnittet"
    assert ended["event"] == "lifted"
    assert ended["by"] == {"role": "coordinator", "organisation": None, "account": "other"}
    assert ended["override"] == begun["override"]


async def test_a_request_that_is_repeated_is_done_once(store: SurgeStore, board: Board) -> None:
    wanted = override(await look(store))

    await store.override("c", wanted, "r1")
    await store.override("c", wanted, "r1")
    await store.lift("c", BY, "r2")
    late = await store.override("c", wanted, "r1")

    assert late.override is None
    assert [entry["event"] for _, entry in await journal(board)] == ["set", "lifted"]


async def test_another_override_takes_the_place_of_the_first(
    store: SurgeStore, board: Board
) -> None:
    standing = await look(store)
    await store.override("c", override(standing, 3), "r1")

    found = await store.override("c", override(standing, 1), "r2")

    assert found.override is not None
    assert found.override.level == 1
    events = [(e["event"], e["override"]["level"]) for _, e in await journal(board)]
    assert events == [("set", 3), ("replaced", 3), ("set", 1)]


async def test_an_override_ends_by_the_stores_clock_and_is_told_once(
    store: SurgeStore, board: Board, valkey_server: EmbeddedServer
) -> None:
    others = [SurgeStore(valkey_server.url) for _ in range(4)]
    standing = await look(store)
    await store.override("c", override(standing, after=timedelta(seconds=0.3)), "r1")

    async def gone() -> bool:
        found = await asyncio.gather(*(each.look(["c", "d"]) for each in others))
        assert all(
            each["c"].override is None or each["c"].now < each["c"].override.until for each in found
        )
        return all(each["c"].override is None for each in found)

    await until(gone)

    assert [entry["event"] for _, entry in await journal(board)] == ["set", "expired"]
    ended = (await board.journal_after("c", START)).entries[-1]
    assert ended.at >= standing.now + timedelta(seconds=0.3)
    assert orjson.loads(ended.data)["by"] is None
    for each in others:
        await each.stop()


async def test_an_override_that_is_over_is_ended_before_anything_else_happens(
    store: SurgeStore, board: Board, valkey_server: EmbeddedServer
) -> None:
    standing = await look(store)
    await store.override("c", override(standing), "r1")
    client = Redis.from_url(valkey_server.url)
    await client.hset("akutoverblik:{c}:surge", "until", 1)
    await client.aclose()

    found = await store.put("c", standing, SurgeState(1, standing.now), [])

    assert found.override is None
    assert [kind for kind, _ in await journal(board)] == ["surge_override"] * 2 + ["surge"]


async def test_an_override_that_would_be_over_is_refused(store: SurgeStore, board: Board) -> None:
    standing = await look(store)

    with pytest.raises(OverrideIsPastError):
        await store.override("c", override(standing, after=timedelta(0)), "r1")

    assert await journal(board) == []


async def test_a_restart_of_the_store_keeps_level_and_override(tmp_path: Path) -> None:
    server = StoreServer(tmp_path)
    server.start()
    store = SurgeStore(server.url)
    try:
        before = await look(store)
        stands = await store.put("c", before, SurgeState(2, before.now), FACTS)
        stands = await store.override("c", override(stands), "r1")
        await asyncio.to_thread(server.kill)
        with pytest.raises(BoardUnavailableError):
            await store.lift("c", BY, "r2")
        await asyncio.to_thread(server.start)

        found = await look(store)

        assert (found.version, found.state, found.override) == (
            stands.version,
            stands.state,
            stands.override,
        )
        assert (await store.lift("c", BY, "r2")).override is None
    finally:
        await store.stop()
        server.close()
