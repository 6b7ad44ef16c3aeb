"""Holds and time in a real store: only its clock ends them, a jump of it frees nothing early."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from capacity.board import Board
from capacity.board.connection import _PARTS, _SOURCE
from capacity.holds import MOST_ENDED_SHOWN, HoldState
from capacity.instants import (
    epoch_millis,
    format_instant,
    from_epoch_millis,
    parse_instant,
    utc_now,
)
from tests.support.board_model import all_changes, all_late, until
from tests.support.holds import (
    CLUSTER,
    MINUTES,
    SECOND,
    Clock,
    ask,
    assert_sound,
    held,
    journal,
    last_records,
    move,
    report,
    row_now,
    shown,
)

pytest_plugins = ["tests.support.store_fixtures"]


async def test_a_hold_expires_by_the_stores_clock(store: Board) -> None:
    await report(store, "u", 1)
    hold = await held(store, "u", hold_for=timedelta(milliseconds=150))
    live = await store.expire_holds(CLUSTER)
    assert live == 1 or utc_now() >= parse_instant(hold["expires_at"])

    async def is_over() -> bool:
        return await store.expire_holds(CLUSTER) == 0

    await until(is_over)

    row = await row_now(store, "u")
    ended: Any = row["holds"][0]
    assert shown(row) == (0, 1, "free")
    assert (ended["id"], ended["state"]) == (hold["id"], "expired")
    assert parse_instant(ended["ended_at"]) >= parse_instant(hold["expires_at"])
    assert (await move(store, hold["id"], HoldState.ACCEPTED)).code == "illegal"
    record = (await assert_sound(store))[hold["id"]]
    assert record["path"][-1][2] is None


async def test_what_is_due_expires_before_anything_else_is_done(store: Board) -> None:
    await report(store, "u", 1)
    first = await held(store, "u", hold_for=timedelta(0))

    second = await ask(store, "u")

    assert second.code == "held"
    assert (await move(store, first["id"], HoldState.ACCEPTED)).code == "illegal"
    assert [hold["state"] for hold in (await row_now(store, "u"))["holds"]] == ["expired", "asked"]


async def test_looking_writes_nothing_when_nothing_is_due(store: Board, client: Redis) -> None:
    await report(store, "u", 2)
    await held(store, "u")

    before = await client.info("persistence"), await client.info("replication")
    for _ in range(20):
        assert await store.expire_holds(CLUSTER) == 1
    after = await client.info("persistence"), await client.info("replication")

    assert after[0]["rdb_changes_since_last_save"] == before[0]["rdb_changes_since_last_save"]


async def test_looking_at_an_empty_board_leaves_it_empty(store: Board, client: Redis) -> None:
    assert await store.expire_holds(CLUSTER) == 0
    assert await client.dbsize() == 0
    assert await store.holds(CLUSTER) == []


@pytest.mark.parametrize("by", [5, 60, 3 * 60, 24 * 60])
@pytest.mark.parametrize("forth", [True, False])
async def test_a_clock_that_jumps_frees_nothing_early_and_keeps_nothing_longer(
    store: Board, client: Redis, by: int, *, forth: bool
) -> None:
    await report(store, "u", 3)
    began = utc_now()
    await held(store, "u", hold_for=3 * MINUTES)
    accepted = await held(store, "u", hold_for=3 * MINUTES)
    await move(store, accepted["id"], HoldState.ACCEPTED)

    await Clock(client).jump((by if forth else -by) * MINUTES)
    assert await store.expire_holds(CLUSTER) == 2

    now = utc_now()
    took = now - began + SECOND
    for hold in await store.holds(CLUSTER):
        left = parse_instant(hold["expires_at"]) - now
        assert 180 * SECOND - took < left <= 181 * SECOND
        if hold["state"] == "asked":
            assert 60 * SECOND - took < parse_instant(hold["answer_by"]) - now <= 61 * SECOND
    row = await row_now(store, "u")
    assert shown(row) == (2, 1, "free")
    assert [record["state"] for record in last_records(await journal(store)).values()] == [
        "asked",
        "accepted",
    ]


async def test_a_short_step_back_is_waited_for(store: Board, client: Redis) -> None:
    await report(store, "u", 3)
    hold = await held(store, "u")
    await Clock(client).jump(-timedelta(milliseconds=700))

    later = await held(store, "u")

    before, after = (parse_instant(each["asked_at"]) for each in (hold, later))
    assert timedelta(milliseconds=700) <= after - before < 2 * SECOND  # in the old clock's time
    assert len(await journal(store)) == 2  # no deadline was moved


async def test_a_filling_never_lies_ahead_of_the_clock(store: Board, client: Redis) -> None:
    await report(store, "u", 3)
    hold = await held(store, "u")
    await move(store, hold["id"], HoldState.FILLED)
    await Clock(client).jump(-60 * MINUTES)
    await store.expire_holds(CLUSTER)

    await report(store, "u", 2, utc_now() + SECOND)

    assert shown(await row_now(store, "u")) == (0, 2, "free")


async def test_ended_holds_leave_the_row_after_ten_minutes(store: Board, client: Redis) -> None:
    await report(store, "u", 3)
    declined, filled = await held(store, "u"), await held(store, "u")
    await move(store, declined["id"], HoldState.DECLINED, reason="no_staff")
    await move(store, filled["id"], HoldState.FILLED)
    clock = Clock(client)

    await clock.jump(9 * MINUTES)
    await store.expire_holds(CLUSTER)
    assert {hold["id"] for hold in await store.holds(CLUSTER)} == {declined["id"], filled["id"]}
    await clock.jump(MINUTES)
    await store.expire_holds(CLUSTER)

    row = await row_now(store, "u")
    assert [hold["id"] for hold in row["holds"]] == [filled["id"]]
    assert shown(row) == (0, 2, "free")
    assert await store.hold(CLUSTER, declined["id"]) is None
    assert (await move(store, declined["id"], HoldState.ACCEPTED)).code == "unknown"


async def test_nobody_can_make_a_row_grow(store: Board) -> None:
    await report(store, "u", 2)
    staying = await held(store, "u")
    for _ in range(MOST_ENDED_SHOWN + 20):
        hold = await held(store, "u")
        await move(store, hold["id"], HoldState.CANCELLED)

    row = await row_now(store, "u")

    assert len(row["holds"]) <= MOST_ENDED_SHOWN + 2
    assert (row["holds"][0]["id"], row["holds"][-1]["id"]) == (staying["id"], hold["id"])
    await assert_sound(store)


# The server's arithmetic on dates


async def test_instants_are_written_and_read_as_in_python(client: Redis) -> None:
    script = _SOURCE[: _SOURCE.index("-- What is kept of a unit")]
    assert _PARTS[0] == "instants"
    script += "local text = iso(tonumber(ARGV[1]))\n"
    script += "return {text, string.format('%d', ms_of(text))}"
    years = (1970, 1999, 2000, 2023, 2024, 2026, 2100, 2400, 9998)
    days = [datetime(y, m, d, tzinfo=UTC) for y in years for m in range(1, 13) for d in (1, 28)]
    days += [datetime(y, 2, 29, tzinfo=UTC) for y in (2000, 2024, 2400)]
    extras = (-86_400_000, -1, 0, 1, 999, 60_000, 86_399_999)
    wanted = [ms for day in days for extra in extras if (ms := epoch_millis(day) + extra) >= 0]
    run = client.register_script(script)
    pipe = client.pipeline(transaction=False)
    for ms in wanted:
        await run(args=[ms], client=pipe)
    for ms, (text, back) in zip(wanted, await pipe.execute(), strict=True):
        assert text.decode() == format_instant(from_epoch_millis(ms))
        assert int(back) == ms


async def test_late_readings_say_why(store: Board) -> None:
    await report(store, "u", 1)
    await report(store, "u", 2, utc_now() - MINUTES)
    assert [late.reason for late in await all_late(store, CLUSTER)] == ["older"]
    assert len(await all_changes(store, CLUSTER)) == 1
