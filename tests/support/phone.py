"""A unit's phone page for real: the whole application, which can be killed and started again on
the same port, a phone-sized Chromium, and somebody at the visitation who asks for places."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson
import uvicorn
from playwright.sync_api import Browser, Page, expect

from capacity.board import Board
from capacity.holds import By, HoldState
from capacity.instants import Clock, format_instant, utc_now
from capacity.settings import Settings
from tests.support.chromium import PHONE, Watched, opened
from web.app import create_app
from web.key_kinds import KeyKind
from web.services import Services, build_services

T = TypeVar("T")

PLACE, TEAM, ADVICE = "favrskov-akutplads", "favrskov-akutteam", "rhr-geriatri-raad"
SOURCE = "favrskov-omsorg"
ATTRIBUTION = "Favrskov Kommune, omsorgsjournal"
VISITATOR = By("visitator", "regionshospitalet-randers", "demo")
COLLEAGUE = By("municipal_staff", "favrskov-kommune", "n-2")
LIVE = '[data-link="live"]'
LOST = '[data-link="lost"]'

_DEAF = "async () => (await import('/static/js/unit/guard.js')).isDeaf()"

_SOURCES = f"""
[[source]]
id = "{SOURCE}"
cluster = "randers"
format = "json"
transport = "push"
attribution = "{ATTRIBUTION}"
units = ["{PLACE}", "{TEAM}", "{ADVICE}"]
"""


class PhoneService:
    """The application in a thread of its own, over one store and one folder."""

    def __init__(self, folder: Path, redis_url: str, clock: Clock = utc_now) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sources.toml").write_text(_SOURCES, encoding="utf-8")
        self._settings = Settings(
            data=folder, redis_url=redis_url, run_feeds=False, sources=[folder / "sources.toml"]
        )
        self._redis_url = redis_url
        self._clock = clock
        self._key: str | None = None
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.services: Services = build_services(self._settings, demo=True, clock=self._clock)
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(self.services),
                ws="web.live.protocol:BoardProtocol",
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=1,
                log_config=None,
                lifespan="on",
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True
        )
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server ended before it started"
            time.sleep(0.01)

    def stop(self) -> None:
        """Be gone: nothing answers on the port."""
        self._server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive(), "the server does not stop"
        self._listener.close()

    def feed(self, unit: str = PLACE, **fields: Any) -> None:
        """A report of the care record system, observed now unless told otherwise."""
        self._key = self._key or self.services.access.keys.make(KeyKind.SOURCE, SOURCE, utc_now())
        document = {"unit": unit, "observed_at": format_instant(self._clock())} | fields
        answer = httpx.post(
            f"{self.base}/api/v1/feeds/{SOURCE}",
            content=orjson.dumps(document),
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
            timeout=30,
        )
        assert answer.json()["accepted"] == 1, answer.text

    def row(self, unit: str = PLACE) -> dict[str, Any]:
        """The unit's row as the process tells it, once it has followed the board up to now."""
        written = self._with_board(lambda board: board.cursor("randers"))
        deadline = time.monotonic() + 30
        while True:
            known = self.services.hub.feed("randers").cursor
            if known.epoch == written.epoch and known.seq >= written.seq:
                break
            assert time.monotonic() < deadline, f"at {known}, not at {written}"
            time.sleep(0.01)
        answer = httpx.get(f"{self.base}/api/v1/units/{unit}", timeout=30)
        row: dict[str, Any] = answer.json()["row"]
        return row

    def ask(self, unit: str = PLACE, need: dict[str, object] | None = None) -> str:
        """The visitation asks for a place; the id of its hold."""
        asked = self._with_board(
            lambda board: board.ask_hold(
                "randers", unit, timedelta(minutes=30), VISITATOR, need=need
            )
        )
        assert asked.hold is not None, asked
        return str(asked.hold["id"])

    def move(self, hold: str, to: HoldState, by: By = VISITATOR) -> None:
        """Somebody else turns a hold to another state."""
        self._with_board(lambda board: board.move_hold("randers", hold, to, by))

    def hold(self, hold: str, unit: str = PLACE) -> dict[str, Any]:
        """A hold as the unit's row shows it."""
        return next(each for each in self.row(unit)["holds"] if each["id"] == hold)

    def changes(self, unit: str = PLACE) -> list[dict[str, Any]]:
        """Every row of the unit that the stream has, oldest first."""
        found = self._with_board(lambda board: board.changes_after("randers", "0-0", 1000))
        return [orjson.loads(change.row) for change in found if change.unit == unit and change.row]

    def _with_board(self, ask: Callable[[Board], Awaitable[T]]) -> T:
        async def once() -> T:
            board = Board(self._redis_url)
            try:
                await board.start()
                return await ask(board)
            finally:
                await board.stop()

        with ThreadPoolExecutor(1) as elsewhere:  # the browser's driver has a loop in this thread
            return elsewhere.submit(asyncio.run, once()).result()


@contextlib.contextmanager
def phone_service(folder: Path, redis_url: str, clock: Clock = utc_now) -> Iterator[PhoneService]:
    """A running service; stopped afterwards if it runs then."""
    service = PhoneService(folder, redis_url, clock)
    service.start()
    try:
        yield service
    finally:
        if service._thread.is_alive():
            service.stop()


@contextlib.contextmanager
def phone(browser: Browser, size: tuple[int, int] = PHONE, **options: Any) -> Iterator[Watched]:
    """A phone: touch, and a small screen."""
    with opened(browser, size, has_touch=True, is_mobile=True, **options) as watched:
        yield watched


def go(page: Page, service: PhoneService, unit: str = PLACE, query: str = "") -> None:
    """Open a unit's page and wait until it is live."""
    page.goto(f"{service.base}/unit/{unit}{query}")
    page.wait_for_selector(LIVE)


UNSENT = "Ikke sendt endnu"


def told(page: Page, text: str, *, unsent: bool = False) -> None:
    """Wait until the page says this of the last action, and no longer that it is not sent.

    `unsent`: it is kept by the page, and stays so for now.
    """
    status = page.locator("[data-status]")
    expect(status).to_contain_text(text)
    if not unsent and UNSENT not in text:
        expect(status).not_to_contain_text(UNSENT)


def rest(page: Page) -> None:
    """Wait until buttons hear again: they are deaf after one was pressed, or something moved."""
    deadline = time.monotonic() + 30
    while page.evaluate(_DEAF):
        assert time.monotonic() < deadline, "buttons stay deaf"
        page.wait_for_timeout(50)


def tap(page: Page, selector: str) -> None:
    """Touch something once it is there and hears."""
    page.locator(selector).wait_for()
    rest(page)
    page.locator(selector).tap()


def when(text: str) -> datetime:
    """An instant of a row."""
    return datetime.fromisoformat(text)
