"""The ledger of calls: a week's outcomes beside what the board showed, for a coordinator's audit.

No script and no names. Each case says in words why it is in its class, and leads to the board of
that minute.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from capacity.history.comments import Comment
from capacity.instants import format_instant
from capacity.ledger import Case, Finding
from capacity.need import Need, Where
from capacity.units import Catalogue
from web.ledger_desk import Judged, Week
from web.pages import times
from web.pages.calls import names_of
from web.pages.cluster import title_of
from web.pages.environment import render
from web.pages.exports import export_links
from web.pages.replay import Looker
from web.pages.why import length, why
from web.words import LANGUAGES, Lang, Words

PAGE: Final = 50
"""Cases on one page."""
MOST_TEXT: Final = 500
"""Letters of a comment."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is looked at; `sample` 0 is all, `seed` any word, `page` from 1."""

    week: Week
    finding: Finding | None = None
    sample: int = 0
    seed: str = ""
    page: int = 1

    def query(self, **changed: object) -> str:
        """The address of this choice with something changed."""
        values: dict[str, object] = {
            "week": self.week.name,
            "finding": self.finding.value if self.finding else "",
            "sample": self.sample or "",
            "seed": self.seed,
            "page": self.page if self.page > 1 else "",
        } | changed
        return "?" + urlencode({name: value for name, value in values.items() if value != ""})


@dataclass(frozen=True, slots=True)
class Ledger:
    """A week's cases: of the whole `week_counts`, of the choice `chosen`, and what was said."""

    choice: Choice
    week_counts: Mapping[Finding, int]
    chosen: Sequence[Judged]
    comments: Mapping[str, Sequence[Comment]]
    nonce: str = ""
    """Of this page: what is sent from it twice is written once."""
    told: str = ""
    error: str = ""

    @property
    def shown(self) -> Sequence[Judged]:
        """The cases of the page."""
        start = (self.choice.page - 1) * PAGE
        return self.chosen[start : start + PAGE]


@dataclass(frozen=True, slots=True)
class _Said:
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """One case in words."""

    id: str
    at: str
    time: str
    finding: str
    name: str
    told: str
    outcome: str
    reason: str
    corrected: bool
    need: str
    level: str
    alternatives: Sequence[tuple[str, str]]
    more: str
    replay: str
    replay_text: str
    comments: Sequence[_Said]


def render_ledger(
    ledger: Ledger, catalogue: Catalogue, cluster_id: str, now: datetime, lang: Lang, looker: Looker
) -> str:
    """The page."""
    words, choice = Words(lang), ledger.choice
    calls, pages = len(ledger.chosen), max(1, -(-len(ledger.chosen) // PAGE))
    return render(
        "ledger.html",
        words,
        cluster=catalogue.clusters[cluster_id],
        title=title_of(catalogue, cluster_id, choice.week.since, words),
        week=choice.week.name,
        week_text=week_text(choice.week, words),
        before=Choice(choice.week.away(-1)).query(),
        after=Choice(choice.week.away(1)).query() if choice.week.until <= now else "",
        choice=choice,
        classes=[
            (
                each.value,
                words.text(f"finding_{each.value}"),
                words.text(f"finding_{each.value}_told"),
                n,
            )
            for each, n in ledger.week_counts.items()
        ],
        calls=words.count("ledger_calls", sum(ledger.week_counts.values())),
        sampled=_sampled(ledger, words),
        master=_master(ledger, words),
        entries=[
            entry(each, ledger.comments.get(each.case.outcome.id, ()), cluster_id, words)
            for each in ledger.shown
        ],
        page_before=choice.query(page=choice.page - 1) if choice.page > 1 else "",
        page_after=choice.query(page=choice.page + 1) if choice.page < pages else "",
        page_text=f"{min(choice.page, pages)} / {pages}",
        shown_calls=calls,
        exports=export_links(
            lambda form: f"/api/v1/ledger/{cluster_id}{choice.query(page='', format=form)}", words
        ),
        here=choice.query(),
        most=MOST_TEXT,
        nonce=ledger.nonce,
        told=ledger.told,
        error=ledger.error,
        csrf=looker.csrf,
        demo=looker.demo,
        visitor=looker.visitor,
        language_hrefs={other: choice.query(lang=other) for other in LANGUAGES},
    )


def week_text(week: Week, words: Words) -> str:
    """The week's number and its days."""
    year, number, _ = week.monday.isocalendar()
    sunday = week.monday + timedelta(days=6)
    days = {
        name: f"{day.day}. {words.months[day.month - 1]}"
        if words.lang == "da"
        else f"{day.day} {words.months[day.month - 1]}"
        for name, day in (("since", week.monday), ("until", sunday))
    }
    return words.text("ledger_week_of", week=number, year=year, **days)


def _sampled(ledger: Ledger, words: Words) -> str:
    choice = ledger.choice
    if not choice.sample:
        return ""
    found = ledger.week_counts
    whole = found[choice.finding] if choice.finding else sum(found.values())
    return words.text("ledger_sampled", n=len(ledger.chosen), all=whole, seed=choice.seed)


def _master(ledger: Ledger, words: Words) -> str:
    """That what was in force at some of the calls is not recorded, and what stands in for it."""
    since = [each.master.since for each in ledger.shown if each.master.is_earlier]
    if not since or since[0] is None:
        return ""
    return words.text("ledger_master_earlier", time=times.full(words, since[0]))


def entry(judged: Judged, said: Iterable[Comment], cluster_id: str, words: Words) -> _Entry:
    """One case in words, as of its own moment."""
    case, at = judged.case, judged.case.outcome.at
    names = names_of(judged.catalogue, cluster_id, at, words)
    value = case.outcome.value
    finding, more = case.finding.value, case.matching - len(case.alternatives)
    return _Entry(
        id=case.outcome.id,
        at=format_instant(at) or "",
        time=times.full(words, at),
        finding=finding,
        name=words.text(f"finding_{finding}"),
        told=words.text(f"finding_{finding}_told"),
        outcome=outcome_text(value, judged.catalogue, words),
        reason=words.text(f"reason_{value['reason']}") if value["reason"] else "",
        corrected=bool(case.outcome.corrections),
        need=need_text(case.need, words, names),
        level="" if judged.level is None else f"{judged.level}",
        alternatives=list(_alternatives(case, words, names)),
        more=words.count("ledger_more", more) if more > 0 else "",
        replay=f"/replay/{cluster_id}?" + urlencode({"at": format_instant(at)}),
        replay_text=words.text("ledger_replay", clock=times.clock(words, at)),
        comments=[_said(each, judged.catalogue, words) for each in said],
    )


def outcome_text(value: Mapping[str, Any], catalogue: Catalogue, words: Words) -> str:
    """The outcome as it was logged, with the unit that was chosen or was not."""
    unit = catalogue.units.get(value["unit"] or "")
    name = unit.name if unit else value["unit"]
    if value["outcome"] == "alternative" and name:
        return words.text("outcome_alternative_at", name=name)
    text = words.text(f"outcome_{value['outcome']}")
    return f"{text} ({name})" if name else text


def need_text(need: Need | None, words: Words, names: Mapping[str, Mapping[str, str]]) -> str:
    """The need in a line."""
    if need is None:
        return words.text("ledger_no_need")
    parts = []
    if need.municipality:
        parts.append(names["municipalities"].get(need.municipality, need.municipality))
    parts += [names["abilities"].get(each, each) for each in need.capabilities]
    if need.within_minutes is not None:
        parts.append(words.text("ledger_within", time=length(words, need.within_minutes)))
    if need.where is not Where.EITHER:
        parts.append(words.text(f"where_{need.where.value}").lower())
    return ", ".join(parts)


def _alternatives(
    case: Case, words: Words, names: Mapping[str, Mapping[str, str]]
) -> Iterable[tuple[str, str]]:
    """Name and reasons: those against where there are any, else those for."""
    for each in case.alternatives:
        against = [r for r in each.reasons if r["verdict"] == each.verdict]
        told = against if each.verdict != "yes" else list(each.reasons)
        reasons = [why(words, reason, case.outcome.at, names["abilities"]) for reason in told]
        yield each.name, "; ".join(dict.fromkeys(reasons))


def _said(comment: Comment, catalogue: Catalogue, words: Words) -> _Said:
    role = words.text(f"role_{comment.role}")
    time = times.full(words, comment.at)
    organisation = catalogue.organisations.get(comment.organisation or "")
    if organisation is None:
        return _Said(words.text("ledger_by", role=role, time=time), comment.text)
    by = words.text("ledger_by_of", role=role, organisation=organisation.name, time=time)
    return _Said(by, comment.text)
