"""The operator's page in tests: sources, what they send, what an operator does by form."""

from typing import Any

import httpx
import orjson

from capacity.instants import format_instant
from tests.support.feeding import HandClock
from tests.support.service import Service

SOURCES = """
[[source]]
id = "favrskov-omsorg"
cluster = "randers"
format = "json"
transport = "push"
attribution = "Favrskov Kommune, omsorgsjournal"
expected_every = "5 min"
units = ["favrskov-akutplads", "favrskov-akutteam"]

[[source]]
id = "norddjurs-omsorg"
cluster = "randers"
format = "csv"
transport = "folder"
attribution = "Norddjurs Kommune, omsorgsjournal"
expected_every = "5 min"
timezone = "Europe/Copenhagen"
units = { "N1" = "norddjurs-akutplads" }
"""
SOURCE = "favrskov-omsorg"


def report(clock: HandClock, unit: str = "favrskov-akutplads", **fields: Any) -> dict[str, Any]:
    good = {"unit": unit, "observed_at": format_instant(clock()), "total": 2, "occupied": 1}
    return good | fields


async def push(operated: Service, *reports: object, key: str | None = None) -> httpx.Response:
    body = orjson.dumps({"reports": reports})
    return await operated.push(SOURCE, body, key=key or operated.key_for(SOURCE))


async def page(operated: Service, path: str = "/operator", **query: str) -> str:
    answer = await operated.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Referrer-Policy"] == "same-origin"
    return answer.text


async def act(operated: Service, what: str, **form: Any) -> httpx.Response:
    """Post the form as the page does, and follow to the page that tells what came of it."""
    return await operated.client.post(
        f"/operator/{SOURCE}/{what}",
        data={"by": "driftsvagt", "csrf": operated.csrf} | form,
        headers={"Origin": operated.base},
        follow_redirects=True,
    )


async def open_ids(operated: Service) -> list[str]:
    return [entry.id for entry in await operated.services.quarantine.entries(SOURCE)]
