"""The watched folder: only whole files, in order, each exactly once, none lost."""

import asyncio
import json
import os
from pathlib import Path

import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from feeds.transports.folder import FolderWatch
from tests.support.conformance import RECORDINGS
from tests.support.feeding import HandClock, intake_over, one_source, report


def watch_over(board: Board, folder: Path, clock: HandClock, **keys: str) -> FolderWatch:
    source = one_source(folder, transport='"folder"', pattern='"*.json"', **keys)
    watch = FolderWatch(source, folder / "inbox", intake_over(board, clock), clock, 10_000)
    watch.prepare()
    return watch


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


async def rows(board: Board) -> dict[str, int | None]:
    snapshot = await board.snapshot("randers")
    return {stored.unit: orjson.loads(stored.row)["occupied"] for stored in snapshot.rows}


async def test_whole_files_are_taken_in_name_order_and_moved_aside(
    board: Board, tmp_path: Path
) -> None:
    watch = watch_over(board, tmp_path, HandClock())
    for name, occupied, at in (("2.json", 2, "12:00:01"), ("1.json", 1, "12:00:00")):
        body = [report(occupied=occupied, observed_at=f"2026-11-22T{at}Z")]
        (watch.folder / name).write_bytes(orjson.dumps(body))
    for unfinished in (".3.json", "3.json.tmp", "3.json.part", "notes.txt"):
        (watch.folder / unfinished).write_text("half", encoding="utf-8")
    (watch.folder / "link.json").symlink_to(watch.folder / "notes.txt")
    assert await watch.scan() == 2
    assert await rows(board) == {"favrskov-akutplads": 2}
    assert names(watch.folder / "done") == ["1.json", "2.json"]
    assert [c.seq for c in await board.changes_after("randers", "0-0")] == [1, 2]
    left = [".3.json", "3.json.part", "3.json.tmp", "link.json", "notes.txt"]
    assert names(watch.folder) == left
    assert await watch.scan() == 0


async def test_bad_files_are_set_aside_with_the_reason_beside_them(
    board: Board, tmp_path: Path
) -> None:
    watch = watch_over(board, tmp_path, HandClock())
    (watch.folder / "broken.json").write_text("{", encoding="utf-8")
    (watch.folder / "empty.json").write_bytes(b"")
    (watch.folder / "page.json").write_text("<html>error</html>", encoding="utf-8")
    (watch.folder / "large.json").write_bytes(b" " * 10_001)
    (watch.folder / "mixed.json").write_bytes(
        orjson.dumps([report(), report("nowhere"), report("norddjurs-akutplads", total=-1)])
    )
    (watch.folder / "useless.json").write_bytes(orjson.dumps([report("nowhere")]))
    assert await watch.scan() == 6
    bad = ["broken.json", "empty.json", "large.json", "page.json", "useless.json"]
    assert names(watch.folder / "failed") == sorted(bad + [f"{name}.reason.json" for name in bad])
    assert names(watch.folder / "done") == ["mixed.json", "mixed.json.reason.json"]
    reasons = json.loads((watch.folder / "done" / "mixed.json.reason.json").read_text())
    assert [reason["field"] for reason in reasons] == ["total", "unit"]
    for name in bad:
        reasons = json.loads((watch.folder / "failed" / f"{name}.reason.json").read_text())
        assert reasons[0]["reason"]


async def test_a_file_that_comes_again_is_unchanged_and_keeps_its_own_place(
    board: Board, tmp_path: Path
) -> None:
    clock = HandClock()
    watch = watch_over(board, tmp_path, clock)
    body = orjson.dumps([report()])
    for _ in range(3):
        clock.move(seconds=1)
        (watch.folder / "export.json").write_bytes(body)
        assert await watch.scan() == 1
    assert len(names(watch.folder / "done")) == 3
    assert len(await board.changes_after("randers", "0-0")) == 1


async def test_a_file_without_hand_over_is_left_until_it_has_settled(
    board: Board, tmp_path: Path
) -> None:
    clock = HandClock()
    watch = watch_over(board, tmp_path, clock, settle='"5 s"')
    path = watch.folder / "slow.json"
    body = orjson.dumps([report()])
    path.write_bytes(body[:10])
    assert await watch.scan() == 0
    clock.move(seconds=4)
    path.write_bytes(body)
    os.utime(path, ns=(1, 1))
    assert await watch.scan() == 0
    clock.move(seconds=4)
    assert await watch.scan() == 0
    clock.move(seconds=1)
    assert await watch.scan() == 1
    assert names(watch.folder / "failed") == []


async def test_files_wait_while_the_store_is_away(tmp_path: Path) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    board = Board(store.url)
    try:
        await board.start()
        watch = watch_over(board, tmp_path, HandClock())
        await asyncio.to_thread(store.stop)
        (watch.folder / "1.json").write_bytes(orjson.dumps([report()]))
        assert await watch.scan() == 0
        assert names(watch.folder) == ["1.json"]
        await asyncio.to_thread(store.start)
        assert await watch.scan() == 1
        assert await rows(board) == {"favrskov-akutplads": 1}
    finally:
        await board.stop()
        await asyncio.to_thread(store.stop)


async def test_a_file_that_changes_while_it_is_read_is_left_for_later(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watch_over(board, tmp_path, HandClock())
    path = watch.folder / "growing.json"
    path.write_bytes(orjson.dumps([report(occupied=1)]))
    read_bytes = Path.read_bytes

    def grows(self: Path) -> bytes:
        raw = read_bytes(self)
        self.write_bytes(orjson.dumps([report(occupied=2, note="longer")]))
        return raw

    monkeypatch.setattr(Path, "read_bytes", grows)
    assert await watch.scan() == 0
    assert await rows(board) == {}
    monkeypatch.undo()
    assert await watch.scan() == 1
    assert await rows(board) == {"favrskov-akutplads": 2}


async def test_a_file_that_cannot_be_put_away_is_told_and_taken_again_without_harm(
    board: Board, tmp_path: Path
) -> None:
    watch = watch_over(board, tmp_path, HandClock())
    health = watch._intake.health.of("s")
    (watch.folder / "done").rmdir()
    (watch.folder / "1-010170-1234.json").write_bytes(orjson.dumps([report()]))
    (watch.folder / "2.json").write_bytes(b"{")
    assert await watch.scan() == 1, "the next file is taken all the same"
    assert health.last_error == "(field name): No such file or directory", "and no name is told"
    watch.prepare()
    assert await watch.scan() == 1
    assert health.failing_since is None
    assert health.counts["unchanged"] == 1
    assert names(watch.folder) == []


async def test_documents_that_may_name_patients_are_not_kept(board: Board, tmp_path: Path) -> None:
    recording = RECORDINGS / "hl7v2"
    source = one_source(
        tmp_path,
        format='"hl7v2"',
        transport='"folder"',
        pattern='"*.hl7"',
        units='{ "A1" = "rhr-akutafdeling" }',
    )
    assert source.format.carries_patients
    clock = HandClock()
    watch = FolderWatch(source, tmp_path / "inbox", intake_over(board, clock), clock, 10_000)
    watch.prepare()
    for number, raw in enumerate(((recording / "admission.hl7").read_bytes(), b"nonsense")):
        (watch.folder / f"{number}.hl7").write_bytes(raw)
    assert await watch.scan() == 2
    assert names(watch.folder) == names(watch.folder / "done") == []
    assert names(watch.folder / "failed") == ["1.hl7.reason.json"]
