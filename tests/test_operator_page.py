"""The operator's page: health and quarantine, seen and acted on."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from capacity.board import EmbeddedServer
from capacity.board.quarantine import document_of
from capacity.instants import format_instant
from capacity.model import Reject
from tests.support.feeding import HandClock
from tests.support.operator_page import SOURCE, SOURCES, act, open_ids, page, push, report
from tests.support.service import Service, running, settings_for

pytest_plugins = ["tests.support.feeding_fixtures", "tests.support.operator_fixtures"]


async def test_every_source_is_told_with_its_ages_and_counts(
    operated: Service, clock: HandClock
) -> None:
    key = operated.key_for(SOURCE)
    await push(operated, report(clock), report(clock, total=-1), key=key)
    clock.move(minutes=2)
    # Two rewrites of the past, and one figure that came two minutes late.
    late = format_instant(clock() - timedelta(minutes=1))
    old = format_instant(clock() - timedelta(minutes=30))
    await push(operated, report(clock, observed_at=old, occupied=0), key=key)
    await push(operated, report(clock, observed_at=old, occupied=2), key=key)
    await push(operated, report(clock, observed_at=late), key=key)
    shown = await page(operated)
    assert "I orden" in shown
    assert "nye 2, overhalede 2 (50 %), afviste 1" in shown
    assert "1 åbne" in shown
    assert "ventes hver 5 min" in shown
    assert "for 1 min siden" in shown  # the newest figure's age
    assert "Afventer første melding" in shown  # the other source
    english = await page(operated, lang="en")
    assert "new 2, superseded 2 (50%), rejected 1" in english


async def test_a_silent_source_and_one_that_repeats_itself_are_alarms(
    operated: Service, clock: HandClock
) -> None:
    key = operated.key_for(SOURCE)
    same = report(clock)
    await push(operated, same, key=key)
    clock.move(minutes=4)
    await push(operated, same, key=key)
    shown = await page(operated)
    assert "Gentager" not in shown
    assert "Tavs" not in shown
    clock.move(minutes=2)
    await push(operated, same, key=key)
    assert "Gentager et gammelt tidspunkt: kl. 13.00" in await page(operated)
    clock.move(minutes=6)
    shown = await page(operated)
    assert "Tavs: intet brugbart siden kl. 13.06" in shown
    assert "Tavs: intet brugbart endnu" in shown  # the watched folder
    metrics = (await operated.client.get("/metrics")).text
    assert f'akutoverblik_feed_alarm{{alarm="silent",source="{SOURCE}"}} 1.0' in metrics
    assert f'akutoverblik_feed_alarm{{alarm="repeating",source="{SOURCE}"}} 0.0' in metrics
    await push(operated, report(clock), key=key)
    assert (
        f'{{alarm="silent",source="{SOURCE}"}} 0.0' in (await operated.client.get("/metrics")).text
    )


async def test_what_fails_was_dropped_or_is_gone_is_told(
    operated: Service, clock: HandClock
) -> None:
    quarantine = operated.services.quarantine
    rejects = [Reject(f"line {n}", "total", "is negative") for n in range(250)]
    for source in (SOURCE, "former-source"):
        document = document_of(source, b"x", rejects, carries_patients=False)
        await quarantine.put(source, rejects, document, clock())
    await operated.push(SOURCE, b"{", key=operated.key_for(SOURCE))
    shown = await page(operated)
    assert "Fejler siden kl. 13.00" in shown
    assert "unreadable: document" in shown
    assert "50 poster er tabt, fordi karantænen var fuld" in shown
    assert "ikke længere en kilde her" in shown
    assert shown.index("Fejler siden") < shown.index("Afventer første melding")
    listing = await page(operated, "/operator/former-source")
    assert "line 0" in listing
    answer = await operated.client.post(
        "/operator/former-source/replay",
        data={"by": "x", "every": "1", "csrf": operated.csrf},
        headers={"Origin": operated.base},
    )
    assert answer.status_code == 404
    shown = await page(operated, f"/operator/{SOURCE}")
    assert "og 1 til, som ikke vises" in shown


async def test_metrics_tell_of_lag_hour_and_quarantine(operated: Service, clock: HandClock) -> None:
    behind = format_instant(clock() - timedelta(seconds=90))
    await push(operated, report(clock, observed_at=behind), report(clock, "nowhere"))
    metrics = (await operated.client.get("/metrics")).text
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
    metrics = (await operated.client.get("/metrics")).text
    assert f'last_hour{{fate="accepted",source="{SOURCE}"}}' not in metrics


async def test_an_entry_is_shown_with_place_field_reason_and_its_text_to_download(
    operated: Service, clock: HandClock
) -> None:
    body = orjson.dumps({"reports": [report(clock, total=-1, note="<script>alert(1)</script>")]})
    await operated.push(SOURCE, body, key=operated.key_for(SOURCE))
    listing = await page(operated, f"/operator/{SOURCE}")
    for text in ("reports[0]", "total", "Åbne (1)"):
        assert text in listing
    (entry_id,) = await open_ids(operated)
    shown = await page(operated, f"/operator/{SOURCE}/{entry_id}")
    assert "reports[0]: total" in shown
    assert "bevaret" in shown
    (link,) = re.findall(r'href="(/operator/documents/[^"]+)"', shown)
    raw = await operated.client.get(link)
    assert raw.content == body
    assert raw.headers["Content-Type"] == "text/plain"
    assert raw.headers["X-Content-Type-Options"] == "nosniff"
    assert raw.headers["Content-Disposition"].startswith("attachment;")
    for missing in ("documents/x.1", f"{SOURCE}/x.1", f"{SOURCE}/x", "nowhere", "a/b.c"):
        assert (await operated.client.get(f"/operator/{missing}")).status_code == 404, missing


async def test_dismissing_and_replaying_by_form(operated: Service, clock: HandClock) -> None:
    await push(operated, report(clock, "nowhere"), report(clock, total=-1))
    first, second = sorted(await open_ids(operated))
    told = await act(operated, "dismiss", id=[first])
    assert "1 poster afvist." in told.text
    assert 'value="driftsvagt"' in told.text  # the role is remembered
    again = await act(operated, "dismiss", id=[first])
    assert "0 poster afvist." in again.text
    closed = await page(operated, f"/operator/{SOURCE}", closed="1")
    assert "afvist af driftsvagt" in closed
    told = await act(operated, "replay", id=[second])
    assert "0 poster afsluttet, 1 fejl er der stadig, 0 har ingen bevaret tekst" in told.text
    assert "Der var ikke valgt noget." in (await act(operated, "replay")).text
    told = await act(operated, "replay", every="1")
    assert "1 fejl er der stadig" in told.text
    assert await open_ids(operated) == [second]


async def test_a_replay_after_the_mapping_was_corrected(
    operated: Service, clock: HandClock
) -> None:
    await push(operated, report(clock, "FAV-1"))
    unit = operated.services.catalogue.units["favrskov-akutplads"]
    operated.services.sources[SOURCE].units["FAV-1"] = unit  # type: ignore[index]
    told = await act(operated, "replay", every="1")
    assert "1 poster afsluttet, 0 fejl er der stadig" in told.text
    assert (await operated.rows("randers"))["favrskov-akutplads"]["total"] == 2
    closed = await page(operated, f"/operator/{SOURCE}", closed="1")
    assert "rettet, kørt igen af driftsvagt" in closed


@pytest.mark.parametrize("by", ["", "  ", "ring 010170-1234", "a\x07b"])
async def test_who_did_it_is_a_role_and_never_a_person_number(
    operated: Service, clock: HandClock, by: str
) -> None:
    await push(operated, report(clock, "nowhere"))
    told = await act(operated, "dismiss", id=await open_ids(operated), by=by)
    assert "skriv en funktion" in told.text
    assert len(await open_ids(operated)) == 1
    assert "010170" not in told.text


async def test_while_the_store_is_away_the_page_says_so(tmp_path: Path) -> None:
    store = EmbeddedServer(tmp_path / "store")
    await asyncio.to_thread(store.start)
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES, encoding="utf-8")
    try:
        async with running(settings_for(tmp_path / "data", store.url, path)) as operated:
            await asyncio.to_thread(store.stop)
            for address in ("", f"/{SOURCE}", f"/{SOURCE}/{SOURCE}.1", f"/documents/{SOURCE}.1"):
                assert (await operated.client.get(f"/operator{address}")).status_code == 503
            assert (await act(operated, "dismiss", id=["x"])).status_code == 503
            assert (await act(operated, "replay", every="1")).status_code == 503
            metrics = await operated.client.get("/metrics")
            assert metrics.status_code == 200
            assert "akutoverblik_feed_alarm" not in metrics.text
    finally:
        await asyncio.to_thread(store.stop)
