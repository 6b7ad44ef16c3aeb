"""What was true, in SQL. The only place in the program that knows SQL."""

from capacity.history import annotations, backfill, comments, kept_tables, looking_back, parts
from capacity.history.catalogues import Catalogues, InForce, Stretch
from capacity.history.errors import (
    HistoryError,
    HistoryUnavailableError,
    NewerDatabaseError,
    OvertakenError,
)
from capacity.history.historian import ChangeSource, Historian
from capacity.history.history import History
from capacity.history.journal import JournalItem
from capacity.history.keeper import Keeper, LetGo
from capacity.history.migrate import migrate
from capacity.history.past import PastBoard
from capacity.history.position import Position
from capacity.history.recording import Gap, Recorded
from capacity.history.roller import RolledUp, Roller
from capacity.history.rollups import Amount, RolledElsewhereError

__all__ = [
    "Amount",
    "Catalogues",
    "ChangeSource",
    "Gap",
    "Historian",
    "History",
    "HistoryError",
    "HistoryUnavailableError",
    "InForce",
    "JournalItem",
    "Keeper",
    "LetGo",
    "NewerDatabaseError",
    "OvertakenError",
    "PastBoard",
    "Position",
    "Recorded",
    "RolledElsewhereError",
    "RolledUp",
    "Roller",
    "Stretch",
    "annotations",
    "backfill",
    "comments",
    "kept_tables",
    "looking_back",
    "migrate",
    "parts",
]
