"""The monthly report: a page that is read on a screen, printed, or kept as PDF. No script.

Every sentence is that of the chart it leads to, and charts are numbered, so that the way from one
to the other is found on paper too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from urllib.parse import quote, urlencode

from markupsafe import Markup

from capacity.indicators.days import begin
from capacity.indicators.definitions import Definition, Definitions
from capacity.indicators.figures import Figure, next_period
from capacity.ledger import Finding
from capacity.spc import meaning
from capacity.units import Catalogue
from web.charts import ChartView, Step, figure, latest_special
from web.charts.numbers import number, period, with_unit
from web.charts.picture import mark
from web.charts.svg import element
from web.indicator_desk import Told
from web.months import Month
from web.pages import times
from web.pages.cluster import title_of
from web.pages.environment import render
from web.pages.indicators import Looker, changes, place_name, said, unit_of, view_of
from web.pages.shown_table import UNKNOWN, ShownLine, ShownTable
from web.pages.statement import (
    Telling,
    agreements_table,
    column_definitions,
    function_tables,
    levels_table,
    outcomes_table,
)
from web.report_desk import Basis, Place, Report
from web.words import LANGUAGES, Lang, Words

RUNS: Final = "*"
"""The sign of a series that is not spread as chance would spread it, at no one point."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for; with `all_charts` those of municipalities that show nothing too."""

    cluster: str
    month: Month
    all_charts: bool = False

    def href(self, month: Month | None = None, **changed: str) -> str:
        """The address of a month's report."""
        query = {"charts": "all"} if self.all_charts else {}
        text = urlencode({key: value for key, value in (query | changed).items() if value})
        path = f"/indicators/{quote(self.cluster)}/report/{(month or self.month).name}"
        return f"{path}?{text}" if text else path


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Something more than chance, its chart, and the number of that."""

    href: str
    text: str
    chart: str


@dataclass(frozen=True, slots=True)
class _Charted:
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
class _PlaceShown:
    """A place in words: what changed, what did not, and its charts."""

    name: str
    code: str
    changed: Sequence[_Sentence]
    quiet: str
    charts: Sequence[Markup]
    empty: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What a report is rendered with besides itself."""

    asked: Asked
    catalogue: Catalogue
    definitions: Definitions
    now: datetime
    lang: Lang
    looker: Looker


def render_report(report: Report, frame: Frame) -> str:
    """The page."""
    words, asked, catalogue = Words(frame.lang), frame.asked, frame.catalogue
    at = begin(report.basis.days[1])
    telling = Telling(catalogue, words, report.basis.days[1])
    charted = list(_numbered(report, asked, catalogue.municipalities, words))
    return render(
        "report.html",
        words,
        title=title_of(catalogue, asked.cluster, at, words),
        month=month_name(report.basis.month, words),
        cluster=asked.cluster,
        facts=_facts(report, frame, words),
        warnings=list(warnings_of(report.basis, frame.now, words)),
        changed_told=_changed_told(report, words),
        not_handed_in=_not_handed_in(report.places[0], words),
        places=[
            _place_shown(place, found, frame, words)
            for place, found in zip(report.places, charted, strict=True)
        ],
        figures=_figures(report, charted, frame, words),
        use=[
            *function_tables(report.statement, telling),
            agreements_table(report.statement.agreements, telling),
            levels_table(report.statement.levels, telling),
        ],
        calls=[
            outcomes_table(report.statement.outcomes, telling),
            _findings(report.findings, words),
        ],
        all_charts=asked.all_charts,
        charts_href=replace(asked, all_charts=not asked.all_charts).href(),
        definitions=_definitions(report.places[0], words),
        columns=column_definitions(words),
        needs=[said(each.name, words) for each in frame.definitions.needs.values()],
        before=_neighbour(report, asked, report.basis.month.before, words),
        after=_neighbour(report, asked, report.basis.month.after, words),
        language_hrefs={each: asked.href(lang=each) for each in LANGUAGES},
        demo=frame.looker.demo,
        csrf=frame.looker.csrf,
        visitor=frame.looker.visitor,
    )


def month_name(month: Month, words: Words) -> str:
    """ "oktober 2026"."""
    return period(words, month.first, Step.MONTH)


def day_name(day: date, words: Words) -> str:
    """ "3. oktober 2026"."""
    return period(words, day, Step.DAY)


def _neighbour(report: Report, asked: Asked, month: Month, words: Words) -> tuple[str, str] | None:
    """Address and name of the month before or after, where there are figures of it."""
    if month.days(report.basis.known) is None:
        return None
    return asked.href(month), month_name(month, words)


def _facts(report: Report, frame: Frame, words: Words) -> list[tuple[str, str]]:
    names = [
        frame.catalogue.municipalities.get(place.municipality, place.municipality)
        for place in report.places
        if place.municipality is not None
    ]
    period_told, *rest = facts_of(report.basis, frame.now, words)
    return [period_told, (words.text("report_covers"), ", ".join(names)), *rest]


def facts_of(basis: Basis, now: datetime, words: Words) -> list[tuple[str, str]]:
    """The period, until when history was counted, and when the page was made."""
    first, last = (day_name(day, words) for day in basis.days)
    return [
        (words.text("report_period"), words.text("report_of", first=first, last=last)),
        (words.text("report_as_of"), times.full(words, basis.through)),
        (words.text("report_made"), times.full(words, now)),
    ]


def warnings_of(basis: Basis, now: datetime, words: Words) -> Iterator[str]:
    """What a reader must know before any figure."""
    month, (first, last) = basis.month, basis.days
    if last < month.last:
        over = now >= begin(month.after.first)
        key = "report_not_made_up" if over else "report_not_over"
        yield words.text(key, last=day_name(last, words))
    if first > month.first:
        yield words.text("report_begins", first=day_name(first, words))
    if basis.missing.changes:
        yield words.count("report_missing_changes", basis.missing.changes)
    if basis.missing.entries:
        yield words.count("report_missing_entries", basis.missing.entries)


def _changed_told(report: Report, words: Words) -> str:
    first, last = (day_name(day, words) for day in (report.span.first, report.span.last))
    month = month_name(report.basis.month, words)
    return words.text("report_changed_told", first=first, last=last, month=month)


def _not_handed_in(place: Place, words: Words) -> str:
    names = ", ".join(said(each.name, words) for each in place.missing)
    return words.text("register_none", names=names) if names else ""


# --- charts and what they show -------------------------------------------------------------------


def _numbered(
    report: Report, asked: Asked, names: Mapping[str, str], words: Words
) -> Iterator[list[_Charted]]:
    """Of each place every indicator with its chart; those that are shown have a number from 1."""
    n = 0
    for place in report.places:
        found = []
        for told in place.told:
            code = place.municipality or "cluster"
            view = replace(view_of(told, words, names), id=f"c-{code}-{told.definition.id}")
            text, means = _more_than_chance(told, view, report.basis.month.first, words)
            wanted = place.municipality is None or asked.all_charts or bool(text)
            shown = wanted and _is_known(view)
            n += shown
            found.append(_Charted(told, view, text, means, n if shown else 0))
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


def _place_shown(
    place: Place, charted: Sequence[_Charted], frame: Frame, words: Words
) -> _PlaceShown:
    name = place_name(frame.catalogue, place.municipality, words)
    quiet = [each for each in charted if not each.text and _is_known(each.view)]
    empty = ", ".join(each.view.title for each in charted if not _is_known(each.view))
    said_of = [
        _Sentence(f"#{each.view.id}", each.text, words.text("report_chart", n=each.number))
        for each in charted
        if each.text
    ]
    told = words.count("indicators_quiet", len(quiet)) if said_of and quiet else ""
    if not said_of:
        told = words.text("indicators_no_change" if quiet else "report_nothing_known")
    since = frame.asked.month.first
    return _PlaceShown(
        name=name,
        code=place.municipality or "cluster",
        changed=said_of,
        quiet=told,
        charts=[_drawn(each, name, since, words) for each in charted if each.number],
        empty=words.text("report_charts_empty", names=empty) if empty else "",
    )


def _drawn(charted: _Charted, place: str, since: date, words: Words) -> Markup:
    """The chart over all its days, and the table of the month's."""
    title = f"{charted.number}. {charted.view.title} ({place})"
    first = 0 if charted.told.register else sum(day < since for day in charted.view.days)
    return figure(replace(charted.view, title=title), words, since=first, short=True)


# --- the month in figures ------------------------------------------------------------------------


def _figures(
    report: Report, charted: Sequence[Sequence[_Charted]], frame: Frame, words: Words
) -> ShownTable:
    names = [
        words.text("report_cluster")
        if place.municipality is None
        else frame.catalogue.municipalities.get(place.municipality, place.municipality)
        for place in report.places
    ]
    shown = [{each.told.definition.id: each for each in found} for found in charted]
    lines = []
    for told in report.places[0].told:
        definition = told.definition
        cells = [
            _cell(definition, place.figures.get(definition.id), of.get(definition.id), words)
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


def _cell(
    definition: Definition, found: Figure | None, charted: _Charted | None, words: Words
) -> str | Markup:
    """The month's figure; one whose chart shows more than chance leads there and has its sign."""
    if found is None or charted is None or found.value is None:
        return UNKNOWN
    value = with_unit(words, found.value, definition.decimals, unit_of(definition, words))
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


# --- calls, definitions --------------------------------------------------------------------------


def _findings(findings: Mapping[Finding, int], words: Words) -> ShownTable:
    """How many calls are of each class; nothing of any one call."""
    any_call = any(findings.values())
    lines = [
        ShownLine(
            words.text(f"finding_{finding.value}"),
            [number(words, findings.get(finding, 0), 0)],
            words.text(f"finding_{finding.value}_told"),
        )
        for finding in Finding
    ]
    return ShownTable(
        id="report-findings",
        caption=words.text("report_findings"),
        first=words.text("report_finding"),
        columns=[words.text("report_number")],
        lines=lines if any_call else [],
        notes=(words.text("report_findings_told" if any_call else "report_findings_none"),),
    )


def _definitions(place: Place, words: Words) -> list[tuple[str, list[tuple[str, str]]]]:
    """Name of each indicator, and what it counts, per what, without what, from where."""
    found = []
    for told in place.told:
        each = told.definition
        texts = {"counts": each.counts, "per": each.per, "excludes": each.excludes}
        lines = [
            (words.text(f"indicators_{key}"), said(text, words))
            for key, text in (texts | {"source": each.source}).items()
            if text
        ]
        found.append((said(each.name, words), lines))
    return found
