"""The fault runner: that it can fail, that its boards are the page's, and a few faults for real."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from capacity.board import Change, LateReading
from tests.faults import __main__ as runner
from tests.faults.boards import RETRY, RETRY_MOST, STALE_AFTER, WATCHDOG, OpenBoard
from tests.faults.checks import check_boards, check_stream, check_writes, has_true_age, slope
from tests.faults.finding import Finding, OptedOutError
from tests.faults.ledger import Fate, Ledger, Operation, mark_of, note_of
from tests.faults.results import Outcome, table
from tests.faults.scenarios import SCENARIOS, Scenario, lost_reply, store_killed
from tests.faults.stage import SHORT, Stage
from web.pages.board import Timing

PLAYED = (lost_reply, store_killed)
"""Scenarios of the suite: together a few seconds."""


@pytest.mark.parametrize("scenario", PLAYED, ids=lambda scenario: scenario.NAME)
def test_a_fault_is_survived(scenario: Scenario) -> None:
    with Stage(1, replace(SHORT, kills=3), quiet=True) as stage:
        outcome = runner.play(scenario, stage)
    assert outcome.failure == ""
    assert outcome.finding is not None
    assert outcome.finding.broken == []
    assert outcome.finding.held
    assert outcome.finding.acknowledged > 10


# It can fail: a made-up history, sound and then not


def operation(ledger: Ledger, fate: Fate | None = Fate.APPLIED, unit: str = "u") -> Operation:
    mark = ledger.next_mark()
    found = ledger.begin(mark, unit, f"2026-11-22T12:00:00.{mark:03d}Z")
    if fate is not None:
        ledger.end(found, fate)
    return found


def row_of(one: Operation) -> dict[str, Any]:
    return {
        "unit": one.unit,
        "note": note_of(one.mark),
        "observed_at": one.observed_at,
        "stale_at": one.observed_at.replace("T12", "T16"),
    }


def change(one: Operation, seq: int, epoch: str = "e", **more: Any) -> Change:
    return Change(f"{seq}-0", epoch, seq, one.unit, orjson.dumps(row_of(one) | more))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def finding() -> Finding:
    return Finding()


def test_a_sound_history_is_held(ledger: Ledger, finding: Finding) -> None:
    one, late, two = operation(ledger), operation(ledger, Fate.SUPERSEDED), operation(ledger)
    never = operation(ledger, None)
    ledger.told(never, "unconfirmed")
    changes = [change(one, 1), change(two, 2)]
    check_writes(
        finding, ledger.operations, changes, [LateReading("1-0", "u", change(late, 0).row)]
    )
    check_stream(finding, changes, {"u": changes[-1].row})
    check_boards(finding, {"u": row_of(two)}, [{"u": row_of(two)}])
    assert finding.held
    assert (finding.acknowledged, finding.unconfirmed) == (3, 1)


@pytest.mark.parametrize("fate", [Fate.APPLIED, Fate.SUPERSEDED, Fate.UNCHANGED])
def test_what_was_acknowledged_and_is_not_there_is_lost(
    ledger: Ledger, finding: Finding, fate: Fate
) -> None:
    operation(ledger, fate)
    check_writes(finding, ledger.operations, [], [])
    assert (finding.lost, finding.held) == (1, False)


def test_what_was_never_acknowledged_may_be_there_or_not(ledger: Ledger, finding: Finding) -> None:
    there = operation(ledger, None)
    operation(ledger, None)
    check_writes(finding, ledger.operations, [change(there, 1)], [])
    assert finding.held


@pytest.mark.parametrize("rewritten", [False, True])
def test_what_is_there_twice_was_applied_twice(
    ledger: Ledger, finding: Finding, rewritten: bool
) -> None:
    one = operation(ledger)
    both = [change(one, 1), change(one, 2)]
    check_writes(finding, ledger.operations, both, [], rewritten=rewritten)
    assert finding.twice == 1


def test_a_row_with_other_holds_on_it_is_no_second_report(ledger: Ledger, finding: Finding) -> None:
    one = operation(ledger)
    both = [change(one, 1), change(one, 2, held=1)]
    check_writes(finding, ledger.operations, both, [], rewritten=True)
    check_stream(finding, both, {"u": both[1].row}, rewritten=True)
    assert finding.held


def test_applied_and_superseded_is_twice(ledger: Ledger, finding: Finding) -> None:
    one = operation(ledger)
    late = LateReading("1-0", "u", change(one, 0).row)
    check_writes(finding, ledger.operations, [change(one, 1)], [late])
    assert finding.twice == 1


def test_refusals_and_strangers_are_told(ledger: Ledger, finding: Finding) -> None:
    stranger = operation(Ledger())
    operation(ledger, Fate.REFUSED)
    check_writes(finding, ledger.operations[1:], [change(stranger, 1)], [])
    assert finding.broken == ["a change that nobody sent"]
    check_writes(finding, ledger.operations, [], [])
    assert "1 reports were refused" in finding.broken


@pytest.mark.parametrize(
    ("order", "numbers"),
    [((0, 1), (1, 3)), ((0, 1), (2, 1)), ((1, 0), (1, 2))],
    ids=["a gap", "ids that go back", "an older report"],
)
def test_a_stream_that_cannot_be_is_told(
    ledger: Ledger, finding: Finding, order: tuple[int, int], numbers: tuple[int, int]
) -> None:
    both = [operation(ledger), operation(ledger)]
    changes = [change(both[n], seq) for n, seq in zip(order, numbers, strict=True)]
    check_stream(finding, changes, {"u": changes[-1].row})
    assert finding.broken


def test_rows_that_are_not_the_fold_are_told(ledger: Ledger, finding: Finding) -> None:
    check_stream(finding, [change(operation(ledger), 1)], {})
    assert not finding.held


def test_a_board_that_shows_another_thing_is_counted(ledger: Ledger, finding: Finding) -> None:
    one, two = row_of(operation(ledger)), row_of(operation(ledger))
    check_boards(finding, {"u": two}, [{"u": two}, {"u": one}, {}])
    assert finding.unequal == 2


def test_a_row_may_not_be_younger_than_its_report(ledger: Ledger) -> None:
    row = row_of(operation(ledger))
    assert has_true_age(row, ledger.by_mark, STALE_AFTER)
    younger = {name: row[name].replace("22T", "23T") for name in ("observed_at", "stale_at")}
    assert not has_true_age(row | younger, ledger.by_mark, STALE_AFTER)
    assert not has_true_age(row | {"stale_at": younger["stale_at"]}, ledger.by_mark, STALE_AFTER)
    assert has_true_age({"note": None, "observed_at": None}, ledger.by_mark, STALE_AFTER)


def test_a_board_that_says_it_is_live_must_have_what_was_acknowledged() -> None:
    hands = [100.0]
    ledger = Ledger(now=lambda: hands[0])
    one = operation(ledger)
    board = OpenBoard("ws://nowhere", ledger, Stage(1, SHORT).chance("x"), {})
    board._judge(hands[0] + 1)
    assert board.lies == 0
    board._judge(hands[0] + 10)
    assert board.lies == 1
    board.rows = {"u": row_of(one)}
    board._judge(hands[0] + 10)
    assert board.lies == 1


def test_when_a_board_stopped_is_told_by_its_turns() -> None:
    board = OpenBoard("ws://nowhere", Ledger(), Stage(1, SHORT).chance("x"), {})
    board.turns = [(1.0, True), (5.0, False), (8.0, True)]
    assert board.stopped_after(2.0) == 3.0
    assert board.stopped_after(6.0) == 0.0
    assert board.stopped_after(9.0) is None


def test_times_are_the_worst_and_counts_the_sum_of_rounds() -> None:
    first = Finding(notice=1.0, recover=3.0, lost=1, notes=["a"])
    first.add(Finding(notice=2.0, shown=4.0, lost=2, broken=["b"]))
    assert (first.notice, first.shown, first.recover) == (2.0, 4.0, 3.0)
    assert (first.lost, first.notes, first.broken) == (3, ["a"], ["b"])


def test_first_troubles_and_longest_answers() -> None:
    hands = [0.0]
    ledger = Ledger(now=lambda: hands[0])
    one = operation(ledger, None)
    for at, words in ((2.0, "unconfirmed"), (7.0, "silence")):
        hands[0] = at
        ledger.told(one, words)
    hands[0] = 8.0
    ledger.end(one, Fate.APPLIED)
    assert ledger.first_trouble(1.0) == 1.0
    assert ledger.longest_answer() == 5.0
    assert ledger.first_trouble(7.5) is None


def test_slopes() -> None:
    assert slope([(0, 5), (10, 25), (20, 45)]) == 2.0
    assert slope([(0, 5)]) == 0.0


def test_marks() -> None:
    assert mark_of(f"before {note_of(7)}") == 7
    assert mark_of(None) == mark_of("no mark") == 0


# The runner itself


class Played:
    """A scenario of which the outcome is given."""

    NAME, NUMBER, HAZARD = "played", 99, 1

    def __init__(self, outcome: Finding | Exception) -> None:
        self._outcome = outcome

    async def run(self, stage: Stage) -> Finding:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


@pytest.mark.parametrize(
    ("outcome", "code", "words"),
    [
        (Finding(), 0, "| held |"),
        (Finding(lost=1), 1, "| BROKEN |"),
        (Finding(broken=["it was late"]), 1, "BROKEN: played: it was late"),
        (OptedOutError("no root"), 3, "NOT PLAYED HERE: played: no root"),
        (AssertionError("waited in vain"), 1, "FAILED: played: AssertionError: waited in vain"),
    ],
)
def test_the_outcome_is_told_in_table_json_and_exit_code(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    outcome: Finding | Exception,
    code: int,
    words: str,
) -> None:
    scenarios: list[Scenario] = [Played(outcome)]
    assert runner.play_all(scenarios, 5, SHORT, tmp_path) == code
    told = capsys.readouterr()
    assert words in told.out
    assert "seed 5" in told.err
    (written,) = tmp_path.glob("faults-*.json")
    content = orjson.loads(written.read_bytes())
    assert content["seed"] == 5
    assert content["scenarios"][0]["result"] in words or code or "NOT" in words


def test_a_fault_is_left_out_by_name_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--only", "1", "--without", "reply lost", "--seed", "5", "--results", str(tmp_path)]
    assert runner.main(words) == 0
    assert "0 scenarios" in capsys.readouterr().err


def test_the_table_has_a_line_for_each() -> None:
    lines = table([Outcome(s.NUMBER, s.NAME, s.HAZARD, 0.0, Finding()) for s in SCENARIOS])
    for number in [*range(1, 15), *range(18, 26)]:
        assert f"| {number} |" in lines


def test_the_same_seed_chooses_the_same() -> None:
    with Stage(7, SHORT) as one, Stage(7, SHORT) as same, Stage(8, SHORT) as other:
        assert one.chance("x").random() == same.chance("x").random() != other.chance("x").random()
        assert one.chance("x").random() != one.chance("y").random()


def test_every_scenario_names_a_hazard_of_the_log() -> None:
    log = (Path(__file__).parents[1] / "docs" / "safety.md").read_text(encoding="utf-8")
    for scenario in SCENARIOS:
        assert f"\n| {scenario.HAZARD} | " in log, scenario.NAME


def test_boards_wait_as_the_page_does() -> None:
    timing = Timing()
    assert timing.watchdog_ms == WATCHDOG * 1000
    assert (timing.retry_ms, timing.retry_max_ms) == (RETRY * 1000, RETRY_MOST * 1000)


def test_nothing_is_left_of_a_stage() -> None:
    with Stage(1, SHORT, quiet=True) as stage:
        stage.world(units=2, sources=1)
        assert stage.folder.is_dir()
    assert not stage.folder.exists()
