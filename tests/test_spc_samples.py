"""The statistics equal the published worked examples, and our own where those are absent."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from capacity.spc import (
    Assurance,
    Better,
    Chart,
    Rule,
    Side,
    Signal,
    assurance,
    c_chart,
    meaning,
    p_chart,
    run_chart,
    xmr,
)

OWN = Path(__file__).parent / "data" / "spc.json"
BETTER = {"increase": Better.HIGHER, "decrease": Better.LOWER, None: Better.HIGHER}
ANSWERS = {
    "consistent_pass": Assurance.PASS,
    "consistent_fail": Assurance.FAIL,
    "inconsistent": Assurance.HIT_OR_MISS,
}
RULES = {
    (Rule.OUTSIDE, Side.ABOVE): "Above UCL",
    (Rule.OUTSIDE, Side.BELOW): "Below LCL",
    (Rule.TWO_OF_THREE, Side.ABOVE): "2 in 3 Above CL",
    (Rule.TWO_OF_THREE, Side.BELOW): "2 in 3 Below CL",
    (Rule.SHIFT, Side.ABOVE): "7 Points Above CL",
    (Rule.SHIFT, Side.BELOW): "7 Points Below CL",
    (Rule.TREND, Side.ABOVE): "7 Points Increasing",
    (Rule.TREND, Side.BELOW): "7 Points Decreasing",
}


def near(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)


def document(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(folder.glob(f"{name}_*.json")).read_text("utf-8"))
    return found


def cases(folder: Path, name: str) -> list[dict[str, Any]]:
    """The cases of a document; those that have none of their own are one."""
    whole = document(folder, name)
    return [whole | case for case in whole.get("cases", [{}])]


def names(signal: Signal) -> str:
    return RULES[signal.rule, signal.side]


def check_lines(chart: Chart, index: int, expected: dict[str, Any]) -> None:
    point = chart.points[index]
    assert point.centre == near(expected["centre"])
    assert (point.lower, point.upper) == (near(expected["lower"]), near(expected["upper"]))


def check_xmr(case: dict[str, Any]) -> None:
    dates = [date.fromisoformat(day) for day in case.get("dates", ())]
    rebase = [dates.index(date.fromisoformat(day)) for day in case.get("rebase", ())]
    screen = case.get("screen_outliers", True)
    chart = xmr(case["data"], rebase=rebase, screen=screen)
    expected = case["expected"]
    better = BETTER[case.get("improvement")]
    for found, segment in zip(
        chart.segments, expected.get("segments", [expected | {"from_index": 0}]), strict=True
    ):
        assert found.start == segment["from_index"]
        check_lines(chart, found.start, segment)
        assert found.few is segment["short_group_warning"]
    flags = [
        (index, names(point.signal), f"special_cause_{meaning(point.signal, better)}")
        for index, point in enumerate(chart.points)
        if point.signal is not None
    ]
    assert flags == [(flag["index"], flag["rule"], flag["type"]) for flag in expected["flags"]]
    if "target" in expected:
        assert assurance(chart, expected["target"], better) == ANSWERS[expected["assurance"]]


@pytest.mark.samples
@pytest.mark.parametrize("name", ["01", "02", "04", "06", "09", "12"])
def test_xmr_charts_equal_the_published_ones(samples: Path, name: str) -> None:
    found = cases(samples / "spc", name)
    assert found
    for case in found:
        check_xmr(case)


@pytest.mark.samples
def test_without_its_rebases_the_published_chart_is_another(samples: Path) -> None:
    whole = document(samples / "spc", "06")
    chart = xmr(whole["data"])
    assert chart.points[0].centre == near(2000538.9444444445)
    assert not chart.provisional


@pytest.mark.samples
def test_assurance_equals_the_published_table_and_its_edges(samples: Path) -> None:
    whole = document(samples / "spc", "08")
    expected, chart = whole["expected"], xmr(whole["data"])
    check_lines(chart, 0, expected)
    lower, upper = chart.points[0].lower, chart.points[0].upper
    assert lower is not None
    assert upper is not None
    targets = {"= upper exactly": upper, "upper+0.01": upper + 0.01, "lower-0.01": lower - 0.01}
    for edge in expected["edges"]:
        for way in edge.keys() & {"increase", "decrease"}:
            found = assurance(chart, targets[edge["target"]], BETTER[way])
            assert found == ANSWERS[edge[way]], edge
    for row in expected["published_table"]:
        # A chart with just these limits: two values whose range is the width in question.
        half = (row["upper"] - row["lower"]) / 2 / 2.66 / 2
        middle = (row["upper"] + row["lower"]) / 2
        like = xmr([middle - half, middle + half])
        for way in ("increase", "decrease"):
            assert assurance(like, row["target"], BETTER[way]) == ANSWERS[row[way]]
    assert assurance(chart, 4, Better.NEITHER) is None
    assert assurance(chart, None, Better.HIGHER) is None


@pytest.mark.samples
def test_the_p_chart_equals_the_published_one(samples: Path) -> None:
    whole = document(samples / "spc", "14")
    first, second = whole["expected"]["segments"]
    chart = p_chart(
        whole["data"], whole["denominators"], rebase=[second["from_index"]],
        leave_out=first["excluded"],
    )  # fmt: skip
    check_lines(chart, 0, first)
    check_lines(chart, second["from_index"], second)
    flagged = [index for index, point in enumerate(chart.points) if point.signal]
    assert flagged == whole["expected"]["flags"]
    assert [segment.n for segment in chart.segments] == [28, 64]


@pytest.mark.samples
def test_the_c_chart_equals_the_published_one(samples: Path) -> None:
    whole = document(samples / "spc", "17")
    expected = whole["expected"]
    chart = c_chart(whole["data"], fixed=expected["frozen_after"], leave_out=expected["excluded"])
    check_lines(chart, 0, expected)
    flagged = [index for index, point in enumerate(chart.points) if point.signal]
    assert flagged == expected["flags"]
    check_runs(chart, expected["runs"])


@pytest.mark.samples
def test_run_charts_equal_the_published_ones(samples: Path) -> None:
    for case in cases(samples / "spc", "21"):
        check_run_chart(case)


def check_run_chart(case: dict[str, Any]) -> None:
    chart = run_chart(case["data"], fixed=24 if "frozen" in case["name"] else None)
    assert chart.points[0].centre == near(case["expected"]["centre"])
    assert chart.points[0].upper is None
    check_runs(chart, case["expected"])


def check_runs(chart: Chart, expected: dict[str, Any]) -> None:
    runs = chart.segments[0].runs
    assert runs is not None
    if "n_useful" in expected:
        assert runs.useful == expected["n_useful"]
    if "longest_run" in expected:
        assert (runs.longest, runs.longest_expected) == (
            expected["longest_run"], expected["longest_run_max"],
        )  # fmt: skip
        assert (runs.crossings, runs.fewest_crossings) == (
            expected["crossings"], expected["crossings_min"],
        )  # fmt: skip
    assert runs.signal is expected["signal"]


OWN_CASES = json.loads(OWN.read_text("utf-8"))


@pytest.mark.parametrize("case", OWN_CASES["xmr"], ids=lambda case: case["name"])
def test_our_own_xmr_examples(case: dict[str, Any]) -> None:
    check_xmr(case)


@pytest.mark.parametrize("case", OWN_CASES["run"], ids=lambda case: case["name"])
def test_our_own_run_charts(case: dict[str, Any]) -> None:
    check_run_chart(case)
