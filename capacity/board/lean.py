"""The client library's clients and pools without what we do not use of them.

Every change on a board takes several questions to the store, and of the time that one takes the
process two thirds were bookkeeping: the library repeats nothing here and sends its measurements to
nobody, yet sees to both each time, and it packs every word by itself. The connections stay the
library's: how they are made, read, and given up when anything goes wrong.
"""

from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import DataError, ResponseError


class Packing:
    """A connection whose commands are packed by compiled code."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """See the library's; a name of two words is two words on the wire."""
        name = args[0]
        if isinstance(name, str) and " " in name:
            args = (*name.split(), *args[1:])
        try:
            return [hiredis.pack_command(args)]
        except TypeError as error:
            raise DataError(str(error)) from error


class LeanConnection(Packing, Connection):
    """By TCP."""


class LeanTls(Packing, SSLConnection):
    """By TCP and TLS."""


class LeanUnix(Packing, UnixDomainSocketConnection):
    """By a unix socket."""


_LEAN: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: LeanConnection,
    SSLConnection: LeanTls,
    UnixDomainSocketConnection: LeanUnix,
}


class LeanPool(BlockingConnectionPool):
    """Hands out a connection that is free at once; whoever must wait, waits as in the library."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.connection_class = _LEAN.get(self.connection_class, self.connection_class)
        self._waiting = 0

    async def get_connection(
        self, command_name: str | None = None, *keys: Any, **options: Any
    ) -> AbstractConnection:
        """A connection that is there and clean; the library's `ConnectionError` after a while."""
        if self._waiting or self._in_maintenance or not self.can_get_connection():
            return await self._wait_for_connection()
        connection: AbstractConnection = self.get_available_connection()  # type: ignore[no-untyped-call]
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back, for whoever waits for one."""
        if self._waiting or self._in_maintenance or connection.should_reconnect():  # type: ignore[no-untyped-call]
            await super().release(connection)
            return
        self._in_use_connections.remove(connection)
        self._available_connections.append(connection)

    async def _wait_for_connection(self) -> AbstractConnection:
        self._waiting += 1
        try:
            found: AbstractConnection = await super().get_connection()  # type: ignore[no-untyped-call]
        finally:
            self._waiting -= 1
        return found


class LeanRedis(Redis):
    """A client that sends a command once and hands back the answer."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """See the library's. A connection on which it fails half-way has been given up by then."""
        pool = self.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.send_command(*args)
            return await self.parse_response(connection, args[0], **options)
        finally:
            await pool.release(connection)

    async def ask_together(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers of commands that are sent together, in their order; raises the first error
        there is. What is written is not undone by another's error, so this is for questions.
        """
        pool = self.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            words = [connection.pack_command(*command)[0] for command in commands]
            await connection.send_packed_command([b"".join(words)])
            replies = [await _reply(connection) for _ in commands]
        finally:
            await pool.release(connection)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        read = [self.response_callbacks.get(command[0]) for command in commands]
        return [how(reply) if how else reply for how, reply in zip(read, replies, strict=True)]


async def _reply(connection: AbstractConnection) -> Any:
    """The next answer, be it an error: those of the commands after it are still to come."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
