"""Reminders from the board to the outside: due by the clock, sent once, tried again, said once."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from capacity.board import Board
from capacity.board.journal import JournalEntry
from capacity.board.notices import Notices
from capacity.board.store import reading_of
from capacity.catalogue import builtin_catalogue
from capacity.config_file import ConfigError
from capacity.instants import epoch_millis
from capacity.model import PlaceReport
from capacity.reminders import Channel, Quiet, Reminding
from capacity.row import digest_of, encode_row, row_of
from capacity.settings import Settings
from capacity.units import Catalogue
from tests.support.board_model import until
from tests.support.mail_server import Mailbox, mail_server
from tests.support.push_service import PushService, push_service
from tests.support.receiver import Receiver, receiving
from tests.support.service import settings_for
from web.notify.notifier import Notifier
from web.notify.reminding import figure_of

UNIT_ID = "randers-akutplads-1"  # ages after two hours, stale after four
OBSERVED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # ten o'clock in Denmark
DUE = OBSERVED + timedelta(hours=3, minutes=45)
MINUTE = timedelta(minutes=1)


class Clock:
    def __init__(self) -> None:
        self.now = OBSERVED

    def __call__(self) -> datetime:
        return self.now


def catalogue_with(**chosen: Any) -> Catalogue:
    catalogue = builtin_catalogue()
    given: dict[str, Any] = {"before": 15 * MINUTE, "at_most": 4} | chosen
    unit = replace(catalogue.units[UNIT_ID], remind=Reminding(**given))
    return replace(catalogue, units={**catalogue.units, UNIT_ID: unit})


class World:
    """A store, a board with one figure, a clock, and processes that remind."""

    def __init__(self, board: Board, folder: Path) -> None:
        self.board = board
        self.folder = folder
        self.clock = Clock()
        self.processes: list[Notifier] = []
        self.settings: dict[str, Any] = {
            "private_hosts": ["127.0.0.1"],
            "webhook_hosts": ["127.0.0.1"],
            "push_hosts": ["127.0.0.1"],
            "push_contact": "mailto:drift@example.org",
        }

    def process(self, catalogue: Catalogue, **settings: Any) -> Notifier:
        """One more process, whose tries may follow each other at once."""
        made = Settings(data=self.folder, redis_url=self.board._url, **(self.settings | settings))
        notifier = Notifier(made, self.board, catalogue, self.clock)
        notifier.reminding._again = timedelta(0)
        self.processes.append(notifier)
        return notifier

    async def report(self, at: datetime) -> None:
        unit = builtin_catalogue().units[UNIT_ID]
        row = row_of(
            unit, PlaceReport(unit=UNIT_ID, observed_at=at, total=2, free=1),
            received_at=at, source="nurse",
        )  # fmt: skip
        await self.board.apply("randers", [reading_of(row, encode_row(row), digest_of(row))])

    async def look(self, at: datetime) -> None:
        """Let every process look at the same moment."""
        self.clock.now = at
        await asyncio.gather(*(process.reminding.look() for process in self.processes))

    async def journal(self) -> list[dict[str, Any]]:
        """What was written of reminders."""
        found: list[JournalEntry] = list((await self.board.journal_after("randers", "0-0")).entries)
        assert {entry.kind for entry in found} <= {"reminder"}
        return [json.loads(entry.data) for entry in found]


@pytest.fixture
async def world(board: Board, tmp_path: Path) -> AsyncIterator[World]:
    made = World(board, tmp_path)
    await made.report(OBSERVED)
    yield made
    for process in made.processes:
        await process.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def phones() -> Iterator[PushService]:
    with push_service() as running:
        yield running


def by_webhook(receiver: Receiver, **more: Any) -> Catalogue:
    return catalogue_with(by=(Channel.WEBHOOK,), webhook=f"{receiver.url}/hook", **more)


async def test_two_processes_remind_once_when_it_is_due(world: World, receiver: Receiver) -> None:
    for _ in range(2):
        world.process(by_webhook(receiver))
    await world.look(DUE - MINUTE)
    assert receiver.pushes == []
    for n in range(5):
        await world.look(DUE + n * MINUTE)
    assert len(receiver.pushes) == 1
    assert await world.journal() == [
        {
            "unit": UNIT_ID,
            "channel": "webhook",
            "outcome": "sent",
            "reason": None,
            "observed_at": "2026-11-24T09:00:00Z",
            "tries": 1,
        }
    ]


async def test_a_new_figure_is_reminded_of_anew_up_to_the_days_limit(
    world: World, receiver: Receiver
) -> None:
    world.process(by_webhook(receiver, at_most=2, before=timedelta(hours=1)))
    for n in range(4):
        at = OBSERVED + n * timedelta(minutes=30)
        await world.report(at)
        await world.look(at + timedelta(hours=3))
    assert len(receiver.pushes) == 2
    await world.look(datetime(2026, 11, 24, 22, 59, tzinfo=UTC))
    assert len(receiver.pushes) == 2
    await world.look(datetime(2026, 11, 24, 23, 0, tzinfo=UTC))  # midnight in Denmark
    assert len(receiver.pushes) == 3


async def test_nobody_is_reminded_in_quiet_hours(world: World, receiver: Receiver) -> None:
    world.process(by_webhook(receiver, quiet=Quiet(time(22), time(6))))
    evening = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
    await world.report(evening)
    for hours in range(4, 10):
        await world.look(evening + timedelta(hours=hours))
    assert receiver.pushes == []
    await world.look(datetime(2026, 11, 25, 5, 0, tzinfo=UTC))
    assert len(receiver.pushes) == 1


async def test_every_channel_carries_it_and_each_is_written_down(
    world: World, receiver: Receiver, phones: PushService
) -> None:
    async with mail_server() as box:
        catalogue = catalogue_with(
            by=(Channel.PUSH, Channel.MAIL, Channel.WEBHOOK),
            mail="akutplads@example.org",
            webhook=f"{receiver.url}/hook",
        )
        process = world.process(catalogue, **_smtp(box))
        await _follow(process, phones, "a")
        await world.look(DUE)
    assert [mail["To"] for mail in box.mails] == ["akutplads@example.org"]
    assert phones.kinds("a") == ["reminder"]
    assert phones.delivered[0].message["body"] == "Tallet forældes kl. 14.00. Tryk for at bekræfte."
    assert len(receiver.pushes) == 1
    told = {entry["channel"]: entry["outcome"] for entry in await world.journal()}
    assert told == {"push": "sent", "mail": "sent", "webhook": "sent"}
    counts = dict(process.tally.all())
    assert counts == {("reminder", channel, "sent"): 1 for channel in told}


async def test_a_channel_that_fails_is_tried_again_and_then_said_once(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [(500, {})] * 20
    processes = [world.process(by_webhook(receiver)) for _ in range(2)]
    for n in range(10):
        await world.look(DUE + n * MINUTE)
    assert len(receiver.pushes) == 3
    (entry,) = await world.journal()
    assert (entry["outcome"], entry["reason"], entry["tries"]) == ("failed", "unreachable", 3)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == [f"unit {UNIT_ID} could not be reminded by webhook in 3 tries (unreachable)"]
    assert str(receiver.port) not in caplog.text
    counts = [count for process in processes for count in process.tally.all()]
    assert counts == [(("reminder", "webhook", "refused"), 1)]


async def test_a_second_try_that_works_is_enough(world: World, receiver: Receiver) -> None:
    receiver.answers = [(503, {})]
    world.process(by_webhook(receiver))
    for n in range(5):
        await world.look(DUE + n * MINUTE)
    assert len(receiver.pushes) == 2
    (entry,) = await world.journal()
    assert (entry["outcome"], entry["tries"]) == ("sent", 2)


async def test_a_refusal_is_not_tried_again(world: World, receiver: Receiver) -> None:
    receiver.answers = [(403, {})]
    world.process(by_webhook(receiver))
    for n in range(5):
        await world.look(DUE + n * MINUTE)
    assert len(receiver.pushes) == 1
    (entry,) = await world.journal()
    assert (entry["outcome"], entry["reason"]) == ("failed", "refused")


async def test_a_unit_without_phones_is_said_to_have_none(world: World) -> None:
    world.process(catalogue_with(by=(Channel.PUSH,)))
    await world.look(DUE)
    (entry,) = await world.journal()
    assert (entry["outcome"], entry["reason"]) == ("failed", "no_subscription")


async def test_a_phone_that_is_slow_gets_the_reminder_at_the_next_try_and_the_other_not_twice(
    world: World, phones: PushService
) -> None:
    process = world.process(catalogue_with(by=(Channel.PUSH,)))
    await _follow(process, phones, "a")
    phones.answers["a"] = [(503, {})]
    for n in range(3):
        await world.look(DUE + n * MINUTE)
    assert phones.asked == ["a", "a"]
    assert phones.kinds("a") == ["reminder"]


async def test_a_reminder_is_taken_on_when_the_process_that_claimed_it_dies(
    world: World, receiver: Receiver
) -> None:
    dead = Notices(world.board._url)
    claims = await dead.claim_reminder(
        "randers", UNIT_ID, OBSERVED, [Channel.WEBHOOK], timedelta(milliseconds=300),
        DUE.date(), 4,
    )  # fmt: skip
    assert claims[Channel.WEBHOOK].tries == 1
    await dead.stop()
    world.process(by_webhook(receiver))
    await world.look(DUE)
    assert receiver.pushes == []  # it may still be at it
    async with asyncio.timeout(30):
        while not receiver.pushes:
            await world.look(DUE)
    assert len(receiver.pushes) == 1
    await world.look(DUE)
    assert len(receiver.pushes) == 1
    assert [entry["tries"] for entry in await world.journal()] == [2]


async def test_one_who_comes_back_late_ends_nothing_that_others_have_ended(world: World) -> None:
    late, other = Notices(world.board._url), Notices(world.board._url)

    async def claims(notices: Notices) -> bool:
        found = await notices.claim_reminder(
            "randers", UNIT_ID, OBSERVED, [Channel.MAIL], timedelta(milliseconds=1), DUE.date(), 4
        )
        return found[Channel.MAIL].tries > 0

    assert await claims(late)
    await until(lambda: claims(other))  # once the lease has ended
    told: dict[str, object] = {"outcome": "sent"}
    assert not await late.finish_reminder("randers", UNIT_ID, OBSERVED, Channel.MAIL, told)
    assert await other.finish_reminder("randers", UNIT_ID, OBSERVED, Channel.MAIL, told)
    assert not await other.finish_reminder("randers", UNIT_ID, OBSERVED, Channel.MAIL, told)
    assert len(await world.journal()) == 1
    for notices in (late, other):
        await notices.stop()


async def test_twenty_processes_at_once_send_one(world: World, receiver: Receiver) -> None:
    for _ in range(20):
        world.process(by_webhook(receiver))
    await world.look(DUE)
    assert len(receiver.pushes) == 1
    sent = (await world.processes[0]._notices.sent("randers", [UNIT_ID]))[UNIT_ID]
    assert (sent.count, sent.unfinished) == (1, False)
    assert epoch_millis(sent.figure or OBSERVED) == epoch_millis(OBSERVED)


async def test_a_unit_that_was_never_reported_is_left_alone(
    board: Board, tmp_path: Path, receiver: Receiver
) -> None:
    world = World(board, tmp_path)
    unit = builtin_catalogue().units[UNIT_ID]
    assert figure_of(row_of(unit, None)) is None
    world.process(by_webhook(receiver))
    await world.look(DUE)
    assert receiver.pushes == []
    await world.processes[0].stop()


async def test_the_task_goes_on_after_the_store_was_away(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    process = world.process(by_webhook(receiver))
    process.reminding._every = 0.01
    board = process.reminding._board
    process.reminding._board = Board("unix:///nowhere/at/all")
    world.clock.now = DUE
    task = asyncio.create_task(process.reminding.run())
    await until(lambda: "nobody is reminded while the store is away" in caplog.text)
    process.reminding._board = board
    await asyncio.to_thread(receiver.wait_for, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_was_chosen_and_cannot_be_done_is_said_at_the_start(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = catalogue_with(
        by=tuple(Channel), mail="a@example.org", webhook="https://hooks.example.org/t0ken"
    )
    process = world.process(catalogue, push_contact=None)
    process.start()
    for setting in ("PUSH_CONTACT", "SMTP_URL", "WEBHOOK_HOSTS"):
        assert f"AKUTOVERBLIK_{setting}" in caplog.text
    assert "t0ken" not in caplog.text
    await world.look(DUE)
    assert [entry["channel"] for entry in await world.journal()] == ["webhook"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("smtp_url", "smtp+plain://user:s3cret@relay"),
        ("push_key", "s3cret"),
    ],
)
async def test_settings_that_cannot_be_used_are_named_and_not_repeated(
    setting: str, value: str, board: Board, tmp_path: Path
) -> None:
    given: dict[str, Any] = {setting: value, "mail_from": "a@example.org"}
    settings = settings_for(tmp_path, board._url, push_contact="mailto:a@example.org", **given)
    assert "s3cret" not in repr(settings)
    with pytest.raises(ConfigError, match=f"AKUTOVERBLIK_{setting.upper()}") as refused:
        Notifier(settings, board, builtin_catalogue(), Clock())
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("contact", ["drift@example.org", "mailto:", "http://example.org", "x"])
def test_a_contact_that_is_none(contact: str) -> None:
    with pytest.raises(ValidationError):
        Settings(push_contact=contact)


def _smtp(box: Mailbox) -> dict[str, str]:
    url = f"smtp+plain://127.0.0.1:{box.port}"
    return {"smtp_url": url, "mail_from": "akutoverblik@example.org"}


async def _follow(process: Notifier, phones: PushService, *names: str) -> None:
    assert process.pushes is not None
    for name in names:
        subscription = phones.phone(name).subscription(process.pushes.pusher.key.public)
        assert await process.subscriptions.add("randers", UNIT_ID, subscription)
