"""The page of comparisons: what was compared, what it comes to or why nothing can be said. No
script.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from markupsafe import Markup

from capacity.comparison import Finding, Span
from capacity.indicators.definitions import Definitions
from capacity.indicators.figures import period_of
from capacity.units import Catalogue, danish_day
from web.charts import Step, figure
from web.charts.numbers import period, with_unit
from web.compare_desk import Compared, Place
from web.indicator_desk import USUAL, Told
from web.pages.cluster import title_of
from web.pages.comparison import Sentences, sentences
from web.pages.environment import render
from web.pages.indicators import (
    Looker,
    definition_lines,
    municipalities,
    place_name,
    said,
    unit_of,
    view_of,
)
from web.words import Words

MONTHS: Final = 13
"""Periods of each side that stand in the empty form: as many as a comparison needs."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the page has besides the comparison. `clusters` are those the reader may see, `asked`
    what stands in the forms, `wrong` the field that cannot be used and why.
    """

    words: Words
    catalogue: Catalogue
    definitions: Definitions
    cluster: str
    clusters: Sequence[str]
    now: datetime
    looker: Looker
    asked: Mapping[str, str]
    wrong: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A comparison in words, and each side's name and chart."""

    refused: bool
    sentences: Sentences
    what: str
    sides: Sequence[tuple[str, Markup]]
    lines: Sequence[tuple[str, str]]


def render_compare(frame: Frame, found: Compared | None) -> str:
    """The whole page."""
    words, asked = frame.words, frame.asked
    wrong = None
    if frame.wrong is not None:
        field, reason = frame.wrong
        name = words.text(f"compare_field_{field}")
        wrong = words.text(f"compare_wrong_{reason}", field=name)
    path = f"/indicators/{frame.cluster}/compare"
    of = "places" if asked["other"] else "periods"
    return render(
        "compare.html",
        words,
        frame=frame,
        title=title_of(frame.catalogue, frame.cluster, frame.now, words),
        path=path,
        query={key: value for key, value in asked.items() if value},
        of=of,
        wrong=wrong,
        shown=None if found is None else _shown(frame, found),
        indicators=_indicators(frame),
        steps=[(each, words.text(f"indicators_{each}")) for each in USUAL],
        places=_own_places(frame),
        others=_other_places(frame),
        filled=_filled(frame),
        demo=frame.looker.demo,
        csrf=frame.looker.csrf,
        visitor=frame.looker.visitor,
    )


def _shown(frame: Frame, found: Compared) -> Shown:
    words, wished = frame.words, found.wished
    definition = found.second.definition
    unit, decimals = unit_of(definition, words), definition.decimals + 1
    if wished.other is not None:
        first, second = (_named(frame, each) for each in (wished.place, wished.other))
        where = _days(wished.first, words)
    else:
        spans = (wished.first, wished.second or wished.first)
        first, second = (_days(each, words) for each in spans)
        where = _named(frame, wished.place)
    told = sentences(
        found.answer, words, first, second, lambda value: with_unit(words, value, decimals, unit)
    )
    return Shown(
        refused=found.answer.finding is Finding.REFUSED,
        sentences=told,
        what=words.text("compare_what", name=said(definition.name, words), where=where),
        sides=[
            (name, _chart(frame, each, f"side-{n}", name))
            for n, name, each in ((1, first, found.first), (2, second, found.second))
        ],
        lines=definition_lines(definition, words),
    )


def _chart(frame: Frame, told: Told, key: str, name: str) -> Markup:
    view = view_of(told, frame.words, frame.catalogue.municipalities)
    return figure(replace(view, id=key, title=f"{view.title}: {name}"), frame.words)


def _days(span: Span, words: Words) -> str:
    first, last = (period(words, day, Step.DAY) for day in (span.first, span.last))
    return words.text("compare_days", first=first, last=last)


def _named(frame: Frame, place: Place) -> str:
    if place.municipality is None:
        return title_of(frame.catalogue, place.cluster, frame.now, frame.words)
    return place_name(frame.catalogue, place.municipality, frame.words)


def _indicators(frame: Frame) -> Mapping[str, str]:
    defined = frame.definitions.on(danish_day(frame.now))
    return {key: said(each.name, frame.words) for key, each in defined.items()}


def _own_places(frame: Frame) -> list[tuple[str, str]]:
    today = danish_day(frame.now)
    codes = municipalities(frame.catalogue, frame.cluster, today)
    every = [Place(frame.cluster), *(Place(frame.cluster, code) for code in codes)]
    return [(each.municipality or "", _named(frame, each)) for each in every]


def _other_places(frame: Frame) -> list[tuple[str, str]]:
    """Every place of every cluster that the reader may see, as addresses have them."""
    today, found = danish_day(frame.now), []
    for cluster in frame.clusters:
        found.append((cluster, _named(frame, Place(cluster))))
        codes = municipalities(frame.catalogue, cluster, today)
        found += [(f"{cluster}/{code}", _named(frame, Place(cluster, code))) for code in codes]
    return found


def _filled(frame: Frame) -> dict[str, str]:
    """What stands in the forms: what was asked, else the last whole months and those before."""
    found = dict(frame.asked)
    if not found["step"]:
        found["step"] = "month"
    end = period_of(danish_day(frame.now), "month")
    middle = _months_before(end, MONTHS)
    usual = {
        "first_from": _months_before(middle, MONTHS),
        "first_to": middle - timedelta(days=1),
        "second_from": middle,
        "second_to": end - timedelta(days=1),
    }
    if not any(found[key] for key in usual):
        found |= {key: day.isoformat() for key, day in usual.items()}
    return found


def _months_before(day: date, n: int) -> date:
    month = day.year * 12 + day.month - 1 - n
    return date(month // 12, month % 12 + 1, 1)
