"""Small documents and a fuzzing strategy for the tests of formats and rules."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from capacity.model import Batch, UnreadableError
from feeds.formats import Format

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CPR = "120499-1234"
"""Shaped like a person number; made up."""


_JUNK = (
    *(b"", b"\0", b'"', b'""', b"{", b"}", b"[", b"]", b"<", b">", b";", b"\r", b"\n", b"\xff"),
    *(b"\xef\xbb\xbf", b"NaN", b"1e999", b"-1", b"9" * 400, b"null", b"true", b"{}", b"[]"),
    *(b'{"a":1}', b"[" * 2000, b"<a>" * 100, b"\\ud800", b"&#0;", b"&x;", b"<!DOCTYPE a>"),
    *(b"120499-1234", b"9999-12-31T23:59:59-12:00", b"0001-01-01T00:00:00+12:00", b"1e-9"),
)


def parsed(fmt: Format[Any], raw: bytes, mapping: object = None) -> Batch:
    """The batch of a document, with the mapping as a TOML file would hold it."""
    checked = None if mapping is None else fmt.read_mapping(mapping)
    return fmt.parse(raw, checked, NOW)


def faults(batch: Batch) -> list[tuple[str, str]]:
    """Where and in which field each reject lies."""
    return [(reject.where, reject.field) for reject in batch.rejects]


def mangled(*originals: bytes) -> st.SearchStrategy[bytes]:
    """A document of ours with a piece cut out, doubled, or overwritten with other bytes."""

    def cut(original: bytes, start: int, length: int, put: bytes) -> bytes:
        start %= len(original) + 1
        return original[:start] + put + original[start + length :]

    junk = st.one_of(
        st.binary(max_size=8),
        st.sampled_from(_JUNK),
    )
    return st.builds(
        cut, st.sampled_from(originals), st.integers(0, 5000), st.integers(0, 40), junk
    )


def reads_or_refuses(fmt: Format[Any], raw: bytes, mapping: object = None) -> None:
    """The promise of `parse`: a batch whose parts fit together, or `UnreadableError`."""
    try:
        batch = parsed(fmt, raw, mapping)
    except UnreadableError as error:
        found = [error.reject]
    else:
        assert len(batch.places) == len(batch.reports)
        found = list(batch.rejects)
        for report in batch.reports:
            assert report.unit == report.unit.strip() != ""
            assert report.observed_at.tzinfo is UTC
            assert report.free is None or report.free >= 0
    for reject in found:
        assert reject.where
        assert reject.field
        assert reject.reason
        assert CPR not in f"{reject.where} {reject.field} {reject.reason}"
