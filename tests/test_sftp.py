"""The SFTP folder against a real server: whole files once each, and only from the right server."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncssh
import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.config_file import ConfigError
from capacity.model import UnreadableError
from feeds.intake import Intake, Receipt
from feeds.sources import SSH_PORT, Source, load_sources
from feeds.transports.sftp import SftpFolder
from tests.support.feeding import CATALOGUE, HandClock, intake_over, one_source, report
from tests.support.sftp_server import PASSWORD, USER, SftpHost, new_key, public, sftp_host
from tests.support.sftp_server import silent_port as silent

MAX_BYTES = 10_000


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[SftpHost]:
    async with sftp_host(tmp_path / "remote") as host:
        yield host


def watch(board: Board, host: SftpHost, folder: Path, clock: HandClock, **keys: str) -> SftpFolder:
    source = one_source(folder, **host.block(folder, **keys))
    return SftpFolder(source, folder / "inbox", intake_over(board, clock), clock, MAX_BYTES)


def put(host: SftpHost, name: str, body: object, modified: int = 1_000_000) -> None:
    path = host.root / "out" / name
    path.write_bytes(body if isinstance(body, bytes) else orjson.dumps(body))
    os.utime(path, (modified, modified))


def at(minute: int, occupied: int) -> list[object]:
    return [report(occupied=occupied, observed_at=f"2026-11-22T11:{minute:02}:00Z")]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


async def occupied(board: Board) -> int:
    (row,) = (await board.snapshot("randers")).rows
    found: int = orjson.loads(row.row)["occupied"]
    return found


def last_error(remote: SftpFolder) -> str | None:
    return remote._intake.health.of("s").last_error


async def test_whole_files_are_taken_once_in_name_order(
    board: Board, host: SftpHost, tmp_path: Path
) -> None:
    remote = watch(board, host, tmp_path, HandClock())
    put(host, "2.json", at(2, 2))
    put(host, "1.json", at(1, 1))
    for unfinished in (".3.json", "3.json.tmp", "3.json.part", "notes.txt"):
        put(host, unfinished, b"half")
    (host.root / "out" / "folder.json").mkdir()
    (host.root / "out" / "link.json").symlink_to("notes.txt")
    assert await remote.once() == 2
    assert await occupied(board) == 2
    assert host.opened == ["1.json", "2.json"]
    assert await remote.once() == 0
    again = watch(board, host, tmp_path, HandClock())
    assert await again.once() == 0, "a restarted service remembers"
    assert host.opened == ["1.json", "2.json"]
    put(host, "1.json", at(3, 0), modified=1_000_001)
    assert await again.once() == 1
    assert await occupied(board) == 0
    assert last_error(again) is None
    assert host.connections == 0


async def test_names_are_remembered_as_digests_and_forgotten_with_their_files(
    board: Board, host: SftpHost, tmp_path: Path
) -> None:
    remote = watch(board, host, tmp_path, HandClock())
    put(host, "ud-010170-1234.json", at(1, 1))
    assert await remote.once() == 1
    state = tmp_path / "inbox" / "s" / "taken.json"
    assert "010170" not in state.read_text()
    (host.root / "out" / "ud-010170-1234.json").unlink()
    put(host, "next.json", at(2, 1))
    assert await remote.once() == 1
    assert len(json.loads(state.read_text())) == 1
    assert names(state.parent) == ["taken.json"]


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"a": 1}', '{"a": [1]}'])
async def test_a_lost_memory_costs_a_repetition_that_changes_nothing(
    board: Board, host: SftpHost, tmp_path: Path, damage: str
) -> None:
    put(host, "1.json", at(1, 1))
    assert await watch(board, host, tmp_path, HandClock()).once() == 1
    (tmp_path / "inbox" / "s" / "taken.json").write_text(damage)
    remote = watch(board, host, tmp_path, HandClock())
    assert await remote.once() == 1
    assert remote._intake.health.of("s").counts["unchanged"] == 1
    assert len(await board.changes_after("randers", "0-0")) == 1


async def test_bad_files_cost_themselves_only(
    board: Board, host: SftpHost, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    remote = watch(board, host, tmp_path, HandClock(), after='"move"')
    put(host, "1-broken-010170-1234.json", b"{")
    put(host, "2-large.json", b" " * (MAX_BYTES + 1))
    put(host, "3-locked.json", at(1, 2))
    put(host, "4-growing.json", at(2, 2))
    put(host, "5-good.json", at(0, 1))
    host.unreadable, host.growing = {"3-locked.json"}, {"4-growing.json"}
    assert await remote.once() == 3
    assert await occupied(board) == 1
    error = last_error(remote)
    assert error is not None
    assert "3-locked.json cannot be fetched: SFTPPermissionDenied" in error
    assert "010170" not in caplog.text
    assert names(host.root / "out") == ["3-locked.json", "4-growing.json"]
    assert names(host.root / "out/failed") == ["1-broken-010170-1234.json", "2-large.json"]
    assert names(host.root / "out/done") == ["5-good.json"]
    host.unreadable, host.growing = set(), set()
    assert await remote.once() == 2
    assert await occupied(board) == 2
    assert last_error(remote) is None


async def test_an_unreadable_file_keeps_the_source_failing_until_a_good_one_comes(
    board: Board, host: SftpHost, tmp_path: Path
) -> None:
    remote = watch(board, host, tmp_path, HandClock())
    put(host, "1.json", b"<html>fejl</html>")
    assert await remote.once() == 1
    assert await remote.once() == 0
    error = last_error(remote)
    assert error is not None
    assert "web page" in error
    put(host, "2.json", at(1, 1))
    assert await remote.once() == 1
    assert last_error(remote) is None


async def test_a_file_without_hand_over_is_left_until_it_has_settled(
    board: Board, host: SftpHost, tmp_path: Path
) -> None:
    clock = HandClock()
    remote = watch(board, host, tmp_path, clock, settle='"90 s"')
    put(host, "slow.json", b"[")
    assert await remote.once() == 0
    clock.move(seconds=60)
    put(host, "slow.json", at(1, 1), modified=1_000_060)
    assert await remote.once() == 0
    clock.move(seconds=89)
    assert await remote.once() == 0
    clock.move(seconds=1)
    assert await remote.once() == 1
    assert await occupied(board) == 1


async def test_a_trial_reads_the_newest_file_and_changes_nothing(
    board: Board, host: SftpHost, tmp_path: Path
) -> None:
    remote = watch(board, host, tmp_path, HandClock(), after='"delete"')
    assert await remote.newest() is None
    put(host, "2.json", at(1, 1), modified=1_000_000)
    put(host, "1.json", at(2, 2), modified=1_000_001)
    assert await remote.newest() == (orjson.dumps(at(2, 2)), "1.json")
    assert names(host.root / "out") == ["1.json", "2.json"]
    assert not (tmp_path / "inbox").exists()
    host.growing = {"1.json"}
    with pytest.raises(ConnectionError, match=r"1\.json changed"):
        await remote.newest()
    put(host, "1.json", b" " * (MAX_BYTES + 1), modified=1_000_002)
    with pytest.raises(UnreadableError, match="is over"):
        await remote.newest()
    await host.down()
    with pytest.raises(ConnectionError, match="Connect call failed"):
        await remote.newest()
    assert last_error(remote) is None


@pytest.mark.parametrize("after", ["move", "delete"])
async def test_files_are_put_away_as_far_as_their_owner_allows(
    board: Board, host: SftpHost, tmp_path: Path, after: str
) -> None:
    clock = HandClock()
    remote = watch(board, host, tmp_path, clock, after=f'"{after}"')
    put(host, "good.json", at(1, 1))
    put(host, "bad.json", b"{")
    host.frozen = True
    assert await remote.once() == 2
    assert "cannot be put away" in (last_error(remote) or "")
    assert await remote.once() == 0
    assert host.opened == ["bad.json", "good.json"], "taken once, although they are still there"
    host.frozen = False
    assert await remote.once() == 0
    assert names(host.root / "out") == []
    assert names(host.root / "out/failed") == ["bad.json"], "never deleted"
    put(host, "good.json", at(2, 0))
    put(host, "bad.json", b"{", modified=1_000_009)
    clock.move(seconds=1)
    assert await remote.once() == 2
    assert names(host.root / "out") == []
    assert names(host.root / "out/failed") == ["20261122T120001000000-bad.json", "bad.json"]
    if after == "move":
        kept = ["20261122T120001000000-good.json", "good.json"]
        assert names(host.root / "out/done") == kept


@pytest.mark.parametrize("after", ["delete", "move"])
async def test_a_file_of_the_same_name_that_came_meanwhile_is_not_put_away(
    board: Board, host: SftpHost, tmp_path: Path, after: str
) -> None:
    """As after a pause between the taking in of a file and the putting away of it."""

    class Paused(Intake):
        """While this process paused, another was done with the file, and the next has come."""

        async def take(self, source: Source, raw: bytes, request_id: str | None = None) -> Receipt:
            receipt = await super().take(source, raw, request_id)
            put(host, "1.json", at(2, 2), modified=1_000_001)
            return receipt

    clock = HandClock()
    source = one_source(tmp_path, **host.block(tmp_path, after=f'"{after}"'))
    intake = Paused(board, CATALOGUE, clock)
    paused = SftpFolder(source, tmp_path / "inbox", intake, clock, MAX_BYTES)
    put(host, "1.json", at(1, 1))
    assert await paused.once() == 1
    assert names(host.root / "out") == ["1.json"]
    assert await watch(board, host, tmp_path, clock, after=f'"{after}"').once() == 1
    assert await occupied(board) == 2
    assert names(host.root / "out") == []


async def test_another_host_key_is_never_accepted(
    board: Board, host: SftpHost, tmp_path: Path
) -> None:
    put(host, "1.json", at(1, 1))
    remote = watch(board, host, tmp_path, HandClock(), host_key=f'"{public(new_key())}"')
    for _ in range(2):
        assert await remote.once() == 0
        assert "host key is not the declared one" in (last_error(remote) or "")
    assert host.opened == []
    assert await watch(board, host, tmp_path, HandClock()).once() == 1


async def test_signing_in_by_password_and_being_refused(
    board: Board, host: SftpHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(host, "1.json", at(1, 1))
    block = host.block(tmp_path, password='"${THE_PASSWORD}"')
    del block["key_file"]
    monkeypatch.setenv("THE_PASSWORD", "wrong")
    clock = HandClock()
    wrong = SftpFolder(
        one_source(tmp_path, **block), tmp_path, intake_over(board, clock), clock, MAX_BYTES
    )
    assert await wrong.once() == 0
    assert "PermissionDenied" in (last_error(wrong) or "")
    monkeypatch.setenv("THE_PASSWORD", PASSWORD)
    source = one_source(tmp_path, **block)
    assert PASSWORD not in repr(source)
    right = SftpFolder(source, tmp_path, intake_over(board, clock), clock, MAX_BYTES)
    assert await right.once() == 1


async def test_a_server_that_says_nothing_is_given_up_in_time(
    board: Board, host: SftpHost, tmp_path: Path
) -> None:
    async with silent() as port:
        mute = watch(board, host, tmp_path, HandClock(), port=str(port), timeout='"1 s"')
        assert await mute.once() == 0
        assert "no answer within" in (last_error(mute) or "")
    put(host, "1.json", at(1, 1))
    remote = watch(board, host, tmp_path, HandClock(), timeout='"5 s"')
    host.answers.clear()
    assert await remote.once() == 0
    assert "no answer within" in (last_error(remote) or "")
    host.answers.set()
    assert await remote.once() == 1
    assert last_error(remote) is None


async def test_up_down_up_is_logged_once_each_way(
    board: Board, host: SftpHost, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "feeds.health")
    remote = watch(board, host, tmp_path, HandClock())
    assert await remote.once() == 0
    assert remote._intake.health.of("s").last_success_at is not None
    await host.down()
    for _ in range(2):
        assert await remote.once() == 0
        assert "ConnectionRefusedError" in (last_error(remote) or "")
    await host.up()
    (host.root / "out").rename(host.root / "away")
    assert await remote.once() == 0
    assert "SFTPNoSuchFile" in (last_error(remote) or "")
    (host.root / "away").rename(host.root / "out")
    put(host, "1.json", at(1, 1))
    assert await remote.once() == 1
    mine = [record.levelname for record in caplog.records if record.name == "feeds.health"]
    assert mine == ["ERROR", "WARNING"]


async def test_files_wait_while_the_store_is_away(host: SftpHost, tmp_path: Path) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    board = Board(store.url)
    try:
        await board.start()
        remote = watch(board, host, tmp_path, HandClock(), after='"delete"')
        await asyncio.to_thread(store.stop)
        put(host, "1.json", at(1, 1))
        put(host, "2.json", at(2, 2))
        assert await remote.once() == 0
        assert remote.waits_for_store
        assert names(host.root / "out") == ["1.json", "2.json"]
        await asyncio.to_thread(store.start)
        assert await remote.once() == 2
        assert not remote.waits_for_store
        assert await occupied(board) == 2
        assert names(host.root / "out") == []
    finally:
        await board.stop()
        await asyncio.to_thread(store.stop)


@pytest.mark.parametrize(
    "name", ["../up.json", "a/b.json", "a\\b.json", "..", "x" * 260 + ".json", "a\nb.json"]
)
async def test_names_that_are_more_than_a_name_are_passed_over(
    board: Board, host: SftpHost, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hostile server may list any name; a plain file system cannot hold all of these."""
    put(host, "good.json", at(1, 1))

    async def listing(server: asyncssh.SFTPServer, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        attributes = asyncssh.SFTPAttrs(size=2, permissions=0o100644, atime=1, mtime=1)
        yield asyncssh.SFTPName(name.encode(), name.encode(), attributes)
        yield asyncssh.SFTPName(b"\xff.json", b"\xff.json", attributes)

    monkeypatch.setattr(asyncssh.SFTPServer, "scandir", listing)
    remote = watch(board, host, tmp_path, HandClock(), pattern='"*"')
    assert await remote.once() == 0
    assert host.opened == []
    assert last_error(remote) is None


async def test_a_folder_with_endless_names_is_refused(
    board: Board, host: SftpHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.transports.sftp.MAX_NAMES", 5)
    for number in range(6):
        put(host, f"{number}.json", at(number, 1))
    remote = watch(board, host, tmp_path, HandClock())
    assert await remote.once() == 0
    assert "more than 5 names" in (last_error(remote) or "")


BLOCK = """\
[[source]]
id = "s"
cluster = "randers"
format = "json"
transport = "sftp"
attribution = "test"
units = ["favrskov-akutplads"]
host = "sftp.example"
user = "u"
password = "${SFTP_PASSWORD}"
host_key = "HOST_KEY"
"""


def test_an_sftp_source_has_sensible_defaults(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(BLOCK.replace("HOST_KEY", public(new_key())))
    source = load_sources([path], CATALOGUE, {"SFTP_PASSWORD": "p"})["s"]
    assert source.sftp is not None
    assert (source.sftp.port, source.sftp.after, source.folder) == (SSH_PORT, "leave", ".")
    assert source.every == timedelta(seconds=60)
    assert source.sftp.user != USER


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('host = "sftp.example"\n', "", 1, "needs host"),
        ('user = "u"\n', "", 1, "needs user"),
        ('host_key = "HOST_KEY"\n', "", 1, "needs host_key"),
        ('password = "${SFTP_PASSWORD}"\n', "", 1, "needs password or key_file"),
        ("${SFTP_PASSWORD}", "${NO_SUCH}", 10, "NO_SUCH is not set"),
        ("${SFTP_PASSWORD}", "${EMPTY}", 10, "EMPTY is not set"),
        ("HOST_KEY", "ssh-ed25519 AAAA", 11, "no public key"),
        ("HOST_KEY", "æ", 11, "no public key"),
        ('password = "${SFTP_PASSWORD}"', 'key_file = "/no/such/file"', 10, "cannot be read"),
        ('password = "${SFTP_PASSWORD}"', 'key_file = "NO_KEY"', 10, "no private key"),
        ('password = "${SFTP_PASSWORD}"', 'key_file = "LOCKED"', 10, "without passphrase"),
        ('user = "u"', 'user = "u"\nafter = "burn"', 10, "delete"),
        ('user = "u"', 'user = "u"\nport = 0', 10, "1"),
    ],
)
def test_a_wrong_sftp_source_is_refused_at_start_up_by_line(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    (tmp_path / "no-key").write_text("nothing")
    new_key().write_private_key(tmp_path / "locked", "pkcs8-pem", "secret")
    text = BLOCK.replace(old, new).replace("HOST_KEY", public(new_key()))
    text = text.replace("NO_KEY", str(tmp_path / "no-key"))
    path = tmp_path / "sources.toml"
    path.write_text(text.replace("LOCKED", str(tmp_path / "locked")))
    with pytest.raises(ConfigError) as refused:
        load_sources([path], CATALOGUE, {"SFTP_PASSWORD": "p", "EMPTY": ""})
    assert refused.value.file == str(path)
    assert refused.value.line == line
    assert reason in refused.value.reason
