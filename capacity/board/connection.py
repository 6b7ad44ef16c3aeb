"""Connections to Redis/Valkey, confirmed writes, and the board's functions.

Three traps decide the shape of this module. The client library repeats a command whose reply was
lost, ten times by default, which would apply a write again: no client here retries by itself. Its
own time-out swallows every second cancellation under load (it uses `asyncio.wait_for`, which does
so up to Python 3.11), so that a task that follows the store could not be stopped: time-outs are
the caller's, see `calls`. And callers beyond the number of connections would fail: they wait.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import NoScriptError, RedisError, ResponseError

from capacity.board.journal import JOURNAL_LENGTH
from capacity.board.keys import PREFIX
from capacity.board.lean import LeanPool, LeanRedis
from capacity.board.primaries import Sentinels, Slots
from capacity.board.routing import RoutedPool, RoutedRedis, Routes, where_it_lives
from capacity.store_address import Address, read_store_address

SOCKET_TIMEOUT = 3.0
"""Seconds after which an unanswered command counts as lost; far over a slow disk's fsync."""
BLOCK_SECONDS = 2.0
"""How long a blocking read waits in the server; its caller's time-out begins after that."""
WAIT_SECONDS = 1.0
"""How long a write waits for its replicas before it counts as unconfirmed."""

_PARTS = ("instants", "kept", "lease", "disputes", "holds", "functions")
"""The files of the library, in the order in which they build on each other."""
_SOURCE = "\n".join(
    files("capacity.board").joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in _PARTS
).replace("@JOURNAL_LENGTH@", str(JOURNAL_LENGTH))
HASH = hashlib.sha256(_SOURCE.encode()).hexdigest()[:10]
_LIBRARY = f"#!lua name=akutoverblik_{HASH}\n" + _SOURCE.replace("@HASH@", HASH)

Command = tuple[bytes | str | int, ...]
_TAG = re.compile(r"\{[^{}]+\}")


class NotReplicatedError(RedisError):
    """The write was made, but fewer replicas than asked for said in time that they have it."""


class Store:
    """One store, be it a server, a primary with sentinels or a cluster; connects when used.

    Clients of it never repeat a command by themselves, save one that a server refused because
    the key is not there; nor do they end one. Replies are bytes.
    """

    def __init__(self, url: str, *, connections: int = 32) -> None:
        """`connections` at most to each server; raises `ValueError` for a wrong address."""
        address = read_store_address(url)
        self.replicas = address.replicas
        self.is_cluster = address.kind == "cluster"
        self._routes: Routes | None = None
        self._clients: dict[int, LeanRedis] = {}
        options: dict[str, Any] = {
            "timeout": SOCKET_TIMEOUT / 2,
            "decode_responses": False,
            "socket_timeout": None,
            "socket_connect_timeout": SOCKET_TIMEOUT,
            "health_check_interval": 0,
            "retry": Retry(NoBackoff(), 0),
        }
        if address.kind == "single":
            pool = LeanPool.from_url(address.single, max_connections=connections, **options)
            self._clients[0] = cast(LeanRedis, LeanRedis.from_pool(pool))
            return
        options |= {"username": address.username, "password": address.password, "db": address.db}
        primaries = Slots(address) if self.is_cluster else Sentinels(address)
        self._routes = Routes(primaries, tls=address.tls, connections=connections, **options)

    def at(self, key: str) -> LeanRedis:
        """A client for this key and whatever else has its hash tag."""
        slot = key_slot(key.encode()) if self.is_cluster else 0
        client = self._clients.get(slot)
        if client is None:
            assert self._routes is not None
            pool = RoutedPool(self._routes, key)
            client = self._clients[slot] = cast(LeanRedis, RoutedRedis.from_pool(pool))
        return client

    async def ask(self, key: str, command: Command) -> Any:
        """Send one command to where a key is."""
        client: Any = self.at(key)
        return await client.execute_command(*command)

    async def write(self, key: str, *commands: Command) -> list[Any]:
        """Send commands together; returns their answers once enough replicas have what they did.

        All of what this primary did before is then there too. Raises the first command's error,
        and `NotReplicatedError` when the wait was in vain; a repeat of harmless commands waits
        again, for what the first try wrote as well.
        """
        if not self.replicas and len(commands) == 1:
            return [await self.ask(key, commands[0])]
        return await where_it_lives(lambda: self._write_here(key, commands))

    async def _write_here(self, key: str, commands: Sequence[Command]) -> list[Any]:
        async with self.at(key).pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            if self.replicas:
                # Valkey waits for nothing where this connection has written nothing, as when a
                # repeat gets its first answer. So it writes: a mark, after all that counts.
                pipe.set(_mark(key), b"")
                pipe.execute_command("WAIT", self.replicas, int(WAIT_SECONDS * 1000))
            answers: list[Any] = await pipe.execute(raise_on_error=False)
        done = answers[: len(commands)]
        for answer in done:
            if isinstance(answer, Exception):
                raise answer
        if self.replicas:
            self._judge(*answers[len(commands) :])
        return done

    def _judge(self, marked: Any, have: Any) -> None:
        if isinstance(marked, Exception) or isinstance(have, Exception) or have < self.replicas:
            if self._routes is not None:
                self._routes.primaries.doubt()
            number = have if isinstance(have, int) else 0
            raise NotReplicatedError(f"{number} of {self.replicas} replicas have the write")

    async def read(self, questions: Sequence[tuple[str, Command]]) -> list[Any]:
        """Send each command to where its key is, together; their answers in the same order.

        Raises the first error there is.
        """
        places: dict[LeanRedis, list[int]] = {}
        for place, (key, _) in enumerate(questions):
            places.setdefault(self.at(key), []).append(place)
        answers: dict[int, Any] = {}
        for client, its in places.items():
            found = await client.ask_together([questions[place][1] for place in its])
            answers |= zip(its, found, strict=True)
        return [answers[place] for place in range(len(questions))]

    async def by_server(self, keys: Iterable[str]) -> list[list[str]]:
        """The keys that are on one server just now, for each server that has any.

        Where servers do not know who has a key, its errors are the client library's.
        """
        if self._routes is None or not self.is_cluster:
            return [together] if (together := list(keys)) else []
        found: dict[Address, list[str]] = {}
        for key in keys:
            found.setdefault(await self._routes.primaries.of(key), []).append(key)
        return list(found.values())

    async def ask_server(self, key: str, commands: Sequence[Command]) -> list[Any]:
        """Send commands together to the server that has `key`; an answer may be its refusal.

        Nothing is asked again elsewhere: whose key has moved meanwhile is refused.
        """
        client: Redis
        if self._routes is None:
            client = self.at(key)
        else:
            client = Redis(connection_pool=await self._routes.pool_of(key))
        async with client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            answers: list[Any] = await pipe.execute(raise_on_error=False)
            return answers

    async def primaries(self) -> list[Redis]:
        """A client of each primary there is; they need not be closed."""
        return [self.at("")] if self._routes is None else await self._routes.clients()

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
        if self._routes is not None:
            await self._routes.close()


class Script:
    """A script of the server; sent whole only where the server does not know it yet."""

    def __init__(self, store: Store, text: str) -> None:
        self._store = store
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(
        self, keys: Sequence[str], args: Sequence[bytes | str | int], *, confirmed: bool = False
    ) -> Any:
        """Run it over keys of one hash tag. `confirmed`: as `Store.write`."""
        rest = (len(keys), *keys, *args)
        try:
            return await self._run(keys[0], ("EVALSHA", self._digest, *rest), confirmed)
        except NoScriptError:
            return await self._run(keys[0], ("EVAL", self._text, *rest), confirmed)

    async def _run(self, key: str, command: Command, confirmed: bool) -> Any:
        if confirmed:
            return (await self._store.write(key, command))[0]
        return await self._store.ask(key, command)


def function(name: str) -> str:
    """The server-side name of one of the functions in functions.lua."""
    return f"{name}_{HASH}"


async def load_functions(store: Store) -> None:
    """Load the functions on every primary where this very text of them is not there yet."""
    for client in await store.primaries():
        try:
            await client.function_load(_LIBRARY)
        except ResponseError as error:
            if "already exists" not in str(error):
                raise


async def durability(store: Store) -> str:
    """What the store promises of an acknowledged write: always, everysec, none or unknown.

    Of several primaries the least.
    """
    found = [await _durability_of(client) for client in await store.primaries()]
    return min(found, key=("none", "unknown", "everysec", "always").index)


async def _durability_of(client: Redis) -> str:
    try:
        settings = await client.config_get("appendonly", "appendfsync")
    except ResponseError:
        return "unknown"
    values = {_text(key): _text(value) for key, value in settings.items()}
    if values.get("appendonly") != "yes":
        return "none"
    return {"always": "always", "everysec": "everysec"}.get(values.get("appendfsync", ""), "none")


def _mark(key: str) -> str:
    """A key in the slot of another; its value says nothing."""
    tag = _TAG.search(key)
    return f"{PREFIX}:{tag[0] if tag else '{' + key + '}'}:written"


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
