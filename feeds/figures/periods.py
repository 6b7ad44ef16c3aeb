"""Which day, week or month a cell means, in the ways in which registers write it. Pure.

| written | means |
|---|---|
| ``2026-01`` ``2026/1`` ``01-2026`` ``2026M01`` ``202601`` | January 2026 |
| ``januar 2026`` ``Jan. 2026`` ``2026 january`` | January 2026, Danish or English |
| ``2026-W05`` ``2026U05`` ``2026 uge 5`` ``Uge 5, 2026`` ``week 5 2026`` | ISO week 5 of 2026 |
| ``2026-01-01`` | that day, or the week or month from it on, as the mapping's ``step`` says |
"""

import re
from datetime import date, timedelta

from capacity.imported import Step
from capacity.reading import FieldError

_NAMES = (
    ("januar", "january"), ("februar", "february"), ("marts", "march"), ("april",),
    ("maj", "may"), ("juni", "june"), ("juli", "july"), ("august",), ("september",),
    ("oktober", "october"), ("november",), ("december",),
)  # fmt: skip
_MONTHS = {name: number for number, names in enumerate(_NAMES, start=1) for name in names}
_SHORT = {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}

_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = re.compile(rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)(?:[T ]00:00(?::00)?)?", re.ASCII)
_MONTH = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"{_YEAR}(?:[-/. ]|\s?m)(?P<month>\d{{1,2}})",
        rf"(?P<month>\d{{1,2}})[-/. ]{_YEAR}",
        rf"{_YEAR}(?P<month>\d\d)",
    )
)
_WORD = tuple(
    re.compile(pattern) for pattern in (rf"(?P<name>[a-zæøå]+)\.?,? {_YEAR}",
                                        rf"{_YEAR},? (?P<name>[a-zæøå]+)\.?")
)  # fmt: skip
_WEEK = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"{_YEAR}(?:[- ]?w|\s?u|,? (?:uge|week) )(?P<week>\d{{1,2}})",
        rf"(?:uge|week) (?P<week>\d{{1,2}}),? {_YEAR}",
    )
)
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)


def period_of(text: str, step: Step | None) -> tuple[Step, date]:
    """The step and first day of a period; `step` is the one that is wanted, if only one is.

    Raises `FieldError` for what is no period, none that begins so, or one of the other length.
    """
    found = _read(" ".join(text.split()).casefold(), step)
    if step is not None and found[0] != step:
        raise FieldError("period", f"is a {found[0]}, where the mapping says {step}")
    return found


def of_parts(year: str, part: str, step: Step) -> tuple[Step, date]:
    """The period of a year and a month (a number or a name) or week; raises `FieldError`."""
    if not _NUMBER.fullmatch(year):
        raise FieldError("year", "is no year")
    word = part.strip().casefold().removesuffix(".")
    number = int(word) if _NUMBER.fullmatch(word) else _MONTHS.get(word) or _SHORT.get(word)
    if number is None:
        raise FieldError(step, f"is no {step}")
    return (step, _month(int(year), number) if step == "month" else _week(int(year), number))


def is_over(step: Step, first: date, today: date) -> bool:
    """Whether all days of the period lie before `today`: no figure is whole before."""
    after = first + timedelta(days={"day": 1, "week": 7, "month": 32}[step])
    return (after.replace(day=1) if step == "month" else after) <= today


def _read(text: str, step: Step | None) -> tuple[Step, date]:
    if match := _DAY.fullmatch(text):
        return _from_day(match, step)
    for pattern in _WEEK:
        if match := pattern.fullmatch(text):
            return "week", _week(int(match["year"]), int(match["week"]))
    for pattern in _MONTH:
        if match := pattern.fullmatch(text):
            return "month", _month(int(match["year"]), int(match["month"]))
    for pattern in _WORD:
        if match := pattern.fullmatch(text):
            number = _MONTHS.get(match["name"]) or _SHORT.get(match["name"])
            if number is not None:
                return "month", _month(int(match["year"]), number)
    raise FieldError("period", "is no month, no week and no day")


def _from_day(match: re.Match[str], step: Step | None) -> tuple[Step, date]:
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError as error:
        raise FieldError("period", "is no day that exists") from error
    if step is None:
        reason = "is a day: the mapping must say whether a day, a week or a month"
        raise FieldError("period", reason)
    if step == "month" and day.day != 1:
        raise FieldError("period", "is not the first day of a month")
    if step == "week" and day.weekday():
        raise FieldError("period", "is not a Monday")
    return step, day


def _month(year: int, month: int) -> date:
    try:
        return date(year, month, 1)
    except ValueError as error:
        raise FieldError("period", "is no month that exists") from error


def _week(year: int, week: int) -> date:
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError as error:
        raise FieldError("period", "is no week that exists") from error
