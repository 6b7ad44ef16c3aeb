"""The page of the past and the steps through it, over HTTP, on a history that is told by hand."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from capacity.board import Board, EmbeddedServer
from capacity.catalogue import builtin_catalogue
from capacity.history import Catalogues, History
from capacity.instants import format_instant
from tests.support.databases import kept_beside
from tests.support.past import Past
from tests.support.service import Service, running, settings_for
from web.pages.replay import Looker, Scene, render_replay
from web.past_desk import PastDesk, Ways

pytest_plugins = ["tests.support.database_fixtures"]

NOW = datetime(2025, 1, 3, 12, tzinfo=UTC)
"""The service's clock; the store has a later one, so what it does meanwhile is not seen."""
BEFORE = datetime(2024, 12, 31, 13, tzinfo=UTC)
AFTER = datetime(2025, 1, 2, 13, tzinfo=UTC)


def told() -> Past:
    """An autumn night when clocks went back, two winter days around a new year."""
    past = Past()
    night = datetime(2024, 10, 26, 23, tzinfo=UTC)
    past.board(night)
    for hour in range(1, 4):
        past.say(night + timedelta(hours=hour), "randers-akutplads-1", total=9, free=hour)
    past.leave(night + timedelta(hours=5), "syddjurs-akutplads")
    past.surge(BEFORE - timedelta(hours=2), 1)
    past.hold(BEFORE - timedelta(minutes=5), "h", "filled", "favrskov-hos-randers|2025-W01")
    past.board(BEFORE)
    past.leave(BEFORE, "syddjurs-akutplads")
    past.say(BEFORE + timedelta(minutes=10), "randers-akutplads-1", total=2, free=1)
    past.board(AFTER)
    return past


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    await told().record_at(kept_beside(tmp_path))
    (tmp_path / "sources.toml").touch()
    settings = settings_for(tmp_path, valkey_server.url, tmp_path / "sources.toml", run_feeds=False)
    async with running(settings, clock=lambda: NOW) as service:
        yield service


async def look(service: Service, **query: str) -> str:
    answer = await service.client.get("/replay/randers", params=query)
    assert answer.status_code == 200, answer.text
    return answer.text


def instant(moment: datetime) -> dict[str, str]:
    return {"at": format_instant(moment) or ""}


def time_in(page: str) -> str:
    found = re.search(r'data-part="time" datetime="[^"]+">([^<]+)<', page)
    assert found is not None, page
    return found[1]


def way(page: str, key: str) -> str | None:
    """Where a step leads: the moment in its address."""
    found = re.search(rf'data-way="{key}" href="\?at=([^"]+)"', page)
    return found[1].replace("%3A", ":") if found else None


async def test_the_page_is_the_board_of_then_and_says_so_everywhere(service: Service) -> None:
    page = await look(service, **instant(BEFORE + timedelta(minutes=9)))
    assert "<title>Fortid 31. december 2024 kl. 14.09" in page
    assert "Fortid – ikke nu" in page
    assert time_in(page) == "31. december 2024 kl. 14.09"
    assert 'data-unit="randers-akutplads-1" data-mark="free"' in page
    assert 'data-unit="norddjurs-akutplads" data-mark="stale"' in page
    assert "Beredskabstrin: presset (trin 1), siden kl. 12.00" in page


async def test_nothing_can_be_asked_for_and_nothing_is_live(service: Service) -> None:
    page = await look(service, **instant(BEFORE))
    for word in ("data-ask", "data-live", "data-outcome", "js/main.js", "http-equiv"):
        assert word not in page


async def test_figures_go_stale_with_the_clock_of_then(service: Service) -> None:
    fresh = await look(service, **instant(BEFORE + timedelta(minutes=1)))
    stale = await look(service, **instant(BEFORE + timedelta(minutes=9)))
    assert 'data-unit="rhr-akutafdeling" data-mark="load"' in fresh
    assert 'data-unit="rhr-akutafdeling" data-mark="stale"' in stale


async def test_terms_authority_and_agreements_are_those_of_the_day(
    database_url: str,
) -> None:
    """Without a service: its store would have to know the year 2027 too."""
    past, law = Past(), datetime(2026, 12, 31, 23, tzinfo=UTC)
    before, after = law - timedelta(minutes=1), law
    past.hold(before - timedelta(hours=1), "h", "filled", "favrskov-hos-randers|2026-W53")
    past.surge(before - timedelta(hours=1), 1)
    past.board(before)
    history, pages = History(database_url), []
    await history.start()
    try:
        await past.record(history)
        desk = PastDesk(history, Catalogues(history, builtin_catalogue()), "randers")
        for moment in (before, after):
            scene = Scene(await desk.moment(moment), Ways(None, None), moment, None)
            pages.append(render_replay(scene, "randers", "da", Looker()))
    finally:
        await history.stop()
    assert "Randers sundhedsklynge" in pages[0]
    assert "Randers sundhedsråd" in pages[1]
    unit = r'data-unit="randers-akutplads-1".*?<dt>Myndighed</dt><dd>([^<]+)<'
    authorities = [re.search(unit, page, re.DOTALL) for page in pages]
    assert [found and found[1] for found in authorities] == [
        "Randers Kommune", "Region Midtjylland",
    ]  # fmt: skip
    for page in pages:
        assert "Favrskov hos Randers Kommune</b>: kunne bruges, brugt 1 af 2" in page


async def test_a_unit_that_was_not_there_then_is_absent(service: Service) -> None:
    before = await look(service, **instant(BEFORE))
    after = await look(service, **instant(AFTER))
    assert 'data-unit="syddjurs-akutplads"' not in before
    assert 'data-unit="syddjurs-akutplads"' in after


async def test_what_is_of_later_because_earlier_is_not_recorded_is_said_to_be(
    service: Service,
) -> None:
    """The service's first start is now; the history that it found is older."""
    told = "er fra 3. januar 2025 kl. 13.00: hvad der gjaldt før, er ikke registreret."
    assert told in await look(service, **instant(AFTER))
    english = "Master data (opening hours, distances, agreements) of 3 January 2025 at 13:00"
    assert f"{english}: earlier is not recorded." in await look(
        service, **instant(AFTER), lang="en"
    )
    now = await look(service, **instant(NOW), lang="da")
    assert "gældende fra 3. januar 2025 kl. 13.00." in now
    answer = await service.client.get("/api/v1/board/randers", params=instant(AFTER))
    master = {"in_force_since": format_instant(NOW), "recorded": False}
    assert answer.json()["master_data"] == master


async def test_steps_lead_from_change_to_change(service: Service) -> None:
    page = await look(service, **instant(BEFORE + timedelta(minutes=9)))
    assert way(page, "change_on") == format_instant(BEFORE + timedelta(minutes=10))
    assert way(page, "hour_back") == format_instant(BEFORE - timedelta(minutes=51))
    assert way(page, "day_on") == format_instant(BEFORE + timedelta(days=1, minutes=9))
    last = await look(service, **instant(NOW))
    assert way(last, "hour_on") is None
    assert 'data-way="hour_on" role="link" aria-disabled="true" tabindex="0"' in last


async def test_a_figure_that_went_stale_is_a_step(service: Service) -> None:
    page = await look(service, **instant(BEFORE))
    here = way(page, "change_on")
    assert here == format_instant(BEFORE + timedelta(minutes=4))  # the department, 5 min stale


async def test_the_hour_that_occurs_twice_is_shown_both_times(service: Service) -> None:
    first = await look(service, day="2024-10-27", time="02:30")
    assert time_in(first) == "27. oktober 2024 kl. 02.30 sommertid"
    assert "der to gange" in first
    other = re.search(r'<a href="(\?at=[^"]+)">Vis den anden', first)
    assert other is not None
    second = await look(service, day="2024-10-27", time="02:30", which="second")
    assert time_in(second) == "27. oktober 2024 kl. 02.30 normaltid"
    led = await service.client.get(f"/replay/randers{other[1]}")
    assert time_in(led.text) == time_in(second)
    numbers = [
        re.search(r'data-unit="randers-akutplads-1".*?data-slot="number">(\d)', page, re.DOTALL)
        for page in (first, second)
    ]
    assert [found and found[1] for found in numbers] == ["1", "2"]
    assert 'max="1499"' in first  # a day of 25 hours


@pytest.mark.parametrize(
    ("day", "has_chooser"),
    [("2024-10-26", False), ("2024-10-27", True), ("2024-10-28", False), ("2024-03-31", False)],
)
async def test_which_of_two_hours_is_asked_for_on_the_day_that_has_them_only(
    service: Service, day: str, has_chooser: bool
) -> None:
    for time in ("00:00", "12:00", "23:59"):
        page = await look(service, day=day, time=time)
        assert ('name="which"' in page) is has_chooser


async def test_the_missing_hour_is_said_to_be_missing(service: Service) -> None:
    page = await look(service, day="2024-03-31", time="02:30")
    assert time_in(page) == "31. marts 2024 kl. 03.00"
    assert "fandtes ikke" in page
    assert "Der er ingen historik fra dette tidspunkt. Historikken begynder 27. oktober" in page


@pytest.mark.parametrize("query", [{"at": "i går"}, {"day": "2024-02-31"}, {"time": "kl. 9"}])
async def test_what_is_no_moment_is_said_and_an_hour_ago_is_shown(
    service: Service, query: dict[str, str]
) -> None:
    page = await look(service, **query)
    assert "der findes" in page
    assert time_in(page) == "3. januar 2025 kl. 12.00"


@pytest.mark.parametrize(
    "query", [{"at": "0001-01-01T00:00:00Z"}, {"day": "0001-01-02", "time": "00:00"}]
)
async def test_a_moment_before_all_history_is_shown_empty(
    service: Service, query: dict[str, str]
) -> None:
    assert "Der er ingen historik fra dette tidspunkt" in await look(service, **query)


async def test_the_future_is_not_the_past(service: Service) -> None:
    page = await look(service, at="2031-01-01T00:00:00Z")
    assert "ligger i fremtiden" in page
    assert time_in(page) == "3. januar 2025 kl. 13.00"


async def test_english(service: Service) -> None:
    page = await look(service, **instant(BEFORE), lang="en")
    assert "The past – not now" in page
    assert "31 December 2024 at 14:00" in page


# The steps as JSON


async def changes(service: Service, **query: Any) -> dict[str, Any]:
    answer = await service.client.get("/api/v1/history/randers/changes", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_changes_are_told_page_by_page(service: Service) -> None:
    start, end = format_instant(BEFORE - timedelta(minutes=1)), format_instant(AFTER)
    whole = await changes(service, **{"from": start, "to": end, "limit": 1000})
    assert whole["next"] is None
    paged, since = [], start
    while since is not None:
        page = await changes(service, **{"from": since, "to": end, "limit": 2})
        paged += page["changes"]
        since = page["next"]
    assert paged == whole["changes"]
    kinds = {each["kind"] for each in paged}
    assert {"figures", "stale"} <= kinds
    assert all((each["cursor"] is None) is (each["kind"] == "stale") for each in paged)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "x"}, "from"),
        ({"to": "x"}, "to"),
        ({"from": "2025-01-02T00:00:00Z", "to": "2025-01-01T00:00:00Z"}, "from"),
        ({"from": "2031-01-02T00:00:00Z"}, "from"),
    ],
)
async def test_what_is_no_period_is_refused(
    service: Service, query: dict[str, str], field: str
) -> None:
    answer = await service.client.get("/api/v1/history/randers/changes", params=query)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_a_period_from_the_beginning_of_time(service: Service) -> None:
    begin = "0001-01-01T00:00:00Z"
    assert (await changes(service, to=begin))["changes"] == []
    assert (await changes(service, **{"from": begin}))["changes"]


async def test_a_cluster_that_is_none(service: Service) -> None:
    for path in ("/replay/nowhere", "/api/v1/history/nowhere/changes"):
        assert (await service.client.get(path)).status_code == 404
