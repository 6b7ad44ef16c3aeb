"""Connections to Redis/Valkey, and the board's functions on it.

Three traps decide the shape of this module. The client library repeats a command whose reply was
lost, ten times by default, which would apply a write again: no client here retries by itself. Its
own time-out swallows every second cancellation under load (it uses `asyncio.wait_for`, which does
so up to Python 3.11), so that a task that follows the store could not be stopped: time-outs are
the caller's, see `store`. And callers beyond the number of connections would fail: they wait.
"""

import hashlib
from importlib.resources import files

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from capacity.board.journal import JOURNAL_LENGTH

SOCKET_TIMEOUT = 3.0
"""Seconds after which an unanswered command counts as lost; far over a slow disk's fsync."""
BLOCK_SECONDS = 2.0
"""How long a blocking read waits in the server; its caller's time-out begins after that."""

_PARTS = ("instants", "kept", "disputes", "holds", "functions")
"""The files of the library, in the order in which they build on each other."""
_SOURCE = "\n".join(
    files("capacity.board").joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in _PARTS
).replace("@JOURNAL_LENGTH@", str(JOURNAL_LENGTH))
HASH = hashlib.sha256(_SOURCE.encode()).hexdigest()[:10]
_LIBRARY = f"#!lua name=akutoverblik_{HASH}\n" + _SOURCE.replace("@HASH@", HASH)


def open_client(url: str, *, connections: int = 32) -> Redis:
    """A client that never repeats a command by itself, nor ends one; replies are bytes."""
    pool = BlockingConnectionPool.from_url(
        url,
        timeout=SOCKET_TIMEOUT / 2,
        decode_responses=False,
        socket_timeout=None,
        socket_connect_timeout=SOCKET_TIMEOUT,
        health_check_interval=0,
        max_connections=connections,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


def function(name: str) -> str:
    """The server-side name of one of the functions in functions.lua."""
    return f"{name}_{HASH}"


async def load_functions(client: Redis) -> None:
    """Load the functions where this very text of them is not there yet."""
    try:
        await client.function_load(_LIBRARY)
    except ResponseError as error:
        if "already exists" not in str(error):
            raise


async def durability(client: Redis) -> str:
    """What the server promises of an acknowledged write: always, everysec, none or unknown."""
    try:
        settings = await client.config_get("appendonly", "appendfsync")
    except ResponseError:
        return "unknown"
    values = {_text(key): _text(value) for key, value in settings.items()}
    if values.get("appendonly") != "yes":
        return "none"
    return {"always": "always", "everysec": "everysec"}.get(values.get("appendfsync", ""), "none")


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
