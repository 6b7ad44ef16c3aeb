"""A chart in words: the sentence for those who do not see it, and the rows of its table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from capacity.spc import ChartKind, Plotted, Signal, assurance, meaning
from web.charts.numbers import period, with_unit
from web.charts.view import ChartView
from web.words import Words

UNKNOWN = "\u2013"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of the table: texts, and the meaning that the mark in front of it shows."""

    period: str
    value: str
    centre: str
    limits: str
    meaning: str | None
    remark: str
    draft: bool


@dataclass(frozen=True, slots=True)
class Special:
    """Special causes in words: at which points, from `first` to `last`, and what they say."""

    first: int
    last: int
    text: str


def description(view: ChartView, words: Words) -> str:
    """What the picture shows, in a few sentences."""
    return " ".join(_sentences(view, words))


def _sentences(view: ChartView, words: Words) -> Iterator[str]:
    chart = view.chart
    known = sum(point.value is not None for point in chart.points)
    if not known:
        yield words.text("chart_empty")
        return
    first, last = (period(words, day, view.step) for day in (view.days[0], view.days[-1]))
    yield words.count("chart_points", known, first=first, last=last)
    missing = len(chart.points) - known
    if missing:
        yield words.count("chart_missing", missing)
    yield from _about_lines(view, words)
    yield from _about_signals(view, words)
    verdict = assurance(chart, view.target, view.better)
    if verdict is not None and view.target is not None:
        yield words.text(f"chart_target_{verdict}", target=_figure(view, words, view.target))
    if chart.kind is not ChartKind.RUN and chart.provisional:
        yield words.text("chart_provisional")
    drafts = len(view.drafts)
    if drafts:
        yield words.count("chart_drafts", drafts)


def _about_lines(view: ChartView, words: Words) -> Iterator[str]:
    end = view.chart.last
    if end is None or end.centre is None:
        return
    centre = _line(view, words, end.centre)
    of = "_since" if len(view.chart.segments) > 1 else ""
    if end.lower is None or end.upper is None:
        yield words.text(f"chart_says_median{of}", centre=centre)
        return
    lower, upper = (_line(view, words, each) for each in (end.lower, end.upper))
    yield words.text(f"chart_says_limits{of}", centre=centre, lower=lower, upper=upper)


def _about_signals(view: ChartView, words: Words) -> Iterator[str]:
    """Special causes, neighbours of one kind in one breath; or that there are none."""
    chart = view.chart
    told = []
    for signal, places in groupby(
        range(len(chart.points)), key=lambda index: chart.points[index].signal
    ):
        if signal is not None:
            indexes = list(places)
            told.append(_special(view, words, indexes[0], indexes[-1], _why(words, signal), signal))
    if told:
        yield words.text("chart_special", signals="; ".join(told))
    if any(segment.runs is not None and segment.runs.signal for segment in chart.segments):
        yield words.text("chart_runs")
    elif not told:
        yield words.text("chart_common")


def _special(view: ChartView, words: Words, first: int, last: int, why: str, signal: Signal) -> str:
    means = words.text(f"chart_means_{meaning(signal, view.better)}")
    return words.text("chart_signal", when=_when(view, words, first, last), why=why, meaning=means)


def latest_special(view: ChartView, words: Words) -> Special | None:
    """The last stretch of neighbouring special causes that lie to one side, whatever the rules."""
    signals = [point.signal for point in view.chart.points]
    stretch: list[tuple[int, Signal]] = []
    for index in reversed(range(len(signals))):
        signal = signals[index]
        if signal is not None and (not stretch or signal.side is stretch[0][1].side):
            stretch.append((index, signal))
        elif stretch:
            break
    if not stretch:
        return None
    (last, signal), (first, _) = stretch[0], stretch[-1]
    why = ", ".join(dict.fromkeys(_why(words, each) for _, each in reversed(stretch)))
    return Special(first, last, _special(view, words, first, last, why, signal))


def _when(view: ChartView, words: Words, first: int, last: int) -> str:
    begins = period(words, view.days[first], view.step)
    if first == last:
        return begins
    return words.text("chart_from_to", first=begins, last=period(words, view.days[last], view.step))


def _why(words: Words, signal: Signal) -> str:
    return words.text(f"chart_rule_{signal.rule}_{signal.side.name.lower()}")


def table(view: ChartView, words: Words, *, short: bool = False) -> list[TableRow]:
    """One row a point, in order of time; periods in few letters with `short`."""
    changes: dict[int, list[str]] = {}
    for change in view.changes:
        changes.setdefault(change.index, []).append(change.text)
    rows = [
        _row(view, words, index, point, changes.get(index, []))
        for index, point in enumerate(view.chart.points)
    ]
    if not short:
        return rows
    periods = [period(words, day, view.step, short=True) for day in view.days]
    return [replace(row, period=text) for row, text in zip(rows, periods, strict=True)]


def _row(view: ChartView, words: Words, index: int, point: Plotted, changes: list[str]) -> TableRow:
    remarks = list(changes)
    found = None
    if point.signal is not None:
        found = meaning(point.signal, view.better).value
        remarks.append(_why(words, point.signal))
    if point.value is None:
        remarks.append(words.text("chart_unknown"))
    remarks += view.remarks.get(index, ())
    limits = UNKNOWN
    if point.lower is not None and point.upper is not None:
        lower, upper = (_line(view, words, each) for each in (point.lower, point.upper))
        limits = words.text("chart_from_to", first=lower, last=upper)
    return TableRow(
        period=period(words, view.days[index], view.step),
        value=UNKNOWN if point.value is None else _figure(view, words, point.value),
        centre=UNKNOWN if point.centre is None else _line(view, words, point.centre),
        limits=limits,
        meaning=found,
        remark="; ".join(remarks),
        draft=index in view.drafts,
    )


def _figure(view: ChartView, words: Words, value: float) -> str:
    return with_unit(words, value, view.decimals, view.unit)


def _line(view: ChartView, words: Words, value: float) -> str:
    return with_unit(words, value, view.line_decimals, view.unit)
