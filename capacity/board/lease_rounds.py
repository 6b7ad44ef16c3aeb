"""Leases that are asked for at the same moment, in one call to each server.

A process that runs the feeds of a hundred clusters renews a hundred leases every two seconds, and
a call for each was half of all it did at rest. Whoever asks here within `GATHER` seconds of
another shares a round with it. Each lease is still taken, renewed or refused for itself, and a
server that does not answer is waited for by those only whose leases are there.

In a Valkey/Redis Cluster every lease lies in a slot of its own, which one call cannot reach across:
there the calls for one server go to it together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError, ResponseError

from capacity.board.calls import Argument, BoardUnavailableError, asking
from capacity.board.connection import SOCKET_TIMEOUT, Store, function

GATHER = 0.01
"""Seconds for which a round is open to others: next to nothing of a lease."""

Call = Callable[[str, Sequence[str], Sequence[Argument]], Awaitable[Any]]
_Waiting = tuple[str, "asyncio.Future[Any]"]


class Rounds:
    """Asks `function_name` about keys, with the same arguments for all of them.

    The function takes any number of keys of one slot, and replies with a list of as many answers.
    `call` asks it with keys of one server, and repeats what may be repeated.
    """

    def __init__(self, store: Store, function_name: str, call: Call) -> None:
        self._store = store
        self._function = function_name
        self._call = call
        self._open: dict[tuple[Argument, ...], list[_Waiting]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def ask(self, key: str, arguments: tuple[Argument, ...]) -> Any:
        """The answer for one key; raises `BoardUnavailableError`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        waiting = self._open.setdefault(arguments, [])
        waiting.append((key, answer))
        if len(waiting) == 1:
            loop.call_later(GATHER, self._begin, arguments)
        return await answer

    async def settled(self) -> None:
        """Return when nothing that was asked can have an effect any more, or after a while."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=SOCKET_TIMEOUT)

    def _begin(self, arguments: tuple[Argument, ...]) -> None:
        # Whoever was cancelled meanwhile may have given its lease up: it must not be taken again.
        waiting = [each for each in self._open.pop(arguments) if not each[1].done()]
        if waiting:
            round_ = asyncio.create_task(self._run(waiting, arguments), name="leases")
            self._under_way.add(round_)
            round_.add_done_callback(self._under_way.discard)

    async def _run(self, waiting: list[_Waiting], arguments: Sequence[Argument]) -> None:
        asked: dict[str, list[asyncio.Future[Any]]] = {}
        for key, answer in waiting:
            asked.setdefault(key, []).append(answer)
        try:
            async with asking():
                groups = await self._store.by_server(asked)
        except BoardUnavailableError as error:
            _refuse(asked, asked, error)
            return
        one_server = self._of_one_slot if not self._store.is_cluster else self._of_many_slots
        await asyncio.gather(*(self._served(one_server, keys, asked, arguments) for keys in groups))

    async def _served(
        self,
        ask: Callable[[Sequence[str], Sequence[Argument]], Awaitable[Sequence[Any]]],
        keys: Sequence[str],
        asked: Mapping[str, list["asyncio.Future[Any]"]],
        arguments: Sequence[Argument],
    ) -> None:
        """Ask one server, and tell those who wait for it."""
        try:
            answers = await ask(keys, arguments)
        except BoardUnavailableError as error:
            _refuse(keys, asked, error)
            return
        for key, answer in zip(keys, answers, strict=True):
            for waits in asked[key]:
                _tell(waits, answer)

    async def _of_one_slot(
        self, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Sequence[Any]:
        answers: Sequence[Any] = await self._call(self._function, keys, arguments)
        return answers

    async def _of_many_slots(
        self, keys: Sequence[str], arguments: Sequence[Argument]
    ) -> Sequence[Any]:
        """What was refused, as its slot has moved or the server lacks the function, goes its own
        way, which follows the slot and puts the function back."""
        commands = [("FCALL", function(self._function), 1, key, *arguments) for key in keys]
        async with asking():
            replies = await self._store.ask_server(keys[0], commands)
        return await asyncio.gather(
            *(
                self._own_way(key, arguments, reply)
                for key, reply in zip(keys, replies, strict=True)
            )
        )

    async def _own_way(self, key: str, arguments: Sequence[Argument], reply: Any) -> Any:
        if isinstance(reply, ResponseError):
            try:
                reply = await self._call(self._function, [key], arguments)
            except BoardUnavailableError as error:
                return error
        if isinstance(reply, RedisError):
            return BoardUnavailableError(f"{type(reply).__name__}: {reply}")
        return reply[0]


def _refuse(
    keys: "Sequence[str] | Mapping[str, Any]",
    asked: Mapping[str, list["asyncio.Future[Any]"]],
    error: BoardUnavailableError,
) -> None:
    for key in keys:
        for waits in asked[key]:
            _tell(waits, error)


def _tell(waits: "asyncio.Future[Any]", answer: Any) -> None:
    if waits.done():  # cancelled
        return
    if isinstance(answer, Exception):
        waits.set_exception(answer)
    else:
        waits.set_result(answer)
