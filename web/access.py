"""The door: who asks, and whether they may. Closed by default.

`web.roles` says who may do what; this says who somebody is: a program with a key, a person or wall
screen with a session (`web.auth`), or, in the demo on the loopback address, this machine's visitor,
who is everybody at once. An installation without any key or session refuses everything but health,
and says what to do next.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from capacity.board.sessions import Session
from web.key_kinds import KeyKind
from web.keys import Key, KeyRing
from web.roles import CHANGING, TABLE, Actor, Permission, Role, Scope, allows

CSRF_HEADER = "X-CSRF-Token"
"""What a page of ours sends with every changing request (its value stands in the page)."""
DEMO = "demo"
"""The account of the demo's visitor in trails and holds."""
_NOWHERE = Scope()
_ASKED, _PRESENTED = "akutoverblik.actor", "akutoverblik.key"
"""Where a request's scope keeps who came with its key, and the key."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_NEXT_STEP = (
    "Nobody can get in yet: there are no keys, and nobody is signed in. Make an account with "
    "'akutoverblik account new', or a key with 'akutoverblik key new'."
)
_ROLE_OF_KEY = {
    KeyKind.SOURCE: Role.INTEGRATOR,
    KeyKind.BOARD: Role.WALL,
    KeyKind.METRICS: Role.MONITOR,
    KeyKind.OPERATOR: Role.OPERATOR,
}


class Refused(HTTPException):
    """A request that may not go on: 401 when nobody is known, 403 when they may not do this."""


@dataclass(slots=True)
class Access:
    """Decides over every route, socket and page.

    `anybody` tells whether there is any account (`web.auth.door` looks); it only decides what is
    said to somebody who is not let in. `key_seen` is told the id of each key that is used.
    `hospitals` are those of the clusters: the demo's visitator comes from one.
    """

    keys: KeyRing
    open_boards: bool = False
    anybody: bool = True
    csrf_secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    key_seen: Callable[[str], None] = field(default=lambda _: None, repr=False)
    hospitals: Mapping[str, str] = field(default_factory=dict)

    def require(
        self,
        request: HTTPConnection,
        permission: Permission,
        scope: Scope = _NOWHERE,
        *,
        form_token: str | None = None,
    ) -> Actor:
        """Who asks, if they may do this; raise `Refused` otherwise.

        What changes something in the name of a cookie must come from a page of ours: a script
        says so in a header, a form by its field (`form_token`).
        """
        actor = self.actor(request)
        if actor is None and self.is_demo(request):
            actor = self._everybody(permission, scope)
        if actor is None:
            raise self._unknown()
        if not allows(actor, permission, scope):
            raise Refused(403, "You do not have the right to do this.")
        if permission in CHANGING and bearer_of(request) is None:
            self.refuse_foreign(request, form_token)
        return actor

    def allows(
        self, request: HTTPConnection, permission: Permission, scope: Scope = _NOWHERE
    ) -> bool:
        """Whether `require` would let this pass, leaving aside where the request came from."""
        actor = self.actor(request)
        if actor is None:
            return self.is_demo(request)
        return allows(actor, permission, scope)

    def actor(self, request: HTTPConnection) -> Actor | None:
        """Who asks: by key, else by session; ``None`` when nobody is known (as in the demo).

        A key is looked up once for each request, which is asked about by several; a socket, which
        stays, anew each time.
        """
        presented = bearer_of(request)
        if presented is None:
            return self.actor_of(session_of(request))
        scope = request.scope
        if scope["type"] != "http":
            return self.actor_with(presented)
        if _ASKED not in scope:
            scope[_ASKED] = self.actor_with(presented)
        actor: Actor | None = scope[_ASKED]
        return actor

    def actor_with(self, presented: str) -> Actor | None:
        """Who comes with this key; ``None`` when it is not, or no longer, a usable one."""
        key = self.keys.find(presented)
        if key is None:
            return None
        self.key_seen(key.id)
        return actor_of_key(key)

    def actor_of(self, session: Session | None) -> Actor | None:
        """Who a session stands for; a wall screen's ends with the key it began with."""
        if session is None:
            return None
        if session.how == "wall":
            if not self._is_wall_still_on(session):
                return None
            self.key_seen(session.account)
        return Actor(
            Role(session.role), session.account, session.organisation, frozenset(session.clusters)
        )

    def person(self, request: HTTPConnection, *, form_token: str | None = None) -> Session:
        """The session of the person who asks, for what is their own; raise `Refused` for others.

        Nobody else is anybody here: no key, no wall screen, and not the demo's visitor.
        """
        session = session_of(request)
        if session is None or session.how == "wall" or bearer_of(request) is not None:
            raise self._unknown()
        self.refuse_foreign(request, form_token)
        return session

    def csrf_token(self, request: HTTPConnection) -> str:
        """What this visitor's pages must send with changing requests: good for one session."""
        session = session_of(request)
        name = session.id if session else "nobody"
        return hmac.new(self.csrf_secret, name.encode(), "sha256").hexdigest()

    def refuse_foreign(self, request: HTTPConnection, given: str | None = None) -> None:
        """A changing request must come from a page of ours: its origin and its token say so.

        `given` is the token where a form carries it; scripts send it in a header. Looking changes
        nothing and is let through.
        """
        if request.scope.get("method", "GET") in _SAFE_METHODS:
            return
        if not is_same_origin(request):
            raise Refused(403, "This request came from another site's page.")
        token = given if given is not None else request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(token.encode(), self.csrf_token(request).encode()):
            raise Refused(403, "This page is too old to change anything: reload it.")

    def may_feed(self, request: HTTPConnection, source: str) -> Actor:
        """Raise `Refused` unless the request carries this source's key."""
        if bearer_of(request) is None:
            raise self._unknown()
        return self.require(request, Permission.FEED, Scope(source=source))

    def may_read(self, request: HTTPConnection, cluster: str) -> Actor:
        """Raise `Refused` unless the request may see this cluster's board."""
        return self.require(request, Permission.READ_BOARD, Scope(cluster=cluster))

    def readable(self, request: HTTPConnection, clusters: list[str]) -> list[str]:
        """Those of `clusters` that the request may see."""
        return [c for c in clusters if self.allows(request, Permission.READ_BOARD, Scope(c))]

    def is_demo(self, request: HTTPConnection) -> bool:
        """Whether this is the demo's visitor. The demo is open to its own machine, called by its
        own name: another name for the loopback address is how a foreign page would get at it."""
        return self.open_boards and _is_of_this_machine(request) and bearer_of(request) is None

    def _everybody(self, permission: Permission, scope: Scope) -> Actor:
        """The demo's visitor, in the role that the permission is meant for."""
        role = next(role for role in Role if role in TABLE[permission])
        organisation = min(scope.organisations, default=None)
        if role is Role.VISITATOR:
            organisation = self.hospitals.get(scope.cluster or "")
        clusters = frozenset({scope.cluster} if scope.cluster else ())
        return Actor(role, DEMO, organisation, clusters, scope.source)

    def _is_wall_still_on(self, session: Session) -> bool:
        key = self.keys.get(session.account)
        return key is not None and self.keys.is_usable(key)

    def _unknown(self) -> Refused:
        if not self.keys and not self.anybody and not self.open_boards:
            return Refused(403, _NEXT_STEP)
        return Refused(401, "Sign in, or send a valid key.", headers={"WWW-Authenticate": "Bearer"})


def actor_of_key(key: Key) -> Actor:
    """What a program or a wall screen with this key is."""
    clusters = frozenset({key.of} if key.kind is KeyKind.BOARD else ())
    source = key.of if key.kind is KeyKind.SOURCE else None
    return Actor(_ROLE_OF_KEY[key.kind], key.id, None, clusters, source)


def has_bearer(request: HTTPConnection) -> bool:
    """Whether the request comes with a key, whatever it may open."""
    return bearer_of(request) is not None


def session_of(request: HTTPConnection) -> Session | None:
    """The session that the middleware found for this request."""
    session: Session | None = request.scope.get("state", {}).get("session")
    return session


def is_same_origin(request: HTTPConnection) -> bool:
    """Browsers state the origin of the page; other programs state none."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == request.headers.get("Host")
    except ValueError:  # no address at all, such as an unclosed bracket
        return False


def _is_of_this_machine(request: HTTPConnection) -> bool:
    peer = request.client.host if request.client else ""
    return peer in _LOOPBACK and request.url.hostname in _LOOPBACK


def bearer_of(request: HTTPConnection) -> str | None:
    """The key that the request comes with, whatever it may open."""
    scope = request.scope
    if _PRESENTED not in scope:  # asked several times for each request
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        scope[_PRESENTED] = value.strip() or None if scheme.lower() == "bearer" else None
    presented: str | None = scope[_PRESENTED]
    return presented
