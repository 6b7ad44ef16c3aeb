"""Addresses of the store: which are understood, and how wrong ones are refused."""

import pytest
from pydantic import ValidationError

from capacity.board import Board, BoardUnavailableError, UnconfirmedError
from capacity.settings import Settings
from capacity.store_address import StoreAddress, read_store_address, with_replicas
from tests.support.board_model import reading
from tests.support.topology import free_port

UNDERSTOOD = {
    "redis://host:6379/2": StoreAddress("single", single="redis://host:6379/2"),
    "unix:///run/s?db=1&replicas=2": StoreAddress("single", 2, single="unix:///run/s?db=1"),
    "rediss://u:p@host?replicas=1": StoreAddress("single", 1, single="rediss://u:p@host"),
    "redis+sentinel://a:1,b/board": StoreAddress(
        "sentinel", nodes=(("a", 1), ("b", 26379)), service="board"
    ),
    "rediss+sentinel://u:p%40%3A@[::1]:5,10.0.0.1/my%20board/3?replicas=1": StoreAddress(
        "sentinel",
        1,
        nodes=(("::1", 5), ("10.0.0.1", 26379)),
        service="my board",
        db=3,
        username="u",
        password="p@:",
        tls=True,
    ),
    "redis+cluster://:secret@a,b:7000": StoreAddress(
        "cluster", nodes=(("a", 6379), ("b", 7000)), password="secret"
    ),
    "valkey+cluster://a:1/": StoreAddress("cluster", nodes=(("a", 1),)),
}
WRONG = {
    "http://host": "begins with",
    "redis+sentinel://host:1": "name of the service",
    "redis+sentinel://host:1/": "name of the service",
    "redis+sentinel://host:1/board/x": "is a number",
    "redis+sentinel:///board": "host:port",
    "redis+cluster://a:1,,b:2": "host:port",
    "redis+cluster://a b": "host:port",
    "redis+cluster://a:1/1": "no numbered databases",
}


@pytest.mark.parametrize("url", UNDERSTOOD)
def test_an_address_is_understood(url: str) -> None:
    assert read_store_address(url) == UNDERSTOOD[url]


@pytest.mark.parametrize("url", WRONG)
def test_a_wrong_one_is_refused_at_start_without_being_repeated(url: str) -> None:
    secret = url.replace("://", "://user:word5@")
    with pytest.raises(ValueError, match=WRONG[url]) as caught:
        read_store_address(secret)
    assert "word5" not in str(caught.value)
    with pytest.raises(ValidationError, match="redis_url"):
        Settings(redis_url=url)


@pytest.mark.parametrize(
    ("url", "replicas", "wanted"),
    [
        ("redis://host", 0, "redis://host"),
        ("redis://host", 2, "redis://host?replicas=2"),
        ("unix:///s?db=1", 1, "unix:///s?db=1&replicas=1"),
        ("redis://host?replicas=2", 1, "redis://host?replicas=2"),
    ],
)
def test_an_address_carries_how_many_replicas_are_waited_for(
    url: str, replicas: int, wanted: str
) -> None:
    assert with_replicas(url, replicas) == wanted
    assert Settings(redis_url=url, redis_replicas=replicas).store_url == wanted


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
async def test_where_nobody_answers_nothing_was_done(kind: str) -> None:
    service = "/board" if kind == "sentinel" else ""
    board = Board(f"redis+{kind}://127.0.0.1:{free_port()},127.0.0.1:{free_port()}{service}")
    try:
        for asked in (board.start, board.ping, lambda: board.apply("c", [reading("u", 1)])):
            with pytest.raises(BoardUnavailableError, match="connecting to") as caught:
                await asked()
            assert not isinstance(caught.value, UnconfirmedError)
    finally:
        await board.stop()
