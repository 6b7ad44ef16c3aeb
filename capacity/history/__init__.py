"""What was true, in SQL. The only place in the program that knows SQL."""

from capacity.history.errors import (
    HistoryError,
    HistoryUnavailableError,
    NewerDatabaseError,
    OvertakenError,
)
from capacity.history.historian import ChangeSource, Historian
from capacity.history.history import History
from capacity.history.journal import JournalItem
from capacity.history.migrate import migrate
from capacity.history.past import PastBoard
from capacity.history.position import Position
from capacity.history.recording import Gap, Recorded

__all__ = [
    "ChangeSource",
    "Gap",
    "Historian",
    "History",
    "HistoryError",
    "HistoryUnavailableError",
    "JournalItem",
    "NewerDatabaseError",
    "OvertakenError",
    "PastBoard",
    "Position",
    "Recorded",
    "migrate",
]
