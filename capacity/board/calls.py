"""Calling the board's functions: what is repeated, what is not, and what a caller is told."""

import asyncio
import contextlib
import os
import random
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any

from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from capacity.board.connection import (
    SOCKET_TIMEOUT,
    NotReplicatedError,
    Store,
    function,
    load_functions,
)
from capacity.board.keys import ClusterKeys

STREAM_LENGTH = 100_000
"""Changes kept per cluster for readers that were away; history keeps them all."""
REMEMBER_SECONDS = 2 * 3600
"""How long the answer to a request is remembered. A repeat is promised to be harmless for an hour,
and the store, which forgets by its wall clock, may have that put forward by an hour meanwhile."""
REMEMBER_OWN_SECONDS = 60
"""The same for a request whose id its caller does not know, so that only we can repeat it."""
ATTEMPTS = 3
"""How often one request is sent, under the same id, before its fate is called unknown."""
LAST_ATTEMPT_SECONDS = 2.5
"""No attempt begins later than this: a stopped server answers none, and callers must hear soon."""

UNWAITED = frozenset({"sweep", "lease_hold", "lease_release", "lease_look", "lease_check"})
"""Functions that nobody is told the outcome of as a fact: they do not wait for replicas. What they
lose in a fail-over is done again, and a write that is waited for takes them along.
"""

Argument = bytes | str | int

_names = random.Random()
"""Of our own, so that nobody who sets the common one makes two names alike."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_names.seed)


def fresh_name() -> str:
    """A name that nobody else has: of a request of ours, or an epoch. It is no secret.

    Two are needed for every write, and asking the system for its randomness each time can cost a
    twentieth of what taking in a hundred reports does.
    """
    return f"{_names.getrandbits(128):032x}"


class BoardUnavailableError(Exception):
    """The store cannot be reached or refuses; nothing was written by this call."""


class UnconfirmedError(BoardUnavailableError):
    """The write may or may not have been made, or may yet be lost. Repeating it is safe.

    The reply was lost, or fewer replicas than asked for said that they have the write.
    """


class Caller:
    """Calls functions of the library in one Redis/Valkey store."""

    def __init__(self, url: str, *, stream_length: int = STREAM_LENGTH) -> None:
        self._url = url
        self._stream_length = stream_length
        self._store = Store(url)
        self.failed = {"unconfirmed": 0, "away": 0}
        """Writes that ended so, by what their caller was told; of all boards made from this one."""

    async def _request(
        self, name: str, cluster: str, arguments: Sequence[Argument], request_id: str | None
    ) -> Any:
        """Call a function that remembers its answer; a request without an id gets one of ours."""
        keys = ClusterKeys(cluster).for_function(request_id or fresh_name())
        remember = REMEMBER_SECONDS if request_id else REMEMBER_OWN_SECONDS
        head = (fresh_name()[:12], self._stream_length, remember * 1000)
        return await self._call(name, keys, [*head, *arguments])

    async def _call(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Call a function; repeats under the same request id are what makes this safe."""
        began = time.monotonic()
        unknown = False
        attempt = 0
        while True:
            attempt += 1
            try:
                async with asyncio.timeout(SOCKET_TIMEOUT):
                    return await self._once(name, keys, arguments)
            except (RedisError, TimeoutError) as error:
                unknown = unknown or _may_have_been_done(error)
                late = time.monotonic() - began > LAST_ATTEMPT_SECONDS
                if late or attempt == ATTEMPTS or not await self._mended(error):
                    self.failed["unconfirmed" if unknown else "away"] += 1
                    kind = UnconfirmedError if unknown else BoardUnavailableError
                    raise kind(_reason(error)) from error
            await asyncio.sleep(0.05 * attempt)

    async def _once(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        command = ("FCALL", function(name), len(keys), *keys, *arguments)
        if name in UNWAITED:
            return await self._store.ask(keys[0], command)
        return (await self._store.write(keys[0], command))[0]

    async def _mended(self, error: Exception) -> bool:
        """Whether a repeat can help; puts the functions back where a server has lost them."""
        if not isinstance(error, ResponseError):
            lost = isinstance(error, RedisConnectionError | RedisTimeoutError | TimeoutError)
            return lost and not isinstance(error, BusyLoadingError)
        if "Function not found" not in str(error):
            return False
        with contextlib.suppress(RedisError, TimeoutError):
            async with asyncio.timeout(SOCKET_TIMEOUT):
                await load_functions(self._store)
        return True


def asking(within: float = SOCKET_TIMEOUT) -> AbstractAsyncContextManager[None]:
    """Bounds a question to the store, and turns the client library's errors into our own."""
    return _Asking(asyncio.timeout(within))


class _Asking(AbstractAsyncContextManager[None]):
    """Written out, not as a generator: it is entered for every change."""

    def __init__(self, bound: asyncio.Timeout) -> None:
        self._bound = bound

    async def __aenter__(self) -> None:
        await self._bound.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._bound.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise BoardUnavailableError(_reason(late)) from late
        if isinstance(error, NotReplicatedError):
            raise UnconfirmedError(_reason(error)) from error
        if isinstance(error, RedisError | TimeoutError):
            raise BoardUnavailableError(_reason(error)) from error


def _may_have_been_done(error: Exception) -> bool:
    """Whether the server may have done what was asked before the call failed.

    Not when it refused, and not when the words never left: no connection could be made, or none
    of ours was free.
    """
    if isinstance(error, ResponseError | BusyLoadingError | AuthenticationError):
        return False
    return not any(sign in str(error) for sign in ("connecting to", "No connection available"))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error) or 'no answer in time'}"[:300]
