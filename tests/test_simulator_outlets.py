"""Delivery: whole files or none, and pushes that survive a target that is away."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators.document import Document, Emission
from simulators.outlets import FolderDrop, HttpPush, Shelf, write_whole
from tests.support.receiver import Receiver, receiving


def emission(*texts: str) -> Emission:
    return tuple(Document(text.encode(), "application/json", ".json") for text in texts)


@asynccontextmanager
async def pushing(url: str, key_file: Path) -> AsyncIterator[HttpPush]:
    push = HttpPush("source", url, key_file)
    task = asyncio.create_task(push.run())
    try:
        yield push
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_text("secret\n")
    return path


async def bodies(receiver: Receiver, count: int) -> list[bytes]:
    return [push.body for push in await asyncio.to_thread(receiver.wait_for, count)]


async def until_said(capsys: pytest.CaptureFixture[str], words: str) -> str:
    """Everything said on standard error until `words` were."""
    said = ""
    async with asyncio.timeout(30):
        while True:
            said += capsys.readouterr().err
            if words in said:
                return said
            await asyncio.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_no_unfinished_file_is_ever_visible(tmp_path: Path) -> None:
    """A watcher that looks without pause sees each *.csv at its full size and its own content."""
    size, seen, done = 1_000_000, set(), threading.Event()
    wrong: list[str] = []

    def watch() -> None:
        while True:
            last_look = done.is_set()
            for path in tmp_path.glob("*.csv"):
                content = path.read_bytes()
                if len(content) != size or set(content) != {content[0]}:
                    wrong.append(path.name)
                seen.add(path.name)
            if last_look:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(40):
        write_whole(tmp_path, f"{number:02d}.csv", bytes([number]) * size)
    done.set()
    watcher.join()
    assert wrong == []
    assert len(seen) == 40
    assert len(list(tmp_path.iterdir())) == 40, "nothing unfinished is left"


def test_a_hand_over_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken.csv").mkdir()
    (tmp_path / "taken.csv" / "inside").touch()
    with pytest.raises(OSError, match=r"taken\.csv"):
        write_whole(tmp_path, "taken.csv", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.csv"]


def test_files_sort_in_the_order_they_were_put(tmp_path: Path) -> None:
    drop = FolderDrop("source", tmp_path / "made" / "by-itself")
    for number in range(12):
        drop.put((Document(str(number).encode(), "text/csv", ".csv"),))
    paths = sorted((tmp_path / "made" / "by-itself").iterdir())
    assert [path.read_text() for path in paths] == [str(number) for number in range(12)]


def test_a_folder_that_cannot_be_written_is_told_once_and_its_return_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "inbox"
    blocked.touch()
    drop = FolderDrop("source", blocked)
    for _ in range(3):
        drop.put(emission("a"))
    blocked.unlink()
    for _ in range(2):
        drop.put(emission("b"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "cannot write" in lines[0]
    assert "again" in lines[1]
    assert len(list(blocked.iterdir())) == 2


def test_a_shelf_has_one_tag_for_one_content() -> None:
    shelf = Shelf()
    tags = []
    for text in ("a", "a", "b"):
        shelf.put(emission(text))
        tags.append(shelf.etag)
    assert tags[0] == tags[1] != tags[2]


async def test_what_could_not_be_delivered_goes_in_order_once_the_target_is_back(
    key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    async with pushing(f"http://127.0.0.1:{port}/in", key_file) as push:
        push.put(emission("1", "2"))
        await until_said(capsys, "cannot deliver")
        push.put(emission("3"))
        with receiving(port) as receiver:
            assert await bodies(receiver, 3) == [b"1", b"2", b"3"]
            await until_said(capsys, "delivers again")


async def test_a_target_that_says_when_is_left_alone_until_then(key_file: Path) -> None:
    with receiving() as receiver:
        receiver.answers = [(503, {"Retry-After": "1"})]
        async with pushing(f"{receiver.url}/in", key_file) as push:
            push.put(emission("1", "2"))
            await bodies(receiver, 1)
            began = asyncio.get_running_loop().time()
            assert await bodies(receiver, 3) == [b"1", b"1", b"2"]
            assert asyncio.get_running_loop().time() - began >= 0.95


async def test_a_refused_key_is_told_once_and_not_hammered(
    key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving() as receiver:
        receiver.answers = [(401, {})] * 3
        async with pushing(f"{receiver.url}/in", key_file) as push:
            push.put(emission("1", "2", "3", "4"))
            assert await bodies(receiver, 4) == [b"1", b"2", b"3", b"4"], "each once"
            said = await until_said(capsys, "delivers again")
    assert said.count("key refused (401)") == 1
    assert "secret" not in said


async def test_a_refused_document_is_not_repeated(key_file: Path) -> None:
    with receiving() as receiver:
        receiver.answers = [(422, {}), (413, {}), (500, {})]
        async with pushing(f"{receiver.url}/in", key_file) as push:
            push.put(emission("1", "2", "3"))
            assert await bodies(receiver, 4) == [b"1", b"2", b"3", b"3"]


async def test_a_key_that_comes_or_changes_later_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file = tmp_path / "later"
    with receiving() as receiver:
        async with pushing(f"{receiver.url}/in", key_file) as push:
            push.put(emission("1"))
            await until_said(capsys, "has no key yet")
            key_file.write_text("one")
            await bodies(receiver, 1)
            key_file.write_text("two")
            push.put(emission("2"))
            await bodies(receiver, 2)
    assert [push.authorization for push in receiver.pushes] == ["Bearer one", "Bearer two"]
