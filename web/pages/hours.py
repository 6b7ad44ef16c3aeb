"""Opening hours in words, as a sign on the door would say them."""

from collections.abc import Iterable, Sequence

from capacity.opening import Hours, Opening
from web.pages.times import SHORT
from web.words import Words
from web.words.wall import WEEKDAYS

ALL_DAYS = frozenset(range(7))


def in_words(hours: Hours, words: Words) -> str:
    """For example "man–fre 08.00–15.00, lør 09.00–12.00; helligdage lukket"."""
    if hours.always:
        return words.text("hours_always")
    weekly = words.text("hours_always") if hours.weekly is None else _list(hours.weekly, words)
    if hours.holiday is None or hours.holiday == hours.weekly:
        return weekly
    special = _list(hours.holiday, words, days=False)
    return f"{weekly}; {words.text('hours_holidays', also=_also(hours, words), hours=special)}"


def _also(hours: Hours, words: Words) -> str:
    """Days that the unit keeps as public holidays although the law does not."""
    if not hours.also:
        return ""
    dates = [
        words.text("hours_date", day=day, month=words.months[month - 1][:SHORT])
        for month, day in sorted(hours.also)
    ]
    return words.text("hours_also", dates=", ".join(dates))


def _list(openings: Sequence[Opening], words: Words, *, days: bool = True) -> str:
    """`days` is whether to say so where hours hold every day."""
    if not openings:
        return words.text("hours_never")
    return ", ".join(
        f"{_days(each.weekdays, words) if days or each.weekdays != ALL_DAYS else ''}"
        f"{_span(each, words)}"
        for each in openings
    )


def _span(opening: Opening, words: Words) -> str:
    if opening.opens == opening.closes:
        return words.text("hours_day")
    closes = _time(opening.closes.hour or 24, opening.closes.minute, words)
    if opening.closes.minute and not opening.closes.hour:
        closes = _time(0, opening.closes.minute, words)
    return f"{_time(opening.opens.hour, opening.opens.minute, words)}–{closes}"


def _time(hour: int, minute: int, words: Words) -> str:
    return words.text("clock", hour=f"{hour:02}", minute=f"{minute:02}")


def _days(weekdays: Iterable[int], words: Words) -> str:
    """Runs of weekdays with a space behind; nothing where it is every day."""
    days = frozenset(weekdays)
    if days == ALL_DAYS:
        return f"{words.text('hours_daily')} "
    names = WEEKDAYS[words.lang]
    runs = [(names[run[0]], names[run[-1]]) for run in _runs(sorted(days))]
    return ", ".join(a if a == b else f"{a}–{b}" for a, b in runs) + " "


def _runs(days: Sequence[int]) -> Iterable[Sequence[int]]:
    """Days that follow each other, together."""
    run: list[int] = []
    for day in days:
        if run and day != run[-1] + 1:
            yield run
            run = []
        run.append(day)
    if run:
        yield run
