"""Dated changes that a steering group notes on its charts, with every version."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add a table; nothing that is there changes."""
    op.create_table(
        "annotation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("annotation", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("municipality", sa.Text),
        sa.Column("indicator", sa.Text),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("until", sa.Text),
        sa.Column("effect", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_annotation"),
        sa.UniqueConstraint(
            "cluster", "annotation", "number", name="uq_annotation_cluster_annotation_number"
        ),
        sa.UniqueConstraint("cluster", "request", name="uq_annotation_cluster_request"),
    )
