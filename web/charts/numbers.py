"""Numbers and periods as people write them."""

from datetime import date

from web.charts.view import Step
from web.pages.times import SHORT
from web.words import Words


def number(words: Words, value: float, decimals: int) -> str:
    """A figure with a fixed number of decimals; a comma before them in Danish.

    Rounded half away from zero, as people do, and never "-0".
    """
    scaled = abs(value) * 10**decimals
    whole = int(scaled + 0.5 + 1e-9)
    units, rest = divmod(whole, 10**decimals)
    grouped = _grouped(units, words.text("thousands"))
    text = f"{grouped}{words.text('decimal')}{rest:0{decimals}}" if decimals else grouped
    return f"\u2212{text}" if value < 0 and whole else text


def with_unit(words: Words, value: float, decimals: int, unit: str) -> str:
    """A figure and its unit, which are not parted at the end of a line."""
    text = number(words, value, decimals)
    return f"{text}\u00a0{unit}" if unit else text


def period(words: Words, day: date, step: Step, *, short: bool = False) -> str:
    """The period that begins on a day: "3. marts 2026", "uge 10, 2026", "marts 2026"."""
    month = words.months[day.month - 1]
    month = month[:SHORT] if short else month
    if step is Step.DAY:
        key = "chart_day_short" if short else "chart_day"
        return words.text(key, day=day.day, month=month, year=day.year)
    if step is Step.WEEK:
        year, week, _ = day.isocalendar()
        return words.text("chart_week_short" if short else "chart_week", week=week, year=year)
    return words.text("chart_month", month=month, year=day.year)


def _grouped(units: int, mark: str) -> str:
    """Thousands apart, from five digits on."""
    return f"{units:,}".replace(",", mark) if units >= 10_000 else str(units)
