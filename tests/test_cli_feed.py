"""``akutoverblik feed`` as an operator and an integrator use it, by the console script's `main`."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import orjson
import pytest
from redis import Redis

from capacity.board import Board, EmbeddedServer
from capacity.board.embedded import running_url
from capacity.board.feed_figures import FeedFigures
from capacity.board.quarantine import Quarantine, State, document_of
from capacity.instants import format_instant, utc_now
from capacity.model import Reject
from feeds.health import SharedHealth
from feeds.intake import Intake
from feeds.sources import load_sources
from tests.support.feeding import CATALOGUE
from web.cli import main

SOURCES = """
[[source]]
id = "favrskov"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads"]

[[source]]
id = "norddjurs"
cluster = "randers"
format = "csv"
transport = "folder"
attribution = "test"
pattern = "*.csv"
timezone = "Europe/Copenhagen"
units = { "N1" = "norddjurs-akutplads" }

[[source]]
id = "syddjurs"
cluster = "randers"
format = "json"
transport = "poll"
attribution = "test"
url = "${SYDDJURS_URL}/now.json"
units = ["syddjurs-akutplads"]

[[source]]
id = "ward"
cluster = "randers"
format = "hl7v2"
transport = "push"
attribution = "test"
units = { "AKM" = "rhr-akutafdeling" }
"""
CSV = "unit;observed_at;total;occupied\nN1;{now};2;1\nXX;{now};2;1\n"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing of it."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Installation:
    """A data folder, a store, and the console script over both."""

    def __init__(
        self, folder: Path, url: str, outside: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._capsys = capsys
        self.data = folder / "data"
        self.outside = folder / "outside"
        self.inbox = self.data / "inbox" / "norddjurs"
        self.inbox.mkdir(parents=True)
        self.outside.mkdir()
        self.sources = folder / "sources.toml"
        self.sources.write_text(SOURCES, encoding="utf-8")
        self.url = url
        self.environment = {
            "AKUTOVERBLIK_DATA": str(self.data),
            "AKUTOVERBLIK_REDIS_URL": url,
            "AKUTOVERBLIK_SOURCES": json.dumps([str(self.sources)]),
            "SYDDJURS_URL": outside,
        }

    def run(self, *arguments: str | Path, **environment: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error; an empty value unsets a variable."""
        self._capsys.readouterr()
        with mock.patch.dict(os.environ, self._wanted(environment), clear=True):
            code = main(["feed", *map(str, arguments)])
        out, err = self._capsys.readouterr()
        return code, out, err

    def run_process(self, *arguments: str | Path, **environment: str) -> tuple[int, str, str]:
        """The same, as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "web.cli", "feed", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=self._wanted(environment),
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    def _wanted(self, more: dict[str, str]) -> dict[str, str]:
        wanted = {**os.environ, **self.environment, **more}
        return {name: value for name, value in wanted.items() if value}

    def take(self, *documents: bytes) -> None:
        """Take documents in as the service does, as favrskov's."""

        async def work(intake: Intake, _quarantine: Quarantine) -> None:
            sources = load_sources([self.sources], CATALOGUE, {"SYDDJURS_URL": "http://x"})
            for document in documents:
                await intake.take(sources["favrskov"], document)

        self.with_intake(work)

    def with_intake(self, work: Callable[[Intake, Quarantine], Awaitable[None]]) -> None:
        """Do something with an intake and a quarantine over the store."""

        async def run() -> None:
            board, quarantine = Board(self.url), Quarantine(self.url)
            await board.start()
            try:
                await work(Intake(board, CATALOGUE, utc_now, quarantine), quarantine)
            finally:
                await board.stop()
                await quarantine.stop()

        asyncio.run(run())

    def ids(self, *, closed: bool = False) -> list[str]:
        """What the listing names."""
        code, out, _ = self.run("quarantine", "favrskov", *(["--closed"] if closed else []))
        assert code == 0
        return [line.split()[0] for line in out.splitlines()[1:]]


def dumped(url: str) -> dict[bytes, Any]:
    """Every key of the store and what it holds."""
    with Redis.from_url(url) as client:
        return {key: client.dump(key) for key in client.keys("*")}


@pytest.fixture
def installation(
    valkey_server: EmbeddedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Installation]:
    with Redis.from_url(valkey_server.url) as client:
        client.flushall()
    handler = partial(Quiet, directory=str(tmp_path / "outside"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        outside = f"http://127.0.0.1:{server.server_address[1]}"
        yield Installation(tmp_path, valkey_server.url, outside, capsys)
        server.shutdown()
        thread.join()


def report(unit: str = "favrskov-akutplads", **fields: object) -> dict[str, object]:
    return {"unit": unit, "observed_at": format_instant(utc_now()), "total": 2} | fields


def document(*reports: object) -> bytes:
    return orjson.dumps({"reports": reports})


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_watched_folder_is_tried_out_and_left_as_it_was(installation: Installation) -> None:
    older, newest = installation.inbox / "2.csv", installation.inbox / "1.csv"
    older.write_text("nonsense", encoding="utf-8")
    newest.write_text(CSV.format(now=format_instant(utc_now())), encoding="utf-8")
    (installation.inbox / "3.csv.tmp").write_text("half", encoding="utf-8")
    os.utime(older, (1, 1))
    before, stored = everything_in(installation.data), dumped(installation.url)
    code, out, err = installation.run("test", "norddjurs")
    assert code == 1
    (row,) = [json.loads(line) for line in out.splitlines()]
    assert (row["unit"], row["free"], row["source"]) == ("norddjurs-akutplads", 1, "norddjurs")
    told = err.splitlines()
    assert told[0].endswith("1.csv")
    assert json.loads(told[1])["field"] == "unit"
    assert told[2].startswith("1 rows, 1 rejects, data age ")
    assert told[2].endswith("nothing was written")
    assert everything_in(installation.data) == before
    assert dumped(installation.url) == stored
    # What was taken in already does for a test, too.
    (installation.inbox / "done").mkdir()
    newest.rename(installation.inbox / "done" / "1.csv")
    older.unlink()
    code, _, err = installation.run("test", "norddjurs")
    assert code == 1
    assert "done/1.csv" in err


def test_a_poll_is_asked_once(installation: Installation) -> None:
    code, _, err = installation.run("test", "syddjurs")
    assert code == 2
    assert "answered 404" in err
    path = installation.outside / "now.json"
    made = time.monotonic()
    path.write_bytes(document(report("syddjurs-akutplads")))
    stored = dumped(installation.url)
    code, out, err = installation.run("test", "syddjurs")
    assert code == 0
    assert json.loads(out)["unit"] == "syddjurs-akutplads"
    told = re.search(r"data age (\d+) s", err)
    assert told is not None
    assert int(told[1]) <= time.monotonic() - made + 1
    assert dumped(installation.url) == stored
    code, _, err = installation.run("test", "syddjurs", SYDDJURS_URL="http://127.0.0.1:1")
    assert code == 2
    assert "ConnectError" in err


def test_a_file_is_read_in_place_of_asking_and_needs_no_store(
    installation: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(document(report(observed_at="2026-03-02T08:15:00+01:00")))
    without = {"AKUTOVERBLIK_REDIS_URL": ""}
    code, out, err = installation.run("test", "favrskov", path, **without)
    assert code == 0
    assert json.loads(out)["observed_at"] == "2026-03-02T07:15:00Z"
    assert " d " in err.splitlines()[-1]
    path.write_text("{", encoding="utf-8")
    code, out, err = installation.run("test", "favrskov", path, **without)
    assert (code, out) == (2, "")
    assert json.loads(err.splitlines()[1])["where"] == "document"
    for words, reason in (
        (["favrskov"], "name a file"),
        (["favrskov", tmp_path / "missing"], "No such file"),
        (["norddjurs"], "no file of norddjurs"),
        (["nowhere"], "declared are favrskov, norddjurs, syddjurs, ward"),
    ):
        code, _, err = installation.run("test", *words, **without)
        assert code == 2
        assert reason in err


def test_movements_are_told_as_such(installation: Installation, tmp_path: Path) -> None:
    path = tmp_path / "adt.hl7"
    path.write_bytes(
        b"MSH|^~\\&|PAS|RHR|||20260302081500+0100||ADT^A01|M1|P|2.5\r"
        b"EVN|A01|20260302081500+0100\rPV1|1|I|AKM\r"
    )
    code, out, err = installation.run("test", "ward", path)
    assert code == 0
    assert json.loads(out) == {
        "unit": "rhr-akutafdeling", "observed_at": "2026-03-02T07:15:00Z", "change": 1,
    }  # fmt: skip
    assert "1 rows, 0 rejects" in err
    code, _, err = installation.run(
        "test", "ward", path, AKUTOVERBLIK_MAX_DOCUMENT_BYTES=str(path.stat().st_size - 1)
    )
    assert code == 2
    assert "AKUTOVERBLIK_MAX_DOCUMENT_BYTES" in err


def test_the_demo_that_runs_here_is_found(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nothing = dict.fromkeys(installation.environment, "")
    code, _, err = installation.run("list", **nothing)
    assert code == 2
    assert "no store runs on .akutoverblik" in err
    store = EmbeddedServer(Path(".demo/valkey"))
    store.start()
    try:
        code, _, err = installation.run("list", **nothing)
        assert code == 2
        assert "no sources are declared" in err
        Path(".demo/simulators.url").write_text("http://127.0.0.1:1\n", encoding="utf-8")
        code, out, _ = installation.run("list", **nothing)
        assert code == 0
        assert "randers-omsorg" in out
        assert installation.run("test", "rhr-status", **nothing)[0] == 2
    finally:
        store.stop()


def test_the_list_tells_how_each_source_is_doing(installation: Installation) -> None:
    installation.take(document(report(), report("nowhere")))
    code, out, _ = installation.run("list")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert list(lines) == ["SOURCE", "favrskov", "norddjurs", "syddjurs", "ward"]
    assert "1 open" in lines["favrskov"]
    assert "waiting" in lines["norddjurs"]

    async def fail(intake: Intake, quarantine: Quarantine) -> None:
        shared = SharedHealth(intake.health, FeedFigures(installation.url), {}, utc_now)
        intake.health.of("norddjurs").failed(utc_now(), "no answer")
        await shared.stop()
        rejects = [Reject(f"line {n}", "total", "is negative") for n in range(201)]
        document = document_of("syddjurs", b"x", rejects, carries_patients=False)
        await quarantine.put("syddjurs", rejects, document, utc_now())

    installation.with_intake(fail)
    code, out, _ = installation.run("list")
    assert code == 1
    assert "failing" in out
    assert "200 open, 1 dropped" in out
    _, _, err = installation.run("quarantine")
    assert "syddjurs: 1 entries dropped and 0 raw documents let go" in err


def test_entries_are_listed_shown_and_dismissed_once(installation: Installation) -> None:
    raw = document(report("nowhere"), report(total=-1))
    installation.take(raw)
    ids = installation.ids()
    assert len(ids) == 2
    code, out, _ = installation.run("show", ids[0])
    assert code == 0
    shown = json.loads(out)
    assert (shown["id"], shown["source"], shown["count"]) == (ids[0], "favrskov", 1)
    assert shown["raw_is_kept"] is True
    code, out, _ = installation.run("show", ids[0], "--raw")
    assert (code, out.encode()) == (0, raw)
    assert installation.run("dismiss", ids[0], "--by", "driftsvagt")[:2] == (0, "1 dismissed\n")
    assert installation.run("dismiss", ids[0], "--by", "driftsvagt")[:2] == (0, "0 dismissed\n")
    assert installation.ids() == ids[1:]
    code, out, _ = installation.run("quarantine", "--closed")
    assert "dismissed by driftsvagt" in out
    for words in (["show", "favrskov.0"], ["dismiss", "favrskov.0"], ["replay", "favrskov.0"]):
        code, _, err = installation.run(*words)
        assert code == 1
        assert "nothing in quarantine is called favrskov.0" in err
    code, _, err = installation.run("dismiss", ids[1], "--by", "010170-1234")
    assert code == 2
    assert "010170" not in err
    assert installation.ids() == ids[1:]


def test_what_a_corrected_source_reads_is_replayed(installation: Installation) -> None:
    installation.take(document(report("FAV-1")), document(report(total=-1)))
    assert len(installation.ids()) == 2
    code, out, _ = installation.run("replay", *installation.ids())
    assert (code, out) == (1, "0 closed, 2 still occur, 0 without a text to read again\n")
    corrected = SOURCES.replace('["favrskov-akutplads"]', '{ "FAV-1" = "favrskov-akutplads" }', 1)
    installation.sources.write_text(corrected, encoding="utf-8")
    code, out, _ = installation.run("replay", "--source", "favrskov", "--by", "driftsvagt")
    assert (code, out) == (1, "1 closed, 1 still occur, 0 without a text to read again\n")
    code, out, _ = installation.run("quarantine", "favrskov", "--closed")
    assert "replayed by driftsvagt" in out

    async def look(_intake: Intake, quarantine: Quarantine) -> None:
        (entry,) = await quarantine.entries("favrskov", closed=True)
        assert entry.state is State.REPLAYED

    installation.with_intake(look)
    assert installation.run("replay")[0] == 2


def test_a_text_that_is_not_kept_can_be_neither_shown_nor_replayed(
    installation: Installation,
) -> None:
    installation.take(document(report(note="ring om 010170-1234")))
    (entry_id,) = installation.ids()
    code, out, err = installation.run("show", entry_id, "--raw")
    assert (code, out) == (1, "")
    assert "is not kept (cpr)" in err
    code, out, _ = installation.run("replay", entry_id)
    assert (code, out) == (1, "0 closed, 0 still occur, 1 without a text to read again\n")


def test_a_running_embedded_store_is_found_by_its_data_folder(
    installation: Installation,
) -> None:
    without = {"AKUTOVERBLIK_REDIS_URL": ""}
    code, _, err = installation.run_process("list", **without)
    assert code == 2
    assert "no store runs on" in err
    folder = installation.data / "valkey"
    store = EmbeddedServer(folder)
    store.start()
    try:
        assert running_url(folder) == store.url
        assert installation.run_process("list", **without)[0] == 0
    finally:
        store.stop()
    assert running_url(folder) is None
    assert installation.run_process("list", **without)[0] == 2
    code, _, err = installation.run_process("list", AKUTOVERBLIK_REDIS_URL=store.url)
    assert code == 2
    assert "the store is away" in err


def test_a_wrong_sources_file_is_told_with_its_place(installation: Installation) -> None:
    installation.sources.write_text(SOURCES.replace("json", "telex", 1), encoding="utf-8")
    code, _, err = installation.run("list")
    assert code == 2
    assert "sources.toml:" in err
