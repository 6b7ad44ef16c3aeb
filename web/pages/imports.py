"""The page of imported figures: what was handed in, how far it is validated. No script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from capacity.imports import Imported, Signed, Told, Version, latest_first, value
from capacity.indicators.definitions import Definition, Definitions, Origin
from capacity.model import Reject
from capacity.units import Catalogue, Cluster
from web.charts.numbers import number, period
from web.charts.view import Step
from web.pages import times
from web.pages.environment import render
from web.pages.exports import export_links
from web.pages.visitor import Visitor
from web.tables import Form
from web.words import Words

MOST_SHOWN = 200
"""Figures on the page; an indicator of five years and four municipalities has more."""
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Frame:
    """What the page has besides figures. `told` and `error` are sentences; `rejects` what could
    not be used of the file just handed in."""

    words: Words
    catalogue: Catalogue
    definitions: Definitions
    cluster: Cluster
    now: datetime
    csrf: str
    visitor: Visitor | None
    demo: bool
    may_check: bool
    may_approve: bool
    indicator: str = ""
    told: tuple[str, ...] = ()
    error: str = ""
    rejects: Sequence[Reject] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One figure in words; `state` is the word of its state's key."""

    id: int
    name: str
    municipality: str
    period: str
    value: str
    counts: str
    source: str
    state: str
    signed: tuple[str, ...]
    earlier: tuple[str, ...]


def render_imports(frame: Frame, figures: Sequence[Imported]) -> str:
    """The whole page."""
    chosen = [
        each for each in latest_first(figures)
        if frame.indicator in ("", each.latest.told.key.indicator)
    ]  # fmt: skip
    return render(
        "imports.html",
        frame.words,
        frame=frame,
        csrf=frame.csrf,
        visitor=frame.visitor,
        demo=frame.demo,
        lines=[_line(frame, each) for each in chosen[:MOST_SHOWN]],
        left=len(chosen) - MOST_SHOWN,
        indicators=_indicators(frame),
        most_rejects=frame.rejects[:MOST_SHOWN],
        exports=export_links(lambda form: _address(frame, form), frame.words),
    )


def _address(frame: Frame, form: Form) -> str:
    """Where the figures are had as a table."""
    of = {"indicator": frame.indicator} if frame.indicator else {}
    query = urlencode({**of, "format": form})
    return f"/api/v1/indicators/{quote(frame.cluster.id)}/imports?{query}"


def _indicators(frame: Frame) -> Mapping[str, str]:
    """Those that are imported, by id."""
    defined = frame.definitions.on(frame.now.date())
    return {
        key: _named(frame, each) for key, each in defined.items() if each.origin is Origin.IMPORT
    }


def _line(frame: Frame, figure: Imported) -> Line:
    version, words = figure.latest, frame.words
    key = version.told.key
    definition = _definition(frame, version.told)
    step = Step.WEEK if key.step == "week" else Step.MONTH
    return Line(
        id=version.id,
        name=_named(frame, definition) if definition else key.indicator,
        municipality=frame.catalogue.municipalities.get(key.municipality, key.municipality),
        period=period(words, key.period, step),
        value=_value(frame, version.told),
        counts=_counts(frame, version.told),
        source=version.told.source,
        state=version.state.value,
        signed=tuple(_signed(frame, version)),
        earlier=tuple(_before(frame, each) for each in reversed(figure.earlier)),
    )


def _named(frame: Frame, definition: Definition) -> str:
    return definition.name.da if frame.words.lang == "da" else definition.name.en


def _definition(frame: Frame, told: Told) -> Definition | None:
    dated = frame.definitions.indicators.get(told.key.indicator)
    return dated.on(told.key.period) if dated else None


def _value(frame: Frame, told: Told) -> str:
    definition = _definition(frame, told)
    found = value(told, definition) if definition else None
    if definition is None or found is None:
        return NOTHING
    text = number(frame.words, found, definition.decimals)
    if definition.measured in ("percent", "per_1000"):
        return frame.words.text(f"imports_{definition.measured}", value=text)
    return text


def _counts(frame: Frame, told: Told) -> str:
    of = told.denominator
    below = NOTHING if of is None else number(frame.words, of, 0)
    return f"{number(frame.words, told.numerator, 0)} / {below}"


def _signed(frame: Frame, version: Version) -> list[str]:
    signatures: dict[str, Signed | None] = {
        "imported": version.imported, "checked": version.checked, "approved": version.approved,
    }  # fmt: skip
    return [
        frame.words.text(
            f"imports_by_{what}",
            time=times.full(frame.words, each.at),
            who=f"{each.account} ({each.role})",
        )
        for what, each in signatures.items()
        if each is not None
    ]


def _before(frame: Frame, version: Version) -> str:
    return frame.words.text(
        "imports_before",
        value=_value(frame, version.told),
        counts=_counts(frame, version.told),
        time=times.full(frame.words, version.imported.at),
    )
