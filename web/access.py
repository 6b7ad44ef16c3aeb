"""Who may do what: closed by default.

The demo, which listens on the loopback address only, lets anybody read; feeding takes a key even
there. An installation without any key refuses everything but health, and says what to do next.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from web.key_kinds import KeyKind
from web.keys import Key, KeyRing
from web.roles import TABLE, Actor, Permission, Role, Scope, allows

COOKIE = "akutoverblik_key"
CSRF_HEADER = "X-CSRF-Token"
"""What a page of ours sends with every changing request (its value stands in the page)."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NEXT_STEP = (
    "No keys are configured, so everything but health is refused. "
    "Make one with 'akutoverblik key new board CLUSTER' or 'akutoverblik key new source SOURCE'."
)


_NOWHERE = Scope()
_CHANGING = frozenset(
    {
        Permission.HOLD,
        Permission.ANSWER,
        Permission.REPORT,
        Permission.LOG_OUTCOME,
        Permission.OVERRIDE_SURGE,
    }
)


class Refused(HTTPException):
    """A request that may not go on: 401 without a usable key, 403 with one for something else."""


@dataclass(frozen=True, slots=True)
class Access:
    """Decides over every route, socket and page."""

    keys: KeyRing
    open_boards: bool = False
    csrf_secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def require(
        self, request: HTTPConnection, permission: Permission, scope: Scope = _NOWHERE
    ) -> Actor:
        """Who asks, if they may do this; raise `Refused` otherwise.

        In the demo everybody at this machine is everybody at once: the actor gets the role that
        the permission is meant for.
        """
        actor = self._demo_actor(request, permission, scope)
        if actor is None or not allows(actor, permission, scope):
            raise Refused(403, _NEXT_STEP if not self.keys else "You may not do this.")
        if permission in _CHANGING:
            self._refuse_foreign(request)
        return actor

    def csrf_token(self, request: HTTPConnection) -> str:
        """What this visitor's pages must send with changing requests."""
        return hmac.new(self.csrf_secret, b"demo", "sha256").hexdigest()

    def _demo_actor(
        self, request: HTTPConnection, permission: Permission, scope: Scope
    ) -> Actor | None:
        if not (self.open_boards and _is_of_this_machine(request)):
            return None
        role = next(role for role in Role if role in TABLE[permission])
        organisation = min(scope.organisations, default=None)
        clusters = frozenset({scope.cluster} if scope.cluster else ())
        return Actor(role, "demo", organisation, clusters, scope.source)

    def _refuse_foreign(self, request: HTTPConnection) -> None:
        """A changing request must come from a page of ours: its origin and its token say so."""
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
            raise Refused(403, "This request came from another site's page.")
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.csrf_token(request).encode()):
            raise Refused(403, "This page is too old to change anything: reload it.")

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
