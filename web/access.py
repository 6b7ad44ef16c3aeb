"""Who may do what: closed by default.

The demo, which listens on the loopback address only, lets anybody read; feeding takes a key even
there. An installation without any key refuses everything but health, and says what to do next.
"""

from dataclasses import dataclass

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from web.key_kinds import KeyKind
from web.keys import Key, KeyRing

COOKIE = "akutoverblik_key"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NEXT_STEP = (
    "No keys are configured, so everything but health is refused. "
    "Make one with 'akutoverblik key new board CLUSTER' or 'akutoverblik key new source SOURCE'."
)


class Refused(HTTPException):
    """A request that may not go on: 401 without a usable key, 403 with one for something else."""


@dataclass(frozen=True, slots=True)
class Access:
    """Decides over every route, socket and page."""

    keys: KeyRing
    open_boards: bool = False

    def may_feed(self, request: HTTPConnection, source: str) -> None:
        """Raise `Refused` unless the request carries this source's key."""
        self._require(_bearer(request), KeyKind.SOURCE, source)

    def may_read(self, request: HTTPConnection, cluster: str) -> None:
        """Raise `Refused` unless the request may see this cluster's board."""
        if not self.open_boards:
            presented = _bearer(request) or request.cookies.get(COOKIE)
            self._require(presented, KeyKind.BOARD, cluster)

    def may_measure(self, request: HTTPConnection) -> None:
        """Raise `Refused` unless the request may read metrics."""
        if not self.open_boards:
            self._require(_bearer(request), KeyKind.METRICS, "all")

    def may_operate(self, request: HTTPConnection) -> None:
        """Raise `Refused` unless the request may see and use the operator's pages.

        The demo opens them to its own machine, called by its own name: another name for the
        loopback address is how a foreign page would get at them.
        """
        if not (self.open_boards and _is_of_this_machine(request)):
            presented = _bearer(request) or request.cookies.get(COOKIE)
            self._require(presented, KeyKind.OPERATOR, "all")

    def readable(self, request: HTTPConnection, clusters: list[str]) -> list[str]:
        """Those of `clusters` that the request may see."""
        return [cluster for cluster in clusters if self._allows(request, cluster)]

    def _allows(self, request: HTTPConnection, cluster: str) -> bool:
        try:
            self.may_read(request, cluster)
        except Refused:
            return False
        return True

    def _require(self, presented: str | None, kind: KeyKind, of: str) -> None:
        if not self.keys:
            raise Refused(403, _NEXT_STEP)
        found: Key | None = self.keys.find(presented) if presented else None
        if found is None:
            raise Refused(401, "A valid key is needed.", headers={"WWW-Authenticate": "Bearer"})
        if found != Key(kind, of):
            raise Refused(403, "This key opens something else.")


def _is_of_this_machine(request: HTTPConnection) -> bool:
    peer = request.client.host if request.client else ""
    return peer in _LOOPBACK and request.url.hostname in _LOOPBACK


def _bearer(request: HTTPConnection) -> str | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" and value.strip() else None
