"""Rollups: the amounts that indicators are made of, by day and hour."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add tables; nothing that is there changes."""
    op.create_table(
        "rollup",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("measure", sa.Text, nullable=False),
        sa.Column("hour", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("municipality", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "cluster", "measure", "hour", "day", "subject", "kind", "municipality", name="pk_rollup"
        ),
    )
    op.create_index("ix_rollup_cluster_day", "rollup", ["cluster", "day"])
    op.create_table(
        "rollup_position",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("change_id", sa.BigInteger, nullable=False),
        sa.Column("journal_id", sa.BigInteger, nullable=False),
        sa.Column("late_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("cluster", name="pk_rollup_position"),
    )
