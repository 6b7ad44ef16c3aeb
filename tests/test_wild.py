"""Seen in the wild: what real sources have sent, end to end from their bytes to the board's rows.

Small files of our own show each case alone; the published files, where they show it too, are
played whole in test_wild_published.py.
"""

from datetime import UTC, datetime, timedelta

import pytest

from capacity.instants import parse_instant
from capacity.model import Freshness
from capacity.rules import freshness_at
from tests.support.feeding import CATALOGUE
from tests.support.wild import HEADER, ONE, TWO, Opened, lines

pytest_plugins = ["tests.support.wild_fixtures"]

GOOD = lines("A;Et;2026-11-22 12:50;4;3", "B;To;2026-11-22 12:50;2;0")


async def test_an_error_page_in_place_of_the_csv(opened: Opened) -> None:
    feed = opened()
    await feed.take(GOOD)
    for page in (
        "<!DOCTYPE html>\n<html><body>502 Bad Gateway; prøv igen</body></html>",
        "\ufeff \n<HTML><HEAD>Log ind</HEAD>",
    ):
        assert "web page" in await feed.refused(page)
    assert "missing from the header" in await feed.refused("Der opstod en fejl (ORA-12541).\n")
    assert "missing from the header" in await feed.refused('{"error": "unauthorized"}')
    await feed.take(GOOD.replace("12:50", "12:51"))
    assert feed.intake.health.of("s").failing_since is None


async def test_an_empty_file_empties_nothing(opened: Opened) -> None:
    feed = opened()
    await feed.take(GOOD)
    for empty in ("", "\n\n", "\ufeff", " \r\n"):
        assert "empty" in await feed.refused(empty)
    receipt = await feed.take(lines())
    assert receipt.durable == 0, "a header alone says nothing about anything"
    assert await feed.shown("occupied", "total") == (3, 4)


async def test_a_truncated_file_costs_what_is_cut_off(opened: Opened) -> None:
    feed = opened()
    newer = GOOD.replace("12:50", "12:55").replace("4;3", "4;4")
    receipt = await feed.take(newer[: newer.index("B;To;2026") + 10])
    assert receipt.accepted == 1
    (reject,) = receipt.rejected
    assert (reject.where, reject.field) == ("line 3", "row")
    assert "cut off" in reject.reason
    assert await feed.shown("occupied") == (4,)
    assert TWO not in await feed.rows()
    # Cut inside the last cell it still has all its cells: known only by what it should have said.
    quoted = lines('A;"Et', header=HEADER)
    assert (await feed.take(quoted)).rejected[0].where == "line 2"


async def test_columns_that_are_added_or_renamed_between_two_days(opened: Opened) -> None:
    feed = opened()
    await feed.take(GOOD)
    added = "Ny kolonne;" + HEADER + ";Også ny"
    receipt = await feed.take(lines("x;A;Et;2026-11-22 12:51;4;2;y", header=added))
    assert receipt.accepted == 1
    moved = "Belagt;Pladser;Tid;Navn;Sted"
    assert (await feed.take(lines("1;4;2026-11-22 12:52;Et;A", header=moved))).accepted == 1
    renamed = HEADER.replace("Belagt", "Optaget")
    reason = await feed.refused(lines("A;Et;2026-11-22 12:53;4;0", header=renamed))
    assert "Belagt" in reason
    twice = HEADER + ";Belagt"
    reason = await feed.refused(lines("A;Et;2026-11-22 12:53;4;0;9", header=twice))
    assert "more than once" in reason
    assert await feed.take(lines("A;2026-11-22 12:54;4;0", header="Sted;Tid;Pladser;Belagt"))
    assert await feed.shown("occupied", "observed_at") == (0, "2026-11-22T11:54:00Z")


async def test_a_source_that_rewrites_its_past(opened: Opened) -> None:
    """What was shown stays; the other story is kept beside it, for history."""
    feed = opened()
    await feed.take(lines("A;Et;2026-11-22 12:50;4;3"))
    await feed.take(lines("A;Et;2026-11-22 12:55;4;4"))
    rewritten = lines("A;Et;2026-11-22 12:50;4;1", "A;Et;2026-11-22 12:55;4;2")
    receipt = await feed.take(rewritten)
    assert (receipt.superseded, receipt.accepted) == (2, 0)
    assert await feed.shown("occupied", "observed_at") == (4, "2026-11-22T11:55:00Z")
    late = await feed.board.late_after("randers", "0-0")
    assert [reading.reason for reading in late] == ["older", "older"]


@pytest.mark.parametrize("figures", ["4;3", "4;{n}"])
async def test_a_dead_source_that_keeps_updating_goes_stale_on_time(
    opened: Opened, figures: str
) -> None:
    """It is asked, answers, and says the same time over and over, its figures the same or not."""
    feed = opened()
    stale_after = CATALOGUE.units[ONE].freshness.stale_after
    observed_at = datetime(2026, 11, 22, 11, 50, tzinfo=UTC)
    for n in range(4):
        await feed.take(lines(f"A;Et;2026-11-22 12:50;{figures.format(n=n)}"))
        feed.clock.move(minutes=1)
    (row,) = (await feed.rows()).values()
    assert row["stale_at"] == (observed_at + stale_after).isoformat().replace("+00:00", "Z")

    def at(moment: datetime) -> Freshness:
        instants = (parse_instant(row[key]) for key in ("observed_at", "ageing_at", "stale_at"))
        return freshness_at(moment, *instants)

    end = observed_at + stale_after
    assert at(end - timedelta(milliseconds=1)) is Freshness.AGEING
    assert at(end) is Freshness.STALE
    health = feed.intake.health.of("s")
    assert health.newest_observed_ms == observed_at.timestamp() * 1000, "its data is that old"


async def test_total_rows_beside_their_parts(opened: Opened) -> None:
    feed = opened(leave_out=[{"column": "Navn", "matches": "I alt.*"}])
    receipt = await feed.take(
        lines("A;Et;2026-11-22 12:50;4;3", ";I alt, øst;2026-11-22 12:50;6;3", "A;I alt;x;6;3")
    )
    assert (receipt.accepted, receipt.rejected) == (1, [])
    assert await feed.shown("total") == (4,)
    # Without the rule they are refused by name, and still nothing is counted twice.
    careless = opened()
    receipt = await careless.take(lines("I alt;;2026-11-22 12:51;6;3", ";;2026-11-22 12:51;6;3"))
    assert [(r.where, r.field) for r in receipt.rejected] == [
        ("line 3", "unit"),
        ("line 2", "unit"),
    ]
    assert await careless.shown("total") == (4,)


async def test_sites_that_change_name_but_not_id(opened: Opened) -> None:
    feed = opened()
    await feed.take(GOOD)
    before = await feed.shown("name", "unit")
    await feed.take(lines("A;Et helt nyt navn;2026-11-22 12:51;4;2"))
    assert await feed.shown("name", "unit") == before
    assert await feed.shown("occupied") == (2,)


@pytest.mark.parametrize("word", ["-999999", "NA", "n/a", "ukendt", "", "ingen oplysninger i dag"])
async def test_sentinels_are_unknown_once_the_mapping_names_them(opened: Opened, word: str) -> None:
    known = ["-999999", "NA", "n/a", "ukendt", "ingen oplysninger i dag"]
    feed = opened(unknown_words=known)
    assert (await feed.take(lines(f"A;Et;2026-11-22 12:50;4;{word}"))).accepted == 1
    assert await feed.shown("total", "occupied", "free", "state") == (4, None, None, "unknown")


@pytest.mark.parametrize("word", ["-999999", "999999999", "ingen oplysninger i dag", "0,85", "1e3"])
async def test_a_sentinel_that_nobody_named_is_never_a_count(opened: Opened, word: str) -> None:
    feed = opened()
    (reject,) = (await feed.take(lines(f"A;Et;2026-11-22 12:50;4;{word}"))).rejected
    assert reject.field == "occupied"
    assert word not in reject.reason
    assert await feed.rows() == {}


async def test_occupied_over_total_is_kept_and_marked(opened: Opened) -> None:
    feed = opened()
    await feed.take(lines("A;Et;2026-11-22 12:50;7;8"))
    assert await feed.shown("total", "occupied", "free", "state", "inconsistencies") == (
        7, 8, 0, "occupied", ["occupied_over_total"],
    )  # fmt: skip


async def test_a_total_of_zero_is_zero_and_not_unknown(opened: Opened) -> None:
    feed = opened()
    await feed.take(lines("A;Et;2026-11-22 12:50;0;0", "B;To;2026-11-22 12:50;0;2"))
    assert await feed.shown("total", "occupied", "free") == (0, 0, 0)
    two = (await feed.rows())[TWO]
    assert (two["total"], two["occupied"], two["free"]) == (0, 2, 0)
    assert two["inconsistencies"] == ["occupied_over_total"]


@pytest.mark.parametrize(
    ("time", "observed_at"),
    [
        ("2026-91-22 12:50", None),
        ("2026-02-30 12:50", None),
        ("2026-11-22 24:50", None),
        ("2026-07-01T12:50:00+01:00", None),  # summer, and the offset of winter
        ("2026-11-22T12:50:00+02:00", None),  # winter, and the offset of summer
        ("2026-03-29 02:30", None),  # the hour that March skips
        ("2026-11-22T12:50:00+01:00", "2026-11-22T11:50:00Z"),
        ("2026-07-01T12:50:00+02:00", "2026-07-01T10:50:00Z"),
        ("2026-11-22T11:50:00.1234567Z", "2026-11-22T11:50:00.123Z"),
        ("2026-11-22T12:50:00.9999999", "2026-11-22T11:50:00.999Z"),
        ("2026-11-22 9:05", "2026-11-22T08:05:00Z"),
        ("2026-11-22T13:02:00.000", "2026-11-22T12:02:00Z"),  # two minutes ahead, and no more
        ("2026-11-22T13:02:00.001", None),
    ],
)
async def test_times_as_they_come(opened: Opened, time: str, observed_at: str | None) -> None:
    feed = opened()
    receipt = await feed.take(lines(f"A;Et;{time};4;3"))
    assert await feed.shown("observed_at") == (observed_at,)
    if observed_at is None:
        (reject,) = receipt.rejected
        assert (reject.where, reject.field) == ("line 2", "observed_at")
