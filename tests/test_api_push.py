"""Turning notices on and off over HTTP, and a whole service that sends them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from capacity.board import Board
from capacity.holds import By, HoldState
from capacity.settings import Settings
from tests.support.board_model import until
from tests.support.push_service import PushService, push_service
from tests.support.service import Service, running, settings_for
from tests.support.stopwatch import stopwatch
from tests.support.stores import without_a_disk

UNIT = "randers-akutplads-1"
VISITATOR = By("visitator", "regionshospitalet-randers", "v-1")
NURSE = By("municipal_staff", "randers-kommune", "n-1")
MINUTES = timedelta(minutes=30)
ADDRESS = f"/api/v1/units/{UNIT}/push"


@pytest.fixture
def phones() -> Iterator[PushService]:
    with push_service() as service:
        yield service


def settings_of(board: Board, folder: Path, **more: Any) -> Settings:
    given: dict[str, Any] = {
        "push_hosts": ["127.0.0.1"],
        "private_hosts": ["127.0.0.1"],
        "push_contact": "mailto:drift@example.org",
    }
    folder.mkdir(exist_ok=True)
    sources = folder / "sources.toml"
    sources.write_text("")
    return settings_for(folder, board._url, sources, **(given | more))


class Nurse:
    """A browser on a page of the service: it sends the page's token with what changes something."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.token = service.csrf

    async def send(self, method: str, address: str, body: object = None) -> httpx.Response:
        return await self.service.client.request(
            method, address, json=body, headers={"X-CSRF-Token": self.token}
        )


@pytest.fixture
async def nurse(board: Board, tmp_path: Path) -> AsyncIterator[Nurse]:
    async with running(settings_of(board, tmp_path)) as service:
        yield Nurse(service)


async def test_a_phone_is_subscribed_tested_listed_and_forgotten(
    nurse: Nurse, phones: PushService
) -> None:
    key = (await nurse.send("GET", "/api/v1/push/key")).json()["key"]
    answer = await nurse.send("POST", ADDRESS, phones.phone("a").as_json() | {"lang": "en"})
    assert answer.status_code == 201
    phone_id = answer.json()["subscription"]["id"]
    tested = await nurse.send("POST", f"{ADDRESS}/{phone_id}/test")
    assert tested.json() == {"fate": "sent"}
    assert phones.delivered[0].message["title"].startswith("Notices are on")
    assert phones.delivered[0].signed_by == key
    listed = (await nurse.send("GET", ADDRESS)).json()
    assert [each["id"] for each in listed["subscriptions"]] == [phone_id]
    assert listed["subscriptions"][0]["last_reached"].endswith("Z")
    for forgotten in (True, False):
        gone = await nurse.send("DELETE", f"{ADDRESS}/{phone_id}")
        assert (gone.status_code, gone.json()) == (200, {"forgotten": forgotten})
    assert (await nurse.send("GET", ADDRESS)).json()["subscriptions"] == []
    assert (await nurse.send("POST", f"{ADDRESS}/{phone_id}/test")).status_code == 404


async def test_subscribing_again_changes_nothing_but_the_language(
    nurse: Nurse, phones: PushService
) -> None:
    phone = phones.phone("a").as_json()
    first = await nurse.send("POST", ADDRESS, phone | {"lang": "da"})
    again = await nurse.send("POST", ADDRESS, phone | {"lang": "en"})
    assert first.json() == again.json()
    assert len((await nurse.send("GET", ADDRESS)).json()["subscriptions"]) == 1
    await nurse.send("POST", f"{ADDRESS}/{first.json()['subscription']['id']}/test")
    assert phones.delivered[0].message["lang"] == "en"


async def test_an_answer_never_holds_an_endpoint(nurse: Nurse, phones: PushService) -> None:
    phone = phones.phone("a").as_json()
    answers = [
        await nurse.send("POST", ADDRESS, phone),
        await nurse.send("GET", ADDRESS),
        await nurse.send("POST", ADDRESS, phone | {"endpoint": "https://example.org/secret-1"}),
    ]
    for answer in answers:
        assert "/push/a" not in answer.text
        assert "secret-1" not in answer.text
        assert phone["keys"]["auth"] not in answer.text


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"endpoint": None}, "endpoint"),
    ({"endpoint": 7}, "endpoint"),
    ({"endpoint": "https://127.0.0.1/" + "a" * 1100}, "endpoint"),
    ({"endpoint": "https://example.org/x"}, "endpoint"),
    ({"endpoint": "https://169.254.169.254/x"}, "endpoint"),
    ({"endpoint": "http://localhost/x"}, "endpoint"),
    ({"keys": None}, "keys"),
    ({"keys": []}, "keys"),
    ({"keys": {"auth": "AAAAAAAAAAAAAAAAAAAAAA"}}, "keys.p256dh"),
    ({"keys": {"p256dh": "A" * 87, "auth": "A" * 22}}, "keys.p256dh"),
    ({"keys": {"p256dh": "A" * 500, "auth": "A" * 22}}, "keys.p256dh"),
    ({"lang": "xx"}, "lang"),
    ({"lang": ["da"]}, "lang"),
]
NO_SECRETS = [None, "", "A" * 21, "A" * 23, "A" * 40, "!!!", 7]


async def test_what_is_no_subscription_is_refused_by_field(
    nurse: Nurse, phones: PushService
) -> None:
    phone = phones.phone("a").as_json()
    wrong = [(phone | change, field) for change, field in WRONG]
    for auth in NO_SECRETS:
        wrong.append((phone | {"keys": phone["keys"] | {"auth": auth}}, "keys.auth"))
    for body, field in wrong:
        answer = await nurse.send("POST", ADDRESS, body)
        assert (answer.status_code, answer.json()["field"]) == (422, field), body
    assert (await nurse.send("GET", ADDRESS)).json()["subscriptions"] == []


async def test_a_body_that_is_no_object_is_refused(nurse: Nurse) -> None:
    for body in (b"", b"[", b"[]", b"null", b'"x"'):
        answer = await nurse.service.client.post(
            ADDRESS, content=body, headers={"X-CSRF-Token": nurse.token}
        )
        assert answer.status_code == 422, body


async def test_a_body_that_is_too_large_is_refused(nurse: Nurse) -> None:
    answer = await nurse.send("POST", ADDRESS, {"endpoint": "x" * 10_000})
    assert answer.status_code == 413


async def test_what_changes_something_must_come_from_a_page_of_ours(
    nurse: Nurse, phones: PushService
) -> None:
    for headers in ({}, {"X-CSRF-Token": nurse.token, "Origin": "https://example.org"}):
        for method, address in (
            ("POST", ADDRESS), ("DELETE", f"{ADDRESS}/{'0' * 32}"),
            ("POST", f"{ADDRESS}/{'0' * 32}/test"),
        ):  # fmt: skip
            answer = await nurse.service.client.request(
                method, address, json=phones.phone("a").as_json(), headers=headers
            )
            assert answer.status_code == 403, (method, address)


async def test_without_a_sign_in_nothing_is_told_or_done(board: Board, tmp_path: Path) -> None:
    async with running(settings_of(board, tmp_path), demo=False) as service:
        for method, address in (
            ("GET", "/api/v1/push/key"), ("GET", ADDRESS), ("POST", ADDRESS),
            ("DELETE", f"{ADDRESS}/{'0' * 32}"), ("GET", "/api/v1/units/nothing/push"),
        ):  # fmt: skip
            answer = await service.client.request(method, address)
            assert answer.status_code in (401, 403), (method, address)


async def test_an_unknown_unit_or_phone_is_not_found(nurse: Nurse, phones: PushService) -> None:
    body = phones.phone("a").as_json()
    assert (await nurse.send("POST", "/api/v1/units/nothing/push", body)).status_code == 404
    assert (await nurse.send("GET", "/api/v1/units/nothing/push")).status_code == 404
    assert (await nurse.send("DELETE", f"{ADDRESS}/not-an-id")).status_code == 404


async def test_push_that_is_not_set_up_says_so(
    board: Board, tmp_path: Path, phones: PushService
) -> None:
    async with running(settings_of(board, tmp_path, push_contact=None), demo=False) as service:
        assert service.services.notifier.pushes is None
    assert not (tmp_path / "push-key.pem").exists()
    async with running(settings_of(board, tmp_path, push_contact=None)) as service:
        assert service.services.notifier.pushes is not None  # the demo has a contact of its own
        service.services.notifier.pushes = None
        nurse = Nurse(service)
        assert (await nurse.send("GET", "/api/v1/push/key")).json() == {"key": None}
        answer = await nurse.send("POST", ADDRESS, phones.phone("a").as_json())
        assert (answer.status_code, answer.json()["field"]) == (404, "push")


async def test_the_key_is_the_same_after_a_restart(board: Board, tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        async with running(settings_of(board, tmp_path)) as service:
            keys.append((await service.client.get("/api/v1/push/key")).json()["key"])
    assert keys[0] == keys[1]
    assert len(keys[0]) == 87
    assert (tmp_path / "push-key.pem").stat().st_mode & 0o777 == 0o600


async def test_metrics_tell_what_became_of_notices(nurse: Nurse, phones: PushService) -> None:
    answer = await nurse.send("POST", ADDRESS, phones.phone("a").as_json())
    await nurse.send("POST", f"{ADDRESS}/{answer.json()['subscription']['id']}/test")
    figures = (await nurse.service.client.get("/metrics")).text
    line = 'akutoverblik_notices_total{channel="push",fate="sent",kind="test"} 1.0'
    assert line in figures


async def test_a_hold_reaches_the_phone_within_a_second_from_either_of_two_processes(
    board: Board, tmp_path: Path, phones: PushService
) -> None:
    """Two whole services on one store: a place is asked for, the phone is told once, and at the
    end once more."""
    async with (
        running(settings_of(board, tmp_path)) as one,
        running(settings_of(board, tmp_path)) as other,
    ):
        nurse = Nurse(one)
        told = await nurse.send("POST", f"/api/v1/units/{UNIT}/report", {"free": 2})
        assert told.status_code == 200, told.text
        answer = await nurse.send("POST", ADDRESS, phones.phone("a").as_json())
        await nurse.send("POST", f"{ADDRESS}/{answer.json()['subscription']['id']}/test")
        with without_a_disk(board._url), stopwatch() as watch:
            asked = await other.services.board.ask_hold("randers", UNIT, MINUTES, VISITATOR)
            await asyncio.to_thread(phones.wait_for, 2)
        assert watch.seconds < 1
        assert asked.hold is not None, asked
        hold = str(asked.hold["id"])
        assert phones.delivered[1].message["hold"] == hold
        await one.services.board.move_hold("randers", hold, HoldState.ACCEPTED, NURSE)
        await asyncio.to_thread(phones.wait_for, 3)
        for service in (one, other):
            asks = service.services.notifier._asks
            assert asks is not None
            await until(lambda asks=asks: not asks._due)
        assert [each.message["kind"] for each in phones.delivered] == ["test", "ask", "ended"]
        assert json.dumps(phones.delivered[2].message).count(hold) == 2
