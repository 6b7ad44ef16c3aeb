"""Web Push over real HTTP to a push service that opens what it gets: sent once, in time, or not."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from capacity.board import Board
from capacity.board.notices import Notices
from capacity.board.subscriptions import UNUSED, Subscriptions
from capacity.catalogue import builtin_catalogue
from capacity.instants import format_instant, utc_now
from capacity.reminders import Figure
from tests.support.board_model import until
from tests.support.push_service import PushService, push_service
from web.notify import messages
from web.notify.asks import Asks
from web.notify.outgoing import Hosts, Outgoing
from web.notify.push import Pusher, UnitPushes
from web.notify.push_key import PushKey
from web.notify.tally import Fate, Tally

CATALOGUE = builtin_catalogue()
UNIT = CATALOGUE.units["randers-akutplads-1"]
CONTACT = "mailto:drift@example.org"
LOOPBACK = ["127.0.0.1"]


class Process:
    """What one web process has for pushes, over the store of all."""

    def __init__(self, url: str, key: PushKey, *, seconds: float = 2.0) -> None:
        self.tally = Tally()
        self.subscriptions = Subscriptions(url)
        self.notices = Notices(url)
        self.outgoing = Outgoing(LOOPBACK)
        hosts = Hosts.of(LOOPBACK, LOOPBACK)
        pusher = Pusher(key, CONTACT, hosts, self.outgoing, utc_now, seconds=seconds)
        self.pushes = UnitPushes(pusher, self.subscriptions, self.notices, self.tally)
        self.asks = Asks(CATALOGUE, self.pushes, self.notices, utc_now)
        self.running: asyncio.Task[None] | None = None

    def run(self) -> None:
        self.running = asyncio.create_task(self.asks.run())

    async def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)
            self.running = None

    async def stop(self) -> None:
        await self.kill()
        await self.outgoing.stop()
        await self.notices.stop()
        await self.subscriptions.stop()


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as running:
        yield running


@pytest.fixture
def key() -> PushKey:
    return PushKey.new()


@pytest.fixture
async def processes(board: Board, key: PushKey) -> AsyncIterator[list[Process]]:
    """Two processes on one store."""
    made = [Process(board._url, key) for _ in range(2)]
    yield made
    for process in made:
        await process.stop()


def hold(hold_id: str, state: str = "asked", **more: Any) -> dict[str, Any]:
    """A hold as it stands in a row."""
    now = utc_now()
    return {
        "id": hold_id,
        "unit": UNIT.id,
        "state": state,
        "asked_at": format_instant(now),
        "expires_at": format_instant(now + timedelta(minutes=30)),
        "answer_by": format_instant(now + timedelta(seconds=60)),
        "answered_at": None if state == "asked" else format_instant(now),
        "ended_at": None,
        "by": {"role": "visitator", "organisation": None, "account": "a"},
        "need": {"municipality": "0730", "capabilities": ["iv_antibiotics"]},
        "agreement": None,
        "reason": None,
        "counts": True,
    } | more


def row(*holds: dict[str, Any]) -> bytes:
    """A row that the board would hold, as far as asks look at it."""
    return orjson.dumps({"unit": UNIT.id, "holds": list(holds)})


async def subscribe(process: Process, service: PushService, key: PushKey, *names: str) -> None:
    for name in names:
        subscription = service.phone(name).subscription(key.public)
        assert await process.subscriptions.add(UNIT.cluster, UNIT.id, subscription)


async def delivered(service: PushService, count: int) -> None:
    await asyncio.to_thread(service.wait_for, count)


async def test_a_push_opens_as_what_was_sent(
    service: PushService, key: PushKey, processes: list[Process]
) -> None:
    one = processes[0]
    subscription = service.phone("a").subscription(key.public, "en")
    fate, _ = await one.pushes.pusher.send(subscription, messages.ask(UNIT, "hold-1"))
    assert fate is Fate.SENT
    (push,) = service.delivered
    assert push.message == {
        "kind": "ask",
        "unit": UNIT.id,
        "hold": "hold-1",
        "tag": "hold-1",
        "title": f"Request: {UNIT.name}",
        "body": "The visitation asks for a place. Tap to answer.",
        "lang": "en",
    }
    assert push.headers["ttl"] == "60"
    assert push.headers["urgency"] == "high"
    assert len(push.headers["topic"]) == 32
    assert push.signed_by == key.public
    assert push.claims["sub"] == CONTACT
    assert push.claims["aud"] == f"http://127.0.0.1:{service.port}"
    assert 0 < push.claims["exp"] - time.time() < 24 * 3600


def test_a_message_never_tells_of_the_need() -> None:
    """Whatever a hold's need holds: the message is made without it."""
    texts = [
        messages.ask(UNIT, "h").payload("da"),
        messages.ended(UNIT, "h", "declined").payload("da"),
    ]
    for text in texts:
        told = orjson.loads(text)
        assert told.keys() == {"kind", "unit", "hold", "tag", "title", "body", "lang"}
        assert "0730" not in text.decode()


@pytest.mark.parametrize(
    ("state", "title"),
    [
        ("accepted", "Besvaret"), ("declined", "Besvaret"), ("filled", "Besvaret"),
        ("cancelled", "Annulleret"), ("expired", "Udløbet"),
    ],
)  # fmt: skip
def test_the_words_for_how_an_ask_ended(state: str, title: str) -> None:
    told = orjson.loads(messages.ended(UNIT, "h", state).payload("da"))
    assert told["title"] == f"{title}: {UNIT.name}"
    assert told["tag"] == messages.ask(UNIT, "h").tag


def test_the_words_of_a_reminder() -> None:
    at = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
    shown = Figure(at, at + timedelta(hours=2), at + timedelta(hours=4))
    before = messages.reminder(UNIT, shown, at + timedelta(hours=3, minutes=45))
    after = messages.reminder(UNIT, shown, at + timedelta(hours=5))
    assert orjson.loads(before.payload("da"))["body"] == (
        "Tallet forældes kl. 18.00. Tryk for at bekræfte."
    )
    assert "forældet siden kl. 18.00" in orjson.loads(after.payload("da"))["body"]


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (200, Fate.SENT), (201, Fate.SENT), (404, Fate.GONE), (410, Fate.GONE),
        (400, Fate.REFUSED), (403, Fate.REFUSED), (413, Fate.REFUSED), (301, Fate.REFUSED),
        (429, Fate.LATER), (500, Fate.LATER), (503, Fate.LATER),
    ],
)  # fmt: skip
async def test_what_a_push_services_answer_means(
    status: int, fate: Fate, service: PushService, key: PushKey, processes: list[Process]
) -> None:
    subscription = service.phone("a").subscription(key.public)
    service.answers["a"] = [(status, {"Retry-After": "7", "Location": "/elsewhere"})]
    found = await processes[0].pushes.pusher.send(subscription, messages.test(UNIT))
    assert found[0] is fate
    assert found[1] == timedelta(seconds=7)
    assert service.asked == ["a"]  # no redirect was followed


async def test_a_silent_push_service_is_given_up_on(
    service: PushService, key: PushKey, board: Board
) -> None:
    one = Process(board._url, key, seconds=0.3)
    service.silent.add("a")
    subscription = service.phone("a").subscription(key.public)
    began = time.monotonic()
    fate, _ = await one.pushes.pusher.send(subscription, messages.test(UNIT))
    assert fate is Fate.LATER
    assert time.monotonic() - began < 2
    await one.stop()


async def test_a_subscription_for_another_key_is_left_alone_and_that_is_said_once(
    service: PushService, key: PushKey, processes: list[Process], caplog: pytest.LogCaptureFixture
) -> None:
    """Another process may have that key: to forget it would take everybody's notices away."""
    one = processes[0]
    await subscribe(one, service, PushKey.new(), "old")
    await subscribe(one, service, key, "new")
    fate, _ = await one.pushes.pusher.send(
        service.phones["old"].subscription("another"), messages.test(UNIT)
    )
    assert fate is Fate.REFUSED
    one.run()
    for name in ("h1", "h2"):
        one.asks.seen("randers", [row(hold(name))])
    await until(lambda: not one.asks._due)
    assert service.asked == ["new", "new"]
    assert len(await one.subscriptions.of(UNIT.cluster, UNIT.id)) == 2
    assert caplog.text.count("all processes need the same") == 1


async def test_an_ask_reaches_every_phone_once_though_two_processes_saw_it(
    service: PushService, key: PushKey, processes: list[Process]
) -> None:
    await subscribe(processes[0], service, key, "a", "b", "c")
    for process in processes:
        process.run()
    for n in range(20):
        for process in processes:
            process.asks.seen("randers", [row(hold(f"h{n}"))])
    await delivered(service, 60)
    # nothing is left to do for anybody: both processes have seen the end of every claim
    await until(lambda: not any(process.asks._due for process in processes))
    assert sorted((each.phone, each.message["hold"]) for each in service.delivered) == sorted(
        (phone, f"h{n}") for phone in "abc" for n in range(20)
    )


async def test_an_ask_is_pushed_within_a_second(
    service: PushService, key: PushKey, processes: list[Process]
) -> None:
    await subscribe(processes[0], service, key, "a")
    processes[0].run()
    warm = messages.test(UNIT)
    await processes[0].pushes.pusher.send(service.phones["a"].subscription(key.public), warm)
    began = time.monotonic()
    processes[0].asks.seen("randers", [row(hold("h"))])
    assert time.monotonic() - began < 0.05  # the hub is not kept
    await delivered(service, 2)
    assert time.monotonic() - began < 1


async def test_another_process_takes_over_from_one_that_died_half_way(
    service: PushService, key: PushKey, processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Phone a was reached, phone b was not: only b is told by the other, after the lease."""
    monkeypatch.setattr("web.notify.asks.LEASE", timedelta(seconds=1.5))
    first, second = processes
    await subscribe(first, service, key, "a", "b")
    service.silent.add("b")
    first.run()
    first.asks.seen("randers", [row(hold("h"))])
    await until(lambda: service.kinds("a") == ["ask"] and "b" in service.asked)
    await until(lambda: is_reached(first, "ask:h"))
    await first.kill()
    service.silent.clear()
    second.run()
    second.asks.seen("randers", [row(hold("h"))])
    await until(lambda: service.kinds("b") == ["ask"])
    await until(lambda: not second.asks._due)
    assert service.kinds("a") == ["ask"]


async def is_reached(process: Process, notice: str) -> bool:
    key = f"akutoverblik:{{randers}}:notice:{notice}"
    fields: list[Any] = await process.notices._store.at(key).hkeys(key)
    return any(field.startswith(b"to:") for field in fields)


async def test_a_push_that_failed_is_tried_again_for_that_phone_only(
    service: PushService, key: PushKey, processes: list[Process]
) -> None:
    await subscribe(processes[0], service, key, "a", "b")
    service.answers["b"] = [(503, {}), (503, {})]
    for process in processes:
        process.run()
        process.asks.seen("randers", [row(hold("h"))])
    await until(lambda: service.kinds("b") == ["ask"], 20)
    assert service.asked.count("a") == 1
    assert service.asked.count("b") == 3


async def test_a_phone_that_cannot_be_reached_is_given_up_on_and_that_is_said_once(
    service: PushService,
    key: PushKey,
    processes: list[Process],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("web.notify.asks.AGAIN", timedelta(milliseconds=20))
    await subscribe(processes[0], service, key, "a")
    service.answers["a"] = [(500, {})] * 50
    for process in processes:
        process.run()
        process.asks.seen("randers", [row(hold("h"))])
    await until(lambda: not any(process.asks._due for process in processes), 20)
    assert service.asked.count("a") == 4
    said = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(said) == 1
    assert UNIT.id in said[0].getMessage()
    assert "127.0.0.1" not in caplog.text


async def test_a_phone_that_has_left_is_forgotten(
    service: PushService, key: PushKey, processes: list[Process]
) -> None:
    one = processes[0]
    await subscribe(one, service, key, "a", "b")
    service.answers["b"] = [(410, {})]
    one.run()
    one.asks.seen("randers", [row(hold("h"))])
    await until(lambda: not one.asks._due)
    left = await one.subscriptions.of(UNIT.cluster, UNIT.id)
    assert [each.subscription.endpoint for each in left] == [service.phones["a"].endpoint]
    assert (("ask", "push", "gone"), 1) in one.tally.all()
    assert (("ask", "push", "sent"), 1) in one.tally.all()


async def test_the_end_of_an_ask_replaces_it_where_it_came(
    service: PushService, key: PushKey, processes: list[Process]
) -> None:
    first = processes[0]
    await subscribe(first, service, key, "a")
    for process in processes:
        process.run()
        process.asks.seen("randers", [row(hold("h"))])
    await delivered(service, 1)
    await subscribe(first, service, key, "late")  # was never told of the ask
    for process in processes:
        process.asks.seen("randers", [row(hold("h", "accepted"))])
    await delivered(service, 2)
    await until(lambda: not any(process.asks._due for process in processes))
    assert service.kinds("a") == ["ask", "ended"]
    assert service.kinds("late") == []
    for process in processes:  # the hold goes on: nothing more is told
        process.asks.seen("randers", [row(hold("h", "filled"))])
    assert not any(process.asks._due for process in processes)
    assert service.delivered[0].message["tag"] == service.delivered[1].message["tag"]
    assert service.delivered[0].headers["topic"] == service.delivered[1].headers["topic"]


async def test_an_ask_that_ended_before_it_was_told_of_is_not_told_of(
    service: PushService, key: PushKey, processes: list[Process]
) -> None:
    await subscribe(processes[0], service, key, "a")
    for process in processes:
        process.asks.seen("randers", [row(hold("h"))])
        process.asks.seen("randers", [row(hold("h", "cancelled"))])
        process.run()
    await until(lambda: not any(process.asks._due for process in processes))
    assert service.asked == []


async def test_what_ended_long_ago_is_not_told_of_after_a_restart(processes: list[Process]) -> None:
    ago = format_instant(utc_now() - timedelta(hours=1))
    processes[0].asks.seen("randers", [row(hold("h", "expired", ended_at=ago, answered_at=None))])
    assert not processes[0].asks._due


async def test_rows_of_other_boards_and_without_holds_are_left_alone(
    processes: list[Process],
) -> None:
    asks = processes[0].asks
    asks.seen("randers", [b"", b'{"unit":"x","holds":[]}', row()])
    asks.seen("randers", [orjson.dumps({"unit": UNIT.id})])  # an older program's
    asks.seen("horsens", [row(hold("h"))])
    asks.seen("randers", [orjson.dumps({"unit": "not-known", "holds": [hold("h")]})])
    assert not asks._due


async def test_one_subscription_that_is_spoilt_keeps_no_other_from_its_push(
    service: PushService,
    key: PushKey,
    processes: list[Process],
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = processes[0]
    await subscribe(one, service, key, "a", "b")
    spoilt = replace(service.phones["b"].subscription(key.public), p256dh="AAAA")
    assert await one.subscriptions.add(UNIT.cluster, UNIT.id, spoilt)
    one.run()
    one.asks.seen("randers", [row(hold("h"))])
    await until(lambda: not one.asks._due)
    assert service.asked == ["a"]
    assert "keys that nothing can be encrypted to" in caplog.text


async def test_a_store_that_is_away_is_waited_for_and_that_is_said_once(
    service: PushService, key: PushKey, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    one, away = Process(board._url, key), Notices("unix:///nowhere/at/all")
    await subscribe(one, service, key, "a")
    here, one.asks._notices = one.asks._notices, away
    one.run()
    for name in ("h1", "h2"):
        one.asks.seen("randers", [row(hold(name))])
    await until(lambda: "wait for the store" in caplog.text)
    one.asks._notices = here
    await delivered(service, 2)
    assert caplog.text.count("wait for the store") == 1
    await one.stop()
    await away.stop()


async def test_no_more_than_so_many_phones_of_a_unit(
    board: Board, service: PushService, key: PushKey
) -> None:
    few = Subscriptions(board._url, most=2)
    phones = [service.phone(f"p{n}").subscription(key.public) for n in range(3)]
    added = [await few.add("randers", UNIT.id, phone) for phone in phones]
    assert added == [True, True, False]
    assert await few.add("randers", UNIT.id, phones[0])  # known already
    assert await few.forget("randers", UNIT.id, phones[1].id)
    assert not await few.forget("randers", UNIT.id, phones[1].id)
    assert await few.add("randers", UNIT.id, phones[2])
    assert {each.subscription for each in await few.of("randers", UNIT.id)} == {
        phones[0],
        phones[2],
    }
    await few.stop()


async def test_a_phone_that_was_not_reached_for_long_makes_room(
    board: Board, service: PushService, key: PushKey
) -> None:
    few = Subscriptions(board._url, most=1)
    old, new = (service.phone(name).subscription(key.public) for name in "ab")
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
    service: PushService, key: PushKey, processes: list[Process]
) -> None:
    one = processes[0]
    names = [f"p{n}" for n in range(40)]
    await subscribe(one, service, key, *names)
    service.silent.add("p7")
    one.run()
    one.asks.seen("randers", [row(hold("h"))])
    began = time.monotonic()
    lag = 0.0
    while len(service.delivered) < 39:
        assert time.monotonic() - began < 10
        before = time.monotonic()
        await asyncio.sleep(0.01)
        lag = max(lag, time.monotonic() - before - 0.01)
    assert lag < 0.5  # the event loop went on meanwhile
