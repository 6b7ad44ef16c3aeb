"""Sessions in a real store of each kind: they begin, go on, get another token, and end."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from capacity.board.sessions import OVERLAP, TOUCH_EVERY, Lifetime, NewSession, Sessions
from tests.support.stores import EACH_KIND, StoreServer, program_of

HOUR = timedelta(hours=1)
WALL = Lifetime(HOUR * 1000, HOUR * 1000)
WANTED = NewSession("a1", "visitator", "hospital", ("randers",), 3, "password", "::1", "browser")


class Now:
    """A clock that is moved by hand; the store's own runs on."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture(scope="module", params=EACH_KIND)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreServer]:
    """A server of each kind."""
    server = StoreServer(tmp_path_factory.mktemp("store"), program_of(request.param))
    server.start()
    yield server
    server.close()


@pytest.fixture
def now() -> Now:
    """When it is."""
    return Now()


@pytest.fixture
async def sessions(server: StoreServer, now: Now) -> AsyncIterator[Sessions]:
    """No sessions yet; people's end after an hour of idleness, at the latest after twelve."""
    server.empty()
    sessions = Sessions(server.url, now, {"wall": WALL}, Lifetime(HOUR, 12 * HOUR))
    yield sessions
    await sessions.stop()


async def test_a_session_is_found_by_its_token_alone(sessions: Sessions) -> None:
    token = await sessions.begin(WANTED)
    found = await sessions.find(token)
    assert found is not None
    assert (found.account, found.clusters, found.stamp) == ("a1", ("randers",), 3)
    assert await sessions.find(token[:-1]) is None
    assert await sessions.find(found.id) is None


async def test_it_ends_by_idleness_and_by_age(sessions: Sessions, now: Now) -> None:
    idle, used = await sessions.begin(WANTED), await sessions.begin(WANTED)
    for _ in range(11):
        now.at += HOUR
        assert await sessions.find(used) is not None
    assert await sessions.find(idle) is None
    now.at += HOUR + TOUCH_EVERY
    assert await sessions.find(used) is None


async def test_a_role_has_a_lifetime_of_its_own(sessions: Sessions, now: Now) -> None:
    token = await sessions.begin(replace(WANTED, role="wall"))
    now.at += 500 * HOUR
    assert await sessions.find(token) is not None


async def test_a_new_token_takes_over_and_the_old_one_runs_out(
    sessions: Sessions, server: StoreServer
) -> None:
    old = await sessions.begin(WANTED)
    session = await sessions.find(old)
    assert session is not None
    new = await sessions.rotate(old, session)
    for token in (old, new):  # requests under way carry the old one
        found = await sessions.find(token)
        assert found is not None
        assert found.id == session.id
    assert [each.id for each in await sessions.of("a1")] == [session.id]
    keys = server.says("KEYS", "akutoverblik:{people}:session:*").split("\r\n")[2::2]
    left = sorted(int(server.says("PTTL", key)[1:]) for key in keys)
    assert left[0] <= OVERLAP / timedelta(milliseconds=1) < left[1]


async def test_ending_one_or_all_ends_every_token_of_them(sessions: Sessions) -> None:
    tokens = [await sessions.begin(WANTED) for _ in range(3)]
    other = await sessions.begin(replace(WANTED, account="a2"))
    first = await sessions.find(tokens[0])
    assert first is not None
    tokens.append(await sessions.rotate(tokens[0], first))
    assert await sessions.end("a1", first.id) == 2
    assert set(await sessions.still_on([*tokens, other])) == {tokens[1], tokens[2], other}
    assert await sessions.end("a1") == 2
    assert await sessions.end("a1") == 0
    assert set(await sessions.still_on([*tokens, other])) == {other}


async def test_one_that_was_ended_does_not_come_back_by_being_used(
    sessions: Sessions, now: Now
) -> None:
    token = await sessions.begin(WANTED)
    session = await sessions.find(token)
    assert session is not None
    await sessions.end("a1")
    now.at += 2 * TOUCH_EVERY
    await sessions._note_use(session, session.id)
    assert await sessions.still_on([token]) == {}
    assert await sessions.of("a1") == []
