"""Imported figures with their versions, and how far files of history are brought in."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add tables; nothing that is there changes."""
    op.create_table(
        "import_document",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("figures", sa.Integer, nullable=False),
        sa.Column("rejected", sa.Integer, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("cluster", "digest", name="pk_import_document"),
    )
    big_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    key = ("cluster", "indicator", "municipality", "step", "period")
    op.create_table(
        "import_figure",
        sa.Column("id", big_id, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("indicator", sa.Text, nullable=False),
        sa.Column("municipality", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("numerator", sa.BigInteger, nullable=False),
        sa.Column("denominator", sa.BigInteger),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("imported_by", sa.Text, nullable=False),
        sa.Column("imported_role", sa.Text, nullable=False),
        sa.Column("imported_at", sa.BigInteger, nullable=False),
        sa.Column("checked_by", sa.Text),
        sa.Column("checked_role", sa.Text),
        sa.Column("checked_at", sa.BigInteger),
        sa.Column("approved_by", sa.Text),
        sa.Column("approved_role", sa.Text),
        sa.Column("approved_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_import_figure"),
        sa.UniqueConstraint(*key, "number", name="uq_import_figure_number"),
        sa.UniqueConstraint(*key, "document", name="uq_import_figure_document"),
    )
    op.create_index("ix_import_figure_cluster_period", "import_figure", ["cluster", "period"])
    op.create_table(
        "backfill",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("bytes_done", sa.BigInteger, nullable=False),
        sa.Column("lines_done", sa.BigInteger, nullable=False),
        sa.Column("recorded", sa.BigInteger, nullable=False),
        sa.Column("revised", sa.BigInteger, nullable=False),
        sa.Column("known", sa.BigInteger, nullable=False),
        sa.Column("rejected", sa.BigInteger, nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("digest", name="pk_backfill"),
    )
