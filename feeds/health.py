"""How each source is doing: counters, the age of its data, and one log line per change of fate."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SourceHealth:
    """What this process has seen of one source since it started."""

    source: str
    last_success_at: datetime | None = None
    last_attempt_at: datetime | None = None
    newest_observed_ms: int | None = None
    failing_since: datetime | None = None
    last_error: str | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def succeeded(self, now: datetime) -> None:
        """The source was reached and its document, changed or not, was readable."""
        if self.failing_since is not None:
            log.warning("source %s works again; failed since %s", self.source, self.failing_since)
        self.last_success_at = self.last_attempt_at = now
        self.failing_since = None
        self.last_error = None

    def failed(self, now: datetime, reason: str) -> None:
        """The source could not be reached or read; logged once, until it works again."""
        self.last_attempt_at = now
        self.counts["failed"] += 1
        self.last_error = reason
        if self.failing_since is None:
            self.failing_since = now
            log.error("source %s failed: %s", self.source, reason)


class FeedHealth:
    """The health of all sources."""

    def __init__(self) -> None:
        self._sources: dict[str, SourceHealth] = {}

    def of(self, source: str) -> SourceHealth:
        """The health of one source, begun when first asked for."""
        return self._sources.setdefault(source, SourceHealth(source))

    def all(self) -> list[SourceHealth]:
        """Every source seen, by id."""
        return [self._sources[source] for source in sorted(self._sources)]
