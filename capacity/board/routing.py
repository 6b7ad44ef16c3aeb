"""Connections that follow the primary of a key wherever it goes.

A client of the library takes its connections from a pool. Here the pool asks, each time, who the
primary is (`primaries`), and hands out a connection to it. A server that says "not here" has done
nothing: what was asked is asked again where it lives now, and nothing else is ever repeated.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection, SSLConnection
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from capacity.board.lean import LeanConnection, LeanPool, LeanRedis
from capacity.board.primaries import Primaries
from capacity.store_address import Address

T = TypeVar("T")

NOT_HERE = (MovedError, ReadOnlyError, AskError, TryAgainError, ClusterDownError)
"""Refusals of a server that is not the primary of a key, or not alone while its slot is moved.

We do not follow a slot that is half moved (``ASK``): a call has keys on both sides then, and must
wait until all are on one.
"""
_PAUSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3)
"""Seconds before asking again after each refusal; a small cluster's slot moves in less."""


class Routes:
    """The pools of one store, one for each primary, and which of them a key is to be found in."""

    def __init__(
        self, primaries: Primaries, *, tls: bool, connections: int, **options: Any
    ) -> None:
        self.primaries = primaries
        self.options = options
        self.connection_class = _RoutedTls if tls else _Routed
        self._connections = connections
        self._pools: dict[Address, _PrimaryPool] = {}

    async def pool_of(self, key: str) -> "_PrimaryPool":
        """The pool of the primary that has a key."""
        return await self._pool_at(await self.primaries.of(key))

    async def clients(self) -> list[Redis]:
        """A client of each primary there is."""
        found = [await self._pool_at(address) for address in await self.primaries.all()]
        return [LeanRedis(connection_pool=pool) for pool in found]

    async def close(self) -> None:
        """Close all connections."""
        await self.primaries.close()
        for pool in self._pools.values():
            await pool.aclose()

    async def _pool_at(self, address: Address) -> "_PrimaryPool":
        pool = self._pools.get(address)
        if pool is None:
            host, port = address
            pool = self._pools[address] = _PrimaryPool(
                self, max_connections=self._connections, host=host, port=port, **self.options
            )
            await self._leave_all_but(await self.primaries.all())
        return pool

    async def _leave_all_but(self, primaries: list[Address]) -> None:
        """Close connections to servers that are no primaries any more, used ones after use."""
        for address in self._pools.keys() - set(primaries):
            await self._pools[address].update_active_connections_for_reconnect()  # type: ignore[no-untyped-call]
            await self._pools[address].disconnect(inuse_connections=False)


class _PrimaryPool(LeanPool):
    """Connections to one server."""

    def __init__(self, routes: Routes, **options: Any) -> None:
        self.routes = routes
        super().__init__(connection_class=routes.connection_class, **options)

    def make_connection(self) -> "_Routed":
        connection: _Routed = super().make_connection()  # type: ignore[no-untyped-call]
        connection.home = self
        return connection


class _Routed(LeanConnection):
    """A connection that tells when its server may not be the primary any more."""

    home: _PrimaryPool

    async def connect(self) -> None:
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        except BaseException:
            self.home.routes.primaries.doubt()
            raise

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        await super().on_connect_check_health(check_health)
        if self.home.routes.primaries.checks_role:
            await self.send_command("ROLE", check_health=False)
            role = await self.read_response()
            if role[0] != b"master":
                # These words tell `calls` that nothing was sent.
                raise RedisConnectionError(f"connecting to {self.host}:{self.port}: no primary")

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        primaries = self.home.routes.primaries
        try:
            return await super().read_response(*arguments, **options)
        except MovedError as error:
            primaries.moved(error)
            raise
        except (ReadOnlyError, ClusterDownError):
            primaries.doubt()
            self.mark_for_reconnect()  # type: ignore[no-untyped-call]
            raise
        except ResponseError:
            raise
        except BaseException:
            primaries.doubt()
            raise


class _RoutedTls(_Routed, SSLConnection):
    """The same over TLS."""


class RoutedPool(ConnectionPool):
    """What a client takes for its pool: the connections of whoever is primary of `key` now."""

    def __init__(self, routes: Routes, key: str) -> None:
        super().__init__(connection_class=routes.connection_class, **routes.options)
        self._routes = routes
        self._key = key

    async def get_connection(
        self, command_name: str | None = None, *keys: Any, **options: Any
    ) -> AbstractConnection:
        pool = await self._routes.pool_of(self._key)
        return await pool.get_connection()

    async def release(self, connection: AbstractConnection) -> None:
        assert isinstance(connection, _Routed)
        await connection.home.release(connection)


class RoutedRedis(LeanRedis):
    """A client of the keys of one slot, or of all where there is one primary."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        once: Any = super().execute_command
        return await where_it_lives(lambda: once(*args, **options))

    async def ask_together(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        once = super().ask_together
        return await where_it_lives(lambda: once(commands))

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _RoutedPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )


class _RoutedPipeline(Pipeline):
    """A pipeline of which a server does all or nothing, as all its keys are of one slot."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands = self.command_stack

        async def once() -> list[Any]:
            self.command_stack = list(commands)
            return await super(_RoutedPipeline, self).execute(raise_on_error)

        return await where_it_lives(once)


async def where_it_lives(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask, and ask again as long as the answer is that it is not here."""
    for pause in _PAUSES:
        try:
            return await ask()
        except NOT_HERE:
            await asyncio.sleep(pause)
    return await ask()
