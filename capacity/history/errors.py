"""What can go wrong with history, for callers that must not know SQL.

HistoryError
├── HistoryUnavailableError   the database cannot be used just now; try again later
├── NewerDatabaseError        the database was made by a newer program; never touched
└── OvertakenError            another historian has moved the position; carries where to
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity.history.position import Position


class HistoryError(Exception):
    """Base of everything `capacity.history` raises on purpose."""


class HistoryUnavailableError(HistoryError):
    """The database is down, locked, full or in the middle of a move; nothing was lost by us."""


class NewerDatabaseError(HistoryError):
    """The database's version is unknown to this program: a newer one has been here."""


class OvertakenError(HistoryError):
    """The stored position was not the expected one, so nothing was written.

    `stored` is where history really is (``None``: nowhere yet). It is raised to the slower of two
    historians, and to one whose last commit succeeded although its answer was lost.
    """

    def __init__(self, cluster: str, stored: "Position | None") -> None:
        self.stored = stored
        super().__init__(f"the recorded position of {cluster} has moved")
