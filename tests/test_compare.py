"""Comparisons on a page and for programs: what they conclude, what they refuse and why."""

import httpx

from tests.support.indicator_pages import API, CLUSTER, hand_in, sign, text
from tests.support.people import Person, account_for, signed_in
from tests.support.registers import lines, months
from tests.support.service import Service

pytest_plugins = ["tests.support.indicator_fixtures"]

BEFORE = [800, 812, 805, 799, 810, 803, 808, 795, 801, 806, 798, 804, 809]
AFTER = [number - 90 for number in BEFORE[:8]]
PAGE = f"{CLUSTER}/compare"
PERIODS = {
    "indicator": "acute_admissions", "step": "month", "place": "0730",
    "first_from": "2025-01-01", "first_to": "2026-01-31",
    "second_from": "2026-02-01", "second_to": "2026-09-30",
}  # fmt: skip
PLACES = {
    "indicator": "acute_admissions", "step": "month", "place": "0730", "other": "randers/0710",
    "first_from": "2025-01-01", "first_to": "2026-01-31",
}  # fmt: skip


async def asked(person: Person, question: dict[str, str]) -> tuple[httpx.Response, str]:
    """What programs are told, and what people read."""
    page = await person.client.get(PAGE, params=question)
    return await person.client.get(f"{API}/compare", params=question), text(page.text)


async def test_periods_are_told_apart_once_their_figures_are_approved(
    coordinator: Person, administrator: Person
) -> None:
    await hand_in(coordinator, months([*BEFORE, *AFTER]))
    answer, page = await asked(coordinator, PERIODS)
    assert answer.json()["finding"] == "refused"
    assert {"reason": "drafts", "n": 21} in answer.json()["reasons"]
    assert "kan ikke sammenlignes" in page
    assert "21 tal er kladder, som ingen har godkendt." in page
    await sign(coordinator, "check", range(1, 22))
    await sign(administrator, "approve", range(1, 22))
    answer, page = await asked(coordinator, PERIODS)
    found = answer.json()
    assert (found["of"], found["finding"], found["reasons"]) == ("periods", "lower", [])
    assert found["least"] < -found["difference"]
    assert (found["first"]["points"], found["second"]["points"]) == (13, 8)
    assert found["first"]["series"][0]["register"]["state"] == "approved"
    assert (found["first"]["from"], found["second"]["to"]) == ("2025-01-01", "2026-09-30")
    assert "1. februar 2026 til 30. september 2026 ligger lavere end 1. januar 2025" in page
    assert "Det er mere end tilfældig variation." in page
    assert "noget af forskellen kan være årstiden" in page
    assert page.count("Tal: Akutte indlæggelser") == 2, "both charts with their tables"
    assert "Randers Kommune" in page
    _, english = await asked(coordinator, PERIODS | {"lang": "en"})
    assert "is lower than" in english

    await coordinator.client.post(
        f"{CLUSTER}/changes",
        data={"csrf": coordinator.csrf, "request": "0" * 32, "day": "2025-06-01",
              "effect": "rebase", "text": "Ny vagtordning", "place": "0730"},
    )  # fmt: skip
    answer, page = await asked(coordinator, PERIODS | {"lang": "da"})
    assert answer.json()["reasons"] == [{"reason": "rebased", "n": 1}]
    assert "1 noteret ændring ligger inde i en periode" in page


async def test_places_are_compared_month_by_month(
    coordinator: Person, administrator: Person
) -> None:
    await hand_in(coordinator, months(BEFORE))
    other = [number - 200 + 3 * (at % 2) for at, number in enumerate(BEFORE)]
    await hand_in(coordinator, months(other, code="0710"))
    await sign(coordinator, "check", range(1, 27))
    await sign(administrator, "approve", range(1, 27))
    answer, page = await asked(coordinator, PLACES)
    assert (answer.json()["of"], answer.json()["finding"]) == ("places", "lower")
    assert "Favrskov Kommune ligger lavere end Randers Kommune" in page
    assert "To steder er forskellige i meget andet" in page
    short = PLACES | {"first_to": "2025-06-30"}
    answer, page = await asked(coordinator, short)
    assert [each["reason"] for each in answer.json()["reasons"]] == ["too_few"]
    assert "Der mangler mindst 7 kendte værdier" in page


async def test_nothing_is_concluded_from_nothing(coordinator: Person) -> None:
    await hand_in(coordinator, lines("acute_admissions;0730;2026-W05;100;98000;LPR"))
    for indicator in ("occupancy", "acute_admissions", "ready_days"):
        answer, page = await asked(coordinator, PERIODS | {"indicator": indicator})
        assert answer.json()["finding"] == "refused"
        assert answer.json()["first"]["mean"] is None
        assert "kan ikke sammenlignes" in page


WRONG = [
    ({"indicator": ""}, "indicator"),
    ({"indicator": "none"}, "indicator"),
    ({"indicator": "surge_hours"}, "indicator"),
    ({"place": "0615"}, "place"),
    ({"other": "nowhere", "second_from": "", "second_to": ""}, "other"),
    ({"other": "randers"}, "second_from"),
    ({"first_from": "yesterday"}, "first_from"),
    ({"second_to": ""}, "second_to"),
    ({"first_from": "2026-02-01"}, "first_to"),
    ({"step": "day", "first_from": "2020-01-01"}, "first_to"),
]


async def test_what_cannot_be_compared_is_told_by_its_field(coordinator: Person) -> None:
    for change, field in WRONG:
        answer, page = await asked(coordinator, PERIODS | change)
        assert answer.status_code == 422, change
        assert answer.json()["field"] == field, change
        if change != {"indicator": ""}:
            assert "kan ikke sammenlignes" not in page
    same = PLACES | {"other": "randers/0730"}
    answer, page = await asked(coordinator, same)
    assert answer.json()["field"] == "other"
    assert "er det samme sted" in page
    answer = await coordinator.client.get(f"{API}/compare", params=PERIODS | {"step": "year"})
    assert answer.status_code == 422


async def test_the_empty_page_offers_both_forms_and_other_clusters_are_others(
    coordinator: Person, service: Service
) -> None:
    page = (await coordinator.client.get(PAGE)).text
    assert page.count("<form class=") == 2
    assert 'value="2025-10-01"' in page, "thirteen whole months before November"
    assert "horsens" not in page, "a cluster that is not hers"
    answer = await coordinator.client.get(f"{API}/compare", params=PLACES | {"other": "horsens"})
    assert answer.status_code in (403, 422)
    answer = await service.client.get(PAGE, params=PERIODS)
    assert answer.status_code == 303
    account = await account_for(service, "operator")
    async with signed_in(service, account) as operator:
        assert (await operator.client.get(PAGE)).status_code == 403
        assert (await operator.client.get(f"{API}/compare")).status_code == 403
