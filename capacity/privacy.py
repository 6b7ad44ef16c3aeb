"""Danish person numbers (CPR) are refused at every door, never stored and never logged."""

import re

_DASH = r"[-\u2010-\u2015\u2212\ufe63\uff0d]"
_CANDIDATE = re.compile(
    rf"(?<!\d)(\d{{2}})(\d{{2}})(\d{{2}})\s{{0,9}}{_DASH}?\s{{0,9}}(\d{{4}})(?!\d)"
)
_NOT_A_NAME_OF_ANYONE = re.compile(
    # a decimal number whose fraction happens to have ten digits: 3.0312234375
    r"[+-]?\d{1,5}[.,]\d+"
    # an instant with microseconds and a western offset: 2026-01-02T03:04:05.120499-0500
    r"|\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}:\d{2}[.,]\d+-\d{4}"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

CPR_REASON = "holds what looks like a CPR number; person numbers are never accepted"
"""The reason shown; it never repeats the text it is about."""


def may_hold_cpr(text: str) -> bool:
    """A quick first look: when this says no, no part of `text` satisfies `holds_cpr`."""
    return _CANDIDATE.search(text) is not None


def holds_cpr(text: str) -> bool:
    """Whether `text` contains something shaped like a CPR number: DDMMYY, any dash, four digits.

    The date part must be a day that can exist. Since 2007 numbers need not satisfy the old
    check digit, so it is not asked for. A stand-alone ten-digit number is refused too. Digits
    inside a UUID, and a text that is nothing but a decimal number or an instant, are no CPR
    number.
    """
    if _CANDIDATE.search(text) is None:
        return False
    if _NOT_A_NAME_OF_ANYONE.fullmatch(text.strip()):
        return False
    return any(_is_day(match) for match in _CANDIDATE.finditer(_UUID.sub("uuid", text)))


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


def _is_day(match: re.Match[str]) -> bool:
    day, month = int(match[1]), int(match[2])
    if not 1 <= month <= 12:
        return False
    longest = 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    return 1 <= day <= longest
