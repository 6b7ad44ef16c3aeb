"""The shape of the file of indicators, key by key; docs/indicators.md tells it in prose.

An indicator may stand several times under one id, each with the day (`since`) from which it is
defined so; the first may leave the day out.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from capacity.catalogue_blocks import Block, DatedBlock, Word, Words
from capacity.indicators.definitions import Definition, Measured, Origin, Split, Text
from capacity.indicators.measures import Measure, family_of
from capacity.model import UnitKind
from capacity.need import LONGEST_MINUTES, Where
from capacity.spc import Better, ChartKind

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]


class TextBlock(Block):
    """A text in both languages."""

    da: Sentence
    en: Sentence

    def text(self) -> Text:
        """As the rules take it."""
        return Text(self.da, self.en)


class NeedBlock(Block):
    """One ``[[need]]``; see `capacity.indicators.definitions.ReferenceNeed`."""

    id: Word
    name: TextBlock
    capabilities: Words = []
    within_minutes: int | None = Field(default=None, ge=0, le=LONGEST_MINUTES, strict=True)
    where: Where = Where.EITHER


class IndicatorBlock(DatedBlock):
    """One ``[[indicator]]``; see `capacity.indicators.definitions.Definition`."""

    id: Word
    origin: Origin = Origin.HISTORY
    name: TextBlock
    counts: TextBlock
    per: TextBlock | None = None
    excludes: TextBlock
    source: TextBlock
    period: Literal["day", "week", "month"]
    measured: Measured
    better: Better
    chart: ChartKind = ChartKind.XMR
    decimals: int = Field(default=1, ge=0, le=4, strict=True)
    splits: list[Split] = []
    kinds: list[UnitKind] = []
    numerator: list[Measure] = []
    denominator: list[Measure] = []
    unknown: list[Measure] = []
    unknown_of: list[Measure] = []

    @model_validator(mode="after")
    def _is_whole(self) -> "IndicatorBlock":
        measures = (*self.numerator, *self.denominator, *self.unknown, *self.unknown_of)
        if (self.origin is Origin.HISTORY) is not bool(self.numerator):
            raise ValueError("has a numerator if it is of our own history, and only then")
        if measures and self.origin is Origin.IMPORT:
            raise ValueError("is imported, so it is made of no amounts of ours")
        if len({family_of(measure) for measure in measures}) > 1:
            raise ValueError("is made of amounts that are not about the same thing")
        if self.unknown and not self.unknown_of:
            raise ValueError("says what is unknown and of what, or neither")
        return self

    @model_validator(mode="after")
    def _fits_its_chart(self) -> "IndicatorBlock":
        if (self.per is not None) is not (self.origin is Origin.IMPORT or bool(self.denominator)):
            raise ValueError("says what it is told per if it has a denominator, and only then")
        if self.chart is ChartKind.P and (not self.per or self.measured is not Measured.PERCENT):
            raise ValueError("a p chart shows a share, in percent")
        if self.chart is ChartKind.C and self.per is not None:
            raise ValueError("a c chart shows plain counts")
        return self

    def definition(self) -> Definition:
        """As the rules take it."""
        return Definition(
            id=self.id,
            origin=self.origin,
            name=self.name.text(),
            counts=self.counts.text(),
            per=self.per.text() if self.per else None,
            excludes=self.excludes.text(),
            source=self.source.text(),
            period=self.period,
            measured=self.measured,
            better=self.better,
            chart=self.chart,
            decimals=self.decimals,
            splits=frozenset(self.splits),
            kinds=frozenset(self.kinds),
            numerator=tuple(self.numerator),
            denominator=tuple(self.denominator),
            unknown=tuple(self.unknown),
            unknown_of=tuple(self.unknown_of),
        )


class IndicatorFile(Block):
    """A whole file."""

    need: list[NeedBlock] = []
    indicator: list[IndicatorBlock] = Field(min_length=1)
