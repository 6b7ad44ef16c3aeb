"""A store that lost everything is refused, and then filled from history with true ages."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from capacity.board import Board, EmbeddedServer, EmbeddedServerError
from capacity.board.outcomes import KEPT, Outcomes
from capacity.board.store import reading_of
from capacity.catalogue import builtin_catalogue
from capacity.history import Historian, History
from capacity.holds import By, HoldState, QuotaClaim
from capacity.instants import format_instant, utc_now
from capacity.model import PlaceReport
from capacity.outcomes import OutcomeCode, OutcomeValue
from capacity.restoring import restore_if_empty
from capacity.row import digest_of, row_of
from tests.support.service import running, settings_for

pytest_plugins = ["tests.support.database_fixtures"]

CLUSTER = "randers"
UNIT = builtin_catalogue().units["favrskov-akutplads"]
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LONG_AGO, EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

SOURCES = """
[[source]]
id = "favrskov"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads", "favrskov-akutteam"]
"""


BY = By("visitator", "regionshospitalet-randers", "a1")
OTHER = OutcomeValue(OutcomeCode.OTHER)
CALLED_BACK = OutcomeValue(OutcomeCode.OTHER, reason="called_back")


@pytest.fixture
async def outcomes(valkey_server: EmbeddedServer) -> AsyncIterator[Outcomes]:
    outcomes = Outcomes(valkey_server.url)
    yield outcomes
    await outcomes.stop()


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url)
    await history.start()
    yield history
    await history.stop()


async def lose_everything(server: EmbeddedServer) -> None:
    client = Redis.from_url(server.url)
    await client.flushall()
    await client.aclose()


async def put_row(board: Board) -> None:
    row = row_of(UNIT, None, today=NOW.date())
    row["observed_at"] = format_instant(NOW)
    await board.apply(CLUSTER, [reading_of(row, orjson.dumps(row), digest_of(row))])


async def test_outcomes_of_the_last_day_come_back_and_can_be_corrected(
    board: Board, outcomes: Outcomes, history: History, valkey_server: EmbeddedServer
) -> None:
    historian = Historian(history, board, [CLUSTER])
    await put_row(board)
    first = await outcomes.log(CLUSTER, OTHER, BY, "r1")
    corrected = await outcomes.correct(CLUSTER, first.id, CALLED_BACK, BY, "k1")
    second = await outcomes.log(CLUSTER, OTHER, BY, "r2")
    await historian.catch_up()
    await lose_everything(valkey_server)

    restore = partial(restore_if_empty, board, outcomes, history, [CLUSTER], second.at)
    assert await restore() == 1
    assert await outcomes.recent(CLUSTER) == [corrected, second]
    assert await outcomes.log(CLUSTER, OTHER, BY, "r1") == corrected, "a repeat is still one"
    again = await outcomes.correct(CLUSTER, second.id, CALLED_BACK, BY, "k2")
    assert await restore() == 0, "a board that holds something is left alone"
    await historian.catch_up()
    found = await history.outcomes(CLUSTER, LONG_AGO, EVER)
    assert found == [corrected, again]
    assert historian.gaps_found == 0


async def test_outcomes_of_before_do_not_come_back(
    board: Board, outcomes: Outcomes, history: History, valkey_server: EmbeddedServer
) -> None:
    logged = await outcomes.log(CLUSTER, OTHER, BY, "r1")
    await Historian(history, board, [CLUSTER]).catch_up()
    await lose_everything(valkey_server)
    later = logged.at + KEPT + timedelta(seconds=1)
    assert await restore_if_empty(board, outcomes, history, [CLUSTER], later) == 0
    assert await outcomes.recent(CLUSTER) == []


async def test_a_restoring_that_was_cut_off_is_done_again(
    board: Board, outcomes: Outcomes, history: History, valkey_server: EmbeddedServer
) -> None:
    await put_row(board)
    logged = await outcomes.log(CLUSTER, OTHER, BY, "r1")
    await Historian(history, board, [CLUSTER]).catch_up()
    await lose_everything(valkey_server)
    await outcomes.restore(CLUSTER, [logged])
    assert await restore_if_empty(board, outcomes, history, [CLUSTER], logged.at) == 1
    assert await outcomes.recent(CLUSTER) == [logged]
    assert [row.unit for row in (await board.snapshot(CLUSTER)).rows] == [UNIT.id]


async def test_holds_come_back_before_their_places_can_be_promised_again(
    board: Board, outcomes: Outcomes, history: History, valkey_server: EmbeddedServer
) -> None:
    await put_free(board, 3)
    ask = partial(board.ask_hold, CLUSTER, UNIT.id, timedelta(minutes=30), BY)
    asked, accepted, filled = [(await ask(request_id=f"h{n}")).hold for n in (1, 2, 3)]
    assert asked
    assert accepted
    assert filled
    await board.move_hold(CLUSTER, accepted["id"], HoldState.ACCEPTED, BY)
    await board.move_hold(CLUSTER, filled["id"], HoldState.FILLED, BY)
    before = await shown(board)
    assert (before["held"], before["free_before_holds"], before["free"]) == (2, 3, 0)
    await Historian(history, board, [CLUSTER]).catch_up()
    await lose_everything(valkey_server)

    assert await restore_if_empty(board, outcomes, history, [CLUSTER], utc_now()) == 1
    after = await shown(board)
    assert after == before
    refused = await ask(request_id="h5")
    assert refused.code == "taken"
    assert (await ask(request_id="h1")).hold == asked, "a repeated ask is the same hold"
    done = await board.move_hold(CLUSTER, asked["id"], HoldState.ACCEPTED, BY)
    assert (done.code, done.hold and done.hold["state"]) == ("done", "accepted")
    await Historian(history, board, [CLUSTER]).catch_up()
    found = {hold["id"]: hold["state"] for hold in await history.holds(CLUSTER, LONG_AGO, EVER)}
    assert found == {asked["id"]: "accepted", accepted["id"]: "accepted", filled["id"]: "filled"}


async def test_processes_that_restore_at_once_restore_once(
    board: Board, outcomes: Outcomes, history: History, valkey_server: EmbeddedServer
) -> None:
    """A quota counts each hold that was filled, however many processes look at the empty store."""
    await put_free(board, 2)
    quota = QuotaClaim("lån|2026-11", 5)
    ask = partial(board.ask_hold, CLUSTER, UNIT.id, timedelta(minutes=30), BY, quota=quota)
    filled, live = (await ask(request_id="h1")).hold, (await ask(request_id="h2")).hold
    assert filled
    assert live
    await board.move_hold(CLUSTER, filled["id"], HoldState.FILLED, BY)
    await put_free(board, 2)
    assert await board.quotas(CLUSTER) == {"lån|2026-11": 2}
    await Historian(history, board, [CLUSTER]).catch_up()
    last_seen = await history.last_seen(CLUSTER)
    records = await history.holds(CLUSTER, LONG_AGO, EVER)
    await lose_everything(valkey_server)
    for _ in range(2):
        await board.restore_holds(CLUSTER, records, last_seen)
    assert await restore_if_empty(board, outcomes, history, [CLUSTER], utc_now()) == 1
    assert await board.quotas(CLUSTER) == {"lån|2026-11": 2}


async def put_free(board: Board, total: int) -> None:
    """The unit says now that all of its places are free."""
    now = utc_now()
    report = PlaceReport(unit=UNIT.id, observed_at=now, total=total, occupied=0, free=total)
    row = row_of(UNIT, report, received_at=now, source="s", today=now.date())
    await board.apply(CLUSTER, [reading_of(row, orjson.dumps(row), digest_of(row))])


async def shown(board: Board) -> dict[str, Any]:
    (stored,) = (await board.snapshot(CLUSTER)).rows
    row: dict[str, Any] = orjson.loads(stored.row)
    return row


async def test_a_lost_store_comes_back_from_history_as_old_as_it_is(tmp_path: Path) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    try:
        settings = settings_for(tmp_path / "data", store.url, sources)
        async with running(settings) as service:
            hours_ago = format_instant(utc_now() - timedelta(hours=9))
            report = {"unit": "favrskov-akutplads", "observed_at": hours_ago, "total": 2}
            document = orjson.dumps([report | {"occupied": 1}])
            key = service.key_for("favrskov")
            assert (await service.push("favrskov", document, key=key)).json()["accepted"] == 1
            before = await service.rows("randers", at=format_instant(utc_now()))
        await asyncio.to_thread(store.stop)
        shutil.rmtree(tmp_path / "store" / "appendonlydir")

        with pytest.raises(EmbeddedServerError, match="accept-empty"):
            await asyncio.to_thread(store.start)
        await asyncio.to_thread(store.start, accept_empty=True)
        async with running(settings) as service:
            after = await service.rows("randers")
            assert after == before
            assert after["favrskov-akutplads"]["observed_at"] == hours_ago
            assert after["favrskov-akutteam"]["state"] == "unknown"
            again = await service.push("favrskov", document, key=service.key_for("favrskov"))
            assert again.json()["unchanged"] == 1, "a repeat of what was put back is a repeat"
            past = await service.rows("randers", at=format_instant(utc_now()))
            assert past == after
    finally:
        await asyncio.to_thread(store.stop)
