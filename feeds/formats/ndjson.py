"""NDJSON: our own JSON, one report a line, for sources that write line by line.

    {"unit": "favrskov-akutplads", "observed_at": "2026-03-02T08:15:00+01:00", "occupied": 3}
    {"unit": "favrskov-akutteam", "observed_at": "2026-03-02T08:15:00+01:00", "on_duty": true}

| in a line | field | notes |
|---|---|---|
| one object | one report | every key as in our own JSON (`feeds.formats.own_json`) |
| ``inconsistencies`` | | as ``akutoverblik read`` prints them; found anew, so left unread |
| nothing but white space | | passed over |
| anything else | | costs itself: a reject at ``line N`` |

UTF-8, with or without a byte order mark; lines end in LF or CR LF, the last one with or without.
A document is read whole once it has arrived; it is no stream that never ends. A document that was
cut off loses its last line, and the reject says so. Where no line holds JSON, nothing is NDJSON.
"""

from datetime import datetime

import orjson

from capacity.model import Batch, Inconsistency
from capacity.reading import FieldError
from feeds.formats import Format
from feeds.formats.gathering import (
    DOCUMENT,
    Gathering,
    looks_like_a_web_page,
    refuse_what_is_no_text,
    unreadable,
)
from feeds.formats.own_json import JsonMapping
from feeds.limits import LIMITS

MAX_LINES = LIMITS.lines
_INCONSISTENCIES = frozenset(each.value for each in Inconsistency)


def parse(raw: bytes, mapping: JsonMapping | None, received_at: datetime) -> Batch:
    """Reports of a document with one report a line; see the module's table."""
    mapping = mapping or JsonMapping()
    refuse_what_is_no_text(raw)
    if looks_like_a_web_page(raw[:400].decode("latin-1")):
        raise unreadable(DOCUMENT, "is a web page (HTML), not NDJSON")
    if raw.count(b"\n") > MAX_LINES:
        raise unreadable(DOCUMENT, f"has more than {MAX_LINES} lines")
    gathering = Gathering(received_at, mapping.local_time)
    lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    some_json = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            item: object = orjson.loads(line)
        except orjson.JSONDecodeError:
            cut = number == len(lines)
            reason = "is not valid JSON in UTF-8" + ("; it may be cut off" if cut else "")
            gathering.reject(where, FieldError("line", reason))
            continue
        some_json = True
        if isinstance(item, dict):
            if _were_found(item.get("inconsistencies")):
                del item["inconsistencies"]
            gathering.read(where, item, mapping.type_of(item.get("unit")))
        else:
            gathering.reject(where, FieldError("report", "is not an object"))
    if not some_json:
        raise unreadable(DOCUMENT, "is not NDJSON: no line of it is JSON in UTF-8")
    return gathering.batch()


def _were_found(told: object) -> bool:
    """Whether these are inconsistencies as we print them, and nothing that somebody wrote."""
    return isinstance(told, list) and all(
        isinstance(each, str) and each in _INCONSISTENCIES for each in told
    )


FORMAT = Format(
    "ndjson",
    ("application/x-ndjson", "application/ndjson", "application/jsonl"),
    parse,
    JsonMapping,
)
