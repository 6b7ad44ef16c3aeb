"""Lean clients and pools of the store: what they leave out must not be missed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, ResponseError

from capacity.board import Board
from capacity.board.connection import Store
from tests.support.board_model import until

KEY = "lean"


@pytest.fixture
async def store(board: Board) -> AsyncIterator[Store]:
    """Two connections at most, to the store of `board`, which is empty."""
    store = Store(board._url, connections=2)
    yield store
    await store.aclose()


def used(store: Store) -> tuple[int, int]:
    """How many connections are in use, and how many are free."""
    pool: Any = store.at(KEY).connection_pool
    return len(pool._in_use_connections), len(pool._available_connections)


async def test_words_of_every_kind_arrive_as_they_are(store: Store) -> None:
    client = store.at(KEY)
    for word in (b"\x00\xff\r\n", "æøå", 17, "", b"x" * 100_000):
        await client.set(KEY, word)
        as_bytes = word if isinstance(word, bytes) else str(word).encode()
        assert await client.get(KEY) == as_bytes
    assert (await client.config_get("appendonly"))["appendonly"]  # a name of two words


async def test_what_is_no_word_is_refused_before_it_is_sent(store: Store) -> None:
    with pytest.raises(DataError):
        await store.at(KEY).execute_command("SET", KEY, object())
    await store.at(KEY).ping()


async def test_one_connection_serves_those_who_come_one_after_the_other(store: Store) -> None:
    for _ in range(5):
        await store.at(KEY).ping()
    assert used(store) == (0, 1)


async def test_whoever_finds_none_free_waits_for_one(store: Store) -> None:
    client = store.at(KEY)
    words = [str(n).encode() for n in range(50)]  # nothing is written: a disk may be slow
    assert await asyncio.gather(*(client.execute_command("ECHO", word) for word in words)) == words
    assert used(store) == (0, 2)


async def test_a_refusal_costs_no_connection(store: Store) -> None:
    await store.at(KEY).set(KEY, "no number")
    with pytest.raises(ResponseError):
        await store.at(KEY).incr(KEY)
    assert used(store) == (0, 1)
    assert await store.at(KEY).get(KEY) == b"no number"


async def test_an_answer_nobody_waited_for_is_nobody_elses(store: Store) -> None:
    client = store.at(KEY)
    for _ in range(20):
        waiting = asyncio.create_task(client.execute_command("BLPOP", f"{KEY}:empty", 0.05))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await client.echo("mine") == b"mine"
    assert used(store)[0] == 0


async def test_a_connection_that_was_cut_is_made_anew(store: Store) -> None:
    client = store.at(KEY)
    await client.ping()
    await client.client_kill_filter(_type="normal", skipme=False)
    for _ in range(2):  # the loop may not have heard of it yet
        try:
            await client.set(KEY, 1)
            break
        except RedisConnectionError:
            continue
    assert await client.get(KEY) == b"1"
    assert used(store)[0] == 0


async def test_questions_that_go_together_are_answered_in_their_order(store: Store) -> None:
    await store.at(KEY).hset(KEY, mapping={"a": "1", "b": "2"})
    asked = [("HMGET", KEY, "b", "a", "c"), ("ECHO", "x"), ("XREVRANGE", "none", "+", "-")]
    found = await store.read([(KEY, question) for question in asked])
    assert found == [[b"2", b"1", None], b"x", []]
    assert used(store) == (0, 1)


async def test_an_error_among_them_is_raised_and_costs_no_connection(store: Store) -> None:
    await store.at(KEY).set(KEY, "no hash")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await store.read([(KEY, ("ECHO", "1")), (KEY, ("HMGET", KEY, "a")), (KEY, ("ECHO", "2"))])
    assert await store.read([(KEY, ("ECHO", "3"))]) == [b"3"], "nobody gets another's answer"
    assert used(store) == (0, 1)


async def test_who_breaks_off_questions_leaves_their_answers_to_nobody(store: Store) -> None:
    async def waits() -> bool:
        return bool((await store.at(KEY).info("clients"))["blocked_clients"])

    asking = asyncio.create_task(
        store.read([(KEY, ("BLPOP", "nothing", 60)), (KEY, ("ECHO", "1"))])
    )
    await until(waits)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await store.read([(KEY, ("ECHO", "mine"))]) == [b"mine"]
    assert used(store)[0] == 0
