"""What all parsers share: gathering reports and rejects, and the first look at a document."""

from collections.abc import Mapping as AnyMapping
from datetime import datetime

from capacity.model import Batch, Reject, Report, ReportType, UnreadableError
from capacity.reading import OFFSET_REQUIRED, FieldError, LocalTime, read_report
from feeds.limits import LIMITS

DOCUMENT = "document"
MAX_ROWS = LIMITS.rows

_FOREIGN_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def unreadable(field: str, reason: str, where: str = DOCUMENT) -> UnreadableError:
    """The error for a document of which nothing can be read."""
    return UnreadableError(where, field, reason)


def refuse_what_is_no_text(raw: bytes) -> None:
    """Refuse the empty document, UTF-16 and UTF-32, and anything with NUL bytes."""
    if not raw.strip(b"\xef\xbb\xbf \t\r\n"):
        raise unreadable(DOCUMENT, "is empty")
    for mark, name in _FOREIGN_MARKS.items():
        if raw.startswith(mark):
            raise unreadable(DOCUMENT, f"is {name}, which is not accepted; send UTF-8")
    if b"\0" in raw:
        raise unreadable(DOCUMENT, "holds NUL bytes: it is damaged, or no text in UTF-8")


def looks_like_a_web_page(text: str) -> bool:
    """Whether a document is HTML, as when a server answers an error page in place of data."""
    start = text[:400].lstrip("\ufeff \t\r\n").lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body"))


class Gathering:
    """Reports and rejects of one document, in document order."""

    def __init__(
        self,
        received_at: datetime,
        local: LocalTime = OFFSET_REQUIRED,
        *,
        suspicious: bool = True,
    ) -> None:
        """A document that is not `suspicious` is known to hold no person number in any field."""
        self._received_at = received_at
        self._local = local
        self._suspicious = suspicious
        self._reports: list[Report] = []
        self._places: list[str] = []
        self._rejects: list[Reject] = []

    def read(
        self, where: str, raw: AnyMapping[str, object], report_type: ReportType | None
    ) -> None:
        """Make a report of one row of raw fields, or a reject that says why not."""
        try:
            report = read_report(
                raw, self._received_at, report_type, self._local, suspicious=self._suspicious
            )
        except FieldError as error:
            self.reject(where, error)
        else:
            self._reports.append(report)
            self._places.append(where)
            self._refuse_too_many()

    def reject(self, where: str, error: FieldError) -> None:
        """Note a row that cannot be used."""
        self._rejects.append(Reject(where, error.field, error.reason))
        self._refuse_too_many()

    def _refuse_too_many(self) -> None:
        if len(self._places) + len(self._rejects) > MAX_ROWS:
            raise unreadable(DOCUMENT, f"holds more than {MAX_ROWS} rows")

    def batch(self) -> Batch:
        """All that was gathered."""
        return Batch(tuple(self._reports), tuple(self._places), tuple(self._rejects))
