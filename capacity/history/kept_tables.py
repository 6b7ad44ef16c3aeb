"""The tables of what was let go: how much raw history is kept, and what thinning took."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Integer, Text
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


class ThinnedRecord(HistoryTable, table=True):
    """What a thinned day's raw changes count too little (below zero: too much) of an amount.

    As `RollupRecord`, of hours only: what is counted of the changes that are left, and these,
    together are what was counted of all.
    """

    __tablename__ = "thinned"

    cluster: str = Field(sa_column=Column(Text, primary_key=True))
    day: str = Field(sa_column=Column(Text, primary_key=True))
    measure: str = Field(sa_column=Column(Text, primary_key=True))
    hour: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    subject: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    municipality: str = Field(sa_column=Column(Text, primary_key=True))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
