"""Holds of a store that was lost: back from their records, with the time they had left."""

from datetime import timedelta

import orjson
import pytest

from capacity.board import Board
from capacity.holds import HoldState, QuotaClaim, is_legal_path
from capacity.instants import format_instant, parse_instant, utc_now
from tests.support.holds import (
    CLUSTER,
    MINUTES,
    SECOND,
    STATES,
    held,
    journal,
    last_records,
    move,
    report,
    row_now,
    shown,
)
from tests.support.stores import StoreServer

pytest_plugins = ["tests.support.store_fixtures"]


async def test_holds_come_back_from_their_records(store: Board, store_server: StoreServer) -> None:
    began = utc_now()
    await report(store, "u", 9, began - MINUTES)
    need: dict[str, object] = {
        "municipality": None,
        "capabilities": [],
        "within_minutes": 1,
        "where": "home",
    }
    quota = QuotaClaim("a|b", 9)
    holds = {name: await held(store, "u", need=need, agreement="a", quota=quota) for name in STATES}
    for state in (HoldState.ACCEPTED, HoldState.DECLINED, HoldState.FILLED):
        await move(store, holds[state]["id"], state, reason="other")
    before, records = await row_now(store, "u"), last_records(await journal(store))
    quotas = await store.quotas(CLUSTER)
    store_server.empty()

    put_back = await store.restore_holds(CLUSTER, records.values())
    await report(store, "u", 9, began - MINUTES)

    after = await row_now(store, "u")
    assert put_back == len(records)
    assert after["holds"] == before["holds"]
    assert shown(after) == shown(before)
    assert await store.quotas(CLUSTER) == quotas
    assert await journal(store) == []
    assert await store.restore_holds(CLUSTER, records.values()) == 0
    assert (await move(store, holds[HoldState.ACCEPTED]["id"], HoldState.FILLED)).code == "done"
    [entry] = await journal(store)
    assert is_legal_path([state for state, _, _ in orjson.loads(entry.data)["path"]])
    assert len(orjson.loads(entry.data)["path"]) == 3


@pytest.mark.parametrize(("lost_for", "left"), [(timedelta(0), 0), (20 * MINUTES, 1)])
async def test_what_ran_out_while_the_store_was_lost_is_extended_by_that_time(
    store: Board, store_server: StoreServer, lost_for: timedelta, left: int
) -> None:
    await report(store, "u", 2)
    hold = await held(store, "u")
    [record] = last_records(await journal(store)).values()
    now = utc_now()
    record["expires_at"] = format_instant(now - 15 * MINUTES)
    store_server.empty()
    await report(store, "u", 2)

    await store.restore_holds(CLUSTER, [record], last_seen=now - lost_for)

    assert await store.expire_holds(CLUSTER) == left
    found = await store.hold(CLUSTER, hold["id"])
    assert found is not None
    assert found["state"] == ("asked" if left else "expired")
    if left:
        assert abs(parse_instant(found["expires_at"]) - now - 5 * MINUTES) < 5 * SECOND


async def test_a_filled_hold_that_the_figures_contain_does_not_count_again(
    store: Board, store_server: StoreServer
) -> None:
    await report(store, "u", 2)
    hold = await held(store, "u")
    await move(store, hold["id"], HoldState.FILLED)
    records = last_records(await journal(store))
    for order in ("rows first", "holds first"):
        store_server.empty()
        if order == "rows first":
            await report(store, "u", 1, utc_now() + SECOND)
        await store.restore_holds(CLUSTER, records.values())
        if order == "holds first":
            await report(store, "u", 1, utc_now() + SECOND)
        assert shown(await row_now(store, "u")) == (0, 1, "free")
