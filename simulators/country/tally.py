"""What was handed over, and what the service said to it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

FATES = ("accepted", "unchanged", "superseded")


@dataclass(slots=True)
class Tally:
    """Counts of documents and of the reports in them; seconds until a push was answered."""

    documents: Counter[str] = field(default_factory=Counter)
    """By format."""
    statuses: Counter[int] = field(default_factory=Counter)
    """By HTTP status; 0 where there was no answer."""
    fates: Counter[str] = field(default_factory=Counter)
    """Reports: accepted, unchanged, superseded, rejected."""
    surprises: Counter[str] = field(default_factory=Counter)
    """Rejections of documents with which nothing was meant to be wrong, by their reason."""
    answered_in: list[float] = field(default_factory=list)
    bytes: int = 0
    given_up: int = 0
    """Times that somebody could not reach the service, however often they tried."""
    faults: Counter[str] = field(default_factory=Counter)
    """Faults that were begun, by kind."""

    def receipt(self, body: Mapping[str, object], *, sound: bool) -> bool:
        """Count one answer; whether everything in the document was accepted as it was."""
        counts = {fate: value for fate in FATES if isinstance(value := body.get(fate), int)}
        rejected = body.get("rejected")
        rejects = rejected if isinstance(rejected, list) else []
        self.fates.update(counts)
        self.fates["rejected"] += len(rejects)
        if sound:
            self.surprises.update(f"{each['field']} {each['reason']}" for each in rejects)
        return not rejects and counts.get("accepted", 0) == sum(counts.values()) > 0
