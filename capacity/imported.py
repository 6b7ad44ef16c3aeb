"""Figures that registers hand in: what is told, its versions, and who vouches for it. Pure.

A figure is of one indicator, one municipality and one day, week or month. Nothing that was ever
told is lost: a correction is a further version, and each version says who brought it in, who
checked it and who approved it. Checking and approving are for two different accounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from capacity.indicators.definitions import FACTORS, Definition, Measured

Step = Literal["day", "week", "month"]
"""How long the period of an imported figure is. Weeks are ISO weeks and begin on Mondays."""

MAX_COUNT: Final = 999_999_999
"""More than any register counts in a month; a larger number is a slip."""


class Key(NamedTuple):
    """Which figure it is; `period` is the first day of its day, week or month."""

    indicator: str
    municipality: str
    step: Step
    period: date


@dataclass(frozen=True, slots=True)
class Told:
    """What a document says of one figure.

    `numerator` and `denominator` are counts; `denominator` is ``None`` where it is not known, and
    then the figure has no value. `source` says which register it is from, in the sender's words.
    """

    key: Key
    numerator: int
    denominator: int | None
    source: str


class State(StrEnum):
    """How far a version is validated."""

    DRAFT = "draft"
    CHECKED = "checked"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class Signed:
    """Who did something, in which role, and when; `account` is a pseudonymous id."""

    account: str
    role: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a figure, from 1; never changed but for the two signatures."""

    id: int
    cluster: str
    told: Told
    number: int
    imported: Signed
    checked: Signed | None = None
    approved: Signed | None = None

    @property
    def state(self) -> State:
        """How far it is validated."""
        if self.approved is not None:
            return State.APPROVED
        return State.DRAFT if self.checked is None else State.CHECKED


@dataclass(frozen=True, slots=True)
class Imported:
    """A figure with all its versions, the first one first; there is at least one."""

    versions: tuple[Version, ...]

    @property
    def latest(self) -> Version:
        """The version that counts, however far it is validated."""
        return self.versions[-1]

    @property
    def approved(self) -> Version | None:
        """The last version that was approved: what a report of validated data shows."""
        found = (each for each in reversed(self.versions) if each.approved is not None)
        return next(found, None)

    @property
    def earlier(self) -> tuple[Version, ...]:
        """The versions that were corrected."""
        return self.versions[:-1]


class Refusal(StrEnum):
    """Why a version cannot be signed."""

    UNKNOWN = "unknown"
    """There is no such version in this cluster."""
    CORRECTED = "corrected"
    """A later version has taken its place: look at that one."""
    DONE = "done"
    """It has been signed so already."""
    NOT_CHECKED = "not_checked"
    """Nobody has checked it yet."""
    SAME_ACCOUNT = "same_account"
    """Whoever checked it cannot approve it too."""


def refused_check(version: Version, latest: int) -> Refusal | None:
    """Why a version cannot be checked; `latest` is the number of the figure's last version."""
    if version.number != latest:
        return Refusal.CORRECTED
    return None if version.state is State.DRAFT else Refusal.DONE


def refused_approval(version: Version, latest: int, account: str) -> Refusal | None:
    """Why `account` cannot approve a version."""
    if version.number != latest:
        return Refusal.CORRECTED
    if version.approved is not None:
        return Refusal.DONE
    if version.checked is None:
        return Refusal.NOT_CHECKED
    return Refusal.SAME_ACCOUNT if version.checked.account == account else None


def fault(told: Told, definition: Definition) -> tuple[str, str] | None:
    """Field and reason where the counts contradict themselves or the definition."""
    if told.denominator is None:
        return None
    if told.denominator == 0 and told.numerator > 0:
        return "denominator", "is 0 although something was counted"
    if definition.measured is Measured.PERCENT and told.numerator > told.denominator:
        return "numerator", "is more than the denominator, of which it is a share"
    return None


def value(told: Told, definition: Definition) -> float | None:
    """The figure in the definition's unit; ``None`` where nothing, or not all of it, is known.

    An indicator that is told as it is (no `per`) needs no denominator.
    """
    times, by = FACTORS[definition.measured]
    if definition.per is None:
        return told.numerator * times / by
    if not told.denominator:
        return None
    return told.numerator * times / (by * told.denominator)


def latest_first(figures: Sequence[Imported]) -> list[Imported]:
    """In the order of lists: the newest period first, then by indicator and municipality."""
    by_name = sorted(figures, key=lambda each: each.latest.told.key[:3])
    return sorted(by_name, key=lambda each: each.latest.told.key.period, reverse=True)
