"""From the cells of one row, all of them texts, to the raw fields that `read_report` judges."""

import re
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from datetime import datetime
from functools import lru_cache

from capacity.instants import BadInstantError, place
from capacity.reading import FieldError
from feeds.formats.csv_mapping import CsvField, TableMapping, folded
from feeds.limits import LIMITS

MAX_CELL = LIMITS.cell_characters

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:([.,])([0-9]{1,15}))?")
_SPLIT_TIME = ("observed_date", "observed_time")


class Cells:
    """Reads rows by a mapping and the position of each mapped column."""

    def __init__(self, mapping: TableMapping, columns: AnyMapping[CsvField, int]) -> None:
        self._mapping = mapping
        self._local = mapping.local_time
        self._unknown = frozenset(map(folded, mapping.unknown_words)) | {""}
        self._yes = frozenset(map(folded, mapping.yes_words))
        self._no = frozenset(map(folded, mapping.no_words))
        self._columns = [(name, at, self._remembering(name)) for name, at in columns.items()]
        self._constants: dict[str, object] = {
            name: value for name, value in mapping.constants.items() if not isinstance(value, str)
        }
        self._words = [
            (name, value, self._remembering(name))
            for name, value in mapping.constants.items()
            if isinstance(value, str)
        ]
        self._splits_time = any(name in _SPLIT_TIME for name in {*columns, *mapping.constants})

    def fields(self, row: list[str]) -> dict[str, object]:
        """The raw fields of a row; an unknown word is ``None``. Raises `FieldError`."""
        raw: dict[str, object] = {**self._constants}
        for name, at, read in self._columns:
            raw[name] = read(row[at])
        for name, word, read in self._words:
            raw[name] = read(word)
        if self._splits_time:
            raw["observed_at"] = self._joined(*(raw.pop(name) for name in _SPLIT_TIME))
        if "closure_reason" in raw:
            _shape_closure(raw)
        return raw

    def _remembering(self, name: CsvField) -> Callable[[str], object]:
        """The value of a column's cells; a column has few different ones, so it keeps them."""
        read = self._reader(name)
        return lru_cache(maxsize=1024)(lambda cell: self._value(name, cell, read))

    def _value(self, name: str, cell: str, read: Callable[[str, str], object]) -> object:
        if len(cell) > MAX_CELL:
            raise FieldError(name, f"is a cell of more than {MAX_CELL} characters")
        cell = cell.strip()
        # Identifiers are never unknown words: a unit may well be called "NA".
        if folded(cell) in (self._unknown if name != "unit" else ("",)):
            return None
        return read(name, cell)

    def _reader(self, name: CsvField) -> Callable[[str, str], object]:
        if name in ("unit", "note", "closure_reason", *_SPLIT_TIME):
            return _text
        if name in ("observed_at", "reopens_at", "next_free_at"):
            return self._instant
        if name in ("on_duty", "reopens_itself"):
            return self._flag
        if name == "capabilities_off":
            return self._list
        return _type if name == "type" else self._number

    def _number(self, name: str, cell: str) -> int | float:
        found = _NUMBER.fullmatch(cell)
        if found is None or found[1] not in (None, self._mapping.decimal):
            raise FieldError(name, f"is not a number (decimal sign {self._mapping.decimal})")
        return int(cell) if found[1] is None else float(cell.replace(",", "."))

    def _flag(self, name: str, cell: str) -> bool:
        word = folded(cell)
        if word in self._yes or word in self._no:
            return word in self._yes
        raise FieldError(name, "is none of the words for yes and no")

    def _list(self, name: str, cell: str) -> tuple[str, ...]:
        parts = cell.split(self._mapping.capabilities_separator)
        return tuple(word for part in parts if (word := part.strip()))

    def _joined(self, date: object, time: object) -> object:
        if date is None or time is None:
            return None
        between = "T" if self._mapping.time_format == "iso" else " "
        return self._instant("observed_at", f"{date}{between}{time}")

    def _instant(self, name: str, cell: str) -> str | datetime:
        if self._mapping.time_format == "iso":
            return cell
        try:
            return place(_stamp(cell, self._mapping.time_format), *self._local)
        except BadInstantError as error:
            raise FieldError(name, str(error)) from error


def _text(_name: str, cell: str) -> str:
    return cell


def _type(_name: str, cell: str) -> str:
    return cell.lower()


def _stamp(text: str, time_format: str) -> datetime:
    try:
        return datetime.strptime(text, time_format)  # noqa: DTZ007 - `place` adds the zone
    except (ValueError, OverflowError) as error:
        raise BadInstantError("does not fit the mapping's time format") from error


def _shape_closure(raw: dict[str, object]) -> None:
    """A reason closes the unit; the other two say more about it."""
    closure = {
        "reason": raw.pop("closure_reason"),
        "reopens_at": raw.pop("reopens_at", None),
        "reopens_itself": raw.pop("reopens_itself", None),
    }
    if closure["reason"] is not None:
        raw["closure"] = closure
