"""What a register's files look like, as data: columns, words, and how numbers are written."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from capacity.imported import Step
from feeds.formats.csv_mapping import UNKNOWN_WORDS, CsvMapping, LeaveOut, Word

FigureField = Literal[
    "indicator", "municipality", "period", "year", "month", "week",
    "numerator", "denominator", "source",
]  # fmt: skip
"""Our name for what a column holds; ``year`` with ``month`` or ``week`` is a ``period`` too."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Sum = Annotated[tuple[Name, ...], Field(min_length=2, max_length=20)]
"""Columns that add up to a denominator, such as beds that are free and beds that are not."""


_SUMMED: Final = "denominator"


class FigureColumns(BaseModel):
    """One indicator of a file that has a column for each: which columns are its counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    indicator: Name
    numerator: Name
    denominator: Name | Sum | None = None


class FigureMapping(BaseModel):
    """How to read one register's files; the defaults read one with our own field names.

    `indicator` and `source` are those of every row, where there is no column of them. With
    `figures` each row tells several indicators. `indicators` and `municipalities` translate the
    register's words; our ids, the codes and the names of the catalogue are understood anyway.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    indicator: Name | None = None
    source: Name | None = None
    step: Step | None = None
    """Whether periods are days, weeks or months; needed where a period is written as a day."""
    columns: dict[FigureField, Name | Sum] = Field(default_factory=dict)
    figures: tuple[FigureColumns, ...] = ()
    indicators: dict[Word, str] = Field(default_factory=dict)
    municipalities: dict[Word, str] = Field(default_factory=dict)
    unknown_words: tuple[Word, ...] = UNKNOWN_WORDS
    leave_out: tuple[LeaveOut, ...] = ()
    thousands: Literal["", ".", ",", " "] = ""
    """The sign between thousands, where there is one."""
    decimal: Literal[".", ","] = ","
    """The decimal sign: counts are whole, so what follows it must be zeros."""

    separator: Annotated[str, Field(pattern=r"^(auto|[^\w\s.+-]|\t| )$")] = "auto"
    encoding: Literal["auto", "utf-8", "utf-8-sig", "cp1252"] = "auto"
    quote: Literal['"', "'", ""] = '"'
    skip_lines: Annotated[int, Field(ge=0, le=100)] = 0
    ignore_case: bool = True
    sheet: Annotated[int, Field(ge=1)] | Annotated[str, Field(min_length=1)] = 1
    """Of a workbook: a name, or a number from 1 among the visible ones."""
    header_rows: Annotated[int, Field(ge=1, le=5)] = 1

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        columns = self.columns.keys()
        if self.figures and columns & {"indicator", "numerator", "denominator"}:
            raise ValueError("figures name the counts' columns, so columns must not")
        if self.figures and self.indicator:
            raise ValueError("figures name their indicators, so indicator must not be given")
        for name in ("indicator", "source"):
            if getattr(self, name) and name in columns:
                raise ValueError(f"{name}: both a column and for all rows")
        if {"month", "week"} <= columns or ("year" in columns) != bool(columns & {"month", "week"}):
            raise ValueError("columns: year goes with month or with week, and needs one of them")
        if "period" in columns and "year" in columns:
            raise ValueError("columns: period, or year with month or week, not both")
        if any(not isinstance(each, str) for key, each in self.columns.items() if key != _SUMMED):
            raise ValueError("columns: only a denominator is made of several")
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal are the same sign")
        return self

    @property
    def as_csv(self) -> CsvMapping:
        """How its text files are cut into cells."""
        return CsvMapping(
            separator=self.separator, encoding=self.encoding, quote=self.quote,
            skip_lines=self.skip_lines, ignore_case=self.ignore_case,
        )  # fmt: skip

    @property
    def wanted(self) -> dict[str, str]:
        """Field to column for everything that a row must hold. Fields of `figures` are called
        by indicator: ``acute_admissions numerator``; further columns of a sum are numbered from
        2: ``denominator 2``."""
        found: dict[str, str] = {}
        for name, column in self.columns.items():
            found |= _named(name, column)
        if not self.columns.keys() & {"period", "year"}:
            found["period"] = "period"
        found.setdefault("municipality", "municipality")
        if self.source is None:
            found.setdefault("source", "source")
        for each in self.figures:
            found[f"{each.indicator} numerator"] = each.numerator
            if each.denominator is not None:
                found |= _named(f"{each.indicator} denominator", each.denominator)
        if not self.figures:
            if self.indicator is None:
                found.setdefault("indicator", "indicator")
            found.setdefault("numerator", "numerator")
        return found


def _named(field: str, columns: str | tuple[str, ...]) -> dict[str, str]:
    """One field's columns, each by a name of its own."""
    every = (columns,) if isinstance(columns, str) else columns
    return {field if n == 1 else f"{field} {n}": column for n, column in enumerate(every, start=1)}
