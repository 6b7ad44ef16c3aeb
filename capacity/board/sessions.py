"""Sessions of signed-in people and wall screens, in Redis/Valkey.

A session is kept under the SHA-256 of the random token that its cookie holds, so a look into the
store opens nothing. It ends by idleness, by age, by being ended, and when the account's rights
change. All keys share one hash tag (``{people}``), hence one shard.

Only the end of a session is waited for on replicas: one that comes back is a danger, one that is
lost costs a sign-in.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from capacity.board.connection import Store
from capacity.board.keys import PREFIX
from capacity.board.store import asking
from capacity.instants import Clock, epoch_millis, from_epoch_millis

TOUCH_EVERY = timedelta(seconds=60)
"""`seen_at` moves at most this often; a session may be idle for longer by as much."""
OVERLAP = timedelta(seconds=30)
"""A token that was exchanged is good for this long: requests under way still carry it."""
_PEOPLE = f"{PREFIX}:{{people}}"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lasts without any request, and at the most."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """One session. `id` is public (it names the session in lists), the token never is.

    Instants are milliseconds since 1970. `how` says how it began: password, totp, oidc, wall.
    `stamp` is the account's when it began; `address` and `agent` are for the person's own list.
    """

    id: str
    account: str
    role: str
    organisation: str | None
    clusters: tuple[str, ...]
    stamp: int
    how: str
    created_ms: int
    seen_ms: int
    rotated_ms: int
    address: str
    agent: str

    @property
    def created_at(self) -> datetime:
        """When it began."""
        return from_epoch_millis(self.created_ms)

    @property
    def seen_at(self) -> datetime:
        """When it was used last, give or take `TOUCH_EVERY`."""
        return from_epoch_millis(self.seen_ms)


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a session begins with."""

    account: str
    role: str
    organisation: str | None
    clusters: tuple[str, ...]
    stamp: int
    how: str
    address: str
    agent: str


class Sessions:
    """Begins, finds and ends sessions; `BoardUnavailableError` when the store is away."""

    def __init__(
        self, url: str, clock: Clock, lifetimes: Mapping[str, Lifetime], default: Lifetime
    ) -> None:
        """`lifetimes` by role; `default` for the others."""
        self._store = Store(url)
        self._client = self._store.at(_PEOPLE)
        self._clock = clock
        self._lifetimes = lifetimes
        self._default = default

    async def begin(self, wanted: NewSession) -> str:
        """Begin a session; returns the token for the cookie."""
        now = epoch_millis(self._clock())
        session = Session(
            id=f"s_{secrets.token_hex(8)}",
            created_ms=now,
            seen_ms=now,
            rotated_ms=now,
            account=wanted.account,
            role=wanted.role,
            organisation=wanted.organisation,
            clusters=wanted.clusters,
            stamp=wanted.stamp,
            how=wanted.how,
            address=wanted.address[:100],
            agent=wanted.agent[:200],
        )
        token = secrets.token_urlsafe(32)
        await self._put(session, _digest(token))
        return token

    async def find(self, token: str) -> Session | None:
        """The session of a token, if it goes on; notes that it was used."""
        digest = _digest(token)
        async with asking():
            found: Any = await self._client.get(_key(digest))
        session = _decoded(found)
        if session is None or self._is_over(session):
            return None
        await self._note_use(session, digest)
        return session

    async def rotate(self, token: str, session: Session) -> str:
        """A new token for the same session; the old one is good for `OVERLAP`."""
        fresh = secrets.token_urlsafe(32)
        now = epoch_millis(self._clock())
        await self._put(replace(session, rotated_ms=now, seen_ms=now), _digest(fresh))
        async with asking():
            await self._client.pexpire(_key(_digest(token)), OVERLAP)
        return fresh

    async def of(self, account: str) -> list[Session]:
        """The sessions of an account that go on, the latest first, each once."""
        found = {session.id: session for _, session in await self._all(account)}
        return sorted(found.values(), key=lambda each: each.seen_ms, reverse=True)

    async def end(self, account: str, session_id: str | None = None) -> int:
        """End one session of an account, or all; returns how many tokens were good until now."""
        wanted = [
            digest
            for digest, session in await self._all(account)
            if session_id in (None, session.id)
        ]
        # Waited for on replicas even where nothing is left to end: a first try, whose wait was in
        # vain, may have ended it.
        digests = wanted or [""]
        gone = [_key(digest) for digest in digests]
        async with asking():
            ended, _ = await self._store.write(
                _PEOPLE, ("DEL", *gone), ("SREM", _list(account), *digests)
            )
        return int(ended)

    async def still_on(self, tokens: Iterable[str]) -> dict[str, Session]:
        """Which of these tokens' sessions go on; for whoever holds sockets open.

        An open page is a session in use, and so noted.
        """
        asked = list(tokens)
        if not asked:
            return {}
        async with asking():
            found: Any = await self._client.mget([_key(_digest(token)) for token in asked])
        sessions = zip(asked, map(_decoded, found), strict=True)
        going_on = {t: s for t, s in sessions if s is not None and not self._is_over(s)}
        for token, session in going_on.items():
            await self._note_use(session, _digest(token))
        return going_on

    async def stop(self) -> None:
        """Close the connections."""
        await self._store.aclose()

    def _lifetime(self, session: Session) -> Lifetime:
        return self._lifetimes.get(session.role, self._default)

    def _is_over(self, session: Session) -> bool:
        limit, now = self._lifetime(session), self._clock()
        return (
            now - session.seen_at > limit.idle + TOUCH_EVERY
            or now - session.created_at > limit.absolute
        )

    async def _put(self, session: Session, digest: str) -> None:
        limit = self._lifetime(session)
        async with asking(), self._client.pipeline(transaction=True) as pipe:
            pipe.set(_key(digest), _encoded(session), px=limit.idle + TOUCH_EVERY)
            pipe.sadd(_list(session.account), digest)
            pipe.pexpire(_list(session.account), limit.absolute)
            await pipe.execute()

    async def _note_use(self, session: Session, digest: str) -> None:
        now = epoch_millis(self._clock())
        if now - session.seen_ms >= TOUCH_EVERY.total_seconds() * 1000:
            await self._touch(replace(session, seen_ms=now), digest)

    async def _touch(self, session: Session, digest: str) -> None:
        """Only if it is still there: a session that was ended meanwhile must not come back.

        A token on its way out keeps its end.
        """
        limit = self._lifetime(session)
        async with asking():
            left = await self._client.pttl(_key(digest))
            px = min(limit.idle + TOUCH_EVERY, timedelta(milliseconds=max(1, left)))
            if left > OVERLAP.total_seconds() * 1000:
                px = limit.idle + TOUCH_EVERY
            await self._client.set(_key(digest), _encoded(session), px=px, xx=True)

    async def _all(self, account: str) -> list[tuple[str, Session]]:
        async with asking():
            listed: Any = await self._client.smembers(_list(account))
            digests = [digest.decode() for digest in listed]
            found: Any = await self._client.mget([_key(d) for d in digests]) if digests else []
        sessions = zip(digests, map(_decoded, found), strict=True)
        return [(d, s) for d, s in sessions if s is not None and not self._is_over(s)]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key(digest: str) -> str:
    return f"{_PEOPLE}:session:{digest}"


def _list(account: str) -> str:
    return f"{_PEOPLE}:sessions:{account}"


def _encoded(session: Session) -> bytes:
    return orjson.dumps(asdict(session))


def _decoded(text: bytes | None) -> Session | None:
    if text is None:
        return None
    values = orjson.loads(text)
    return Session(**values | {"clusters": tuple(values["clusters"])})
