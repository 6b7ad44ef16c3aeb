"""When the owner of a unit is reminded that its figure is about to go stale. Pure rules.

A figure is a promise with an end: from `stale_at` on nobody may count on it. Its owner is reminded
`before` that, by what the unit chose in the catalogue: once for each figure, never in its quiet
hours (Danish wall-clock time), at most so many times on one Danish day. A reminder that quiet
hours or the day's limit held back is given when they end, unless the figure has been stale for
`WORTH_IT` by then: it reminds nobody of anything they do not see.

Source: the field description the project was founded on, whose nurses find that numbers go stale
where nobody is asked, and that a system which asks too often is ignored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import product

from capacity.instants import COPENHAGEN

WORTH_IT = timedelta(hours=12)
"""How long after it went stale a figure is still worth a reminder: a night's quiet hours."""
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Channel(StrEnum):
    """What a reminder can be sent by."""

    PUSH = "push"
    MAIL = "mail"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Quiet:
    """Wall-clock hours without reminders, `since` included; `until` <= `since` is the next day."""

    since: time
    until: time

    def covers(self, at: datetime) -> bool:
        """Whether Danish clocks show a time within the quiet hours."""
        shown = at.astimezone(COPENHAGEN).time()
        if self.since < self.until:
            return self.since <= shown < self.until
        return shown >= self.since or shown < self.until

    def end(self, at: datetime) -> datetime:
        """The first instant from `at` on that is not quiet.

        Quiet hours end when clocks show `until`, or when they are put forward past it or back to
        before `since`. Clocks are changed on the hour, so nothing else has to be looked at.
        """
        if not self.covers(at):
            return at
        return min(end for end in self._ends(at) if end > at and not self.covers(end))

    def _ends(self, at: datetime) -> Iterator[datetime]:
        today = at.astimezone(COPENHAGEN).date()
        for days, fold in product(range(3), (0, 1)):
            yield _instant(today + days * _DAY, self.until, fold)
        full_hour = at.replace(minute=0, second=0, microsecond=0)
        yield from (full_hour + n * _HOUR for n in range(1, 50))


@dataclass(frozen=True, slots=True)
class Reminding:
    """What one unit chose. `mail` and `webhook` are the addresses of those channels."""

    by: tuple[Channel, ...]
    before: timedelta
    at_most: int
    quiet: Quiet | None = None
    mail: str | None = None
    webhook: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """The ages of what stands on the board: when it was observed, ages and goes stale."""

    observed_at: datetime
    ageing_at: datetime
    stale_at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """What a unit has been reminded of so far.

    `figure` is when the figure that was last reminded of was observed, `unfinished` whether any
    channel has yet to carry that reminder. `count` is how many there were on the Danish `day`.
    """

    figure: datetime | None = None
    unfinished: bool = False
    day: date | None = None
    count: int = 0


NOTHING_SENT = Sent()


def reminder_at(
    reminding: Reminding, figure: Figure, now: datetime, sent: Sent = NOTHING_SENT
) -> datetime | None:
    """When this figure's owner is next to be reminded; `now` if that is due, ``None`` for never.

    Never before the figure ages, however long `before` is: a feed that reports each minute would
    else remind at every report. A reminder that some channel has yet to carry is due again.
    """
    known = sent.figure == figure.observed_at
    if known and not sent.unfinished:
        return None
    at = max(now, figure.ageing_at, figure.stale_at - reminding.before)
    if not known and _spent(reminding, sent, at):
        at = _instant(_day(at) + _DAY, time(0))
    if reminding.quiet is not None:
        at = reminding.quiet.end(at)
    return at if at < figure.stale_at + WORTH_IT else None


def _spent(reminding: Reminding, sent: Sent, at: datetime) -> bool:
    return sent.day == _day(at) and sent.count >= reminding.at_most


def _day(at: datetime) -> date:
    return at.astimezone(COPENHAGEN).date()


def _instant(day: date, shown: time, fold: int = 0) -> datetime:
    """When Danish clocks show a time of day (`fold` 1: for the second time)."""
    return datetime.combine(day, shown, COPENHAGEN).replace(fold=fold).astimezone(UTC)
