"""A service with something of everything in it, and somebody of every role, to be attacked.

Two clusters, two hospitals, three municipalities; a hold, an outcome, a quarantined document, a
subscription, sessions, accounts, keys. Whatever an attack does, `unharmed` tells whether it did.
"""

import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import orjson
from fastapi import FastAPI

from capacity.board.sessions import NewSession
from capacity.instants import format_instant, utc_now
from capacity.people import Account, NewAccount
from tests.support.people import Person
from tests.support.push_service import Phone
from tests.support.service import Service, running, settings_for
from web.auth.cookies import PLAIN
from web.key_kinds import KeyKind

UNIT, HERE, ELSEWHERE = "favrskov-akutplads", "randers", "horsens"
SOURCE, SHEET, XML = "favrskov-omsorg", "syddjurs-ark", "norddjurs-have"
CANARY = "canary-7f3a9c51"
"""Stands in files and settings that no answer may hold."""

_CATALOGUE = """
[[unit]]
id = "horsens-akutplads"
name = "Akutpladser Horsens"
kind = "acute_place"
cluster = "horsens"
organisation = "horsens-kommune"
municipality = "0615"
service_area = ["0615"]
places = 2
phone = "+45 00 00 00 99"
freshness = { ageing_after = "2 h", stale_after = "4 h" }
authority = [{ organisation = "horsens-kommune" }]
operator = "horsens-kommune"
capabilities = ["oxygen"]
assumptions = ["phone"]
"""
_SOURCES = f"""
[[source]]
id = "{SOURCE}"
cluster = "randers"
format = "json"
transport = "push"
attribution = "test"
units = ["favrskov-akutplads", "favrskov-akutteam"]

[[source]]
id = "{SHEET}"
cluster = "randers"
format = "xlsx"
transport = "push"
attribution = "test"
timezone = "Europe/Copenhagen"
units = {{ "S" = "syddjurs-akutplads" }}

[[source]]
id = "{XML}"
cluster = "randers"
format = "have"
transport = "push"
attribution = "test"
units = {{ "N" = "norddjurs-akutplads" }}
"""

WHO: dict[str, dict[str, Any]] = {
    "visitator": {"role": "visitator", "organisation": "regionshospitalet-randers"},
    "visitator elsewhere": {"role": "visitator", "organisation": "regionshospitalet-horsens"},
    "nurse": {"role": "municipal_staff", "organisation": "favrskov-kommune"},
    "nurse next door": {"role": "municipal_staff", "organisation": "norddjurs-kommune"},
    "nurse elsewhere": {"role": "municipal_staff", "organisation": "horsens-kommune"},
    "coordinator": {"role": "coordinator", "clusters": ("randers",)},
    "coordinator elsewhere": {"role": "coordinator", "clusters": ("horsens",)},
    "operator": {"role": "operator"},
    "administrator": {"role": "administrator"},
}
_CLUSTERS = {
    "visitator": ("randers",), "visitator elsewhere": ("horsens",), "nurse": ("randers",),
    "nurse next door": ("randers",), "nurse elsewhere": ("horsens",),
}  # fmt: skip
FORM = {
    "login": "somebody", "password": "a new password", "repeat": "a new password",
    "present": "wrong", "code": "000000", "role": "operator", "kind": "metrics", "of": "all",
    "id": "e", "by": "me", "label": "x", "next": "/",
}  # fmt: skip
"""Words that any form of ours takes, so that a refusal is not for what is missing in it."""


@dataclass
class Besieged:
    """The service, its people by who they are, and the ids of what is there to be attacked."""

    service: Service
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.service.base.rpartition(":")[2])

    async def get(self, who: str, path: str, **query: str) -> httpx.Response:
        """Look at something, as a browser."""
        accept = {"Accept": "text/html"}
        return await self.people[who].client.get(path, params=query or None, headers=accept)

    async def send(
        self, who: str, method: str, path: str, body: object = None, **more: str
    ) -> httpx.Response:
        """Change something, as a page of ours does."""
        person = self.people[who]
        headers = person.headers | {"Idempotency-Key": more.pop("key", "k")}
        return await person.client.request(method, path, json=body, headers=headers)

    async def standing(self) -> dict[str, Any]:
        """What an attack must not change; two of these are equal or one succeeded."""
        services = self.service.services
        door = services.door
        accounts = await door.people.accounts()
        stored = (await services.board.snapshot(HERE)).rows
        listed = await self.send("nurse", "GET", f"/api/v1/units/{UNIT}/push")
        surge = await self.send("coordinator", "GET", f"/api/v1/surge/{HERE}")
        return {
            "accounts": {a.id: (a.role, a.organisation, a.usable, a.stamp) for a in accounts},
            "holds": {h["id"]: h["state"] for h in await services.board.holds(HERE)},
            "rows": {row.unit: orjson.loads(row.row)["observed_at"] for row in stored},
            "outcomes": {o.id: o.value for o in await services.outcomes.recent(HERE)},
            "quarantine": {e.id: e.state for e in await services.quarantine.entries(SOURCE)},
            "subscriptions": listed.json(),
            "keys": {k.id: (k.of, k.revoked) for k in services.access.keys.all()},
            "sessions": {a.id: len(await door.sessions.of(a.id)) for a in accounts},
            "surge": surge.json()["override"],
            "trail": (await door.people.verify_audit()).fault,
        }


@contextlib.asynccontextmanager
async def besieged(folder: Path, store: str) -> AsyncIterator[Besieged]:
    """Start it, and put something of everything in."""
    for name, text in (("catalogue.toml", _CATALOGUE), ("sources.toml", _SOURCES)):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "secret-notes.txt").write_text(CANARY, encoding="utf-8")
    shipped = Path(str(files("capacity").joinpath("data", "randers.toml")))
    settings = settings_for(
        folder / "data",
        store,
        folder / "sources.toml",
        catalogue=[shipped, folder / "catalogue.toml"],
        push_contact="mailto:drift@example.org",
        webhook_secret=CANARY,
        rate_address=0,
        rate_account=0,
        rate_key=0,
    )
    async with running(settings, demo=False) as service, contextlib.AsyncExitStack() as stack:
        place = Besieged(service)
        for who, is_ in WHO.items():
            place.people[who] = await stack.enter_async_context(_inside(service, who, is_))
        for kind, of in ((KeyKind.BOARD, HERE), (KeyKind.SOURCE, SOURCE), (KeyKind.SOURCE, SHEET),
                         (KeyKind.SOURCE, XML)):  # fmt: skip
            place.keys[of] = service.services.access.keys.make(kind, of, utc_now())
        await _fill(place)
        yield place


@contextlib.asynccontextmanager
async def _inside(service: Service, who: str, is_: dict[str, Any]) -> AsyncIterator[Person]:
    """Somebody with a session; how one comes by it is not what is attacked here."""
    door = service.services.door
    login = who.replace(" ", "-")
    account, _ = await door.people.create(NewAccount(login=login, **is_))
    token = await door.sessions.begin(_session(account, _CLUSTERS.get(who, account.clusters)))
    session = await door.sessions.find(token)
    assert session is not None
    async with httpx.AsyncClient(
        base_url=service.base, timeout=60, cookies={PLAIN: token}
    ) as client:
        page = await client.get("/api/v1/session")
        yield Person(account, client, page.json()["csrf"])


def _session(account: Account, clusters: tuple[str, ...]) -> NewSession:
    return NewSession(
        account=account.id,
        role=account.role,
        organisation=account.organisation,
        clusters=clusters,
        stamp=account.stamp,
        how="password",
        address="127.0.0.1",
        agent="test",
    )


async def _fill(place: Besieged) -> None:
    ids, services = place.ids, place.service.services
    ids |= {"cluster": HERE, "unit": UNIT, "source": SOURCE, "action": "cancel"}
    await _ok(place.send("nurse", "POST", f"/api/v1/units/{UNIT}/report", {"free": 2}))
    held = await _ok(place.send("visitator", "POST", f"/api/v1/holds/{HERE}", {"unit": UNIT}))
    ids["hold"] = held["hold"]["id"]
    said = {"outcome": "alternative", "unit": UNIT}
    logged = await _ok(place.send("visitator", "POST", f"/api/v1/outcomes/{HERE}", said))
    ids["outcome"] = logged["outcome"]["id"]
    phone = Phone("https://fcm.googleapis.com/fcm/send/one").as_json()
    await _ok(place.send("nurse", "POST", f"/api/v1/units/{UNIT}/push", phone))
    listed = await _ok(place.send("nurse", "GET", f"/api/v1/units/{UNIT}/push"))
    ids["subscription"] = listed["subscriptions"][0]["id"]
    bad = {"unit": UNIT, "observed_at": format_instant(utc_now()), "total": -1}
    await place.service.push(SOURCE, json.dumps([bad]).encode(), key=place.keys[SOURCE])
    (entry,) = await services.quarantine.entries(SOURCE)
    ids["entry_id"], ids["document"] = entry.id, entry.document
    victim = place.people["visitator"].account
    (session,) = await services.door.sessions.of(victim.id)
    ids["ended"] = session.id
    ids["account"] = victim.id
    ids["key"] = services.access.keys.all()[0].id
    ids["token"] = await services.door.people.renew_setup(victim.id)


async def _ok(sent: Any) -> Any:
    answer: httpx.Response = await sent
    assert answer.is_success, f"{answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def app_of(place: Besieged) -> FastAPI:
    """The application's routes, whatever runs it."""
    from web.app import create_app

    app = create_app(place.service.services)
    app.state.later.load_all()
    return app


def filled(path: str, ids: Mapping[str, str]) -> str:
    """A route's path with ids in it; one that is not known is made up."""
    return re.sub(r"{(\w+)}", lambda found: ids.get(found[1], "none"), path)
