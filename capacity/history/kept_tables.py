"""The table of what was let go: how much raw history is kept."""

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field

from capacity.history.tables import HistoryTable, Instant


class RawKeptRecord(HistoryTable, table=True):
    """How much of a cluster's raw changes is there.

    Before `since` only the change in force at that moment is left of each unit; before
    `thinned_until` changes are left out that told nothing new. ``None``: all is there.
    """

    __tablename__ = "raw_kept"

    cluster: str = Field(sa_column=Column(Text, primary_key=True))
    since: datetime | None = Field(default=None, sa_column=Column(Instant))
    thinned_until: datetime | None = Field(default=None, sa_column=Column(Instant))
