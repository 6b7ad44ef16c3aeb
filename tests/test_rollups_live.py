"""Amounts from what the real store writes: its rows, holds, outcomes and surge levels.

The worlds made by hand elsewhere could write a journal that no store does; this one cannot.
"""

from collections import Counter
from datetime import timedelta

from capacity.board import Board, EmbeddedServer
from capacity.board.outcomes import Outcomes
from capacity.board.surge import Override, SurgeStore
from capacity.catalogue import builtin_catalogue
from capacity.history import Historian, History, Roller
from capacity.holds import By, HoldState
from capacity.indicators.day import Scope
from capacity.indicators.days import begin, day_of
from capacity.indicators.measures import Measure
from capacity.instants import utc_now
from capacity.need import Need
from capacity.outcomes import OutcomeCode, OutcomeValue
from capacity.surge import SurgeState
from tests.support.holds import CLUSTER, ask, held, move, report

pytest_plugins = ["tests.support.database_fixtures"]

CATALOGUE = builtin_catalogue()
BY = By("visitator", "hospital", "v1")
NEED = Need("0710")


async def summed(roller: Roller) -> Counter[Measure]:
    """All there is, whichever side of midnight it was made on."""
    today = day_of(utc_now())
    found = await roller.amounts(
        CLUSTER, tuple(Measure), today - timedelta(days=1), today + timedelta(days=1), ()
    )
    return Counter({each.measure: each.amount for each in found})


async def test_what_the_store_writes_is_what_is_counted(
    board: Board,
    valkey_server: EmbeddedServer,
    database_url: str,
) -> None:
    outcomes, surge = Outcomes(valkey_server.url), SurgeStore(valkey_server.url)
    history = History(database_url)
    await history.start()

    began = utc_now()
    assert await report(board, "a", 2, total=3, occupied=1) == "applied"
    filled = await held(board, "a", need=NEED.as_json(), agreement="lån")
    await move(board, filled["id"], HoldState.ACCEPTED)
    await move(board, filled["id"], HoldState.FILLED)
    declined = await held(board, "a")
    await move(board, declined["id"], HoldState.DECLINED, reason="no_staff")
    given_up = await held(board, "a")
    await move(board, given_up["id"], HoldState.CANCELLED, by=BY)
    assert (await ask(board, "nowhere")).code == "unknown"
    assert await report(board, "a", 1, total=3, occupied=2) == "applied"
    assert await report(board, "a", 3, at=began - timedelta(minutes=9)) == "superseded"

    first = OutcomeValue(OutcomeCode.ADMITTED_NONE_FREE, need=NEED, took_seconds=70)
    logged = await outcomes.log(CLUSTER, first, BY, "r1")
    better = OutcomeValue(OutcomeCode.ALTERNATIVE, unit="a", need=NEED, took_seconds=70)
    await outcomes.correct(CLUSTER, logged.id, better, BY, "r2")

    standing = (await surge.look([CLUSTER]))[CLUSTER]
    await surge.put(CLUSTER, standing, SurgeState(2, standing.now), [])
    until = standing.now + timedelta(hours=1)
    await surge.override(CLUSTER, Override(3, "Brand", until, BY), "r3")
    await surge.lift(CLUSTER, BY, "r4")

    await Historian(history, board, [CLUSTER]).catch_up()
    roller = Roller(history)
    now = utc_now() + timedelta(minutes=5)
    rolled = await roller.roll_up(Scope(CLUSTER, CATALOGUE), now)
    assert rolled.through == now
    found = await summed(roller)
    counted = {
        Measure.UPDATES: 2, Measure.GAPS: 1, Measure.LATE: 1, Measure.ASKED: 3,
        Measure.ACCEPTED: 1, Measure.DECLINED: 1, Measure.ANSWERED: 2, Measure.UNANSWERED: 1,
        Measure.FILLED: 1, Measure.AGREEMENT_ASKED: 1, Measure.AGREEMENT_FILLED: 1,
        Measure.OUTCOMES: 1, Measure.OUTCOME_ALTERNATIVE: 1, Measure.TIMED_CALLS: 1,
        Measure.CALL_SECONDS: 70,
    }  # fmt: skip
    assert {measure: found[measure] for measure in counted} == counted
    assert found[Measure.OUTCOME_NONE_FREE] == 0
    # The level stood from when it was put until now; before, since midnight, nobody knows.
    levels = [Measure.LEVEL_2_MS, Measure.LEVEL_3_MS, Measure.LEVEL_UNKNOWN_MS]
    from_midnight = now - begin(day_of(began))
    assert sum(found[each] for each in levels) == from_midnight // timedelta(milliseconds=1)
    assert found[Measure.LEVEL_2_MS] > found[Measure.LEVEL_3_MS] >= 0
    free = found[Measure.FREE_MS] / 60_000
    assert 5 <= free < 10
    assert found[Measure.OCCUPIED_MS] >= 5 * 2 * 60_000

    await history.stop()
    await surge.stop()
    await outcomes.stop()
