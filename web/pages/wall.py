"""The wall screen: one cluster's figures, read from four metres, with nothing to press."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from capacity.row import Row
from capacity.units import Catalogue
from web.pages import times
from web.pages.assets import version
from web.pages.board import Timing, for_script, live_values
from web.pages.cluster import abilities_of, words_of
from web.pages.environment import render
from web.pages.filters import Filters
from web.pages.groups import Viewer, lay_out
from web.pages.shown import Shown, instant
from web.words import DEFAULT, Lang, Words

MODULES: Final = (
    "board", "clock", "connection", "dom", "shown", "times", "totals", "wall", "wall_alarm",
    "wall_reload", "wall_sound", "wall_surge", "wall_watch", "words",
)  # fmt: skip
"""The scripts that the page will ask for, named in its head so that they are fetched at once."""

Surge = Mapping[str, Any]
"""What is told of a cluster's surge level; see `web.surge_answer`."""


def render_wall(
    catalogue: Catalogue,
    cluster_id: str,
    rows: Sequence[Row],
    cursor: str,
    now: datetime,
    lang: Lang = DEFAULT,
    *,
    demo: bool = False,
    timing: Timing | None = None,
    surge: Surge | None = None,
) -> str:
    """The page; ``None`` for `surge` where none is known. `KeyError` without such a cluster."""
    words = words_of(catalogue, now, lang)
    abilities = abilities_of(catalogue, cluster_id, words.lang)
    layout = lay_out(Viewer(catalogue, now, words, abilities, Filters()), cluster_id, rows)
    common = live_values(catalogue, cluster_id, layout, cursor, now, words, abilities, demo, timing)
    script_words = {**words.for_script("wall", "surge"), **for_script(words, abilities, {})}
    return render(
        "wall.html",
        words,
        **(common | {"script_words": script_words}),
        entry="wall_main",
        modules=MODULES,
        version=version(),
        stale_names=stale_names((view.shown for view in layout.units), words),
        clock=times.clock(words, now),
        seconds=f"{now.second:02}",
        surge=surge_shown(surge, now, words),
    )


def surge_shown(surge: Surge | None, now: datetime, words: Words) -> Shown:
    """The level in large, its word, and since when or until when; `level` "" where none is kept.

    `static/js/wall_surge.js` is the mirror in the browser.
    """
    if surge is None or (surge["computed"] is None and surge["override"] is None):
        return {"level": "", "surge_word": "", "surge_line": ""}
    return {
        "level": str(surge["level"]),
        "surge_word": words.text(f"surge_level_{surge['level']}"),
        "surge_line": _line(surge, now, words),
    }


def _line(surge: Surge, now: datetime, words: Words) -> str:
    if surge["override"]:
        until = instant(surge["override"]["until"])
        assert until is not None, "an override always ends"
        return words.text("surge_wall_override", time=times.moment(words, until, now))
    unknown, since = instant(surge.get("unknown_since")), instant(surge["since"])
    if unknown:
        return words.text("surge_wall_unknown", time=times.moment(words, unknown, now))
    return words.text("surge_since", time=times.moment(words, since, now)) if since else ""


def stale_names(units: Iterable[Shown], words: Words) -> str:
    """One sentence naming the units shown as outdated or unknown; empty when there are none.

    It goes by the mark, so that the sentence can never count otherwise than the eye does.
    """
    names = [texts["name"] for texts in units if texts["mark"] in ("stale", "unknown")]
    return words.count("stale_names", len(names), names=", ".join(names)) if names else ""
