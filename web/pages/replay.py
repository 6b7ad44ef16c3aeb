"""The board as it was: whole pages of the past, readable without script.

Everything is as of the moment that is shown: rows, freshness, terms, groupings, authority and
operators, the surge level and agreements. Nothing on it can be asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from capacity.agreements import Allowed, Refusal
from capacity.history import InForce
from capacity.instants import COPENHAGEN, format_instant
from capacity.replay.pressure import Level
from capacity.replay.then import Standing
from capacity.units import Catalogue
from web.pages import times
from web.pages.cluster import abilities_of, title_of, words_of
from web.pages.environment import render
from web.pages.exports import Links, export_links
from web.pages.filters import Filters
from web.pages.groups import Viewer, lay_out
from web.pages.visitor import Visitor
from web.pages.why import why
from web.past_desk import PastMoment, Ways
from web.past_time import SECOND, day_away, day_of
from web.words import LANGUAGES, Lang, Words

ROOM: Final = "replay"
"""The room of texts that the script needs."""
SPEEDS: Final = (1, 10, 60)
"""Minutes of the past in a second."""
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Link:
    """One way to another moment; without an address it leads nowhere now."""

    key: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asked for and did not quite get: keys of texts, with the moment told.

    `day`, `clock` and `which` stand in the form again.
    """

    notices: Sequence[str] = ()
    day: str = ""
    clock: str = ""
    which: str = ""


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks: where else they may go, and who is signed in."""

    demo: bool = False
    may_review: bool = False
    csrf: str = ""
    visitor: Visitor | None = None


@dataclass(frozen=True, slots=True)
class _Agreement:
    """One agreement in words."""

    name: str
    state: str
    terms: str
    used: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """What is shown: the moment, the ways on, the present, and since when there is history."""

    moment: PastMoment
    ways: Ways
    now: datetime
    begins: datetime | None
    asked: Asked = field(default_factory=Asked)


def render_replay(scene: Scene, cluster_id: str, lang: Lang, looker: Looker) -> str:
    """The page; `KeyError` when the catalogue has no such cluster."""
    moment = scene.moment
    at, catalogue = moment.at, moment.catalogue
    words = words_of(catalogue, at, lang)
    abilities = abilities_of(catalogue, cluster_id, words.lang)
    viewer = Viewer(catalogue, at, words, abilities, Filters())
    layout = lay_out(viewer, cluster_id, list(moment.rows))
    local = at.astimezone(COPENHAGEN)
    day_start, minutes = day_of(at)
    time = times.full(words, at)
    return render(
        "replay.html",
        words,
        cluster=catalogue.clusters[cluster_id],
        title=title_of(catalogue, cluster_id, at, words),
        layout=layout,
        is_empty=not moment.rows,
        at=format_instant(at),
        time=time,
        now=format_instant(scene.now),
        day_start=format_instant(day_start),
        day_minutes=minutes,
        minute=(at - day_start) // _MINUTE,
        day=scene.asked.day or local.date().isoformat(),
        last_day=scene.now.astimezone(COPENHAGEN).date().isoformat(),
        clock=scene.asked.clock or local.strftime("%H:%M"),
        has_hour_twice=minutes > _DAY // _MINUTE,
        which=scene.asked.which or (SECOND if local.fold else ""),
        notices=[words.text(key, time=time) for key in scene.asked.notices],
        other_one=_other_one(scene.asked, at),
        begins=words.text("replay_begins", time=times.full(words, scene.begins))
        if scene.begins and not moment.rows
        else "",
        links=list(_links(scene, words)),
        speeds=SPEEDS,
        level=_level(moment.level, at, words),
        master=_master(moment.master, words),
        agreements=[
            _agreement(catalogue, each, moment.used, at, words, abilities)
            for each in moment.agreements
        ],
        board_exports=_exports(f"/api/v1/board/{cluster_id}", words, at=at),
        changes_exports=_exports(
            f"/api/v1/history/{cluster_id}/changes",
            words,
            **{"from": day_start, "to": min(day_away(day_start, 1), scene.now)},
        ),
        script_words=words.for_script(ROOM),
        demo=looker.demo,
        may_review=looker.may_review,
        visitor=looker.visitor,
        language_hrefs={other: _href(at, lang=other) for other in LANGUAGES},
    )


def _exports(address: str, words: Words, **instants: datetime) -> Links:
    query = {name: format_instant(each) for name, each in instants.items()}
    return export_links(lambda form: f"{address}?{urlencode({**query, 'format': form})}", words)


def _links(scene: Scene, words: Words) -> Iterable[Link]:
    at, now = scene.moment.at, scene.now
    for key, to in (
        ("day_back", day_away(at, -1)),
        ("hour_back", at - _HOUR),
        ("change_back", scene.ways.before),
        ("change_on", scene.ways.after),
        ("hour_on", at + _HOUR),
        ("day_on", day_away(at, 1)),
    ):
        leads = to is not None and to <= now
        yield Link(key, words.text(f"replay_{key}"), _href(to) if to and leads else "")


def _href(at: datetime, **more: str) -> str:
    return "?" + urlencode({"at": format_instant(at) or "", **more})


def _other_one(asked: Asked, at: datetime) -> str:
    """The address of the other of two equal times of day."""
    if "replay_twice" not in asked.notices:
        return ""
    return _href(at - _HOUR if asked.which == SECOND else at + _HOUR)


def _level(level: Level | None, at: datetime, words: Words) -> str:
    if level is None:
        return words.text("replay_level_unknown")
    word = words.text(f"surge_level_{level.level}").lower()
    parts = [words.text("replay_level", word=word, level=level.level)]
    if level.by_hand:
        parts.append(words.text("replay_level_by_hand"))
    parts.append(words.text("replay_level_since", time=times.moment(words, level.since, at)))
    return ", ".join(parts)


def _master(master: InForce, words: Words) -> str:
    """Of when the catalogue is that the moment is shown with."""
    if master.since is None:
        return words.text("replay_master_unknown")
    key = "replay_master_earlier" if master.is_earlier else "replay_master"
    return words.text(key, time=times.full(words, master.since))


def _agreement(
    catalogue: Catalogue,
    standing: Standing,
    used: Mapping[str, int],
    at: datetime,
    words: Words,
    abilities: Mapping[str, str],
) -> _Agreement:
    agreement, judged = standing.agreement, standing.judged
    lender = catalogue.organisations.get(agreement.lender)
    name = words.text(
        "replay_borrows",
        borrower=catalogue.municipalities.get(agreement.borrower, agreement.borrower),
        lender=lender.name if lender else agreement.lender,
    )
    return _Agreement(
        name=name,
        state=_state(judged, at, words, abilities),
        terms=agreement.terms,
        used=_used(judged, used, words),
        in_force=standing.in_force,
    )


def _state(
    judged: Allowed | Refusal, at: datetime, words: Words, abilities: Mapping[str, str]
) -> str:
    if isinstance(judged, Allowed):
        return words.text("replay_in_force")
    told = why(words, {"code": judged.code, **judged.params}, at, abilities)
    return words.text("replay_not_in_force", why=told)


def _used(judged: Allowed | Refusal, used: Mapping[str, int], words: Words) -> str:
    if not isinstance(judged, Allowed) or judged.usage_key is None:
        return ""
    return words.text("replay_used", used=used.get(judged.usage_key, 0), limit=judged.limit)
