"""The whole figure: picture, sentence, legend, what happened, and the table."""

from markupsafe import Markup

from capacity.spc import ChartKind, meaning
from web.charts.picture import mark, picture
from web.charts.svg import element
from web.charts.told import description, table
from web.charts.view import ChartView
from web.pages.environment import render
from web.words import Words


def figure(view: ChartView, words: Words, *, since: int = 0, short: bool = False) -> Markup:
    """The figure as safe HTML, to be put into a page that loads `charts.css`.

    The table tells of the points from the `since`-th on; picture and sentence of all. With `short`
    it has few letters and is open; else it is folded on a screen, as sixty rows hide the next
    picture, and open on paper.
    """
    sentence = description(view, words)
    html = render(
        "chart.html",
        words,
        view=view,
        picture=picture(view, words, sentence),
        description=sentence,
        legend=_legend(view, words),
        marks={found: _sample(found) for found in _shown(view)},
        folded=not short,
        rows=table(view, words, short=short)[since:],
        centre=words.text("chart_median" if view.chart.kind is ChartKind.RUN else "chart_mean"),
    )
    return Markup(html)  # noqa: S704 - rendered with everything escaped


def _legend(view: ChartView, words: Words) -> list[tuple[Markup, str]]:
    """Each shape that occurs, and what it means."""
    found = [(_sample(each), words.text(f"chart_means_{each}")) for each in _shown(view)]
    if view.drafts:
        found.append((_sample("common", " chart-draft"), words.text("chart_means_draft")))
    return found


def _shown(view: ChartView) -> list[str]:
    """The meanings that occur, each once, in the order of their first point."""
    found = (point.signal for point in view.chart.points)
    return list(dict.fromkeys(meaning(each, view.better).value for each in found if each))


def _sample(found: str, more: str = "") -> Markup:
    """The shape of a meaning by itself; the word beside it says what it is."""
    shape = mark(found, 9.0, 9.0, f"chart-point chart-{found}{more}")
    return element("svg", shape, class_="chart-sample", viewBox="0 0 18 18", aria_hidden="true")
