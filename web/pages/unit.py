"""A unit's phone page: what stands, the taps that change it, and the asks that come in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from capacity.hand_report import COUNTED, fits
from capacity.hand_word import CLOSING_REASONS
from capacity.holds import REASONS, HoldState
from capacity.instants import format_instant
from capacity.model import REPORT_TYPE_OF_KIND
from capacity.row import Row
from capacity.units import Catalogue, Unit
from web.pages.assets import static_url
from web.pages.board import Timing
from web.pages.environment import render
from web.pages.unit_texts import said
from web.pages.visitor import Visitor
from web.words import Lang, Words

MODULES: Final = (
    "clock", "connection", "dom", "link", "push", "send", "shown", "signed_out", "times", "words",
    "unit/alarm", "unit/ask_texts", "unit/asks", "unit/closing", "unit/figures", "unit/guard",
    "unit/main", "unit/moment", "unit/outbox", "unit/shell", "unit/taps", "unit/texts",
    "unit/told", "unit/undo", "unit/wall_time",
)  # fmt: skip
"""Every module that the page's script loads; the shell keeps them (a test holds the list true)."""

FEWEST_BUTTONS: Final = 4
MOST_BUTTONS: Final = 11
"""The highest number on the pad; further ones are typed."""


@dataclass(frozen=True, slots=True)
class Toggle:
    """One capability: its code, its name, and whether it is off today."""

    code: str
    name: str
    off: bool


def shell_files() -> list[str]:
    """The addresses of the static files without which the page cannot open offline."""
    names = ["base.css", "unit.css", "icon.svg", *(f"js/{module}.js" for module in MODULES)]
    return [static_url(name) for name in names]


def render_unit(
    catalogue: Catalogue,
    unit: Unit,
    row: Row | None,
    cursor: str,
    now: datetime,
    lang: Lang,
    *,
    csrf: str = "",
    demo: bool = False,
    sources: Mapping[str, str] | None = None,
    timing: Timing | None = None,
    visitor: Visitor | None = None,
) -> str:
    """The page of a unit; without a row it is the shell, which tells no figure at all.

    `sources` names the sources whose word may stand on the board.
    """
    words = Words(lang)
    config = _config(catalogue, unit, words, sources or {})
    texts = said(row, now, words, unit, config)
    pad = _pad(unit, row) if unit.report_type in COUNTED else 0
    return render(
        "unit_page.html",
        words,
        unit=unit,
        row=row,
        texts=texts,
        shell=row is None,
        type=unit.report_type.value,
        numbers=range(pad + 1) if pad else (),
        toggles=[
            Toggle(code, config_name(config, code), row is not None and code in _off(row))
            for code in unit.capabilities
        ],
        reasons=CLOSING_REASONS,
        decline_reasons=REASONS[HoldState.DECLINED],
        config=config,
        cursor=cursor,
        server_time=format_instant(now),
        timing=timing or Timing(),
        csrf=csrf,
        visitor=visitor if row is not None else None,
        demo=demo,
        modules=MODULES,
        script_words=_script_words(catalogue, unit, words),
    )


def render_units(
    units: Iterable[tuple[str, Sequence[Unit]]],
    lang: Lang,
    demo: bool,
    visitor: Visitor | None = None,
) -> str:
    """The choice of a unit; `units` are those one may report for, by the organisation's name."""
    return render("units.html", Words(lang), groups=list(units), demo=demo, visitor=visitor)


def manifest(unit: Unit, lang: Lang) -> dict[str, object]:
    """What a browser needs to install the page as an app of its own (W3C Web App Manifest)."""
    words = Words(lang)
    icons = [
        {"src": static_url(f"icons/{use}-{size}.png"), "sizes": f"{size}x{size}",
         "type": "image/png", "purpose": use}
        for use in ("any", "maskable")
        for size in (192, 512)
    ]  # fmt: skip
    return {
        "id": f"/unit/{unit.id}",
        "name": f"{unit.name} – {words.text('product')}",
        "short_name": words.text("product"),
        "lang": lang,
        "dir": "ltr",
        "start_url": f"/unit/{unit.id}",
        "scope": "/",
        "display": "standalone",
        "background_color": "#edf1f4",
        "theme_color": "#0b2840",
        "icons": icons,
    }


def config_name(config: Mapping[str, object], code: str) -> str:
    """What a capability is called on this page."""
    names = config["abilities"]
    assert isinstance(names, dict)
    return str(names.get(code, code))


def _config(
    catalogue: Catalogue, unit: Unit, words: Words, sources: Mapping[str, str]
) -> dict[str, object]:
    danish = words.lang == "da"
    abilities = {
        code: term.da if danish else term.en for code, term in catalogue.capabilities.items()
    }
    return {
        "unit": unit.id,
        "cluster": unit.cluster,
        "type": unit.report_type.value,
        "places": unit.places,
        "all_abilities": list(unit.capabilities),
        "abilities": abilities,
        "reasons": dict(CLOSING_REASONS),
        "reason_names": {
            code: words.text(f"unit_reason_{code}").lower() for code in CLOSING_REASONS
        },
        "sources": dict(sources),
        "municipalities": dict(catalogue.municipalities),
        "organisations": {o.id: o.name for o in catalogue.organisations.values()},
    }


def _script_words(catalogue: Catalogue, unit: Unit, words: Words) -> dict[str, object]:
    given = words.for_script("unit_page", "notify")
    texts = given["texts"]
    assert isinstance(texts, dict)
    # The link's alert says what a nurse must know, not what a visitator must.
    texts |= {key: texts[f"unit_{key}"] for key in ("link_alert", "link_refused")}
    names = {c: t.da if words.lang == "da" else t.en for c, t in catalogue.capabilities.items()}
    shapes = {kind.value: shape.value for kind, shape in REPORT_TYPE_OF_KIND.items()}
    return {**given, "abilities": names, "shapes": shapes, "local_kinds": []}


def _pad(unit: Unit, row: Row | None) -> int:
    """The highest number on the pad: all the places there are, as far as buttons go."""
    most = unit.places
    if row is not None:
        known = (row["total"], fits(unit, row), row["free_before_holds"], most)
        most = max((n for n in known if n is not None), default=None)
    if most is None:
        most = FEWEST_BUTTONS
    return min(MOST_BUTTONS, max(1, most))


def _off(row: Row) -> Sequence[str]:
    return row["capabilities_off"]
