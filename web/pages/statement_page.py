"""The page of the statement of use: one month of the cluster or of a municipality. No script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from capacity.indicators.days import begin
from capacity.indicators.statement import Statement
from capacity.units import Catalogue
from web.months import Month
from web.pages.cluster import title_of
from web.pages.environment import render
from web.pages.exports import export_links
from web.pages.indicators import Looker, place_name
from web.pages.report import facts_of, month_name, warnings_of
from web.pages.statement import (
    Telling,
    agreements_table,
    column_definitions,
    function_tables,
    levels_table,
    outcomes_table,
)
from web.report_desk import Basis
from web.words import LANGUAGES, Lang, Words


@dataclass(frozen=True, slots=True)
class Chosen:
    """A month of a cluster, or of one of its municipalities."""

    cluster: str
    municipality: str | None
    month: Month

    def href(self, **more: str) -> str:
        """The address of this choice."""
        return f"/indicators/{quote(self.cluster)}/statement?{self._query(**more)}"

    def table(self, form: str) -> str:
        """Where it is had as a table."""
        return f"/api/v1/indicators/{quote(self.cluster)}/statement?{self._query(format=form)}"

    def _query(self, **more: str) -> str:
        place = {"municipality": self.municipality} if self.municipality else {}
        return urlencode({"month": self.month.name} | place | more)


def render_statement(
    told: Statement,
    basis: Basis,
    chosen: Chosen,
    months: Sequence[Month],
    municipalities: Mapping[str, str],
    catalogue: Catalogue,
    now: datetime,
    lang: Lang,
    looker: Looker,
) -> str:
    """The page; `months` are those that can be chosen."""
    words = Words(lang)
    telling = Telling(catalogue, words, basis.days[1])
    if chosen.municipality is not None:
        told = told.of(chosen.municipality)
    tables = [
        *function_tables(told, telling),
        agreements_table(told.agreements, telling),
        outcomes_table(told.outcomes, telling),
    ]
    if chosen.municipality is None:
        tables.append(levels_table(told.levels, telling))
    return render(
        "statement.html",
        words,
        title=title_of(catalogue, chosen.cluster, begin(basis.days[1]), words),
        cluster=chosen.cluster,
        place=place_name(catalogue, chosen.municipality, words),
        month=month_name(chosen.month, words),
        places=[
            (
                replace(chosen, municipality=code).href(),
                place_name(catalogue, code, words),
                code == chosen.municipality,
            )
            for code in (None, *municipalities)
        ],
        months=[
            (replace(chosen, month=each).href(), month_name(each, words), each == chosen.month)
            for each in months
        ],
        facts=facts_of(basis, now, words),
        warnings=list(warnings_of(basis, now, words)),
        exports=export_links(chosen.table, words),
        tables=tables,
        columns=column_definitions(words),
        language_hrefs={each: chosen.href(lang=each) for each in LANGUAGES},
        demo=looker.demo,
        csrf=looker.csrf,
        visitor=looker.visitor,
    )
