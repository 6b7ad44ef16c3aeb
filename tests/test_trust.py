"""Two sources for one unit: only with an order of trust, and what that order does on the board."""

import asyncio
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from capacity.board import Board
from capacity.board.upkeep import put_catalogue
from capacity.config_file import ConfigError
from feeds.intake import Intake
from feeds.sources import Source, load_sources
from tests.support.feeding import CATALOGUE, START, HandClock, intake_over, report

UNIT = "favrskov-akutplads"
STALE = CATALOGUE.units[UNIT].freshness.stale_after


def block(name: str, trust: object = None, units: str = UNIT) -> str:
    extra = "" if trust is None else f"trust = {trust}\n"
    return (
        f'[[source]]\nid = "{name}"\ncluster = "randers"\nformat = "json"\ntransport = "push"\n'
        f'attribution = "test"\nunits = ["{units}"]\n{extra}'
    )


def sources_of(folder: Path, text: str) -> dict[str, Source]:
    path = folder / "sources.toml"
    path.write_text(text)
    return load_sources([path], CATALOGUE, {})


def test_three_sources_may_share_a_unit_in_an_order(tmp_path: Path) -> None:
    text = block("a", 3) + block("b", 1) + block("c", 2) + block("d", None, "favrskov-akutteam")
    sources = sources_of(tmp_path, text)
    assert [source.trust for source in sources.values()] == [3, 1, 2, None]


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        (block("a") + block("b"), 14, "units"),
        (block("a", 1) + block("b"), 15, "units"),
        (block("a") + block("b", 1), 15, "trust"),
        (block("a", 2) + block("b", 2), 16, "trust"),
        (block("a", 2) + block("b", 1) + block("c", 1), 24, "trust"),
        (block("a", 0), 8, "trust"),
        (block("a", '"high"'), 8, "trust"),
    ],
)
def test_claims_without_an_order_are_refused_by_line(
    tmp_path: Path, text: str, line: int, field: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        sources_of(tmp_path, text)
    assert refused.value.line == line
    assert field in refused.value.field


def test_the_order_holds_across_files(tmp_path: Path) -> None:
    one, two = tmp_path / "1.toml", tmp_path / "2.toml"
    one.write_text(block("a"))
    two.write_text(block("b"))
    with pytest.raises(ConfigError, match=r"2\.toml:7: .*claimed by a already"):
        load_sources([one, two], CATALOGUE, {})


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Source, Source]:
    """The more and the less trusted source."""
    sources = sources_of(tmp_path, block("ward", 2) + block("nightly", 1))
    return sources["ward"], sources["nightly"]


def said(occupied: int, after: timedelta = timedelta(0)) -> bytes:
    observed_at = (START + after).isoformat()
    return orjson.dumps(report(UNIT, occupied, observed_at=observed_at))


async def shown(board: Board) -> tuple[str, int]:
    (stored,) = [row for row in (await board.snapshot("randers")).rows if row.unit == UNIT]
    row = orjson.loads(stored.row)
    return row["source"], row["occupied"]


async def fate(intake: Intake, source: Source, document: bytes) -> str:
    receipt = await intake.take(source, document)
    fates = {"accepted": receipt.accepted, "superseded": receipt.superseded}
    fates["unchanged"] = receipt.unchanged
    (found,) = [name for name, count in fates.items() if count]
    return found


async def test_the_trusted_figures_stand_until_they_are_stale(
    board: Board, pair: tuple[Source, Source]
) -> None:
    ward, nightly = pair
    clock = HandClock()
    intake = intake_over(board, clock)
    minute = timedelta(minutes=1)
    assert await fate(intake, nightly, said(2, -minute)) == "accepted"
    assert await fate(intake, ward, said(0)) == "accepted"
    clock.now += STALE - timedelta(milliseconds=1)
    assert await fate(intake, nightly, said(1, minute)) == "superseded"
    assert await shown(board) == ("ward", 0)
    clock.move(milliseconds=1)  # stale *at* that moment
    assert await fate(intake, nightly, said(1, minute)) == "accepted"
    assert await shown(board) == ("nightly", 1)
    # The trusted one is back: what is newer goes on the board at once, what is older never does.
    assert await fate(intake, ward, said(2, minute / 2)) == "superseded"
    assert await fate(intake, ward, said(2, 2 * minute)) == "accepted"
    assert await fate(intake, ward, said(2, 2 * minute)) == "unchanged"
    late = await board.late_after("randers", "0-0")
    assert [reading.reason for reading in late] == ["trust", "older"]
    assert [orjson.loads(reading.row)["source"] for reading in late] == ["nightly", "ward"]


async def test_a_change_of_the_catalogue_does_not_forget_the_trust(
    board: Board, pair: tuple[Source, Source]
) -> None:
    ward, nightly = pair
    clock = HandClock()
    intake = intake_over(board, clock)
    await put_catalogue(board, CATALOGUE, clock())
    assert await fate(intake, ward, said(0)) == "accepted"
    (stored,) = [row for row in (await board.snapshot("randers")).rows if row.unit == UNIT]
    await board.replace("randers", [stored])
    assert await fate(intake, nightly, said(1, timedelta(minutes=1))) == "superseded"
    assert await shown(board) == ("ward", 0)


async def test_nobody_wins_by_a_race(board: Board, pair: tuple[Source, Source]) -> None:
    """Both sources at once, many times over: the trusted one's newest figures always stand."""
    ward, nightly = pair
    clock = HandClock(START + timedelta(minutes=2))
    intake = intake_over(board, clock)
    seconds = [timedelta(seconds=n) for n in range(40)]
    await intake.take(ward, said(0, -seconds[1]))
    await asyncio.gather(
        *(intake.take(nightly, said(2, 2 * second)) for second in seconds),
        *(intake.take(ward, said(n % 3, second)) for n, second in enumerate(seconds)),
    )
    assert await shown(board) == ("ward", 39 % 3)
    reasons = [each.reason for each in await board.late_after("randers", "0-0")]
    assert reasons.count("trust") >= 1
