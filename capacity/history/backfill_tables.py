"""The table of files that history is brought in from, and how far each is done."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Text
from sqlmodel import Field

from capacity.history.tables import HistoryTable, Instant


class BackfillRecord(HistoryTable, table=True):
    """One file, by its SHA-256, and how far it is in; moved in the transaction that writes.

    `bytes_done` is where the next line begins. `recorded` counts reports that history did not
    have, `revised` those that say something else of a moment that it had, `known` those that it
    had already.
    """

    __tablename__ = "backfill"

    digest: str = Field(sa_column=Column(Text, primary_key=True))
    bytes_done: int = Field(sa_column=Column(BigInteger, nullable=False))
    lines_done: int = Field(sa_column=Column(BigInteger, nullable=False))
    recorded: int = Field(sa_column=Column(BigInteger, nullable=False))
    revised: int = Field(sa_column=Column(BigInteger, nullable=False))
    known: int = Field(sa_column=Column(BigInteger, nullable=False))
    rejected: int = Field(sa_column=Column(BigInteger, nullable=False))
    begun_at: datetime = Field(sa_column=Column(Instant, nullable=False))
    finished_at: datetime | None = Field(default=None, sa_column=Column(Instant))
