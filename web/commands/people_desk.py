"""What commands about people and keys work with: the database, and the store if one runs."""

import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from capacity.board.embedded import running_url
from capacity.board.sessions import Lifetime, Sessions
from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.history import History
from capacity.instants import utc_now
from capacity.people import People, noted_now
from capacity.settings import Settings
from capacity.units import Catalogue
from web.auth.accounts import AccountDesk
from web.commands.feed_station import CannotError, with_data


@dataclass(frozen=True, slots=True)
class Desk:
    """The database and its people, and the catalogue."""

    settings: Settings
    history: History
    people: People
    catalogue: Catalogue

    @property
    def account(self) -> str:
        """Who is at this machine's keyboard."""
        return f"cli:{getpass.getuser()}"[:100]

    async def note(self, action: str, subject: str, **detail: object) -> None:
        """Put it on the trail, in the name of who is at this machine's keyboard."""
        noted = noted_now(utc_now(), action, subject, account=self.account, detail=detail)
        await self.people.record_audit([noted])

    @asynccontextmanager
    async def accounts(self, *, ends: bool = True) -> AsyncIterator[AccountDesk]:
        """What may be done with accounts. What `ends` sessions wants the store of the service
        that runs, and is refused where none does."""
        if not ends:
            yield self._accounts(_none_to_end)
            return
        url = self.settings.store_url or running_url(self.settings.store_folder)
        if url is None:
            raise CannotError("sessions must be ended too, and no store runs: start the service")
        hours = Lifetime(timedelta(hours=12), timedelta(hours=12))
        sessions = Sessions(url, utc_now, {}, hours)
        try:
            yield self._accounts(sessions.end)
        finally:
            await sessions.stop()

    def _accounts(self, end: Callable[[str], Awaitable[int]]) -> AccountDesk:
        return AccountDesk(self.people, self.catalogue, utc_now, self.note, end)


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """A desk over the database of the settings; `HistoryError` when it cannot be used."""
    settings = with_data(settings)
    catalogue = load_catalogue(settings.catalogue) if settings.catalogue else builtin_catalogue()
    history = History(settings.history_url)
    try:
        await history.start()
        yield Desk(settings, history, People(history, utc_now), catalogue)
    finally:
        await history.stop()


async def _none_to_end(account: str) -> int:
    raise AssertionError(f"{account} has sessions to end, and nobody opened the store")
