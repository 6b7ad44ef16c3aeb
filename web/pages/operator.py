"""The operator's pages: how every source is doing, and what lies in quarantine.

Plain pages without script: links, and forms that post to ``/operator/…``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from capacity.board.feed_figures import Figures
from capacity.board.quarantine import Entry, Kept, State, Tally
from capacity.instants import format_instant
from feeds.health import Alarm
from web.pages import times
from web.pages.environment import render
from web.pages.operator_words import Say, say_in
from web.pages.visitor import Visitor
from web.words import Lang, Words

MOST_SHOWN = 200
"""Entries on one page; the latest."""
REWRITES_FROM = 5
"""Superseded reports in an hour from which a share of half or more is worth a word."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known of one source; `tally` is ``None`` while it never had anything quarantined."""

    id: str
    attribution: str
    kind: str
    """Format and transport, in a word each; empty for a source that is no longer declared."""
    expected_every: timedelta | None
    figures: Figures
    alarm: Alarm | None
    tally: Tally | None
    runner: str | None = None
    """The process that polls, watches or listens to it, empty for none; ``None`` for a push."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One source as the overview shows it."""

    source: SourceState
    mark: str
    """good, bad or quiet: the class, and the sign before the word."""
    state: str
    error: str
    success: str
    data_age: str
    lag: str
    counts: Sequence[str]
    expected: str
    notes: Sequence[str]
    runner: str


def render_operator(
    states: Sequence[SourceState],
    bytes_kept: int,
    now: datetime,
    lang: Lang,
    *,
    demo: bool,
    visitor: Visitor | None = None,
) -> str:
    """The overview of all sources; those with something wrong come first."""
    words, say = Words(lang), say_in(lang)
    lines = [_line(words, say, state, now) for state in states]
    lines.sort(key=lambda line: (line.mark != "bad", line.source.id))
    return render(
        "operator.html",
        words,
        say=say,
        lines=lines,
        kilobytes=-(-bytes_kept // 1024),
        taken_at=times.moment(words, now, now),
        demo=demo,
        visitor=visitor,
    )


def render_quarantine(
    source: str,
    tally: Tally,
    entries: Sequence[Entry],
    now: datetime,
    lang: Lang,
    *,
    closed: bool,
    did: str | None,
    by: str,
    csrf: str,
    demo: bool,
    visitor: Visitor | None = None,
) -> str:
    """One source's entries, open or closed; `did` tells what an action just led to."""
    words, say = Words(lang), say_in(lang)
    return render(
        "operator_source.html",
        words,
        csrf=csrf,
        say=say,
        source=source,
        tally=tally,
        entries=entries[:MOST_SHOWN],
        left_out=max(0, len(entries) - MOST_SHOWN),
        closed=closed,
        did=did,
        by=by,
        demo=demo,
        visitor=visitor,
        state_of=lambda entry: _state_of(say, entry),
        moment=lambda instant: times.moment(words, instant, now),
    )


def render_entry(
    entry: Entry,
    now: datetime,
    lang: Lang,
    *,
    has_raw: bool,
    by: str,
    csrf: str,
    demo: bool,
    visitor: Visitor | None = None,
) -> str:
    """One entry with all that is known of it."""
    words, say = Words(lang), say_in(lang)
    gone = entry.kept is Kept.YES and not has_raw
    return render(
        "operator_entry.html",
        words,
        csrf=csrf,
        say=say,
        entry=entry,
        is_open=entry.state is State.OPEN,
        has_raw=has_raw,
        kept=say("kept_gone" if gone else f"kept_{entry.kept}"),
        state=_state_of(say, entry),
        by=by,
        demo=demo,
        visitor=visitor,
        machine=format_instant,
        full=lambda instant: times.full(words, instant),
    )


def _line(words: Words, say: Say, source: SourceState, now: datetime) -> _Line:
    figures = source.figures
    mark, state = _state(words, say, source, now)
    expected = source.expected_every
    return _Line(
        source=source,
        mark=mark,
        state=state,
        error=figures.error if figures.failing else "",
        success=_ago(words, say, figures.success, now),
        data_age=_ago(words, say, figures.observed, now),
        lag="–" if figures.lag is None else _length(words, say, figures.lag),
        counts=_counts(say, figures.hour),
        expected="" if expected is None else say("every", age=_length(words, say, expected)),
        notes=_notes(say, source.tally),
        runner=say("run_by", name=source.runner) if source.runner else "",
    )


def _state(words: Words, say: Say, source: SourceState, now: datetime) -> tuple[str, str]:
    figures = source.figures

    def at(instant: datetime) -> str:
        return times.moment(words, instant, now)

    if not source.kind:
        return "quiet", say("not_declared")
    if source.runner == "":
        return "bad", say("run_by_none")
    if figures.failing is not None:
        return "bad", say("failing", time=at(figures.failing))
    if source.alarm is Alarm.REPEATING and figures.observed is not None:
        return "bad", say("repeating", time=at(figures.observed))
    if source.alarm is not None:
        last = figures.good
        return "bad", say("silent", time=at(last)) if last else say("silent_ever")
    if figures.success is None:
        return "quiet", say("waiting")
    return "good", say("ok")


def _counts(say: Say, hour: Mapping[str, int]) -> list[str]:
    """The reports of the last hour by fate; the share tells a source that rewrites its past."""
    found: list[str] = []
    usable = sum(hour.get(fate, 0) for fate in ("accepted", "unchanged", "superseded"))
    for fate in ("accepted", "unchanged", "superseded", "rejected", "failed"):
        count = hour.get(fate, 0)
        if not count:
            continue
        if fate == "superseded":
            share = round(100 * count / usable)
            found.append(say("superseded_share", n=count, share=share))
            if count >= REWRITES_FROM and share >= 50:
                found.append(say("rewrites"))
        else:
            found.append(say(fate, n=count))
    return found or [say("nothing")]


def _notes(say: Say, tally: Tally | None) -> list[str]:
    if tally is None:
        return []
    stated = (("dropped", tally.dropped), ("let_go", tally.let_go))
    return [say(key, n=count) for key, count in stated if count]


def _state_of(say: Say, entry: Entry) -> str:
    return say(f"state_{entry.state}", by=entry.by or "")


def _ago(words: Words, say: Say, instant: datetime | None, now: datetime) -> str:
    if instant is None:
        return say("never")
    seconds = (now - instant).total_seconds()
    return say("just_now") if seconds < 60 else say("ago", age=times.age(words, seconds))


def _length(words: Words, say: Say, length: timedelta) -> str:
    seconds = length.total_seconds()
    return say("seconds", n=int(seconds)) if seconds < 60 else times.age(words, seconds)
