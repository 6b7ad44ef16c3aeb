"""Where a feed and a nurse disagree about a unit: the rule, in Python. Pure.

The store applies the rule (`capacity/board/disputes.lua`), in the step in which it applies a
reading; this module says it in words and is the twin that the store is tested against.

**The rule.** The newest observation is shown, whoever it is from. A *word* is what a channel (the
unit's feeds, or a person at the unit: its nurse) last said of how many are free, or that the unit
is closed. When a new reading of one channel says something else than the last word of the other,
the row is *disputed* and carries that other word, so that both are seen. Not so when the other word

- has gone stale (or was a closure that has run out by itself), or
- is unknown: that is no word, and contradicts nothing, or
- has been *absorbed*: it was part of an earlier agreement.

**How it ends.** When one channel says the same as the other's last word, that word is confirmed:
the dispute is over and both words are absorbed, so that what either says next is news. A feed that
goes on repeating an absorbed figure says nothing new by it. A nurse's word is always new: somebody
looked. When the nurse speaks again after the dispute arose (she has seen both by then; taps made
before that do not count, though they arrive later), her word *settles* it: the feed's figure is
overruled, and where the feed merely repeats that figure it is not shown, until it says another, or
her word goes stale. A dispute also ends when the other word goes stale.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from capacity.instants import epoch_millis, parse_instant
from capacity.model import State
from capacity.row import Row


class Channel(StrEnum):
    """Who speaks of a unit."""

    FEED = "feed"
    NURSE = "nurse"


CLOSED: Final = "closed"


@dataclass(frozen=True, slots=True)
class Word:
    """What a channel said: how many are free before holds, or `CLOSED`; until when it holds (ms).

    `shown` is how the other word stands in a disputed row.
    """

    figure: int | str
    ends: int
    shown: "Shown"


@dataclass(frozen=True, slots=True)
class Shown:
    """The other word in a row; `as_json` is the row's field ``disputed``."""

    source: str | None
    free: int
    state: str
    observed_at: str

    def as_json(self) -> dict[str, object]:
        """As it stands in rows."""
        return {
            "source": self.source,
            "free": self.free,
            "state": self.state,
            "observed_at": self.observed_at,
        }


@dataclass(frozen=True, slots=True)
class Talk:
    """What the two channels have said of one unit, as far as it still matters.

    `on` is whose word the row is. `absorbed` is whether the feed's word is (a nurse's absorbed word
    is not kept). `settled` is the figure that the nurse overruled. `arose` is since when (ms) there
    is the present dispute.
    """

    on: Channel = Channel.FEED
    feed: Word | None = None
    nurse: Word | None = None
    absorbed: bool = False
    settled: int | str | None = None
    arose: int | None = None

    @property
    def other(self) -> Word | None:
        """The word that a disputed row carries; ``None`` when there is no dispute."""
        if self.arose is None:
            return None
        return self.nurse if self.on is Channel.FEED else self.feed


def word_of(row: Row) -> Word | None:
    """What a row without holds says; ``None`` when it says nothing of free or closed."""
    observed_at, stale_at, free = row["observed_at"], row["stale_at"], row["free_before_holds"]
    if observed_at is None or stale_at is None:
        return None
    ends = epoch_millis(parse_instant(stale_at))
    if row["state"] == State.CLOSED:
        if row["reopens_itself"] and row["reopens_at"] is not None:
            ends = min(ends, epoch_millis(parse_instant(row["reopens_at"])))
        return Word(CLOSED, ends, Shown(row["source"], 0, State.CLOSED, observed_at))
    if free is None:
        return None
    state = State.FREE if free > 0 else State.OCCUPIED
    return Word(free, ends, Shown(row["source"], free, state, observed_at))


def lapsed(talk: Talk, now: int) -> Talk:
    """What is left of it at `now` (ms): words that have ended are no longer held against any."""
    feed = talk.feed if talk.feed and talk.feed.ends > now else None
    nurse = talk.nurse if talk.nurse and talk.nurse.ends > now else None
    left = replace(
        talk,
        feed=feed,
        nurse=nurse,
        absorbed=talk.absorbed and feed is not None,
        settled=talk.settled if nurse else None,
    )
    return left if left.other else replace(left, arose=None)


def heard(
    talk: Talk, channel: Channel, word: Word | None, observed: int, received: int
) -> Talk | None:
    """What it is after a reading that is newer than the one shown; both instants in ms.

    ``None``: the reading is not to be shown, since it repeats what the nurse has overruled.
    """
    talk = lapsed(talk, received)
    if channel is Channel.FEED:
        return _heard_feed(talk, word, received)
    return _heard_nurse(talk, word, observed, received)


def _heard_feed(talk: Talk, word: Word | None, received: int) -> Talk | None:
    if word and talk.settled is not None and word.figure == talk.settled:
        return None
    same = bool(word and talk.feed and word.figure == talk.feed.figure)
    talk = replace(talk, on=Channel.FEED, feed=word, settled=None, absorbed=talk.absorbed and same)
    if word is None or talk.nurse is None:
        return replace(talk, arose=None)
    if word.figure == talk.nurse.figure:
        return replace(talk, absorbed=True, nurse=None, arose=None)
    arose = talk.arose if same and talk.arose is not None else received
    return replace(talk, absorbed=False, arose=arose)


def _heard_nurse(talk: Talk, word: Word | None, observed: int, received: int) -> Talk:
    feed = None if talk.absorbed else talk.feed
    talk = replace(talk, on=Channel.NURSE, nurse=word)
    if word is None:
        return replace(talk, settled=None, arose=None)
    if feed is None:
        settled = None if word.figure == talk.settled else talk.settled
        return replace(talk, settled=settled, arose=None)
    if word.figure == feed.figure:
        return replace(talk, absorbed=True, nurse=None, settled=None, arose=None)
    if talk.arose is not None and observed > talk.arose:
        return replace(talk, absorbed=True, settled=feed.figure, arose=None)
    return replace(talk, arose=received if talk.arose is None else talk.arose)
