"""Signing in: passwords, codes, sessions and their ends; and what attackers try."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pyotp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from capacity.board import Board, EmbeddedServer
from capacity.instants import utc_now
from tests.support.board_model import until
from tests.support.people import PASSWORD, Person, account_for, csrf_in, signed_in
from tests.support.service import Service, running, settings_for
from tests.support.stopwatch import stopwatch
from web.auth import passwords, second_factor
from web.auth.cookies import PLAIN
from web.key_kinds import KeyKind

HOSPITAL = "regionshospitalet-randers"


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


async def try_in(service: Service, login: str, password: str, code: str = "") -> httpx.Response:
    """One try at the form by a browser that nobody knows."""
    async with httpx.AsyncClient(base_url=service.base, timeout=30) as client:
        csrf = csrf_in((await client.get("/sign-in")).text)
        form = {"login": login, "password": password, "code": code, "csrf": csrf}
        return await client.post("/sign-in", data=form)


async def wait_until_refused(client: httpx.AsyncClient) -> None:
    """A process remembers a session that it found for a moment."""

    async def is_refused() -> bool:
        return (await client.get("/api/v1/board/randers")).status_code == 401

    await until(is_refused)


async def test_a_visitator_sees_the_cluster_of_her_hospital_and_no_other(service: Service) -> None:
    account = await account_for(service, "visitator", organisation=HOSPITAL)
    async with signed_in(service, account) as person:
        client = person.client
        assert (await client.get("/api/v1/board/randers")).status_code == 200
        assert (await client.get("/api/v1/board/horsens")).status_code == 403
        assert (await client.get("/board/randers")).status_code == 200
        assert (await client.get("/operator")).status_code == 403
        assert (await client.get("/metrics")).status_code == 403
        cookies = {"Cookie": f"{PLAIN}={client.cookies[PLAIN]}"}
        async with connect(f"{service.live}/randers", additional_headers=cookies) as socket:
            assert '"snapshot"' in str(await socket.recv())
        with pytest.raises(InvalidStatus):
            await connect(f"{service.live}/horsens", additional_headers=cookies)


async def test_what_does_not_match_is_told_in_one_way(service: Service) -> None:
    account = await account_for(service, "visitator", login="nurse-1", organisation=HOSPITAL)
    answers = [
        await try_in(service, "nurse-1", "wrong"),
        await try_in(service, "nobody-here", PASSWORD),
    ]
    await service.services.door.people.change(account.id, disabled_at=utc_now())
    answers.append(await try_in(service, "nurse-1", PASSWORD))
    for answer in answers:
        assert answer.status_code == 401
        assert "passer ikke" in answer.text
        assert "set-cookie" not in answer.headers


async def test_failed_tries_are_delayed_and_a_right_one_forgets_them(
    service: Service, clock: HandClock
) -> None:
    await account_for(service, "visitator", login="nurse-1", organisation=HOSPITAL)
    for _ in range(5):
        assert (await try_in(service, "nurse-1", "wrong")).status_code == 401
    delayed = await try_in(service, "nurse-1", PASSWORD)
    assert delayed.status_code == 429
    assert "For mange forsøg" in delayed.text
    clock.ahead += timedelta(seconds=3)
    assert (await try_in(service, "nurse-1", PASSWORD)).status_code == 303
    assert (await try_in(service, "nurse-1", "wrong")).status_code == 401


async def test_one_address_may_not_try_for_ever(service: Service) -> None:
    statuses = [(await try_in(service, f"guess-{n}", "x")).status_code for n in range(22)]
    assert statuses[:20] == [401] * 20
    assert statuses[-1] == 429


async def test_a_code_is_asked_for_and_good_once(service: Service, clock: HandClock) -> None:
    account = await account_for(service, "visitator", login="nurse-1", organisation=HOSPITAL)
    secret = second_factor.new_secret()
    await service.services.door.people.change(account.id, totp_secret=secret)
    code = pyotp.TOTP(secret).at(clock())
    assert (await try_in(service, "nurse-1", PASSWORD)).status_code == 401
    assert (await try_in(service, "nurse-1", PASSWORD, "000000")).status_code == 401
    assert (await try_in(service, "nurse-1", PASSWORD, code)).status_code == 303
    assert (await try_in(service, "nurse-1", PASSWORD, code)).status_code == 401
    clock.ahead += timedelta(seconds=30)
    following = pyotp.TOTP(secret).at(clock())
    assert (await try_in(service, "nurse-1", PASSWORD, following)).status_code == 303


async def test_a_form_from_elsewhere_signs_nobody_in(service: Service) -> None:
    await account_for(service, "visitator", login="nurse-1", organisation=HOSPITAL)
    form = {"login": "nurse-1", "password": PASSWORD}
    assert (await service.client.post("/sign-in", data=form)).status_code == 403
    form["csrf"] = csrf_in((await service.client.get("/sign-in")).text)
    evil = {"Origin": "https://evil.example"}
    answer = await service.client.post("/sign-in", data=form, headers=evil)
    assert answer.status_code == 403


async def test_a_planted_session_is_worth_nothing_after_signing_in(service: Service) -> None:
    account = await account_for(service, "visitator", organisation=HOSPITAL)
    async with (
        signed_in(service, account) as attacker,
        httpx.AsyncClient(base_url=service.base, timeout=30) as victim,
    ):
        planted = attacker.client.cookies[PLAIN]
        victim.cookies.set(PLAIN, planted)
        csrf = csrf_in((await victim.get("/sign-in")).text)
        form = {"login": account.login or "", "password": PASSWORD, "csrf": csrf}
        answer = await victim.post("/sign-in", data=form)
        assert answer.status_code == 303
        assert planted not in answer.headers["Set-Cookie"]
        await wait_until_refused(attacker.client)


async def test_a_made_up_token_opens_nothing(service: Service) -> None:
    await account_for(service, "visitator", organisation=HOSPITAL)
    for token in ("", "x", "../../etc", "s_1", "\u00e6".encode().decode("latin-1")):
        answer = await service.client.get(
            "/api/v1/board/randers", headers={b"Cookie": f"{PLAIN}={token}".encode("latin-1")}
        )
        assert answer.status_code == 401


async def test_a_session_ends_by_idleness_and_by_age(service: Service, clock: HandClock) -> None:
    account = await account_for(service, "visitator", organisation=HOSPITAL)
    async with signed_in(service, account) as person:
        client = person.client
        for _ in range(11):
            clock.ahead += timedelta(minutes=59)
            assert (await client.get("/api/v1/board/randers")).status_code == 200
        clock.ahead += timedelta(minutes=72)
        await wait_until_refused(client)
    async with signed_in(service, account) as person:
        client = person.client
        clock.ahead += timedelta(minutes=62)
        await wait_until_refused(client)


async def test_a_token_is_exchanged_every_hour_and_the_old_one_fades(
    service: Service, clock: HandClock
) -> None:
    account = await account_for(service, "visitator", organisation=HOSPITAL)
    async with signed_in(service, account) as person:
        client = person.client
        old = client.cookies[PLAIN]
        for minutes in (40, 30):
            clock.ahead += timedelta(minutes=minutes)
            answer = await client.get("/api/v1/board/randers")
            assert answer.status_code == 200
        assert client.cookies[PLAIN] != old
        assert len(await service.services.door.sessions.of(account.id)) == 1
        assert (await client.get("/api/v1/board/randers")).status_code == 200


async def end_of(socket: ClientConnection) -> int | None:
    """The close code that a socket ends with, whatever comes before."""
    with contextlib.suppress(ConnectionClosedError):
        async for _ in socket:
            pass
    return socket.close_code


def live_of(service: Service, person: Person) -> connect:
    """The live channel with a person's cookie."""
    cookies = {"Cookie": f"{PLAIN}={person.client.cookies[PLAIN]}"}
    return connect(f"{service.live}/randers", additional_headers=cookies)


async def test_ending_a_session_closes_its_sockets_within_five_seconds(service: Service) -> None:
    account = await account_for(service, "visitator", organisation=HOSPITAL)
    async with signed_in(service, account) as person, live_of(service, person) as socket:
        client = person.client
        assert (await client.post("/sign-out", data={"csrf": person.csrf})).status_code == 303
        with stopwatch() as watch:
            assert await end_of(socket) == 4401
        assert watch.seconds < 5
        assert (await client.get("/api/v1/board/randers")).status_code == 401


async def test_a_revoked_wall_link_ends_its_screens(service: Service) -> None:
    ring = service.services.access.keys
    link = ring.make(KeyKind.BOARD, "randers", utc_now(), label="wall in the acute department")
    async with httpx.AsyncClient(base_url=service.base, timeout=30) as screen:
        assert (await screen.get(f"/wall-link/{link}")).status_code == 303
        assert (await screen.get("/wall/randers")).status_code == 200
        cookies = {"Cookie": f"{PLAIN}={screen.cookies[PLAIN]}"}
        bearer = {"Authorization": f"Bearer {link}"}
        async with (
            connect(f"{service.live}/randers", additional_headers=cookies) as shown,
            connect(f"{service.live}/randers", additional_headers=bearer) as program,
        ):
            ring.revoke(ring.all()[0].id, utc_now())
            with stopwatch() as watch:
                assert await end_of(shown) == 4403
                assert await end_of(program) == 4403
            assert watch.seconds < 5
        assert (await screen.get("/wall/randers")).status_code in (303, 403)


async def test_a_set_up_link_lets_its_owner_choose_a_password_once(service: Service) -> None:
    from capacity.people import NewAccount

    wanted = NewAccount(role="visitator", login="new-nurse", organisation=HOSPITAL)
    _, token = await service.services.door.people.create(wanted)
    address = f"/set-up/{token}"
    async with httpx.AsyncClient(base_url=service.base, timeout=30) as client:
        csrf = csrf_in((await client.get(address)).text)
        for bad, word in (
            ("short", "for kort"),
            ("new-nurse new-nurse", "brugernavnet"),
            ("passwordpassword1", "for almindelig"),
        ):
            form = {"password": bad, "repeat": bad, "csrf": csrf}
            answer = await client.post(address, data=form)
            assert answer.status_code == 422
            assert word in answer.text
        form = {"password": PASSWORD, "repeat": "another", "csrf": csrf}
        assert "ikke ens" in (await client.post(address, data=form)).text
        form["repeat"] = PASSWORD
        assert "er gemt" in (await client.post(address, data=form)).text
        assert "brugt eller udløbet" in (await client.post(address, data=form)).text
    assert (await try_in(service, "new-nurse", PASSWORD)).status_code == 303


async def test_who_signed_in_from_where_stands_on_the_trail_and_nothing_typed_does(
    service: Service,
) -> None:
    account = await account_for(service, "visitator", login="nurse-1", organisation=HOSPITAL)
    await try_in(service, "nurse-1", "my other secret")
    await try_in(service, "my secret typed as a login", PASSWORD)
    async with signed_in(service, account) as person:
        client = person.client
        await client.post("/sign-out", data={"csrf": person.csrf})
    await service.services.door.copier.copy()
    entries = (await service.services.door.people.audit_entries())[::-1]
    assert [(e.action, e.account) for e in entries] == [
        ("sign-in-failed", account.id),
        ("sign-in-failed", "unknown"),
        ("sign-in", account.id),
        ("sign-out", account.id),
    ]
    assert all(entry.address == "127.0.0.1" for entry in entries)
    assert "secret" not in str(entries)
    assert (await service.services.door.people.verify_audit()).fault is None


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("elleve tegn", "short"),
        ("tolv tegn ok", None),
        ("x" * 129, "long"),
        ("aaaaaaaaaaaa", "common"),
        ("Akutoverblik2026", "common"),
        ("min nurse-1 kode", "login"),
    ],
)
def test_what_a_password_may_be(password: str, fault: str | None) -> None:
    assert passwords.fault_of(password, "nurse-1") == fault
