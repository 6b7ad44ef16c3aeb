"""Every address that changes something leaves an entry on the audit trail, or does nothing.

`WALK` has a request for every route that is no plain look, and for every export. A route that is in
the application and not here fails the test, and so does a request that leaves no entry: nobody can
forget it. Each request is first made while the trail cannot be written: it is answered with 503,
and that it did nothing is seen by the same request then doing it.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.board.audit import AuditTrail
from capacity.board.store import reading_of
from capacity.instants import format_instant, utc_now
from capacity.people import NewAccount
from capacity.row import digest_of, encode_row
from tests.support.board_model import until
from tests.support.board_page import row
from tests.support.people import PASSWORD, Person, account_for, csrf_in, signed_in
from tests.support.push_service import PushService, push_service
from tests.support.service import Service, running, settings_for
from tests.support.walking import changing, trail
from web.key_kinds import KeyKind

HOSPITAL, TOWN = "regionshospitalet-randers", "randers-kommune"
UNIT, SOURCE = "randers-akutplads-1", "randers-omsorg"
SOURCES = f"""
[[source]]
id = "{SOURCE}"
cluster = "randers"
format = "json"
transport = "push"
attribution = "Randers Kommune, omsorgsjournal"
expected_every = "5 min"
units = ["{UNIT}"]
"""
EXEMPT = {
    # What a source hands over is told by the feeds' health and by history.
    ("POST", "/api/v1/feeds/{source}"),
}
EXPORTS = {
    ("GET", "/api/v1/outcomes/{cluster}"),
    ("GET", "/api/v1/outcomes/{cluster}.csv"),
    ("GET", "/api/v1/ledger/{cluster}"),
    ("GET", "/api/v1/ledger/{cluster}.csv"),
    ("GET", "/api/v1/history/{cluster}/changes"),
    ("GET", "/api/v1/board/{cluster}"),
    ("GET", "/api/v1/indicators/{cluster}"),
    ("GET", "/api/v1/indicators/{cluster}/profile"),
    ("GET", "/api/v1/indicators/{cluster}/imports"),
    ("GET", "/operator/documents/{document}"),
    ("GET", "/admin/accounts/{account}/export"),
    ("GET", "/admin/audit/export"),
    ("GET", "/wall-link/{key}"),
}
"""Looks that are noted all the same: what is carried away, and a screen that is let in."""


@dataclass
class Walk:
    """What requests share: the service, who is signed in, what one finds that another made."""

    service: Service
    people: dict[str, Person] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    phones: PushService | None = None

    async def api(self, role: str, method: str, path: str, body: object = None) -> httpx.Response:
        """A request as a page's script sends it."""
        person = self.people[role]
        return await person.client.request(method, path, json=body, headers=person.headers)

    async def form(self, who: str, path: str, /, **data: str) -> httpx.Response:
        """A form as a page of the role has it."""
        person = self.people[who]
        token = (await person.client.get("/api/v1/session")).json()["csrf"]
        return await person.client.post(path, data={"csrf": token, **data})


Send = Callable[[Walk], Awaitable[httpx.Response]]
WALK: list[tuple[str, str, str, str, str, Send]] = []
"""Method, path, role, action, subject (a name in `Walk.found`, or itself), request; in order."""


def step(route: str, role: str, action: str, subject: str) -> Callable[[Send], Send]:
    """Adds a request to the walk."""
    method, _, path = route.partition(" ")

    def add(send: Send) -> Send:
        WALK.append((method, path, role, action, subject, send))
        return send

    return add


HOLDS, MOVES = "POST /api/v1/holds/{cluster}", "POST /api/v1/holds/{cluster}/{hold}/{action}"


@step(HOLDS, "visitator", "hold-ask", UNIT)
async def ask(walk: Walk) -> httpx.Response:
    answer = await walk.api("visitator", "POST", "/api/v1/holds/randers", {"unit": UNIT})
    if answer.status_code == 201:
        walk.found["hold"] = answer.json()["hold"]["id"]
    return answer


def move(action: str, role: str) -> Send:
    async def send(walk: Walk) -> httpx.Response:
        path = f"/api/v1/holds/randers/{walk.found['hold']}/{action}"
        return await walk.api(role, "POST", path, {})

    return send


step(MOVES, "municipal_staff", "hold-accept", "hold")(move("accept", "municipal_staff"))
step(MOVES, "municipal_staff", "hold-release", "hold")(move("release", "municipal_staff"))
step(HOLDS, "visitator", "hold-ask", UNIT)(ask)
step(MOVES, "municipal_staff", "hold-decline", "hold")(move("decline", "municipal_staff"))
step(HOLDS, "visitator", "hold-ask", UNIT)(ask)
step(MOVES, "visitator", "hold-cancel", "hold")(move("cancel", "visitator"))
step(HOLDS, "visitator", "hold-ask", UNIT)(ask)
step(MOVES, "visitator", "hold-fill", "hold")(move("fill", "visitator"))


@step("POST /api/v1/units/{unit}/report", "municipal_staff", "report", UNIT)
async def report(walk: Walk) -> httpx.Response:
    return await walk.api("municipal_staff", "POST", f"/api/v1/units/{UNIT}/report", {"free": 1})


@step("POST /api/v1/outcomes/{cluster}", "visitator", "outcome-log", "randers")
async def log_outcome(walk: Walk) -> httpx.Response:
    body = {"outcome": "other"}
    answer = await walk.api("visitator", "POST", "/api/v1/outcomes/randers", body)
    if answer.status_code == 201:
        walk.found["outcome"] = answer.json()["outcome"]["id"]
    return answer


CORRECT = "POST /api/v1/outcomes/{cluster}/{outcome}/correct"


@step(CORRECT, "visitator", "outcome-correct", "outcome")
async def correct(walk: Walk) -> httpx.Response:
    path = f"/api/v1/outcomes/randers/{walk.found['outcome']}/correct"
    return await walk.api("visitator", "POST", path, {"outcome": "admitted_none_free"})


@step("GET /api/v1/outcomes/{cluster}", "coordinator", "outcome-export", "randers")
async def outcomes(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "GET", "/api/v1/outcomes/randers")


@step("GET /api/v1/outcomes/{cluster}.csv", "coordinator", "outcome-export", "randers")
async def outcomes_csv(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "GET", "/api/v1/outcomes/randers.csv")


@step("GET /api/v1/ledger/{cluster}", "coordinator", "ledger-export", "randers")
async def ledger(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "GET", "/api/v1/ledger/randers")


@step("GET /api/v1/history/{cluster}/changes", "coordinator", "history-export", "randers")
async def changes_table(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "GET", "/api/v1/history/randers/changes?format=csv")


@step("GET /api/v1/indicators/{cluster}", "coordinator", "indicator-export", "randers")
async def indicators_table(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "GET", "/api/v1/indicators/randers?format=xlsx")


@step("GET /api/v1/indicators/{cluster}/profile", "coordinator", "indicator-export", "randers")
async def profile_table(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "GET", "/api/v1/indicators/randers/profile?format=csv")


@step("GET /api/v1/indicators/{cluster}/imports", "coordinator", "indicator-export", "randers")
async def imports_table(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "GET", "/api/v1/indicators/randers/imports?format=csv")


@step("GET /api/v1/board/{cluster}", "coordinator", "board-export", "randers")
async def board_table(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "GET", "/api/v1/board/randers?format=csv")


@step("GET /api/v1/ledger/{cluster}.csv", "coordinator", "ledger-export", "randers")
async def ledger_csv(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "GET", "/api/v1/ledger/randers.csv")


@step("POST /ledger/{cluster}/comment", "coordinator", "ledger-comment", "outcome")
async def comment(walk: Walk) -> httpx.Response:
    outcome = walk.found["outcome"]
    said = {"outcome": outcome, "request": f"{'0' * 16}-{outcome}", "text": "Set igennem."}
    return await walk.form("coordinator", "/ledger/randers/comment", **said)


@step("POST /api/v1/surge/{cluster}", "coordinator", "surge-override", "randers")
async def override(walk: Walk) -> httpx.Response:
    until = format_instant(utc_now() + timedelta(hours=1))
    body = {"level": 2, "reason": "told at the morning meeting", "until": until}
    return await walk.api("coordinator", "POST", "/api/v1/surge/randers", body)


@step("DELETE /api/v1/surge/{cluster}", "coordinator", "surge-lift", "randers")
async def lift(walk: Walk) -> httpx.Response:
    return await walk.api("coordinator", "DELETE", "/api/v1/surge/randers")


FIGURES = "indicator;municipality;period;numerator;denominator;source\n"
IMPORTS = "/indicators/randers/imports"


async def hand_in(walk: Walk, path: str, row: str) -> httpx.Response:
    """A register's file as the form sends it."""
    person = walk.people["coordinator"]
    token = (await person.client.get("/api/v1/session")).json()["csrf"]
    file = ("file.csv", (FIGURES + row).encode(), "text/csv")
    return await person.client.post(
        path, data={"csrf": token}, files={"file": file}, headers={"X-CSRF-Token": token}
    )


@step("POST /indicators/{cluster}/imports", "coordinator", "figures-import", "randers")
async def import_figures(walk: Walk) -> httpx.Response:
    return await hand_in(walk, IMPORTS, "acute_admissions;0730;2026-01;812;98000;LPR")


@step("POST /api/v1/indicators/{cluster}/imports", "coordinator", "figures-import", "randers")
async def import_figures_by_api(walk: Walk) -> httpx.Response:
    answer = await hand_in(walk, f"/api/v1{IMPORTS}", "acute_admissions;0730;2026-02;800;98000;LPR")
    if answer.status_code == 200:
        assert answer.json()["new"] == 1, "a refused request must have brought nothing in"
    return answer


SIGN = "POST /indicators/{cluster}/imports/{action}"


def sign(action: str) -> Send:
    async def send(walk: Walk) -> httpx.Response:
        return await walk.form("coordinator", f"{IMPORTS}/{action}", id="1")

    return send


step(SIGN, "coordinator", "figures-check", "randers")(sign("check"))
step(SIGN, "coordinator", "figures-approve", "randers")(sign("approve"))


@step("POST /indicators/{cluster}/changes", "coordinator", "annotation-write", "randers")
async def annotate(walk: Walk) -> httpx.Response:
    said = {"request": "0" * 32, "text": "Start", "day": "2026-01-05", "effect": "rebase"}
    return await walk.form("coordinator", "/indicators/randers/changes", **said)


PUSH = f"/api/v1/units/{UNIT}/push"


@step("POST /api/v1/units/{unit}/push", "municipal_staff", "push-subscribe", UNIT)
async def subscribe(walk: Walk) -> httpx.Response:
    assert walk.phones is not None
    phone = walk.phones.phone("a").as_json()
    answer = await walk.api("municipal_staff", "POST", PUSH, phone)
    if answer.status_code == 201:
        walk.found["phone"] = answer.json()["subscription"]["id"]
    return answer


@step("POST /api/v1/units/{unit}/push/{subscription}/test", "municipal_staff", "push-test", UNIT)
async def try_push(walk: Walk) -> httpx.Response:
    return await walk.api("municipal_staff", "POST", f"{PUSH}/{walk.found['phone']}/test")


UNSUBSCRIBE = "DELETE /api/v1/units/{unit}/push/{subscription}"


@step(UNSUBSCRIBE, "municipal_staff", "push-unsubscribe", UNIT)
async def unsubscribe(walk: Walk) -> httpx.Response:
    return await walk.api("municipal_staff", "DELETE", f"{PUSH}/{walk.found['phone']}")


@step("GET /operator/documents/{document}", "operator", "quarantine-download", "document")
async def download(walk: Walk) -> httpx.Response:
    return await walk.api("operator", "GET", f"/operator/documents/{walk.found['document']}")


@step("POST /operator/{source}/replay", "operator", "quarantine-replay", SOURCE)
async def replay(walk: Walk) -> httpx.Response:
    chosen = {"id": walk.found["entry"], "by": "operator on duty"}
    return await walk.form("operator", f"/operator/{SOURCE}/replay", **chosen)


@step("POST /operator/{source}/dismiss", "operator", "quarantine-dismiss", SOURCE)
async def dismiss(walk: Walk) -> httpx.Response:
    chosen = {"id": walk.found["entry"], "by": "operator on duty"}
    return await walk.form("operator", f"/operator/{SOURCE}/dismiss", **chosen)


@step("POST /admin/accounts", "administrator", "account-new", "account")
async def new_account(walk: Walk) -> httpx.Response:
    form = {"login": "fresh", "role": "operator"}
    answer = await walk.form("administrator", "/admin/accounts", **form)
    account = await walk.service.services.door.people.by_login("fresh")
    if account is not None:
        walk.found["account"] = account.id
    return answer


ACCOUNT = "POST /admin/accounts/{account}/{action}"


def act(action: str, **form: str) -> Send:
    async def send(walk: Walk) -> httpx.Response:
        path = f"/admin/accounts/{walk.found['account']}/{action}"
        return await walk.form("administrator", path, **form)

    return send


step(ACCOUNT, "administrator", "account-change", "account")(act("change", role="administrator"))
step(ACCOUNT, "administrator", "account-disable", "account")(act("disable"))
step(ACCOUNT, "administrator", "account-enable", "account")(act("enable"))
step(ACCOUNT, "administrator", "account-reset-code", "account")(act("reset-code"))
step(ACCOUNT, "administrator", "account-sign-out", "account")(act("sign-out"))
step("POST /admin/accounts/{account}/renew", "administrator", "account-renew", "account")(
    act("renew")
)


@step("GET /admin/accounts/{account}/export", "administrator", "account-export", "account")
async def export_account(walk: Walk) -> httpx.Response:
    return await walk.api("administrator", "GET", f"/admin/accounts/{walk.found['account']}/export")


step(ACCOUNT, "administrator", "account-erase", "account")(act("erase", sure="1"))


@step("POST /admin/keys", "administrator", "key-new", "key")
async def new_key(walk: Walk) -> httpx.Response:
    answer = await walk.form("administrator", "/admin/keys", what="board:randers")
    walk.found["key"] = walk.service.services.access.keys.all()[-1].id
    return answer


@step("POST /admin/keys/{key}/rotate", "administrator", "key-rotate", "key")
async def rotate(walk: Walk) -> httpx.Response:
    return await walk.form("administrator", f"/admin/keys/{walk.found['key']}/rotate", hours="1")


@step("POST /admin/keys/{key}/revoke", "administrator", "key-revoke", "key")
async def revoke(walk: Walk) -> httpx.Response:
    return await walk.form("administrator", f"/admin/keys/{walk.found['key']}/revoke")


@step("GET /admin/audit/export", "administrator", "audit-export", "audit")
async def export_audit(walk: Walk) -> httpx.Response:
    return await walk.api("administrator", "GET", "/admin/audit/export")


@step("POST /admin/audit/verify", "administrator", "audit-verify", "audit")
async def verify(walk: Walk) -> httpx.Response:
    return await walk.form("administrator", "/admin/audit/verify")


@step("POST /account/sessions/{ended}/end", "visitator", "session-end", "session")
async def end_session(walk: Walk) -> httpx.Response:
    return await walk.form("visitator", f"/account/sessions/{walk.found['session']}/end")


@step("POST /account/password", "visitator", "password", "visitator")
async def change_password(walk: Walk) -> httpx.Response:
    form = {"present": PASSWORD, "password": PASSWORD, "repeat": PASSWORD}
    return await walk.form("visitator", "/account/password", **form)


@step("POST /account/code", "visitator", "code-begin", "visitator")
async def begin_code(walk: Walk) -> httpx.Response:
    return await walk.form("visitator", "/account/code", present=PASSWORD)


@step("POST /account/code/on", "visitator", "code-on", "visitator")
async def code_on(walk: Walk) -> httpx.Response:
    page = (await walk.people["visitator"].client.get("/account/code")).text
    secret = page.split('class="secret">')[1].split("<")[0].replace(" ", "")
    return await walk.form("visitator", "/account/code/on", code=pyotp.TOTP(secret).now())


@step("POST /account/code/off", "visitator", "code-off", "visitator")
async def code_off(walk: Walk) -> httpx.Response:
    return await walk.form("visitator", "/account/code/off", present=PASSWORD)


@step("POST /sign-in", "none", "sign-in-failed", "unknown")
async def fail_to_sign_in(walk: Walk) -> httpx.Response:
    csrf = csrf_in((await walk.service.client.get("/sign-in")).text)
    form = {"login": "nobody", "password": "a secret that was typed", "csrf": csrf}
    return await walk.service.client.post("/sign-in", data=form)


@step("POST /sign-in", "operator", "sign-in", "operator")
async def sign_in(walk: Walk) -> httpx.Response:
    async with httpx.AsyncClient(base_url=walk.service.base, timeout=30) as client:
        csrf = csrf_in((await client.get("/sign-in")).text)
        login = walk.people["operator"].account.login or ""
        form = {"login": login, "password": PASSWORD, "csrf": csrf}
        return await client.post("/sign-in", data=form)


@step("POST /sign-out", "coordinator", "sign-out", "coordinator-session")
async def sign_out(walk: Walk) -> httpx.Response:
    return await walk.form("coordinator", "/sign-out")


@step("POST /set-up/{token}", "operator", "password", "new")
async def set_up(walk: Walk) -> httpx.Response:
    async with httpx.AsyncClient(base_url=walk.service.base, timeout=30) as client:
        path = f"/set-up/{walk.found['token']}"
        csrf = csrf_in((await client.get(path)).text)
        return await client.post(
            path, data={"password": PASSWORD, "repeat": PASSWORD, "csrf": csrf}
        )


@step("GET /wall-link/{key}", "wall", "sign-in", "wall")
async def wall_link(walk: Walk) -> httpx.Response:
    async with httpx.AsyncClient(base_url=walk.service.base, timeout=30) as screen:
        return await screen.get(f"/wall-link/{walk.found['link']}")


@pytest.fixture
async def walk(board: Board, valkey_server: EmbeddedServer, tmp_path: Path) -> AsyncIterator[Walk]:
    """A service with somebody of each role signed in, and something to do for each."""
    sources = tmp_path / "sources.toml"
    sources.write_text(SOURCES, encoding="utf-8")
    settings = settings_for(
        tmp_path / "data", valkey_server.url, sources, run_feeds=False,
        push_hosts=["127.0.0.1"], private_hosts=["127.0.0.1"],
        push_contact="mailto:drift@example.org",
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        service = await stack.enter_async_context(running(settings, demo=False))
        walk = Walk(service, phones=stack.enter_context(push_service()))
        for role, of in {
            "visitator": {"organisation": HOSPITAL},
            "municipal_staff": {"organisation": TOWN},
            "coordinator": {"clusters": ("randers",)},
            "operator": {},
            "administrator": {},
        }.items():
            account = await account_for(service, role, **of)  # type: ignore[arg-type]
            person = await stack.enter_async_context(signed_in(service, account))
            walk.people[role] = person
            walk.found[role] = account.id
        await prepare(walk)
        yield walk


async def prepare(walk: Walk) -> None:
    """A place that is free, a document in quarantine, another session, a set-up link, a screen."""
    services = walk.service.services
    told = row(UNIT, 1, now=utc_now(), total=3, occupied=0, free=3)
    applied = await services.board.apply(
        "randers", [reading_of(told, encode_row(told), digest_of(told))]
    )
    await until(lambda: services.hub.feed("randers").cursor.seq >= applied.cursor.seq)
    key = walk.service.key_for(SOURCE)
    await walk.service.push(SOURCE, b"{", key=key)
    (entry,) = await services.quarantine.entries(SOURCE)
    walk.found |= {"entry": entry.id, "document": entry.document}
    services.access.keys.revoke(services.access.keys.all()[0].id, utc_now())
    visitator = walk.people["visitator"].account
    (before,) = await services.door.sessions.of(visitator.id)
    async with signed_in(walk.service, visitator):
        now = await services.door.sessions.of(visitator.id)
    walk.found["session"] = next(each.id for each in now if each.id != before.id)
    (session,) = await services.door.sessions.of(walk.found["coordinator"])
    walk.found["coordinator-session"] = session.id
    wanted = NewAccount(role="operator", login="waits-for-a-password")
    account, walk.found["token"] = await services.door.people.create(wanted)
    walk.found["new"] = account.id
    walk.found["link"] = services.access.keys.make(KeyKind.BOARD, "randers", utc_now())
    walk.found["wall"] = services.access.keys.all()[-1].id
    for each in services.access.keys.all():
        if each.id != walk.found["wall"]:
            assert each.revoked
    await services.door.copier.copy()


def test_the_walk_knows_every_route_that_changes_something(walk_app: Any) -> None:
    walked = {(method, path) for method, path, *_ in WALK}
    assert changing(walk_app) - EXEMPT == {each for each in walked if each[0] != "GET"}
    assert {each for each in walked if each[0] == "GET"} == EXPORTS


@pytest.fixture
async def walk_app(board: Board, valkey_server: EmbeddedServer, tmp_path: Path) -> Any:
    """The application, not running."""
    from web.app import create_app
    from web.services import build_services

    app = create_app(build_services(settings_for(tmp_path, valkey_server.url)))
    app.state.later.load_all()
    return app


async def test_what_is_done_is_noted_first_and_what_cannot_be_noted_is_not_done(
    walk: Walk, tmp_path: Path
) -> None:
    door = walk.service.services.door
    alive, dead = door.audit, AuditTrail(f"unix://{tmp_path}/nothing")
    seen = len(await trail(walk.service))
    for method, path, role, action, subject, send in WALK:
        what = f"{method} {path} ({action})"
        door.audit = dead
        refused = await send(walk)
        assert refused.status_code == 503, f"{what} with no trail: {refused.status_code}"
        door.audit = alive
        assert len(await trail(walk.service)) == seen, what
        answer = await send(walk)
        assert answer.status_code in (200, 201, 303, 401), f"{what}: {answer.text}"
        entries = (await trail(walk.service))[seen:]
        seen += len(entries)
        entry = next((each for each in entries if each.action == action), None)
        assert entry is not None, f"{what} left {entries}"
        wanted = walk.found.get(subject, subject)
        expected = walk.found.get(role, "unknown" if role == "none" else role)
        if action == "password" and path.startswith("/set-up"):
            expected = walk.found["new"]
        assert (entry.account, entry.role) == (expected, role), what
        assert (entry.subject, entry.address) == (wanted, "127.0.0.1"), what
    await dead.stop()
    told = str(await trail(walk.service))
    for secret in (PASSWORD, "a secret that was typed", "morning meeting", walk.found["link"]):
        assert secret not in told
    assert (await door.people.verify_audit()).fault is None
