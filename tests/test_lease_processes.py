"""Two processes that may run the feeds: one does, whatever becomes of the other.

Real processes over a real store, with a lease of two seconds. Answers the hazards of figures that
stand still because their runner died, and of old figures applied by one that was thought dead.
"""

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from capacity.board import Board, Leases
from tests.support.board_model import all_changes, all_late, assert_contiguous, opened, until
from tests.support.runner_process import RunnerProcess
from tests.support.stores import StoreServer

LEASE = 5.0
"""Seconds. A holder loses it when its machine stands still for that long, and that is right."""
CLUSTER = "randers"
KEPT_BACK = 77
POLLED, DROPPED = "favrskov-akutplads", "norddjurs-akutplads"


class Source:
    """A polled address. `occupied` is what it tells; the next answer can be kept back."""

    def __init__(self) -> None:
        self.occupied = 0
        self.asked = 0
        self.port = 0
        self._let_go = threading.Event()
        self._let_go.set()
        self.waiting = threading.Event()

    def keep_back(self) -> None:
        """Answer the next question only when told to."""
        self.waiting.clear()
        self._let_go.clear()

    def answer(self) -> None:
        """Let the answer that is kept back go out."""
        self._let_go.set()

    def document(self) -> bytes:
        """What the source says now; each document is observed later than the one before."""
        self.asked += 1
        if not self._let_go.is_set() and not self.waiting.is_set():
            # What is kept back would be the newest of all, were it ever applied.
            document = _document(POLLED, KEPT_BACK, ahead=20)
            self.waiting.set()
            self._let_go.wait(60)
            return document
        return _document(POLLED, self.occupied)


def _document(unit: str, occupied: int, ahead: float = 0) -> bytes:
    at = datetime.now(UTC) + timedelta(seconds=ahead)
    report = {"unit": unit, "observed_at": at.isoformat(), "total": 90, "occupied": occupied}
    return orjson.dumps([report])


@contextmanager
def answering() -> Iterator[Source]:
    source = Source()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = source.document()
            try:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # who asked is gone

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        source.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield source
        finally:
            source.answer()
            server.shutdown()
            thread.join()


class Scene:
    """A store, a source, and processes that may run its feeds."""

    def __init__(self, folder: Path, store: StoreServer, source: Source, board: Board) -> None:
        self.store, self.source, self.board = store, source, board
        self._folder = folder
        self._leases = Leases(store.url, "looking on")
        self.processes: list[RunnerProcess] = []
        self._sources = folder / "sources.toml"
        self.ask_every(2, timeout=1)

    def ask_every(self, seconds: int, *, timeout: int) -> None:
        """How often a source is asked; the first time is at once."""
        block = '[[source]]\nid = "{}"\ncluster = "randers"\nformat = "json"\nattribution = "t"\n'
        self._sources.write_text(
            block.format("polled")
            + f'transport = "poll"\nunits = ["{POLLED}"]\nurl = "http://127.0.0.1:{self.source.port}/"\n'
            + f'every = "{seconds} s"\ntimeout = "{timeout} s"\n'
            + block.format("dropped")
            + f'transport = "folder"\nunits = ["{DROPPED}"]\nfolder = "d"\npattern = "*.json"\n'
        )

    async def holds_an_answer(self, process: RunnerProcess) -> None:
        """Wait until a process has asked the source, which keeps the answer back."""
        await self.is_held_by(process)
        assert await asyncio.to_thread(self.source.waiting.wait, 30)

    def begin(self, name: str, *, hears: bool = True) -> RunnerProcess:
        process = RunnerProcess(
            self.store.url, self._sources, self._folder, name, LEASE, hears=hears
        )
        self.processes.append(process)
        return process

    def drop(self, name: str, occupied: int) -> None:
        """Hand a file over, by renaming."""
        folder = self._folder / "inbox" / "d"
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{name}.tmp"
        draft.write_bytes(_document(DROPPED, occupied))
        draft.rename(folder / name)

    async def holder(self) -> str:
        return (await self._leases.holders([CLUSTER]))[CLUSTER].name

    async def is_held_by(self, process: RunnerProcess, within: float = 30) -> float:
        """Wait until a process runs the feeds; returns the seconds that took."""
        began = time.monotonic()

        async def held() -> bool:
            return await self.holder() == process.name

        await until(held, within)
        return time.monotonic() - began

    async def shows(self, unit: str, occupied: int, within: float = 30) -> None:
        """Wait until the board shows a count."""

        async def shown() -> bool:
            return (await self.row(unit)).get("occupied") == occupied

        await until(shown, within)

    async def row(self, unit: str) -> dict[str, Any]:
        rows = {row.unit: row.row for row in (await self.board.snapshot(CLUSTER)).rows}
        row: dict[str, Any] = orjson.loads(rows.get(unit, b"{}"))
        return row

    async def end(self) -> None:
        for process in self.processes:
            process.end()
        await self._leases.stop()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    store = StoreServer(tmp_path / "store")
    store.start()
    try:
        with answering() as source:
            async with opened(store.url) as board:
                scene = Scene(tmp_path, store, source, board)
                try:
                    yield scene
                finally:
                    await scene.end()
    finally:
        store.close()


async def said(process: RunnerProcess, words: str, within: float = 30) -> None:
    await until(lambda: words in process.log, within)


async def test_a_killed_holder_is_replaced_within_the_lease(scene: Scene) -> None:
    first = scene.begin("first")
    await scene.is_held_by(first)
    second = scene.begin("second")
    await said(second, "stands by: the feeds of randers are run by first")
    scene.source.occupied = 1
    scene.drop("1.json", 1)
    await scene.shows(POLLED, 1)
    await scene.shows(DROPPED, 1)
    assert "GET http" not in second.log  # who stands by asks no source
    first.signal(signal.SIGKILL)
    scene.source.occupied = 2
    scene.drop("2.json", 2)
    await scene.is_held_by(second)
    await scene.shows(POLLED, 2)
    await scene.shows(DROPPED, 2)
    assert "(fence 2)" in second.log
    assert_contiguous(await all_changes(scene.board, CLUSTER))
    assert not await all_late(scene.board, CLUSTER)


async def test_an_orderly_stop_hands_over_at_once_and_ends_what_was_begun(scene: Scene) -> None:
    scene.ask_every(20, timeout=19)
    scene.source.keep_back()
    first = scene.begin("first")
    await scene.holds_an_answer(first)
    second = scene.begin("second")
    scene.source.occupied = 3
    first.signal(signal.SIGTERM)
    scene.source.answer()  # the lease is first's until what it had begun is done
    await scene.shows(POLLED, KEPT_BACK)
    await scene.is_held_by(second)
    assert await asyncio.to_thread(first.process.wait, 60) == 0
    assert "ended in order" in first.log
    for log in (first.log, second.log):
        assert "ERROR" not in log
        assert "Traceback" not in log


@pytest.mark.parametrize("hears", [True, False], ids=["renews", "never hears that it lost it"])
async def test_a_stopped_holder_that_goes_on_after_its_lease_applies_nothing(
    scene: Scene, hears: bool
) -> None:
    scene.ask_every(20, timeout=19)
    scene.source.keep_back()
    first = scene.begin("first", hears=hears)
    await scene.holds_an_answer(first)
    first.signal(signal.SIGSTOP)
    scene.source.answer()  # which now waits for it, and is the newest of all
    second = scene.begin("second")
    scene.source.occupied = 5
    scene.drop("a.json", 5)
    await scene.is_held_by(second)
    await scene.shows(POLLED, 5)
    await scene.shows(DROPPED, 5)
    before = await all_changes(scene.board, CLUSTER)
    first.signal(signal.SIGCONT)
    await said(first, "were taken over by second" if hears else "refused by the fence")
    scene.drop("b.json", 6)
    await scene.shows(DROPPED, 6)
    changes = await all_changes(scene.board, CLUSTER)
    assert changes[: len(before)] == before
    assert KEPT_BACK not in [orjson.loads(change.row)["occupied"] for change in changes]
    assert await scene.holder() == "second"
    assert first.log.count("refused by the fence") <= 1
    assert "Traceback" not in first.log
    if hears:  # then it stands by again
        second.signal(signal.SIGTERM)
        await scene.is_held_by(first)
        scene.drop("c.json", 7)
        await scene.shows(DROPPED, 7)


async def test_the_holder_goes_on_when_the_store_was_away_and_keeps_what_it_had(
    scene: Scene,
) -> None:
    first = scene.begin("first")
    await scene.is_held_by(first)
    await scene.shows(POLLED, 0)
    scene.source.occupied = 8
    await asyncio.to_thread(scene.store.kill)
    scene.drop("away.json", 8)
    await said(first, "the feeds of randers pause")
    asked = scene.source.asked
    await asyncio.sleep(LEASE)
    assert scene.source.asked == asked  # without a lease no source is asked
    await asyncio.to_thread(scene.store.start)
    await scene.shows(POLLED, 8)
    await scene.shows(DROPPED, 8)
    await said(first, "go on: nobody else had taken them")
    assert "(fence 2)" not in first.log
    assert "Traceback" not in first.log
