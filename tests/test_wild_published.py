"""Published files with what was seen in the wild, played whole, end to end to the board's rows.

Each is compared with a reading by the csv module alone.
"""

import csv
import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from capacity.instants import parse_instant
from tests.support.feeding import CATALOGUE
from tests.support.quebec import IDENTIFIER, NO_INFORMATION, OCCUPIED, TOTAL, UPDATED
from tests.support.wild import Opened

pytest_plugins = ["tests.support.wild_fixtures"]


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
