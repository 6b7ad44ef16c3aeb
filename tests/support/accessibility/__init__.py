"""Checks of a page in Chromium: axe, and what axe misses.

axe once passed a page on which names were clipped; so these measure what an eye, a finger and a
keyboard meet. Each check takes a Playwright page and returns its faults in words, an empty list
when all is well. Limits are those of WCAG 2.2, AA. `tests/test_accessibility_checks.py` shows each
of them to be able to fail.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

_CHECKS: Final = (Path(__file__).parent / "checks.js").read_text(encoding="utf-8")
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_STOPS: Final = 400
"""So many presses of Tab are a trap and not a page."""

_SPACING: Final = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"""
"""What a reader may set (1.4.12)."""

Faults = list[str]


def axe(page: Page, *, contrast: bool = True) -> Faults:
    """What axe-core finds against WCAG 2.2 AA and good practice.

    Its look at contrast takes three quarters of its time, and `pale` looks at the same.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {
        "runOnly": {"type": "tag", "values": _RULES},
        "resultTypes": ["violations"],
        # Whatever a sticky bar covers at this very scroll position is small to it: see `targets`.
        "rules": {"target-size": {"enabled": False}, "color-contrast": {"enabled": contrast}},
        "iframes": False,
        "preload": False,
    }
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def clipped(page: Page, allowed: str = "") -> Faults:
    """Text that is cut by a box or lies outside the page; `allowed` selects what may be."""
    return _ask(page, "clipped", allowed)


def overlapping(page: Page) -> Faults:
    """Text that lies over other text."""
    return _ask(page, "overlapping")


def sideways(page: Page) -> Faults:
    """What makes a reader scroll sideways."""
    return _ask(page, "sideways")


def targets(page: Page) -> Faults:
    """What is pressed: below 24 by 24 pixels without the room that excuses it (2.5.8)."""
    return _ask(page, "targets")


def pale(page: Page) -> Faults:
    """Text below 4.5 to 1, or 3 to 1 where large (1.4.3), hatching and opacity included."""
    return _ask(page, "pale")


def marks(page: Page) -> Faults:
    """Signs and the edges of fields below 3 to 1 (1.4.11)."""
    return _ask(page, "marks")


def document(page: Page, lang: str) -> Faults:
    """Language, title, one main heading, no id twice."""
    return _ask(page, "page", lang)


def flashing(page: Page) -> Faults:
    """Animations that flash three times a second or more (2.3.1)."""
    return _ask(page, "flashing")


def spaced(page: Page, allowed: str = "") -> Faults:
    """What a reader's own spacing of text (1.4.12) cuts or covers."""
    with _styled(page, _SPACING):
        return clipped(page, allowed) + overlapping(page) + sideways(page)


def enlarged(page: Page, allowed: str = "") -> Faults:
    """What text of twice the size (1.4.4) cuts or covers."""
    with _styled(page, "html { font-size: 200% !important }"):
        return clipped(page, allowed) + overlapping(page) + sideways(page)


def reflow(page: Page, allowed: str = "") -> Faults:
    """What 320 pixels of width cut, cover or make scroll sideways (1.4.10)."""
    before = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    try:
        return sideways(page) + clipped(page, allowed) + overlapping(page)
    finally:
        if before is not None:
            page.set_viewport_size(before)


def forced_colours(page: Page) -> Faults:
    """What cannot be read where the reader chooses all colours (Windows' high contrast)."""
    page.emulate_media(forced_colors="active")
    try:
        return pale(page) + marks(page)
    finally:
        page.emulate_media(forced_colors="none")


def reduced_motion(page: Page) -> Faults:
    """What moves although the reader asked for no motion (2.2.2, 2.3.3)."""
    page.emulate_media(reduced_motion="reduce")
    try:
        return _ask(page, "moving")
    finally:
        page.emulate_media(reduced_motion="no-preference")


def keyboard(page: Page) -> Faults:
    """Tab through the page: all is reached, each stop is seen, none is hidden, nothing traps."""
    wanted = cast(int, _run(page, "rest"))
    faults: Faults = []
    reached: list[str] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        here = cast(dict[str, Any], _run(page, "stop"))
        stop = here["stop"]
        if stop is not None and reached and stop == reached[-1]:
            continue  # the day, the month and the year of a date are stops of one field
        if here["body"] or (stop is not None and stop in reached):
            break
        if stop is not None:
            reached.append(stop)
        faults += here["faults"]
    else:
        faults.append(f"{MOST_STOPS} presses of Tab did not get through the page")
    if len(reached) < wanted:
        faults += cast(Faults, _run(page, "missed", reached))
    return faults


def focus_kept(page: Page, selectors: list[str], update: Callable[[], None]) -> Faults:
    """Whether the focus stays where it is, on each of `selectors`, while `update` changes the page.

    `update` returns when the page shows the change.
    """
    faults: Faults = []
    for selector in selectors:
        page.locator(selector).first.focus()
        page.evaluate("() => { window.focusedBefore = document.activeElement }")
        update()
        kept = page.evaluate("() => document.activeElement === window.focusedBefore")
        if not kept:
            now = page.evaluate("() => document.activeElement?.outerHTML.slice(0, 120)")
            faults.append(f"the focus went from {selector} to {now}")
    return faults


def watch_policy(page: Page) -> None:
    """Let violations of the content policy be told as console errors; before the page is opened."""
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', (event) => console.error("
        "`content policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"
    )


def _ask(page: Page, check: str, *given: object) -> Faults:
    return cast(Faults, _run(page, check, *given))


def _run(page: Page, check: str, *given: object) -> object:
    """Call one of checks.js; the object is kept in the page, as it remembers how things looked."""
    arguments = ", ".join(json.dumps(value) for value in given)
    result: object = page.evaluate(f"() => (window.__checks ??= {_CHECKS}).{check}({arguments})")
    return result


@contextmanager
def _styled(page: Page, rules: str) -> Iterator[None]:
    """A style sheet of the reader's own, as the content policy lets no inline style in."""
    page.evaluate(
        "(rules) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rules);"
        " document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet] }",
        rules,
    )
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")
    try:
        yield
    finally:
        page.evaluate(
            "() => { document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1) }"
        )
