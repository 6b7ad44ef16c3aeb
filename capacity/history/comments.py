"""What an audit says of single calls: comments by role and organisation, on an outcome's id."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Index, Text, UniqueConstraint, insert, select
from sqlmodel import Field, col

from capacity.history.tables import BIG_ID, HistoryTable, Instant

ASKED_TOGETHER = 500
"""Ids in one question; databases bound how many values a statement takes."""


class CommentRecord(HistoryTable, table=True):
    """One comment. Nobody's name or account: the audit trail has who wrote when.

    `request` is the form's own number, so that one that is sent twice is written once.
    """

    __tablename__ = "case_comment"
    __table_args__ = (
        UniqueConstraint("cluster", "request"),
        Index(None, "cluster", "outcome", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BIG_ID, primary_key=True))
    cluster: str = Field(sa_column=Column(Text, nullable=False))
    outcome: str = Field(sa_column=Column(Text, nullable=False))
    request: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(Instant, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    organisation: str | None = Field(default=None, sa_column=Column(Text))
    text: str = Field(sa_column=Column(Text, nullable=False))


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment on a call; `organisation` is a catalogue id."""

    outcome: str
    at: datetime
    role: str
    organisation: str | None
    text: str


def add_comment(connection: Connection, cluster: str, comment: Comment, request: str) -> bool:
    """Write a comment; false when this `request` has been written already."""
    known = select(col(CommentRecord.id)).where(
        col(CommentRecord.cluster) == cluster, col(CommentRecord.request) == request
    )
    if connection.execute(known).first() is not None:
        return False
    values = {
        "cluster": cluster,
        "outcome": comment.outcome,
        "request": request,
        "at": comment.at,
        "role": comment.role,
        "organisation": comment.organisation,
        "text": comment.text,
    }
    connection.execute(insert(CommentRecord), [values])
    return True


def comments_on(
    connection: Connection, cluster: str, outcomes: Collection[str]
) -> Mapping[str, list[Comment]]:
    """The comments on these outcomes, oldest first, by the outcome's id."""
    found: dict[str, list[Comment]] = {}
    ids = list(outcomes)
    for start in range(0, len(ids), ASKED_TOGETHER):
        query = (
            select(CommentRecord.__table__)  # type: ignore[attr-defined]
            .where(
                col(CommentRecord.cluster) == cluster,
                col(CommentRecord.outcome).in_(ids[start : start + ASKED_TOGETHER]),
            )
            .order_by(col(CommentRecord.id))
        )
        for row in connection.execute(query):
            comment = Comment(row.outcome, row.at, row.role, row.organisation, row.text)
            found.setdefault(row.outcome, []).append(comment)
    return found
