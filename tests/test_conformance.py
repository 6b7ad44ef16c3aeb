"""What every format and every transport must do alike, over recordings (tests/support/recordings).

A format that is installed and has no recording fails here by name; a folder with one adds its
cases by itself (tests/support/conformance.py says what stands in it).
"""

import re
import sys
from pathlib import Path

import pytest

import web.api_feeds
from capacity.board import Board, EmbeddedServer
from feeds.formats import format_named, format_names
from feeds.sources import Transport
from tests.support.conformance import (
    FATES,
    LINES,
    PLAYED_ELSEWHERE,
    RECORDINGS,
    STEPS,
    FetchedLine,
    Step,
    line_over,
    recorded,
    recording_of,
    rows_of,
)
from tests.support.feeding import HandClock


def test_every_installed_format_has_a_recording() -> None:
    assert set(format_names()) == set(recorded())


def test_every_transport_is_played_here_or_elsewhere() -> None:
    assert {*LINES, *PLAYED_ELSEWHERE} >= set(Transport)


@pytest.mark.parametrize("name", recorded())
def test_a_recording_is_complete(name: str) -> None:
    recording = recording_of(name)
    names = [step.name for step in recording.steps]
    assert sorted([*names, *recording.not_applicable]) == sorted(STEPS)
    assert all(recording.not_applicable.values()), "without a reason"
    assert [step.at for step in recording.steps] == sorted(step.at for step in recording.steps)


@pytest.mark.parametrize("name", recorded())
def test_no_recording_holds_a_person(name: str) -> None:
    for path in (RECORDINGS / name).iterdir():
        assert re.search(rb"\b[0-3]\d[01]\d\d\d-?\d{4}\b", path.read_bytes()) is None, path.name


@pytest.mark.parametrize("name", format_names())
def test_a_format_tells_its_mapping_in_a_table(name: str) -> None:
    found = format_named(name)
    text = sys.modules[found.parse.__module__].__doc__ or ""
    assert re.search(r"^\|(---\|)+$", text, re.MULTILINE)
    assert found.name == name
    assert found.media_types


@pytest.mark.parametrize("transport", LINES)
@pytest.mark.parametrize("name", recorded())
async def test_a_recording_is_played(
    name: str, transport: Transport, board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    """Good, down, up, again, newer, older, half bad, from the future, local, and nonsense."""
    recording = recording_of(name)
    clock = HandClock()
    before: dict[str, object] = {}
    async with line_over(transport, recording.source, tmp_path, valkey_server.url, clock) as line:
        for step in recording.steps:
            clock.now = step.at
            counted = {fate: line.health.counts[fate] for fate in FATES}
            await line.send(step.document)
            became = {fate: line.health.counts[fate] - counted[fate] for fate in FATES}
            assert became == dict(step.fates), step.name
            row = (await rows_of(board)).get(recording.unit, {})
            assert {key: row.get(key) for key in step.shows} == dict(step.shows), step.name
            _check_promises(step, row, before)
            before = row
            assert (line.health.failing_since is not None) == (step.name == "nonsense"), step.name
            if step.name == "up":
                await line.fails()
                if transport is not Transport.PUSH:  # whoever pushes has nobody to fail for
                    assert line.health.failing_since == clock.now
    assert sum(line.health.counts[fate] for fate in FATES) > 0


def _check_promises(step: Step, row: dict[str, object], before: dict[str, object]) -> None:
    """What a step of that name means, whatever the recording says of itself."""
    fates = step.fates
    if step.name in ("up", "newer", "local_time"):
        assert fates["accepted"]
        assert not fates["rejected"]
        assert row != before
    elif step.name == "half_bad":
        assert fates["accepted"]
        assert fates["rejected"]
    else:
        assert not fates["accepted"]
        assert row == before, "the board moved"
    if step.name == "ahead":
        assert fates["rejected"]
    if step.name == "duplicate":
        assert fates["unchanged"]
        assert not fates["rejected"]
    if step.name == "out_of_order":
        assert fates["superseded"]


@pytest.mark.parametrize("transport", [each for each in LINES if each is not Transport.FOLDER])
async def test_silence_is_given_up_in_time(
    transport: Transport,
    board: Board,
    valkey_server: EmbeddedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(web.api_feeds, "UPLOAD_SECONDS", 0.2)
    recording = recording_of("json")
    clock = HandClock(recording.steps[0].at)
    async with line_over(
        transport, recording.source, tmp_path, valkey_server.url, clock, give_up="3 s"
    ) as line:
        await line.hangs()
        if isinstance(line, FetchedLine):
            assert "no answer within" in (line.health.last_error or "")
        await line.send(recording.steps[0].document)
        assert line.health.counts["accepted"] == 2
        assert line.health.failing_since is None
