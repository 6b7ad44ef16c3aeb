"""Changes in parts by month in PostgreSQL; how much raw history is kept.

The changes that are there become the part of everything before the next month, as they lie: no row
is copied and no index made. PostgreSQL reads them once, to see that none is of later.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_INDEXES = {
    "ix_change_cluster_unit_epoch_applied_at_id": "cluster, unit, epoch, applied_at, id",
    "ix_change_cluster_applied_at_id": "cluster, applied_at, id",
}


def upgrade() -> None:
    """Add a table; in PostgreSQL put a table of parts in place of `change`."""
    op.create_table(
        "raw_kept",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.Column("thinned_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("cluster", name="pk_raw_kept"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _part()


def _part() -> None:
    until = _end_of_early()
    op.execute("ALTER TABLE change RENAME TO change_early")
    op.execute("ALTER TABLE change_early RENAME CONSTRAINT pk_change TO pk_change_early")
    op.execute(
        "ALTER TABLE change_early RENAME CONSTRAINT uq_change_cluster_epoch_seq TO uq_change_early"
    )
    for name in _INDEXES:
        op.execute(f"ALTER INDEX {name} RENAME TO {name.replace('ix_change', 'ix_change_early')}")
    op.execute(
        "CREATE TABLE change (LIKE change_early INCLUDING DEFAULTS) PARTITION BY RANGE (applied_at)"
    )
    op.execute("ALTER SEQUENCE change_id_seq OWNED BY change.id")
    for name, columns in _INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON change ({columns})")
    op.execute(
        "ALTER TABLE change ATTACH PARTITION change_early"
        f" FOR VALUES FROM (MINVALUE) TO ({until:d})"
    )


def _end_of_early() -> int:
    """The beginning of the month after the last change; where there is none, of the year 2000.

    Asked by cluster, for which there is an index; of all changes where no cluster is known of.
    """
    last = op.get_bind().scalar(
        sa.text(
            "SELECT max((SELECT max(applied_at) FROM change WHERE change.cluster = known.cluster))"
            " FROM (SELECT DISTINCT cluster FROM unit_run) AS known"
        )
    )
    if last is None:
        last = op.get_bind().scalar(sa.text("SELECT max(applied_at) FROM change"))
    if last is None:
        return 946_684_800_000
    at = datetime.fromtimestamp(last / 1000, UTC)
    number = at.year * 12 + at.month
    return int(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp() * 1000)
