"""Lost and incomplete notifications: the real service asks a real server for the whole picture."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.config_file import ConfigError
from capacity.instants import format_instant, utc_now
from feeds import resync
from feeds.health import SourceHealth
from feeds.intake import Intake
from feeds.resync import Resync
from feeds.sources import load_sources
from tests.support.board_model import until
from tests.support.feeding import CATALOGUE, one_source
from tests.support.fhir import Resource, bundle, concept, resource, to
from tests.support.formats import CPR
from tests.support.service import Service, running, settings_for
from tests.test_poll import Origin

HOOK = "https://ehr.example/fhir/Subscription/beds"
UNIT = "rhr-akutafdeling"
SOURCE = """
[[source]]
id = "ehr"
cluster = "randers"
format = "fhir"
transport = "push"
attribution = "test"
units = {{ "AKUT" = "rhr-akutafdeling" }}
bearer = "secret"
every = "1 s"
timeout = "30 s"
resync_url = "http://127.0.0.1:{port}/fhir/Location"
"""


def measured(occupied: int) -> Resource:
    """A report that tells all about its unit, as of now."""
    counts = [("numTotBeds", 9), ("numBedsOcc", occupied)]
    population = [{"code": concept(code), "count": count} for code, count in counts]
    subject, date = to("Location", "AKUT"), format_instant(utc_now())
    return resource("MeasureReport", subject=subject, date=date, group=[{"population": population}])


def notification(
    kind: str, total: int, *inside: Resource, event: int | None = None, status: str = "active"
) -> bytes:
    """A notification with the resources `inside`, about the event of that number."""
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": HOOK}},
        {"name": "status", "valueCode": status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(total)},
    ]
    if event is not None:
        part = [{"name": "event-number", "valueString": str(event)}]
        parameters.append({"name": "notification-event", "part": part})
    state = resource("Parameters", "s", parameter=parameters)
    return orjson.dumps(bundle(state, *inside, type="history"))


def told(number: int, *inside: Resource) -> bytes:
    """The notification of one event."""
    return notification("event-notification", number, *inside, event=number)


class Sender:
    """A source that pushes to the service, and the server that holds its whole picture."""

    def __init__(self, service: Service, origin: Origin) -> None:
        self.service = service
        self.origin = origin
        self.key = service.key_for("ehr")

    async def push(self, document: bytes) -> None:
        """Hand over a document, which is taken."""
        answer = await self.service.push("ehr", document, key=self.key)
        assert answer.status_code == 200, answer.text

    async def occupied(self) -> object:
        """What the board shows."""
        return (await self.service.rows("randers"))[UNIT]["occupied"]

    def shows(self, occupied: int) -> Callable[[], Any]:
        """A condition to wait for."""

        async def holds() -> bool:
            return await self.occupied() == occupied

        return holds

    @property
    def health(self) -> SourceHealth:
        return self.service.services.intake.health.of("ehr")

    @property
    def fetches(self) -> int:
        return len(self.origin.requests)


async def quiet() -> None:
    """Wait until nothing is being fetched, nor will be."""
    await until(lambda: not any(t.get_name() == "resync ehr" for t in asyncio.all_tasks()))


@asynccontextmanager
async def answering() -> AsyncIterator[Origin]:
    """The server that holds the whole picture."""
    origin = Origin()
    origin.answers.set()
    origin.idle.set()
    server = await asyncio.start_server(origin.answer, "127.0.0.1", 0)
    origin.port = server.sockets[0].getsockname()[1]
    origin.body = orjson.dumps(bundle(measured(7), type="searchset"))
    async with server:
        yield origin
        origin.answers.set()
        await origin.idle.wait()


def declared(folder: Path, origin: Origin) -> Path:
    """A sources file with the one source."""
    sources = folder / "sources.toml"
    sources.write_text(SOURCE.format(port=origin.port), encoding="utf-8")
    return sources


@asynccontextmanager
async def sending(folder: Path, store_url: str) -> AsyncIterator[Sender]:
    async with answering() as origin:
        settings = settings_for(folder / "data", store_url, declared(folder, origin))
        async with running(settings) as service:
            yield Sender(service, origin)


@pytest.fixture
async def sender(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sender]:
    monkeypatch.setattr(resync, "GATHER", timedelta(milliseconds=50))
    async with sending(tmp_path, valkey_server.url) as sender:
        yield sender


async def test_what_misses_nothing_asks_for_nothing(sender: Sender) -> None:
    await sender.push(notification("handshake", 0))
    await sender.push(notification("heartbeat", 0))
    await sender.push(notification("event-notification", 0))
    await sender.push(told(1, measured(2)))
    await sender.push(told(1, measured(2)))
    await sender.push(told(2, measured(3)))
    await sender.push(notification("heartbeat", 2))
    await sender.push(notification("event-notification", 2))
    await sender.push(orjson.dumps(measured(4)))
    await quiet()
    assert sender.fetches == 0
    assert await sender.occupied() == 4


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(told(3, measured(2)), id="an event was lost"),
        pytest.param(notification("heartbeat", 2), id="the last event was lost"),
        pytest.param(notification("event-notification", 2), id="empty, and the count moved on"),
        pytest.param(told(2), id="the next event, without what happened"),
        pytest.param(
            told(2, resource("Encounter", "e", subject={"display": f"Hansen {CPR}"})),
            id="the next event, told in patients",
        ),
    ],
)
async def test_what_was_missed_is_asked_for_once(
    sender: Sender, document: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await sender.push(told(1, measured(1)))
    sender.origin.body = orjson.dumps(bundle(measured(7), type="searchset"))
    await sender.push(document)
    await until(sender.shows(7))
    await quiet()
    assert sender.fetches == 1
    assert "authorization: bearer secret" in sender.origin.requests[0].lower()
    assert CPR not in caplog.text
    # The same picture is given again when it is needed again: nobody said that it is known.
    await sender.push(told(9, measured(8)))
    await until(lambda: sender.fetches == 2)
    await quiet()
    assert "if-none-match" not in sender.origin.requests[1].lower()


async def test_gaps_while_it_is_asked_lead_to_one_more(sender: Sender) -> None:
    sender.origin.answers.clear()
    await sender.push(told(5, measured(1)))
    await until(lambda: sender.fetches == 1)
    for number in (7, 9, 11):
        await sender.push(told(number, measured(1)))
    assert sender.fetches == 1
    sender.origin.answers.set()
    await until(lambda: sender.fetches == 2)
    await quiet()
    assert sender.fetches == 2


async def test_a_server_that_fails_is_asked_again_and_the_source_is_told_to_fail(
    sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    sender.origin.status = "500 Internal Server Error"
    await sender.push(told(5, measured(1)))
    await until(lambda: sender.fetches >= 2)
    await sender.push(told(6, measured(2)))
    assert sender.health.failing_since is not None
    assert sender.health.last_error == "answered 500"
    sender.origin.body = orjson.dumps(bundle(measured(7), type="searchset"))
    sender.origin.status = "200 OK"
    await until(sender.shows(7))
    await quiet()
    assert sender.health.failing_since is None
    mine = [record.levelname for record in caplog.records if record.name == "feeds.health"]
    assert mine == ["ERROR", "WARNING"]


async def test_a_subscription_that_does_not_work_is_told_once_until_it_does(
    sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    await sender.push(told(1, measured(1)))
    for status in ("error", "off"):
        await sender.push(notification("heartbeat", 1, status=status))
        await sender.push(orjson.dumps(measured(2)))
        assert sender.health.last_error == f"its subscription {HOOK} has the status {status}"
    assert sender.health.failing_since is not None
    await sender.push(notification("heartbeat", 1))
    assert sender.health.failing_since is None
    mine = [record.levelname for record in caplog.records if record.name == "feeds.health"]
    assert mine == ["ERROR", "WARNING"]
    assert sender.fetches == 0


async def test_while_the_store_is_away_the_picture_is_kept_and_handed_over_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resync, "GATHER", timedelta(milliseconds=50))
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    try:
        async with sending(tmp_path, store.url) as sender:
            sender.origin.answers.clear()
            await sender.push(told(1, measured(1)))
            await sender.push(told(4, measured(2)))
            await until(lambda: sender.fetches == 1)
            sender.origin.body = orjson.dumps(bundle(measured(7), type="searchset"))
            await asyncio.to_thread(store.stop)
            sender.origin.answers.set()
            await until(lambda: "the store is away" in (sender.health.last_error or ""))
            await asyncio.to_thread(store.start)
            await until(sender.shows(7))
            await quiet()
            assert sender.fetches == 1
            assert sender.health.failing_since is None
    finally:
        await asyncio.to_thread(store.stop)


async def test_a_gap_found_while_a_picture_is_kept_is_not_answered_by_that_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resync, "GATHER", timedelta(milliseconds=50))
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    board = Board(store.url)
    intake = Intake(board, CATALOGUE, utc_now)
    watch = Resync(intake, utc_now, 100_000)
    try:
        await board.start()
        async with answering() as origin:
            (source,) = load_sources([declared(tmp_path, origin)], CATALOGUE).values()
            await asyncio.to_thread(store.stop)
            await watch.taken(source, told(4))
            await until(lambda: "the store is away" in (intake.health.of("ehr").last_error or ""))
            await watch.taken(source, told(8))
            await asyncio.to_thread(store.start)
            await quiet()
            assert len(origin.requests) == 2
            assert intake.health.of("ehr").counts["accepted"] == 1
    finally:
        await watch.stop()
        await board.stop()
        await asyncio.to_thread(store.stop)


async def test_the_service_stops_in_the_middle_of_asking(sender: Sender) -> None:
    """The fixture's end would hang or complain; the origin answers only after it."""
    sender.origin.answers.clear()
    await sender.push(told(5, measured(1)))
    await until(lambda: sender.fetches == 1)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"format": '"json"'}, "pushes fhir"),
        ({"transport": '"poll"', "url": '"http://127.0.0.1/x"'}, "pushes fhir"),
        ({"resync_url": '"ftp://127.0.0.1/x"'}, "no http or https"),
    ],
)
def test_a_wrong_place_to_ask_is_refused_at_start(
    tmp_path: Path, keys: dict[str, str], reason: str
) -> None:
    good = {"format": '"fhir"', "resync_url": '"https://ehr.example/fhir/Location"'}
    assert one_source(tmp_path, **good).resync_url == "https://ehr.example/fhir/Location"
    with pytest.raises(ConfigError, match=reason):
        one_source(tmp_path, **good | keys)
