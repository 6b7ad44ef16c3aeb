"""How long the play is, how busy, and what the second month does otherwise."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from simulators.care_csv import COPENHAGEN


@dataclass(frozen=True, slots=True)
class Habits:
    """How people work. All of it is assumed.

    `uses_free`: how often a visitator asks for a place that the board offers. `answers_after`:
    minutes, on average, before a nurse answers. `reports_every`: minutes, on average in the
    daytime, between two reports of a municipality's care record.
    """

    uses_free: float = 0.45
    answers_after: float = 9.0
    reports_every: float = 170.0


AS_BEFORE = Habits()
WITH_THE_BOARD = Habits(uses_free=0.75, answers_after=4.0, reports_every=85.0)
"""The seeded effect: the board is looked at, so it is asked, answered and kept."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Two stretches of days, the second with `after` instead of `before`.

    The play begins at noon on the day before `begin`, so that every day counted is a whole one.
    """

    seed: int
    begin: date = date(2026, 10, 1)
    first_days: int = 31
    second_days: int = 30
    calls_per_day: float = 24.0
    before: Habits = field(default_factory=Habits)
    after: Habits = WITH_THE_BOARD

    @property
    def turn(self) -> date:
        """The first day of the second stretch."""
        return self.begin + timedelta(days=self.first_days)

    @property
    def end(self) -> date:
        """The day after the last."""
        return self.turn + timedelta(days=self.second_days)

    @property
    def opens(self) -> int:
        """When the play begins, in milliseconds since 1970."""
        return midnight(self.begin) - 12 * 3_600_000

    def habits(self, at: int) -> Habits:
        """How people work at an instant."""
        return self.after if at >= midnight(self.turn) else self.before


def midnight(day: date) -> int:
    """The instant at which a Danish day begins."""
    return millis(datetime.combine(day, time(), tzinfo=COPENHAGEN))


def millis(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def moment_of(at: int) -> datetime:
    """The instant of so many milliseconds since 1970, in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)


def local(at: int) -> datetime:
    """What clocks show in Denmark."""
    return moment_of(at).astimezone(COPENHAGEN)


def text_of(at: int) -> str:
    """The instant as documents have it."""
    return moment_of(at).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def millis_of(text: str) -> int:
    """The instant of an answer."""
    return millis(datetime.fromisoformat(text))
