"""One's own account: where one is signed in, one-time codes, the password; and who is shown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pyotp
import pytest

from capacity.board import Board, EmbeddedServer
from tests.support.people import PASSWORD, Person, account_for, csrf_in, signed_in
from tests.support.service import Service, running, settings_for
from tests.support.walking import trail
from web.auth.cookies import PLAIN
from web.key_kinds import KeyKind

HOSPITAL = "regionshospitalet-randers"
ANOTHER = "quite another sentence"
PNG = b"\x89PNG\r\n\x1a\n"


class HandClock:
    """Real time, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, clock: HandClock
) -> AsyncIterator[Service]:
    settings = settings_for(tmp_path, valkey_server.url)
    async with running(settings, demo=False, clock=clock) as service:
        yield service


@pytest.fixture
async def person(service: Service) -> AsyncIterator[Person]:
    account = await account_for(service, "visitator", login="visitator-1", organisation=HOSPITAL)
    async with signed_in(service, account) as person:
        yield person


async def post(person: Person, path: str, **form: str) -> httpx.Response:
    """Send a form of the page as it is now: the session may be another by then."""
    page = await person.client.get("/account")
    return await person.client.post(path, data={"csrf": csrf_in(page.text), **form})


async def sign_in(service: Service, password: str, code: str = "") -> httpx.Response:
    """One try at the form by a browser that nobody knows."""
    async with httpx.AsyncClient(base_url=service.base, timeout=30) as client:
        csrf = csrf_in((await client.get("/sign-in")).text)
        form = {"login": "visitator-1", "password": password, "code": code, "csrf": csrf}
        return await client.post("/sign-in", data=form)


async def test_the_page_says_who_and_where_and_ends_other_sessions(
    service: Service, person: Person
) -> None:
    async with signed_in(service, person.account) as elsewhere:
        page = (await person.client.get("/account")).text
        for said in ("visitator-1", "Visitator", "Regionshospitalet Randers", person.account.id):
            assert said in page
        assert page.count("denne browser") == 1
        other = service.services.door.sessions
        ids = [each.id for each in await other.of(person.account.id)]
        assert len(ids) == 2
        away = next(each for each in ids if f"/account/sessions/{each}/end" in page)
        answer = await post(person, f"/account/sessions/{away}/end")
        assert answer.headers["Location"] == "/account?did=session-end"
        assert [each.id for each in await other.of(person.account.id)] != ids
        assert elsewhere.client.cookies[PLAIN]
    assert (await person.client.get("/account")).status_code == 200
    assert [entry.subject for entry in await trail(service, action="session-end")] == [away]


async def test_a_session_of_somebody_else_cannot_be_ended(service: Service, person: Person) -> None:
    another = await account_for(service, "visitator", login="another", organisation=HOSPITAL)
    async with signed_in(service, another) as other:
        (session,) = await service.services.door.sessions.of(another.id)
        answer = await post(person, f"/account/sessions/{session.id}/end")
        assert answer.status_code == 404
        assert (await other.client.get("/api/v1/board/randers")).status_code == 200
        assert await trail(service, action="session-end") == []


async def test_a_password_is_changed_by_whoever_knows_it_and_ends_other_sessions(
    service: Service, person: Person
) -> None:
    async with signed_in(service, person.account):
        form = {"password": ANOTHER, "repeat": ANOTHER}
        wrong = await post(person, "/account/password", present="a guess", **form)
        assert wrong.status_code == 422
        assert "passer ikke" in wrong.text
        short = {"password": "short", "repeat": "short"}
        assert (
            "for kort" in (await post(person, "/account/password", present=PASSWORD, **short)).text
        )
        before = person.client.cookies[PLAIN]
        done = await post(person, "/account/password", present=PASSWORD, **form)
        assert done.headers["Location"] == "/account?did=password"
        assert person.client.cookies[PLAIN] != before
        assert len(await service.services.door.sessions.of(person.account.id)) == 1
    assert "er skiftet" in (await person.client.get("/account?did=password")).text
    assert (await sign_in(service, PASSWORD)).status_code == 401
    assert (await sign_in(service, ANOTHER)).status_code == 303
    entries = await trail(service, action="password")
    assert [entry.account for entry in entries] == [person.account.id]
    assert "sentence" not in str(await trail(service))


async def test_guessing_the_password_of_a_session_left_open_is_slowed_down(
    service: Service, person: Person
) -> None:
    form = {"password": ANOTHER, "repeat": ANOTHER}
    tries = [
        await post(person, "/account/password", present=f"guess {n}", **form) for n in range(11)
    ]
    assert [answer.status_code for answer in tries] == [422] * 10 + [429]
    right = await post(person, "/account/password", present=PASSWORD, **form)
    assert right.status_code == 429
    assert (await sign_in(service, PASSWORD)).status_code == 303


async def test_codes_are_turned_on_with_a_picture_and_off_with_the_password(
    service: Service, person: Person, clock: HandClock
) -> None:
    client = person.client
    assert (await client.get("/account/code.png")).status_code == 404
    assert (await client.get("/account/code")).headers["Location"] == "/account"
    assert (await post(person, "/account/code", present="a guess")).status_code == 422
    begun = await post(person, "/account/code", present=PASSWORD)
    assert begun.headers["Location"] == "/account/code"
    page = (await client.get("/account/code")).text
    picture = await client.get("/account/code.png")
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(PNG)
    assert picture.headers["Cache-Control"] == "no-store"
    secret = page.split('class="secret">')[1].split("<")[0].replace(" ", "")
    assert "passer ikke" in (await post(person, "/account/code/on", code="000000")).text
    assert (await service.services.door.people.account(person.account.id)).totp_secret is None
    code = pyotp.TOTP(secret).at(clock())
    done = await post(person, "/account/code/on", code=code)
    assert done.headers["Location"] == "/account?did=code-on"
    assert (await client.get("/account/code.png")).status_code == 404
    assert (await sign_in(service, PASSWORD)).status_code == 401
    assert (await sign_in(service, PASSWORD, code)).status_code == 401, "it was used already"
    clock.ahead += timedelta(seconds=60)
    following = pyotp.TOTP(secret).at(clock())
    assert (await sign_in(service, PASSWORD, following)).status_code == 303
    assert (await post(person, "/account/code/off", present="a guess")).status_code == 422
    off = await post(person, "/account/code/off", present=PASSWORD)
    assert off.headers["Location"] == "/account?did=code-off"
    assert (await sign_in(service, PASSWORD)).status_code == 303
    actions = [entry.action for entry in await trail(service, account=person.account.id)]
    assert actions.count("code-on") == actions.count("code-off") == 1
    assert secret not in str(await trail(service))


async def test_the_page_is_for_people_who_are_signed_in(service: Service, person: Person) -> None:
    ring = service.services.access.keys
    bearer = {"Authorization": f"Bearer {ring.make(KeyKind.OPERATOR, 'all', datetime.now(UTC))}"}
    for path in ("/account", "/account/code"):
        sent = await service.client.get(path)
        assert sent.headers["Location"] == f"/sign-in?next={path}"
        assert (await service.client.get(path, headers=bearer)).status_code == 303
    assert (await service.client.get("/account/code.png")).status_code == 401
    link = ring.make(KeyKind.BOARD, "randers", datetime.now(UTC))
    async with httpx.AsyncClient(base_url=service.base, timeout=30) as screen:
        await screen.get(f"/wall-link/{link}")
        assert (await screen.get("/account")).status_code == 303
    form = {"present": PASSWORD, "password": ANOTHER, "repeat": ANOTHER}
    assert (await person.client.post("/account/password", data=form)).status_code == 403


async def test_the_head_of_each_page_says_who_is_signed_in_and_leads_out(
    service: Service, person: Person
) -> None:
    client = person.client
    for path in ("/board/randers", "/account"):
        page = (await client.get(path)).text
        assert f'data-visitor="{person.account.id}"' in page, path
        assert 'action="/sign-out"' in page, path
        assert 'href="/account"' in page, path
    assert "Kommunal" not in page
    answer = await client.post("/sign-out", data={"csrf": csrf_in(page)})
    assert answer.headers["Location"] == "/sign-in?out=1"
    assert "data-visitor" not in (await client.get("/sign-in")).text


async def test_a_page_may_ask_who_is_signed_in_by_now(service: Service, person: Person) -> None:
    told = (await person.client.get("/api/v1/session")).json()
    assert told == {
        "account": person.account.id,
        "role": "visitator",
        "organisation": HOSPITAL,
        "clusters": ["randers"],
        "csrf": person.csrf,
    }
    assert (await service.client.get("/api/v1/session")).status_code == 401


async def test_rights_that_change_while_somebody_signs_in_are_not_kept(
    service: Service, person: Person
) -> None:
    """Whoever changes them ends the sessions that there are; the one about to begin is not yet."""
    from web.auth.signing_in import begin_session

    door = service.services.door
    stale = await door.people.account(person.account.id)
    await door.people.change(stale.id, role="operator", organisation=None)
    await door.sessions.end(stale.id)
    from starlette.requests import Request

    scope = {
        "type": "http", "method": "POST", "path": "/sign-in", "headers": [], "query_string": b"",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1), "scheme": "http", "state": {},
    }  # fmt: skip
    answer = await begin_session(service.services, Request(scope), stale, "password", "/")
    assert answer.headers["Location"] == "/sign-in"
    assert "set-cookie" not in answer.headers
    assert await door.sessions.of(stale.id) == []
