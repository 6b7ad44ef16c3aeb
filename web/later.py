"""Pages that are no boards: loaded once boards are served.

Charts, reports, ledgers and administration take a fifth of what a start loads, and no board needs
any of them. They are loaded one after the other while boards are served already. Who asks for one
of them in the first second waits for all, and nobody is told that a page does not exist because it
is not loaded yet.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

MODULES: Final = (
    "web.api_history",
    "web.api_ledger",
    "web.api_indicators",
    "web.api_profile",
    "web.api_statement",
    "web.operator_routes",
    "web.auth.account_routes",
    "web.admin_routes",
    "web.admin_key_routes",
    "web.admin_audit_routes",
    "web.replay_routes",
    "web.ledger_routes",
    # Before the indicators, whose addresses go on with any municipality.
    "web.import_routes",
    "web.annotation_routes",
    "web.compare_routes",
    "web.report_routes",
    "web.indicator_routes",
)
"""Modules with a `router`, in the order in which their addresses are tried."""
EARLY: Final = (
    "/healthz", "/readyz", "/metrics", "/static/", "/board/", "/wall/", "/print/", "/unit",
    "/sign-in", "/sign-out", "/set-up/", "/wall-link/", "/sw.js", "/api/asyncapi.json",
    "/api/v1/live/", "/api/v1/board/", "/api/v1/feeds/", "/api/v1/units/", "/api/v1/holds/",
    "/api/v1/outcomes/", "/api/v1/surge/", "/api/v1/alternatives/", "/api/v1/push/",
    "/api/v1/session",
)  # fmt: skip
"""Addresses that are there from the start; whoever asks for any other waits until all are."""
SOON: Final = 0.5
"""Seconds for which boards that were waiting for the start are let in first."""


class Later:
    """The rest of an application."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.around: Callable[[], AbstractContextManager[None]] = nullcontext
        """What the loading stands in, as `web.commands.kept` in a process that is a service."""
        self._left = list(MODULES)
        self._wanted = asyncio.Event()
        self._done = asyncio.Event()
        self._failure: Exception | None = None

    async def load(self) -> None:
        """Load it bit by bit, at once if somebody waits for it; a fault in it is told."""
        try:
            async with asyncio.timeout(SOON):
                await self._wanted.wait()
        except TimeoutError:
            pass
        try:
            with self.around():
                while self._left:
                    self._load_one()
                    await asyncio.sleep(0)
        except Exception as error:  # kept for those who wait
            log.critical("pages beside the boards cannot be loaded", exc_info=error)
            self._failure = error
        self._done.set()

    @property
    def is_broken(self) -> bool:
        """Whether it could not be loaded; the log says why."""
        return self._failure is not None

    def load_all(self) -> None:
        """Load it here and now, for whoever looks at the application without running it."""
        while self._left:
            self._load_one()
        self._done.set()

    async def wait(self) -> None:
        """Return when all is loaded; raises what kept it from being so."""
        if not self._done.is_set():
            self._wanted.set()
            await self._done.wait()
        if self._failure is not None:
            raise RuntimeError("pages beside the boards could not be loaded") from self._failure

    def _load_one(self) -> None:
        self._app.include_router(import_module(self._left[0]).router)
        del self._left[0]


class WaitForLater:
    """Lets boards through, and everybody else once all is there."""

    def __init__(self, app: ASGIApp, later: Later) -> None:
        self._app = app
        self._later = later

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] == "http" and not is_early(scope["path"]):
            await self._later.wait()
        await self._app(scope, receive, send)


def is_early(path: str) -> bool:
    """Whether the address is there, or not, from the start."""
    return path == "/" or path.startswith(EARLY)
