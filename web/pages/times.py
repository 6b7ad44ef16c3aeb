"""Ages and moments as people read them: Europe/Copenhagen on screen, UTC inside.

`static/js/times.js` does the same in the browser; a test holds the two against each other.
"""

from datetime import date, datetime, timedelta

from capacity.instants import COPENHAGEN
from web.words import Words

MINUTE, HOUR, DAY = 60, 3600, 86400
SHORT = 3
"""Letters of a month's name where room is scarce."""


def age(words: Words, seconds: float) -> str:
    """How old a figure is: "nu" below a minute (or from a clock ahead of ours), then one unit."""
    whole = int(seconds)
    if whole < MINUTE:
        return words.text("age_now")
    if whole < HOUR:
        return words.text("age_minutes", n=whole // MINUTE)
    if whole < DAY:
        return words.text("age_hours", n=whole // HOUR)
    return words.text("age_days", n=whole // DAY)


def clock(words: Words, instant: datetime) -> str:
    """The time of day; in the autumn hour that occurs twice, also which of the two it is."""
    local = instant.astimezone(COPENHAGEN)
    text = words.text("clock", hour=f"{local.hour:02}", minute=f"{local.minute:02}")
    name = _which_of_two(instant)
    return f"{text} {words.text(name)}" if name else text


def moment(words: Words, instant: datetime, now: datetime) -> str:
    """A point in time near `now`: the time of day, with the day where it is another."""
    local = instant.astimezone(COPENHAGEN)
    today = now.astimezone(COPENHAGEN).date()
    key = _DAYS.get((local.date() - today).days, "other_day")
    month = _month(words, local.date())[:SHORT]
    return words.text(key, clock=clock(words, instant), day=local.day, month=month)


def full(words: Words, instant: datetime) -> str:
    """A point in time with its whole date."""
    local = instant.astimezone(COPENHAGEN)
    return words.text(
        "full_time",
        clock=clock(words, instant),
        day=local.day,
        month=_month(words, local.date()),
        year=local.year,
    )


_DAYS = {-1: "yesterday", 0: "today", 1: "tomorrow"}


def _month(words: Words, day: date) -> str:
    return words.months[day.month - 1]


def _which_of_two(instant: datetime) -> str | None:
    hour, wall = timedelta(hours=1), _wall(instant)
    if _wall(instant + hour) == wall:
        return "summer_time"
    return "winter_time" if _wall(instant - hour) == wall else None


def _wall(instant: datetime) -> datetime:
    return instant.astimezone(COPENHAGEN).replace(tzinfo=None)
