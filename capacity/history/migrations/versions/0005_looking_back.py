"""From one change of a board to the next; comments on cases of the ledger of calls."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add an index and a table; nothing that is there changes."""
    op.create_index("ix_change_cluster_applied_at_id", "change", ["cluster", "applied_at", "id"])
    op.create_table(
        "case_comment",
        sa.Column("id", _ID, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("organisation", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_comment"),
        sa.UniqueConstraint("cluster", "request", name="uq_case_comment_cluster_request"),
    )
    op.create_index(
        "ix_case_comment_cluster_outcome_id", "case_comment", ["cluster", "outcome", "id"]
    )
