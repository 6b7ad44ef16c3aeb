"""The administrator's pages: accounts, keys and the trail, by their forms."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from capacity.board import Board, EmbeddedServer
from tests.support.people import PASSWORD, Person, account_for, csrf_in, signed_in
from tests.support.service import Service, running, settings_for
from tests.support.walking import trail
from web.key_kinds import KeyKind

HOSPITAL = "regionshospitalet-randers"


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    async with running(settings_for(tmp_path, valkey_server.url), demo=False) as service:
        yield service


@pytest.fixture
async def admin(service: Service) -> AsyncIterator[Person]:
    account = await account_for(service, "administrator", login="chief")
    async with signed_in(service, account) as person:
        yield person


async def post(person: Person, path: str, **form: object) -> httpx.Response:
    """Send a form of ours."""
    return await person.client.post(path, data={"csrf": person.csrf, **form})


def once_in(page: str) -> str:
    """What a page shows this once."""
    found = re.search(r'class="once"><code>(.*?)</code>', page)
    assert found is not None, page
    return found[1]


async def test_an_account_is_made_and_its_owner_chooses_a_password(
    service: Service, admin: Person
) -> None:
    form = {"login": "Nurse.1", "role": "visitator", "organisation": HOSPITAL}
    made = await post(admin, "/admin/accounts", **form)
    link = once_in(made.text)
    assert link.startswith(f"{service.base}/set-up/")
    people = service.services.door.people
    account = await people.by_login("nurse.1")
    assert account is not None
    assert (account.role, account.organisation) == ("visitator", HOSPITAL)
    async with httpx.AsyncClient(timeout=30) as owner:
        csrf = csrf_in((await owner.get(link)).text)
        chosen = {"password": PASSWORD, "repeat": PASSWORD, "csrf": csrf}
        assert "er gemt" in (await owner.post(link, data=chosen)).text
    async with signed_in(service, account) as person:
        assert (await person.client.get("/api/v1/board/randers")).status_code == 200
    listed = (await admin.client.get("/admin")).text
    assert "nurse.1" in listed
    assert "Regionshospitalet Randers" in listed
    (entry,) = await trail(service, action="account-new")
    assert (entry.account, entry.role) == (admin.account.id, "administrator")
    assert (entry.subject, entry.address) == (account.id, "127.0.0.1")
    assert "nurse" not in entry.detail


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"login": "chief", "role": "operator"}, "optaget"),
        ({"login": "0101011234", "role": "operator"}, "kan ikke bruges"),
        ({"login": "x1", "role": "wall"}, "rolle for en person"),
        ({"login": "x1", "role": "visitator"}, "organisation, rollen"),
        ({"login": "x1", "role": "visitator", "organisation": "nowhere"}, "findes ikke"),
        ({"login": "x1", "role": "coordinator"}, "mindst én klynge"),
        ({"login": "x1", "role": "coordinator", "cluster": "nowhere"}, "findes ikke"),
    ],
)
async def test_what_cannot_be_an_account_is_refused_in_words_and_stays_in_the_form(
    service: Service, admin: Person, form: dict[str, str], said: str
) -> None:
    answer = await post(admin, "/admin/accounts", **form)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{form["login"]}"' in answer.text
    assert len(await service.services.door.people.accounts()) == 1


async def test_rights_are_changed_and_whoever_had_the_old_ones_is_signed_out(
    service: Service, admin: Person
) -> None:
    account = await account_for(service, "visitator", organisation=HOSPITAL)
    at = f"/admin/accounts/{account.id}"
    async with signed_in(service, account) as person:
        assert person.client.cookies
        shown = (await admin.client.get(at)).text
        assert "Log ud alle steder" in shown
        answer = await post(admin, f"{at}/change", role="coordinator", cluster="randers")
        assert answer.headers["Location"] == f"{at}?did=change"
        assert await service.services.door.sessions.of(account.id) == []
    changed = await service.services.door.people.account(account.id)
    assert (changed.role, changed.organisation, changed.clusters) == (
        "coordinator", None, ("randers",),
    )  # fmt: skip
    (entry,) = await trail(service, action="account-change")
    assert json.loads(entry.detail)["clusters"] == ["randers"]


async def test_disabled_enabled_reset_renewed_and_erased(service: Service, admin: Person) -> None:
    account = await account_for(service, "operator", login="op")
    people = service.services.door.people
    await people.change(account.id, totp_secret="A" * 32)
    at = f"/admin/accounts/{account.id}"
    await post(admin, f"{at}/disable")
    assert not (await people.account(account.id)).usable
    await post(admin, f"{at}/enable")
    assert (await people.account(account.id)).usable
    await post(admin, f"{at}/reset-code")
    assert (await people.account(account.id)).totp_secret is None
    link = once_in((await post(admin, f"{at}/renew")).text)
    assert await people.by_setup(link.rpartition("/")[2]) is not None
    held = (await admin.client.get(f"{at}/export")).json()
    assert held["login"] == "op"
    assert [each["action"] for each in held["audit"]] == []
    unsure = await post(admin, f"{at}/erase")
    assert unsure.status_code == 422
    assert "Sæt kryds" in unsure.text
    assert (await post(admin, f"{at}/erase", sure="1")).status_code == 303
    assert (await people.account(account.id)).login is None
    assert "er slettet" in (await post(admin, f"{at}/enable")).text
    assert [entry.action for entry in await trail(service, subject=account.id)] == [
        "account-disable", "account-enable", "account-reset-code", "account-renew",
        "account-export", "account-erase",
    ]  # fmt: skip
    assert (await admin.client.get("/admin/accounts/a_nobody")).status_code == 404
    assert (await post(admin, "/admin/accounts/a_nobody/disable")).status_code == 404
    assert (await post(admin, f"{at}/promote")).status_code == 404


async def test_the_last_administrator_stays(service: Service, admin: Person) -> None:
    at = f"/admin/accounts/{admin.account.id}"
    for action, form in (
        ("disable", {}),
        ("change", {"role": "operator"}),
        ("erase", {"sure": "1"}),
    ):
        answer = await post(admin, f"{at}/{action}", **form)
        assert answer.status_code == 422, action
        assert "sidste administrator" in answer.text
    await account_for(service, "administrator")
    assert (await post(admin, f"{at}/disable")).status_code == 303


async def test_keys_are_made_used_rotated_and_revoked(service: Service, admin: Person) -> None:
    ring = service.services.access.keys
    made = await post(admin, "/admin/keys", what="board:randers", label="acute department")
    link = once_in(made.text)
    assert link.startswith(f"{service.base}/wall-link/")
    (key,) = ring.all()
    assert "aldrig" in (await admin.client.get("/admin/keys")).text
    async with httpx.AsyncClient(timeout=30) as screen:
        assert (await screen.get(link)).status_code == 303
    bearer = {"Authorization": f"Bearer {link.rpartition('/')[2]}"}
    seen = await service.client.get("/api/v1/board/randers", headers=bearer)
    assert seen.status_code == 200
    await service.services.door.key_use.write()
    page = (await admin.client.get("/admin/keys")).text
    assert "aldrig" not in page
    assert "acute department" in page

    rotated = once_in((await post(admin, f"/admin/keys/{key.id}/rotate", hours=24)).text)
    assert rotated != link
    assert len(ring.all()) == 2
    await post(admin, f"/admin/keys/{key.id}/revoke")
    assert (await service.client.get("/api/v1/board/randers", headers=bearer)).status_code == 401
    fresh = {"Authorization": f"Bearer {rotated.rpartition('/')[2]}"}
    assert (await service.client.get("/api/v1/board/randers", headers=fresh)).status_code == 200
    assert "er ikke gyldig" in (await post(admin, f"/admin/keys/{key.id}/rotate", hours=1)).text
    for bad in ("board:nowhere", "nothing:all", "source:x", ""):
        assert (await post(admin, "/admin/keys", what=bad)).status_code == 422
    refused = await post(admin, "/admin/keys", what="metrics:all", label="0101011234")
    assert refused.status_code == 422
    entries = [e for e in await trail(service) if e.action.startswith("key-")]
    assert [entry.action for entry in entries] == ["key-new", "key-rotate", "key-revoke"]
    assert entries[0].subject == key.id
    assert json.loads(entries[1].detail)["new"] == ring.all()[1].id


async def test_the_trail_is_read_searched_exported_and_verified(
    service: Service, admin: Person
) -> None:
    note = service.services.door.audit.note
    for number in range(120):
        await note(
            "=HYPERLINK(1)", f"s{number}", account="a_x", role="operator", address="10.0.0.1"
        )
    page = (await admin.client.get("/admin/audit")).text
    assert "s119" in page
    assert "s10<" not in page
    older = re.search(r'href="(/admin/audit\?before=\d+)"', page)
    assert older is not None
    assert "s10<" in (await admin.client.get(older[1])).text
    found = (await admin.client.get("/admin/audit", params={"subject": "s7"})).text
    assert found.count("a_x</a>") == 1
    nothing = await admin.client.get("/admin/audit", params={"until": "2020-01-01"})
    assert "Ingen poster" in nothing.text
    wrong = await admin.client.get("/admin/audit", params={"since": "yesterday"})
    assert wrong.status_code == 422
    assert "kan ikke læses" in wrong.text

    lines = await admin.client.get("/admin/audit/export", params={"account": "a_x"})
    assert [json.loads(line)["subject"] for line in lines.text.splitlines()][:2] == ["s119", "s118"]
    sheet = await admin.client.get("/admin/audit/export", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert len(rows) == 123  # with the sign-in and the two exports
    assert rows[5]["action"] == "'=HYPERLINK(1)"
    assert (await admin.client.get("/admin/audit/export?format=xml")).status_code == 422

    whole = await post(admin, "/admin/audit/verify")
    assert "Kæden er hel: 124 poster" in whole.text
    from sqlalchemy import text

    await service.services.history.write(
        lambda sql: sql.execute(text("update audit set subject = 'x' where seq = 40")) and None
    )
    broken = await post(admin, "/admin/audit/verify")
    assert "Kæden er brudt: entry 40 was changed" in broken.text


async def test_a_form_without_the_pages_token_does_nothing(service: Service, admin: Person) -> None:
    for path in ("/admin/accounts", "/admin/keys", "/admin/audit/verify"):
        assert (await admin.client.post(path, data={"what": "metrics:all"})).status_code == 403
    assert service.services.access.keys.all() == []


async def test_nobody_else_comes_in(service: Service) -> None:
    account = await account_for(service, "operator")
    key = service.services.access.keys.make(KeyKind.OPERATOR, "all", service.services.clock())
    async with signed_in(service, account) as person:
        for path in ("/admin", "/admin/keys", "/admin/audit", "/admin/audit/export"):
            assert (await person.client.get(path)).status_code == 403, path
            bearer = {"Authorization": f"Bearer {key}"}
            assert (await service.client.get(path, headers=bearer)).status_code == 403, path
            sent = await service.client.get(path)
            assert sent.headers["Location"] == f"/sign-in?next={path}"
