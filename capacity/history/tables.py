"""The tables of history, as SQLModel classes.

They describe and query; they do not check: SQLModel ``table=True`` classes skip validation, so
everything in here was judged at the door. A change to a class needs a migration beside it in
``migrations/versions``; a test compares the two.
"""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, Column, Dialect, Index, Integer, MetaData, Text, UniqueConstraint
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from capacity.instants import epoch_millis, from_epoch_millis

BIG_ID = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key that both databases number by themselves (SQLite only numbers INTEGER keys)."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, stored as whole milliseconds since 1970: exact, ordered, the same
    in both databases. In PostgreSQL ``to_timestamp(applied_at / 1000.0)`` makes it readable.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """The milliseconds of an instant."""
        return None if value is None else epoch_millis(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The instant of the milliseconds."""
        return None if value is None else from_epoch_millis(value)


class HistoryTable(SQLModel):
    """Base of the tables here, with a metadata of its own and predictable constraint names."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


class ChangeRecord(HistoryTable, table=True):
    """One applied change. Within a cluster `id` is stream order; `row` is the stream's own bytes.

    An empty `row` says that the unit left the board. The first index leads to the last change of a
    unit within one epoch before an instant; only within an epoch is `applied_at` sure not to go
    back. The second leads from one change of a board to the next.
    """

    __tablename__ = "change"
    __table_args__ = (
        UniqueConstraint("cluster", "epoch", "seq"),
        Index(None, "cluster", "unit", "epoch", "applied_at", "id"),
        Index(None, "cluster", "applied_at", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True))
    cluster: str = Field(sa_column=Column(Text, nullable=False))
    epoch: str = Field(sa_column=Column(Text, nullable=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    applied_at: datetime = Field(sa_column=Column(Instant, nullable=False))
    observed_at: datetime | None = Field(default=None, sa_column=Column(Instant))
    row: str = Field(sa_column=Column(Text, nullable=False))


class UnitRun(HistoryTable, table=True):
    """A unit's changes within one epoch, and where they begin.

    The list that a look into the past goes through first: an epoch ends before the next begins,
    so the last run that had begun by an instant holds the change that was shown then.
    """

    __tablename__ = "unit_run"

    cluster: str = Field(sa_column=Column(Text, primary_key=True))
    unit: str = Field(sa_column=Column(Text, primary_key=True))
    epoch: str = Field(sa_column=Column(Text, primary_key=True))
    first_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    first_at: datetime = Field(sa_column=Column(Instant, nullable=False))


class LateRecord(HistoryTable, table=True):
    """A reading that was superseded when it came: never shown, kept for data quality.

    `reason` is why (see `capacity.board.changes.LateReading`), empty where an older program wrote.
    """

    __tablename__ = "late_reading"
    __table_args__ = (UniqueConstraint("cluster", "stream_id"),)

    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True))
    cluster: str = Field(sa_column=Column(Text, nullable=False))
    stream_id: str = Field(sa_column=Column(Text, nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    received_at: datetime = Field(sa_column=Column(Instant, nullable=False))
    observed_at: datetime | None = Field(default=None, sa_column=Column(Instant))
    row: str = Field(sa_column=Column(Text, nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))


class JournalRecord(HistoryTable, table=True):
    """One entry of a cluster's journal: what was done about a hold, an outcome, the surge level.

    `subject` is the id of the hold or outcome that it is about. `id` is stream order within a
    cluster. The first index leads to a period's entries of one kind, the second to everything
    about one hold or outcome.
    """

    __tablename__ = "journal"
    __table_args__ = (
        UniqueConstraint("cluster", "stream_id"),
        Index(None, "cluster", "kind", "at", "id"),
        Index(None, "cluster", "subject", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True))
    cluster: str = Field(sa_column=Column(Text, nullable=False))
    stream_id: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(Instant, nullable=False))
    subject: str | None = Field(default=None, sa_column=Column(Text))
    data: str = Field(sa_column=Column(Text, nullable=False))


class JournalGapRecord(HistoryTable, table=True):
    """Journal entries that left the stream unread: those after `after_id`, before `before_id`."""

    __tablename__ = "journal_gap"
    __table_args__ = (Index(None, "cluster", "noticed_at"),)

    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True))
    cluster: str = Field(sa_column=Column(Text, nullable=False))
    after_id: str = Field(sa_column=Column(Text, nullable=False))
    before_id: str = Field(sa_column=Column(Text, nullable=False))
    entries: int = Field(sa_column=Column(BigInteger, nullable=False))
    noticed_at: datetime = Field(sa_column=Column(Instant, nullable=False))


class PositionRecord(HistoryTable, table=True):
    """How far a cluster's streams are recorded; moved in the transaction that writes the rows."""

    __tablename__ = "position"

    cluster: str = Field(sa_column=Column(Text, primary_key=True))
    epoch: str = Field(sa_column=Column(Text, nullable=False))
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    stream_id: str = Field(sa_column=Column(Text, nullable=False))
    late_stream_id: str = Field(sa_column=Column(Text, nullable=False))
    journal_stream_id: str = Field(sa_column=Column(Text, nullable=False, server_default="0-0"))
    journal_number: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))


class GapRecord(HistoryTable, table=True):
    """Changes `from_seq` to `to_seq` (both included) left the stream before they were read."""

    __tablename__ = "gap"
    __table_args__ = (Index(None, "cluster", "epoch", "from_seq"),)

    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True))
    cluster: str = Field(sa_column=Column(Text, nullable=False))
    epoch: str = Field(sa_column=Column(Text, nullable=False))
    from_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    to_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    noticed_at: datetime = Field(sa_column=Column(Instant, nullable=False))
