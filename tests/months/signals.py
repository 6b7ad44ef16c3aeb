"""What the service's own charts and comparisons make of the second stretch of days.

Only what the seeded effect is about is looked at: whoever looks at everything finds something.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from capacity.catalogue import builtin_catalogue
from capacity.comparison import Finding, Point, Span, compare_periods
from capacity.indicator_catalogue import builtin_definitions
from capacity.instants import parse_instant
from capacity.spc import Verdict, compare
from simulators.months.plan import Plan, local, millis
from tests.months.check import Told

EXPECTED = {
    "alternative_share": Finding.HIGHER,
    "answer_minutes": Finding.LOWER,
    "update_interval": Finding.LOWER,
    "stale_share": Finding.LOWER,
    "missed": Finding.LOWER,
}
"""Where the effect must show, and which way. ``missed`` is the share of admissions that the ledger
classes so: the one figure here that is no indicator.
"""
_WEIGHED = ("missed", "stale", "ask", "none")


@dataclass(frozen=True, slots=True)
class Seen:
    """One figure, day by day: its means before and after, the least difference that is more than
    chance, and what the comparison of before and after comes to (`capacity.spc.compare`).

    `page` is what the page of comparisons would say, which refuses more often: wherever either
    side shows anything special by itself. `better`: days after the turn that the chart marks as
    special for the better.
    """

    name: str
    before: float | None
    after: float | None
    least: float | None
    finding: Finding
    page: str = ""
    better: int = 0

    @property
    def is_effect(self) -> bool:
        """Whether it was found, and the way it was put in."""
        return self.finding is EXPECTED[self.name]

    @property
    def is_found(self) -> bool:
        """Whether anything was."""
        return self.finding in (Finding.HIGHER, Finding.LOWER)


def signals(plan: Plan, told: Told) -> list[Seen]:
    """Each of the expected."""
    return [
        _of_ledger(plan, told) if name == "missed" else _of_indicator(plan, told, name)
        for name in EXPECTED
    ]


def _of_indicator(plan: Plan, told: Told, name: str) -> Seen:
    defined = builtin_definitions(builtin_catalogue()).on(plan.begin)[name]
    indicator = next(each for each in told.indicators[""] if each["definition"]["id"] == name)
    points = [
        Point(
            date.fromisoformat(each["period"]), each["value"], defined,
            unknown=each["unknown"] or 0.0,
        )
        for each in indicator["series"]
    ]  # fmt: skip
    answer = compare_periods(points, *_spans(plan))
    page = " ".join((answer.finding.value, *(f"{k} {n}" for k, n in answer.reasons.items())))
    better = [
        each
        for each in indicator["series"]
        if each["period"] >= plan.turn.isoformat()
        and each["signal"]
        and each["signal"]["meaning"] == "improvement"
    ]
    return _seen(plan, name, [point.value for point in points], page, len(better))


def _of_ledger(plan: Plan, told: Told) -> Seen:
    """Per cent of the weighed admissions of a day that were missed alternatives."""
    of_day: dict[date, list[bool]] = defaultdict(list)
    for call in told.calls:
        if call["finding"] in _WEIGHED:
            day = local(millis(parse_instant(call["at"]))).date()
            of_day[day].append(call["finding"] == "missed")
    days = [plan.begin + timedelta(days=n) for n in range(plan.first_days + plan.second_days)]
    values = [100 * sum(of_day[day]) / len(of_day[day]) if of_day[day] else None for day in days]
    return _seen(plan, "missed", values)


def _seen(
    plan: Plan, name: str, values: Sequence[float | None], page: str = "", better: int = 0
) -> Seen:
    found = compare(values, plan.first_days)
    finding = Finding.REFUSED
    if found.verdict is Verdict.NOT_SEEN:
        finding = Finding.NOT_SEEN
    elif found.verdict is Verdict.CHANGED and found.difference is not None:
        finding = Finding.HIGHER if found.difference > 0 else Finding.LOWER
    return Seen(name, found.before, found.after, found.least, finding, page, better)


def _spans(plan: Plan) -> tuple[Span, Span]:
    day = timedelta(days=1)
    return Span(plan.begin, plan.turn - day), Span(plan.turn, plan.end - day)
