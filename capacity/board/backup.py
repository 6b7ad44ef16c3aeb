"""Everything the store holds of ours, as bytes in a file and back.

A dump is taken in one transaction, so that rows, stream, holds and sequence fit each other (where
the store is a cluster, in one for each slot: what fits together is in one). Each key goes as the
server's own serialised value (``DUMP``), which the same or a newer server reads. A restored store
is in another history than the one noted in it, so a new epoch begins and every page takes a
snapshot.
"""

import struct
from collections.abc import Iterator
from typing import IO, Any

from redis.asyncio import Redis

from capacity.board.connection import Store
from capacity.board.embedded import IDENTITY_KEY
from capacity.board.keys import PREFIX
from capacity.board.store import asking

BACKUP_SECONDS = 600.0
"""How long taking or putting back may take; the server answers nobody else meanwhile."""
_HEAD = struct.Struct("!IqQ")
"""Length of the name, milliseconds to live (-1: for ever), length of the value."""
_PUT_TOGETHER = 200


async def dump(url: str, file: IO[bytes]) -> int:
    """Write every key of ours to `file`; returns how many. `BoardUnavailableError` if away."""
    store = Store(url)
    try:
        count = 0
        async with asking(BACKUP_SECONDS):
            together: dict[Redis, list[bytes]] = {}
            for name in sorted(await _names(store)):
                together.setdefault(store.at(name.decode()), []).append(name)
            for client, names in together.items():
                count += await _dump_together(client, names, file)
        return count
    finally:
        await store.aclose()


async def is_empty(url: str) -> bool:
    """Whether the store holds nothing of ours."""
    store = Store(url)
    try:
        async with asking(BACKUP_SECONDS):
            return not await _names(store)
    finally:
        await store.aclose()


async def load(url: str, file: IO[bytes]) -> int:
    """Put the keys of a dump into an empty store; returns how many.

    What had a time to live gets what was left of it: a session does not outlive its end by having
    been in a backup, since its own instants are judged too.
    """
    store = Store(url)
    try:
        count = 0
        part: list[tuple[bytes, int, bytes]] = []
        for each in _entries(file):
            part.append(each)
            if len(part) == _PUT_TOGETHER:
                await _put(store, part)
                count, part = count + len(part), []
        await _put(store, part)
        return count + len(part)
    finally:
        await store.aclose()


async def _dump_together(client: Redis, names: list[bytes], file: IO[bytes]) -> int:
    async with client.pipeline(transaction=True) as pipe:
        for name in names:
            pipe.pttl(name)
            pipe.dump(name)
        answers: Any = await pipe.execute()
    count = 0
    for place, name in enumerate(names):
        left, value = answers[2 * place], answers[2 * place + 1]
        if value is not None:  # it may have run out meanwhile
            file.write(_HEAD.pack(len(name), left, len(value)) + name + value)
            count += 1
    return count


async def _names(store: Store) -> set[bytes]:
    """Every key of ours but the mark by which an embedded server knows its own folder."""
    found: set[bytes] = set()
    for client in await store.primaries():
        found |= {name async for name in client.scan_iter(match=f"{PREFIX}:*")}
    return found - {IDENTITY_KEY.encode()}


async def _put(store: Store, part: list[tuple[bytes, int, bytes]]) -> None:
    async with asking(BACKUP_SECONDS):
        await store.read(
            [(name.decode(), ("RESTORE", name, max(0, left), value)) for name, left, value in part]
        )


def _entries(file: IO[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
    while head := file.read(_HEAD.size):
        if len(head) < _HEAD.size:
            raise ValueError("the store's part of the backup is cut off")
        name_size, left, value_size = _HEAD.unpack(head)
        name, value = file.read(name_size), file.read(value_size)
        if len(name) < name_size or len(value) < value_size:
            raise ValueError("the store's part of the backup is cut off")
        yield name, left, value
