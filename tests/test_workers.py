"""Several processes of one installation: whatever one of them takes in, all of them know.

Two services on the same stores with nothing in front, and a client that asks now this one, now
that one, as behind a proxy that keeps nobody to one machine; and several workers on one port.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import httpx
import orjson
import pytest

from capacity.board import Board, EmbeddedServer, Leases
from capacity.history import History
from capacity.instants import utc_now
from capacity.people import NewAccount, People
from tests.support.board_model import opened, until
from tests.support.demo_process import descendants
from tests.support.live import (
    CLUSTER,
    SOURCE,
    UNIT,
    assert_board_equals_fresh_snapshot,
    mirror,
    source_file,
)
from tests.support.people import PASSWORD, csrf_in
from tests.support.serving import Serving
from tests.support.stopwatch import stopwatch
from tests.support.stores import StoreServer
from web.auth import passwords
from web.auth.watch import SESSION_ENDED
from web.key_kinds import KeyKind
from web.keys import KeyRing
from web.secret import Comparing, digest_of, installation_secret

SECRET = "the same words on every machine, and nowhere else"


class Pair:
    """Two services, which share their stores and their keys and no folder."""

    def __init__(self, folder: Path, store: StoreServer) -> None:
        self.store = store
        self.keys = KeyRing(folder / "keys.toml")
        self.sql_url = f"sqlite:///{folder / 'history.sqlite'}"
        shared = {
            "redis_url": store.url,
            "sql_url": self.sql_url,
            "keys": str(folder / "keys.toml"),
            "sources": [str(source_file(folder))],
            "secret": SECRET,
        }
        self.key = self.keys.make(KeyKind.SOURCE, SOURCE, utc_now())
        self.reader = self.keys.make(KeyKind.BOARD, CLUSTER, utc_now())
        self.one = Serving(folder / "one", **shared)
        self.two = Serving(folder / "two", **shared)

    def live(self, service: Serving) -> str:
        """The address of the live channel at one of them."""
        return f"{service.base.replace('http', 'ws', 1)}/api/v1/live/{CLUSTER}"

    async def push(self, client: httpx.AsyncClient, service: Serving, occupied: int) -> None:
        at = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        report = {"unit": UNIT, "observed_at": at, "total": 90, "occupied": occupied}
        answer = await client.post(
            f"{service.base}/api/v1/feeds/{SOURCE}",
            content=orjson.dumps(report),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] == 1, answer.text

    async def nurse(self) -> str:
        """Make an account for a nurse of the unit; returns its login."""
        history = History(self.sql_url)
        await history.start()
        try:
            people = People(history, utc_now)
            wanted = NewAccount(
                role="municipal_staff", login="nurse", organisation="favrskov-kommune"
            )
            _, token = await people.create(wanted)
            assert await people.redeem_setup(token, await passwords.hashed(PASSWORD))
        finally:
            await history.stop()
        return "nurse"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    store = StoreServer(folder / "store")
    store.start()
    pair = Pair(folder, store)
    try:
        pair.one.wait_until_ready()
        pair.two.wait_until_ready()
        yield pair
    finally:
        pair.one.end()
        pair.two.end()
        store.close()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A browser, more or less: its cookies go to both services, which share their host."""
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


async def test_a_report_to_either_is_on_the_boards_of_both(
    pair: Pair, client: httpx.AsyncClient
) -> None:
    headers = {"Authorization": f"Bearer {pair.reader}"}
    async with (
        opened(pair.store.url, start=False) as board,
        mirror(pair.live(pair.one), additional_headers=headers) as at_one,
        mirror(pair.live(pair.two), additional_headers=headers) as at_two,
    ):
        for occupied, service in zip(range(10, 16), cycle((pair.one, pair.two))):
            await pair.push(client, service, occupied)
        await assert_board_equals_fresh_snapshot(board, at_one, at_two)
        asked = [
            (await client.get(f"{service.base}/api/v1/board/{CLUSTER}", headers=headers)).json()
            for service in (pair.one, pair.two)
        ]
        assert asked[0]["rows"] == asked[1]["rows"]
        assert asked[0]["cursor"] == asked[1]["cursor"]
        cursor = asked[0]["cursor"]
        await pair.push(client, pair.two, 16)
        # A cursor of one is good at the other: what came since, and no snapshot.
        async with mirror(pair.live(pair.one), since=cursor, additional_headers=headers) as later:
            await until(lambda: bool(later.of_type("rows")))
            assert not later.of_type("snapshot")


async def test_signed_in_at_one_means_signed_in_at_the_other(
    pair: Pair, client: httpx.AsyncClient
) -> None:
    one, two = pair.one.base, pair.two.base
    login = await pair.nurse()
    form = (await client.get(f"{one}/sign-in")).text
    data = {"login": login, "password": PASSWORD, "csrf": csrf_in(form)}
    answer = await client.post(f"{two}/sign-in", data=data)
    assert answer.status_code == 303, answer.text

    page = (await client.get(f"{one}/unit/{UNIT}")).text
    token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    headers = {"X-CSRF-Token": token, "Origin": two, "Idempotency-Key": "tap"}
    tapped = await client.post(
        f"{two}/api/v1/units/{UNIT}/report", json={"free": 3}, headers=headers
    )
    assert tapped.status_code == 200, tapped.text
    again = headers | {"Origin": one}  # the answer was lost, and the proxy chose the other
    repeated = await client.post(
        f"{one}/api/v1/units/{UNIT}/report", json={"free": 3}, headers=again
    )
    assert repeated.json()["row"]["observed_at"] == tapped.json()["row"]["observed_at"]

    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    async with mirror(pair.live(pair.two), additional_headers={"Cookie": cookie}) as board:
        await until(lambda: bool(board.of_type("snapshot")))
        form = (await client.get(f"{one}/sign-in")).text
        with stopwatch() as watch:
            await client.post(f"{one}/sign-out", data={"csrf": csrf_in(form)})
            closed = await board.until_closed()
        assert closed.rcvd is not None
        assert closed.rcvd.code == SESSION_ENDED
        assert watch.seconds < 5  # what docs/security.md promises


async def test_the_feeds_are_run_by_one_and_taken_over_at_once(pair: Pair) -> None:
    """The last of the pair: one of them ends."""
    leases = Leases(pair.store.url, "looking on")
    try:

        async def holder() -> str:
            return (await leases.holders([CLUSTER]))[CLUSTER].name

        async def somebody() -> bool:
            return bool(await holder())

        await until(somebody)
        both = {str(service.process.pid): service for service in (pair.one, pair.two)}
        service = both.pop((await holder()).rpartition(":")[2])
        ((other, _),) = both.items()
        assert await asyncio.to_thread(service.terminate) == 0

        async def taken() -> bool:
            return (await holder()).endswith(f":{other}")

        await until(taken)
    finally:
        await leases.stop()
    for each in (pair.one, pair.two):
        assert "differs" not in each.log
        assert "Traceback" not in each.log


@contextmanager
def workers(folder: Path, number: int) -> Iterator[Serving]:
    service = Serving(folder, "--workers", str(number), sources=[str(source_file(folder))])
    try:
        yield service
    finally:
        service.end()


def web_processes(service: Serving) -> list[int]:
    found = descendants(service.process.pid)
    return [pid for pid, command in found.items() if "--listen-on" in command]


async def test_workers_share_a_port_and_one_that_dies_is_started_again(
    tmp_path: Path, client: httpx.AsyncClient
) -> None:
    folder = tmp_path / "data"
    with workers(folder, 2) as service:
        await asyncio.to_thread(service.wait_until_ready)
        key = KeyRing(folder / "keys.toml").make(KeyKind.BOARD, CLUSTER, utc_now())
        headers = {"Authorization": f"Bearer {key}"}
        await until(lambda: service.log.count("ready: ") == 2)
        first, second = web_processes(service)
        boards = [
            httpx.AsyncClient(base_url=service.base, headers=headers, timeout=30) for _ in range(16)
        ]
        try:
            answers = await asyncio.gather(*(b.get(f"/api/v1/board/{CLUSTER}") for b in boards))
            assert {answer.status_code for answer in answers} == {200}
            assert len({orjson.dumps(answer.json()["rows"]) for answer in answers}) == 1
        finally:
            await asyncio.gather(*(board.aclose() for board in boards))
        os.kill(first, signal.SIGKILL)
        await until(lambda: second in web_processes(service) and len(web_processes(service)) == 2)
        await until(lambda: service.log.count("ready: ") == 3)
        # Nobody is refused, whichever of the two sockets the kernel gave them.
        for _ in range(8):
            async with httpx.AsyncClient(base_url=service.base, timeout=30) as fresh:
                assert (await fresh.get("/healthz")).status_code == 200
        assert await asyncio.to_thread(service.terminate) == 0
        assert not descendants(service.process.pid)
        assert "Traceback" not in service.log


def test_workers_that_cannot_start_end_the_service(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[source]]\nid = "a"\n', encoding="utf-8")
    store = {"redis_url": "redis://127.0.0.1:1", "sources": [str(wrong)]}
    service = Serving(tmp_path / "data", "--workers", "2", **store)
    try:
        assert service.process.wait(60) == 2
        assert "source[0].cluster: is missing" in service.log
    finally:
        service.end()


def test_the_secret_is_the_setting_s_or_made_once(tmp_path: Path) -> None:
    made = installation_secret(None, tmp_path / "a")
    assert len(made) == 32
    assert installation_secret(None, tmp_path / "a") == made
    assert installation_secret(None, tmp_path / "b") != made
    given = installation_secret(SECRET, tmp_path / "c")
    assert given == installation_secret(f"{SECRET}\n", tmp_path / "d")  # a file ends in a line end
    assert not (tmp_path / "c").exists()
    assert (tmp_path / "a" / "secret").stat().st_mode & 0o077 == 0
    assert made.hex() not in digest_of(made)


async def test_a_secret_that_differs_is_told_until_it_does_not(
    board: Board, valkey_server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    from capacity.board.agreed import Agreed

    name = "AKUTOVERBLIK_SECRET"

    def process(digest: str) -> Comparing:
        agreed = Agreed(valkey_server.url, keep=timedelta(seconds=1))
        return Comparing(agreed, {name: digest})

    one, same, other = process("a"), process("a"), process("b")
    try:
        for each in (one, same, other, other):
            await each.compare()
        assert not one.differing
        assert not same.differing
        assert other.differing == {name}
        assert caplog.text.count(f"{name} differs from that of another process") == 1

        async def the_others_are_gone() -> bool:
            await other.compare()
            return not other.differing

        await until(the_others_are_gone)
        assert f"{name} is the same in all processes again" in caplog.text
    finally:
        for each in (one, same, other):
            await each.stop()
