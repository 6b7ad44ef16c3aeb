"""Writes that wait for replicas: what is acknowledged survives its primary, and what may not
survive it is called unconfirmed.

The replica is cut off by a line that throws everything away: a stopped process would not do, since
its kernel keeps what was sent and delivers it afterwards. Answers the hazards of a confirmed
reading that is gone, and of a place that was promised twice.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import orjson
import pytest

from capacity.board import Outcome, UnconfirmedError
from capacity.board.audit import AuditTrail
from capacity.board.outcomes import Outcomes
from capacity.board.sessions import Lifetime, NewSession, Sessions
from capacity.holds import By
from capacity.instants import format_instant, utc_now
from capacity.outcomes import OutcomeCode, OutcomeValue
from tests.support.board_model import (
    all_changes,
    assert_contiguous,
    fold,
    insisting,
    opened,
    reading,
)
from tests.support.holds import ask, held, report
from tests.support.live import SOURCE, UNIT, source_file
from tests.support.service import running, settings_for
from tests.support.topology import PROGRAMS, Line, Replicated, line_to, replicated
from web.store_away import UNCONFIRMED

BY = By("visitator", "hospital", "v1")


@pytest.fixture(params=["valkey", pytest.param("redis7", marks=pytest.mark.redis7)])
def servers(request: pytest.FixtureRequest) -> Iterator[Replicated]:
    """A primary and a replica that do not know of each other yet."""
    with replicated(PROGRAMS[request.param], attached=False) as servers:
        yield servers


@asynccontextmanager
async def linked(servers: Replicated) -> AsyncIterator[tuple[Line, Line]]:
    """The line by which the replica hangs on the primary, and the one by which clients come."""
    async with line_to(servers.primary.port) as link, line_to(servers.primary.port) as front:
        await asyncio.to_thread(servers.attach, link.port)
        yield link, front


def waiting(front: Line) -> str:
    """The address of a store whose writes wait for one replica."""
    return f"redis://127.0.0.1:{front.port}?replicas=1"


async def test_a_write_waits_for_the_replica_and_a_repeat_waits_again(servers: Replicated) -> None:
    async with linked(servers) as (link, front), opened(waiting(front)) as board:
        first = await board.apply("c", [reading("u", 1)], "first")
        link.discards = True

        for _ in range(2):  # the repeat is answered from memory, and must not be believed for it
            with pytest.raises(UnconfirmedError, match="0 of 1 replicas"):
                await board.apply("c", [reading("u", 2)], "second")

        await link.lead_to(servers.primary.port)
        again = await board.apply("c", [reading("u", 2)], "second")
        assert again.outcomes == (Outcome.APPLIED,)
        assert again.cursor.seq == first.cursor.seq + 1
        assert len(await all_changes(board, "c")) == 2
        # one that has nothing to write is not believed either
        link.discards = True
        with pytest.raises(UnconfirmedError):
            await board.apply("c", [reading("u", 2)])


async def test_what_a_promotion_loses_was_never_acknowledged(servers: Replicated) -> None:
    async with linked(servers) as (link, front), opened(waiting(front)) as board:
        before = await board.apply("c", [reading("u", 1), reading("v", 1)], "kept")
        await report(board, "one", 1)
        kept = await held(board, "one", request_id="kept")
        await report(board, "two", 1)
        link.discards = True

        lost = [reading("u", 2)]
        with pytest.raises(UnconfirmedError):
            await board.apply("c", lost, "lost")
        with pytest.raises(UnconfirmedError):
            await ask(board, "two", request_id="lost")
        servers.primary.kill()
        replica = servers.nodes[1]
        replica.says("REPLICAOF", "NO", "ONE")
        await front.lead_to(replica.port)

        # what was acknowledged is there; what was not is really gone, or this proves nothing
        found = {row.unit: row.row for row in (await insisting(lambda: board.snapshot("c"))).rows}
        assert found["u"] == reading("u", 1).row
        # (each question may meet a connection to the one that is gone)
        assert (await insisting(lambda: board.hold("c", kept["id"]))) is not None
        assert [hold["id"] for hold in await insisting(lambda: board.holds("c"))] == [kept["id"]]
        # the old primary comes back as a replica, and whoever was not sure asks again
        servers.primary.start()
        servers.primary.says("REPLICAOF", "127.0.0.1", str(replica.port))
        applied = await insisting(lambda: board.apply("c", lost, "lost"))
        assert applied.outcomes == (Outcome.APPLIED,)
        asked = [("two", "lost"), ("one", "late"), ("one", "kept")]
        answers = [
            await insisting(partial(ask, board, unit, request_id=request))
            for unit, request in asked
        ]
        assert [answer.code for answer in answers] == ["held", "taken", "held"]
        assert answers[-1].hold == kept
        changes = await all_changes(board, "c")
        assert_contiguous(changes)
        assert changes[-1].epoch != before.cursor.epoch
        assert fold(changes) == {row.unit: row.row for row in (await board.snapshot("c")).rows}
        assert [c.row for c in changes].count(lost[0].row) == 1


async def test_all_that_people_do_waits_and_nothing_else(servers: Replicated) -> None:
    """A hold, an outcome, the end of a session, an entry of the trail; not the start of one."""
    async with linked(servers) as (link, front), opened(waiting(front)) as board:
        await report(board, "u", 1)
        day = Lifetime(timedelta(hours=1), timedelta(hours=12))
        sessions = Sessions(waiting(front), utc_now, {}, day)
        outcomes, trail = Outcomes(waiting(front)), AuditTrail(waiting(front))
        link.discards = True
        wanted = NewSession("a", "visitator", None, (), 1, "password", "::1", "test")
        try:
            token = await sessions.begin(wanted)
            assert await sessions.find(token) is not None
            assert await board.expire_holds("c") == 0
            deeds = [
                ask(board, "u"),
                outcomes.log("c", OutcomeValue(OutcomeCode.OTHER), BY, "r"),
                trail.note("deed", "u", account="a", role="visitator", address="::1"),
                sessions.end("a"),
            ]
            told = await asyncio.gather(*deeds, return_exceptions=True)
            assert [type(each) for each in told] == [UnconfirmedError] * len(deeds)
            with pytest.raises(UnconfirmedError):  # nothing is left to end, and yet
                await sessions.end("a")
        finally:
            await asyncio.gather(sessions.stop(), outcomes.stop(), trail.stop())


async def test_without_any_replica_nothing_is_acknowledged() -> None:
    with replicated(PROGRAMS["valkey"], replicas=0) as servers:
        async with opened(f"{servers.url}?replicas=1") as board:
            with pytest.raises(UnconfirmedError):
                await board.apply("c", [reading("u", 1)])
            assert len((await board.snapshot("c")).rows) == 1


async def test_whoever_asks_over_http_is_told_that_it_is_unconfirmed(tmp_path: Path) -> None:
    with replicated(PROGRAMS["valkey"], replicas=0) as servers:
        sources = source_file(tmp_path)
        settings = settings_for(tmp_path, servers.url, sources, redis_replicas=1, run_feeds=False)
        async with running(settings) as service:
            told = {"unit": UNIT, "observed_at": format_instant(utc_now()), "total": 1, "free": 1}
            document = orjson.dumps({"reports": [told]})
            pushed = await service.push(SOURCE, document, key=service.key_for(SOURCE))
            asked = await service.client.post(
                "/api/v1/holds/randers", json={"unit": UNIT}, headers={"X-CSRF-Token": service.csrf}
            )

            assert [pushed.status_code, asked.status_code] == [503, 503]
            assert pushed.json()["rejected"][0]["reason"] == UNCONFIRMED
            assert asked.json() == {"field": "store", "reason": UNCONFIRMED, "code": "unconfirmed"}
            assert {"retry-after"} <= pushed.headers.keys() & asked.headers.keys()
