"""The pages of one's own account."""

from collections.abc import Sequence
from datetime import datetime

from capacity.board.sessions import Session
from capacity.people import Account
from web.auth.passwords import SHORTEST
from web.pages import times
from web.pages.environment import render
from web.pages.visitor import Visitor
from web.words import Lang, Words


def render_account(
    lang: Lang,
    account: Account,
    sessions: Sequence[Session],
    here: str,
    now: datetime,
    *,
    visitor: Visitor | None,
    provider: str = "",
    told: str = "",
    error: str = "",
) -> str:
    """The account, where it is signed in (`here` is the id of this session), and what may be
    changed; `told` and `error` are whole sentences."""
    words = Words(lang)
    return render(
        "account.html",
        words,
        account=account,
        sessions=sessions,
        here=here,
        visitor=visitor,
        csrf=visitor.csrf if visitor else "",
        provider=provider,
        told=told,
        error=error,
        shortest=SHORTEST,
        moment=lambda instant: times.moment(words, instant, now),
        agent=browser_of,
    )


def render_code(lang: Lang, secret: str, *, visitor: Visitor | None, error: str = "") -> str:
    """The picture for an authenticator app, the same in letters, and the form for its code."""
    spaced = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    csrf = visitor.csrf if visitor else ""
    return render(
        "account_code.html", Words(lang), secret=spaced, visitor=visitor, csrf=csrf, error=error
    )


def browser_of(agent: str) -> str:
    """A browser and a system, out of the sentence that browsers say; that sentence otherwise."""
    browsers = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
    systems = (
        ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
        ("Mac OS", "macOS"), ("Linux", "Linux"),
    )  # fmt: skip
    found = [
        next((name for mark, name in marks if mark in agent), None) for marks in (browsers, systems)
    ]
    return ", ".join(filter(None, found)) or agent[:60] or "?"
