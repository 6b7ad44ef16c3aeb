"""The page of the indicators: what is more than chance, then every chart beside its definition.

No script. The sentences are those of the charts they lead to, so the two cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from markupsafe import Markup

from capacity.indicators.definitions import Definition, Measured, Text
from capacity.indicators.figures import Step as Length
from capacity.indicators.figures import next_period
from capacity.spc import Chart
from capacity.units import Catalogue
from web.charts import ChartView, Step, figure, latest_special
from web.charts.numbers import period, with_unit
from web.indicator_desk import MOST, USUAL, Span, Told
from web.months import Month
from web.pages import registers
from web.pages.cluster import title_of
from web.pages.environment import render
from web.pages.exports import export_links
from web.pages.visitor import Visitor
from web.tables import Form
from web.words import LANGUAGES, Lang, Words

MONTH: Final = timedelta(days=31)
"""How far back "the last month" reaches."""
UNKNOWN: Final = "\u2013"


@dataclass(frozen=True, slots=True)
class Choice:
    """What is looked at; `municipality` is a code, ``None`` the whole cluster."""

    cluster: str
    municipality: str | None
    step: Length
    n: int
    is_wrong: bool = False
    """The address said something else that could not be read."""

    @property
    def path(self) -> str:
        """The page's address without its query."""
        place = f"/{quote(self.municipality)}" if self.municipality else ""
        return f"/indicators/{quote(self.cluster)}{place}"

    def query(self, **changed: str) -> str:
        """The query of this choice, and what is added to it."""
        return "?" + urlencode({"step": self.step, "last": self.n} | changed)


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks."""

    demo: bool
    csrf: str
    visitor: Visitor | None
    may_import: bool = False
    """Whether the reader may see and hand in figures of registers."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something more than chance, and the chart on the page that shows it."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """One chart and its definition."""

    id: str
    figure: Markup
    lines: Sequence[tuple[str, str]]


def render_indicators(
    told: Sequence[Told],
    span: Span | None,
    missing: Sequence[Definition],
    choice: Choice,
    catalogue: Catalogue,
    now: datetime,
    lang: Lang,
    looker: Looker,
    months: Sequence[Month] = (),
) -> str:
    """The page; `months` are those that there are reports of."""
    words = Words(lang)
    views = [view_of(each, words, catalogue.municipalities) for each in told]
    changed, quiet = changes(told, views, words)
    return render(
        "indicators.html",
        words,
        title=title_of(catalogue, choice.cluster, now, words),
        place=place_name(catalogue, choice.municipality, words),
        places=_places(catalogue, choice, now, words),
        choice=choice,
        most=max(MOST.values()),
        steps=[(each, words.text(f"indicators_{each}")) for each in USUAL],
        since=_since(span, words) if span else "",
        changed=changed,
        quiet=words.count("indicators_quiet", quiet) if changed and quiet else "",
        entries=[
            _Entry(each.definition.id, figure(view, words), lines(each, words, choice.step))
            for each, view in zip(told, views, strict=True)
        ],
        missing=_missing(missing, words),
        reports=_reports(choice, months, words),
        statement=_statement(choice, months),
        exports=export_links(lambda form: choice.path + choice.query(format=form), words),
        profile_exports=export_links(lambda form: _profile(choice, form), words),
        language_hrefs={each: choice.query(lang=each) for each in LANGUAGES},
        may_import=looker.may_import,
        demo=looker.demo,
        csrf=looker.csrf,
        visitor=looker.visitor,
    )


def _reports(choice: Choice, months: Sequence[Month], words: Words) -> list[tuple[str, str]]:
    """Address and name of each month's report, which is of the whole cluster."""
    path = f"/indicators/{quote(choice.cluster)}/report/"
    return [(path + each.name, period(words, each.first, Step.MONTH)) for each in months]


def _statement(choice: Choice, months: Sequence[Month]) -> str:
    """Where the latest statement of use stands; nothing before there is one."""
    place = {"municipality": choice.municipality} if choice.municipality else {}
    query = urlencode(place)
    path = f"/indicators/{quote(choice.cluster)}/statement"
    return (f"{path}?{query}" if query else path) if months else ""


def said(text: Text, words: Words) -> str:
    """A definition's text in the words' language."""
    return text.da if words.lang == "da" else text.en


def unit_of(definition: Definition, words: Words) -> str:
    """What stands behind its figures; nothing behind a number of cases."""
    if definition.measured is Measured.COUNT:
        return ""
    return words.text(f"indicators_{definition.measured}")


def possible(chart: Chart) -> Chart:
    """The chart with no limit below zero, where no figure of ours can be; signals as they are."""
    points = (
        point if point.lower is None or point.lower >= 0 else replace(point, lower=0.0)
        for point in chart.points
    )
    return replace(chart, points=tuple(points))


def view_of(told: Told, words: Words, names: Mapping[str, str]) -> ChartView:
    """The chart as it is shown; its `id` is what sentences lead to. `names` are those of
    municipalities.
    """
    definition = told.definition
    unit = unit_of(definition, words)
    return ChartView(
        id=f"i-{definition.id}",
        title=said(definition.name, words),
        chart=possible(told.chart),
        days=[each.day for each in told.periods],
        step=Step(told.step),
        unit=unit,
        decimals=definition.decimals,
        better=definition.better,
        changes=registers.changes(told, names, words),
        drafts=registers.drafts(told),
        remarks=registers.remarks(told, unit, names, words),
        notes=registers.notes(told, words),
    )


def changes(
    told: Sequence[Told], views: Sequence[ChartView], words: Words, *, since: date | None = None
) -> tuple[list[Sentence], int]:
    """What of the last month is more than chance, a sentence for each indicator; and how many
    show nothing of it. The last month of a register is the last that was handed in. With `since`
    what of the time from that day on is.
    """
    found: list[Sentence] = []
    quiet = 0
    for each, view in zip(told, views, strict=True):
        text = _special_text(each, view, words, since)
        runs = (segment.runs for segment in view.chart.segments)
        if not text and any(run is not None and run.signal for run in runs):
            text = words.text("indicators_runs", name=view.title)
        if text:
            found.append(Sentence(f"#{view.id}", text))
        elif any(point.value is not None for point in each.chart.points):
            quiet += 1
    return found, quiet


def _special_text(told: Told, view: ChartView, words: Words, since: date | None) -> str:
    """The last special causes of a chart, if the month has any of them; else nothing."""
    special = latest_special(view, words)
    if special is None:
        return ""
    first, step = view.days[0], told.step
    last = next_period(view.days[-1], step) - timedelta(days=1)
    begun = _reach(Span(step, first, last)) if since is None else since
    if next_period(view.days[special.last], step) <= begun:
        return ""
    point = view.chart.points[special.last]
    if point.value is None or point.centre is None:
        return ""
    key = "indicators_draft_sentence" if special.last in view.drafts else "indicators_sentence"
    return words.text(
        key,
        name=view.title,
        what=special.text,
        value=with_unit(words, point.value, view.decimals, view.unit),
        centre=with_unit(words, point.centre, view.line_decimals, view.unit),
    )


def _reach(span: Span) -> date:
    """The first day of the last month, or of the span where that is shorter."""
    return max(span.first, span.last - MONTH + timedelta(days=1))


def _since(span: Span, words: Words) -> str:
    first, last = (period(words, day, Step.DAY) for day in (_reach(span), span.last))
    return words.text("indicators_since", first=first, last=last)


def lines(told: Told, words: Words, step: Length) -> list[tuple[str, str]]:
    """What a figure is, and what it comes to over all the time shown. `step` is the length of
    periods that was asked for.
    """
    definition, whole = told.definition, told.whole
    found = definition_lines(definition, words)
    value = UNKNOWN
    if whole.value is not None and told.periods:
        unit = unit_of(definition, words)
        value = with_unit(words, whole.value, definition.decimals, unit)
    found.append((words.text("indicators_over_all"), value))
    if told.step != step:
        found.append((words.text("indicators_step"), _other_step(told, words, step)))
    if whole.unknown is not None:
        share = with_unit(words, 100 * whole.unknown, 1, "%") if told.periods else UNKNOWN
        found.append((words.text("indicators_not_known"), share))
    return found


def definition_lines(definition: Definition, words: Words) -> list[tuple[str, str]]:
    """What an indicator is, line by line."""
    texts = {
        "counts": definition.counts,
        "per": definition.per,
        "excludes": definition.excludes,
        "source": definition.source,
    }
    return [
        (words.text(f"indicators_{key}"), said(text, words)) for key, text in texts.items() if text
    ]


def _other_step(told: Told, words: Words, step: Length) -> str:
    shown, wanted = (words.text(f"register_step_{each}") for each in (told.step, step))
    return words.text("register_other_step", shown=shown, wanted=wanted)


def _profile(choice: Choice, form: Form) -> str:
    """Where the week's hours are had as a table."""
    place = {"municipality": choice.municipality} if choice.municipality else {}
    query = {"format": form} | place
    return f"/api/v1/indicators/{quote(choice.cluster)}/profile?{urlencode(query)}"


def _missing(missing: Sequence[Definition], words: Words) -> str:
    """The indicators of registers of which there is nothing; a chart of nothing says less."""
    names = ", ".join(said(each.name, words) for each in missing)
    return words.text("register_none", names=names) if names else ""


def place_name(catalogue: Catalogue, municipality: str | None, words: Words) -> str:
    """What the figures are of."""
    if municipality is None:
        return words.text("indicators_whole")
    name = catalogue.municipalities.get(municipality, municipality)
    return words.text("indicators_of", municipality=name)


def municipalities(catalogue: Catalogue, cluster: str, day: date) -> Mapping[str, str]:
    """Code and name of a cluster's municipalities on a day."""
    codes = catalogue.clusters[cluster].municipalities.on(day) or ()
    return {code: catalogue.municipalities.get(code, code) for code in codes}


def _places(
    catalogue: Catalogue, choice: Choice, now: datetime, words: Words
) -> list[tuple[str, str, bool]]:
    """Address, name and whether it is this page, of the cluster and each municipality."""
    codes = [None, *municipalities(catalogue, choice.cluster, now.date())]
    return [
        (
            Choice(choice.cluster, code, choice.step, choice.n).path + choice.query(),
            place_name(catalogue, code, words),
            code == choice.municipality,
        )
        for code in codes
    ]
