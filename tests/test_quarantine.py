"""Quarantine: nothing unusable is lost, nothing personal is kept, and it stays small."""

import asyncio
import logging
import random

import pytest

from capacity.board import Board, EmbeddedServer
from capacity.board.quarantine import (
    DOCUMENT_BYTES,
    ENTRIES_PER_DOCUMENT,
    Kept,
    Quarantine,
    State,
    document_of,
    entries_of,
)
from capacity.model import Reject
from capacity.privacy import CPR_REASON
from tests.support.feeding import HandClock
from tests.support.quarantined import FAULT, OTHER, everything_stored, put

pytest_plugins = ["tests.support.feeding_fixtures", "tests.support.quarantine_fixtures"]


async def test_every_reject_is_kept_with_its_place_and_the_document(
    quarantine: Quarantine, clock: HandClock
) -> None:
    document = await put(quarantine, clock, b"the text", FAULT, OTHER)
    entries = await quarantine.entries("s")
    told = {(entry.where, entry.field, entry.reason) for entry in entries}
    assert told == {(r.where, r.field, r.reason) for r in (FAULT, OTHER)}
    for entry in entries:
        assert (entry.source, entry.document, entry.kept) == ("s", document, Kept.YES)
        assert (entry.at, entry.last_seen, entry.count) == (clock.now, clock.now, 1)
        assert entry.state is State.OPEN
        assert await quarantine.entry(entry.id) == entry
    assert await quarantine.raw(document) == b"the text"
    assert await quarantine.entry("s.000000000000") is None
    assert await quarantine.entries("other") == []
    tally = (await quarantine.tallies())["s"]
    assert (tally.open, tally.closed, tally.dropped, tally.let_go) == (2, 0, 0, 0)


async def test_what_comes_again_is_counted_and_does_not_fill_it(
    quarantine: Quarantine, clock: HandClock
) -> None:
    began = clock.now
    for _ in range(30):
        await put(quarantine, clock, b"the same", FAULT)
        clock.move(minutes=1)
    (entry,) = await quarantine.entries("s")
    assert entry.count == 30
    assert entry.at == began
    assert (entry.last_seen - began).total_seconds() == 29 * 60
    await put(quarantine, clock, b"another", FAULT)
    assert len(await quarantine.entries("s")) == 2


async def test_dismissed_stays_dismissed_and_lets_the_text_go_with_the_last_entry(
    quarantine: Quarantine, clock: HandClock
) -> None:
    document = await put(quarantine, clock, b"the text", FAULT, OTHER)
    first, second = await quarantine.entries("s")
    clock.move(hours=1)
    assert await quarantine.close("s", [first.id], State.DISMISSED, "vagt", clock()) == [first.id]
    assert await quarantine.raw(document) == b"the text"
    await put(quarantine, clock, b"the text", FAULT, OTHER)
    (left,) = await quarantine.entries("s")
    assert left.id == second.id
    (closed,) = await quarantine.entries("s", closed=True)
    assert (closed.id, closed.state, closed.by) == (first.id, State.DISMISSED, "vagt")
    assert (closed.closed_at, closed.count) == (clock.now, 2)
    await quarantine.close("s", [second.id], State.DISMISSED, "vagt", clock())
    assert await quarantine.raw(document) is None
    assert await quarantine.bytes_kept() == 0


async def test_two_operators_at_once_close_an_entry_once(
    quarantine: Quarantine, clock: HandClock
) -> None:
    await put(quarantine, clock, b"the text", FAULT, OTHER)
    ids = [entry.id for entry in await quarantine.entries("s")]
    calls = [
        quarantine.close("s", ids, State.DISMISSED, f"operator {n}", clock()) for n in range(8)
    ]
    answers = await asyncio.gather(*calls)
    assert sorted(entry_id for done in answers for entry_id in done) == sorted(ids)
    assert await quarantine.close("s", [*ids, "s.nothing"], State.REPLAYED, "x", clock()) == []
    closed = await quarantine.entries("s", closed=True)
    assert {entry.state for entry in closed} == {State.DISMISSED}
    assert await quarantine.bytes_kept() == 0


async def test_it_holds_so_many_entries_of_a_source_and_says_what_it_drops(
    board: Board, valkey_server: EmbeddedServer, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    quarantine = Quarantine(valkey_server.url, entries_per_source=5)
    try:
        await put(quarantine, clock, b"closed", FAULT)
        (closed,) = await quarantine.entries("s")
        await quarantine.close("s", [closed.id], State.DISMISSED, "x", clock())
        documents = []
        for n in range(5):
            clock.move(seconds=1)
            documents.append(await put(quarantine, clock, b"%d" % n, FAULT))
        assert await quarantine.entry(closed.id) is None  # what is closed goes first, unlamented
        assert (await quarantine.tallies())["s"].dropped == 0
        with caplog.at_level(logging.WARNING):
            for n in range(5, 9):
                clock.move(seconds=1)
                documents.append(await put(quarantine, clock, b"%d" % n, FAULT))
            await put(quarantine, clock, b"x", FAULT, source="t")
        kept = {entry.document for entry in await quarantine.entries("s")}
        assert kept == set(documents[4:])
        assert [await quarantine.raw(document) for document in documents[:4]] == [None] * 4
        tally = (await quarantine.tallies())["s"]
        assert (tally.open, tally.dropped) == (5, 4)
        assert (await quarantine.tallies())["t"].dropped == 0
        assert [record.message for record in caplog.records if "quarantine" in record.message] == [
            "quarantine is full at source s: 1 entries dropped, 0 raw documents let go; "
            "further drops are counted, not logged"
        ]
    finally:
        await quarantine.stop()


async def test_the_texts_of_all_sources_together_are_bounded(
    board: Board, valkey_server: EmbeddedServer, clock: HandClock
) -> None:
    quarantine = Quarantine(valkey_server.url, raw_bytes=3000)
    try:
        documents = []
        for n in range(6):
            clock.move(seconds=1)
            noise = "".join(random.Random(n).choices("abcdefghijklmnop", k=1500)).encode()
            documents.append(await put(quarantine, clock, noise, FAULT, source="ab"[n % 2]))
            assert await quarantine.bytes_kept() <= 3000
        assert await quarantine.raw(documents[0]) is None
        assert await quarantine.raw(documents[-1]) is not None
        tallies = await quarantine.tallies()
        gone = sum([await quarantine.raw(document) is None for document in documents])
        assert tallies["a"].let_go + tallies["b"].let_go == gone > 0
        assert tallies["a"].open + tallies["b"].open == 6  # what was wrong is still known
        for name in "ab":
            ids = [entry.id for entry in await quarantine.entries(name)]
            await quarantine.close(name, ids, State.DISMISSED, "x", clock())
        assert await quarantine.bytes_kept() == 0
    finally:
        await quarantine.stop()


async def test_one_document_cannot_fill_it(quarantine: Quarantine, clock: HandClock) -> None:
    rejects = [Reject(f"line {n}", "total", "is no number") for n in range(50_000)]
    await put(quarantine, clock, b"a large one", *rejects)
    tally = (await quarantine.tallies())["s"]
    assert tally.open == ENTRIES_PER_DOCUMENT
    assert tally.dropped == 50_000 - ENTRIES_PER_DOCUMENT


async def test_nothing_is_left_in_the_store_but_what_is_told(
    quarantine: Quarantine, clock: HandClock, valkey_server: EmbeddedServer
) -> None:
    await put(quarantine, clock, b"the text", FAULT, OTHER)
    ids = [entry.id for entry in await quarantine.entries("s")]
    await quarantine.close("s", ids, State.DISMISSED, "x", clock())
    keys = await everything_stored(valkey_server)
    assert {key.partition("}:")[2] for key in keys if "quarantine" in key} == {
        "entries:s", "closed:s", "totals", "sources",
    }  # fmt: skip


# --- what may be kept ---


def kept(raw: bytes | None, *rejects: Reject, carries_patients: bool = False) -> Kept:
    return document_of("s", raw, rejects or (FAULT,), carries_patients=carries_patients).kept


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"note": "fri kl. 12"}', Kept.YES),
        ("blåbærgrød".encode("cp1252"), Kept.YES),
        (b'{"id": "0f5e0101-7012-4345-8123-010170123456"}', Kept.YES),
        (b'{"at": "2026-03-02T08:15:00+01:00", "tlf": "86410000"}', Kept.YES),
        (b"ring om 010170-1234", Kept.CPR),
        (b"0101701234;ledig", Kept.CPR),
        ("æ 010170–1234".encode(), Kept.CPR),
        ("æ 010170-1234".encode("cp1252"), Kept.CPR),
        (b'{"note": "\\u0030101701234', Kept.CPR),
        (b"<note>0101&#55;01234</note>", Kept.CPR),
        (b'{"cpr": 101701234', Kept.CPR),
        (b"PK\x03\x04 a workbook", Kept.BINARY),
        ("010170-1234".encode("utf-16"), Kept.BINARY),
        (b"x" * DOCUMENT_BYTES, Kept.YES),
        (b"x" * (DOCUMENT_BYTES + 1), Kept.LARGE),
        (None, Kept.LARGE),
    ],
)
def test_text_is_kept_only_where_it_cannot_name_a_person(raw: bytes | None, expected: Kept) -> None:
    assert kept(raw) is expected


def test_a_format_with_patients_or_a_person_number_found_keeps_no_text_and_no_digest_of_it() -> (
    None
):
    assert kept(b"harmless", carries_patients=True) is Kept.PATIENTS
    assert kept(b"harmless", FAULT, Reject("line 2", "note", CPR_REASON)) is Kept.CPR
    for more in ({"carries_patients": True}, {"carries_patients": False}):
        one = document_of("s", b"010170-1234", [FAULT], **more)
        two = document_of("s", b"020280-4321", [FAULT], **more)
        assert one == two
        assert one.raw == b""
    assert document_of("s", b"1", [FAULT], carries_patients=False) != document_of(
        "s", b"2", [FAULT], carries_patients=False
    )


def test_a_reject_that_repeats_a_number_is_stopped() -> None:
    document = document_of("s", b"x", [FAULT], carries_patients=False)
    leak = Reject("line 1", "010170-1234", "is unknown: 0101701234")
    (safe,) = entries_of("s", [leak], document).values()
    assert safe == Reject("line 1", "(withheld)", "(withheld)")
