"""Web Push over real HTTP to a push service that opens what it gets: sent once, in time, or not."""

import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from capacity.board import Board
from capacity.instants import format_instant, utc_now
from capacity.reminders import Figure
from tests.support.board_model import until
from tests.support.push_service import PushService
from tests.support.pushing import CONTACT, UNIT, Process, delivered, hold, row, subscribe
from tests.support.stopwatch import stopwatch
from tests.support.stores import without_a_disk
from web.notify import messages
from web.notify.push_key import PushKey
from web.notify.tally import Fate

pytest_plugins = ["tests.support.push_fixtures"]


async def test_a_push_opens_as_what_was_sent(
    phones: PushService, key: PushKey, processes: list[Process]
) -> None:
    one = processes[0]
    subscription = phones.phone("a").subscription(key.public, "en")
    fate, _ = await one.pushes.pusher.send(subscription, messages.ask(UNIT, "hold-1"))
    assert fate is Fate.SENT
    (push,) = phones.delivered
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
    assert push.claims["aud"] == f"http://127.0.0.1:{phones.port}"
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
    status: int, fate: Fate, phones: PushService, key: PushKey, processes: list[Process]
) -> None:
    subscription = phones.phone("a").subscription(key.public)
    phones.answers["a"] = [(status, {"Retry-After": "7", "Location": "/elsewhere"})]
    found = await processes[0].pushes.pusher.send(subscription, messages.test(UNIT))
    assert found[0] is fate
    assert found[1] == timedelta(seconds=7)
    assert phones.asked == ["a"]  # no redirect was followed


async def test_a_silent_push_service_is_given_up_on(
    phones: PushService, key: PushKey, board: Board
) -> None:
    one = Process(board._url, key, seconds=0.3)
    phones.silent.add("a")
    subscription = phones.phone("a").subscription(key.public)
    with stopwatch() as watch:
        fate, _ = await one.pushes.pusher.send(subscription, messages.test(UNIT))
    assert fate is Fate.LATER
    assert watch.seconds < 2
    await one.stop()


async def test_a_subscription_for_another_key_is_left_alone_and_that_is_said_once(
    phones: PushService, key: PushKey, processes: list[Process], caplog: pytest.LogCaptureFixture
) -> None:
    """Another process may have that key: to forget it would take everybody's notices away."""
    one = processes[0]
    await subscribe(one, phones, PushKey.new(), "old")
    await subscribe(one, phones, key, "new")
    fate, _ = await one.pushes.pusher.send(
        phones.phones["old"].subscription("another"), messages.test(UNIT)
    )
    assert fate is Fate.REFUSED
    one.run()
    for name in ("h1", "h2"):
        one.asks.seen("randers", [row(hold(name))])
    await until(lambda: not one.asks._due)
    assert phones.asked == ["new", "new"]
    assert len(await one.subscriptions.of(UNIT.cluster, UNIT.id)) == 2
    assert caplog.text.count("all processes need the same") == 1


async def test_an_ask_reaches_every_phone_once_though_two_processes_saw_it(
    phones: PushService, key: PushKey, processes: list[Process]
) -> None:
    await subscribe(processes[0], phones, key, "a", "b", "c")
    for process in processes:
        process.run()
    for n in range(20):
        for process in processes:
            process.asks.seen("randers", [row(hold(f"h{n}"))])
    await delivered(phones, 60)
    # nothing is left to do for anybody: both processes have seen the end of every claim
    await until(lambda: not any(process.asks._due for process in processes))
    assert sorted((each.phone, each.message["hold"]) for each in phones.delivered) == sorted(
        (phone, f"h{n}") for phone in "abc" for n in range(20)
    )


async def test_an_ask_is_pushed_within_a_second_and_the_hub_is_not_kept(
    board: Board, phones: PushService, key: PushKey, processes: list[Process]
) -> None:
    """What docs/notifications.md promises."""
    await subscribe(processes[0], phones, key, "a")
    processes[0].run()
    warm = messages.test(UNIT)
    await processes[0].pushes.pusher.send(phones.phones["a"].subscription(key.public), warm)
    with without_a_disk(board._url), stopwatch() as watch:
        processes[0].asks.seen("randers", [row(hold("h"))])
        assert len(phones.delivered) == 1  # whoever saw it goes on
        await delivered(phones, 2)
    assert watch.seconds < 1
    assert phones.kinds("a") == ["test", "ask"]


async def test_the_end_of_an_ask_replaces_it_where_it_came(
    phones: PushService, key: PushKey, processes: list[Process]
) -> None:
    first = processes[0]
    await subscribe(first, phones, key, "a")
    for process in processes:
        process.run()
        process.asks.seen("randers", [row(hold("h"))])
    await delivered(phones, 1)
    await subscribe(first, phones, key, "late")  # was never told of the ask
    for process in processes:
        process.asks.seen("randers", [row(hold("h", "accepted"))])
    await delivered(phones, 2)
    await until(lambda: not any(process.asks._due for process in processes))
    assert phones.kinds("a") == ["ask", "ended"]
    assert phones.kinds("late") == []
    for process in processes:  # the hold goes on: nothing more is told
        process.asks.seen("randers", [row(hold("h", "filled"))])
    assert not any(process.asks._due for process in processes)
    assert phones.delivered[0].message["tag"] == phones.delivered[1].message["tag"]
    assert phones.delivered[0].headers["topic"] == phones.delivered[1].headers["topic"]


async def test_an_ask_that_ended_before_it_was_told_of_is_not_told_of(
    phones: PushService, key: PushKey, processes: list[Process]
) -> None:
    await subscribe(processes[0], phones, key, "a")
    for process in processes:
        process.asks.seen("randers", [row(hold("h"))])
        process.asks.seen("randers", [row(hold("h", "cancelled"))])
        process.run()
    await until(lambda: not any(process.asks._due for process in processes))
    assert phones.asked == []


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
