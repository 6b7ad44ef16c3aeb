"""The tables of rollups: amounts by day and hour, and how far they are made.

Everything here can be made anew from the other tables.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Integer, Text
from sqlmodel import Field

from capacity.history.tables import HistoryTable, Instant


class RollupRecord(HistoryTable, table=True):
    """One amount (`capacity.indicators.measures.Key`) of one Danish day (ISO text).

    The key begins with what a chart asks for: one measure, whole days or hours, over a stretch
    of days. The index leads to all of one day, which is written at once.
    """

    __tablename__ = "rollup"
    __table_args__ = (Index(None, "cluster", "day"),)

    cluster: str = Field(sa_column=Column(Text, primary_key=True))
    measure: str = Field(sa_column=Column(Text, primary_key=True))
    hour: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    """0 to 23 by local clocks, -1 for the whole day."""
    day: str = Field(sa_column=Column(Text, primary_key=True))
    subject: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    municipality: str = Field(sa_column=Column(Text, primary_key=True))
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))


class RollupPositionRecord(HistoryTable, table=True):
    """How far a cluster's rollups are made: until `through`, of records up to these ids.

    `version` grows with every write, so that of two programs that roll up at once one gives way.
    """

    __tablename__ = "rollup_position"

    cluster: str = Field(sa_column=Column(Text, primary_key=True))
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    through: datetime = Field(sa_column=Column(Instant, nullable=False))
    change_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    journal_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    late_id: int = Field(sa_column=Column(BigInteger, nullable=False))
