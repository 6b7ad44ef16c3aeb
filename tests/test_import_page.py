"""Registers' figures on the page and over the API: handed in, checked, approved by another."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from capacity.board import Board, EmbeddedServer
from tests.support.people import Person, account_for, csrf_in, signed_in
from tests.support.registers import HEADER, lines
from tests.support.service import Service, running, settings_for
from tests.support.walking import trail
from tests.support.workbooks import workbook

PAGE, API = "/indicators/randers/imports", "/api/v1/indicators/randers/imports"
GOOD = "acute_admissions;0730;2026-01;812;98000;LPR"


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    settings = settings_for(tmp_path, valkey_server.url, run_feeds=False)
    async with running(settings, demo=False) as service:
        yield service


@pytest.fixture
async def coordinator(service: Service) -> AsyncIterator[Person]:
    account = await account_for(service, "coordinator", clusters=("randers",))
    async with signed_in(service, account) as person:
        yield person


@pytest.fixture
async def administrator(service: Service) -> AsyncIterator[Person]:
    async with signed_in(service, await account_for(service, "administrator")) as person:
        yield person


async def hand_in(
    person: Person, raw: bytes, mapping: str | None = None, path: str = PAGE
) -> httpx.Response:
    files = {"file": ("f", raw, "application/octet-stream")}
    if mapping is not None:
        files["mapping"] = ("m.toml", mapping.encode(), "text/plain")
    return await person.client.post(
        path, data={"csrf": person.csrf}, files=files, headers=person.headers
    )


async def sign(person: Person, action: str, *ids: int) -> str:
    token = csrf_in((await person.client.get(PAGE)).text)
    answer = await person.client.post(
        f"{PAGE}/{action}", data={"csrf": token, "id": [str(each) for each in ids]}
    )
    assert answer.status_code == 200, answer.text
    return answer.text


async def states(person: Person) -> list[list[str]]:
    figures = (await person.client.get(API)).json()["figures"]
    return [[each["state"] for each in figure["versions"]] for figure in figures]


async def test_a_figure_goes_from_draft_to_approved_by_two_people(
    coordinator: Person, administrator: Person, service: Service
) -> None:
    answer = await hand_in(coordinator, lines(GOOD))
    assert answer.status_code == 200
    assert "1 nye, 0 rettede, 0 uændrede." in answer.text
    assert "Akutte indlæggelser" in answer.text
    assert "8,3 pr. 1.000" in answer.text
    assert "Kladde" in answer.text
    assert "Godkend valgte" in answer.text
    assert "Markér valgte" not in (await administrator.client.get(PAGE)).text
    assert "1 tal er skrevet under." in await sign(coordinator, "check", 1)
    assert "en anden skal godkende" in await sign(coordinator, "approve", 1)
    assert await states(coordinator) == [["checked"]]
    told = await sign(administrator, "approve", 1)
    assert "Godkendt" in told
    assert coordinator.account.id in told
    assert await states(coordinator) == [["approved"]]
    # A correction is a draft again; what was approved is still there.
    corrected = await hand_in(coordinator, lines(GOOD.replace("812", "815")))
    assert "0 nye, 1 rettede" in corrected.text
    assert "Før: 8,3 pr. 1.000 (812 / 98.000)" in corrected.text
    assert await states(coordinator) == [["approved", "draft"]]
    actions = [each.action for each in await trail(service)]
    assert [each for each in actions if each.startswith("figures-")] == [
        "figures-import", "figures-check", "figures-approve", "figures-approve", "figures-import",
    ]  # fmt: skip


async def test_the_same_file_twice_changes_nothing(coordinator: Person) -> None:
    await hand_in(coordinator, lines(GOOD))
    assert "indlæst før" in (await hand_in(coordinator, lines(GOOD))).text
    assert await states(coordinator) == [["draft"]]


async def test_what_cannot_be_used_is_told_and_the_rest_comes_in(coordinator: Person) -> None:
    raw = lines(GOOD, "acute_admissions;9999;2026-01;1;2;LPR", "x;0730;2026-01;1;2;120499-1234")
    page = (await hand_in(coordinator, raw)).text
    assert "2 tal kunne ikke bruges" in page
    assert "line 3" in page
    assert "120499" not in page
    answer = (await hand_in(coordinator, raw, path=API)).json()
    assert answer["handed_in_before"] is True
    assert [(each["where"], each["field"]) for each in answer["rejected"]] == [
        ("line 3", "municipality"), ("line 4", "source"),
    ]  # fmt: skip


async def test_a_workbook_with_a_mapping_comes_in_by_the_api(coordinator: Person) -> None:
    raw = workbook({"Tal": [["Kommune", "Måned", "Antal"], ["Favrskov", "marts 2026", 7]]})
    mapping = (
        'indicator = "ready_days"\nsource = "eSundhed"\n[columns]\n'
        'municipality = "Kommune"\nperiod = "Måned"\nnumerator = "Antal"\n'
    )
    answer = await hand_in(coordinator, raw, mapping, API)
    assert answer.json() == {
        "new": 1, "corrected": 0, "unchanged": 0, "known": 0,
        "handed_in_before": False, "rejected": [],
    }  # fmt: skip
    (figure,) = (await coordinator.client.get(API, params={"indicator": "ready_days"})).json()[
        "figures"
    ]
    assert (figure["municipality"], figure["step"], figure["period"]) == (
        "0710", "month", "2026-03-01",
    )  # fmt: skip
    assert figure["versions"][0]["value"] is None


@pytest.mark.parametrize(
    ("raw", "mapping", "said"),
    [
        (b"", None, "Vælg en fil."),
        (b"no table", None, "kan ikke læses"),
        (HEADER.encode(), "nonsense = 1\n", "nonsense"),
        (HEADER.encode(), "= no toml", "is not TOML"),
    ],
)
async def test_a_form_that_cannot_be_used_says_why(
    coordinator: Person, raw: bytes, mapping: str | None, said: str
) -> None:
    answer = await hand_in(coordinator, raw, mapping)
    assert answer.status_code == 422
    assert said in answer.text
    by_api = await hand_in(coordinator, raw, mapping, API)
    assert by_api.status_code == 422
    assert set(by_api.json()) == {"where", "field", "reason"}


async def test_the_page_speaks_english_and_leads_strangers_to_the_sign_in(
    coordinator: Person, service: Service
) -> None:
    await hand_in(coordinator, lines(GOOD))
    page = (await coordinator.client.get(PAGE, params={"lang": "en"})).text
    assert "Acute admissions" in page
    assert "8.3 per 1,000" in page
    assert "Draft" in page
    answer = await service.client.get(PAGE)
    assert answer.headers["Location"] == f"/sign-in?next={PAGE}"
    assert (await coordinator.client.get("/indicators/none/imports")).status_code == 403
    assert (await coordinator.client.post(f"{PAGE}/erase", data={"csrf": ""})).status_code == 403
