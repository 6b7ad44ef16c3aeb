"""The past is read with the catalogue of its time: what the live service said before and after a
change of it is what the past says, once the service runs with the new one."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from capacity.alternatives import rank
from capacity.board import Board, EmbeddedServer
from capacity.catalogue import load_catalogue
from capacity.instants import format_instant, utc_now
from capacity.need import Need, Where
from tests.support.catalogue_change import ENDED, FAR, GONE, NEW, SHUT, after, before
from tests.support.hold_api import tell
from tests.support.service import Service, running, settings_for
from web.access import CSRF_HEADER
from web.ledger_desk import Week
from web.past_desk import PastDesk

pytest_plugins = ["tests.support.database_fixtures"]

NEEDS = [Need(code, (), 60, Where.PLACE) for code in ("0730", "0710", "0707", "0706")]
Said = dict[str, Any]


@asynccontextmanager
async def serving(
    folder: Path, store: str, database: str, catalogue: Path
) -> AsyncIterator[Service]:
    """The service as it is started with a catalogue, over stores that stay."""
    sources = folder / "sources.toml"
    sources.touch()
    more = {"sql_url": database, "catalogue": [catalogue], "run_feeds": False}
    async with running(settings_for(folder, store, sources, **more)) as service:
        service.client.headers[CSRF_HEADER] = service.csrf
        yield service


async def live(service: Service) -> Said:
    """What the service says now: alternatives and board; and calls are logged, one of each need."""
    alternatives, calls = [], []
    for need in NEEDS:
        asked = {"municipality": need.municipality, "within_minutes": 60, "where": "place"}
        answer = await service.client.get("/api/v1/alternatives/randers", params=asked)
        alternatives.append(answer.raise_for_status().json())
        logged = {"outcome": "admitted_none_free", "need": need.as_json()}
        answer = await service.client.post("/api/v1/outcomes/randers", json=logged)
        calls.append(answer.raise_for_status().json()["outcome"]["id"])
    await asyncio.sleep(0.002)  # history tells milliseconds apart
    told = {"at": utc_now(), "rows": await service.rows("randers")}
    return told | {"alternatives": alternatives, "calls": calls}


async def past_alternatives(service: Service, at: datetime, need: Need) -> Any:
    """The same ranking made of what the past gives for a moment."""
    services = service.services
    moment = await PastDesk(services.history, services.catalogues, "randers").moment(at)
    level = 0 if moment.level is None else moment.level.level
    found = rank(need, moment.rows, moment.catalogue, at, level, moment.used).alternatives
    return orjson.loads(orjson.dumps(found))


async def page(service: Service, at: datetime) -> str:
    answer = await service.client.get("/replay/randers", params={"at": format_instant(at) or ""})
    return answer.raise_for_status().text


async def board_at(service: Service, at: datetime) -> Said:
    asked = {"at": format_instant(at) or ""}
    answer = await service.client.get("/api/v1/board/randers", params=asked)
    found: Said = answer.raise_for_status().json()
    return found


async def judged(service: Service, at: datetime) -> Mapping[str, Said]:
    """The ledger's calls of the week in which they were made just before, by id."""
    found: dict[str, Said] = {}
    for week in {Week.of(at).name, Week.of(at - timedelta(minutes=10)).name}:
        answer = await service.client.get("/api/v1/ledger/randers", params={"week": week})
        found |= {call["id"]: call for call in answer.raise_for_status().json()["calls"]}
    return found


def free_in(alternatives: list[Said]) -> list[Said]:
    """Of live alternatives what a ledger has to say of those that were to be had."""
    names = ("unit", "name", "verdict", "reasons")
    had = [a for a in alternatives if a["verdict"] == "yes" and a["free"]]
    return [{n: a[n] for n in names} for a in had if a["kind"] != "advice_line"][:5]


async def equals(service: Service, said: Said) -> None:
    """The past, asked now, is what was said then, of every room that looks back."""
    at = said["at"]
    assert {row["unit"]: row for row in (await board_at(service, at))["rows"]} == said["rows"]
    for need, answer in zip(NEEDS, said["alternatives"], strict=True):
        when = datetime.fromisoformat(answer["server_time"])
        assert await past_alternatives(service, when, need) == answer["alternatives"]
    calls = await judged(service, at)
    for id_, answer in zip(said["calls"], said["alternatives"], strict=True):
        missed = free_in(answer["alternatives"])
        assert (calls[id_]["finding"] == "missed") is bool(missed)
        if missed:
            assert calls[id_]["alternatives"] == missed
        assert calls[id_]["master_data"]["recorded"]


async def test_the_past_says_what_the_live_service_said_with_its_catalogue_of_then(
    board: Board, valkey_server: EmbeddedServer, database_url: str, tmp_path: Path
) -> None:
    stores, begun = (valkey_server.url, database_url), utc_now()
    async with serving(tmp_path, *stores, before(tmp_path)) as service:
        for unit in (SHUT, FAR, GONE, "randers-akutplads-2", "norddjurs-akutplads"):
            await tell(service, unit, total=2, free=2)
        old = await live(service)
        await equals(service, old)
    between = utc_now()
    async with serving(tmp_path, *stores, after(tmp_path, between)) as service:
        new = await live(service)
        for before_it, since in zip(old["alternatives"], new["alternatives"], strict=True):
            assert before_it["alternatives"] != since["alternatives"]
        await equals(service, old)
        await equals(service, new)
        await at_the_change(service, begun, between, new["at"])
    # The old one again, as after a change that is taken back.
    async with serving(tmp_path, *stores, before(tmp_path)) as service:
        await equals(service, old)
        await equals(service, new)


async def at_the_change(
    service: Service, begun: datetime, between: datetime, now: datetime
) -> None:
    """Up to the moment at which the new catalogue came into force the old one counts."""
    asked = {"from": format_instant(begun), "to": format_instant(now)}
    answer = await service.client.get("/api/v1/history/randers/changes", params=asked)
    first, changed = answer.raise_for_status().json()["master_data"]
    assert (first["recorded"], changed["recorded"]) == (False, True)
    at = datetime.fromisoformat(changed["in_force_since"])
    assert between <= at + timedelta(milliseconds=1)
    assert at <= now
    last = at - timedelta(milliseconds=1)
    assert (await board_at(service, last))["master_data"] == first | {"recorded": True}
    assert (await board_at(service, at))["master_data"] == changed
    usable = "Syddjurs hos Norddjurs Kommune</b>: kunne bruges"
    before_it, since = [(await page(service, moment)).count(usable) for moment in (last, at)]
    assert since == before_it - 1, "one ended; another between the two may be used at night"
    for moment, step in ((last, "change_on"), (now, "change_back")):
        assert re.search(rf'data-way="{step}" href=', await page(service, moment))
    early = await page(service, begun)
    assert (await board_at(service, begun))["master_data"] == first
    assert "ingen historik" in early


def test_the_two_catalogues_differ_in_all_that_is_tried(tmp_path: Path) -> None:
    now = utc_now()
    old, new = load_catalogue([before(tmp_path)]), load_catalogue([after(tmp_path, now)])
    assert [c.units[SHUT].is_open(now) for c in (old, new)] == [True, False]
    assert [c.distances["0730"][FAR].minutes for c in (old, new)] == [8, 90]
    assert old.units.keys() ^ new.units.keys() == {GONE, NEW}
    assert [c.agreements[ENDED].until for c in (old, new)] == [None, date(2020, 1, 1)]
