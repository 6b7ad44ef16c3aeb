"""Danish person numbers (CPR) are refused at every door, never stored and never logged."""

import re
from collections.abc import Iterator

_DASH = r"[-\u2010-\u2015\u2212\ufe63\uff0d]"
_CANDIDATES = (
    # DDMMYY, then perhaps blanks and a dash or another mark, then four digits
    re.compile(
        rf"(?<!\d)(\d{{2}})(\d{{2}})\d{{2}}\s{{0,9}}(?:{_DASH}|[./_])?\s{{0,9}}\d{{4}}(?!\d)"
    ),
    # DD-MM-YY with the same mark twice, then the same; not the tail of a longer date
    re.compile(r"(?<!\d)(?<!\d[-./_ ])(\d{2})([-./_\s])(\d{2})\2\d{2}[-./_\s]{0,3}\d{4}(?!\d)"),
)
_DIGITS = 10
"""Of a whole number; a shorter text cannot hold one."""
_INVISIBLE = dict.fromkeys([0x00AD, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF])
"""Characters that are not seen but would part the digits: soft hyphen, zero-width ones."""
_NOT_A_NAME_OF_ANYONE = re.compile(
    # a decimal number whose fraction happens to have ten digits: 3.0312234375
    r"[+-]?\d{1,5}[.,]\d+"
    # an instant with microseconds and a western offset: 2026-01-02T03:04:05.120499-0500
    r"|\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}:\d{2}[.,]\d+-\d{4}"
)
_SHAPE = bytes(
    ord("0") if chr(code).isdecimal() else ord("-") if re.match(r"[-./_\s]", chr(code)) else code
    for code in range(256)
)
"""Of each byte of a Latin-1 text what it can be to a number: a digit, a mark between, or itself."""
_SHAPES = (b"000000", b"00-00-00")
_SOFT_HYPHEN = b"\xad"
"""The one of the invisible characters that Latin-1 has."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

CPR_REASON = "holds what looks like a CPR number; person numbers are never accepted"
"""The reason shown; it never repeats the text it is about."""


def may_hold_cpr(text: str) -> bool:
    """A quick first look: when this says no, no part of `text` satisfies `holds_cpr`.

    A catalogue is megabytes, and to look for six digits by byte takes a tenth of the time that
    the patterns take: those are asked only where the digits are.
    """
    try:
        plain = text.encode("latin-1")
    except UnicodeEncodeError:  # there are digits and blanks in other scripts too
        plain = _SOFT_HYPHEN
    if _SOFT_HYPHEN in plain:
        seen = text.translate(_INVISIBLE)
        return any(pattern.search(seen) for pattern in _CANDIDATES)
    shape = plain.translate(_SHAPE)
    return any(
        pattern.match(text, at)
        for pattern, digits in zip(_CANDIDATES, _SHAPES, strict=True)
        for at in _places_of(digits, shape)
    )


def _places_of(part: bytes, whole: bytes) -> Iterator[int]:
    at = whole.find(part)
    while at >= 0:
        yield at
        at = whole.find(part, at + 1)


def holds_cpr(text: str) -> bool:
    """Whether `text` contains something shaped like a CPR number: DDMMYY, any dash, four digits.

    The parts of the date may be parted too (01 01 90-1234). The date must be a day that can
    exist, or one with 60 added to the day, as in replacement numbers. Since 2007 numbers need
    not satisfy the old check digit, so it is not asked for. A stand-alone ten-digit number is
    refused too. Digits inside a UUID, and a text that is nothing but a decimal number or an
    instant, are no CPR number.
    """
    if len(text) < _DIGITS:
        return False
    seen = text if text.isascii() else text.translate(_INVISIBLE)
    compact, parted = _CANDIDATES
    if compact.search(seen) is None and parted.search(seen) is None:
        return False
    if _NOT_A_NAME_OF_ANYONE.fullmatch(seen.strip()):
        return False
    seen = _UUID.sub("uuid", seen)
    return any(_is_day(m[1], m[2]) for m in compact.finditer(seen)) or any(
        _is_day(m[1], m[3]) for m in parted.finditer(seen)
    )


def first_cpr(document: object, path: str = "") -> str | None:
    """The path of the first text anywhere inside a JSON-like value that holds a CPR number.

    Keys count as text too, and whole numbers of nine or ten digits as if written out. Returns
    ``None`` when there is none; never the text itself. Any depth is fine.
    """
    waiting: list[tuple[object, _Path]] = [(document, (None, path))]
    while waiting:
        current, where = waiting.pop()
        inner: list[tuple[object, _Path]] = []
        if isinstance(current, dict):
            for key, value in current.items():
                if holds_cpr(str(key)):
                    return _written((where, ".(key)"))
                inner.append((value, (where, f".{key}")))
        elif isinstance(current, list | tuple):
            inner = [(value, (where, f"[{index}]")) for index, value in enumerate(current)]
        elif holds_cpr(_as_text(current)):
            return _written(where)
        waiting.extend(reversed(inner))
    return None


def _as_text(value: object) -> str:
    """A text itself; a number as it would be written with the leading zero it may have lost."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and 10**8 <= value < 10**10:
        return f"{value:010d}"
    return ""


_Path = tuple["_Path | None", str]
"""A step and the path before it: written out only when something is found."""


def _written(where: "_Path | None") -> str:
    steps: list[str] = []
    while where is not None:
        where, step = where
        steps.append(step)
    return "".join(reversed(steps)).removeprefix(".")


def _is_day(day_text: str, month_text: str) -> bool:
    day, month = int(day_text), int(month_text)
    if not 1 <= month <= 12:
        return False
    longest = 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    return 1 <= day <= longest or 61 <= day <= longest + 60
