"""The application: routes, pages and the live channel over one set of services."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from web import (
    api_alternatives,
    api_board,
    api_feeds,
    api_holds,
    api_live,
    api_outcomes,
    api_push,
    api_session,
    api_surge,
    api_units,
    display_routes,
    ops,
    page_routes,
    unit_routes,
)
from web.auth import oidc_routes
from web.auth import routes as auth_routes
from web.auth.middleware import SessionMiddleware
from web.errors import install_error_handlers
from web.headers import SafeHeaders
from web.later import Later, WaitForLater
from web.limits import EDGE_ANSWERS, RequestBounds, VisitorLimits
from web.pages import static_files
from web.proxies import TrustedProxies
from web.services import Services
from web.short_way import ShortWay
from web.unheard import tell_once

log = logging.getLogger(__name__)


def create_app(services: Services) -> FastAPI:
    """The ASGI application over services that it starts and stops itself.

    Pages that are no boards are there once it runs (`web.later`).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(tell_once)
        await services.start()
        log.info(
            "ready: %d units, %d sources", len(services.catalogue.units), len(services.sources)
        )
        loading = asyncio.create_task(later.load(), name="pages beside the boards")
        yield
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await services.stop()

    app = FastAPI(
        title="Akutoverblik",
        version=version("akutoverblik"),
        summary="Acute capacity across hospital and municipalities",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=EDGE_ANSWERS,
        lifespan=lifespan,
        # What is measured stands at /metrics; to ask for others at every request is not free.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.services = services
    later = app.state.later = Later(app)
    for module in (
        api_feeds,
        api_board,
        api_alternatives,
        api_live,
        api_units,
        api_holds,
        api_outcomes,
        api_push,
        api_surge,
        api_session,
        ops,
        auth_routes,
        oidc_routes,
        page_routes,
        unit_routes,
        display_routes,
    ):
        app.include_router(module.router)
    app.mount("/static", static_files(), name="static")
    install_error_handlers(app)
    # The last one added is the first to see a request.
    settings, door = services.settings, services.door
    app.add_middleware(WaitForLater, later=later)
    app.add_middleware(ShortWay)
    app.add_middleware(VisitorLimits, rates=door.rates, access=services.access, settings=settings)
    app.add_middleware(SessionMiddleware, sessions=door.sessions, clock=services.clock)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.trusted_hosts)
    app.add_middleware(RequestBounds, max_body=settings.max_body_bytes)
    app.add_middleware(SafeHeaders)
    app.add_middleware(TrustedProxies, trusted=settings.trusted_proxies)
    return app
