"""Seen in the wild: what real sources have sent, end to end from their bytes to the board's rows.

Small files of our own show each case alone; the published files, where they show it too, are
played whole and compared with a reading by the csv module alone.
"""

import csv
import io
import json
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from capacity.board import Board
from capacity.instants import parse_instant
from capacity.model import Freshness, UnreadableError
from capacity.rules import freshness_at
from feeds.intake import Intake, Receipt
from feeds.sources import Source
from tests.support.conformance import rows_of
from tests.support.feeding import CATALOGUE, HandClock, intake_over, one_source
from tests.support.quebec import IDENTIFIER, NO_INFORMATION, OCCUPIED, TOTAL, UPDATED

ONE, TWO = "randers-akutplads-1", "randers-akutplads-2"
COLUMNS = {"unit": "Sted", "observed_at": "Tid", "total": "Pladser", "occupied": "Belagt"}
HEADER = "Sted;Navn;Tid;Pladser;Belagt"


def toml(values: dict[str, Any]) -> str:
    """An inline table of texts, numbers, flat lists of texts and tables."""

    def written(value: object) -> str:
        if isinstance(value, dict):
            return toml(value)
        if isinstance(value, list):
            return "[" + ", ".join(map(written, value)) + "]"
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)

    return "{ " + ", ".join(f"{key} = {written(value)}" for key, value in values.items()) + " }"


class Feed:
    """One CSV source, its board and its clock."""

    def __init__(self, board: Board, source: Source, clock: HandClock) -> None:
        self.board, self.source, self.clock = board, source, clock
        self.intake: Intake = intake_over(board, clock)

    async def take(self, document: str | bytes, encoding: str = "utf-8") -> Receipt:
        raw = document if isinstance(document, bytes) else document.encode(encoding)
        return await self.intake.take(self.source, raw)

    async def rows(self) -> dict[str, dict[str, Any]]:
        return await rows_of(self.board)

    async def shown(self, *fields: str) -> tuple[object, ...]:
        row = (await self.rows()).get(ONE, {})
        return tuple(row.get(field) for field in fields)

    async def refused(self, document: str | bytes) -> str:
        """Why a document is refused whole; the board must stand still and the health tell it."""
        before = await self.rows()
        with pytest.raises(UnreadableError) as error:
            await self.take(document)
        assert await self.rows() == before
        assert self.intake.health.of(self.source.id).failing_since is not None
        return str(error.value)


Opened = Callable[..., Feed]


@pytest.fixture
def opened(board: Board, tmp_path: Path) -> Opened:
    """Opens a feed with the mapping's keys given; times are Danish unless said otherwise."""

    def open_feed(
        units: dict[str, str] | None = None, zone: str = "Europe/Copenhagen", **mapping: Any
    ) -> Feed:
        stated = {"separator": ";", "columns": COLUMNS} | mapping
        source = one_source(
            tmp_path,
            format='"csv"',
            timezone=f'"{zone}"',
            units=toml({f'"{own}"': unit for own, unit in (units or {"A": ONE, "B": TWO}).items()}),
            mapping=toml(stated),
        )
        return Feed(board, source, HandClock())

    return open_feed


def lines(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"


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


def published(raw: bytes, encoding: str) -> list[dict[str, str]]:
    """The rows of a published file by the csv module alone, headers without stray white space."""
    table = list(csv.reader(io.StringIO(raw.decode(encoding), newline="")))
    names = [name.strip() for name in table[0]]
    return [dict(zip(names, cells, strict=True)) for cells in table[1:]]


LOADS = ("rhr-akutafdeling", "rhr-visitation", "akutklinik-grenaa", "laegevagt-randers")


@pytest.mark.samples
async def test_quebec_overfull_renamed_zero_and_a_sentence(opened: Opened, samples: Path) -> None:
    folder = samples / "timeseries" / "quebec-er"
    names = (
        "urgence_2024-01-08T12.csv", "urgence_time_2024-01-08T12.csv",
        "urgence_time_2024-06-01T12.csv",
    )  # fmt: skip
    raws = [(folder / name).read_bytes() for name in names]
    tables = [published(raw, "cp1252") for raw in raws]
    assert set(tables[0][0]) < set(tables[1][0]), "columns were added between the two"
    first, last = ({r[IDENTIFIER]: r for r in tables[n] if r[IDENTIFIER].strip()} for n in (1, 2))
    (renamed,) = (i for i in first if first[i]["Nom_installation"] != last[i]["Nom_installation"])
    (silent,) = (i for i in last if last[i][OCCUPIED] == NO_INFORMATION)
    zero = next(i for i in last if last[i][TOTAL] == "0")
    full = next(
        i for i in last
        if i not in (renamed, silent) and 0 < int(last[i][TOTAL]) < int(last[i][OCCUPIED])
    )  # fmt: skip
    watched = dict(zip((renamed, silent, zero, full), LOADS, strict=True))
    feed = opened(
        watched,
        "America/Montreal",
        separator=",",
        encoding="cp1252",
        columns={"unit": IDENTIFIER, "total": TOTAL, "occupied": OCCUPIED, "observed_at": UPDATED},
        unknown_words=[NO_INFORMATION],
        leave_out=[{"column": IDENTIFIER, "blank": True}],
    )
    for raw, table, instant in zip(
        raws, tables, ("2024-01-08T12:45Z", "2024-01-08T12:45Z", "2024-06-01T12:45Z"), strict=True
    ):
        receipt = await feed.take(raw)
        by_id = {row[IDENTIFIER].strip(): row for row in table if row[IDENTIFIER].strip()}
        assert receipt.durable == len(watched.keys() & by_id.keys())
        assert len(receipt.rejected) == len(by_id) - receipt.durable, "others are not ours to show"
        assert all(reject.field == "unit" for reject in receipt.rejected)
        rows = await feed.rows()
        for own, unit in watched.items():
            if own in by_id and receipt.accepted == len(watched):
                for field, column in (("occupied", OCCUPIED), ("total", TOTAL)):
                    said = by_id[own][column]
                    assert rows[unit][field] == (None if said == NO_INFORMATION else int(said))
                assert parse_instant(rows[unit]["observed_at"]) == parse_instant(instant)
    shown = {own: rows[unit] for own, unit in watched.items()}
    assert shown[full]["inconsistencies"] == ["occupied_over_total"]
    assert shown[full]["free"] == 0
    assert shown[zero]["total"] == 0
    assert (shown[silent]["occupied"], shown[silent]["free"]) == (None, None)
    assert shown[renamed]["name"] == CATALOGUE.units[LOADS[0]].name


@pytest.mark.samples
async def test_the_intensive_care_register_rewrites_its_past_daily(
    opened: Opened, samples: Path
) -> None:
    """45 daily editions, each with all days so far and some of the past days changed."""
    groups = dict(zip(("ERWACHSENE", "NICU", "PICU"), LOADS, strict=False))
    feed = opened(
        groups,
        "Europe/Berlin",
        separator=",",
        columns={
            "unit": "behandlungsgruppe_level_2", "observed_at": "datum",
            "occupied": "intensivbetten_belegt", "free": "intensivbetten_frei",
        },
        time_format="%Y-%m-%d",
        unknown_words=["NA"],
    )  # fmt: skip
    archive = samples / "timeseries" / "rki-intensivregister"
    rewritten = 0
    newest: dict[tuple[str, str], dict[str, str]] = {}
    with tarfile.open(archive / "replay_last45days_Deutschland_full.tar.gz") as tar:
        for member in sorted(tar.getmembers(), key=lambda each: each.name):
            stream = tar.extractfile(member)
            assert stream is not None
            raw = stream.read()
            feed.clock.now = datetime.strptime(member.name, "%Y-%m-%dT%H%M%S%z.csv").astimezone(UTC)
            before = newest
            table = published(raw, "utf-8")
            newest = {(row["datum"], row["behandlungsgruppe_level_2"]): row for row in table}
            rewritten += sum(before[day] != newest[day] for day in before.keys() & newest.keys())
            receipt = await feed.take(raw)
            assert receipt.rejected == []
            assert receipt.durable == len(table)
            today = max(day for day, _ in newest)
            rows = await feed.rows()
            for group, unit in groups.items():
                said = newest[today, group]
                assert rows[unit]["occupied"] == int(said["intensivbetten_belegt"])
                assert rows[unit]["free"] == int(said["intensivbetten_frei"])
            if before:
                assert receipt.accepted == len(groups), "only the new day moves the board"
    assert rewritten > 100


@pytest.mark.samples
async def test_state_files_with_renamed_columns_and_a_date_of_another_make(
    opened: Opened, samples: Path
) -> None:
    folder = samples / "timeseries" / "hhs-us"
    daily, series = (
        (folder / name).read_bytes()
        for name in ("state_daily_dataset.csv", "state_timeseries_dataset.csv")
    )
    names = [set(published(raw, "utf-8")[0]) for raw in (daily, series)]
    assert names[0] - names[1], "columns were renamed between the two"
    states = {"WI": LOADS[0], "WV": LOADS[1], "WY": LOADS[2], "VT": LOADS[3]}
    columns = {"unit": "state", "total": "inpatient_beds", "occupied": "inpatient_beds_used"}
    feed = opened(
        states, "America/New_York", separator=",",
        columns=columns | {"observed_at": "date"}, time_format="%Y-%m-%d",
    )  # fmt: skip
    receipt = await feed.take(series)
    assert receipt.accepted == len(states) - 1
    (odd,) = (reject for reject in receipt.rejected if reject.field != "unit")
    assert odd.field == "observed_at"
    assert LOADS[2] not in await feed.rows()
    by_state = {row["state"]: row for row in published(series, "utf-8")}
    for state in ("WI", "WV", "VT"):
        row = (await feed.rows())[states[state]]
        assert row["total"] == int(by_state[state]["inpatient_beds"])
        assert row["occupied"] == int(by_state[state]["inpatient_beds_used"])
    assert '"date"' not in await feed.refused(daily)
    hospitals = (samples / "timeseries" / "slovenia-hospitals" / "dict-hospitals.csv").read_bytes()
    assert "missing from the header" in await feed.refused(hospitals), "a list of names, no figures"
