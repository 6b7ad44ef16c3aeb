"""From a register's file to figures and rejects: one row may cost itself, never the others. Pure.

| our field | cell |
|---|---|
| ``indicator`` | our id, or a word of the mapping's ``indicators`` |
| ``municipality`` | code (``0730`` or ``730``), name in the catalogue, or of ``municipalities`` |
| ``period``, or ``year`` and ``month`` or ``week`` | see `feeds.figures.periods` |
| ``numerator`` | whole number; a row whose numerator is an unknown word is a reject |
| ``denominator`` | whole number, or several to be added; an unknown word: no value |
| ``source`` | which register, in its own words |

A mapped column that the header lacks makes the whole file unreadable. Every cell of a row is looked
through for person numbers. A period that is not over yet is refused, and so is the second row about
one figure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from capacity.imported import MAX_COUNT, Key, Step, Told, fault
from capacity.indicators.definitions import Definition, Definitions, Origin
from capacity.model import Reject
from capacity.privacy import CPR_REASON, holds_cpr
from capacity.reading import FieldError, shown
from capacity.units import Dated
from feeds.figures.mapping import FigureMapping
from feeds.figures.periods import is_over, of_parts, period_of
from feeds.figures.sheets import Sheet, sheet_of
from feeds.formats.csv_lines import Broken
from feeds.formats.csv_mapping import folded
from feeds.formats.gathering import DOCUMENT, unreadable
from feeds.formats.table import column_name
from feeds.limits import LIMITS

MAX_SOURCE = 200


@dataclass(frozen=True, slots=True)
class Known:
    """What figures may be about: the definitions, the municipalities by name and code, and those
    of the cluster that the document is handed in to."""

    definitions: Definitions
    names: Mapping[str, str]
    """Name of a municipality, as the catalogue writes it, by code."""
    of_cluster: Dated[tuple[str, ...]]


@dataclass(slots=True)
class Parsed:
    """The figures of a document in its order, where each stood, and what could not be used."""

    told: list[Told] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def parse(raw: bytes, mapping: FigureMapping, known: Known, today: date) -> Parsed:
    """Read a CSV file or workbook; raises `UnreadableError` when no part of it can be read."""
    sheet = sheet_of(raw, mapping)
    reader = _Reader(sheet, mapping, known, today)
    parsed = Parsed()
    seen: dict[Key, str] = {}
    for where, row in sheet.rows:
        for found in reader.row(row):
            if isinstance(found, FieldError):
                parsed.rejects.append(Reject(where, found.field, found.reason))
            elif found.key in seen:
                reason = f"tells a figure that stands at {seen[found.key]} already"
                parsed.rejects.append(Reject(where, "row", reason))
            else:
                seen[found.key] = where
                parsed.told.append(found)
                parsed.places.append(where)
        if len(parsed.told) + len(parsed.rejects) > LIMITS.rows:
            raise unreadable(DOCUMENT, f"holds more than {LIMITS.rows} figures")
    return parsed


class _Reader:
    """Reads rows under one header."""

    def __init__(self, sheet: Sheet, mapping: FigureMapping, known: Known, today: date) -> None:
        self._sheet = sheet
        self._mapping = mapping
        self._known = known
        self._today = today
        self._at = {name: self._position(column) for name, column in mapping.wanted.items()}
        if not mapping.figures and "denominator" in {*sheet.header} - {*self._at}:
            self._at["denominator"] = self._position("denominator")
        self._left_out = [(rule, self._position(rule.column)) for rule in mapping.leave_out]
        self._unknown = frozenset(map(folded, mapping.unknown_words)) | {""}
        self._municipalities = _by_word(known.names, mapping.municipalities)
        self._indicators = {folded(word): each for word, each in mapping.indicators.items()}

    def row(self, row: list[str] | Broken) -> Iterator[Told | FieldError]:
        """What a row tells: nothing if it is left out, several figures, or what is wrong."""
        try:
            if isinstance(row, Broken):
                raise FieldError("row", row.reason)
            self._refuse_cpr(row)
            if any(rule.fits(row[at]) for rule, at in self._left_out):
                return
            municipality, (step, period) = self._municipality(row), self._period(row)
            self._refuse_strangers(municipality, period)
            source = self._mapping.source or self._required(row, "source")
            if len(source) > MAX_SOURCE:
                raise FieldError("source", f"is longer than {MAX_SOURCE} characters")
            indicators = [(each.indicator, f"{each.indicator} ") for each in self._mapping.figures]
            indicators = indicators or [(self._indicator(row), "")]
        except FieldError as error:
            yield error
            return
        for indicator, prefix in indicators:
            try:
                yield self._told(row, Key(indicator, municipality, step, period), prefix, source)
            except FieldError as error:
                yield error

    def _told(self, row: list[str], key: Key, prefix: str, source: str) -> Told:
        definition = self._definition(key)
        numerator = self._count(row, f"{prefix}numerator")
        if numerator is None:
            raise FieldError(f"{prefix}numerator", "is unknown, so the row tells nothing")
        told = Told(key, numerator, self._sum(row, f"{prefix}denominator"), source)
        wrong = fault(told, definition)
        if wrong is not None:
            raise FieldError(prefix + wrong[0], wrong[1])
        return told

    def _definition(self, key: Key) -> Definition:
        dated = self._known.definitions.indicators.get(key.indicator)
        if dated is None:
            raise FieldError("indicator", "is no indicator that is defined")
        found = dated.on(key.period)
        if found is None:
            raise FieldError("indicator", "is not defined yet in that period")
        if found.origin is not Origin.IMPORT:
            raise FieldError("indicator", "is computed from our own history, never imported")
        return found

    def _indicator(self, row: list[str]) -> str:
        if self._mapping.indicator is not None:
            return self._mapping.indicator
        word = self._required(row, "indicator")
        return self._indicators.get(folded(word), word)

    def _municipality(self, row: list[str]) -> str:
        word = self._required(row, "municipality")
        code = self._municipalities.get(folded(word))
        if code is None:
            raise FieldError("municipality", "is no municipality of the catalogue")
        return code

    def _period(self, row: list[str]) -> tuple[Step, date]:
        if "year" in self._at:
            step: Step = "month" if "month" in self._at else "week"
            found = of_parts(self._required(row, "year"), self._required(row, step), step)
        else:
            found = period_of(self._required(row, "period"), self._mapping.step)
        if not is_over(*found, self._today):
            raise FieldError("period", "is not over yet, so its figures are not whole")
        return found

    def _refuse_strangers(self, municipality: str, period: date) -> None:
        if municipality not in (self._known.of_cluster.on(period) or ()):
            raise FieldError("municipality", "was not of this cluster in that period")

    def _sum(self, row: list[str], name: str) -> int | None:
        """A count of one column or of several; unknown where one of them is."""
        found, n = self._count(row, name), 2
        while found is not None and f"{name} {n}" in self._at:
            more = self._count(row, f"{name} {n}")
            found, n = None if more is None else found + more, n + 1
        return found

    def _count(self, row: list[str], name: str) -> int | None:
        if name not in self._at:
            return None
        cell = row[self._at[name]].strip()
        if folded(cell) in self._unknown:
            return None
        whole, _, rest = cell.partition(self._mapping.decimal)
        whole = _ungrouped(whole, self._mapping.thousands)
        digits = whole.isascii() and whole.isdigit() and len(whole) < 16
        if not digits or rest.strip("0"):
            raise FieldError(name, "is not a whole number")
        if int(whole) > MAX_COUNT:
            raise FieldError(name, f"is over {MAX_COUNT}")
        return int(whole)

    def _required(self, row: list[str], name: str) -> str:
        cell = " ".join(row[self._at[name]].split())
        if not cell:
            raise FieldError(name, "is missing")
        return cell

    def _position(self, wanted: str) -> int:
        header = self._sheet.header
        name = column_name(wanted, self._mapping.as_csv)
        if header.count(name) != 1:
            what = "stands more than once in" if name in header else "is missing from"
            raise unreadable(shown(wanted), f"this column {what} the header", self._sheet.where)
        return header.index(name)

    def _refuse_cpr(self, row: list[str]) -> None:
        for name, cell in zip(self._sheet.header, row, strict=True):
            if holds_cpr(cell):
                raise FieldError(shown(name), CPR_REASON)


def _ungrouped(whole: str, sign: str) -> str:
    """A number without its signs between thousands, if they stand where they should."""
    whole = whole.replace("\xa0", " ")
    if not sign or sign not in whole:
        return whole
    first, *groups = whole.split(sign)
    right = 1 <= len(first) <= 3 and all(len(group) == 3 for group in groups)
    return first + "".join(groups) if right else ""


def _by_word(names: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Every way to name a municipality to its code; the mapping's own words go first."""
    found: dict[str, str] = {}
    for code, name in names.items():
        plain = folded(name).removesuffix(" kommune")
        for word in (code, code.lstrip("0"), plain, f"{plain} kommune", f"{plain}s kommune"):
            found.setdefault(word, code)
    return found | {folded(word): code.zfill(4) for word, code in own.items()}
