"""Chromium for tests: the system's own browser, driven by Playwright, its complaints kept."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, BrowserType, Page, expect, sync_playwright

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE_MS = 30_000
"""For what a page is to show or do: how long a busy machine may take tells nothing of the page."""

PHONE = (390, 844)
DESKTOP = (1366, 768)
WALL = (1920, 1080)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser. Tests that use it are marked so, and opted out where there is none."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright, _launched(playwright.chromium) as browser:
        yield browser


@contextmanager
def another(browser: Browser, *options: str) -> Iterator[Browser]:
    """A second browser beside a running one, with further command line options."""
    with _launched(browser.browser_type, *options) as second:
        yield second


@contextmanager
def _launched(kind: BrowserType, *options: str) -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path is not None, "chromium is not installed, and this test lacks the browser mark"
    browser = kind.launch(executable_path=path, args=[*_ARGUMENTS, *options])
    yield browser
    browser.close()


@dataclass
class Watched:
    """A page whose complaints are kept: console errors, uncaught exceptions, CSP violations."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Begin to listen."""
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text)
                if message.type in ("error", "warning") and "WebSocket" not in message.text
                else None
            ),
        )


@contextmanager
def opened(browser: Browser, size: tuple[int, int] = DESKTOP, **options: Any) -> Iterator[Watched]:
    """A fresh page of a size in a context of its own, watched for complaints."""
    context: BrowserContext = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="da-DK",
        timezone_id="America/New_York",  # the PC's zone must not matter
        **options,
    )
    context.set_default_timeout(PATIENCE_MS)
    watched = Watched(context.new_page())
    watched.watch()
    yield watched
    context.close()
