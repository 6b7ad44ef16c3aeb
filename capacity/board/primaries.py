"""Which server is the primary that has a key: asked of sentinels, or of a cluster's servers.

What is known is asked again when it is doubted (a server did not answer, or said that it is no
primary any more), and now and then on the side, so that a primary that was replaced without
noticing it is left within seconds.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, RedisError

from capacity.store_address import Address, StoreAddress

log = logging.getLogger(__name__)

ASK_SECONDS = 0.5
"""How long one server has to say who is primary."""
RECHECK_SECONDS = 2.0
"""How long what was said goes unasked while the store is in use."""


class Primaries(ABC):
    """Knows the primaries and when to ask again; the two kinds say how to ask."""

    checks_role = False
    """Whether a server is asked if it is a primary when a connection to it is made."""

    def __init__(self) -> None:
        self._asking: asyncio.Task[None] | None = None
        self._asked_at = float("-inf")
        self._is_doubted = True

    async def of(self, key: str) -> Address:
        """The primary that has a key; raises the client library's `ConnectionError`."""
        if self._is_doubted:
            # Of many callers that doubt at once one asks; if it is cancelled, the others go on.
            await asyncio.shield(self._ask_now())
        elif asyncio.get_running_loop().time() > self._asked_at + RECHECK_SECONDS:
            self._ask_now()
        return self._known(key)

    async def all(self) -> list[Address]:
        """Every primary there is."""
        if self._is_doubted:
            await asyncio.shield(self._ask_now())
        return self._all()

    def doubt(self) -> None:
        """Ask again before the next use."""
        self._is_doubted = True

    def moved(self, error: MovedError) -> None:
        """Heed a server that says who has a slot."""
        self.doubt()

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking

    def _ask_now(self) -> asyncio.Task[None]:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_and_note(), name="asking for primaries")
        return self._asking

    async def _ask_and_note(self) -> None:
        self._is_doubted = False  # doubts that arise from here on count again
        if not await self._ask():
            self._is_doubted = True
        self._asked_at = asyncio.get_running_loop().time()

    @abstractmethod
    async def _ask(self) -> bool:
        """Ask; tells whether anybody answered."""

    @abstractmethod
    def _known(self, key: str) -> Address:
        """The primary that has a key, as was last heard."""

    @abstractmethod
    def _all(self) -> list[Address]:
        """Every primary, as was last heard."""


class Sentinels(Primaries):
    """One primary for all keys: the one that most sentinels name."""

    checks_role = True

    def __init__(self, address: StoreAddress) -> None:
        super().__init__()
        self._service = address.service
        self._sentinels = [_questioner(node, tls=address.tls) for node in address.nodes]
        self._primary: Address | None = None

    async def close(self) -> None:
        await super().close()
        for sentinel in self._sentinels:
            await sentinel.aclose()

    async def _ask(self) -> bool:
        question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
        answers = await asyncio.gather(*(_answer(each, *question) for each in self._sentinels))
        named = Counter((_text(host), int(port)) for host, port in filter(None, answers))
        if not named:
            return False
        most = max(named.values())
        if named.get(self._primary or ("", 0)) != most:  # where they are divided, nothing changes
            before, self._primary = self._primary, max(named, key=lambda each: named[each])
            if before is not None:
                log.warning("the store's primary is now %s:%d (was %s:%d)", *self._primary, *before)
        return True

    def _known(self, key: str) -> Address:
        if self._primary is None:
            # These words tell `calls` that nothing was sent.
            raise RedisConnectionError(
                f"connecting to the primary of {self._service!r}: no sentinel knows it"
            )
        return self._primary

    def _all(self) -> list[Address]:
        return [self._known("")]


class Slots(Primaries):
    """The primary that has a key's slot in a cluster."""

    def __init__(self, address: StoreAddress) -> None:
        super().__init__()
        self._start = address.nodes
        self._sign_in = (address.username, address.password, address.tls)
        self._owners: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        self._answered: Address | None = None
        """Who is asked first: one that stands still would keep everybody waiting."""

    def moved(self, error: MovedError) -> None:
        # An empty host means: the one that was asked, which only asking again can tell.
        if error.host:
            self._owners[error.slot_id] = (error.host, error.port)
        else:
            self.doubt()

    async def _ask(self) -> bool:
        for node in dict.fromkeys(filter(None, [self._answered, *self._owners, *self._start])):
            questioner = _questioner(node, *self._sign_in)
            try:
                said = await _answer(questioner, "CLUSTER", "SLOTS")
            finally:
                await questioner.aclose()
            if said:
                self._note(said, node[0])
                self._answered = node
                return True
        return False

    def _note(self, said: Sequence[Any], host_asked: str) -> None:
        owners: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, primary, *_ in said:
            owner = (_text(primary[0]) or host_asked, int(primary[1]))
            owners[first : last + 1] = [owner] * (last + 1 - first)
        self._owners = owners

    def _known(self, key: str) -> Address:
        owner = self._owners[key_slot(key.encode())]
        if owner is None:
            self.doubt()
            raise RedisConnectionError("connecting to the cluster: no server has the slot")
        return owner

    def _all(self) -> list[Address]:
        if not any(self._owners):
            raise RedisConnectionError("connecting to the cluster: no server answers")
        return list(dict.fromkeys(filter(None, self._owners)))


def _questioner(
    node: Address, username: str | None = None, password: str | None = None, tls: bool = False
) -> Redis:
    return Redis(
        host=node[0],
        port=node[1],
        username=username,
        password=password,
        ssl=tls,
        socket_timeout=None,
        socket_connect_timeout=ASK_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


async def _answer(server: Any, *question: str) -> Any:
    """What a server answers; ``None`` when it does not in time, or cannot."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            return await server.execute_command(*question)
    except (RedisError, OSError, TimeoutError) as error:
        log.debug("no word about the store's primary: %s", error)
        return None


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
