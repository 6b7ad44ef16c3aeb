"""The syntax of HL7 v2: messages, segments, fields, escapes and times. Knows no event's meaning.

Only the segments named in `KEPT` are ever taken apart; those about people (PID, NK1, IN1, OBX …)
are passed over while reading, so nothing of them can reach a report, an error or a log.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import NamedTuple

from capacity.instants import BadInstantError, place
from capacity.privacy import CPR_REASON, holds_cpr
from capacity.reading import MAX_ID, FieldError, LocalTime
from feeds.formats.gathering import refuse_what_is_no_text, unreadable

KEPT = frozenset({"MSH", "EVN", "PV1", "NPU"})
MAX_FIELDS = 60
"""PV1, the longest kept segment, has 54 fields; what stands behind the sixtieth is not split."""

_NO_MARKS = ("\0", "\1", "\2", "\3")
_LINE = re.compile(r"[^\r\n]+")
_NOISE = dict.fromkeys(map(ord, "\ufeff\x0b\x1c\u00ad"))
"""Byte order mark, MLLP's framing, and the soft hyphens of messages copied out of documents."""
_TIME = re.compile(
    r"(?P<day>\d{8})(?P<clock>\d{4}(?:\d{2}(?:\.(?P<fraction>\d{1,9}))?)?)"
    r"(?P<offset>[+-]\d{4})?",
    re.ASCII,
)
_DATE_ONLY = re.compile(r"\d{4}(?:\d{2}){0,3}(?:[+-]\d{4})?", re.ASCII)
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")


class Header(NamedTuple):
    """What an acknowledgement must repeat or answer to; each a plain text, empty if not given."""

    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    message_type: str = ""
    event: str = ""
    control_id: str = ""
    processing_id: str = ""
    version: str = ""


class _Separators(NamedTuple):
    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


class Message:
    """The kept segments of one message, the first of each name."""

    def __init__(self, separators: _Separators, header_line: str) -> None:
        self._separators = separators
        self._segments: dict[str, list[str]] = {}
        # MSH-1 is the separator itself, so the numbers of MSH run one ahead of the pieces.
        pieces = header_line.split(separators.field, MAX_FIELDS)
        self._segments["MSH"] = ["MSH", separators.field, *pieces[1:]]

    def add(self, line: str) -> None:
        """Keep a segment if it is one of `KEPT`; a line that is none is passed over."""
        name, field = line[:3], self._separators.field
        if name in KEPT and line[3:4] in ("", field):
            self._segments.setdefault(name, line.split(field, MAX_FIELDS))

    def has(self, segment: str) -> bool:
        """Whether the message has that segment."""
        return segment in self._segments

    def value(self, segment: str, field: int, component: int = 1) -> str:
        """The first repetition's component, its first subcomponent, unescaped; or empty.

        HL7's ``""`` (delete what you have) is empty too.
        """
        marks = self._separators
        fields = self._segments.get(segment, [])
        raw = fields[field] if field < len(fields) else ""
        raw = raw.partition(marks.repetition)[0]
        components = raw.split(marks.component, component)
        text = components[component - 1] if component <= len(components) else ""
        text = self._unescaped(text.partition(marks.subcomponent)[0]).strip()
        return "" if text == '""' else text

    def _unescaped(self, text: str) -> str:
        escape = self._separators.escape
        if escape not in text:
            return text
        pieces = text.split(escape)
        return "".join(
            self._meaning(piece) if index % 2 and index < len(pieces) - 1 else piece
            for index, piece in enumerate(pieces)
        )

    def _meaning(self, code: str) -> str:
        marks = self._separators
        plain = {
            "F": marks.field,
            "S": marks.component,
            "T": marks.subcomponent,
            "R": marks.repetition,
            "E": marks.escape,
        }
        if code in plain:
            return plain[code]
        found = _HEX.fullmatch(code)
        return bytes.fromhex(found[1]).decode("cp1252", "replace") if found else " "

    def header(self) -> Header:
        """The parts of MSH; the event is MSH-9's, and EVN-1's only where MSH-9 names none."""
        return Header(
            sending_application=self.value("MSH", 3),
            sending_facility=self.value("MSH", 4),
            receiving_application=self.value("MSH", 5),
            receiving_facility=self.value("MSH", 6),
            message_type=self.value("MSH", 9).upper(),
            event=(self.value("MSH", 9, 2) or self.value("EVN", 1)).upper(),
            control_id=self.value("MSH", 10),
            processing_id=self.value("MSH", 11),
            version=self.value("MSH", 12),
        )


def read_messages(raw: bytes) -> Iterator[tuple[str, Message | FieldError]]:
    """Each message of a document with its place (``message 1``), or why it is none.

    Segments end with CR, LF or both; a batch's own segments (FHS, BHS, BTS, FTS) mean nothing
    here. Raises `UnreadableError` where there is no message at all.
    """
    refuse_what_is_no_text(raw)
    count = 0
    message: Message | FieldError | None = None
    for line in _LINE.finditer(decoded(raw)):
        text = line[0]
        if text.startswith("MSH"):
            if message is not None:
                yield f"message {count}", message
            count += 1
            message = _begun(text)
        elif isinstance(message, Message):
            message.add(text)
    if message is None:
        raise unreadable("MSH", "is missing: this is no HL7 v2 message")
    yield f"message {count}", message


def read_header(raw: bytes) -> Header | None:
    """The header of a document's first message, if it has one that can be read."""
    for line in islice(_LINE.finditer(decoded(raw)), 20):
        if line[0].startswith("MSH"):
            message = _begun(line[0])
            return message.header() if isinstance(message, Message) else None
    return None


def decoded(raw: bytes) -> str:
    """The text, as UTF-8 if it is that, else as Windows-1252; without marks that mean nothing."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    return text.translate(_NOISE)


def _begun(line: str) -> Message | FieldError:
    field, marks = line[3:4], line[4:].partition(line[3:4] or "|")[0]
    if not field or field.isalnum() or field.isspace() or not field.isprintable():
        return FieldError("MSH-1", "is no field separator")
    # A program that escapes twice writes ^~\\& for ^~\&, hence each mark once.
    distinct = "".join(dict.fromkeys(marks))
    if not 1 <= len(distinct) <= 5 or any(c.isalnum() or c.isspace() for c in distinct):
        return FieldError("MSH-2", "holds no encoding characters")
    # What is not given is a mark that no text has.
    given = [*distinct[:4], *_NO_MARKS[len(distinct) :]]
    return Message(_Separators(field, given[0], given[1], given[2], given[3]), line)


def read_identifier(text: str, field: str) -> str:
    """A text that may be kept as an identifier; `FieldError` if it is none, or a person number."""
    if not text:
        raise FieldError(field, "is missing")
    if holds_cpr(text):
        raise FieldError(field, CPR_REASON)
    if len(text) > MAX_ID or not text.isprintable():
        raise FieldError(field, f"is no identifier (printable, at most {MAX_ID} characters)")
    return text


def read_time(text: str, field: str, local: LocalTime) -> datetime:
    """The instant of an HL7 time stamp: to the minute, the second, or a fraction of one."""
    if not text:
        raise FieldError(field, "is missing")
    found = _TIME.fullmatch(text)
    if found is None:
        why = "gives no time of day" if _DATE_ONLY.fullmatch(text) else "is no HL7 time stamp"
        raise FieldError(field, why)
    try:
        return place(_stamp(found), local.zone, local.repeated)
    except BadInstantError as error:
        raise FieldError(field, str(error)) from error
    except ValueError as error:
        raise FieldError(field, "no such date, time of day or offset from UTC") from error


def _stamp(found: re.Match[str]) -> datetime:
    """The stamp's `datetime`; raises `ValueError` for a day or time that does not exist."""
    day, clock = found["day"], found["clock"].partition(".")[0].ljust(6, "0")
    micros = (found["fraction"] or "").ljust(6, "0")[:6]
    naive = datetime.strptime(f"{day}{clock}.{micros}", "%Y%m%d%H%M%S.%f")  # noqa: DTZ007 - next
    return naive.replace(tzinfo=_offset(found["offset"]))


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    hours, minutes = int(text[1:3]), int(text[3:])
    if minutes > 59:
        raise ValueError("an hour has sixty minutes")
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if text[0] == "-" else ahead)
