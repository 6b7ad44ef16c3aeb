"""What is missing from history: records that left the store's streams before they were read."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlmodel import col

from capacity.history.tables import GapRecord, JournalGapRecord


@dataclass(frozen=True, slots=True)
class Missing:
    """How many changes of the board, and entries of the journal, were never recorded."""

    changes: int
    entries: int


def missing(connection: Connection, cluster: str, since: datetime, until: datetime) -> Missing:
    """What was found to be missing from `since` until before `until`."""
    changes = select(func.sum(col(GapRecord.to_seq) - col(GapRecord.from_seq) + 1)).where(
        col(GapRecord.cluster) == cluster,
        col(GapRecord.noticed_at) >= since,
        col(GapRecord.noticed_at) < until,
    )
    entries = select(func.sum(col(JournalGapRecord.entries))).where(
        col(JournalGapRecord.cluster) == cluster,
        col(JournalGapRecord.noticed_at) >= since,
        col(JournalGapRecord.noticed_at) < until,
    )
    return Missing(int(connection.scalar(changes) or 0), int(connection.scalar(entries) or 0))
