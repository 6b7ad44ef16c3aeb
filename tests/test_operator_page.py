"""The operator's page: health and quarantine seen and acted on, by those who may, no others."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from playwright.sync_api import Page

from capacity.board import Board, EmbeddedServer
from capacity.board.quarantine import State, document_of
from capacity.instants import format_instant, utc_now
from capacity.model import Reject
from tests.support.chromium import DESKTOP, PHONE, Watched, chromium, opened
from tests.support.feeding import START, HandClock
from tests.support.people import account_for, signed_in
from tests.support.service import Service, running, settings_for
from tests.test_page_look import CUT, PALE, SMALL, SPACING
from web.key_kinds import KeyKind

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


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path, clock: HandClock
) -> AsyncIterator[Service]:
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES, encoding="utf-8")
    settings = settings_for(tmp_path / "data", valkey_server.url, path)
    async with running(settings, clock=clock) as service:
        yield service


def report(clock: HandClock, unit: str = "favrskov-akutplads", **fields: Any) -> dict[str, Any]:
    good = {"unit": unit, "observed_at": format_instant(clock()), "total": 2, "occupied": 1}
    return good | fields


async def push(service: Service, *reports: object, key: str | None = None) -> httpx.Response:
    body = orjson.dumps({"reports": reports})
    return await service.push(SOURCE, body, key=key or service.key_for(SOURCE))


async def page(service: Service, path: str = "/operator", **query: str) -> str:
    answer = await service.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Referrer-Policy"] == "same-origin"
    return answer.text


async def act(service: Service, what: str, **form: Any) -> httpx.Response:
    """Post the form as the page does, and follow to the page that tells what came of it."""
    return await service.client.post(
        f"/operator/{SOURCE}/{what}",
        data={"by": "driftsvagt", "csrf": service.csrf} | form,
        headers={"Origin": service.base},
        follow_redirects=True,
    )


async def open_ids(service: Service) -> list[str]:
    return [entry.id for entry in await service.services.quarantine.entries(SOURCE)]


async def test_every_source_is_told_with_its_ages_and_counts(
    service: Service, clock: HandClock
) -> None:
    key = service.key_for(SOURCE)
    await push(service, report(clock), report(clock, total=-1), key=key)
    clock.move(minutes=2)
    # Two rewrites of the past, and one figure that came two minutes late.
    late = format_instant(clock() - timedelta(minutes=1))
    old = format_instant(clock() - timedelta(minutes=30))
    await push(service, report(clock, observed_at=old, occupied=0), key=key)
    await push(service, report(clock, observed_at=old, occupied=2), key=key)
    await push(service, report(clock, observed_at=late), key=key)
    shown = await page(service)
    assert "I orden" in shown
    assert "nye 2, overhalede 2 (50 %), afviste 1" in shown
    assert "1 åbne" in shown
    assert "ventes hver 5 min" in shown
    assert "for 1 min siden" in shown  # the newest figure's age
    assert "Afventer første melding" in shown  # the other source
    english = await page(service, lang="en")
    assert "new 2, superseded 2 (50%), rejected 1" in english


async def test_a_silent_source_and_one_that_repeats_itself_are_alarms(
    service: Service, clock: HandClock
) -> None:
    key = service.key_for(SOURCE)
    same = report(clock)
    await push(service, same, key=key)
    clock.move(minutes=4)
    await push(service, same, key=key)
    shown = await page(service)
    assert "Gentager" not in shown
    assert "Tavs" not in shown
    clock.move(minutes=2)
    await push(service, same, key=key)
    assert "Gentager et gammelt tidspunkt: kl. 13.00" in await page(service)
    clock.move(minutes=6)
    shown = await page(service)
    assert "Tavs: intet brugbart siden kl. 13.06" in shown
    assert "Tavs: intet brugbart endnu" in shown  # the watched folder
    metrics = (await service.client.get("/metrics")).text
    assert f'akutoverblik_feed_alarm{{alarm="silent",source="{SOURCE}"}} 1.0' in metrics
    assert f'akutoverblik_feed_alarm{{alarm="repeating",source="{SOURCE}"}} 0.0' in metrics
    await push(service, report(clock), key=key)
    assert (
        f'{{alarm="silent",source="{SOURCE}"}} 0.0' in (await service.client.get("/metrics")).text
    )


async def test_what_fails_was_dropped_or_is_gone_is_told(
    service: Service, clock: HandClock
) -> None:
    quarantine = service.services.quarantine
    rejects = [Reject(f"line {n}", "total", "is negative") for n in range(250)]
    for source in (SOURCE, "former-source"):
        document = document_of(source, b"x", rejects, carries_patients=False)
        await quarantine.put(source, rejects, document, clock())
    await service.push(SOURCE, b"{", key=service.key_for(SOURCE))
    shown = await page(service)
    assert "Fejler siden kl. 13.00" in shown
    assert "unreadable: document" in shown
    assert "50 poster er tabt, fordi karantænen var fuld" in shown
    assert "ikke længere en kilde her" in shown
    assert shown.index("Fejler siden") < shown.index("Afventer første melding")
    listing = await page(service, "/operator/former-source")
    assert "line 0" in listing
    answer = await service.client.post(
        "/operator/former-source/replay",
        data={"by": "x", "every": "1", "csrf": service.csrf},
        headers={"Origin": service.base},
    )
    assert answer.status_code == 404
    shown = await page(service, f"/operator/{SOURCE}")
    assert "og 1 til, som ikke vises" in shown


async def test_metrics_tell_of_lag_hour_and_quarantine(service: Service, clock: HandClock) -> None:
    behind = format_instant(clock() - timedelta(seconds=90))
    await push(service, report(clock, observed_at=behind), report(clock, "nowhere"))
    metrics = (await service.client.get("/metrics")).text
    for line in (
        f'akutoverblik_feed_lag_seconds{{source="{SOURCE}"}} 90.0',
        f'akutoverblik_feed_reports_last_hour{{fate="accepted",source="{SOURCE}"}} 1.0',
        f'akutoverblik_feed_reports_last_hour{{fate="rejected",source="{SOURCE}"}} 1.0',
        f'akutoverblik_quarantine_open{{source="{SOURCE}"}} 1.0',
        f'akutoverblik_quarantine_dropped_total{{source="{SOURCE}"}} 0.0',
        f'akutoverblik_quarantine_let_go_total{{source="{SOURCE}"}} 0.0',
    ):
        assert line in metrics, line
    kept = re.search(r"^akutoverblik_quarantine_raw_bytes (\S+)$", metrics, re.MULTILINE)
    assert kept
    assert 0 < float(kept[1]) < 1000
    clock.move(minutes=70)
    metrics = (await service.client.get("/metrics")).text
    assert f'last_hour{{fate="accepted",source="{SOURCE}"}}' not in metrics


async def test_an_entry_is_shown_with_place_field_reason_and_its_text_to_download(
    service: Service, clock: HandClock
) -> None:
    body = orjson.dumps({"reports": [report(clock, total=-1, note="<script>alert(1)</script>")]})
    await service.push(SOURCE, body, key=service.key_for(SOURCE))
    listing = await page(service, f"/operator/{SOURCE}")
    for text in ("reports[0]", "total", "Åbne (1)"):
        assert text in listing
    (entry_id,) = await open_ids(service)
    shown = await page(service, f"/operator/{SOURCE}/{entry_id}")
    assert "reports[0]: total" in shown
    assert "bevaret" in shown
    (link,) = re.findall(r'href="(/operator/documents/[^"]+)"', shown)
    raw = await service.client.get(link)
    assert raw.content == body
    assert raw.headers["Content-Type"] == "text/plain"
    assert raw.headers["X-Content-Type-Options"] == "nosniff"
    assert raw.headers["Content-Disposition"].startswith("attachment;")
    for missing in ("documents/x.1", f"{SOURCE}/x.1", f"{SOURCE}/x", "nowhere", "a/b.c"):
        assert (await service.client.get(f"/operator/{missing}")).status_code == 404, missing


async def test_dismissing_and_replaying_by_form(service: Service, clock: HandClock) -> None:
    await push(service, report(clock, "nowhere"), report(clock, total=-1))
    first, second = sorted(await open_ids(service))
    told = await act(service, "dismiss", id=[first])
    assert "1 poster afvist." in told.text
    assert 'value="driftsvagt"' in told.text  # the role is remembered
    again = await act(service, "dismiss", id=[first])
    assert "0 poster afvist." in again.text
    closed = await page(service, f"/operator/{SOURCE}", closed="1")
    assert "afvist af driftsvagt" in closed
    told = await act(service, "replay", id=[second])
    assert "0 poster afsluttet, 1 fejl er der stadig, 0 har ingen bevaret tekst" in told.text
    assert "Der var ikke valgt noget." in (await act(service, "replay")).text
    told = await act(service, "replay", every="1")
    assert "1 fejl er der stadig" in told.text
    assert await open_ids(service) == [second]


async def test_a_replay_after_the_mapping_was_corrected(service: Service, clock: HandClock) -> None:
    await push(service, report(clock, "FAV-1"))
    unit = service.services.catalogue.units["favrskov-akutplads"]
    service.services.sources[SOURCE].units["FAV-1"] = unit  # type: ignore[index]
    told = await act(service, "replay", every="1")
    assert "1 poster afsluttet, 0 fejl er der stadig" in told.text
    assert (await service.rows("randers"))["favrskov-akutplads"]["total"] == 2
    closed = await page(service, f"/operator/{SOURCE}", closed="1")
    assert "rettet, kørt igen af driftsvagt" in closed


@pytest.mark.parametrize("by", ["", "  ", "ring 010170-1234", "a\x07b"])
async def test_who_did_it_is_a_role_and_never_a_person_number(
    service: Service, clock: HandClock, by: str
) -> None:
    await push(service, report(clock, "nowhere"))
    told = await act(service, "dismiss", id=await open_ids(service), by=by)
    assert "skriv en funktion" in told.text
    assert len(await open_ids(service)) == 1
    assert "010170" not in told.text


FOREIGN = [
    ({}, False),
    ({"Origin": "null"}, True),
    ({"Origin": "https://evil.example"}, True),
    ({"Origin": "http://[evil"}, True),
    ({"Referer": "https://evil.example/operator"}, False),
]


@pytest.mark.parametrize(("headers", "with_token"), FOREIGN, ids=str)
async def test_a_form_from_elsewhere_is_refused(
    service: Service, clock: HandClock, headers: dict[str, str], with_token: bool
) -> None:
    await push(service, report(clock, "nowhere"))
    ids = await open_ids(service)
    for what in ("dismiss", "replay"):
        answer = await service.client.post(
            f"/operator/{SOURCE}/{what}",
            data={"by": "x", "id": ids, "csrf": service.csrf if with_token else "guessed"},
            headers=headers,
        )
        assert answer.status_code == 403
    assert await open_ids(service) == ids


async def test_the_demo_opens_it_to_its_own_machine_by_its_own_name(service: Service) -> None:
    service.key_for(SOURCE)
    port = service.base.rpartition(":")[2]
    for host, status in ((f"localhost:{port}", 200), ("rebound.example", 303)):
        answer = await service.client.get("/operator", headers={"Host": host})
        assert answer.status_code == status


async def test_outside_the_demo_it_takes_an_operator_key(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES, encoding="utf-8")
    settings = settings_for(tmp_path / "data", valkey_server.url, path)
    paths = ("/operator", f"/operator/{SOURCE}", f"/operator/{SOURCE}/x.1", "/operator/documents/x")
    async with running(settings, demo=False) as service:
        for address in paths:
            assert (await service.client.get(address)).status_code == 403
        keys = service.services.access.keys
        key = keys.make(KeyKind.OPERATOR, "all", utc_now())
        others = [
            keys.make(KeyKind.BOARD, "randers", utc_now()),
            keys.make(KeyKind.SOURCE, SOURCE, utc_now()),
            keys.make(KeyKind.METRICS, "all", utc_now()),
        ]
        for address in paths:
            answer = await service.client.get(address)
            assert answer.status_code == 303
            assert answer.headers["Location"] == f"/sign-in?next={address}"
            for other in others:
                bearer = {"Authorization": f"Bearer {other}"}
                assert (await service.client.get(address, headers=bearer)).status_code == 403
        form = {"by": "x", "id": "x"}
        origin = {"Origin": service.base}
        post = f"/operator/{SOURCE}/dismiss"
        assert (await service.client.post(post, data=form, headers=origin)).status_code == 401
        bearer = {"Authorization": f"Bearer {key}"}
        assert (await service.client.post(post, data=form, headers=bearer)).status_code == 303
        account = await account_for(service, "operator")
        async with signed_in(service, account) as operator:
            client = operator.client
            assert (await client.get("/operator")).status_code == 200
            assert (await client.post(post, data=form)).status_code == 403
            form["csrf"] = operator.csrf
            assert (await client.post(post, data=form, headers=origin)).status_code == 303


async def test_while_the_store_is_away_the_page_says_so(tmp_path: Path) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES, encoding="utf-8")
    try:
        async with running(settings_for(tmp_path / "data", store.url, path)) as service:
            await asyncio.to_thread(store.stop)
            for address in ("", f"/{SOURCE}", f"/{SOURCE}/{SOURCE}.1", f"/documents/{SOURCE}.1"):
                assert (await service.client.get(f"/operator{address}")).status_code == 503
            assert (await act(service, "dismiss", id=["x"])).status_code == 503
            assert (await act(service, "replay", every="1")).status_code == 503
            metrics = await service.client.get("/metrics")
            assert metrics.status_code == 200
            assert "akutoverblik_feed_alarm" not in metrics.text
    finally:
        await asyncio.to_thread(store.stop)


# --- in a browser ---


def with_page(size: tuple[int, int], visit: Callable[[Watched], None], **options: object) -> None:
    with chromium() as browser, opened(browser, size, **options) as watched:
        visit(watched)


async def crowd(service: Service, clock: HandClock) -> None:
    """One of everything: entries of all kinds, a long name, a failing and a silent source."""
    key = service.key_for(SOURCE)
    await push(service, report(clock), report(clock, "nowhere"), key=key)
    for _ in range(3):
        await service.push(SOURCE, b"<html>Service unavailable</html>", key=key)
    await push(service, report(clock, note="ring 010170-1234"), key=key)
    await push(service, report(clock, capabilities_off=["x" * 150]), key=key)
    ids = await open_ids(service)
    quarantine = service.services.quarantine
    await quarantine.close(SOURCE, ids[:1], State.DISMISSED, "driftsvagt", clock())
    clock.move(minutes=11)


def looks_right(page: Page) -> None:
    for stage in (None, SPACING):
        if stage:
            page.evaluate(stage)
        assert page.evaluate(CUT) == [], stage
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, stage
    assert page.evaluate(PALE) == []
    assert page.evaluate(SMALL) == []
    levels = page.evaluate("() => [...document.querySelectorAll('h1,h2,h3')].map((h) => h.tagName)")
    assert levels[:1] == ["H1"]
    assert levels.count("H1") == 1
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('input:not([type=hidden]), button, a')]"
        ".filter((e) => !(e.labels?.length || e.textContent.trim())).map((e) => e.outerHTML)"
    )
    assert unnamed == []


@pytest.mark.browser
@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 640)], ids=["desktop", "phone", "narrow"])
async def test_the_pages_are_legible_at_every_width(
    service: Service, clock: HandClock, size: tuple[int, int]
) -> None:
    await crowd(service, clock)
    ids = await open_ids(service)

    def visit(watched: Watched) -> None:
        for path in ("", f"/{SOURCE}", f"/{SOURCE}?closed=1", *(f"/{SOURCE}/{i}" for i in ids[:2])):
            for lang in ("da", "en"):
                mark = "&" if "?" in path else "?"
                watched.page.goto(f"{service.base}/operator{path}{mark}lang={lang}")
                looks_right(watched.page)
        assert watched.complaints == []

    await asyncio.to_thread(with_page, size, visit)


@pytest.mark.browser
async def test_everything_works_without_script(service: Service, clock: HandClock) -> None:
    assert clock.now == START
    await push(service, report(clock, "nowhere"), report(clock, total=-1))

    def visit(watched: Watched) -> None:
        page = watched.page
        page.goto(f"{service.base}/operator")
        page.get_by_role("link", name="2 åbne").click()
        page.get_by_label("Udført af (funktion)").fill("driftsvagt")
        page.get_by_role("checkbox", name="Vælg reports[0], total").or_(
            page.get_by_role("checkbox", name="Vælg reports[1], total")
        ).check()
        page.get_by_role("button", name="Afvis de valgte").click()
        assert page.get_by_role("status").inner_text() == "1 poster afvist."
        page.get_by_role("link", name="Vis reports[0], unit").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Hent råteksten").click()
        assert download.value.suggested_filename.startswith(f"{SOURCE}.")
        page.get_by_role("button", name="Kør igen").click()
        assert "1 fejl er der stadig" in page.get_by_role("status").inner_text()
        rows = page.get_by_role("table").get_by_role("row")
        assert rows.count() == 2
        page.get_by_role("link", name="English").click()
        assert page.get_by_role("button", name="Dismiss the chosen").is_visible()

    await asyncio.to_thread(with_page, DESKTOP, visit, java_script_enabled=False)
