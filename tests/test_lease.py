"""The lease on a cluster's feeds: one holder at a time, and nobody else's writes get in.

Answers the hazard of two processes that both believe they run the feeds, one of them with old
documents in hand.
"""

from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis

from capacity.board import Board, EmbeddedServer, FencedBoard, FencedError, Leases, Outcome
from capacity.board.keys import ClusterKeys
from capacity.board.lease import LEASE
from capacity.board.quarantine import Quarantine
from capacity.board.store import StoredRow
from capacity.instants import from_epoch_millis
from feeds.intake import Intake
from tests.support.board_model import all_changes, reading, until
from tests.support.feeding import CATALOGUE, HandClock, one_source, report
from tests.support.hl7 import adt

C = "c"
SHORT = timedelta(milliseconds=150)

pytest_plugins = ["tests.support.lease_fixtures"]


async def fence_of(leases: Leases, cluster: str = C) -> int:
    hold = await leases.hold(cluster)
    assert hold.fence is not None
    return hold.fence


async def run_out(raw: Redis) -> None:
    """Let the lease end now, as if its holder had been silent for as long as it lasts."""
    await raw.hset(ClusterKeys(C).feeds, "until", 1)


async def test_one_of_two_holds_it_and_renewing_changes_nothing(one: Leases, two: Leases) -> None:
    first = await one.hold(C)
    assert (first.fence, first.holder, first.vacant) == (1, "one:1", timedelta.max)
    other = await two.hold(C)
    assert (other.fence, other.holder, other.vacant) == (None, "one:1", None)
    again = await one.hold(C)
    assert (again.fence, again.vacant) == (1, None)
    assert (await two.hold("another-cluster")).fence == 1


async def test_giving_it_up_lets_the_next_one_in_at_once(one: Leases, two: Leases) -> None:
    await one.hold(C)
    assert not await two.release(C)
    assert await one.release(C)
    assert not await one.release(C)
    taken = await two.hold(C)
    assert taken.fence == 2
    assert taken.vacant is not None
    assert taken.vacant < LEASE


async def test_the_store_s_clock_ends_it(valkey_server: EmbeddedServer, two: Leases) -> None:
    one = Leases(valkey_server.url, "one:1", length=SHORT)
    try:
        await one.hold(C)

        async def taken() -> bool:
            return (await two.hold(C)).fence is not None

        await until(taken)
        assert (await one.hold(C)).fence is None
        assert await fence_of(two) == 2
    finally:
        await one.stop()


async def test_one_that_ran_out_untaken_is_held_again_under_the_same_fence(
    one: Leases, two: Leases, raw: Redis
) -> None:
    assert await fence_of(one) == 1
    await run_out(raw)
    assert (await one.holders([C]))[C].name == ""
    assert await fence_of(one) == 1
    assert (await two.hold(C)).fence is None


async def test_the_fence_grows_with_every_taking(one: Leases, two: Leases, raw: Redis) -> None:
    fences = []
    for leases in (one, two, one, two):
        fences.append(await fence_of(leases))
        await run_out(raw)
    assert fences == [1, 2, 3, 4]


async def test_a_clock_that_was_put_back_does_not_lock_the_lease_for_long(
    one: Leases, two: Leases, raw: Redis
) -> None:
    await one.hold(C)
    seconds, _ = await raw.time()
    in_an_hour = (seconds + 3600) * 1000
    await raw.hset(ClusterKeys(C).feeds, "until", in_an_hour)
    assert (await two.hold(C)).fence is None
    ends = int(await raw.hget(ClusterKeys(C).feeds, "until") or 0)
    assert ends <= (seconds + 10) * 1000 + LEASE // timedelta(milliseconds=1)


async def test_who_holds_it_is_told(one: Leases, two: Leases, raw: Redis) -> None:
    nobody = (await two.holders([C]))[C]
    assert (nobody.name, nobody.fence) == ("", 0)
    await one.hold(C)
    holder = (await two.holders([C]))[C]
    assert (holder.name, holder.fence) == ("one:1", 1)
    assert abs(holder.since - from_epoch_millis((await raw.time())[0] * 1000)) < LEASE


def fenced(board: Board, leases: Leases, fence: int) -> FencedBoard:
    return FencedBoard(board, C, leases.token, fence)


async def test_the_holder_writes_as_on_any_board(board: Board, one: Leases) -> None:
    ours = fenced(board, one, await fence_of(one))
    await ours.still_ours(C)
    applied = await ours.apply(C, [reading("u", 1, "x")], "request")
    assert applied.outcomes == (Outcome.APPLIED,)
    assert await ours.apply(C, [reading("u", 1, "x")], "request") == applied
    (stored,) = (await ours.snapshot(C)).rows
    replaced = await ours.replace(C, [StoredRow("u", b'{"unit":"u"}', stored.version)])
    assert replaced.outcomes == (Outcome.APPLIED,)
    assert len(await all_changes(board, C)) == 2
    await ours.remove(C, ["u"])
    assert not (await board.snapshot(C)).rows


@pytest.mark.parametrize("how", ["ran out", "taken", "given up", "taken, ran out", "store emptied"])
async def test_whoever_no_longer_holds_it_changes_nothing(
    board: Board, one: Leases, two: Leases, raw: Redis, how: str
) -> None:
    ours = fenced(board, one, await fence_of(one))
    await ours.apply(C, [reading("u", 1, "x")])
    if how == "given up":
        await one.release(C)
    else:
        await run_out(raw)
    if how.startswith("taken"):
        await two.hold(C)
    if how == "taken, ran out":
        await run_out(raw)
    if how == "store emptied":
        await raw.flushall()
        await two.hold(C)
        assert await fence_of(two) == 1  # the number alone would have let the old holder in
    before = await raw.hgetall(ClusterKeys(C).versions), await all_changes(board, C)
    holder = "two:2" if how in ("taken", "store emptied") else ""
    version = (await board.snapshot(C)).rows[0].version if before[0] else ""
    row = StoredRow("u", b"{}", version)
    for write in (
        lambda: ours.apply(C, [reading("u", 9, "late")], "late"),
        lambda: ours.apply(C, [reading("u", 9, "late")], "late"),
        lambda: ours.replace(C, [row]),
        lambda: ours.remove(C, ["u"]),
        lambda: ours.still_ours(C),
    ):
        with pytest.raises(FencedError) as refused:
            await write()
        assert refused.value.cluster == C
        assert refused.value.holder == holder
    assert (await raw.hgetall(ClusterKeys(C).versions), await all_changes(board, C)) == before
    # Nothing was remembered of it either: the same request of whoever holds it now is done.
    assert (await board.apply(C, [reading("u", 9, "late")], "late")).outcomes == (Outcome.APPLIED,)


async def test_a_request_that_was_answered_is_not_answered_to_a_former_holder(
    board: Board, one: Leases, two: Leases, raw: Redis
) -> None:
    ours = fenced(board, one, await fence_of(one))
    await ours.apply(C, [reading("u", 1, "x")], "r")
    await run_out(raw)
    await two.hold(C)
    with pytest.raises(FencedError, match="run by two:2"):
        await ours.apply(C, [reading("u", 1, "x")], "r")
    theirs = fenced(board, two, await fence_of(two))
    assert (await theirs.apply(C, [reading("u", 1, "x")], "r")).outcomes == (Outcome.APPLIED,)
    assert len(await all_changes(board, C)) == 1


async def test_an_intake_under_a_lease_takes_movements_in_only_while_it_lasts(
    board: Board, one: Leases, two: Leases, raw: Redis, tmp_path: Path
) -> None:
    unit, cluster = "favrskov-akutplads", "randers"
    quarantine = Quarantine(str(one._url))
    intake = Intake(board, CATALOGUE, HandClock(), quarantine)
    pushed = one_source(tmp_path, units=f'["{unit}"]')
    await intake.take(pushed, orjson.dumps([report(unit, 1)]))
    wards = one_source(tmp_path, format='"hl7v2"', units=f'{{ A1 = "{unit}" }}')
    ours = intake.onto(FencedBoard(board, cluster, one.token, await fence_of(one, cluster)))
    admission = adt("A01", at="20261122120100+0000", control_id="M1").encode()
    assert (await ours.take(wards, admission)).accepted == 1
    assert ours.health is intake.health

    await raw.hset(ClusterKeys(cluster).feeds, "until", 1)
    await two.hold(cluster)
    before, counts = await all_changes(board, cluster), dict(intake.health.of("s").counts)
    another = adt("A01", at="20261122120200+0000", control_id="M2").encode()
    for late in (another, b"MSH|nothing", b"no message at all"):
        with pytest.raises(FencedError):
            await ours.take(wards, late)
    assert await all_changes(board, cluster) == before
    assert await quarantine.tallies() == {}
    assert dict(intake.health.of("s").counts) == counts  # others tell of this source now
    assert intake.health.of("s").failing_since is None
    assert (await intake.take(wards, another)).accepted == 1  # over HTTP, from any process
    await quarantine.stop()


async def test_a_lease_opens_its_own_cluster_only(board: Board, one: Leases) -> None:
    ours = fenced(board, one, await fence_of(one))
    with pytest.raises(ValueError, match="is on c, not on d"):
        await ours.still_ours("d")


async def test_pushes_need_no_lease(board: Board, one: Leases) -> None:
    await one.hold(C)
    assert (await board.apply(C, [reading("u", 1, "x")])).outcomes == (Outcome.APPLIED,)
    await board.still_ours(C)
