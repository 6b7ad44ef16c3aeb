"""The table of the catalogues that were in force."""

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field

from capacity.history.tables import BIG_ID, HistoryTable, Instant


class CatalogueRecord(HistoryTable, table=True):
    """One version of the whole catalogue, in force from `since` until the next one's.

    `content` is what `capacity.catalogue_text` makes of it, `digest` its SHA-256. Neighbours in
    order of `since` always differ. `content` stands last: the others are read without it.
    """

    __tablename__ = "catalogue_version"

    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True))
    since: datetime = Field(sa_column=Column(Instant, nullable=False))
    digest: str = Field(sa_column=Column(Text, nullable=False))
    content: str = Field(sa_column=Column(Text, nullable=False))
