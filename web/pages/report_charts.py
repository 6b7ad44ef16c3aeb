"""The charts of a monthly report, what of the month they show, and the month's figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from markupsafe import Markup

from capacity.indicators.figures import Figure, next_period
from capacity.spc import meaning
from capacity.units import Catalogue
from web.charts import ChartView, figure, latest_special
from web.charts.numbers import with_unit
from web.charts.picture import mark
from web.charts.svg import element
from web.indicator_desk import Told
from web.pages.indicators import changes, place_name, said, unit_of, view_of
from web.pages.shown_table import UNKNOWN, ShownLine, ShownTable
from web.report_desk import Place, Report
from web.words import Words

RUNS: Final = "*"
"""The sign of a series that is not spread as chance would spread it, at no one point."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something more than chance, its chart, and the number of that."""

    href: str
    text: str
    chart: str


@dataclass(frozen=True, slots=True)
class Charted:
    """One chart of a place: what of the month is more than chance, and its number.

    `text` is empty where nothing is; `means` what it means, and `RUNS` where that is of no one
    point; `number` is 0 where the chart is not shown.
    """

    told: Told
    view: ChartView
    text: str
    means: str
    number: int


@dataclass(frozen=True, slots=True)
class PlaceShown:
    """A place in words: what changed, what did not, and its charts."""

    name: str
    code: str
    changed: Sequence[Sentence]
    quiet: str
    charts: Sequence[Markup]
    empty: str


def numbered(
    report: Report, names: Mapping[str, str], words: Words, *, all_charts: bool
) -> Iterator[list[Charted]]:
    """Of each place every indicator with its chart; those that are shown have a number from 1."""
    n = 0
    for place in report.places:
        found = []
        for told in place.told:
            code = place.municipality or "cluster"
            view = replace(view_of(told, words, names), id=f"c-{code}-{told.definition.id}")
            text, means = _more_than_chance(told, view, report.basis.month.first, words)
            wanted = place.municipality is None or all_charts or bool(text)
            shown = wanted and _is_known(view)
            n += shown
            found.append(Charted(told, view, text, means, n if shown else 0))
        yield found


def _is_known(view: ChartView) -> bool:
    return any(point.value is not None for point in view.chart.points)


def _more_than_chance(told: Told, view: ChartView, since: date, words: Words) -> tuple[str, str]:
    """The sentence of what a month shows, and what it means; empty where there is nothing.

    Registers are handed in late: of them the last period that there is counts.
    """
    if told.register:
        since = min(since, view.days[-1])
    sentences, _ = changes([told], [view], words, since=since)
    if not sentences:
        return "", ""
    special = latest_special(view, words)
    signal = view.chart.points[special.last].signal if special else None
    if (
        signal is None
        or special is None
        or next_period(view.days[special.last], told.step) <= since
    ):
        return sentences[0].text, RUNS
    return sentences[0].text, meaning(signal, view.better).value


def place_shown(
    place: Place, charted: Sequence[Charted], since: date, catalogue: Catalogue, words: Words
) -> PlaceShown:
    """A place in words, of a month that begins with `since`."""
    name = place_name(catalogue, place.municipality, words)
    quiet = [each for each in charted if not each.text and _is_known(each.view)]
    empty = ", ".join(each.view.title for each in charted if not _is_known(each.view))
    said_of = [
        Sentence(f"#{each.view.id}", each.text, words.text("report_chart", n=each.number))
        for each in charted
        if each.text
    ]
    told = words.count("indicators_quiet", len(quiet)) if said_of and quiet else ""
    if not said_of:
        told = words.text("indicators_no_change" if quiet else "report_nothing_known")
    return PlaceShown(
        name=name,
        code=place.municipality or "cluster",
        changed=said_of,
        quiet=told,
        charts=[_drawn(each, name, since, words) for each in charted if each.number],
        empty=words.text("report_charts_empty", names=empty) if empty else "",
    )


def _drawn(charted: Charted, place: str, since: date, words: Words) -> Markup:
    """The chart over all its days, and the table of the month's."""
    title = f"{charted.number}. {charted.view.title} ({place})"
    first = 0 if charted.told.register else sum(day < since for day in charted.view.days)
    return figure(replace(charted.view, title=title), words, since=first, short=True)


# --- the month in figures ------------------------------------------------------------------------


def figures_table(
    report: Report,
    charted: Sequence[Sequence[Charted]],
    municipalities: Mapping[str, str],
    words: Words,
) -> ShownTable:
    """Every indicator of the month, of the cluster and of each municipality."""
    names = [
        words.text("report_cluster")
        if place.municipality is None
        else municipalities.get(place.municipality, place.municipality)
        for place in report.places
    ]
    shown = [{each.told.definition.id: each for each in found} for found in charted]
    lines = []
    for told in report.places[0].told:
        definition = told.definition
        cells = [
            _cell(
                place.figures.get(definition.id),
                of.get(definition.id),
                report.basis.month.first,
                words,
            )
            for place, of in zip(report.places, shown, strict=True)
        ]
        split = any(definition.id in of for of in shown[1:])
        note = "" if split else words.text("report_not_split")
        lines.append(ShownLine(said(definition.name, words), cells, note))
    return ShownTable(
        id="report-figures",
        caption=words.text("report_figures"),
        first=words.text("report_indicator"),
        columns=names,
        lines=lines,
        notes=(words.text("report_dash"),),
    )


def _cell(found: Figure | None, charted: Charted | None, month: date, words: Words) -> str | Markup:
    """The month's figure; one whose chart shows more than chance leads there and has its sign.

    Of a register one that nobody has approved is said to be a draft.
    """
    if found is None or charted is None or found.value is None:
        return UNKNOWN
    definition = charted.told.definition
    value = with_unit(words, found.value, definition.decimals, unit_of(definition, words))
    if any(charted.view.days[index] == month for index in charted.view.drafts):
        value = f"{value} ({words.text('chart_draft')})"
    if not charted.text:
        return value
    sign: str | Markup = RUNS
    word = words.text("chart_runs")
    if charted.means != RUNS:
        shape = mark(charted.means, 9.0, 9.0, f"chart-point chart-{charted.means}")
        sign = element("svg", shape, class_="chart-sample", viewBox="0 0 18 18", aria_hidden="true")
        word = words.text(f"chart_means_{charted.means}")
    return Markup('<a href="#{}">{} {}<span class="unseen">{}</span></a>').format(
        charted.view.id, value, sign, word
    )
