"""The page of dated changes: what was noted, by whom, what it said before. No script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from capacity.annotated import Annotation, Change, Effect, Version
from capacity.indicators.definitions import Definitions
from capacity.units import Catalogue, danish_day
from web.charts import Step
from web.charts.numbers import period
from web.pages import times
from web.pages.cluster import title_of
from web.pages.environment import render
from web.pages.indicators import municipalities, place_name, said
from web.pages.registers import role
from web.pages.visitor import Visitor
from web.words import Words


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the form, as it was typed."""

    day: str = ""
    until: str = ""
    effect: str = Effect.REBASE.value
    place: str = ""
    indicator: str = ""
    text: str = ""

    @classmethod
    def of(cls, change: Change) -> "Filled":
        """A change as the form has it."""
        until = change.until.isoformat() if change.until else ""
        return cls(
            change.day.isoformat(), until, change.effect.value, change.municipality or "",
            change.indicator or "", change.text,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frame:
    """What the page has besides the changes. `request` is the form's own number, `revised` the
    change that the form corrects; `told` and `error` are sentences.
    """

    words: Words
    catalogue: Catalogue
    definitions: Definitions
    cluster: str
    now: datetime
    csrf: str
    visitor: Visitor | None
    demo: bool
    may_write: bool
    request: str
    filled: Filled
    revised: int | None = None
    told: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One change in words, and its earlier versions."""

    id: int
    day: str
    text: str
    effect: str
    place: str
    indicator: str
    by: str
    withdrawn: bool
    earlier: tuple[str, ...]


def render_annotations(frame: Frame, found: Sequence[Annotation]) -> str:
    """The whole page; the latest day first."""
    ordered = sorted(found, key=lambda each: each.latest.change.day, reverse=True)
    words, today = frame.words, danish_day(frame.now)
    return render(
        "annotations.html",
        words,
        frame=frame,
        title=title_of(frame.catalogue, frame.cluster, frame.now, words),
        csrf=frame.csrf,
        visitor=frame.visitor,
        demo=frame.demo,
        lines=[_line(frame, each) for each in ordered],
        effects=[(each.value, words.text(f"annotation_effect_{each}")) for each in Effect],
        places=[
            ("", place_name(frame.catalogue, None, words)),
            *(
                (code, place_name(frame.catalogue, code, words))
                for code in municipalities(frame.catalogue, frame.cluster, today)
            ),
        ],
        indicators=_indicators(frame),
    )


def _indicators(frame: Frame) -> Mapping[str, str]:
    defined = frame.definitions.on(danish_day(frame.now))
    every = {"": frame.words.text("annotation_every_indicator")}
    return every | {key: said(each.name, frame.words) for key, each in defined.items()}


def _line(frame: Frame, annotation: Annotation) -> Line:
    version, words = annotation.latest, frame.words
    change = version.change
    return Line(
        id=annotation.id,
        day=period(words, change.day, Step.DAY),
        text=change.text,
        effect=_effect(change, words),
        place=place_name(frame.catalogue, change.municipality, words),
        indicator=_indicators(frame).get(change.indicator or "", change.indicator or ""),
        by=_by(version, words, "annotation_withdrawn" if version.withdrawn else "annotation_by"),
        withdrawn=version.withdrawn,
        earlier=tuple(_earlier(each, words) for each in reversed(annotation.versions[:-1])),
    )


def _effect(change: Change, words: Words) -> str:
    if change.effect is not Effect.BASELINE or change.until is None:
        return words.text(f"annotation_effect_{change.effect}")
    first, last = (period(words, day, Step.DAY) for day in (change.day, change.until))
    return words.text("annotation_fixed", first=first, last=last)


def _by(version: Version, words: Words, key: str) -> str:
    return words.text(key, time=times.full(words, version.by.at), who=role(version.by, words))


def _earlier(version: Version, words: Words) -> str:
    change = version.change
    return words.text(
        "annotation_before",
        day=period(words, change.day, Step.DAY),
        text=change.text,
        effect=_effect(change, words),
        by=_by(version, words, "annotation_withdrawn" if version.withdrawn else "annotation_by"),
    )
