"""The nurse's two taps in a phone-sized Chromium, over the whole application.

Hazards answered: a count that means something else to who taps it than to who reads it; a second
strike of a gloved finger; a slip that cannot be taken back; a disagreement that hides one side.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis

from capacity.board import EmbeddedServer
from capacity.holds import HoldState
from capacity.instants import utc_now
from tests.support.chromium import Watched, chromium
from tests.support.phone import (
    ADVICE,
    ATTRIBUTION,
    PLACE,
    TEAM,
    PhoneService,
    go,
    phone,
    phone_service,
    rest,
    tap,
    told,
    when,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def service(valkey_server: EmbeddedServer, tmp_path: Path) -> Iterator[PhoneService]:
    with Redis.from_url(valkey_server.url) as client:
        client.flushall()
    with phone_service(tmp_path, valkey_server.url) as running:
        yield running


@pytest.fixture
def watched(browser: Browser, service: PhoneService) -> Iterator[Watched]:
    with phone(browser) as page:
        yield page
        assert page.complaints == []


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def pressed(page: Page) -> list[str]:
    return page.locator('[data-free][aria-pressed="true"] b').all_text_contents()


def slot(page: Page, name: str):
    return page.locator(f'main [data-slot="{name}"]')


def test_one_tap_saves_and_shows(page, service):
    go(page, service)
    expect(slot(page, "now")).to_have_text("Ingen melding endnu")
    tap(page, '[data-free="1"]')
    told(page, "Gemt kl.")
    told(page, ": 1 ledig.")
    expect(slot(page, "now")).to_have_text("Nu vist: 1 af 2 ledig")
    expect(slot(page, "age")).to_contain_text("(nu), meldt fra enhedens side")
    expect(page.locator('[data-free="1"]')).to_have_attribute("aria-pressed", "true")
    row = service.row()
    assert (row["free"], row["source"]) == (1, "nurse")
    assert abs(when(row["observed_at"]) - utc_now()) < timedelta(seconds=10)


def test_the_second_tap_says_still_right(page, service):
    past = utc_now() - timedelta(hours=5)
    service.feed(total=2, occupied=1, observed_at=past.isoformat())
    go(page, service)
    expect(slot(page, "now")).to_have_text("Sidst meldt: 1 af 2 ledig")
    expect(slot(page, "stale")).to_contain_text("Forældet")
    expect(slot(page, "age")).to_contain_text(ATTRIBUTION)
    assert pressed(page) == []  # an old figure does not look like the present one
    expect(page.locator("[data-confirm]")).to_have_text("Uændret – bekræft 1 ledig")
    tap(page, "[data-confirm]")
    told(page, "uændret")
    expect(slot(page, "stale")).to_be_hidden()
    expect(page.locator('[data-free="1"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-undo]")).to_be_hidden()


def test_a_slip_is_taken_back_with_the_figures_from_before(page, service):
    service.feed(total=2, occupied=0)
    go(page, service)
    tap(page, '[data-free="0"]')
    told(page, "0 ledige")
    page.wait_for_timeout(10_000)  # a way back is offered for ten seconds at least
    tap(page, "[data-undo]")
    told(page, "tilbage til 2 ledige")
    expect(slot(page, "now")).to_have_text("Nu vist: 2 af 2 ledige")
    assert [row["free"] for row in service.changes()[-2:]] == [0, 2]
    expect(page.locator("[data-undo]")).to_be_hidden()


def test_a_double_strike_is_one_tap(page, service):
    go(page, service)
    rest(page)
    page.locator('[data-free="1"]').dblclick()
    told(page, "Gemt")
    page.locator('[data-free="2"]').dispatch_event("click")
    told(page, "1 ledig")
    rest(page)
    assert [row["free"] for row in service.changes() if row["source"] == "nurse"] == [1]


def test_more_than_there_is_room_for_is_asked_about_and_kept_as_said(page, service):
    service.feed(total=2, occupied=1)
    go(page, service)
    tap(page, "[data-more-numbers]")
    page.locator("#number").fill("3")
    tap(page, "[data-number] button[type=submit]")
    expect(page.locator("[data-too-many-text]")).to_contain_text("3 er flere end de 2")
    tap(page, "[data-too-many] [data-back]")
    assert service.row()["free"] == 1
    tap(page, "[data-more-numbers]")
    page.locator("#number").fill("3")
    rest(page)
    page.locator("#number").press("Enter")
    tap(page, "[data-too-many-do]")
    told(page, "3 ledige")
    expect(slot(page, "warn")).to_have_text("tallene modsiger hinanden")
    assert "free_over_total" in service.row()["inconsistencies"]


def test_closing_says_why_and_until_when_and_can_be_taken_back(page, service):
    service.feed(total=2, occupied=1)
    go(page, service)
    tap(page, "[data-close]")
    expect(page.locator("[data-close-do]")).to_be_disabled()
    page.locator('input[value="infection"]').tap()
    page.locator('input[value="in_2"]').tap()
    page.locator('input[name="itself"]').tap()
    tap(page, "[data-close-do]")
    told(page, "lukket, smitte")
    row = service.row()
    assert (row["state"], row["closure_reason"], row["reopens_itself"]) == (
        "closed",
        "smitte",
        True,
    )
    assert when(row["reopens_at"]) - when(row["observed_at"]) == pytest.approx(
        timedelta(hours=2), abs=timedelta(seconds=5)
    )
    expect(slot(page, "now")).to_have_text("Nu vist: lukket")
    expect(slot(page, "line")).to_contain_text("smitte · åbner")
    expect(page.locator("[data-confirm]")).to_have_text("Stadig lukket – bekræft")
    expect(page.locator("[data-close-label]")).to_have_text("Ret lukningen …")
    tap(page, "[data-undo]")
    told(page, "tilbage til 1 ledig")
    assert (service.row()["state"], service.row()["free"]) == ("free", 1)


def test_a_closed_unit_opens_by_its_number(page, service):
    service.feed(total=2, occupied=2, closure={"reason": "smitte"})
    go(page, service)
    expect(page.locator("[data-open-hint]")).to_contain_text("Åbn igen")
    tap(page, '[data-free="2"]')
    told(page, "2 ledige")
    row = service.row()
    assert (row["state"], row["free"], row["closure_reason"]) == ("free", 2, None)
    expect(page.locator("[data-open-hint]")).to_be_hidden()


def test_another_reopening_time_is_a_danish_one_and_lies_ahead(page, service):
    go(page, service)
    tap(page, "[data-close]")
    page.locator('input[value="other"]').tap()
    page.locator('input[value="at"]').tap()
    page.locator('input[name="when"]').fill("2020-01-01T07:00")
    tap(page, "[data-close-do]")
    expect(page.locator("[data-when-error]")).to_contain_text("frem i tiden")
    summer = f"{utc_now().year + (1 if utc_now().month > 6 else 0)}-07-01"
    page.locator('input[name="when"]').fill(f"{summer}T07:00")
    tap(page, "[data-close-do]")
    told(page, "lukket")
    assert service.row()["reopens_at"] == f"{summer}T05:00:00Z"


def test_what_the_unit_cannot_do_today(page, service):
    service.feed(total=2, occupied=1)
    go(page, service)
    page.locator("details summary").tap()
    page.locator('input[data-off="oxygen"]').tap()
    told(page, "kompetencer i dag")
    expect(page.locator("[data-off-names]")).to_have_text("ilt")
    assert service.row()["capabilities_off"] == ["oxygen"]
    assert service.row()["free"] == 1
    page.locator('input[data-off="oxygen"]').tap()
    expect(page.locator("[data-off-names]")).to_have_text("")


def test_a_team_is_busy_off_duty_and_back(page, service):
    service.feed(TEAM, type="team", free=2, on_duty=True)
    go(page, service, TEAM)
    expect(slot(page, "question")).to_have_count(0)
    expect(page.locator("#question")).to_have_text("Hvor mange besøg kan I tage nu?")
    tap(page, '[data-busy="60"]')
    told(page, "optaget, ledig igen")
    row = service.row(TEAM)
    assert (row["free"], row["on_duty"]) == (0, True)
    assert when(row["next_free_at"]) - when(row["observed_at"]) == pytest.approx(
        timedelta(hours=1), abs=timedelta(seconds=5)
    )
    expect(slot(page, "line")).to_contain_text("næste ledige")
    tap(page, "[data-off-duty]")
    told(page, "af vagt")
    assert service.row(TEAM)["state"] == "closed"
    expect(page.locator("[data-open-hint]")).to_contain_text("På vagt igen")
    tap(page, '[data-free="1"]')
    told(page, "på vagt, 1 ledig")
    assert (service.row(TEAM)["free"], service.row(TEAM)["on_duty"]) == (1, True)


def test_a_telephone_line_is_open_or_not(page, service):
    service.feed(ADVICE, type="advice", on_duty=True, waiting=1)
    go(page, service, ADVICE)
    expect(slot(page, "now")).to_have_text("Nu vist: åben")
    tap(page, '[data-line="shut"]')
    told(page, "telefonen er lukket")
    assert service.row(ADVICE)["state"] == "closed"
    tap(page, '[data-line="open"]')
    told(page, "telefonen er åben")
    assert service.row(ADVICE)["state"] == "free"


def test_what_others_report_shows_at_once_and_a_newer_one_wins(page, service):
    go(page, service)
    service.feed(total=2, occupied=2)
    expect(slot(page, "now")).to_have_text("Nu vist: 0 af 2 ledige")
    ahead = utc_now() + timedelta(seconds=90)
    service.feed(total=2, occupied=0, observed_at=ahead.isoformat())
    expect(slot(page, "now")).to_have_text("Nu vist: 2 af 2 ledige")
    tap(page, '[data-free="1"]')
    told(page, "Ikke brugt: 1 ledig")
    told(page, "Nyere melding: 2 af 2 ledige")
    told(page, ATTRIBUTION)
    expect(slot(page, "now")).to_have_text("Nu vist: 2 af 2 ledige")


def test_kept_places_are_counted_with_the_empty_ones(page, service):
    service.feed(total=2, occupied=0)
    hold = service.ask()
    service.move(hold, HoldState.ACCEPTED)
    go(page, service)
    expect(slot(page, "now")).to_have_text("Nu vist: 1 af 2 ledig")
    expect(slot(page, "kept")).to_contain_text("1 er reserveret af visitationen")
    expect(page.locator('[data-free="2"] [data-pad-word]')).to_have_text("1 ledig, 1 reserveret")
    expect(page.locator("[data-confirm]")).to_have_text(
        "Uændret – bekræft 2 ledige (heraf 1 reserveret)"
    )
    tap(page, '[data-free="2"]')
    told(page, "Gemt")
    row = service.row()
    assert (row["free_before_holds"], row["free"], row["held"]) == (2, 1, 1)
    # The citizen comes: confirming what the page shows does not make the place free again.
    service.move(hold, HoldState.FILLED)
    expect(page.locator("[data-confirm]")).to_have_text("Uændret – bekræft 1 ledig")
    tap(page, "[data-confirm]")
    told(page, "uændret")
    row = service.row()
    assert (row["free_before_holds"], row["free"], row["occupied"]) == (1, 1, 1)


@pytest.mark.parametrize(("settle", "free"), [("own", 2), ("other", 1)])
def test_where_two_reports_disagree_the_nurse_settles_it(page, service, settle, free):
    service.feed(total=2, occupied=1)
    go(page, service)
    tap(page, '[data-free="2"]')
    told(page, "Gemt")
    box = page.locator("[data-disputed]")
    expect(box).to_be_visible()
    expect(box.locator('[data-settle="own"]')).to_have_text("2 ledige passer")
    expect(box.locator('[data-settle="other"]')).to_have_text("Systemets 1 ledig passer")
    tap(page, f'[data-settle="{settle}"]')
    expect(box).to_be_hidden()
    row = service.row()
    assert (row["free"], row["disputed"]) == (free, None)


def test_it_reads_the_same_before_and_without_script(browser, page, service):
    service.feed(total=2, occupied=2, closure={"reason": "smitte"}, note="Kun stuen")
    service.feed(TEAM, type="team", free=1, on_duty=True)
    past = utc_now() - timedelta(hours=5)
    for unit, fields in (
        (PLACE, {}),
        (TEAM, {}),
        (ADVICE, {"type": "advice", "on_duty": True, "observed_at": past.isoformat()}),
        ("rhr-visitation", None),
    ):
        if fields:
            service.feed(unit, **fields)
        with phone(browser, java_script_enabled=False) as plain:
            plain.page.goto(f"{service.base}/unit/{unit}")
            expect(plain.page.locator(".no-script")).to_be_visible()
            expect(plain.page.locator(".acts")).to_be_hidden()
            without = plain.page.locator("main [data-slot]").all_text_contents()
        go(page, service, unit)
        assert page.locator("main [data-slot]").all_text_contents() == without


def test_the_other_language(page, service):
    go(page, service, query="?lang=en")
    tap(page, '[data-free="1"]')
    told(page, "1 free.")
    expect(slot(page, "now")).to_have_text("Shown now: 1 of 2 free")
    go(page, service)
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_choice_of_units(page, service):
    page.goto(f"{service.base}/units")
    page.get_by_role("link", name="Akutpladser Favrskov").tap()
    page.wait_for_url(f"**/unit/{PLACE}")


def test_the_whole_round_by_keyboard(page, service):
    service.feed(total=2, occupied=1)
    go(page, service)

    def press_until(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.locator(f"{selector}:focus").count():
                return
        raise AssertionError(f"the keyboard does not reach {selector}")

    press_until('[data-free="2"]')
    page.keyboard.press("Enter")
    told(page, "2 ledige")
    press_until("[data-close]")
    rest(page)
    page.keyboard.press("Enter")
    page.locator('input[value="no_staff"]').focus()
    page.keyboard.press("Space")
    press_until("[data-close-do]")
    rest(page)
    page.keyboard.press("Enter")
    told(page, "lukket, mangler personale")
    assert page.locator("[data-close]:focus").count() == 1  # back where the dialog was opened
    press_until("[data-undo]")
    rest(page)
    page.keyboard.press("Enter")
    told(page, "tilbage til 2 ledige")
    assert page.evaluate("() => document.activeElement.id") == "unit"
