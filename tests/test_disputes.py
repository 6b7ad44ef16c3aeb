"""Where a feed and a nurse disagree: the rule case by case, and the store held against its twin."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.board import Board, Reading
from capacity.board.keys import ClusterKeys
from capacity.disputes import Channel, Talk, heard, lapsed, word_of
from capacity.instants import epoch_millis, utc_now
from capacity.model import Closure
from capacity.row import Row
from tests.support.board_model import all_late, opened
from tests.support.holds import (
    CLOSED,
    CLUSTER,
    MINUTES,
    assert_sound,
    held,
    reading_with,
    row_now,
)
from tests.support.stores import StoreServer

pytest_plugins = ["tests.support.store_fixtures"]

Who = Literal["feed", "nurse"]


class Telling:
    """Says one thing after another, a minute apart, and tells what is shown then."""

    def __init__(self, board: Board, began: datetime | None = None) -> None:
        self._board = board
        self.now = began or utc_now() - 60 * MINUTES

    async def say(
        self, who: Who, free: int | None, *, seen: timedelta | None = None, **fields: Any
    ) -> tuple[str, int | None, Any]:
        """What became of it, what is shown as free, and what the other says."""
        self.now += MINUTES
        at = self.now if seen is None else self.now - seen
        said = reading_with("u", free, at, channel=who, received=self.now, **fields)
        applied = await self._board.apply(CLUSTER, [said])
        row = await row_now(self._board, "u")
        other: Any = row["disputed"]
        return applied.outcomes[0].value, row["free"], other and (other["source"], other["free"])


async def test_both_words_are_shown_until_one_confirms(store: Board) -> None:
    tell = Telling(store)
    assert await tell.say("feed", 2) == ("applied", 2, None)
    assert await tell.say("nurse", 1) == ("applied", 1, ("feed", 2))
    assert await tell.say("feed", 2) == ("applied", 2, ("nurse", 1))
    assert await tell.say("feed", 3) == ("applied", 3, ("nurse", 1))
    assert await tell.say("feed", 1) == ("applied", 1, None)
    assert await tell.say("feed", 4) == ("applied", 4, None)  # news, after they agreed


async def test_the_other_word_stands_as_it_was_said(store: Board) -> None:
    tell = Telling(store)
    await tell.say("feed", 2)
    first = await row_now(store, "u")

    await tell.say("nurse", 5, **CLOSED)
    row = await row_now(store, "u")
    assert row["disputed"] == {
        "source": "feed",
        "free": 2,
        "state": "free",
        "observed_at": first["observed_at"],
    }
    await tell.say("feed", 0)
    assert (await row_now(store, "u"))["disputed"] == {
        "source": "nurse",
        "free": 0,
        "state": "closed",
        "observed_at": row["observed_at"],
    }


async def test_a_nurse_who_agrees_ends_it_and_what_follows_is_news(store: Board) -> None:
    tell = Telling(store)
    await tell.say("feed", 2)
    assert await tell.say("nurse", 2) == ("applied", 2, None)
    assert await tell.say("feed", 2) == ("applied", 2, None)
    assert await tell.say("nurse", 1) == ("applied", 1, None)
    assert await tell.say("feed", 2) == ("applied", 2, ("nurse", 1))


async def test_a_nurse_who_has_seen_both_settles_it(store: Board) -> None:
    tell = Telling(store)
    await tell.say("feed", 2)
    await tell.say("nurse", 1)

    assert await tell.say("nurse", 1) == ("applied", 1, None)

    assert await tell.say("feed", 2) == ("superseded", 1, None)
    assert await tell.say("feed", 2) == ("superseded", 1, None)
    assert [late.reason for late in await all_late(store, CLUSTER)] == ["settled"] * 2
    assert await tell.say("feed", 3) == ("applied", 3, ("nurse", 1))
    assert await tell.say("feed", 2) == ("applied", 2, ("nurse", 1))


async def test_she_settles_it_too_when_the_feed_spoke_last(store: Board) -> None:
    tell = Telling(store)
    await tell.say("nurse", 1)
    assert await tell.say("feed", 2) == ("applied", 2, ("nurse", 1))

    assert await tell.say("nurse", 0) == ("applied", 0, None)
    assert await tell.say("feed", 2) == ("superseded", 0, None)
    assert await tell.say("nurse", 3) == ("applied", 3, None)
    assert await tell.say("feed", 2) == ("superseded", 3, None)
    assert await tell.say("nurse", 2) == ("applied", 2, None)
    assert await tell.say("feed", 2) == ("applied", 2, None)


async def test_taps_made_before_the_dispute_arose_settle_nothing(store: Board) -> None:
    """A phone without network sends both at once: she had seen neither the feed nor a dispute."""
    tell = Telling(store)
    await tell.say("feed", 2)
    tell.now += 10 * MINUTES
    assert await tell.say("nurse", 1, seen=5 * MINUTES) == ("applied", 1, ("feed", 2))
    assert await tell.say("nurse", 0, seen=4 * MINUTES) == ("applied", 0, ("feed", 2))
    assert await tell.say("feed", 2) == ("applied", 2, ("nurse", 0))


async def test_what_was_overruled_is_shown_again_when_her_word_is_stale(store: Board) -> None:
    tell = Telling(store)
    await tell.say("feed", 2)
    await tell.say("nurse", 1)
    await tell.say("nurse", 1)
    tell.now += 178 * MINUTES
    assert await tell.say("feed", 2) == ("superseded", 1, None)
    assert await tell.say("feed", 2) == ("applied", 2, None)


async def test_a_stale_word_contradicts_nothing(store: Board) -> None:
    tell = Telling(store)
    await tell.say("nurse", 1)
    tell.now += 179 * MINUTES
    assert await tell.say("feed", 2) == ("applied", 2, None)
    tell.now += 180 * MINUTES
    assert await tell.say("nurse", 0) == ("applied", 0, None)


async def test_a_closure_that_has_run_out_contradicts_nothing(store: Board) -> None:
    tell = Telling(store)
    closure = Closure("Frokost", tell.now + 3 * MINUTES, reopens_itself=True)
    await tell.say("nurse", 2, closure=closure)
    assert await tell.say("feed", 1) == ("applied", 1, ("nurse", 0))
    assert await tell.say("feed", 1) == ("applied", 1, None)


async def test_not_knowing_contradicts_nothing(store: Board) -> None:
    tell = Telling(store)
    await tell.say("feed", 2)
    assert await tell.say("nurse", None) == ("applied", None, None)
    assert await tell.say("nurse", 1) == ("applied", 1, ("feed", 2))
    assert await tell.say("feed", None) == ("applied", None, None)
    assert await tell.say("feed", 2) == ("applied", 2, ("nurse", 1))


async def test_trust_is_between_feeds(store: Board) -> None:
    now = utc_now()
    trusted = reading_with("u", 2, now)
    weak = reading_with("u", 3, now + 2 * MINUTES)
    said = reading_with("u", 1, now + MINUTES, channel="nurse")
    strong = {"trust": 9}

    async def apply(reading: Reading, **more: int) -> str:
        fields = {name: getattr(reading, name) for name in Reading.__slots__} | more
        return (await store.apply(CLUSTER, [Reading(**fields)])).outcomes[0].value

    assert await apply(trusted, **strong) == "applied"
    assert await apply(reading_with("u", 3, now + MINUTES / 2)) == "superseded"
    assert await apply(said) == "applied"
    assert await apply(weak) == "applied"
    assert (await row_now(store, "u"))["disputed"] is not None


async def test_the_sweep_ends_disputes_whose_other_word_is_stale(store: Board) -> None:
    began = utc_now() - 181 * MINUTES
    tell = Telling(store, began)
    await tell.say("feed", 2)  # stale at the end of the first minute from now
    tell.now = began + 30 * MINUTES
    assert await tell.say("nurse", 1) == ("applied", 1, ("feed", 2))

    assert await store.expire_holds(CLUSTER) == 0

    assert (await row_now(store, "u"))["disputed"] is None
    await assert_sound(store)


async def test_a_unit_of_which_no_nurse_speaks_costs_nothing(store: Board) -> None:
    tell = Telling(store)
    await tell.say("feed", 2)
    keys = ClusterKeys(CLUSTER)
    assert await store._store.at("c").exists(keys.kept, keys.lapse) == 0
    await tell.say("nurse", 1)
    await tell.say("feed", 1)
    assert await store._store.at("c").exists(keys.kept) == 1
    await tell.say("feed", 2)
    assert await store._store.at("c").exists(keys.kept, keys.lapse) == 0


async def test_a_hold_and_a_dispute_live_in_one_row(store: Board) -> None:
    tell = Telling(store)
    await tell.say("feed", 2)
    hold = await held(store, "u")
    assert await tell.say("nurse", 1) == ("applied", 0, ("feed", 2))
    row = await row_now(store, "u")
    assert row["holds"] == [hold]
    assert (row["free_before_holds"], row["held"]) == (1, 1)
    assert await tell.say("feed", 1) == ("applied", 0, None)
    assert (await row_now(store, "u"))["holds"] == [hold]


# The store and its twin

SAID = st.tuples(
    st.sampled_from(["feed", "nurse"]),
    st.sampled_from([0, 1, 1, 2, 2, None, "closed", "closed for a while"]),
    st.sampled_from([-2, 1, 1, 1, 2]),  # minutes after the last observation; older ones are late
    st.sampled_from([0, 0, 0, 1, 3]),  # minutes until it is received
    st.sampled_from([3, 10, 180]),  # minutes until it is stale
)
BEGAN = datetime.fromisoformat("2026-11-22T12:00:00+00:00")


class Twin:
    """What the rule makes of the same readings, in Python."""

    def __init__(self) -> None:
        self.talk = Talk()
        self.standing: Row | None = None
        self.observed = -1

    def take(self, said: Reading) -> str:
        if said.observed_ms <= self.observed:
            return "superseded"
        row: Row = orjson.loads(said.row)
        channel = Channel(said.channel)
        after = heard(self.talk, channel, word_of(row), said.observed_ms, said.received_ms)
        if after is None:
            return "superseded"
        self.talk, self.standing, self.observed = after, row, said.observed_ms
        return "applied"

    @property
    def disputed(self) -> object:
        other = self.talk.other
        return other and other.shown.as_json()


def readings_of(told: list[tuple[Any, ...]]) -> list[Reading]:
    made: list[Reading] = []
    seen = received = BEGAN
    for n, (who, figure, later, until_received, fresh_for) in enumerate(told):
        at = seen + later * MINUTES + timedelta(milliseconds=n)
        seen = max(seen, at)
        received = max(received, seen) + until_received * MINUTES
        free = figure if isinstance(figure, int) else None if figure is None else 2
        fields: dict[str, Any] = {}
        if isinstance(figure, str):
            back = at + 4 * MINUTES if "while" in figure else None
            fields["closure"] = Closure("Lukket", back, reopens_itself=back is not None)
        fields["fresh_for"] = fresh_for * MINUTES
        made.append(reading_with("u", free, at, channel=who, received=received, **fields))
    return made


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=st.lists(SAID, min_size=1, max_size=25))
def test_the_store_does_what_the_twin_says(
    store_server: StoreServer, told: list[tuple[Any, ...]]
) -> None:
    async def run() -> None:
        store_server.empty()
        twin = Twin()
        async with opened(store_server.url) as board:
            for said in readings_of(told):
                outcome = (await board.apply(CLUSTER, [said])).outcomes[0].value
                assert outcome == twin.take(said)
                row = await row_now(board, "u")
                assert row["disputed"] == twin.disputed
                assert row["observed_at"] == (
                    twin.standing["observed_at"] if twin.standing else None
                )
            await assert_sound(board)

    asyncio.run(run())


@given(told=st.lists(SAID, min_size=1, max_size=25))
def test_the_rule_keeps_its_promises(told: list[tuple[Any, ...]]) -> None:
    twin = Twin()
    for said in readings_of(told):
        before = twin.talk
        word = word_of(orjson.loads(said.row))
        outcome = twin.take(said)
        talk = twin.talk
        if outcome == "superseded":
            assert talk == before
            continue
        assert talk.on == said.channel
        # a dispute is between two words that differ, neither of them unknown
        if talk.other is not None:
            assert word is not None
            assert talk.other.figure != word.figure
        # what has ended is held against nothing
        for each in (talk.feed, talk.nurse):
            assert each is None or each is word or each.ends > said.received_ms or each == word
        assert talk.settled is None or talk.nurse is not None
        assert lapsed(talk, epoch_millis(BEGAN + timedelta(days=9))).other is None
