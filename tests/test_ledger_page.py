"""The ledger of calls over HTTP: classes against the board of then, comments, samples, exports."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.need import Need, Where
from tests.support.databases import kept_beside
from tests.support.past import Past
from tests.support.service import Service, running, settings_for
from web.ledger_export import TABLE

MONDAY = datetime(2024, 12, 9, 8, tzinfo=UTC)
NOW = datetime(2024, 12, 16, 8, tzinfo=UTC)
WEEK = "2024-W50"
OXYGEN = Need("0710", ("oxygen",), 120, Where.PLACE)
HERE = "favrskov-akutplads"


def told() -> Past:
    """A Monday's calls: the place is free, full, and of an old figure; and one call of Sunday."""
    past = Past()
    minutes = 0

    def at(later: int) -> datetime:
        nonlocal minutes
        minutes += later
        return MONDAY + timedelta(minutes=minutes)

    past.outcome(MONDAY - timedelta(days=1), "admitted_none_free", OXYGEN)
    past.say(at(0), HERE, total=2, free=1)
    past.outcome(at(5), "admitted_despite_free", OXYGEN, reason="transport")
    past.outcome(at(5), "alternative", OXYGEN, unit=HERE)
    past.say(at(5), HERE, total=2, free=0)
    past.outcome(at(5), "admitted_none_free", OXYGEN)
    past.outcome(at(5), "admitted_none_free", None)
    past.say(at(5), HERE, total=2, free=2)
    past.outcome(at(300), "admitted_none_free", OXYGEN)
    past.outcome(at(5), "other", None)
    return past


WANTED = ["missed", "used", "none", "not_judged", "stale", "other"]


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    await told().record_at(kept_beside(tmp_path))
    sources = tmp_path / "sources.toml"
    sources.touch()
    settings = settings_for(tmp_path, valkey_server.url, sources, run_feeds=False)
    async with running(settings, clock=lambda: NOW) as service:
        yield service


async def page(service: Service, **query: Any) -> str:
    answer = await service.client.get("/ledger/randers", params={"week": WEEK} | query)
    assert answer.status_code == 200, answer.text
    return answer.text


async def ledger(service: Service, **query: Any) -> dict[str, Any]:
    answer = await service.client.get("/api/v1/ledger/randers", params={"week": WEEK} | query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def shown(text: str) -> list[str]:
    return re.findall(r'class="case" data-finding="(\w+)"', text)


async def test_every_call_of_the_week_stands_beside_what_the_board_showed(
    service: Service,
) -> None:
    answer = await ledger(service)
    assert [call["finding"] for call in answer["calls"]] == WANTED
    assert [each["unit"] for each in answer["calls"][0]["alternatives"]] == [HERE]
    assert answer["counts"]["missed"] == 1
    text = await page(service)
    assert shown(text) == WANTED
    assert "Indlagt trods ledigt" in text
    assert "Favrskov, " in text
    assert "inden 2 t" in text
    assert "/replay/randers?at=2024-12-09T08%3A05%3A00Z" in text
    assert "Uge 50, 2024: 9. december – 15. december" in text


async def test_what_is_of_later_because_earlier_is_not_recorded_is_said_to_be(
    service: Service,
) -> None:
    text = await page(service)
    assert "er for nogle kald fra 16. december 2024 kl. 09.00, senere end kaldet" in text
    answer = await ledger(service)
    assert {call["master_data"]["recorded"] for call in answer["calls"]} == {False}


async def test_nobody_is_named(service: Service) -> None:
    text = await page(service)
    assert "a_1" not in text
    assert "a_1" not in str(await ledger(service))


async def test_a_class_and_a_sample_are_chosen(service: Service) -> None:
    assert shown(await page(service, finding="stale")) == ["stale"]
    drawn = [shown(await page(service, sample=2, seed=str(n))) for n in range(12)]
    assert all(len(each) == 2 for each in drawn)
    assert len({tuple(each) for each in drawn}) > 1
    assert shown(await page(service, sample=2, seed="3")) == drawn[3]
    assert [c["finding"] for c in (await ledger(service, sample=2, seed="3"))["calls"]] == drawn[3]
    assert "Stikprøve: 2 af 6, trukket med loddet „3“." in await page(service, sample=2, seed="3")


async def test_weeks_and_what_is_none(service: Service) -> None:
    assert shown(await page(service, week="2024-W49")) == ["no_history"]
    assert shown(await page(service, week="2024-W48")) == []
    for week in ("2024-W99", "0001-W01", "9999-W52"):
        assert "Ugen findes ikke" in await page(service, week=week)
    wrong = await service.client.get("/api/v1/ledger/randers", params={"week": "x"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "week")
    assert (await service.client.get("/ledger/nowhere")).status_code == 404


async def comment(service: Service, text: str, **more: str) -> httpx.Response:
    form = await page(service)
    case = re.search(r'name="outcome" value="([^"]+)">\s+<input type="hidden" name="request" '
                     r'value="([^"]+)"', form)  # fmt: skip
    assert case is not None
    data = {"csrf": service.csrf, "outcome": case[1], "request": case[2], "text": text} | more
    return await service.client.post(f"/ledger/randers/comment?week={WEEK}", data=data)


async def test_a_comment_stands_by_role_once(service: Service) -> None:
    request = f"{'0' * 16}-{'0' * 8}-0000-0000-0000-{'0' * 12}"
    for _ in range(2):
        answer = await comment(service, "Kunne <b>godt</b> have været brugt.", request=request)
        assert answer.status_code == 303, answer.text
    text = (await service.client.get(answer.headers["Location"])).text
    assert text.count("Kunne &lt;b&gt;godt&lt;/b&gt; have været brugt.") == 1
    assert "Bemærkningen er gemt." in text
    assert re.search(r'class="by">koordinator', text, re.IGNORECASE)
    said = (await ledger(service))["calls"][0]["comments"]
    assert [each["role"] for each in said] == ["coordinator"]
    assert said[0].keys() == {"at", "role", "organisation", "text"}


@pytest.mark.parametrize(
    ("text", "told"),
    [("Borger 010190-1234 kom", "personnummer"), ("  ", "tom eller for lang"),
     ("x" * 501, "tom eller for lang")],
)  # fmt: skip
async def test_a_comment_that_may_not_be_kept_is_refused_and_not_repeated(
    service: Service, text: str, told: str
) -> None:
    answer = await comment(service, text)
    assert answer.status_code == 422
    assert told in answer.text
    assert "0101901234" not in answer.text.replace("-", "")
    assert (await ledger(service))["calls"][0]["comments"] == []


async def test_a_comment_needs_a_call_and_a_page_of_ours(service: Service) -> None:
    assert (await comment(service, "x", outcome="0" * 36)).status_code == 404
    assert (await comment(service, "x", request="x")).status_code == 404
    assert (await comment(service, "x", csrf="wrong")).status_code == 403


async def test_the_export_has_a_line_for_each_call(service: Service) -> None:
    await comment(service, "=SUM(A1)")
    answer = await service.client.get("/api/v1/ledger/randers.csv", params={"week": WEEK})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert tuple(lines[0]) == TABLE.names
    assert [line[TABLE.names.index("finding")] for line in lines[1:]] == WANTED
    assert lines[1][TABLE.names.index("reason")] == "transport"
    assert lines[1][TABLE.names.index("comments")] == "coordinator: =SUM(A1)"
    assert "ledger-randers-2024-W50.csv" in answer.headers["Content-Disposition"]
