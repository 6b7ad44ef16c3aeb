"""The first tables: changes, unit runs, late readings, positions and gaps."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables. Instants are milliseconds since 1970, UTC."""
    op.create_table(
        "change",
        sa.Column("id", _ID, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("applied_at", sa.BigInteger, nullable=False),
        sa.Column("observed_at", sa.BigInteger),
        sa.Column("row", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change"),
        sa.UniqueConstraint("cluster", "epoch", "seq", name="uq_change_cluster_epoch_seq"),
    )
    op.create_index(
        "ix_change_cluster_unit_epoch_applied_at_id",
        "change",
        ["cluster", "unit", "epoch", "applied_at", "id"],
    )
    op.create_table(
        "unit_run",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("first_id", sa.BigInteger, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("cluster", "unit", "epoch", name="pk_unit_run"),
    )
    op.create_table(
        "late_reading",
        sa.Column("id", _ID, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("stream_id", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("observed_at", sa.BigInteger),
        sa.Column("row", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_late_reading"),
        sa.UniqueConstraint("cluster", "stream_id", name="uq_late_reading_cluster_stream_id"),
    )
    op.create_table(
        "position",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("stream_id", sa.Text, nullable=False),
        sa.Column("late_stream_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("cluster", name="pk_position"),
    )
    op.create_table(
        "gap",
        sa.Column("id", _ID, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("from_seq", sa.BigInteger, nullable=False),
        sa.Column("to_seq", sa.BigInteger, nullable=False),
        sa.Column("noticed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gap"),
    )
    op.create_index("ix_gap_cluster_epoch_from_seq", "gap", ["cluster", "epoch", "from_seq"])
