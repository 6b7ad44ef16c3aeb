"""Each check of a page can fail: a small broken page for each, and one sound page for them all."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support import accessibility
from tests.support.chromium import Watched, chromium, opened

pytestmark = pytest.mark.browser

HEAD = """<!doctype html><html lang="da"><meta name="viewport" content="width=device-width">
<title>Prøve</title><style>body { font: 16px/1.4 sans-serif; color: #111; background: #fff }
button, a { display: inline-block; min-height: 24px; min-width: 24px }
input { border: 1px solid #555; font: inherit; height: 30px }
:focus-visible { outline: 3px solid #00528c }</style><body><main><h1>Prøve</h1>"""

SOUND = f"""{HEAD}<p>En sætning med <a href="#t">et link</a> i.</p><label>Navn <input></label>
<button>Gem</button><button disabled>Senere</button><p id="t" tabindex="-1">Slut</p>
<svg width="20" height="20" fill="currentColor" aria-hidden="true"><path d="M0 0h20v20H0Z"/></svg>
</main>"""

PICTURE = '<svg width="20" height="20" aria-hidden="true" fill="{}"><path d="M0 0h20v20H0Z"/></svg>'
LONG = "Akutpladser_Randers_Nord_og_Syd_samt_Øst"

Check = Callable[[Page], list[str]]


def keyboard_after_script(script: str) -> Check:
    def check(page: Page) -> list[str]:
        page.evaluate(script)
        return accessibility.keyboard(page)

    return check


def in_danish(page: Page) -> list[str]:
    return accessibility.document(page, "da")


def flashing_started(page: Page) -> list[str]:
    page.evaluate(
        "() => document.querySelector('p').animate("
        "[{ opacity: 1 }, { opacity: 0 }, { opacity: 1 }],"
        " { duration: 250, iterations: Infinity })"
    )
    return accessibility.flashing(page)


def focus_taken(page: Page) -> list[str]:
    def replace() -> None:
        page.evaluate(
            "() => { const b = document.querySelector('button'); b.replaceWith(b.cloneNode(true)) }"
        )

    return accessibility.focus_kept(page, ["button"], replace)


def broken(body: str, check: Check, said: str, id_: str):
    return pytest.param(HEAD + body, check, said, id=id_)


BROKEN = [
    broken("<img src='data:,'>", accessibility.axe, "image-alt", "axe"),
    broken(
        f"<p style='width: 5em; overflow: hidden'>{LONG}</p>",
        accessibility.clipped, "cut by <p>", "clipped by itself",
    ),
    broken(
        f"<div style='width: 5em; overflow: hidden'><div><p>{LONG}</p></div></div>",
        accessibility.clipped, "cut by <div>", "clipped by an ancestor",
    ),
    broken(
        "<div style='height: 1em; overflow: hidden'><p>En<br>to<br>tre</p></div>",
        accessibility.clipped, "cut by <div>", "clipped in height",
    ),
    broken(
        f"<p style='width: 5em; overflow: hidden; text-overflow: ellipsis'>{LONG}</p>",
        accessibility.clipped, "wider than its box", "ellipsis",
    ),
    broken(
        "<p style='position: absolute; left: -30px; top: 200px'>Udenfor</p>",
        accessibility.clipped, "outside the page", "outside",
    ),
    broken(
        "<p>Under</p><p style='position: relative; top: -2.3em'>Over</p>",
        accessibility.overlapping, "lies over", "overlapping",
    ),
    broken(
        "<p style='width: 3000px'>Bred</p>", accessibility.sideways, "wide in", "sideways",
    ),
    broken(
        "<div style='overflow: auto; width: 50px'><p style='width: 90px'>Bred</p></div>",
        accessibility.sideways, "scrolls sideways", "sideways within",
    ),
    broken(
        "<p style='width: 4.5em; height: 1.5em; overflow: hidden; white-space: nowrap'>Optaget</p>",
        accessibility.spaced, "wider than its box", "text spacing",
    ),
    broken(
        "<p style='height: 40px; overflow: hidden; font-size: 1.5rem'>Optaget</p>",
        accessibility.enlarged, "cut by", "twice as large",
    ),
    broken("<p style='min-width: 400px'>Bred</p>", accessibility.reflow, "wide in 320", "reflow"),
    broken(
        "<p><button style='min-width: 0; width: 16px; min-height: 0; height: 16px; padding: 0'>1"
        "</button><button style='min-width: 0; width: 16px; min-height: 0; height: 16px;"
        " padding: 0'>2</button></p>",
        accessibility.targets, "16×16, too near", "small targets",
    ),
    broken("<p style='color: #888'>Bleg</p>", accessibility.pale, "3.54", "pale"),
    broken("<p style='opacity: 0.5'>Bleg</p>", accessibility.pale, "Bleg", "pale by opacity"),
    broken(
        "<p style='background: repeating-linear-gradient(45deg, #fff 0 4px, #777 4px 9px)'>På</p>",
        accessibility.pale, "På", "pale on one stripe",
    ),
    broken(PICTURE.format("#ccc"), accessibility.marks, "sign in", "pale sign"),
    broken(
        "<input aria-label='x' style='border: 1px solid #ccc'>",
        accessibility.marks, "edge of <input>", "pale edge",
    ),
    broken("<h1>To</h1>", in_danish, "2 main headings", "two headings"),
    broken("<p id='a'>1</p><p id='a'>2</p>", in_danish, "same id twice: a", "same id"),
    broken("<p>x</p>", lambda page: accessibility.document(page, "en"), 'not "en"', "language"),
    broken(
        "<p style='animation: a 2s infinite'>x</p>"
        "<style>@keyframes a { to { opacity: 0 } }</style>",
        accessibility.reduced_motion, "asked not to", "motion",
    ),
    broken("<p>Blink</p>", flashing_started, "4.0 flashes", "flashing"),
    broken(
        "<p>Sort</p><style>@media (forced-colors: active) {"
        " p { forced-color-adjust: none; color: #111; background: #000 } }</style>",
        accessibility.forced_colours, "Sort", "forced colours",
    ),
    broken(
        f"<style>svg {{ forced-color-adjust: none }}</style>{PICTURE.format('#000')}"
        "<style>@media (forced-colors: active) { main { forced-color-adjust: none;"
        " background: #000 } }</style>",
        accessibility.forced_colours, "sign in", "sign in forced colours",
    ),
    broken(
        "<button style='outline: none'>Gem</button>",
        accessibility.keyboard, "no visible focus", "no focus seen",
    ),
    broken(
        "<button style='outline-color: #eee'>Gem</button>",
        accessibility.keyboard, "focus 1.1", "pale focus",
    ),
    broken(
        "<button>Gem</button><div style='position: fixed; inset: 0; background: #fff'>Over</div>",
        accessibility.keyboard, "focused out of sight", "focus covered",
    ),
    broken(
        "<button>Et</button><button>To</button><button>Tre</button>",
        keyboard_after_script(
            "() => document.querySelector('button').addEventListener('keydown', (event) =>"
            " event.preventDefault())"
        ),
        "not reached by Tab: <button> \"Tre\"", "trap",
    ),
    broken("<button>Gem</button>", focus_taken, "the focus went from button", "focus lost"),
]  # fmt: skip

ALL: list[Check] = [
    accessibility.axe,
    accessibility.clipped,
    accessibility.overlapping,
    accessibility.sideways,
    accessibility.spaced,
    accessibility.enlarged,
    accessibility.reflow,
    accessibility.targets,
    accessibility.pale,
    accessibility.marks,
    in_danish,
    accessibility.flashing,
    accessibility.reduced_motion,
    accessibility.forced_colours,
    accessibility.keyboard,
    lambda page: accessibility.focus_kept(page, ["button"], lambda: None),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def watched(browser: Browser) -> Iterator[Watched]:
    with opened(browser, (800, 600)) as page:
        accessibility.watch_policy(page.page)
        yield page


@pytest.mark.parametrize(("content", "check", "said"), BROKEN)
def test_a_broken_page_is_found_out(watched, content, check, said):
    watched.page.goto("about:blank")
    watched.page.set_content(content)
    faults = check(watched.page)
    assert any(said in fault for fault in faults), faults


def test_a_sound_page_passes_every_check(watched):
    watched.page.goto("about:blank")
    watched.page.set_content(SOUND)
    assert [fault for check in ALL for fault in check(watched.page)] == []


def test_what_is_allowed_to_be_cut_is_let_be(watched):
    watched.page.set_content(f"{HEAD}<p class='n' style='width: 5em; overflow: hidden'>{LONG}</p>")
    assert accessibility.clipped(watched.page)
    assert accessibility.clipped(watched.page, allowed=".n") == []


def test_small_targets_with_room_around_them_are_excused(watched):
    small = (
        "style='min-width: 0; width: 16px; min-height: 0; height: 16px; padding: 0; margin: 9px'"
    )
    watched.page.set_content(f"{HEAD}<p><button {small}>1</button><button {small}>2</button></p>")
    assert accessibility.targets(watched.page) == []


def test_what_the_content_policy_refuses_is_a_complaint(browser):
    with opened(browser, (800, 600)) as refused:
        accessibility.watch_policy(refused.page)
        refused.page.route(
            "http://policy.test/",
            lambda route: route.fulfill(
                headers={
                    "Content-Security-Policy": "style-src 'none'",
                    "Content-Type": "text/html",
                },
                body="<!doctype html><p style='color: red'>Rød</p>",
            ),
        )
        refused.page.goto("http://policy.test/")
        assert [text for text in refused.complaints if text.startswith("content policy: style-src")]
