"""Every page passes every check, in both languages, on a desktop and on a phone.

One service with a filled board, one browser. Each case is a page in one state: it is opened once
in each language, looked at wide, then narrow. What is checked, and that each check can fail, is in
tests/support/accessibility and tests/test_accessibility_checks.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from capacity.board import EmbeddedServer
from capacity.instants import format_instant
from capacity.model import Closure
from capacity.people import NewAccount
from tests.support import accessibility
from tests.support.accessibility import Faults
from tests.support.board_page import row
from tests.support.call_page import CallServer, calling
from tests.support.chromium import DESKTOP, PHONE, Watched, chromium, opened
from tests.support.people import PASSWORD, account_for
from tests.support.report_values import report_page, statement_page
from web.errors import _TEXTS
from web.pages import render_index, render_message
from web.words import LANGUAGES, Lang

pytestmark = pytest.mark.browser

SOURCE = "norddjurs-omsorg"
SOURCES = f"""
[[source]]
id = "{SOURCE}"
cluster = "randers"
format = "json"
transport = "push"
attribution = "Norddjurs Kommune, omsorgsjournal"
expected_every = "5 min"
units = ["norddjurs-akutplads"]
"""
LONG = "Enestue kun efter aftale med vagthavende, ring altid først på nummeret. " * 5
NEED = (
    "?municipality=0730&capability=tobs_observation&capability=blood_crp"
    "&within_minutes=480&where=place"
)
CLAMPED: Final = ".note"
"""Shortened on purpose to two lines; a unit's whole note stands among its details."""

Step = Callable[[Page, CallServer], None]


# --- the service ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server(
    valkey_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CallServer]:
    folder = tmp_path_factory.mktemp("accessible") / "data"
    with calling(folder, valkey_server.url, SOURCES) as running:
        fill(running)
        yield running


def fill(server: CallServer) -> None:
    """Long notes, contradictions, holds in every state, and documents that were refused."""
    now = server.now()

    def told(unit: str, **fields: Any) -> None:
        server.tell(row(unit, now=server.now(), **fields))

    told("randers-akutplads-1", total=9, free=7, note=LONG)
    told("randers-akutplads-2", total=2, free=1, capabilities_off=("oxygen", "inhalation"))
    told("syddjurs-akutplads", total=2, free=2)
    told("favrskov-akutplads", total=3, free=2)
    told("norddjurs-akutplads", total=4, closed=4, free=0,
         closure=Closure("sygdom blandt personalet på begge afdelinger", now))  # fmt: skip
    for verb in ("accept", "decline", "cancel", "fill", "release"):
        assert server.hold("randers-akutplads-1").status_code == 201
        if verb in ("fill", "release"):
            server.answer("randers-akutplads-1", "accept")
        answered = server.answer("randers-akutplads-1", verb)
        assert answered.status_code == 200, answered.text
    for unit in ("randers-akutplads-1", "randers-akutplads-2", "favrskov-akutplads"):
        assert server.hold(unit).status_code == 201
    refuse_a_document(server)


def refuse_a_document(server: CallServer) -> None:
    bad = [
        {"unit": "norddjurs-akutplads", "observed_at": "i går", "total": 2},
        {"unit": "nowhere", "observed_at": "2026-11-22T12:00:00Z", "total": "mange"},
    ]
    key = server.service.key_for(SOURCE)
    server.run(server.service.push(SOURCE, orjson.dumps({"reports": bad}), key=key))


def entry(server: CallServer) -> str:
    """The address of one refused row."""
    found = server.run(server.service.services.quarantine.entries(SOURCE))
    return f"/operator/{SOURCE}/{found[0].id}"


def set_up(server: CallServer) -> str:
    """The address at which somebody new chooses a password."""

    people = server.service.services.door.people
    login = f"koordinator-{len(server.run(people.accounts()))}"
    wanted = NewAccount(role="coordinator", login=login)
    _, token = server.run(people.create(wanted))
    return f"/set-up/{token}"


# --- the pages -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One page in one state.

    `path` may ask the service for its end; `ready` waits for, or brings about, the state; `before`
    comes before the page is opened. `complaints` are those that belong to the state, `scrolling`
    what may scroll sideways within itself: a chart that shrank to a phone's width could not be
    read.
    """

    path: str | Callable[[CallServer], str]
    ready: Step = lambda page, server: None
    before: Step = lambda page, server: None
    allowed: str = ""
    zoomed: bool = True
    complaints: str = "$^"
    scrolling: str = "$^"


def live(page: Page, _: CallServer) -> None:
    page.wait_for_selector('[data-link="live"]')


def lost(page: Page, _: CallServer) -> None:
    page.wait_for_selector('[data-link="lost"]')


def unreachable(page: Page, _: CallServer) -> None:
    """The live channel is refused, whatever the page tries."""
    page.route_web_socket(re.compile("/api/v1/live/"), lambda socket: socket.close())


def past(server: CallServer) -> str:
    """A moment at which the board has every state, as far as history has it."""
    at = format_instant(server.now() - timedelta(seconds=1)) or ""
    return f"/replay/randers?at={at}"


def logged(_: Page, server: CallServer) -> None:
    """A call for the ledger: admitted while a place was free."""
    need = {"municipality": "0710", "capabilities": ["oxygen"], "where": "place"}
    body = {"outcome": "admitted_none_free", "need": need}
    assert server.post("/api/v1/outcomes/randers", body).status_code == 201


def unfolded(page: Page, _: CallServer) -> None:
    """Every unit with its details; menus lie over the page, so they are opened one at a time."""
    live(page, _)
    page.evaluate(
        "() => document.querySelectorAll('main .unit details, .unit-page details')"
        ".forEach((details) => { details.open = true })"
    )


def fitted(page: Page, _: CallServer) -> None:
    live(page, _)
    page.wait_for_function("() => document.documentElement.style.fontSize || innerWidth < 960")


def in_a_call(page: Page, server: CallServer) -> None:
    """Own holds in three states, and an outcome that may be corrected."""
    live(page, server)
    for unit, verb in (
        ("favrskov-akutplads", ""),
        ("randers-akutplads-2", "accept"),
        ("syddjurs-akutplads", "decline"),
    ):
        server.tell(row(unit, now=server.now(), total=30, free=20))
        page.locator(f'[data-unit="{unit}"] button.hold:not([aria-disabled])').first.click()
        name = server.rows()[unit]["name"]
        mine = page.locator(f'.mine[data-state="asked"]:has-text("{name}")')
        expect(mine.first).to_be_visible()
        if verb:
            server.answer(unit, verb)
            state = {"accept": "accepted", "decline": "declined"}[verb]
            expect(page.locator(f'.mine[data-state="{state}"]')).to_be_visible()
    page.locator('[data-outcome="other"]').click()
    page.evaluate("() => { document.querySelector('[data-latest]').open = true }")
    expect(page.locator("[data-latest-list] .logged").first).to_be_visible()


PERIODS = (
    "?indicator=acute_admissions&step=month&first_from=2025-01-01&first_to=2025-06-30"
    "&second_from=2025-07-01&second_to=2025-12-31"
)
FIGURES = """indicator;municipality;period;numerator;denominator;source
acute_admissions;0730;2026-01;812;98765;Landspatientregisteret, månedsudtræk
acute_admissions;0710;2026-01;401;;Landspatientregisteret, månedsudtræk
acute_admissions;0999;2026-01;1;2;Landspatientregisteret, månedsudtræk
"""


def handed_in(page: Page, _: CallServer) -> None:
    """A file of which one row cannot be used."""
    file = FilePayload(name="tal.csv", mimeType="text/csv", buffer=FIGURES.encode())
    page.locator("#file").set_input_files(files=[file])
    page.locator("form.card button[type=submit]").click()
    page.wait_for_load_state()
    expect(page.locator("main .warning").first).to_be_visible()


def annotated(page: Page, _: CallServer) -> None:
    """A change is noted."""
    page.locator("#text").fill("Prøvehandlingen begynder")
    page.locator("#day").fill("2026-01-05")
    page.locator("form.card button[type=submit]").click()
    page.wait_for_load_state()
    expect(page.locator("main .did")).to_be_visible()


def posted(page: Page, _: CallServer) -> None:
    """A form sent with what is wrong."""
    for field in page.locator("main input:not([type=hidden])").all():
        if field.is_visible():
            field.fill("noget-forkert")
    page.locator("main button[type=submit]").first.click()
    page.wait_for_load_state()
    expect(page.locator("main .error").last).to_be_visible()


def signed_in(role: str, **tied: Any) -> Step:
    """Somebody of a role signs in first, by the form."""

    def before(page: Page, server: CallServer) -> None:
        account = server.run(account_for(server.service, role, **tied))
        page.goto(server.url("/sign-in"))
        page.locator("#login").fill(account.login or "")
        page.locator("#password").fill(PASSWORD)
        page.locator("main button[type=submit]").first.click()
        page.wait_for_url(re.compile("^(?!.*/sign-in)"))

    return before


VISITATOR = signed_in("visitator", organisation="regionshospitalet-randers")
COORDINATOR = signed_in("coordinator", clusters=("randers",))
ADMINISTRATOR = signed_in("administrator")


def standing_in(make: Callable[[Lang], str], status: int = 200) -> Step:
    """A page that this service would show in a state that it is not in."""

    def before(page: Page, _: CallServer) -> None:
        lang: Lang = "en" if any(c["value"] == "en" for c in page.context.cookies()) else "da"
        page.route(
            re.compile("/standing-in$"),
            lambda route: route.fulfill(body=make(lang), status=status, content_type="text/html"),
        )

    return before


def index_page(lang: Lang) -> str:
    from capacity.catalogue import builtin_catalogue

    return render_index(list(builtin_catalogue().clusters.values()), lang)


def error_page(lang: Lang) -> str:
    title, text = _TEXTS[503][lang]
    return render_message(title, [text], lang, 503)


STATUS = "the server responded with a status of"

CASES: dict[str, Case] = {
    "index": Case("/standing-in", before=standing_in(index_page)),
    "board": Case("/board/randers", ready=live, allowed=CLAMPED),
    "board unfolded": Case("/board/randers", ready=unfolded, allowed=CLAMPED),
    "board with a need": Case(f"/board/randers{NEED}", ready=live, allowed=CLAMPED),
    "board in a call": Case("/board/randers", ready=in_a_call, allowed=CLAMPED),
    "board without its link": Case(
        f"/board/randers{NEED}", before=unreachable, ready=lost, allowed=CLAMPED
    ),
    "wall": Case("/wall/randers", ready=fitted, allowed=CLAMPED, zoomed=False),
    "wall without its link": Case(
        "/wall/randers", before=unreachable, ready=lost, allowed=CLAMPED, zoomed=False
    ),
    "print": Case("/print/randers"),
    "past": Case(past, allowed=CLAMPED),
    "past without history": Case("/replay/randers?day=2026-03-29&time=02:30"),
    "ledger of calls": Case("/ledger/randers", before=logged),
    "indicators": Case("/indicators/randers"),
    "figures of registers": Case("/indicators/randers/imports", before=COORDINATOR),
    "figures of registers, handed in": Case(
        "/indicators/randers/imports", before=COORDINATOR, ready=handed_in
    ),
    "monthly report": Case(
        "/standing-in",
        before=standing_in(report_page),
        scrolling="scrolls sideways: <div.chart-scroll>",
    ),
    "no such month": Case("/indicators/randers/report/2026-13", complaints=STATUS),
    "statement of use": Case("/standing-in", before=standing_in(statement_page)),
    "changes noted": Case("/indicators/randers/changes", before=COORDINATOR, ready=annotated),
    "comparison": Case(
        f"/indicators/randers/compare{PERIODS}", scrolling="scrolls sideways: <div.chart-scroll>"
    ),
    "comparison of what is not there": Case(
        "/indicators/randers/compare?indicator=none", complaints=STATUS
    ),
    "units": Case("/units"),
    "unit": Case("/unit/syddjurs-akutplads", ready=live),
    "unit unfolded": Case("/unit/syddjurs-akutplads", ready=unfolded),
    "unit that is asked": Case("/unit/randers-akutplads-1", ready=live),
    "unit that is closed": Case("/unit/norddjurs-akutplads", ready=live),
    "team": Case("/unit/norddjurs-akutteam", ready=live),
    "unit without its link": Case("/unit/favrskov-akutplads", before=unreachable, ready=lost),
    "sources": Case("/operator"),
    "quarantine": Case(f"/operator/{SOURCE}"),
    "refused row": Case(entry),
    "sign-in": Case("/sign-in"),
    "sign-in refused": Case("/sign-in", ready=posted, complaints=STATUS),
    "set-up": Case(set_up),
    "board, signed in": Case("/board/randers", before=VISITATOR, ready=live, allowed=CLAMPED),
    "account": Case("/account", before=VISITATOR),
    "accounts": Case("/admin", before=ADMINISTRATOR),
    "new account": Case("/admin/accounts/new", before=ADMINISTRATOR),
    "keys": Case("/admin/keys", before=ADMINISTRATOR),
    "audit": Case("/admin/audit", before=ADMINISTRATOR),
    "no such page": Case("/nowhere", complaints=STATUS),
    "no figures": Case("/standing-in", before=standing_in(error_page, 503), complaints=STATUS),
}
"""The wall is not zoomed: its text is as large as its screen takes, and a browser's own zoom makes
it a narrow page, which is looked at."""


@pytest.fixture
def watched(browser: Browser, server: CallServer, lang: Lang) -> Iterator[Watched]:
    with opened(browser, DESKTOP) as page:
        page.page.context.add_cookies([{"name": "lang", "value": lang, "url": server.url("/")}])
        accessibility.watch_policy(page.page)
        yield page


def show(case: Case, watched: Watched, server: CallServer) -> None:
    path = case.path if isinstance(case.path, str) else case.path(server)
    case.before(watched.page, server)
    watched.page.goto(server.url(path))
    case.ready(watched.page, server)


def named(check: str, faults: Faults) -> Faults:
    return [f"{check}: {fault}" for fault in faults]


def at_any_size(page: Page, case: Case, size: str, *, contrast: bool = False) -> Faults:
    return [
        *named(f"axe, {size}", accessibility.axe(page, contrast=contrast)),
        *named(f"clipped, {size}", accessibility.clipped(page, case.allowed)),
        *named(f"overlapping, {size}", accessibility.overlapping(page)),
        *named(f"sideways, {size}", accessibility.sideways(page)),
        *named(f"text spacing, {size}", accessibility.spaced(page, case.allowed)),
        *named(f"targets, {size}", accessibility.targets(page)),
    ]


def of_looks(page: Page) -> Faults:
    """What does not differ by language or size."""
    return [
        *named("contrast", accessibility.pale(page)),
        *named("signs and edges", accessibility.marks(page)),
        *named("forced colours", accessibility.forced_colours(page)),
        *named("flashing", accessibility.flashing(page)),
        *named("motion", accessibility.reduced_motion(page)),
        *named("keyboard", accessibility.keyboard(page)),
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_page_passes_every_check(watched, server, case, lang):
    show(case, watched, server)
    page = watched.page
    faults = named("document", accessibility.document(page, lang))
    faults += at_any_size(page, case, "wide", contrast=lang == "da")
    if lang == "da":
        faults += of_looks(page)
        if case.zoomed:
            faults += named("text of twice the size", accessibility.enlarged(page, case.allowed))
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    faults += at_any_size(page, case, "narrow")
    faults += named("contrast, narrow", accessibility.pale(page))
    faults += named("320 pixels", accessibility.reflow(page, case.allowed))
    faults += [
        f"complaint: {text}" for text in watched.complaints if not re.search(case.complaints, text)
    ]
    faults = [fault for fault in faults if not re.search(case.scrolling, fault)]
    assert not faults, "\n".join(["", *faults])


# --- the focus -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["da"])
def test_the_focus_stays_when_the_board_changes(watched, server, lang):
    page = watched.page
    page.goto(server.url(f"/board/randers{NEED}"))
    live(page, server)
    unit = '[data-unit="randers-akutplads-2"]'
    total = [40]

    def update() -> None:
        total[0] += 1
        server.tell(row("randers-akutplads-2", now=server.now(), total=total[0], free=20))
        expect(page.locator(f'{unit} [data-slot="of"]')).to_have_text(f"af {total[0]}")

    stops = [
        f"{unit} :is(summary, a.phone, button):visible",
        "main button:visible",
        "main a:visible",
    ]
    assert accessibility.focus_kept(page, stops, update) == []


@pytest.mark.parametrize("lang", ["da"])
def test_the_focus_stays_when_the_units_page_changes(watched, server, lang):
    page = watched.page
    page.goto(server.url("/unit/syddjurs-akutplads"))
    live(page, server)
    free = [3]

    def update() -> None:
        free[0] += 1
        server.tell(row("syddjurs-akutplads", now=server.now(), total=9, free=free[0]))
        page.wait_for_function(
            "(n) => document.querySelector('main').innerText.includes(n)", arg=str(free[0])
        )
        page.wait_for_timeout(200)

    stops = ["main button:visible", "main button:visible >> nth=-1", "main summary:visible"]
    assert accessibility.focus_kept(page, stops, update) == []
