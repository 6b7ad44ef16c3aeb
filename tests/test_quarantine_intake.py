"""Quarantine as documents come in and are replayed: what is bad is kept, what is right taken."""

import asyncio
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from capacity.board import Board, BoardUnavailableError, EmbeddedServer
from capacity.board.quarantine import Kept, Quarantine, State
from capacity.model import UnreadableError
from feeds.intake import Intake
from feeds.sources import Source
from feeds.transports.folder import FolderWatch
from tests.support.feeding import CATALOGUE, HandClock, one_source, report
from tests.support.quarantined import everything_stored

pytest_plugins = ["tests.support.feeding_fixtures", "tests.support.quarantine_fixtures"]

WRONG_COLUMNS = '{ columns = { unit = "Enhed", observed_at = "observed_at" } }'


# --- through the intake ---


async def test_a_half_bad_document_is_taken_and_its_bad_rows_kept(
    intake: Intake, source: Source, quarantine: Quarantine
) -> None:
    raw = orjson.dumps([report(), report(unit="norddjurs-akutplads", total=-1), report("nowhere")])
    receipt = await intake.take(source, raw)
    assert receipt.accepted == 1
    entries = await quarantine.entries("s")
    assert {(e.where, e.field) for e in entries} == {("[1]", "total"), ("[2]", "unit")}
    assert await quarantine.raw(entries[0].document) == raw


async def test_an_unreadable_document_is_kept_whole(
    intake: Intake, source: Source, quarantine: Quarantine
) -> None:
    with pytest.raises(UnreadableError):
        await intake.take(source, b"<html>Service unavailable</html>")
    (entry,) = await quarantine.entries("s")
    assert (entry.where, entry.field) == ("document", "document")
    assert await quarantine.raw(entry.document) == b"<html>Service unavailable</html>"


async def test_a_person_number_reaches_no_key_of_the_store(
    intake: Intake, source: Source, quarantine: Quarantine, valkey_server: EmbeddedServer
) -> None:
    await intake.take(source, orjson.dumps([report(), report(note="ring om 010170-1234")]))
    with pytest.raises(UnreadableError):
        await intake.take(source, b'{"reports": "0101701234"')
    with pytest.raises(UnreadableError):
        await intake.take(source, b'{"reports": {"010170-1234": 1}}')
    entries = await quarantine.entries("s")
    assert [entry.kept for entry in entries] == [Kept.CPR] * 3
    assert await quarantine.bytes_kept() == 0
    for key, dump in (await everything_stored(valkey_server)).items():
        assert "010170" not in key
        assert b"010170" not in dump, key


async def test_replaying_with_a_corrected_mapping_closes_what_is_right_now(
    intake: Intake, source: Source, quarantine: Quarantine, board: Board, clock: HandClock
) -> None:
    raw = orjson.dumps([report("FAV"), report("nowhere")])
    receipt = await intake.take(source, raw)
    assert receipt.durable == 0
    document = (await quarantine.entries("s"))[0].document
    assert await intake.replay(source, document, "koordinator") == 0  # nothing was corrected yet
    assert [entry.count for entry in await quarantine.entries("s")] == [1, 1]
    corrected = replace(source, units={"FAV": CATALOGUE.units["favrskov-akutplads"]})
    answers = await asyncio.gather(
        *(intake.replay(corrected, document, f"operator {n}") for n in range(4))
    )
    assert sum(answer or 0 for answer in answers) == 1
    snapshot = await board.snapshot("randers")
    assert [stored.unit for stored in snapshot.rows] == ["favrskov-akutplads"]
    assert len(await board.changes_after("randers", "0-0")) == 1
    (left,) = await quarantine.entries("s")
    assert (left.where, left.count) == ("[1]", 1)
    (closed,) = await quarantine.entries("s", closed=True)
    assert (closed.where, closed.state) == ("[0]", State.REPLAYED)
    assert await quarantine.raw(document) == raw
    # The mapping is taken back: what was closed is open again, and has come once more.
    clock.move(minutes=1)
    await intake.take(source, raw)
    assert sorted((e.where, e.count) for e in await quarantine.entries("s")) == [
        ("[0]", 2), ("[1]", 2),
    ]  # fmt: skip


async def test_a_replay_of_an_unreadable_document_that_reads_now(
    intake: Intake, quarantine: Quarantine, tmp_path: Path
) -> None:
    text = "unit;observed_at;total;occupied\nfavrskov-akutplads;2026-11-22 13:00;2;1\n"
    wrong = one_source(tmp_path, format='"csv"', mapping=WRONG_COLUMNS)
    with pytest.raises(UnreadableError):
        await intake.take(wrong, text.encode())
    (entry,) = await quarantine.entries("s")
    right = one_source(tmp_path, format='"csv"', timezone='"Europe/Copenhagen"')
    assert await intake.replay(right, entry.document, "x") == 1
    assert await quarantine.entries("s") == []
    assert await intake.replay(right, entry.document, "x") is None  # its text is gone by now


async def test_a_replay_by_which_a_person_number_is_found_lets_the_text_go(
    intake: Intake, source: Source, quarantine: Quarantine
) -> None:
    with pytest.raises(UnreadableError):
        await intake.take(source, b'{"reports": 1}')
    (entry,) = await quarantine.entries("s")
    patients = replace(source, format=replace(source.format, carries_patients=True))
    assert await intake.replay(patients, entry.document, "x") == 0
    assert await quarantine.raw(entry.document) is None
    assert len(await quarantine.entries("s")) == 1


async def test_replay_says_nothing_of_the_health_of_the_source(
    intake: Intake, source: Source, quarantine: Quarantine
) -> None:
    await intake.take(source, orjson.dumps([report(), report("nowhere")]))
    before = dict(intake.health.of("s").counts)
    (entry,) = await quarantine.entries("s")
    await intake.replay(source, entry.document, "x")
    assert dict(intake.health.of("s").counts) == before


async def test_a_watched_folder_quarantines_too_and_moves_its_files_as_ever(
    intake: Intake, quarantine: Quarantine, tmp_path: Path, clock: HandClock
) -> None:
    source = one_source(tmp_path, transport='"folder"', pattern='"*.json"')
    watch = FolderWatch(source, tmp_path / "inbox", intake, clock, 1000)
    watch.prepare()
    (watch.folder / "a.json").write_bytes(orjson.dumps([report(), report("nowhere")]))
    (watch.folder / "b.json").write_bytes(b"{")
    (watch.folder / "c.json").write_bytes(b" " * 1001)
    assert await watch.scan() == 3
    entries = await quarantine.entries("s")
    told = {(entry.where, entry.field, entry.kept) for entry in entries}
    assert told == {
        ("[1]", "unit", Kept.YES),
        ("document", "document", Kept.YES),
        ("file", "size", Kept.LARGE),
    }
    assert {path.name for path in (watch.folder / "failed").iterdir()} >= {"b.json", "c.json"}
    assert (watch.folder / "done" / "a.json").exists()


async def test_while_the_store_is_away_nothing_is_done_with(
    tmp_path: Path, source: Source, clock: HandClock
) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    board, quarantine = Board(store.url), Quarantine(store.url)
    intake = Intake(board, CATALOGUE, clock, quarantine)
    try:
        await board.start()
        with pytest.raises(UnreadableError):
            await intake.take(source, b"{")
        await asyncio.to_thread(store.stop)
        with pytest.raises(BoardUnavailableError):
            await intake.take(source, b"[")
        with pytest.raises(BoardUnavailableError):
            await quarantine.tallies()
        await asyncio.to_thread(store.start)
        assert [entry.count for entry in await quarantine.entries("s")] == [1]
        with pytest.raises(UnreadableError):
            await intake.take(source, b"[")
        assert len(await quarantine.entries("s")) == 2
    finally:
        await board.stop()
        await quarantine.stop()
        await asyncio.to_thread(store.stop)
