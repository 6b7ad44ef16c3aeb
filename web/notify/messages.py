"""What a push says: as little as lets a nurse know where to look, in her language.

A push passes the servers of a browser's maker (encrypted to the browser) and shows on a locked
screen. So it names the unit and the kind of message, and nothing of the need behind it.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import orjson

from capacity.reminders import Figure
from capacity.units import Unit
from web.pages.times import moment
from web.words import Words, choose_language

ASK_TTL = timedelta(seconds=60)
"""How long a push service keeps trying: after a minute the visitator rings."""
END_TTL = timedelta(minutes=10)
REMINDER_TTL = timedelta(minutes=30)
TEST_TTL = timedelta(minutes=1)


class Kind(StrEnum):
    """Kinds of push, as the service worker knows them."""

    ASK = "ask"
    ENDED = "ended"
    REMINDER = "reminder"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class PushMessage:
    """One push. `tag` names what it is about: a later push of the same tag takes its place.

    `say` gives its title and its one line in a language.
    """

    kind: Kind
    unit: str
    tag: str
    ttl: timedelta
    say: Callable[[Words], tuple[str, str]]
    hold: str | None = None

    @property
    def urgent(self) -> bool:
        """Whether it may wake a sleeping phone."""
        return self.kind is not Kind.ENDED

    @property
    def topic(self) -> str:
        """The tag as push services take it (RFC 8030): one undelivered message per topic."""
        digest = hashlib.sha256(self.tag.encode()).digest()
        return base64.urlsafe_b64encode(digest)[:32].decode()

    def payload(self, lang: str) -> bytes:
        """The JSON that the service worker gets."""
        words = Words(choose_language(lang))
        title, body = self.say(words)
        return orjson.dumps(
            {
                "kind": self.kind,
                "unit": self.unit,
                "hold": self.hold,
                "tag": self.tag,
                "title": title,
                "body": body,
                "lang": words.lang,
            }
        )


def ask(unit: Unit, hold: str) -> PushMessage:
    """Somebody asks for a place."""
    return PushMessage(Kind.ASK, unit.id, hold, ASK_TTL, _texts("notice_ask", unit), hold)


def ended(unit: Unit, hold: str, state: str) -> PushMessage:
    """An ask is over; `state` is the hold's own word for how."""
    how = state if state in ("cancelled", "expired") else "answered"
    say = _texts(f"notice_{how}", unit)
    return PushMessage(Kind.ENDED, unit.id, hold, END_TTL, say, hold)


def reminder(unit: Unit, figure: Figure, now: datetime) -> PushMessage:
    """The unit's figure is about to go stale, or has."""

    def say(words: Words) -> tuple[str, str]:
        text = "notice_stale" if now >= figure.stale_at else "notice_remind"
        time = moment(words, figure.stale_at, now)
        return words.text("notice_remind_title", name=unit.name), words.text(text, time=time)

    return PushMessage(Kind.REMINDER, unit.id, f"reminder-{unit.id}", REMINDER_TTL, say)


def test(unit: Unit) -> PushMessage:
    """The first one, so that whoever turned notices on has seen one arrive."""
    return PushMessage(Kind.TEST, unit.id, f"test-{unit.id}", TEST_TTL, _texts("notice_test", unit))


def _texts(key: str, unit: Unit) -> Callable[[Words], tuple[str, str]]:
    return lambda words: (words.text(f"{key}_title", name=unit.name), words.text(key))
