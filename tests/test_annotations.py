"""Changes noted on charts: who may, what charts make of them, and that no version is lost."""

import re
import secrets
from functools import partial

import httpx
from sqlalchemy import Connection

from capacity.annotated import Change, Effect
from capacity.history import History, annotations
from capacity.imported import Signed
from tests.support.indicator_pages import (
    API,
    CLUSTER,
    NOW,
    RANDERS,
    chart,
    hand_in,
    row,
    text,
)
from tests.support.people import Person, account_for, csrf_in, signed_in
from tests.support.registers import months
from tests.support.service import Service
from tests.support.walking import trail

pytest_plugins = ["tests.support.indicator_fixtures", "tests.support.database_fixtures"]

PAGE = f"{CLUSTER}/changes"
NUMBERS = [800, 812, 805, 799, 810, 803, 808, 795, 801, 806, 798, 700, 712, 705, 699, 710, 703]
BY = Signed("a-1", "coordinator", NOW)
START = Change(NOW.date(), "Start", Effect.REBASE)
KEPT = Change(START.day, "Ny", Effect.BASELINE, "0730", "ready_days", NOW.date())


async def note(person: Person, **form: str) -> httpx.Response:
    said = {
        "csrf": person.csrf, "request": secrets.token_hex(16), "day": "2025-12-01",
        "effect": "rebase", "text": "Prøvehandlingen begynder",
    }  # fmt: skip
    return await person.client.post(PAGE, data=said | form)


async def shown(person: Person, path: str = PAGE) -> str:
    answer = await person.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_charts_begin_anew_at_what_the_coordinator_notes(
    coordinator: Person, service: Service
) -> None:
    await hand_in(coordinator, months(NUMBERS))
    steady = await chart(coordinator, f"{RANDERS}?step=month&last=24", "acute_admissions")
    assert "grænserne beregnes forfra" not in steady
    assert (await note(coordinator)).status_code == 303
    anew = await chart(coordinator, f"{RANDERS}?step=month&last=24", "acute_admissions")
    assert "Prøvehandlingen begynder, 1. december 2025" in text(anew)
    assert "(grænserne beregnes forfra herfra)" in text(anew)
    assert "Prøvehandlingen begynder" in row(anew, "december 2025")
    assert "8,2 pr. 1.000" in row(anew, "november 2025")
    assert "7,2 pr. 1.000" in row(anew, "december 2025")
    found = await coordinator.client.get(
        f"{API}?municipality=0730&step=month&last=24&indicator=acute_admissions"
    )
    series = {each["period"]: each for each in found.json()["indicators"][0]["series"]}
    assert series["2025-11-01"]["centre"] > 8 > series["2025-12-01"]["centre"]
    assert series["2025-12-01"]["changes"][0]["effect"] == "rebase"
    assert "annotation-write" in [each.action for each in await trail(service)]


async def test_a_baseline_holds_for_charts_that_begin_later(coordinator: Person) -> None:
    await hand_in(coordinator, months(NUMBERS))
    kept = {"day": "2025-01-01", "until": "2025-11-30", "effect": "baseline"}
    assert (await note(coordinator, **kept)).status_code == 303
    late = await chart(coordinator, f"{RANDERS}?step=month&last=6", "acute_admissions")
    assert "Grænserne hviler på 1. januar 2025 til 30. november 2025" in text(late)
    assert "under den nedre grænse" in row(late, "maj 2026")
    assert "8,2 pr. 1.000" in row(late, "maj 2026"), "the baseline's mean"


async def test_corrections_and_withdrawals_are_kept(coordinator: Person) -> None:
    await note(coordinator, place="0710")
    (number,) = set(re.findall(r"\?change=(\d+)", await shown(coordinator)))
    form = await shown(coordinator, f"{PAGE}?change={number}")
    assert 'value="Prøvehandlingen begynder"' in form
    assert 'value="0710" selected' in form
    await note(coordinator, change=number, day="2025-12-15", effect="note", text="Akutteam udvidet")
    page = text(await shown(coordinator))
    assert "15. december 2025 Akutteam udvidet" in page
    assert "Før: 1. december 2025: Prøvehandlingen begynder" in page
    assert f"af {coordinator.account.id} (koordinator)" in page
    await note(coordinator, change=number, withdraw="1")
    page = text(await shown(coordinator, f"{PAGE}?lang=en"))
    assert "withdrawn 22 November 2026" in page
    assert "Before: 15 December 2025: Akutteam udvidet" in page


async def test_a_form_that_is_sent_twice_counts_once(coordinator: Person) -> None:
    same = secrets.token_hex(16)
    for _ in range(2):
        assert (await note(coordinator, request=same)).status_code == 303
    assert (await shown(coordinator)).count("?change=1") == 1
    assert "?change=2" not in await shown(coordinator)


WRONG: list[tuple[dict[str, str], str]] = [
    ({"text": "om 120499-1234"}, "ligner et personnummer"),
    ({"text": " "}, "Skriv, hvad der skete"),
    ({"text": "x" * 201}, "højst 200 tegn"),
    ({"day": "2025-13-01"}, "Dagen kan ikke læses"),
    ({"day": "2028-01-01"}, "Dagen kan ikke læses"),
    ({"place": "0615"}, "ikke i klyngen"),
    ({"indicator": "none"}, "Indikatoren findes ikke"),
    ({"effect": "magic"}, "Vælg, hvad der sker"),
    ({"effect": "baseline"}, "skriv den sidste dag"),
    ({"effect": "baseline", "until": "2025-11-30"}, "skriv den sidste dag"),
]


async def test_what_cannot_be_kept_is_told(coordinator: Person) -> None:
    for form, said in WRONG:
        answer = await note(coordinator, **form)
        assert answer.status_code == 422, form
        assert said in text(answer.text)
        assert "120499" not in answer.text
    assert "Ingen ændringer er noteret" in await shown(coordinator)


async def test_others_read_it_only(coordinator: Person, service: Service) -> None:
    await note(coordinator)
    account = await account_for(service, "visitator", organisation="regionshospitalet-randers")
    async with signed_in(service, account) as visitator:
        page = await shown(visitator)
        assert "Prøvehandlingen begynder" in page
        assert "<form class=" not in page
        assert (await note(visitator)).status_code == 403
    assert (await note(coordinator, csrf="")).status_code == 403
    assert (await note(coordinator, request="x")).status_code == 404
    assert (await note(coordinator, change="99")).status_code == 303, "as if withdrawn already"
    assert csrf_in(await shown(coordinator))


def annotate(sql: Connection, *, cluster: str, request: str) -> bool:
    return annotations.annotate(sql, cluster, START, BY, request)


def revise(sql: Connection, *, change: Change | None, request: str) -> bool:
    return annotations.revise(sql, "randers", 2, change, BY, request)


async def test_versions_are_numbered_and_requests_known_on_both_databases(
    database_url: str,
) -> None:
    history = History(database_url)
    await history.start()
    try:
        for cluster in ("randers", "horsens"):
            for request in ("a", "b", "a"):
                await history.write(partial(annotate, cluster=cluster, request=request))
        await history.write(partial(revise, change=KEPT, request="c"))
        await history.write(partial(revise, change=KEPT, request="c"))
        await history.write(partial(revise, change=None, request="d"))
        missing = await history.write(
            lambda sql: annotations.revise(sql, "randers", 3, None, BY, "e")
        )
        found = await history.read(lambda sql: annotations.annotations(sql, "randers"))
    finally:
        await history.stop()
    assert not missing
    assert [(each.id, [one.number for one in each.versions]) for each in found] == [
        (1, [1]), (2, [1, 2, 3]),
    ]  # fmt: skip
    _, second, third = found[1].versions
    assert (second.change, second.withdrawn, second.by) == (KEPT, False, BY)
    assert (third.change, third.withdrawn) == (KEPT, True)
