"""Ends sockets whose session or key has ended, or may no longer see what they show.

Every process looks after its own, every `LOOK_EVERY` seconds: well under the five seconds within
which ending a session closes its pages' sockets.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from capacity.board import BoardUnavailableError
from capacity.board.sessions import Session, Sessions

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
SESSION_ENDED = 4401
RIGHT_LOST = 4403


@dataclass(eq=False, slots=True)
class Watched:
    """One open socket: `goodbye` closes it with a code; `token` is its session's, if it has one;
    `still_allowed` judges anew, given the session as it is now."""

    goodbye: Callable[[int], Awaitable[None]]
    token: str | None
    still_allowed: Callable[[Session | None], bool]


class SocketWatch:
    """The open sockets of this process."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._watched: set[Watched] = set()

    def add(self, watched: Watched) -> None:
        """Watch a socket from now on."""
        self._watched.add(watched)

    def remove(self, watched: Watched) -> None:
        """Forget a socket that is gone."""
        self._watched.discard(watched)

    async def run(self) -> None:
        """Look until cancelled. While the store is away nothing is known, and nothing is ended:
        figures stand still then, and every page says so."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.look()
            except BoardUnavailableError as error:
                log.debug("sessions cannot be looked at: %s", error)

    async def look(self) -> None:
        """End what has to be ended."""
        watched = tuple(self._watched)
        tokens = {each.token for each in watched if each.token is not None}
        going_on = await self._sessions.still_on(tokens)
        for each in watched:
            session = going_on.get(each.token or "")
            if each.token is not None and session is None:
                await self._end(each, SESSION_ENDED)
            elif not each.still_allowed(session):
                await self._end(each, RIGHT_LOST)

    async def _end(self, watched: Watched, code: int) -> None:
        self._watched.discard(watched)
        await watched.goodbye(code)


def token_of(request: HTTPConnection) -> str | None:
    """The token of the session that the middleware found, if it found one."""
    state = request.scope.get("state", {})
    return state.get("session_token") if state.get("session") is not None else None
