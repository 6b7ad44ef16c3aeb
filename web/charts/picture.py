"""The picture: a chart's points and lines as SVG."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

from markupsafe import Markup

from capacity.spc import ChartKind, Plotted, meaning
from web.charts.numbers import number, period
from web.charts.scale import Scale, round_steps, some_of
from web.charts.svg import element, path
from web.charts.view import ChartView
from web.words import Words

WIDTH: Final = 760
HEIGHT: Final = 320
LEFT, RIGHT, TOP, BOTTOM = 64, 92, 30, 34
"""Room beside the drawing for figures, the names of the lines, marks of changes, and dates."""
LABELS: Final = 9
"""Dates along the axis."""
LABEL_APART: Final = 15.0
"""Names of lines are at least so far from each other, or they could not be read."""


def picture(view: ChartView, words: Words, description: str) -> Markup:
    """The chart as one SVG element, named and described for those who do not see it."""
    frame = _Frame(view)
    return element(
        "svg",
        element("title", view.title, id=f"{view.id}-title"),
        element("desc", description, id=f"{view.id}-desc"),
        *_axes(frame, words),
        *_changes(frame),
        *_lines(frame, words),
        *_values(frame),
        *_points(frame),
        *_drafts(frame, words),
        class_="chart-picture",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{view.id}-title {view.id}-desc",
    )


class _Frame:
    """A view with its scales."""

    def __init__(self, view: ChartView) -> None:
        self.view = view
        points = view.chart.points
        values = [
            value
            for point in points
            for value in (point.value, point.lower, point.upper, point.centre)
            if value is not None
        ]
        values += [] if view.target is None else [view.target]
        self.marks = round_steps(values)
        self.y = Scale(self.marks[0], self.marks[-1], HEIGHT - BOTTOM, TOP)
        self.step = (WIDTH - LEFT - RIGHT) / max(1, len(points))

    def x(self, index: int) -> float:
        """The middle of a point's period."""
        return LEFT + (index + 0.5) * self.step


def _axes(frame: _Frame, words: Words) -> Iterator[Markup]:
    for mark in frame.marks:
        y = frame.y(mark)
        yield path([(LEFT, y), (WIDTH - RIGHT, y)], class_="chart-grid")
        text = number(words, mark, _decimals(frame.marks))
        yield element("text", text, x=LEFT - 8, y=y + 4, class_="chart-figure")
    view = frame.view
    if view.unit:
        yield element("text", view.unit, x=LEFT - 14, y=TOP - 14, class_="chart-figure")
    for index in some_of(len(view.days), LABELS):
        text = period(words, view.days[index], view.step, short=True)
        x = frame.x(index)
        yield path([(x, HEIGHT - BOTTOM), (x, HEIGHT - BOTTOM + 5)], class_="chart-tick")
        yield element("text", text, x=x, y=HEIGHT - BOTTOM + 20, class_="chart-date")


def _decimals(marks: Sequence[float]) -> int:
    """As many decimals as the marks need to differ."""
    step = marks[1] - marks[0]
    return next(n for n in range(12) if abs(step * 10**n - round(step * 10**n)) < 1e-6)


def _changes(frame: _Frame) -> Iterator[Markup]:
    """A line at the beginning of the point's period, with the number under which it is told."""
    for place, change in enumerate(frame.view.changes, start=1):
        x = LEFT + change.index * frame.step
        yield path([(x, TOP - 6), (x, HEIGHT - BOTTOM)], class_="chart-change")
        yield element("circle", cx=x, cy=TOP - 14, r=9, class_="chart-badge")
        yield element("text", str(place), x=x, y=TOP - 10, class_="chart-badge-text")


def _lines(frame: _Frame, words: Words) -> Iterator[Markup]:
    """Centre and limits, segment by segment, and the names of the last ones at their ends."""
    chart = frame.view.chart
    for segment in chart.segments:
        provisional = " chart-provisional" if segment.few else ""
        for name, of in _LINES:
            for stretch in _stretches(frame, range(segment.start, segment.stop), of):
                yield path(stretch, class_=f"chart-{name}{provisional}")
    target = frame.view.target
    if target is not None:
        y = frame.y(target)
        yield path([(LEFT, y), (WIDTH - RIGHT, y)], class_="chart-target")
    named = _line_names(frame, words)
    for (_, text), y in zip(named, _apart([y for y, _ in named]), strict=True):
        yield element("text", text, x=WIDTH - RIGHT + 6, y=y + 4, class_="chart-line-name")


_LINES: Final[tuple[tuple[str, Callable[[Plotted], float | None]], ...]] = (
    ("centre", lambda point: point.centre),
    ("limit", lambda point: point.lower),
    ("limit", lambda point: point.upper),
)


def _stretches(
    frame: _Frame, indexes: Sequence[int], of: Callable[[Plotted], float | None]
) -> Iterator[list[tuple[float, float]]]:
    """The corners of a line that steps from period to period; in parts where it is missing."""
    points, half = frame.view.chart.points, frame.step / 2
    for known, group in groupby(indexes, key=lambda index: of(points[index]) is not None):
        if not known:
            continue
        corners: list[tuple[float, float]] = []
        for index in group:
            value = of(points[index])
            assert value is not None
            y, x = frame.y(value), frame.x(index)
            if corners and corners[-1][1] == y:
                corners[-1] = (x + half, y)
            else:
                corners += [(x - half, y), (x + half, y)]
        yield corners


def _line_names(frame: _Frame, words: Words) -> list[tuple[float, str]]:
    """Where the lines end, and what each is called, from the top down."""
    view = frame.view
    points = view.chart.points
    end = points[-1] if points else Plotted(None, None)
    is_run = view.chart.kind is ChartKind.RUN
    centre = "chart_centre_median" if is_run else "chart_centre_mean"
    named = [
        (end.upper, "chart_upper"),
        (end.centre, centre),
        (end.lower, "chart_lower"),
        (view.target, "chart_target"),
    ]
    found = [
        (frame.y(value), words.text(key, value=number(words, value, view.line_decimals)))
        for value, key in named
        if value is not None
    ]
    return sorted(found)


def _apart(places: Sequence[float]) -> list[float]:
    """Places moved down where they are too close, and all of them up again where they leave."""
    moved: list[float] = []
    for y in places:
        moved.append(max(y, moved[-1] + LABEL_APART) if moved else y)
    below = moved[-1] - (HEIGHT - BOTTOM) if moved else 0.0
    return [y - max(0.0, below) for y in moved]


def _values(frame: _Frame) -> Iterator[Markup]:
    """The line through the values; it is broken where one is missing."""
    points = frame.view.chart.points
    for known, group in groupby(range(len(points)), lambda index: points[index].value is not None):
        places = list(group)
        if known and len(places) > 1:
            yield path(
                [(frame.x(index), frame.y(points[index].value or 0.0)) for index in places],
                class_="chart-values",
            )


def _points(frame: _Frame) -> Iterator[Markup]:
    view = frame.view
    for index, point in enumerate(view.chart.points):
        if point.value is None:
            continue
        found = "common" if point.signal is None else meaning(point.signal, view.better).value
        draft = " chart-draft" if index in view.drafts else ""
        x, y = frame.x(index), frame.y(point.value)
        yield mark(found, x, y, f"chart-point chart-{found}{draft}")


def _drafts(frame: _Frame, words: Words) -> Iterator[Markup]:
    """That some figures are drafts, where nobody who sees the picture alone can miss it."""
    n = len(frame.view.drafts)
    if n:
        text = words.count("chart_picture_drafts", n)
        y = TOP - 14
        yield mark("common", WIDTH - 8, y - 4, "chart-point chart-common chart-draft")
        yield element("text", text, x=WIDTH - 18, y=y, class_="chart-drafts")


_CORNERS: Final = {
    "improvement": ((0, -7), (7, 0), (0, 7), (-7, 0)),
    "concern": ((-5.5, -5.5), (5.5, -5.5), (5.5, 5.5), (-5.5, 5.5)),
    "high": ((0, -7), (6.5, 5), (-6.5, 5)),
    "low": ((0, 7), (6.5, -5), (-6.5, -5)),
}
"""A shape for each meaning: diamond, square, triangles up and down. A common cause is a disc."""


def mark(found: str, x: float, y: float, names: str) -> Markup:
    """The shape of a point at a place."""
    if found == "common":
        return element("circle", cx=x, cy=y, r=3.5, class_=names)
    corners = " L".join(f"{x + dx:.1f} {y + dy:.1f}" for dx, dy in _CORNERS[found])
    return element("path", d=f"M{corners} Z", class_=names)
