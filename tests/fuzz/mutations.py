"""Changes to a document: of bytes, of tokens, of JSON values, and of the parts of a zip file."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

MAX_BYTES = 64 * 1024
"""No input is longer; the promises about time hold for documents up to this size."""

EXTREMES = (
    *(b"", b"\0", b'"', b'""', b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\n", b"\r\n", b"\t"),
    *(b"-1", b"0", b"1e999", b"NaN", b"9" * 400, b"99999999999", b"0.1", b"-0", b"1,5", b"\x85"),
    *(b"null", b"true", b"{}", b"[]", b"[" * 3000, b"<a>" * 200, b"&x;", b"&#0;", b"<!DOCTYPE a>"),
    *(b"0001-01-01T00:00:00+12:00", b"9999-12-31T23:59:59-12:00", b"2026-03-29T02:30:00"),
    *(b"2026-10-25T02:30:00", b"20260229T250000", b"24:00:00", b"00:00:00", b"P99999999D"),
    *(b"120499-1234", b"\\ud800", "\u2028\u202e\u00ad".encode(), b"a" * 3000),
    *(b"\\X0D\\", b"\\E\\", b"~", b"^", b"&", b"|", b"FREQ=YEARLY;COUNT=99999"),
    *(b"BEGIN:VEVENT\r\n", "\U0010ffff".encode()),
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 10**30, 1e308, 0.5, "", " ", "a" * 600, [], {}, [[]], [{}]),
    *("\ud7ff", "\u202e", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "120499-1234"),
    *("2026-11-22T12:00:00Z", "2026-11-22", "24:00:00", "Location/a", "#a"),
)
_TOKEN = re.compile(rb"[A-Za-z0-9_.+\-]+|[^A-Za-z0-9_.+\-]", re.DOTALL)

Change = Callable[[bytes, bytes, list[bytes], Random], bytes]
"""The changed document of: a document, another one, the dictionary, the chance."""


def mutated(raw: bytes, other: bytes, words: list[bytes], chance: Random) -> bytes:
    """The document after one change or a few."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4, 8))):
        raw = _change_for(raw, chance)(raw, other, words, chance)[:MAX_BYTES]
    return raw


def _change_for(raw: bytes, chance: Random) -> Change:
    if raw.startswith(b"PK") and chance.random() < 0.9:
        return _in_zip
    if raw[:1] in b"{[" and chance.random() < 0.6:
        return _in_json
    return _in_bytes if chance.random() < 0.2 else _in_tokens


def _in_bytes(raw: bytes, other: bytes, words: list[bytes], chance: Random) -> bytes:
    start = chance.randint(0, len(raw))
    end = min(len(raw), start + chance.choice((0, 0, 1, 1, 2, 8, 40)))
    put = chance.choice((b"", chance.randbytes(1), chance.choice(EXTREMES), _piece(other, chance)))
    return raw[:start] + put + raw[end:]


def _piece(raw: bytes, chance: Random) -> bytes:
    start = chance.randint(0, len(raw))
    return raw[start : start + chance.choice((1, 8, 60, 600))]


def _in_tokens(raw: bytes, other: bytes, words: list[bytes], chance: Random) -> bytes:
    tokens = _TOKEN.findall(raw) or [b""]
    start = chance.randrange(len(tokens))
    end = start + chance.choice((1, 1, 1, 2, 5, 20))
    held = tokens[start:end]
    match chance.randrange(7):
        case 0:
            put = []
        case 1:
            put = held * chance.choice((2, 2, 3, 50, 1000))
        case 2:
            put = [chance.choice(words)]
        case 3:
            put = [chance.choice(EXTREMES)]
        case 4:
            put = [chance.choice(words), *held]
        case 5:
            there = chance.randrange(len(tokens))
            put = tokens[there : there + end - start]
        case _:
            theirs = _TOKEN.findall(other) or [b""]
            there = chance.randrange(len(theirs))
            put = theirs[there : there + chance.choice((1, 5, 50))]
    return b"".join((*tokens[:start], *put, *tokens[end:]))


def _in_json(raw: bytes, other: bytes, words: list[bytes], chance: Random) -> bytes:
    """Change one value; of several lines of JSON, in one line."""
    lines = raw.split(b"\n")
    at = chance.randrange(len(lines))
    whole = _loaded(raw)
    root = whole if whole is not None else _loaded(lines[at])
    if root is None:
        return _in_tokens(raw, other, words, chance)
    holders = [value for value in _values(root) if isinstance(value, dict | list) and value]
    if holders:
        _change_one(chance.choice(holders), holders, words, chance)
    changed = json.dumps(root).encode()
    return changed if whole is not None else b"\n".join((*lines[:at], changed, *lines[at + 1 :]))


def _loaded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _values(root: Any) -> list[Any]:
    found = [root]
    for value in found:
        if isinstance(value, dict):
            found.extend(value.values())
        elif isinstance(value, list):
            found.extend(value)
        if len(found) > 20_000:
            break
    return found


def _change_one(holder: Any, holders: list[Any], words: list[bytes], chance: Random) -> None:
    key = chance.choice(list(holder)) if isinstance(holder, dict) else chance.randrange(len(holder))
    word = chance.choice(words).decode("utf-8", "replace")
    elsewhere = json.loads(json.dumps(chance.choice(holders)))
    match chance.randrange(7):
        case 0:
            del holder[key]
        case 1:
            holder[key] = chance.choice(_VALUES)
        case 2:
            holder[key] = word
        case 3:
            holder[key] = elsewhere
        case 4:
            holder[key] = [holder[key]] * chance.choice((1, 2, 50))
        case 5 if isinstance(holder, dict):
            holder[word] = holder.pop(key)
        case _:
            if isinstance(holder, dict):
                holder[word] = chance.choice((*_VALUES, elsewhere))
            else:
                holder.extend([holder[key]] * chance.choice((1, 1, 3, 100)))


def _in_zip(raw: bytes, other: bytes, words: list[bytes], chance: Random) -> bytes:
    """Change one part and pack again, so that the check sums are right."""
    try:
        parts = unpacked(raw)
        theirs = unpacked(other)
    except Exception:  # noqa: BLE001 - it was changed as bytes before; then so it goes on
        return _in_bytes(raw, other, words, chance)
    if not parts or not theirs:
        return _in_bytes(raw, other, words, chance)
    name = chance.choice(sorted(parts))
    match chance.randrange(12):
        case 0:
            del parts[name]
        case 1:
            parts[chance.choice(sorted(parts))] = parts[name]
        case 2:
            parts[name] = chance.choice(sorted(theirs.items()))[1]
        case 3:
            parts[name] = _in_bytes(parts[name], chance.choice(words), words, chance)
        case _:
            match_ = chance.choice(sorted(theirs.items()))[1]
            parts[name] = _in_tokens(parts[name], match_, words, chance)
    return packed(parts)


def unpacked(raw: bytes) -> dict[str, bytes]:
    """The parts of a zip file, as far as they are of bearable size."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = {}
        for info in archive.infolist():
            with archive.open(info) as part:
                parts[info.filename] = part.read(10 * MAX_BYTES)
        return parts


def packed(parts: dict[str, bytes]) -> bytes:
    """A zip file of these parts."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return raw.getvalue()
