"""Run by Alembic, on the connection that `capacity.history.migrate` hands in."""

from alembic import context

from capacity.history.tables import HistoryTable

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=HistoryTable.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
