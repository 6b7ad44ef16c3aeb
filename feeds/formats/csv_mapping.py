"""What a source says about its tables, CSV files and workbooks: where they differ, as data."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from feeds.formats import Mapping

CsvField = Literal[
    "unit",
    "type",
    "observed_at",
    "observed_date",
    "observed_time",
    "total",
    "staffed",
    "occupied",
    "reserved",
    "closed",
    "free",
    "note",
    "capabilities_off",
    "closure_reason",
    "reopens_at",
    "reopens_itself",
    "on_duty",
    "next_free_at",
    "waiting",
    "wait_minutes",
]
"""Our name for what a column holds. ``observed_date`` and ``observed_time`` go together and stand
in for ``observed_at``; ``closure_reason``, ``reopens_at`` and ``reopens_itself`` make a closure."""

UNKNOWN_WORDS = ("", "-", "?", "n/a", "na", "null", "ukendt", "unknown")
YES_WORDS = ("ja", "yes", "true", "sand", "1", "j", "y")
NO_WORDS = ("nej", "no", "false", "falsk", "0", "n")
MAX_PATTERN = 200
MAX_SEARCHED = 500
"""Characters of a cell that a pattern gets to see, so that a slow one stays bearable."""

Word = Annotated[str, Field(coerce_numbers_to_str=True)]


def folded(text: str) -> str:
    """A word as it is compared: surrounding and repeated white space and case set aside."""
    return " ".join(text.split()).casefold()


class LeaveOut(BaseModel):
    """A rule for rows that are no reports, such as totals; exactly one way to say which.

    `matches` is a regular expression that must fit the whole cell.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    equals: Word | None = None
    blank: Literal[True] | None = None
    matches: Annotated[str, Field(max_length=MAX_PATTERN)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [way for way in (self.equals, self.blank, self.matches) if way is not None]
        if len(ways) != 1:
            raise ValueError("needs exactly one of equals, blank and matches")
        return self

    @field_validator("matches")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern

    def fits(self, cell: str) -> bool:
        """Whether a row with this cell in the rule's column is left out."""
        if self.blank:
            return not cell.strip()
        if self.equals is not None:
            return folded(cell) == folded(self.equals)
        return re.fullmatch(self.matches or "", cell.strip()[:MAX_SEARCHED]) is not None


class TableMapping(Mapping):
    """How to read one source's tables; the defaults read one with our own field names.

    `columns` maps our fields to header names. Without any, columns that bear our own names are
    read and others left alone.
    """

    decimal: Literal[".", ","] = "."
    skip_lines: Annotated[int, Field(ge=0, le=100)] = 0
    """Lines before the header."""
    ignore_case: bool = True
    """Whether header names are compared without case."""
    columns: dict[CsvField, str] = Field(default_factory=dict)
    constants: dict[CsvField, str | int | bool] = Field(default_factory=dict)
    time_format: str = "iso"
    """``iso`` (hours padded or not), or a `datetime.strptime` format for every time column; where
    date and time are two columns, a blank stands between the two parts. A format without time of
    day means midnight."""
    unknown_words: tuple[Word, ...] = UNKNOWN_WORDS
    yes_words: tuple[Word, ...] = YES_WORDS
    no_words: tuple[Word, ...] = NO_WORDS
    capabilities_separator: Annotated[str, Field(min_length=1, max_length=1)] = "|"
    leave_out: tuple[LeaveOut, ...] = ()

    @field_validator("time_format")
    @classmethod
    def _tells_an_instant(cls, time_format: str) -> str:
        """A format must bring back the minute, or else stand for midnight on a whole day."""
        moment = datetime(2026, 3, 2, 13, 5, tzinfo=UTC)
        try:
            again = datetime.strptime(moment.strftime(time_format), time_format)  # noqa: DTZ007 - compared as a wall clock
        except ValueError as error:
            raise ValueError("is no time format") from error
        midnight = moment.replace(hour=0, minute=0)
        if time_format != "iso" and again.replace(tzinfo=UTC) not in (moment, midnight):
            raise ValueError("does not tell year, month, day, and hour and minute or neither")
        return time_format

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        twice = self.columns.keys() & self.constants.keys()
        if twice:
            raise ValueError(f"{', '.join(sorted(twice))}: both a column and a constant")
        if self.columns:
            _refuse_half_a_report(self.columns.keys() | self.constants.keys())
        return self


class CsvMapping(TableMapping):
    """How to read one source's CSV files."""

    separator: Annotated[str, Field(pattern=r"^(auto|[^\w\s.+-]|\t| )$")] = "auto"
    """One character, or ``auto``: whichever of ``;``, tab and ``,`` finds most columns."""
    encoding: Literal["auto", "utf-8", "utf-8-sig", "cp1252"] = "auto"
    """``auto`` takes UTF-8 with or without mark, and cp1252 for what is no UTF-8."""
    quote: Literal['"', "'", ""] = '"'

    @model_validator(mode="after")
    def _tells_cells_apart(self) -> Self:
        if self.separator == self.quote:
            raise ValueError("separator and quote are the same")
        return self


def _refuse_half_a_report(fields: set[CsvField]) -> None:
    if "unit" not in fields:
        raise ValueError("columns: unit is missing")
    split = fields & {"observed_date", "observed_time"}
    if len(split) == 1 or ("observed_at" in fields) == bool(split):
        raise ValueError("columns: needs observed_at, or else observed_date and observed_time")
    if fields & {"reopens_at", "reopens_itself"} and "closure_reason" not in fields:
        raise ValueError("columns: reopens_at and reopens_itself need closure_reason")
