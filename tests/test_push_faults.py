"""Web Push when processes die, phones fail or leave, the store is away: tried again and told."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from capacity.board import Board
from capacity.board.notices import Notices
from capacity.board.subscriptions import UNUSED, Subscriptions
from capacity.instants import utc_now
from tests.support.board_model import until
from tests.support.push_service import PushService
from tests.support.pushing import UNIT, Process, delivered, hold, row, subscribe
from tests.support.stopwatch import stopwatch
from web.notify.push_key import PushKey

pytest_plugins = ["tests.support.push_fixtures"]


async def test_another_process_takes_over_from_one_that_died_half_way(
    phones: PushService, key: PushKey, processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Phone a was reached, phone b was not: only b is told by the other, after the lease."""
    monkeypatch.setattr("web.notify.asks.LEASE", timedelta(seconds=1.5))
    first, second = processes
    await subscribe(first, phones, key, "a", "b")
    phones.silent.add("b")
    first.run()
    first.asks.seen("randers", [row(hold("h"))])
    await until(lambda: phones.kinds("a") == ["ask"] and "b" in phones.asked)
    await until(lambda: is_reached(first, "ask:h"))
    await first.kill()
    phones.silent.clear()
    second.run()
    second.asks.seen("randers", [row(hold("h"))])
    await until(lambda: phones.kinds("b") == ["ask"])
    await until(lambda: not second.asks._due)
    assert phones.kinds("a") == ["ask"]


async def is_reached(process: Process, notice: str) -> bool:
    key = f"akutoverblik:{{randers}}:notice:{notice}"
    fields: list[Any] = await process.notices._store.at(key).hkeys(key)
    return any(field.startswith(b"to:") for field in fields)


async def test_a_push_that_failed_is_tried_again_for_that_phone_only(
    phones: PushService, key: PushKey, processes: list[Process]
) -> None:
    await subscribe(processes[0], phones, key, "a", "b")
    phones.answers["b"] = [(503, {}), (503, {})]
    for process in processes:
        process.run()
        process.asks.seen("randers", [row(hold("h"))])
    await until(lambda: phones.kinds("b") == ["ask"])
    assert phones.asked.count("a") == 1
    assert phones.asked.count("b") == 3


async def test_a_phone_that_cannot_be_reached_is_given_up_on_and_that_is_said_once(
    phones: PushService,
    key: PushKey,
    processes: list[Process],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("web.notify.asks.AGAIN", timedelta(milliseconds=20))
    await subscribe(processes[0], phones, key, "a")
    phones.answers["a"] = [(500, {})] * 50
    for process in processes:
        process.run()
        process.asks.seen("randers", [row(hold("h"))])
    await until(lambda: not any(process.asks._due for process in processes))
    assert phones.asked.count("a") == 4
    said = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(said) == 1
    assert UNIT.id in said[0].getMessage()
    assert "127.0.0.1" not in caplog.text


async def test_a_phone_that_has_left_is_forgotten(
    phones: PushService, key: PushKey, processes: list[Process]
) -> None:
    one = processes[0]
    await subscribe(one, phones, key, "a", "b")
    phones.answers["b"] = [(410, {})]
    one.run()
    one.asks.seen("randers", [row(hold("h"))])
    await until(lambda: not one.asks._due)
    left = await one.subscriptions.of(UNIT.cluster, UNIT.id)
    assert [each.subscription.endpoint for each in left] == [phones.phones["a"].endpoint]
    assert (("ask", "push", "gone"), 1) in one.tally.all()
    assert (("ask", "push", "sent"), 1) in one.tally.all()


async def test_one_subscription_that_is_spoilt_keeps_no_other_from_its_push(
    phones: PushService,
    key: PushKey,
    processes: list[Process],
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = processes[0]
    await subscribe(one, phones, key, "a", "b")
    spoilt = replace(phones.phones["b"].subscription(key.public), p256dh="AAAA")
    assert await one.subscriptions.add(UNIT.cluster, UNIT.id, spoilt)
    one.run()
    one.asks.seen("randers", [row(hold("h"))])
    await until(lambda: not one.asks._due)
    assert phones.asked == ["a"]
    assert "keys that nothing can be encrypted to" in caplog.text


async def test_a_store_that_is_away_is_waited_for_and_that_is_said_once(
    phones: PushService, key: PushKey, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    one, away = Process(board._url, key), Notices("unix:///nowhere/at/all")
    await subscribe(one, phones, key, "a")
    here, one.asks._notices = one.asks._notices, away
    one.run()
    for name in ("h1", "h2"):
        one.asks.seen("randers", [row(hold(name))])
    await until(lambda: "wait for the store" in caplog.text)
    one.asks._notices = here
    await delivered(phones, 2)
    assert caplog.text.count("wait for the store") == 1
    await one.stop()
    await away.stop()


async def test_no_more_than_so_many_phones_of_a_unit(
    board: Board, phones: PushService, key: PushKey
) -> None:
    few = Subscriptions(board._url, most=2)
    three = [phones.phone(f"p{n}").subscription(key.public) for n in range(3)]
    added = [await few.add("randers", UNIT.id, phone) for phone in three]
    assert added == [True, True, False]
    assert await few.add("randers", UNIT.id, three[0])  # known already
    assert await few.forget("randers", UNIT.id, three[1].id)
    assert not await few.forget("randers", UNIT.id, three[1].id)
    assert await few.add("randers", UNIT.id, three[2])
    assert {each.subscription for each in await few.of("randers", UNIT.id)} == {
        three[0],
        three[2],
    }
    await few.stop()


async def test_a_phone_that_was_not_reached_for_long_makes_room(
    board: Board, phones: PushService, key: PushKey
) -> None:
    few = Subscriptions(board._url, most=1)
    old, new = (phones.phone(name).subscription(key.public) for name in "ab")
    assert await few.add("randers", UNIT.id, old)
    ago = int((utc_now() - UNUSED - timedelta(days=1)).timestamp() * 1000)
    await few._store.at("randers").hset(
        f"akutoverblik:{{randers}}:push_used:{UNIT.id}", old.id, ago
    )
    assert await few.add("randers", UNIT.id, new)
    assert [each.subscription for each in await few.of("randers", UNIT.id)] == [new]
    await few.reached("randers", UNIT.id, old.id)  # its late answer brings nothing back
    assert len(await few.of("randers", UNIT.id)) == 1
    await few.stop()


async def test_forty_phones_and_a_slow_one_do_not_wait_for_each_other(
    phones: PushService, key: PushKey, processes: list[Process]
) -> None:
    one = processes[0]
    names = [f"p{n}" for n in range(40)]
    await subscribe(one, phones, key, *names)
    phones.silent.add("p7")
    one.run()
    one.asks.seen("randers", [row(hold("h"))])
    lag = 0.0
    async with asyncio.timeout(25):  # before the slow one is given up on
        with stopwatch() as watch:
            while len(phones.delivered) < 39:
                before = watch.seconds
                await asyncio.sleep(0.01)
                lag = max(lag, watch.seconds - before - 0.01)
    assert lag < 0.5  # the event loop went on meanwhile
