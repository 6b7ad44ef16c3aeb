"""Alembic's migrations of history, run by `capacity.history.migrate`."""
