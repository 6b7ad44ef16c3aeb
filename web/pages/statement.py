"""The statement of how the acute functions are used, as tables of a page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from capacity.indicators.days import begin
from capacity.indicators.measures import Measure
from capacity.indicators.statement import LEVELS, Line, Statement, Use, total
from capacity.model import UnitKind
from capacity.units import Catalogue
from web.charts.numbers import number, with_unit
from web.pages.groups import kind_name
from web.pages.shown_table import UNKNOWN, ShownLine, ShownTable
from web.statement_export import (
    ASKS,
    CAPACITY,
    FIGURES,
    HOUR_MS,
    LEVEL_NAMES,
    UPKEEP,
    Figure,
    unit_name,
)
from web.words import Words

_PARTS: Final = (("capacity", CAPACITY), ("asks", ASKS), ("upkeep", UPKEEP))
_OUTCOMES: Final = (
    Measure.OUTCOMES, Measure.OUTCOME_ALTERNATIVE, Measure.OUTCOME_DESPITE_FREE,
    Measure.OUTCOME_NONE_FREE, Measure.OUTCOME_OTHER,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Telling:
    """In which words a statement is told: those of the last day that it is of."""

    catalogue: Catalogue
    words: Words
    day: date

    def kind(self, kind: str) -> str:
        """What a kind of unit was called."""
        return kind_name(self.catalogue, UnitKind(kind), begin(self.day), self.words)

    def municipality(self, code: str) -> str:
        """The municipality's name."""
        return self.catalogue.municipalities.get(code, code)


def function_tables(told: Statement, telling: Telling) -> list[ShownTable]:
    """Three tables of the units: what was offered and used, asked for, and kept."""
    words = telling.words
    return [
        ShownTable(
            id=f"statement-{name}",
            caption=words.text(f"statement_{name}"),
            first=words.text("statement_unit"),
            columns=[words.text(f"statement_{figure.key}") for figure in figures],
            lines=list(_lines(told.lines, figures, telling)),
        )
        for name, figures in _PARTS
        if told.lines
    ]


def _lines(
    lines: Sequence[Line], figures: Sequence[Figure], telling: Telling
) -> Iterator[ShownLine]:
    """Units by kind and municipality, with sums where there is more than one of them."""
    words = telling.words
    for kind in dict.fromkeys(line.kind for line in lines):
        of_kind = [line for line in lines if line.kind == kind]
        places = dict.fromkeys(line.municipality for line in of_kind)
        for place in places:
            units = [line for line in of_kind if line.municipality == place]
            name = telling.municipality(place)
            for line in units:
                note = f"{telling.kind(kind)}, {name}"
                if not line.is_recorded:
                    note += f": {words.text('statement_silent')}"
                cells = _cells(line, figures, words)
                yield ShownLine(unit_name(telling.catalogue, line.unit), cells, note)
            if len(units) > 1 and len(places) > 1:
                of = words.text("statement_sum", name=name)
                cells = _cells(total(units), figures, words)
                yield ShownLine(of, cells, telling.kind(kind), is_sum=True)
        if len(of_kind) > 1:
            of = words.text("statement_sum_kind", kind=telling.kind(kind))
            yield ShownLine(of, _cells(total(of_kind), figures, words), is_sum=True)


def _cells(line: Line, figures: Iterable[Figure], words: Words) -> list[str]:
    return [_figure(figure, figure.of(line), words) for figure in figures]


def _figure(figure: Figure, value: float | None, words: Words) -> str:
    if value is None:
        return UNKNOWN
    if figure.is_share:
        return with_unit(words, 100 * value, figure.decimals, "%")
    return number(words, value, figure.decimals)


def agreements_table(uses: Sequence[Use], telling: Telling) -> ShownTable:
    """How often agreements on borrowing were asked for and used."""
    words = telling.words
    return ShownTable(
        id="statement-agreements",
        caption=words.text("statement_agreements"),
        first=words.text("statement_agreement"),
        columns=[words.text("statement_asked"), words.text("statement_filled")],
        lines=[
            ShownLine(
                _agreement(use, telling), [number(words, n, 0) for n in (use.asked, use.filled)]
            )
            for use in uses
        ],
        notes=() if uses else (words.text("statement_agreement_none"),),
    )


def _agreement(use: Use, telling: Telling) -> str:
    known = telling.catalogue.agreements.get(use.agreement)
    borrower = telling.municipality(use.municipality)
    if known is None:
        return f"{borrower}: {use.agreement}" if borrower else use.agreement
    lender = telling.catalogue.organisations.get(known.lender)
    return telling.words.text(
        "statement_borrows",
        borrower=telling.municipality(known.borrower),
        lender=lender.name if lender else known.lender,
        kinds=", ".join(sorted(telling.kind(kind.value) for kind in known.kinds)),
    )


def outcomes_table(outcomes: Mapping[str, Mapping[Measure, int]], telling: Telling) -> ShownTable:
    """Logged outcomes by the citizen's municipality; those of whom it was not said last."""
    words = telling.words
    codes = sorted(outcomes, key=lambda code: (not code, code))
    lines = [
        ShownLine(
            telling.municipality(code) if code else words.text("statement_not_said"),
            _outcome_cells(outcomes[code], words),
        )
        for code in codes
    ]
    if len(codes) > 1:
        sums = {each: sum(outcomes[code].get(each, 0) for code in codes) for each in Measure}
        lines.append(
            ShownLine(words.text("statement_all"), _outcome_cells(sums, words), is_sum=True)
        )
    return ShownTable(
        id="statement-outcomes",
        caption=words.text("statement_outcomes"),
        first=words.text("statement_municipality"),
        columns=[
            words.text("statement_outcome_count"),
            *(words.text(each.value) for each in _OUTCOMES[1:]),
            words.text("statement_outcome_share"),
            words.text("statement_call_seconds"),
        ],
        lines=lines,
        notes=(words.text("statement_outcomes_told" if codes else "statement_outcomes_none"),),
    )


def _outcome_cells(sums: Mapping[Measure, int], words: Words) -> list[str]:
    cells = [number(words, sums.get(each, 0), 0) for each in _OUTCOMES]
    n, timed = sums.get(Measure.OUTCOMES, 0), sums.get(Measure.TIMED_CALLS, 0)
    share = 100 * sums.get(Measure.OUTCOME_ALTERNATIVE, 0) / n if n else None
    cells.append(UNKNOWN if share is None else with_unit(words, share, 1, "%"))
    seconds = sums.get(Measure.CALL_SECONDS, 0) / timed if timed else None
    return [*cells, UNKNOWN if seconds is None else number(words, seconds, 0)]


def levels_table(levels: Mapping[Measure, int], telling: Telling) -> ShownTable:
    """For how long each surge level counted; time before any was noted is not known."""
    words, whole = telling.words, sum(levels.values())
    lines = []
    for name, level in zip(LEVEL_NAMES, LEVELS, strict=True):
        millis = levels.get(level, 0)
        if name == "unknown":
            if not millis and whole:
                continue
            said = words.text("statement_level_unknown")
        else:
            said = f"{name}: {words.text(f'surge_level_{name}')}"
        cells = [UNKNOWN, UNKNOWN]
        if whole:
            share = with_unit(words, 100 * millis / whole, 1, "%")
            cells = [number(words, millis / HOUR_MS, 1), share]
        lines.append(ShownLine(said, cells))
    return ShownTable(
        id="statement-levels",
        caption=words.text("statement_levels"),
        first=words.text("statement_level"),
        columns=[words.text("statement_hours"), words.text("statement_share")],
        lines=lines,
    )


def column_definitions(words: Words) -> list[tuple[str, str]]:
    """What each column of the units' tables counts."""
    return [
        (
            words.text(f"statement_{figure.key}").replace("\u00ad", ""),
            words.text(f"statement_{figure.key}_told"),
        )
        for figure in FIGURES
    ]
