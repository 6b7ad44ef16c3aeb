"""Outcomes in a real store: once, durable, correctable for a while, and in the journal."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from capacity.board import Board, BoardUnavailableError, EmbeddedServer
from capacity.board.changes import START
from capacity.board.keys import ClusterKeys
from capacity.board.outcomes import (
    Outcomes,
    ReusedRequestError,
    TooLateError,
    UnknownOutcomeError,
)
from capacity.holds import By
from capacity.instants import epoch_millis, format_instant, from_epoch_millis
from capacity.need import Need
from capacity.outcomes import OutcomeCode, OutcomeValue, correction_of, logged_of
from tests.support.stores import EACH_KIND, StoreServer, program_of

BY = By("visitator", "regionshospitalet-randers", "a1")
OTHER_BY = By("visitator", "regionshospitalet-randers", "a2")
NONE_FREE = OutcomeValue(OutcomeCode.ADMITTED_NONE_FREE, need=Need("0730"))
CHOSEN = OutcomeValue(OutcomeCode.ALTERNATIVE, unit="u1", took_seconds=70)
OTHER = OutcomeValue(OutcomeCode.OTHER, reason="called_back")


@pytest.fixture(scope="module", params=EACH_KIND)
def valkey_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreServer]:
    """A server of each kind that the store promises to run on, in place of the shared one."""
    server = StoreServer(tmp_path_factory.mktemp("store"), program_of(request.param))
    server.start()
    yield server
    server.close()


@contextlib.asynccontextmanager
async def opened(url: str, **more: timedelta) -> AsyncIterator[Outcomes]:
    outcomes = Outcomes(url, **more)
    try:
        yield outcomes
    finally:
        await outcomes.stop()


@pytest.fixture
async def outcomes(board: Board, valkey_server: EmbeddedServer) -> AsyncIterator[Outcomes]:
    async with opened(valkey_server.url) as outcomes:
        yield outcomes


@contextlib.asynccontextmanager
async def raw(server: EmbeddedServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(server.url)
    try:
        yield client
    finally:
        await client.aclose()


async def journal(board: Board, cluster: str = "c") -> list[tuple[str, dict[str, object]]]:
    read = await board.journal_after(cluster, START, 1000)
    return [(entry.kind, orjson.loads(entry.data)) for entry in read.entries]


async def test_an_outcome_is_logged_by_the_stores_clock(board: Board, outcomes: Outcomes) -> None:
    logged = await outcomes.log("c", NONE_FREE, BY, "r1")
    assert logged.value == NONE_FREE.as_json()
    assert logged.by == BY.as_json()
    assert logged.correctable_until - logged.at == timedelta(hours=1)
    assert await outcomes.recent("c") == [logged]
    read = await board.journal_after("c", START, 10)
    (entry,) = read.entries
    assert (entry.kind, entry.at, entry.subject) == ("outcome", logged.at, logged.id)
    assert logged_of(orjson.loads(entry.data)) == logged


async def test_a_repeat_is_the_same_outcome(board: Board, outcomes: Outcomes) -> None:
    first = await outcomes.log("c", NONE_FREE, BY, "r1")
    assert await outcomes.log("c", NONE_FREE, BY, "r1") == first
    again = await asyncio.gather(*(outcomes.log("c", CHOSEN, BY, "r2") for _ in range(8)))
    assert len({each.id for each in again}) == 1
    assert [kind for kind, _ in await journal(board)] == ["outcome", "outcome"]


async def test_others_and_other_clusters_may_use_the_same_request_id(outcomes: Outcomes) -> None:
    ids = {
        (await outcomes.log(cluster, NONE_FREE, by, "r1")).id
        for cluster in ("c", "d")
        for by in (BY, OTHER_BY)
    }
    assert len(ids) == 4
    assert len(await outcomes.recent("c")) == 2


async def test_a_request_id_used_for_something_else_is_refused(
    board: Board, outcomes: Outcomes
) -> None:
    first = await outcomes.log("c", NONE_FREE, BY, "r1")
    with pytest.raises(ReusedRequestError):
        await outcomes.log("c", CHOSEN, BY, "r1")
    assert await outcomes.recent("c") == [first]
    assert len(await journal(board)) == 1


async def test_corrections_keep_what_it_was(board: Board, outcomes: Outcomes) -> None:
    logged = await outcomes.log("c", NONE_FREE, BY, "r1")
    await outcomes.correct("c", logged.id, CHOSEN, OTHER_BY, "k1")
    after = await outcomes.correct("c", logged.id, OTHER, BY, "k2")
    assert after.value == OTHER.as_json()
    assert after.logged == NONE_FREE.as_json()
    assert [(each.before, each.after, each.by["account"]) for each in after.corrections] == [
        (NONE_FREE.as_json(), CHOSEN.as_json(), "a2"),
        (CHOSEN.as_json(), OTHER.as_json(), "a1"),
    ]
    assert await outcomes.recent("c") == [after]
    entries = await journal(board)
    assert [kind for kind, _ in entries] == ["outcome", "outcome_correction", "outcome_correction"]
    assert tuple(correction_of(entry) for _, entry in entries[1:]) == after.corrections
    assert {entry["id"] for _, entry in entries} == {logged.id}
    assert await outcomes.log("c", NONE_FREE, BY, "r1") == after, "a repeat gets what stands"


async def test_a_repeated_or_empty_correction_leaves_no_trace(
    board: Board, outcomes: Outcomes
) -> None:
    logged = await outcomes.log("c", NONE_FREE, BY, "r1")
    first = await outcomes.correct("c", logged.id, CHOSEN, BY, "k1")
    second = await outcomes.correct("c", logged.id, NONE_FREE, BY, "k2")
    assert await outcomes.correct("c", logged.id, CHOSEN, BY, "k1") == second
    assert await outcomes.correct("c", logged.id, NONE_FREE, BY, "k3") == second
    assert second.corrections[:1] == first.corrections
    assert len(await journal(board)) == 3


async def test_after_its_time_nothing_can_be_corrected(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    async with opened(valkey_server.url, window=timedelta(milliseconds=150)) as outcomes:
        logged = await outcomes.log("c", NONE_FREE, BY, "r1")
        corrected = await outcomes.correct("c", logged.id, CHOSEN, BY, "k1")
        await until_the_store_is_past(valkey_server, logged.correctable_until)
        with pytest.raises(TooLateError) as late:
            await outcomes.correct("c", logged.id, OTHER, BY, "k2")
        assert late.value.logged == corrected
        repeated = await outcomes.correct("c", logged.id, CHOSEN, BY, "k1")
        assert repeated == corrected, "what was done in time stays done when it is asked again"
        with pytest.raises(UnknownOutcomeError):
            await outcomes.correct("d", logged.id, OTHER, BY, "k3")
    assert len(await journal(board)) == 2


async def until_the_store_is_past(server: EmbeddedServer, instant: datetime) -> None:
    async with asyncio.timeout(30), raw(server) as client:
        while True:
            seconds, micros = await client.time()
            if seconds * 1000 + micros // 1000 > epoch_millis(instant):
                return
            await asyncio.sleep(0.01)


async def test_the_store_lets_old_outcomes_go_and_the_journal_does_not(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    async with opened(valkey_server.url, kept=timedelta(milliseconds=20)) as outcomes:
        old = await outcomes.log("c", NONE_FREE, BY, "r1")
        await until_the_store_is_past(valkey_server, old.at + timedelta(milliseconds=20))
        new = await outcomes.log("c", CHOSEN, BY, "r2")
        assert await outcomes.recent("c") == [new]
    assert [entry["id"] for _, entry in await journal(board)] == [old.id, new.id]
    async with raw(valkey_server) as client:
        assert await client.zrange(ClusterKeys("c").outcome_ages, 0, -1) == [new.id.encode()]


async def test_what_was_lost_is_put_back_and_what_stands_is_left(
    board: Board, outcomes: Outcomes, valkey_server: EmbeddedServer
) -> None:
    logged = await outcomes.log("c", NONE_FREE, BY, "r1")
    corrected = await outcomes.correct("c", logged.id, CHOSEN, BY, "k1")
    async with raw(valkey_server) as client:
        await client.flushall()
    assert await outcomes.restore("c", [corrected]) == 1
    assert await outcomes.restore("c", [logged]) == 0
    assert await outcomes.recent("c") == [corrected]
    assert await outcomes.log("c", NONE_FREE, BY, "r1") == corrected, "a repeat is still one"
    assert await outcomes.correct("c", logged.id, CHOSEN, BY, "k1") == corrected
    after = await outcomes.correct("c", logged.id, OTHER, BY, "k2")
    assert after.value == OTHER.as_json()
    assert [kind for kind, _ in await journal(board)] == ["outcome_correction"]


async def test_corrections_at_once_all_leave_their_trace(outcomes: Outcomes) -> None:
    logged = await outcomes.log("c", NONE_FREE, BY, "r1")
    values = [OutcomeValue(OutcomeCode.OTHER, took_seconds=n) for n in range(12)]
    await asyncio.gather(
        *(outcomes.correct("c", logged.id, value, BY, f"k{n}") for n, value in enumerate(values))
    )
    (after,) = await outcomes.recent("c")
    assert len(after.corrections) == 12
    befores = [each.before for each in after.corrections]
    assert befores == [logged.value, *(each.after for each in after.corrections[:-1])]


async def test_what_was_logged_survives_a_power_cut_and_a_repeat_of_it(tmp_path: Path) -> None:
    server = StoreServer(tmp_path / "store")
    server.start()
    try:
        async with opened(server.url) as outcomes:
            logged = await outcomes.log("c", NONE_FREE, BY, "r1")
            server.kill()
            with pytest.raises(BoardUnavailableError):
                await outcomes.log("c", CHOSEN, BY, "r2")
            server.start()
            assert await outcomes.log("c", NONE_FREE, BY, "r1") == logged
            after = await outcomes.log("c", CHOSEN, BY, "r2")
            assert await outcomes.recent("c") == [logged, after]
    finally:
        server.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(millis=st.integers(0, epoch_millis(datetime(2199, 12, 31, tzinfo=UTC))))
async def test_the_stores_calendar_is_ours(valkey_server: EmbeddedServer, millis: int) -> None:
    script, text = _calendar(), format_instant(from_epoch_millis(millis)) or ""
    async with raw(valkey_server) as client:
        written, read = await client.eval(script, 0, millis, text)
    assert (written.decode(), int(read)) == (text, millis)


def _calendar() -> str:
    lua = files("capacity.board").joinpath("instants.lua").read_text(encoding="utf-8")
    return f"{lua}\nreturn {{iso(tonumber(ARGV[1])), string.format('%d', ms_of(ARGV[2]))}}"
