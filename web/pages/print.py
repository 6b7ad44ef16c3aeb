"""The printed page: every unit on paper, for when the network is down.

It goes out of date the moment it is printed, and says so on every sheet; so it brings what a call
to the unit needs: the number, when the unit is open, and room to write the new figure down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from capacity.instants import format_instant
from capacity.row import Row
from capacity.units import Catalogue
from web.pages import hours, times
from web.pages.cluster import abilities_of, title_of, words_of
from web.pages.environment import render
from web.pages.filters import Filters
from web.pages.groups import Group, Layout, UnitView, Viewer, lay_out
from web.pages.shown import Shown, instant
from web.pages.wall import Surge, surge_shown
from web.words import LANGUAGES, Lang, Words

HOSPITAL = "hospital"


@dataclass(frozen=True, slots=True)
class Line:
    """One unit on paper: its texts, when it was reported, when it is open, who it is."""

    id: str
    shown: Shown
    kind: str
    reported: str
    hours: str

    @property
    def free(self) -> bool:
        """Whether its figure is of free places: 52 who lie in a ward must never be read so."""
        return bool(self.shown["number"]) and self.shown["mark"] != "load"

    @property
    def facts(self) -> Sequence[str]:
        """What more there is to say of its state, besides the figure and the word."""
        texts = self.shown
        waiting = f"{texts['waiting']} {texts['waiting_word']}".strip()
        wait = f"{texts['wait_word']} {texts['wait']}".strip()
        parts = (waiting, wait, texts["line"], texts["warn"], texts["disputed"], texts["holds"])
        return tuple(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Block:
    """Units under one heading, with the text of their total."""

    id: str
    name: str
    total: str
    lines: tuple[Line, ...]


def render_print(
    catalogue: Catalogue,
    cluster_id: str,
    rows: Sequence[Row],
    now: datetime,
    lang: Lang,
    *,
    demo: bool = False,
    surge: Surge | None = None,
) -> str:
    """The page to print; ``None`` for `surge` where none is known.

    `KeyError` when the catalogue has no such cluster.
    """
    words = words_of(catalogue, now, lang)
    abilities = abilities_of(catalogue, cluster_id, words.lang)
    layout = lay_out(Viewer(catalogue, now, words, abilities, Filters()), cluster_id, rows)
    return render(
        "print.html",
        words,
        cluster=catalogue.clusters[cluster_id],
        title=title_of(catalogue, cluster_id, now, words),
        blocks=_blocks(catalogue, layout, now, words),
        taken_at=times.full(words, now),
        server_time=format_instant(now),
        level=_level(surge_shown(surge, now, words), words),
        demo=demo,
        language_hrefs={other: f"?lang={other}" for other in LANGUAGES},
    )


def _level(texts: Shown, words: Words) -> str:
    if not texts["level"]:
        return ""
    level = f"{words.text('surge_title')} {texts['level']} {words.text('level_of')}"
    return f"{level}: {texts['surge_word'].lower()} {texts['surge_line']}".strip()


def _blocks(catalogue: Catalogue, layout: Layout, now: datetime, words: Words) -> Sequence[Block]:
    """Places first, then the hospital's pressure with what else hospital and region offer."""

    def lines(views: Sequence[UnitView]) -> tuple[Line, ...]:
        return tuple(_line(catalogue, view, now, words) for view in views)

    blocks = [Block(g.id, g.name, _total(g), lines(g.units)) for g in layout.local]
    rest = (*layout.strip, *(layout.region.units if layout.region else ()))
    if rest:
        blocks.append(Block(HOSPITAL, words.text("region_group"), "", lines(rest)))
    return blocks


def _line(catalogue: Catalogue, view: UnitView, now: datetime, words: Words) -> Line:
    observed = instant(view.row["observed_at"])
    unit = catalogue.units[view.id]
    return Line(
        id=view.id,
        shown=view.shown,
        kind=view.kind,
        reported=times.moment(words, observed, now) if observed else words.text("no_number"),
        hours=hours.in_words(unit.hours, words),
    )


def _total(group: Group) -> str:
    texts = group.total
    parts = (texts["total"], texts["total_word"], texts["total_of"], texts["total_unknown"])
    return " ".join(part for part in parts if part)
