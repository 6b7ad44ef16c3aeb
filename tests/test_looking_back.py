"""From change to change: the steps of a past board, on both databases, against an account of it
that is kept beside."""

import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import NullPool, create_engine, text

from capacity.catalogue import builtin_catalogue
from capacity.history import Catalogues, Historian, History, looking_back
from capacity.history.database import normal_url
from capacity.instants import format_instant, from_epoch_millis
from capacity.replay import PastChange, Step, StepKind, steps
from tests.support.streams import MORNING, MemoryStreams
from web.past_desk import PastDesk

pytest_plugins = ["tests.support.database_fixtures"]

CLUSTER = "randers"
UNITS = ["a", "b", "c"]
START = from_epoch_millis(MORNING)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def row(unit: str, observed: float, stale: float | None, **figures: Any) -> dict[str, Any]:
    return {
        "unit": unit,
        "observed_at": format_instant(at(observed)),
        "received_at": format_instant(at(observed)),
        "ageing_at": None,
        "stale_at": None if stale is None else format_instant(at(stale)),
        "source": "s",
        **figures,
    }


def change(number: int, when: float, said: dict[str, Any] | None, unit: str = "a") -> PastChange:
    text = "" if said is None else orjson.dumps(said).decode()
    return PastChange(number, "e", number, unit, at(when), text)


def kinds(found: list[Step]) -> list[tuple[float, str, str]]:
    return [((s.at - START) / timedelta(minutes=1), s.unit, s.kind.value) for s in found]


# The walk


def test_a_confirmation_is_no_new_figure_and_another_figure_is() -> None:
    standing = [row("a", 0, 60, free=1)]
    changes = [change(1, 10, row("a", 10, 70, free=1)), change(2, 20, row("a", 20, 80, free=2))]
    found = list(steps(standing, changes, at(0), at(30)))
    assert kinds(found) == [(10, "a", "confirmed"), (20, "a", "figures")]


def test_a_figure_goes_stale_by_time_and_is_seen_again_when_it_is_renewed() -> None:
    standing = [row("a", 0, 15, free=1)]
    changes = [change(1, 20, row("a", 20, 35, free=1))]
    found = list(steps(standing, changes, at(0), at(40)))
    assert kinds(found) == [(15, "a", "stale"), (20, "a", "figures"), (35, "a", "stale")]
    assert found[0].seq is None
    assert found[1].seq == 1


def test_a_figure_renewed_at_the_moment_it_would_go_stale_never_did() -> None:
    standing = [row("a", 0, 15, free=1)]
    changes = [change(1, 15, row("a", 15, 30, free=1))]
    found = list(steps(standing, changes, at(0), at(20)))
    assert kinds(found) == [(15, "a", "confirmed")]


def test_what_went_stale_before_the_stretch_is_not_told_again_and_its_end_is_in_it() -> None:
    standing = [row("a", 0, 5, free=1), row("b", 0, 20, free=1)]
    assert kinds(list(steps(standing, [], at(5), at(20)))) == [(20, "b", "stale")]
    assert kinds(list(steps(standing, [], at(4), at(19)))) == [(5, "a", "stale")]


def test_a_unit_that_leaves_is_gone_and_goes_stale_no_more() -> None:
    found = list(steps([row("a", 0, 9, free=1)], [change(1, 5, None)], at(0), at(20)))
    assert kinds(found) == [(5, "a", "left")]


def test_a_first_report_is_seen() -> None:
    nothing = row("a", 0, None, free=None) | {"observed_at": None}
    found = list(steps([nothing], [change(1, 5, row("a", 5, 60, free=None))], at(0), at(20)))
    assert kinds(found) == [(5, "a", "figures")]


# With SQL


@pytest.fixture
async def history(database_url: str) -> AsyncIterator[History]:
    history = History(database_url)
    await history.start()
    yield history
    await history.stop()


class Account:
    """Streams recorded into history, and every board there was, kept by the test itself."""

    def __init__(self) -> None:
        self.streams = MemoryStreams()
        self.rows: dict[str, dict[str, Any]] = {}
        self.boards: list[tuple[datetime, dict[str, dict[str, Any]]]] = []

    def say(self, unit: str, minutes: float, said: dict[str, Any] | None) -> None:
        self.streams.now = MORNING + int(minutes * 60_000)
        self.streams.apply(unit, b"" if said is None else orjson.dumps(said))
        if said is None:
            self.rows.pop(unit, None)
        else:
            self.rows[unit] = said
        self.boards.append((from_epoch_millis(self.streams.now), dict(self.rows)))

    async def record(self, history: History) -> None:
        await Historian(history, self.streams, [CLUSTER], batch=7).catch_up()

    def looks(self, instant: datetime) -> dict[str, Any]:
        """What a reader saw: figures without their times, a dash where they were stale."""
        none: dict[str, dict[str, Any]] = {}
        rows = next((b for when, b in reversed(self.boards) if when <= instant), none)
        return {
            unit: "–"
            if said["stale_at"] and datetime.fromisoformat(said["stale_at"]) <= instant
            else (said["free"], said["observed_at"] is None)
            for unit, said in rows.items()
        }


def some(seed: int, number: int = 40) -> Account:
    """A board's morning: confirmations, changes, silence, batches, a unit that comes and goes."""
    lot, account, minutes = random.Random(seed), Account(), 0.0
    free = dict.fromkeys(UNITS, 1)
    for _ in range(number):
        minutes += lot.choice([0, 0, 1, 3, 17])
        unit = lot.choice(UNITS)
        if lot.random() < 0.08 and unit in account.rows:
            account.say(unit, minutes, None)
            continue
        if lot.random() < 0.4:
            free[unit] = lot.randrange(4)
        account.say(unit, minutes, row(unit, minutes, minutes + 10, free=free[unit]))
    return account


def desk(history: History) -> PastDesk:
    return PastDesk(history, Catalogues(history, builtin_catalogue()), CLUSTER)


@pytest.mark.parametrize("seed", range(2))
async def test_a_board_and_its_changes_make_every_later_board(history: History, seed: int) -> None:
    account = some(seed)
    await account.record(history)
    lot = random.Random(seed)
    for _ in range(10):
        since, until = sorted(at(lot.uniform(-5, 250)) for _ in range(2))
        found = await history.read(
            partial(
                looking_back.changes_after, cluster=CLUSTER, after=since, until=until, limit=999
            )
        )
        rows = {orjson.loads(r)["unit"]: r for r in (await history.board_at(CLUSTER, since)).rows}
        for each in found:
            rows.pop(each.unit, None)
            if each.row:
                rows[each.unit] = each.row.encode()
        then = await history.board_at(CLUSTER, until)
        assert sorted(rows.values()) == sorted(then.rows)


async def test_changes_across_a_clock_that_went_back(history: History) -> None:
    account = Account()
    account.say("a", 0, row("a", 0, None, free=1))
    account.say("a", 30, row("a", 30, None, free=2))
    await account.record(history)
    account.streams.lose(keep=1, back=20 * 60_000)  # a new epoch begins at minute 10
    account.streams.apply("a", orjson.dumps(row("a", 10, None, free=3)))
    await account.record(history)
    found = await history.read(
        lambda c: looking_back.changes_after(c, CLUSTER, at(-1), at(60), 100)
    )
    free = [orjson.loads(each.row)["free"] for each in found]
    assert free == [1, 3]  # what the old epoch said at minute 30 is no board's any more
    assert orjson.loads((await history.board_at(CLUSTER, at(60))).rows[0])["free"] == 3


@pytest.mark.parametrize("limit", [1, 7])
async def test_pages_are_the_whole_and_never_part_an_instant(history: History, limit: int) -> None:
    account = some(11)
    await account.record(history)
    whole = (await desk(history).changes(at(-1), at(400), 10_000)).steps
    since: datetime | None = at(-1)
    paged: list[Step] = []
    while since is not None:
        page = await desk(history).changes(since, at(400), limit)
        paged += page.steps
        since = page.more_from
    assert paged == list(whole)


async def test_steps_forth_and_back_stop_where_the_board_looked_different(
    history: History,
) -> None:
    account = some(5, 40)
    await account.record(history)
    end = account.boards[-1][0] + timedelta(hours=1)
    moments = {when for when, _ in account.boards}
    moments |= {
        datetime.fromisoformat(said["stale_at"]) for _, b in account.boards for said in b.values()
    }
    stops = []
    before = account.looks(at(-1))
    for moment in sorted(moments):
        if (now := account.looks(moment)) != before:
            stops.append(moment)
        before = now
    walked, here = [], at(-1)
    while (ways := await desk(history).ways(here, end)).after is not None:
        here = ways.after
        walked.append(here)
    # A figure that is renewed with another, then with the first in one instant, is a stop too.
    assert set(stops) <= set(walked)
    assert all(account.looks(w) != account.looks(w - timedelta(milliseconds=1))
               or sum(when == w for when, _ in account.boards) > 1 for w in walked)  # fmt: skip
    back, here = [], end
    while (earlier := (await desk(history).ways(here, end)).before) is not None:
        here = earlier
        back.append(here)
    assert back[::-1] == walked


async def test_many_confirmations_are_stepped_over(history: History) -> None:
    account = Account()
    account.say("a", 0, row("a", 0, None, free=1))
    for minute in range(1, 700):
        account.say("a", minute, row("a", minute, minute + 5, free=1))
    account.say("a", 700, row("a", 700, 705, free=2))
    await account.record(history)
    ways = await desk(history).ways(at(0), at(701))
    assert ways.after == at(700)
    assert (await desk(history).ways(at(700), at(701))).before == at(0)
    assert await desk(history).begins() == at(0)


async def test_a_step_is_found_by_an_index_however_long_history_is(
    history: History, database_url: str
) -> None:
    account = some(3)
    await account.record(history)
    engine = create_engine(normal_url(database_url), poolclass=NullPool)
    question = (
        "SELECT id FROM change WHERE cluster = 'randers' AND applied_at > 1 AND applied_at <= 9"
        " ORDER BY applied_at, id LIMIT 300"
    )
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {question}"))
        else:  # a small table is read whole unless that is forbidden
            connection.execute(text("SET enable_seqscan = off"))
            plan = connection.execute(text(f"EXPLAIN {question}"))
        said = " ".join(str(line) for line in plan)
    assert "cluster_applied_at_id" in said
    assert "Sort" not in said
    assert "TEMP B-TREE" not in said


# A property of the walk alone


@given(
    st.lists(
        st.tuples(st.sampled_from(UNITS), st.integers(0, 6), st.integers(0, 2), st.integers(1, 12)),
        max_size=25,
    ),
    st.integers(0, 30),
)
@settings(max_examples=200, deadline=None)
def test_between_two_steps_a_board_looks_the_same(
    said: list[tuple[str, int, int, int]], cut: int
) -> None:
    account, minutes, changes = Account(), 0, []
    for number, (unit, later, free, fresh) in enumerate(said):
        minutes += later
        told = row(unit, minutes, minutes + fresh, free=free)
        account.say(unit, minutes, told)
        changes.append(change(number, minutes, told, unit))
    since, until = at(-1), at(minutes + 20)
    found = list(steps([], changes, since, until))
    assert [each.at for each in found] == sorted(each.at for each in found)
    seen = {each.at for each in found if each.kind is not StepKind.CONFIRMED}
    for minute in range(minutes + 20):
        if at(minute) not in seen:
            before = account.looks(at(minute) - timedelta(milliseconds=1))
            assert account.looks(at(minute)) == before
