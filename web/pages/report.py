"""The monthly report: a page that is read on a screen, printed, or kept as PDF. No script.

Every sentence is that of the chart it leads to, and charts are numbered, so that the way from one
to the other is found on paper too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import quote, urlencode

from capacity.indicators.days import begin
from capacity.indicators.definitions import Definitions
from capacity.ledger import Finding
from capacity.units import Catalogue
from web.charts import Step
from web.charts.numbers import number, period
from web.months import Month
from web.pages import times
from web.pages.cluster import title_of
from web.pages.environment import render
from web.pages.indicators import Looker, said
from web.pages.report_charts import figures_table, numbered, place_shown
from web.pages.shown_table import ShownLine, ShownTable
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
    names = catalogue.municipalities
    charted = list(numbered(report, names, words, all_charts=asked.all_charts))
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
            place_shown(place, found, asked.month.first, catalogue, words)
            for place, found in zip(report.places, charted, strict=True)
        ],
        figures=figures_table(report, charted, names, words),
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
