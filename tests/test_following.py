"""Following the streams over connections of its own."""

import asyncio

from capacity.board import Board, EmbeddedServer
from tests.support.board_model import opened, reading, until

CALLERS = 40
"""More than the board has connections for calls."""


async def test_boards_are_followed_while_every_connection_for_calls_is_taken(
    board: Board, valkey_server: EmbeddedServer
) -> None:
    await board.apply("c", [reading("u", 1)])
    async with opened(valkey_server.url) as busy:
        client = busy._store.at("nothing")
        waiting = [
            asyncio.ensure_future(client.blpop(["nothing"], timeout=5)) for _ in range(CALLERS)
        ]
        await until(lambda: taken(client) == client.connection_pool.max_connections)

        cursor = await busy.cursor("c")
        snapshot = await busy.snapshot("c")
        found = await busy.wait_for_changes({"c": "0-0"}, 0.5)

        assert cursor == snapshot.cursor
        assert [change.unit for change in found["c"]] == ["u"]
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def taken(client: object) -> int:
    """How many connections are in use."""
    return len(client.connection_pool._in_use_connections)  # type: ignore[attr-defined]
