"""Scripts in texts: wherever a text is taken and shown, it stays a text, in the page and live."""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from capacity.instants import format_instant, utc_now
from tests.support.besieged import HERE, SOURCE, UNIT, Besieged
from tests.support.chromium import chromium, opened
from web.auth.cookies import PLAIN
from web.key_kinds import KeyKind

pytest_plugins = ["tests.support.besieged_fixtures"]

HOSTILE = (
    "<img id=xss src=x onerror=document.title='xss'></script>"
    "<script>document.title='xss'</script>\"'"
)


async def plant(place: Besieged) -> None:
    """Hostile texts wherever a text is taken and shown."""
    report: dict[str, Any] = {
        "unit": "favrskov-akutteam",
        "observed_at": format_instant(utc_now()),
        "total": 2,
        "free": 1,
        "note": HOSTILE,
    }
    closed = report | {
        "unit": UNIT,
        "free": 0,
        "closed": 2,
        "closure": {"reason": HOSTILE, "reopens_at": None},
    }
    wrong = [
        {"unit": HOSTILE, "observed_at": HOSTILE, "total": HOSTILE, "note": HOSTILE},
        {HOSTILE: HOSTILE},
        HOSTILE,
    ]
    document = orjson.dumps({"reports": [report, closed, *wrong]})
    answer = await place.service.push(SOURCE, document, key=place.keys[SOURCE])
    assert answer.status_code == 200, answer.text
    keys = place.service.services.access.keys
    keys.make(KeyKind.BOARD, HERE, utc_now(), label=HOSTILE[:60])
    until_ = format_instant(utc_now() + timedelta(hours=1))
    override = {"level": 2, "reason": HOSTILE[:100], "until": until_}
    await place.send("coordinator", "POST", f"/api/v1/surge/{HERE}", override)
    # The audit trail shows what a browser called itself, and which names it asked for.
    client = place.people["administrator"].client
    await client.post(
        "/admin/accounts",
        data={"login": HOSTILE, "role": "operator", "csrf": place.people["administrator"].csrf},
        headers={"User-Agent": HOSTILE},
    )


PAGES = {
    "visitator": (f"/board/{HERE}", f"/print/{HERE}", f"/wall/{HERE}", "/account"),
    "nurse": (f"/unit/{UNIT}", "/unit/favrskov-akutteam", "/units"),
    "operator": ("/operator", f"/operator/{SOURCE}", f"/operator/{SOURCE}?closed=1"),
    "administrator": ("/admin", "/admin/keys", "/admin/audit", "/admin/accounts/new"),
}


@pytest.mark.browser
async def test_no_text_becomes_part_of_a_page(place: Besieged) -> None:
    """Rendered here, and put in by script there: neither runs anything, and both show the text."""
    await plant(place)
    entries = await place.service.services.quarantine.entries(SOURCE)
    pages = {**PAGES, "operator": (*PAGES["operator"],
             *(f"/operator/{SOURCE}/{entry.id}" for entry in entries))}  # fmt: skip
    shown = 0
    for who, paths in pages.items():
        for path in paths:
            answer = await place.get(who, path)
            assert answer.status_code == 200, (who, path)
            assert "<img id=xss" not in answer.text, path
            assert "<script>document" not in answer.text, path
            shown += "img id=xss" in answer.text
    assert shown >= 5, "or nothing was proved"
    cookies = {who: place.people[who].client.cookies[PLAIN] for who in pages}
    found = await asyncio.to_thread(look, place.service.base, pages, cookies)
    for path, (title, elements, _, complaints) in found.items():
        assert title != "xss", path
        assert elements == 0, path
        assert not complaints, (path, complaints)
    assert sum(texts for _, _, texts, _ in found.values()) >= 4, "the texts are to be seen"


Seen = tuple[str, int, int, list[str]]


def look(
    base: str, pages: Mapping[str, tuple[str, ...]], cookies: Mapping[str, str]
) -> dict[str, Seen]:
    """Each page in a browser: title, elements of theirs, whether their text is seen, complaints."""
    found: dict[str, Seen] = {}
    with chromium() as browser:
        for who, paths in pages.items():
            with opened(browser) as watched:
                cookie = {"name": PLAIN, "value": cookies[who], "url": base}
                watched.page.context.add_cookies([cookie])  # type: ignore[list-item]
                for path in paths:
                    watched.complaints.clear()
                    watched.page.goto(base + path)
                    watched.page.wait_for_load_state("load")
                    watched.page.wait_for_timeout(300)
                    elements = watched.page.locator("#xss").count()
                    texts = int("img id=xss" in watched.page.inner_text("body"))
                    title = watched.page.title()
                    found[path] = (title, elements, texts, list(watched.complaints))
    return found


@pytest.mark.browser
async def test_a_text_that_comes_while_the_page_is_open_is_a_text_too(place: Besieged) -> None:
    cookie = place.people["visitator"].client.cookies[PLAIN]
    began, planted = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch() -> tuple[int, str, list[str]]:
        with chromium() as browser, opened(browser) as watched:
            page = watched.page
            page.context.add_cookies([{"name": PLAIN, "value": cookie, "url": place.service.base}])
            page.goto(f"{place.service.base}/board/{HERE}")
            page.wait_for_selector("[data-unit]")
            loop.call_soon_threadsafe(began.set)
            asyncio.run_coroutine_threadsafe(planted.wait(), loop).result(60)
            page.wait_for_function(
                "() => document.body.innerText.includes('img id=xss')", timeout=60_000
            )
            return page.locator("#xss").count(), page.title(), list(watched.complaints)

    watching = asyncio.create_task(asyncio.to_thread(watch))
    waiting = asyncio.create_task(began.wait())
    await asyncio.wait({watching, waiting}, return_when=asyncio.FIRST_COMPLETED)
    await plant(place)
    planted.set()
    elements, title, complaints = await watching
    waiting.cancel()
    assert (elements, complaints) == (0, [])
    assert title != "xss"


async def test_every_page_forbids_what_is_not_ours(place: Besieged) -> None:
    """The second wall behind the first: even a text that became part of a page could not run."""
    for who, paths in PAGES.items():
        for path in paths:
            answer = await place.get(who, path)
            policy = answer.headers["Content-Security-Policy"]
            for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'",
                         "require-trusted-types-for 'script'", "base-uri 'none'",
                         "form-action 'self'"):  # fmt: skip
                assert rule in policy, (path, rule)
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store", path
            scripts = re.findall(r"<script([^>]*)>", answer.text)
            assert all("src=" in each or "application/json" in each for each in scripts), path
            assert not re.search(r"<[^>]+\son\w+=", answer.text), path
            assert not re.search(r"<[^>]+\sstyle=", answer.text), path


async def test_a_document_is_handed_out_as_a_download_never_as_a_page(place: Besieged) -> None:
    page = b"<html><script>document.title='xss'</script>"
    await place.service.push(SOURCE, page, key=place.keys[SOURCE])
    entries = await place.service.services.quarantine.entries(SOURCE)
    got = 0
    for entry in entries:
        answer = await place.get("operator", f"/operator/documents/{entry.document}")
        if answer.status_code == 200:
            got += 1
            assert "text/html" not in answer.headers["Content-Type"]
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert got
