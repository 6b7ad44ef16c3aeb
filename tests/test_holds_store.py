"""Holds in a real store: one at a time, each rule by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from capacity.board import Board, StoredRow
from capacity.board.connection import _PARTS, _SOURCE
from capacity.board.keys import ClusterKeys
from capacity.board.movements import Move, Teller, apply_beds, apply_moves
from capacity.board.upkeep import put_catalogue, reopen_due
from capacity.holds import (
    ANSWER_WITHIN,
    LIVE,
    MOST_ENDED_SHOWN,
    NEXT,
    HoldState,
    QuotaClaim,
    is_legal_path,
)
from capacity.instants import (
    epoch_millis,
    format_instant,
    from_epoch_millis,
    parse_instant,
    utc_now,
)
from capacity.model import BedStatus, BedUse, Closure, Movement, MovementKind
from capacity.units import Catalogue, Cluster, Dated
from tests.support.board_model import all_changes, all_late, opened, until
from tests.support.faulty import LossyLine
from tests.support.holds import (
    CLOSED,
    CLUSTER,
    MINUTES,
    NURSE_OF_UNIT,
    VISITATOR,
    Clock,
    ask,
    assert_sound,
    held,
    journal,
    last_records,
    move,
    report,
    row_now,
    row_with,
    unit_of,
)
from tests.support.stores import EACH_KIND, StoreServer, program_of

SECOND = timedelta(seconds=1)
STATES = list(HoldState)


def teller() -> Teller:
    """Movements as they come in now."""
    return Teller("adt", 0, None, utc_now())


@pytest.fixture(scope="module", params=EACH_KIND)
def store_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreServer]:
    """A server of each kind that the board promises to run on."""
    server = StoreServer(tmp_path_factory.mktemp("store"), program_of(request.param))
    server.start()
    yield server
    server.close()


@pytest.fixture
async def store(store_server: StoreServer) -> AsyncIterator[Board]:
    """A board in an emptied store of each kind."""
    store_server.empty()
    async with opened(store_server.url) as board:
        yield board


@pytest.fixture
async def client(store_server: StoreServer) -> AsyncIterator[Redis]:
    """A bare client of the same store."""
    client = Redis.from_url(store_server.url)
    yield client
    await client.aclose()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StoreServer]:
    """A Valkey of the test's own."""
    server = StoreServer(tmp_path)
    server.start()
    yield server
    server.close()


def shown(row: Any) -> tuple[int, int | None, str]:
    return row["held"], row["free"], row["state"]


# Asking


async def test_a_hold_lowers_free_and_stands_in_the_row_and_the_journal(store: Board) -> None:
    await report(store, "u", 2)
    need: dict[str, object] = {
        "municipality": "0730",
        "capabilities": [],
        "within_minutes": None,
        "where": "either",
    }

    answer = await ask(store, "u", need=need, agreement="a1")

    row, hold = await row_now(store, "u"), answer.hold
    assert answer.code == "held"
    assert row["holds"] == [hold]
    assert shown(row) == (1, 1, "free")
    assert row["free_before_holds"] == 2
    assert hold is not None
    assert hold == {
        "id": hold["id"], "unit": "u", "state": "asked", "asked_at": hold["asked_at"],
        "expires_at": hold["expires_at"], "answer_by": hold["answer_by"], "answered_at": None,
        "ended_at": None, "by": VISITATOR.as_json(), "need": need, "agreement": "a1",
        "reason": None, "counts": True,
    }  # fmt: skip
    asked = parse_instant(hold["asked_at"])
    assert abs(asked - utc_now()) < 60 * SECOND
    assert parse_instant(hold["expires_at"]) - asked == 30 * MINUTES
    assert parse_instant(hold["answer_by"]) - asked == ANSWER_WITHIN
    [entry] = await journal(store)
    assert entry.kind == "hold"
    assert orjson.loads(entry.data) == hold | {
        "quota": None,
        "path": [["asked", hold["asked_at"], VISITATOR.as_json()]],
    }
    assert answer.cursor == await store.cursor(CLUSTER)
    await assert_sound(store)


@pytest.mark.parametrize(
    ("free", "fields", "code"),
    [
        (0, {}, "taken"),
        (None, {}, "unknown"),
        (2, CLOSED, "closed"),
        (2, {"at": -180 * MINUTES}, "stale"),
        (2, {"at": -179 * MINUTES}, "held"),
    ],
)
async def test_what_cannot_be_held_says_why(
    store: Board, free: int | None, fields: dict[str, Any], code: str
) -> None:
    said = {name: value for name, value in fields.items() if name != "at"}
    await report(store, "u", free, utc_now() + fields.get("at", timedelta(0)), **said)

    answer = await ask(store, "u")

    assert answer.code == code
    assert (answer.hold is None) == (code != "held")
    await assert_sound(store)


async def test_a_unit_without_a_report_or_a_row_cannot_be_held(store: Board) -> None:
    blank = row_with("u", None, utc_now()) | {"observed_at": None, "stale_at": None}
    await store.replace(CLUSTER, [StoredRow("u", orjson.dumps(blank), "")])

    assert (await ask(store, "u")).code == "unknown"
    assert (await ask(store, "nobody")).code == "unknown"
    assert await journal(store) == []


async def test_two_visitators_and_the_last_place(store: Board) -> None:
    await report(store, "u", 1)

    answers = await asyncio.gather(*(ask(store, "u") for _ in range(20)))

    assert sorted(answer.code for answer in answers) == ["held"] + ["taken"] * 19
    assert shown(await row_now(store, "u")) == (1, 0, "occupied")
    await assert_sound(store)


async def test_a_repeated_ask_gets_the_first_answer(store: Board) -> None:
    await report(store, "u", 2)

    first = await ask(store, "u", request_id="r1")
    await ask(store, "u", request_id="r2")

    assert await ask(store, "u", request_id="r1") == first
    assert (await ask(store, "u", request_id="r3")).code == "taken"
    assert (await row_now(store, "u"))["held"] == 2


async def test_an_ask_repeated_after_its_answer_was_forgotten_makes_no_second_hold(
    store: Board, client: Redis
) -> None:
    await report(store, "u", 2)
    first = await ask(store, "u", request_id="r1")
    await client.delete(ClusterKeys(CLUSTER).request("hold:r1"))

    again = await ask(store, "u", request_id="r1")

    assert (again.code, again.hold) == ("held", first.hold)
    assert (await row_now(store, "u"))["held"] == 1


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_lost_reply_holds_once(server: StoreServer, lost: int) -> None:
    async with LossyLine(server.path) as line, opened(line.url) as board:
        await report(board, "u", 2)
        line.lose = lost

        answer = await ask(board, "u")

        assert answer.code == "held"
        assert (await row_now(board, "u"))["held"] == 1
        assert len(await assert_sound(board)) == 1


async def test_a_hold_survives_a_killed_server(server: StoreServer) -> None:
    async with opened(server.url) as board:
        await report(board, "u", 1)
        hold = await held(board, "u", request_id="r1")
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

        assert (await ask(board, "u")).code == "taken"
        assert (await ask(board, "u", request_id="r1")).hold == hold
        assert (await move(board, hold["id"], HoldState.ACCEPTED)).code == "done"
        await assert_sound(board)


# Answering


@pytest.mark.parametrize("to", STATES)
@pytest.mark.parametrize("path", [(), ("accepted",)])
async def test_what_may_follow(store: Board, path: tuple[str, ...], to: HoldState) -> None:
    await report(store, "u", 2)
    hold = await held(store, "u")
    for state in path:
        await move(store, hold["id"], HoldState(state))
    before = await row_now(store, "u")

    answer = await move(store, hold["id"], to, reason="other")

    start = HoldState(path[-1]) if path else HoldState.ASKED
    assert answer.code == ("done" if to in NEXT[start] else "illegal")
    assert answer.hold == (await row_now(store, "u"))["holds"][0]
    if answer.code == "illegal":
        assert await row_now(store, "u") == before
    else:
        assert (answer.hold["state"], answer.hold["reason"]) == (to, "other")
        assert answer.hold["answered_at"] is not None or to not in ("accepted", "declined")
        assert (answer.hold["ended_at"] is None) == (to in LIVE)
    await assert_sound(store)


@pytest.mark.parametrize("end", [state for state in STATES if state not in LIVE])
async def test_nothing_follows_an_end(store: Board, end: HoldState) -> None:
    await report(store, "u", 2)
    hold = await held(store, "u")
    if end is HoldState.RELEASED:
        await move(store, hold["id"], HoldState.ACCEPTED)
    assert (await move(store, hold["id"], end)).code == "done"

    for to in STATES:
        answer = await move(store, hold["id"], to)
        assert (answer.code, answer.hold["state"] if answer.hold else None) == ("illegal", end)

    free = 1 if end is HoldState.FILLED else 2
    assert shown(await row_now(store, "u")) == (0, free, "free")
    await assert_sound(store)


async def test_an_unknown_hold_is_unknown(store: Board) -> None:
    answer = await move(store, "6d2f4c54-0000-0000-0000-000000000000", HoldState.ACCEPTED)

    assert (answer.code, answer.hold) == ("unknown", None)
    assert await store.hold(CLUSTER, "nobody") is None


async def test_the_path_tells_who_did_what(store: Board) -> None:
    await report(store, "u", 2)
    hold = await held(store, "u")
    await move(store, hold["id"], HoldState.ACCEPTED)
    await move(store, hold["id"], HoldState.FILLED, by=VISITATOR)

    record = last_records(await journal(store))[hold["id"]]

    assert [(state, by) for state, _, by in record["path"]] == [
        ("asked", VISITATOR.as_json()),
        ("accepted", NURSE_OF_UNIT.as_json()),
        ("filled", VISITATOR.as_json()),
    ]
    assert record["answered_at"] == record["path"][1][1]
    assert record["ended_at"] == record["path"][2][1]


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_lost_reply_to_an_answer_is_no_second_answer(
    server: StoreServer, lost: int
) -> None:
    async with LossyLine(server.path) as line, opened(line.url) as board:
        await report(board, "u", 2)
        hold = await held(board, "u")
        line.lose = lost

        assert (await move(board, hold["id"], HoldState.ACCEPTED)).code == "done"
        assert len(await journal(board)) == 2


async def test_of_an_acceptance_and_a_cancellation_at_once_each_hears_the_truth(
    store: Board,
) -> None:
    await report(store, "u", 5)
    for _ in range(5):
        hold = await held(store, "u")
        accepted, declined = await asyncio.gather(
            move(store, hold["id"], HoldState.ACCEPTED), move(store, hold["id"], HoldState.DECLINED)
        )
        assert sorted([accepted.code, declined.code]) == ["done", "illegal"]
        assert accepted.hold is not None
        if accepted.code == "done":
            await move(store, hold["id"], HoldState.CANCELLED)
    await assert_sound(store)


# Time


async def test_a_hold_expires_by_the_stores_clock(store: Board) -> None:
    await report(store, "u", 1)
    hold = await held(store, "u", hold_for=timedelta(milliseconds=150))
    assert await store.expire_holds(CLUSTER) == 1

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
    await held(store, "u", hold_for=3 * MINUTES)
    accepted = await held(store, "u", hold_for=3 * MINUTES)
    await move(store, accepted["id"], HoldState.ACCEPTED)

    await Clock(client).jump((by if forth else -by) * MINUTES)
    assert await store.expire_holds(CLUSTER) == 2

    now = utc_now()
    for hold in await store.holds(CLUSTER):
        left = parse_instant(hold["expires_at"]) - now
        assert 170 * SECOND < left <= 181 * SECOND
        if hold["state"] == "asked":
            assert 50 * SECOND < parse_instant(hold["answer_by"]) - now <= 61 * SECOND
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


# The unit's own figures


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


# Quotas


async def test_a_quota_is_counted_and_given_back(store: Board) -> None:
    await report(store, "u", 9)
    quota = QuotaClaim("a1|2026-11", 2)

    async def one() -> str:
        return (await ask(store, "u", quota=quota, agreement="a1")).code

    answers = await asyncio.gather(*(one() for _ in range(6)))
    assert sorted(answers) == ["held"] * 2 + ["quota"] * 4
    assert await store.quotas(CLUSTER) == {"a1|2026-11": 2}
    first, second = (hold["id"] for hold in await store.holds(CLUSTER))
    assert (await ask(store, "u")).code == "held"  # that needs no agreement

    await move(store, first, HoldState.FILLED)
    assert await one() == "quota"
    await move(store, second, HoldState.DECLINED)
    assert await store.quotas(CLUSTER) == {"a1|2026-11": 1}
    assert await one() == "held"
    assert (await ask(store, "u", quota=QuotaClaim("a1|2026-12", 2))).code == "held"


@pytest.mark.parametrize("end", [HoldState.CANCELLED, HoldState.RELEASED, HoldState.EXPIRED])
async def test_a_quota_whose_last_hold_ended_is_forgotten(store: Board, end: HoldState) -> None:
    await report(store, "u", 9)
    for_long = timedelta(0) if end is HoldState.EXPIRED else MINUTES
    hold = await held(store, "u", hold_for=for_long, quota=QuotaClaim("a|b", 1))
    if end is HoldState.EXPIRED:
        await store.expire_holds(CLUSTER)
    else:
        await move(store, hold["id"], HoldState.ACCEPTED)
        await move(store, hold["id"], end)

    assert await store.quotas(CLUSTER) == {}


# A store that was lost


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
