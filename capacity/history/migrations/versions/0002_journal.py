"""The journal: what people and rules did. And why a late reading was not shown."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add tables and columns; nothing that is there changes."""
    op.create_table(
        "journal",
        sa.Column("id", _ID, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("stream_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
        sa.UniqueConstraint("cluster", "stream_id", name="uq_journal_cluster_stream_id"),
    )
    op.create_index("ix_journal_cluster_kind_at_id", "journal", ["cluster", "kind", "at", "id"])
    op.create_index("ix_journal_cluster_subject_id", "journal", ["cluster", "subject", "id"])
    op.create_table(
        "journal_gap",
        sa.Column("id", _ID, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("after_id", sa.Text, nullable=False),
        sa.Column("before_id", sa.Text, nullable=False),
        sa.Column("entries", sa.BigInteger, nullable=False),
        sa.Column("noticed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_gap"),
    )
    op.create_index("ix_journal_gap_cluster_noticed_at", "journal_gap", ["cluster", "noticed_at"])
    op.add_column(
        "position",
        sa.Column("journal_stream_id", sa.Text, nullable=False, server_default="0-0"),
    )
    op.add_column(
        "position",
        sa.Column("journal_number", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.add_column("late_reading", sa.Column("reason", sa.Text))
