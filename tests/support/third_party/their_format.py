"""Somebody else's format: a line a ward, ``ward@time=occupied/total``.

| part | field | notes |
|---|---|---|
| ``ward`` | unit | |
| ``time`` | observed_at | local to the source's zone unless it has an offset |
| ``occupied/total`` | the same | ``?`` is unknown |
"""

from datetime import datetime

from capacity.model import Batch
from capacity.reading import FieldError
from feeds.formats import Format, Mapping
from feeds.formats.gathering import Gathering, refuse_what_is_no_text


class TheirMapping(Mapping):
    """`unknown` is what stands where a count is not known."""

    unknown: str = "?"


def parse(raw: bytes, mapping: TheirMapping | None, received_at: datetime) -> Batch:
    """Reports of a document of lines."""
    mapping = mapping or TheirMapping()
    refuse_what_is_no_text(raw)
    gathering = Gathering(received_at, mapping.local_time)
    for number, line in enumerate(raw.decode("ascii", "replace").splitlines(), start=1):
        ward, _, rest = line.partition("@")
        time, _, counts = rest.partition("=")
        occupied, slash, total = counts.partition("/")
        if not slash:
            gathering.reject(f"line {number}", FieldError("line", "is not ward@time=n/n"))
            continue
        fields = {
            "unit": ward,
            "observed_at": time,
            "occupied": _count(occupied, mapping),
            "total": _count(total, mapping),
        }
        gathering.read(f"line {number}", fields, mapping.type_of(ward))
    return gathering.batch()


def _count(text: str, mapping: TheirMapping) -> int | str | None:
    if text == mapping.unknown:
        return None
    return int(text) if text.isascii() and text.isdigit() else text


FORMAT = Format("theirformat", ("text/x-their-format",), parse, TheirMapping)
