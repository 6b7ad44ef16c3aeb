"""The board: one cluster's acute capacity at one moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from capacity.instants import format_instant
from capacity.model import REPORT_TYPE_OF_KIND
from capacity.row import Row
from capacity.units import Catalogue
from web.pages import times
from web.pages.calls import (
    ROOMS,
    SHORTCUTS,
    Caller,
    Choice,
    Names,
    call_panel,
    names_of,
    soon_choices,
    where_choices,
)
from web.pages.cluster import abilities_of, title_of, words_of
from web.pages.environment import render
from web.pages.filters import Filters, read_filters
from web.pages.groups import LOCAL_KINDS, Layout, Viewer, lay_out, municipalities_of
from web.pages.surge import surge_view
from web.words import LANGUAGES, Lang, Words

FIRST_NEEDS: Final = (
    "iv_antibiotics",
    "tobs_observation",
    "palliation",
    "oxygen",
    "wound_care",
    "dementia",
)
"""What doctors ask for most (the intended look of the board); the rest unfold on demand."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How the page watches its link, in milliseconds.

    Without any frame for `watchdog_ms` the link counts as lost (three missed heartbeats; a muted
    socket never tells). Tries to come back start at `retry_ms`, double, and stop at `retry_max_ms`.
    """

    watchdog_ms: int = 15_000
    retry_ms: int = 1_000
    retry_max_ms: int = 15_000


MODULES: Final = (
    "alternative", "alternatives", "board", "call", "clock", "connection", "dom", "filters",
    "holds", "latest", "link", "memory", "mine", "need", "outcome", "say", "send", "shown",
    "signed_out", "surge", "times", "totals", "why", "words",
)  # fmt: skip
"""The scripts that a page will ask for, named in its head so that they are fetched at once."""


def render_board(
    catalogue: Catalogue,
    cluster_id: str,
    rows: Sequence[Row],
    cursor: str,
    now: datetime,
    lang: Lang,
    query: Iterable[tuple[str, str]] = (),
    *,
    demo: bool = False,
    timing: Timing | None = None,
    caller: Caller | None = None,
) -> str:
    """The board page. `query` is the address's name and value pairs (need, language); `caller`
    says who looks and brings the alternatives; without one there is only the board.

    `KeyError` when the catalogue has no such cluster.
    """
    pairs = tuple(query)
    words = words_of(catalogue, now, lang)
    abilities = abilities_of(catalogue, cluster_id, words.lang)
    municipalities = municipalities_of(catalogue, cluster_id, now)
    filters = read_filters(pairs, municipalities, abilities)
    asked = next((v for k, v in pairs if k == "lang" and v in LANGUAGES), None)
    caller = caller or Caller()
    viewer = Viewer(catalogue, now, words, abilities, filters, caller.may_report)
    layout = lay_out(viewer, cluster_id, rows)
    needs = [
        Choice(code, _upper(name), filters.toggled(code).href(asked), code in filters.capabilities)
        for code, name in abilities.items()
    ]
    names = names_of(catalogue, cluster_id, now, words)
    first = {code: place for place, code in enumerate(FIRST_NEEDS)}
    more_needs = [choice for choice in needs if choice.value not in first]
    common = live_values(catalogue, cluster_id, layout, cursor, now, words, abilities, demo, timing)
    common["script_words"] = {**words.for_script(*ROOMS), **for_script(words, abilities, names)}
    return render(
        "board.html",
        words,
        **common,
        csrf=caller.csrf,
        visitor=caller.visitor,
        modules=MODULES,
        call=call_panel(caller, cluster_id, filters, now, words, names),
        surge=surge_view(caller.surge, cluster_id, now, words) if caller.surge else None,
        may_override=caller.may_override,
        may_review=caller.may_review,
        may_see_indicators=caller.may_see_indicators,
        keys=SHORTCUTS,
        soon_choices=soon_choices(filters, words, asked),
        where_choices=where_choices(filters, words, asked),
        municipality_choices=[
            Choice(
                code, name, filters.in_municipality(code or None).href(asked), chosen, str(place)
            )
            for place, (code, name, chosen) in enumerate(
                _municipality_choices(municipalities, filters, words)
            )
        ],
        needs=sorted((c for c in needs if c.value in first), key=lambda c: first[c.value]),
        more_needs=more_needs,
        more_label=_more_label(more_needs, words),
        filters=filters,
        clear_href=Filters().href(asked),
        language_hrefs={other: filters.href(other) for other in LANGUAGES},
        status=_status(layout, filters, words),
    )


def live_values(
    catalogue: Catalogue,
    cluster_id: str,
    layout: Layout,
    cursor: str,
    now: datetime,
    words: Words,
    abilities: dict[str, str],
    demo: bool,
    timing: Timing | None,
) -> dict[str, object]:
    """What every page that follows the live channel needs."""
    return {
        "cluster": catalogue.clusters[cluster_id],
        "title": title_of(catalogue, cluster_id, now, words),
        "layout": layout,
        "cursor": cursor,
        "server_time": format_instant(now),
        "taken_at": times.moment(words, now, now),
        "demo": demo,
        "timing": timing or Timing(),
        "script_words": {**words.for_script(), **for_script(words, abilities, {})},
    }


def for_script(words: Words, abilities: Mapping[str, str], names: Names) -> dict[str, object]:
    """What the script must know of the catalogue, besides the texts."""
    return {
        "abilities": abilities,
        "names": names,
        "shapes": {kind.value: shape.value for kind, shape in REPORT_TYPE_OF_KIND.items()},
        "local_kinds": sorted(kind.value for kind in LOCAL_KINDS),
    }


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]


def _municipality_choices(
    municipalities: dict[str, str], filters: Filters, words: Words
) -> Iterable[tuple[str, str, bool]]:
    yield "", words.text("all_municipalities"), filters.municipality is None
    for code, name in municipalities.items():
        yield code, name, filters.municipality == code


def _more_label(choices: Sequence[Choice], words: Words) -> str:
    """The unfolding button says how many it hides, so that no choice is out of sight."""
    chosen = sum(choice.chosen for choice in choices)
    return words.text("more_needs_chosen", n=chosen) if chosen else words.text("more_needs")


def _status(layout: Layout, filters: Filters, words: Words) -> str:
    if not filters.filtering:
        return ""
    visible = sum(not unit.hidden for unit in layout.filtered)
    return words.text("filter_status", shown=visible, all=len(layout.filtered))
