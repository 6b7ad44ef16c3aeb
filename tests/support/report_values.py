"""A small monthly report made of plain values, for looking at: no store, no history.

One municipality has its places full at the end of the month, one goes up and down as ever, and of
one nothing is known.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from capacity.catalogue import builtin_catalogue
from capacity.history import Amount
from capacity.history.gaps import Missing
from capacity.indicator_catalogue import builtin_definitions
from capacity.indicators.days import begin
from capacity.indicators.measures import Measure
from capacity.indicators.statement import Line, Statement, Use
from capacity.ledger import Finding
from web.indicator_desk import Span, Told, told
from web.months import Month
from web.pages.indicators import Looker
from web.pages.report import Asked, Frame, render_report
from web.pages.statement_page import Chosen, render_statement
from web.report_desk import Basis, Place, Report
from web.words import Lang

CATALOGUE = builtin_catalogue()
DEFINITIONS = builtin_definitions(CATALOGUE)
SHOWN = (
    "occupancy", "some_free", "stale_minutes", "stale_share", "accepted_share", "no_alternative",
    "surge_hours",
)  # fmt: skip
MONTH = Month(date(2026, 10, 1))
SPAN = Span("day", date(2026, 8, 2), date(2026, 10, 31))
NOW = begin(date(2026, 11, 3))
BASIS = Basis(
    MONTH, (MONTH.first, MONTH.last), (SPAN.first, SPAN.last), NOW, Missing(changes=3, entries=1)
)
DAY_MS = 86_400_000
FULL, USUAL, SILENT = "0710", "0730", "0706"
LOOKER = Looker(demo=True, csrf="", visitor=None)


def _amounts(code: str) -> Iterator[Amount]:
    for number in range((SPAN.last - SPAN.first).days + 1):
        day = SPAN.first + timedelta(days=number)
        used = 4 if code == FULL and day >= date(2026, 10, 18) else 2 + number % 3 * number % 2
        stale = (number * 37 % 90) * 60_000
        of = {
            Measure.OCCUPIED_MS: used * DAY_MS, Measure.PLACE_MS: 4 * DAY_MS,
            Measure.FREE_MS: DAY_MS - stale, Measure.STALE_MS: stale,
            Measure.ASKED: 5 + number % 4, Measure.ACCEPTED: 3 + number * 7 % 3,
        }  # fmt: skip
        for measure, amount in of.items():
            yield Amount(measure, (day.isoformat(), "acute_place", code), amount)


def _told(amounts: list[Amount], name: str, span: Span) -> Told:
    definition = DEFINITIONS.on(span.last)[name]
    wanted = [each for each in amounts if each.measure in definition.measures]
    wanted = [each for each in wanted if str(each.by[0]) >= span.first.isoformat()]
    return told(definition, date(2026, 1, 1), wanted, span)


def _place(code: str | None) -> Place:
    codes = (FULL, USUAL) if code is None else (code,) if code != SILENT else ()
    amounts = [each for one in codes for each in _amounts(one)]
    shown = SHOWN if code is None else SHOWN[:-1]
    month = Span("day", MONTH.first, MONTH.last)
    missing = [DEFINITIONS.on(SPAN.last)["acute_admissions"]]
    return Place(
        code,
        [_told(amounts, name, SPAN) for name in shown],
        {name: _told(amounts, name, month).whole for name in shown},
        missing,
    )


def _line(unit: str, code: str, **amounts: int) -> Line:
    return Line(unit, "acute_place", code, {Measure(key): n for key, n in amounts.items()})


STATEMENT = Statement(
    lines=[
        _line("syddjurs-akutplads", SILENT),
        _line("favrskov-akutplads", FULL, free_ms=9 * DAY_MS, full_ms=20 * DAY_MS,
              stale_ms=2 * DAY_MS, place_ms=116 * DAY_MS, occupied_ms=99 * DAY_MS,
              free_place_ms=17 * DAY_MS, asked=31, accepted=17, declined=6, unanswered=8, filled=12,
              answered=23, answer_ms=7_000_000, updates=118, gaps=118, gap_ms=31 * DAY_MS),
        _line("randers-akutplads-1", USUAL, free_ms=30 * DAY_MS, stale_ms=DAY_MS, updates=90,
              place_ms=120 * DAY_MS, occupied_ms=60 * DAY_MS, free_place_ms=60 * DAY_MS),
        _line("randers-akutplads-2", USUAL, closed_ms=31 * DAY_MS),
    ],
    agreements=[Use("favrskov-hos-randers", FULL, 11, 5)],
    outcomes={
        FULL: {Measure.OUTCOMES: 33, Measure.OUTCOME_ALTERNATIVE: 6, Measure.OUTCOME_OTHER: 27},
        "": {Measure.OUTCOMES: 34, Measure.TIMED_CALLS: 20, Measure.CALL_SECONDS: 1560},
    },
    levels={Measure.LEVEL_0_MS: 30 * DAY_MS, Measure.LEVEL_UNKNOWN_MS: DAY_MS},
)  # fmt: skip


def report_page(lang: Lang) -> str:
    """The monthly report."""
    places = [_place(code) for code in (None, USUAL, FULL, SILENT)]
    findings = dict.fromkeys(Finding, 0) | {Finding.MISSED: 25, Finding.OTHER: 9}
    report = Report(BASIS, SPAN, places, STATEMENT, findings)
    asked = Asked("randers", MONTH)
    return render_report(report, Frame(asked, CATALOGUE, DEFINITIONS, NOW, lang, LOOKER))


def statement_page(lang: Lang) -> str:
    """The statement of use by itself."""
    names = {code: CATALOGUE.municipalities[code] for code in (USUAL, FULL, SILENT)}
    months = [MONTH, MONTH.before]
    chosen = Chosen("randers", None, MONTH)
    return render_statement(STATEMENT, BASIS, chosen, months, names, CATALOGUE, NOW, lang, LOOKER)
