"""The board in a real store: readings applied in one atomic step, and rows replaced and removed."""

import asyncio
from collections import Counter

import pytest

from capacity.board import (
    Board,
    Outcome,
    StoredRow,
)
from tests.support.board_model import (
    all_changes,
    all_late,
    assert_contiguous,
    fold,
    opened,
    reading,
    rows_of,
)
from tests.support.stores import StoreServer

APPLIED, UNCHANGED, SUPERSEDED = Outcome.APPLIED, Outcome.UNCHANGED, Outcome.SUPERSEDED

pytest_plugins = "tests.support.store_fixtures"


# What one write does


async def test_newer_wins_and_whole_rows_go_to_the_stream(store: Board) -> None:
    first, second = reading("u", 1000), reading("u", 2000)

    assert (await store.apply("c", [first])).outcomes == (APPLIED,)
    applied = await store.apply("c", [second])

    assert applied.outcomes == (APPLIED,)
    assert applied.cursor.seq == 2
    assert rows_of(await store.snapshot("c")) == {"u": second.row}
    changes = await all_changes(store, "c")
    assert [(c.seq, c.unit, c.row) for c in changes] == [(1, "u", first.row), (2, "u", second.row)]
    assert {c.epoch for c in changes} == {applied.cursor.epoch}


@pytest.mark.parametrize("observed_ms", [2000, 1999, 0])
async def test_equal_or_older_is_superseded_and_kept_for_history(
    store: Board, observed_ms: int
) -> None:
    stands, late = reading("u", 2000), reading("u", observed_ms, mark="other")
    await store.apply("c", [stands])

    applied = await store.apply("c", [late])

    assert applied.outcomes == (SUPERSEDED,)
    assert applied.cursor.seq == 1
    assert rows_of(await store.snapshot("c")) == {"u": stands.row}
    assert [(r.unit, r.row) for r in await all_late(store, "c")] == [("u", late.row)]


async def test_a_repeat_is_unchanged_and_leaves_no_trace(store: Board) -> None:
    await store.apply("c", [reading("u", 2000)])

    assert (await store.apply("c", [reading("u", 2000)])).outcomes == (UNCHANGED,)

    assert len(await all_changes(store, "c")) == 1
    assert await all_late(store, "c") == []


async def test_one_call_may_hold_a_unit_several_times(store: Board) -> None:
    readings = [reading("u", at) for at in (1000, 3000, 2000, 3000)]

    applied = await store.apply("c", readings)

    assert applied.outcomes == (APPLIED, APPLIED, SUPERSEDED, UNCHANGED)
    assert rows_of(await store.snapshot("c")) == {"u": readings[1].row}


async def test_nothing_to_apply_is_no_error(store: Board) -> None:
    applied = await store.apply("c", [])

    assert applied.outcomes == ()
    assert applied.cursor == await store.cursor("c")


async def test_a_hundred_readings_are_one_round_trip(own_server: StoreServer) -> None:
    readings = [reading(f"u{n}", 1000) for n in range(100)]
    async with opened(own_server.url) as board:
        own_server.says("CONFIG", "RESETSTAT")

        applied = await board.apply("c", readings)

        calls = {
            line.split(":")[0].removeprefix("cmdstat_"): int(line.split("calls=")[1].split(",")[0])
            for line in own_server.says("INFO", "commandstats").splitlines()
            if line.startswith("cmdstat_")
        }
        assert applied.outcomes == (APPLIED,) * 100
        assert calls["fcall"] == 1
        assert calls["xadd"] == 100
        inside = {"hget", "hmget", "hset", "xadd", "get", "set", "info", "exists"}
        from_outside = calls.keys() - inside
        assert from_outside <= {"fcall", "config|resetstat"}


async def test_more_callers_than_connections_wait_their_turn(store: Board) -> None:
    applied = await asyncio.gather(
        *(store.apply("c", [reading(f"u{n}", 1000)]) for n in range(300))
    )

    assert Counter(a.outcomes for a in applied) == {(APPLIED,): 300}
    assert sorted(a.cursor.seq for a in applied) == list(range(1, 301))


# A request has one answer


async def test_replace_needs_the_version_that_stands(store: Board) -> None:
    await store.apply("c", [reading("u", 1000), reading("v", 1000)])
    u, v = (await store.snapshot("c")).rows
    await store.apply("c", [reading("v", 2000)])

    replaced = await store.replace(
        "c",
        [
            StoredRow("u", b'{"new":1}', u.version),
            StoredRow("v", b'{"new":1}', v.version),
            StoredRow("w", b'{"new":1}', ""),
            StoredRow("x", b'{"new":1}', u.version),
        ],
    )

    changed = Outcome.CHANGED_MEANWHILE
    assert replaced.outcomes == (APPLIED, changed, APPLIED, changed)
    rows = rows_of(await store.snapshot("c"))
    assert rows == {"u": b'{"new":1}', "v": reading("v", 2000).row, "w": b'{"new":1}'}
    assert fold(await all_changes(store, "c")) == rows


async def test_a_replaced_row_keeps_its_reading_for_comparison(store: Board) -> None:
    await store.apply("c", [reading("u", 1000)])
    [u] = (await store.snapshot("c")).rows
    await store.replace("c", [StoredRow("u", b'{"new":1}', u.version)])

    assert (await store.apply("c", [reading("u", 1000)])).outcomes == (UNCHANGED,)
    assert (await store.apply("c", [reading("u", 999)])).outcomes == (SUPERSEDED,)
    assert (await store.replace("c", [u])).outcomes == (Outcome.CHANGED_MEANWHILE,)
    assert (await store.apply("c", [reading("u", 1001)])).outcomes == (APPLIED,)


async def test_any_reading_replaces_a_row_without_one(store: Board) -> None:
    await store.replace("c", [StoredRow("u", b"{}", "")])

    assert (await store.apply("c", [reading("u", 0)])).outcomes == (APPLIED,)


async def test_remove_takes_units_off_and_begins_an_epoch(store: Board) -> None:
    before = await store.apply("c", [reading("u", 1000), reading("v", 1000), reading("w", 1000)])

    after = await store.remove("c", ["u", "w"])

    assert after.cursor.epoch != before.cursor.epoch
    assert after.cursor == await store.cursor("c")
    assert rows_of(await store.snapshot("c")) == {"v": reading("v", 1000).row}
    changes = await all_changes(store, "c")
    assert_contiguous(changes)
    assert fold(changes) == {"v": reading("v", 1000).row}
    assert (await store.apply("c", [reading("u", 1)])).outcomes == (APPLIED,)


# Reading
