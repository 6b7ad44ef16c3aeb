"""Holds beside the unit's own figures in a real store: a place counts once, whoever tells of it."""

from datetime import datetime
from typing import Any

import orjson
from redis.asyncio import Redis

from capacity.board import Board
from capacity.board.keys import ClusterKeys
from capacity.board.movements import Move, apply_beds, apply_moves
from capacity.board.upkeep import put_catalogue, reopen_due
from capacity.holds import HoldState
from capacity.instants import utc_now
from capacity.model import BedStatus, BedUse, Closure, Movement, MovementKind
from capacity.units import Catalogue, Cluster, Dated
from tests.support.holds import (
    CLOSED,
    CLUSTER,
    MINUTES,
    SECOND,
    Clock,
    assert_sound,
    held,
    journal,
    last_records,
    move,
    report,
    row_now,
    row_with,
    shown,
    teller,
    unit_of,
)

pytest_plugins = ["tests.support.store_fixtures"]


async def test_a_filled_hold_counts_until_a_later_report_takes_over(store: Board) -> None:
    began = utc_now()
    await report(store, "u", 2, began - 10 * MINUTES)
    hold = await held(store, "u")
    await move(store, hold["id"], HoldState.FILLED)
    assert shown(await row_now(store, "u")) == (0, 1, "free")

    await report(store, "u", 2, began - MINUTES)  # seen before the filling, told after it
    assert shown(await row_now(store, "u")) == (0, 1, "free")
    await report(store, "u", 0, began - 5 * MINUTES)  # superseded
    assert shown(await row_now(store, "u")) == (0, 1, "free")
    await report(store, "u", 1, utc_now() + SECOND)

    row = await row_now(store, "u")
    assert shown(row) == (0, 1, "free")
    assert row["holds"][0]["counts"] is False
    await assert_sound(store)


async def test_live_holds_count_whatever_is_reported(store: Board) -> None:
    await report(store, "u", 2)
    await held(store, "u")
    await held(store, "u")

    await report(store, "u", 1, utc_now() + SECOND)
    assert shown(await row_now(store, "u")) == (2, 0, "occupied")
    await report(store, "u", 3, utc_now() + 2 * SECOND)
    assert shown(await row_now(store, "u")) == (2, 1, "free")
    await report(store, "u", None, utc_now() + 3 * SECOND)
    assert shown(await row_now(store, "u")) == (2, None, "unknown")
    await report(store, "u", 3, utc_now() + 4 * SECOND, **CLOSED)
    assert shown(await row_now(store, "u")) == (2, 0, "closed")
    assert len(await assert_sound(store)) == 2


def catalogue(*names: str, **more: Any) -> Catalogue:
    units = {name: unit_of(name, **more) for name in names}
    return Catalogue(clusters={CLUSTER: Cluster(CLUSTER, "C", "h", Dated(()))}, units=units)


async def test_a_changed_catalogue_overwrites_no_hold(store: Board) -> None:
    await put_catalogue(store, catalogue("u"), utc_now())
    await report(store, "u", 2)
    hold = await held(store, "u")
    assert await put_catalogue(store, catalogue("u"), utc_now()) == 0

    assert await put_catalogue(store, catalogue("u", phone="87000000"), utc_now()) == 1

    row = await row_now(store, "u")
    assert (row["phone"], row["holds"]) == ("87000000", [hold])
    assert shown(row) == (1, 1, "free")
    await assert_sound(store)


async def test_a_unit_that_leaves_takes_its_holds_with_it(store: Board, client: Redis) -> None:
    await put_catalogue(store, catalogue("u", "v"), utc_now())
    await report(store, "u", 2)
    hold, ended = await held(store, "u"), await held(store, "u")
    await move(store, ended["id"], HoldState.CANCELLED)

    await put_catalogue(store, catalogue("v"), utc_now())

    assert await store.holds(CLUSTER) == []
    assert await store.expire_holds(CLUSTER) == 0
    record = last_records(await journal(store))[hold["id"]]
    assert (record["state"], record["reason"]) == ("cancelled", "unit_left")
    keys = ClusterKeys(CLUSTER)
    assert await client.exists(keys.kept, keys.due, keys.lapse, keys.unit_of) == 0


async def test_reopening_overwrites_no_hold(store: Board) -> None:
    await report(store, "u", 2)
    await held(store, "u")
    closure = Closure("Frokost", utc_now() - SECOND, reopens_itself=True)
    await report(store, "u", 2, utc_now() + SECOND, closure=closure)
    assert shown(await row_now(store, "u")) == (1, 0, "closed")

    assert await reopen_due(store, CLUSTER, utc_now()) == 1

    assert shown(await row_now(store, "u")) == (1, 1, "free")
    await assert_sound(store)


def movement(change: int, at: datetime, message: str) -> Move:
    kind = MovementKind.ADMITTED if change > 0 else MovementKind.DISCHARGED
    told = Movement(
        unit="u", observed_at=at, change=change, kind=kind, message_id=message, where=message
    )
    return Move(unit_of("u"), told, message)


async def test_an_admission_takes_over_one_filled_hold_and_a_discharge_none(store: Board) -> None:
    began = utc_now()
    await report(store, "u", 4, began - 9 * MINUTES, total=5, occupied=1, reserved=0, closed=0)
    for hold in [await held(store, "u") for _ in range(2)]:
        await move(store, hold["id"], HoldState.FILLED)
    assert shown(await row_now(store, "u")) == (0, 2, "free")
    after = utc_now() + SECOND

    await apply_moves(store, CLUSTER, [movement(1, began - MINUTES, "m0")], teller())
    assert shown(await row_now(store, "u")) == (0, 1, "free")  # somebody else, before the fillings
    await apply_moves(store, CLUSTER, [movement(-1, after, "m1")], teller())
    assert shown(await row_now(store, "u")) == (0, 2, "free")
    await apply_moves(store, CLUSTER, [movement(1, after + SECOND, "m2")], teller())
    assert shown(await row_now(store, "u")) == (0, 2, "free")  # no longer held, but occupied
    both = [movement(1, after + 2 * SECOND, "m3"), movement(-1, after + 3 * SECOND, "m4")]
    await apply_moves(store, CLUSTER, both, teller())
    assert shown(await row_now(store, "u")) == (0, 3, "free")


async def test_beds_that_are_all_known_take_over_what_was_filled(store: Board) -> None:
    await report(store, "u", 2, utc_now() - MINUTES)
    hold, live = await held(store, "u"), await held(store, "u")
    await move(store, hold["id"], HoldState.FILLED)
    after = utc_now() + SECOND
    beds = [
        (
            unit_of("u"),
            BedStatus(unit="u", bed=bed, use=use, beds=2, observed_at=after, where=bed),
        )
        for bed, use in (("1", BedUse.OCCUPIED), ("2", BedUse.FREE))
    ]

    await apply_beds(store, CLUSTER, beds, teller())

    row = await row_now(store, "u")
    assert shown(row) == (1, 0, "occupied")
    assert {hold["id"]: hold["counts"] for hold in row["holds"]} == {
        hold["id"]: False,
        live["id"]: True,
    }


async def test_rows_of_a_program_before_holds_can_be_held(store: Board, client: Redis) -> None:
    await report(store, "u", 2)
    [stored] = (await store.snapshot(CLUSTER)).rows
    old = stored.row.replace(b'"holds":[],"disputed":null,', b"")
    assert len(old) < len(stored.row)
    await client.hset(ClusterKeys(CLUSTER).rows, "u", old)

    hold = await held(store, "u")

    row = await row_now(store, "u")
    assert (row["holds"], row["disputed"], row["free"]) == ([hold], None, 1)


async def test_a_row_that_such_a_program_wrote_over_a_hold_is_mended(
    store: Board, client: Redis
) -> None:
    await report(store, "u", 2)
    hold = await held(store, "u")
    [stored] = (await store.snapshot(CLUSTER)).rows
    old = row_with("u", 2, utc_now())
    await client.hset(ClusterKeys(CLUSTER).rows, "u", orjson.dumps(old))
    await Clock(client).jump(11 * SECOND)  # it is looked for every ten seconds

    await store.expire_holds(CLUSTER)

    row = await row_now(store, "u")
    assert [each["id"] for each in row["holds"]] == [hold["id"]]
    assert shown(row) == (1, 1, "free")
    [mended] = (await store.snapshot(CLUSTER)).rows
    assert mended.seq == stored.seq + 1
