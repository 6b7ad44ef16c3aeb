"""TOML configuration files whose errors name the file, the line and the field.

    load(path, Model)                     -> a checked model, or ConfigError
    document = read(path)                 -> the parsed document, for files with further rules
    document.validate(Model)              -> the model
    document.problem(("unit", 3, "phone"), "is not a Danish number")   -> ConfigError to raise

A *loc* is pydantic's way of naming a place: keys and (from 0) list positions from the root. The
TOML reader (tomli: the standard library's, compiled, as a catalogue can be megabytes) gives no
lines for what it has read, so for an error `_Lines` walks the text a second time, only to note
where each key and list element begins. No error ever repeats a value: it may be a secret, or worse
a person number.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import tomli
from pydantic import BaseModel, ValidationError

from capacity.privacy import CPR_REASON, first_cpr, holds_cpr, may_hold_cpr

M = TypeVar("M", bound=BaseModel)
Loc = Sequence[str | int]

_FRIENDLY = {"extra_forbidden": "is not a known key", "missing": "is missing"}
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file. `line` counts from 1, and is 0 where no line can be named."""

    file: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.field, self.reason) if part)


class ConfigError(Exception):
    """A file that cannot be used; `problems` holds at least one, in the order of the lines.

    `file`, `line`, `field` and `reason` are those of the first problem; the text has them all,
    one a line.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line)))
        first = self.problems[0]
        self.file, self.line = first.file, first.line
        self.field, self.reason = first.field, first.reason
        super().__init__("\n".join(map(str, self.problems)))


def read(path: Path | Traversable) -> "Document":
    """Read and parse a TOML file (UTF-8, with or without a byte-order mark)."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
        raise ConfigError([Problem(str(path), 0, "", reason)]) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(str(path), line, "", "is not UTF-8 text")]) from None
    return parse(text, str(path))


def parse(text: str, file: str) -> "Document":
    """Parse TOML text; `file` is the name that errors give."""
    text = text.replace("\r\n", "\n")
    try:
        return Document(file, tomli.loads(text), text)
    except tomli.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        reason = _without_cpr(_AT_LINE.sub("", str(error)))
        line = int(found[1]) if found else text.count("\n") + 1
        raise ConfigError([Problem(file, line, "", f"is not TOML: {reason}")]) from None
    except (RecursionError, ValueError):
        reason = "is not TOML that can be read: nested too deeply, or a number too long"
        raise ConfigError([Problem(file, 0, "", reason)]) from None


def load(path: Path | Traversable, model: type[M]) -> M:
    """Read a TOML file into a pydantic model; raises `ConfigError` with every problem found."""
    return read(path).validate(model)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file that can tell the line of each of its keys."""

    file: str
    data: dict[str, Any]
    text: str = field(repr=False)

    def validate(self, model: type[M]) -> M:
        """The document as `model`."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False, include_context=False)
        raise ConfigError(
            self.at(_without_marks(each["loc"]), _FRIENDLY.get(each["type"]) or _plain(each["msg"]))
            for each in details
        )

    def line_of(self, loc: Loc) -> int:
        """The line on which the key begins; of the nearest block around it where it is missing.

        Parts the text does not have (a missing key, pydantic's name for a union's member) are
        passed over. The document as a whole is line 1.
        """
        lines = _lines_of(self.text)
        known: tuple[str | int, ...] = ()
        for part in loc:
            if (*known, part) in lines:
                known = (*known, part)
        return lines.get(known, 1)

    def at(self, loc: Loc, reason: str) -> Problem:
        """A problem at a place in this document, for gathering several into one error."""
        field = _without_cpr(field_name(loc))
        return Problem(self.file, self.line_of(loc), field, _without_cpr(reason))

    def problem(self, loc: Loc, reason: str) -> ConfigError:
        """The error to raise for one problem found after parsing."""
        return ConfigError([self.at(loc, reason)])

    def cpr_problems(self) -> list[Problem]:
        """A problem for each text or key anywhere that holds what looks like a CPR number."""
        if not may_hold_cpr(self.text) and not _may_be_written_otherwise(self.text):
            return []  # a large catalogue has a quarter of a million values
        return [self.at(loc, CPR_REASON) for loc in _cpr_locs(self.data, ())]


def field_name(loc: Loc) -> str:
    """A place as text: ``unit[3].phone``; positions count from 0."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _cpr_locs(value: object, loc: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if holds_cpr(key):
                yield (*loc, key)
            yield from _cpr_locs(inner, (*loc, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _cpr_locs(inner, (*loc, index))
    elif first_cpr(value) is not None:
        yield loc


def _without_marks(loc: Loc) -> Loc:
    """Pydantic ends the place of a bad dictionary key with a mark of its own."""
    return [part for part in loc if part != "[key]"]


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _without_cpr(text: str) -> str:
    return "(withheld)" if holds_cpr(text) else text


_EVERY_DIGIT_ZERO = bytes.maketrans(b"123456789", b"0" * 9)


def _may_be_written_otherwise(text: str) -> bool:
    """A backslash may stand for any character; a number may be grouped, or have lost its zero."""
    shape = text.encode().translate(_EVERY_DIGIT_ZERO)
    return any(sign in shape for sign in (b"\\", b"0_0", b"0" * 9))


_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")


@lru_cache(maxsize=4)
def _lines_of(text: str) -> dict[tuple[str | int, ...], int]:
    """The line of every key and list element; only errors ask for them."""
    try:
        return _Lines(text).lines
    except RecursionError:  # nearly too deep to be read at all
        return {}


class _Lines:
    """Notes the line of every key and list element of a text that is known to be valid TOML."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.lines: dict[tuple[str | int, ...], int] = {}
        self._starts = [match.end() for match in re.finditer(r"\n", text)]
        self._counts: dict[tuple[str | int, ...], int] = {}
        table: tuple[str | int, ...] = ()
        self._skip(_BLANK)
        while self.position < len(text):
            if text[self.position] == "[":
                table = self._header()
            else:
                self._key_and_value(table)
            self._skip(_BLANK)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match[0]

    def _line(self) -> int:
        return bisect_right(self._starts, self.position) + 1

    def _header(self) -> tuple[str | int, ...]:
        line = self._line()
        repeated = self.text.startswith("[[", self.position)
        self.position += 2 if repeated else 1
        self._skip(_BLANK)
        *outer, last = self._key()
        path = (*self._note(outer, (), line), last)
        if repeated:
            self.lines.setdefault(path, line)
            count = self._counts[path] = self._counts.get(path, 0) + 1
            path = (*path, count - 1)
        self.lines[path] = line
        self._skip(_BLANK)
        self.position += 2 if repeated else 1
        return path

    def _note(
        self, keys: Iterable[str], table: tuple[str | int, ...], line: int
    ) -> tuple[str | int, ...]:
        """Walk down `keys` from `table`, into the newest element of each array of tables."""
        path = table
        for key in keys:
            path = (*path, key)
            self.lines.setdefault(path, line)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _key(self) -> list[str]:
        parts = [self._key_part()]
        while self._skip(_DOT):
            parts.append(self._key_part())
        return parts

    def _key_part(self) -> str:
        raw = self._skip(_KEY_PART)
        return str(tomli.loads(f"key = {raw}")["key"]) if raw[0] in "\"'" else raw

    def _key_and_value(self, table: tuple[str | int, ...]) -> None:
        line = self._line()
        path = self._note(self._key(), table, line)
        self._skip(_BLANK)
        self.position += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: tuple[str | int, ...]) -> None:
        opening = self.text[self.position]
        if opening in "\"'":
            self._skip(_STRING)
        elif opening in "[{":
            self._members(path, is_list=opening == "[")
        else:
            self._skip(_SCALAR)

    def _members(self, path: tuple[str | int, ...], *, is_list: bool) -> None:
        self.position += 1
        self._skip(_BLANK)
        index = 0
        while self.text[self.position] not in "]}":
            if is_list:
                self.lines[(*path, index)] = self._line()
                self._value((*path, index))
            else:
                self._key_and_value(path)
            self._skip(_BLANK)
            if self.text[self.position] == ",":
                self.position += 1
                self._skip(_BLANK)
            index += 1
        self.position += 1
