"""What the play needs of a service, and what it knows of a hold there."""

from dataclasses import dataclass
from typing import Any, Protocol


class Outlet(Protocol):
    """The service, and its clock."""

    async def be(self, at: int) -> None:
        """Let it be an instant, and let the service end what is over by then."""

    async def settle(self) -> None:
        """Wait until the service has seen what was done."""

    async def look(self) -> None:
        """Let the service judge the surge level by what it has seen."""

    async def push(self, source: str, body: bytes, media: str) -> dict[str, Any]:
        """Hand over a document; its receipt."""

    async def post(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Do something as a page does; status and answer."""

    async def delete(self, path: str) -> int:
        """Undo something; the status."""

    async def get(self, path: str, params: Any = None) -> Any:
        """Ask for something."""


@dataclass(slots=True)
class Live:
    """A hold that is asked for or accepted."""

    id: str
    unit: str
    asked: int
    expires: int
    agreement: str | None
    borrower: str
    state: str = "asked"
