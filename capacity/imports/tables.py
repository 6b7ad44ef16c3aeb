"""The tables of imported figures, as SQLModel classes (see capacity.history.tables)."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field

from capacity.history.tables import BIG_ID, HistoryTable, Instant

_KEY = ("cluster", "indicator", "municipality", "step", "period")


class DocumentRecord(HistoryTable, table=True):
    """One document that was handed in to a cluster, by the hash of it and of how it was read.

    `finished_at` is empty while it is being brought in, or where that was interrupted.
    """

    __tablename__ = "import_document"

    cluster: str = Field(sa_column=Column(Text, primary_key=True))
    digest: str = Field(sa_column=Column(Text, primary_key=True))
    figures: int = Field(sa_column=Column(Integer, nullable=False))
    rejected: int = Field(sa_column=Column(Integer, nullable=False))
    account: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    begun_at: datetime = Field(sa_column=Column(Instant, nullable=False))
    finished_at: datetime | None = Field(default=None, sa_column=Column(Instant))


class FigureRecord(HistoryTable, table=True):
    """One version of one figure (`capacity.imported.Version`).

    Rows are only ever added; what changes is who checked and who approved, each once. `period` is
    the ISO text of the first day. The second key says that a document tells a figure once.
    """

    __tablename__ = "import_figure"
    __table_args__ = (
        UniqueConstraint(*_KEY, "number", name="uq_import_figure_number"),
        UniqueConstraint(*_KEY, "document", name="uq_import_figure_document"),
        Index(None, "cluster", "period"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True))
    cluster: str = Field(sa_column=Column(Text, nullable=False))
    indicator: str = Field(sa_column=Column(Text, nullable=False))
    municipality: str = Field(sa_column=Column(Text, nullable=False))
    step: str = Field(sa_column=Column(Text, nullable=False))
    period: str = Field(sa_column=Column(Text, nullable=False))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    numerator: int = Field(sa_column=Column(BigInteger, nullable=False))
    denominator: int | None = Field(default=None, sa_column=Column(BigInteger))
    source: str = Field(sa_column=Column(Text, nullable=False))
    document: str = Field(sa_column=Column(Text, nullable=False))
    imported_by: str = Field(sa_column=Column(Text, nullable=False))
    imported_role: str = Field(sa_column=Column(Text, nullable=False))
    imported_at: datetime = Field(sa_column=Column(Instant, nullable=False))
    checked_by: str | None = Field(default=None, sa_column=Column(Text))
    checked_role: str | None = Field(default=None, sa_column=Column(Text))
    checked_at: datetime | None = Field(default=None, sa_column=Column(Instant))
    approved_by: str | None = Field(default=None, sa_column=Column(Text))
    approved_role: str | None = Field(default=None, sa_column=Column(Text))
    approved_at: datetime | None = Field(default=None, sa_column=Column(Instant))
