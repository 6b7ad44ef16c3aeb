"""Our own JSON: the plainest way to send reports.

    {"reports": [{"unit": "favrskov-akutplads", "type": "place",
                  "observed_at": "2026-03-02T08:15:00+01:00", "total": 4, "occupied": 3}]}

Also accepted: a bare list of reports, and one report alone (an object with ``unit``). Other keys
beside ``reports`` are left unread, but a CPR number in them refuses the document. UTF-8, with or
without a byte order mark.

| key in a report | field | notes |
|---|---|---|
| ``unit`` | unit | text, required; the source's own identifier |
| ``type`` | type | place, team, load, slot, advice; else the mapping's, else place |
| ``observed_at`` | observed_at | ISO 8601 with offset or Z, or local to the mapping's zone |
| ``total staffed occupied reserved closed free`` | the same | whole number >= 0, or ``null`` |
| ``note``, ``capabilities_off`` | the same | text; list of capability ids |
| ``closure`` | closure | ``{"reason", "reopens_at", "reopens_itself"}`` |
| ``on_duty`` | on_duty | team, advice |
| ``next_free_at`` | next_free_at | team, slot |
| ``waiting``, ``wait_minutes`` | the same | load, advice |

``null`` means known to be unknown; an absent key means that the source does not keep that figure.
A key that is written twice in one object counts as it was last written, as in most JSON readers;
an unknown key is refused by name, so a misspelt one cannot silently become "unknown".
"""

import json
import re
from datetime import datetime

import orjson

from capacity.model import Batch, UnreadableError
from capacity.privacy import CPR_REASON, first_cpr, may_hold_cpr
from capacity.reading import FieldError
from feeds.formats import Format, Mapping
from feeds.formats.gathering import (
    DOCUMENT,
    MAX_ROWS,
    Gathering,
    looks_like_a_web_page,
    refuse_what_is_no_text,
    unreadable,
)

MAX_DEPTH = 1024
"""Lists and objects inside of one another; a limit of the reader."""

_EVERY_DIGIT_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
_UNORTHODOX = re.compile(rb"NaN|Infinity|\\u[dD][89a-fA-F]|[0-9][eE]\+?[0-9]{3}")
"""What common programs write although it is no strict JSON: no numbers, halves of characters."""


class JsonMapping(Mapping):
    """Our own JSON needs no mapping; the common part may give zone and types."""


def parse(raw: bytes, mapping: JsonMapping | None, received_at: datetime) -> Batch:
    """Reports of a document in our own JSON; see the module's table."""
    mapping = mapping or JsonMapping()
    document = _load_forgivingly(raw)
    prefix, items = _items(document)
    if prefix == "reports" and first_cpr({**document, "reports": None}) is not None:  # type: ignore[dict-item]
        raise unreadable(DOCUMENT, CPR_REASON)
    if len(items) > MAX_ROWS:
        raise unreadable("reports", f"are more than {MAX_ROWS}")
    gathering = Gathering(received_at, mapping.local_time, suspicious=_may_hold_cpr(raw))
    for index, item in enumerate(items):
        where = f"{prefix}[{index}]" if prefix is not None else DOCUMENT
        if not isinstance(item, dict):
            gathering.reject(where, FieldError("report", "is not an object"))
            continue
        gathering.read(where, item, mapping.type_of(item.get("unit")))
    return gathering.batch()


def _may_hold_cpr(raw: bytes) -> bool:
    """A quick look at the whole: when this says no, no text or number of the document is one.

    A backslash may stand for any character, and a number of nine digits may have lost its zero.
    """
    digits = raw.translate(_EVERY_DIGIT_ZERO)
    if b"\\" in raw or b"0" * 9 in digits:
        return True
    return may_hold_cpr(raw.decode("utf-8", "replace"))


def _load_forgivingly(raw: bytes) -> object:
    """As `load_json`, but NaN, Infinity and broken characters cost their row, not the document.

    Strictly they are no JSON; common programs write them all the same.
    """
    try:
        return load_json(raw)
    except UnreadableError:
        if not _UNORTHODOX.search(raw):
            raise
        try:
            value: object = json.loads(raw.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            pass
        else:
            return value
        raise


def load_json(raw: bytes) -> object:
    """The value of a JSON document in UTF-8; raises `UnreadableError`, by line and column."""
    refuse_what_is_no_text(raw)
    try:
        value: object = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        if looks_like_a_web_page(raw[:400].decode("latin-1")):
            raise unreadable(DOCUMENT, "is a web page (HTML), not JSON") from error
        place = f"line {error.lineno}, column {error.colno}"
        if "depth" in error.msg:
            raise unreadable(DOCUMENT, f"is nested more than {MAX_DEPTH} deep ({place})") from error
        raise unreadable(DOCUMENT, f"is not valid JSON in UTF-8 ({place})") from error
    return value


def _items(document: object) -> tuple[str | None, list[object]]:
    if isinstance(document, list):
        return "", document
    if not isinstance(document, dict):
        raise unreadable(DOCUMENT, "is neither an object nor a list")
    if "reports" in document:
        reports = document["reports"]
        if not isinstance(reports, list):
            raise unreadable("reports", "is not a list")
        return "reports", reports
    if "unit" in document:
        return None, [document]
    raise unreadable("reports", "is missing")


FORMAT = Format("json", ("application/json",), parse, JsonMapping)
