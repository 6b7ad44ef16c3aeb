"""The application: routes, pages and the live channel over one set of services."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from web import (
    admin_audit_routes,
    admin_key_routes,
    admin_routes,
    annotation_routes,
    api_alternatives,
    api_board,
    api_feeds,
    api_history,
    api_holds,
    api_indicators,
    api_ledger,
    api_live,
    api_outcomes,
    api_profile,
    api_push,
    api_session,
    api_statement,
    api_surge,
    api_units,
    compare_routes,
    display_routes,
    import_routes,
    indicator_routes,
    ledger_routes,
    operator_routes,
    ops,
    page_routes,
    replay_routes,
    report_routes,
    unit_routes,
)
from web.auth import account_routes, oidc_routes
from web.auth import routes as auth_routes
from web.auth.middleware import SessionMiddleware
from web.errors import install_error_handlers
from web.headers import SafeHeaders
from web.limits import EDGE_ANSWERS, RequestBounds, VisitorLimits
from web.pages import static_files
from web.proxies import TrustedProxies
from web.services import Services

log = logging.getLogger(__name__)


def create_app(services: Services) -> FastAPI:
    """The ASGI application over services that it starts and stops itself."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await services.start()
        log.info(
            "ready: %d units, %d sources", len(services.catalogue.units), len(services.sources)
        )
        yield
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
    app.include_router(api_feeds.router)
    app.include_router(api_board.router)
    app.include_router(api_history.router)
    app.include_router(api_ledger.router)
    app.include_router(api_indicators.router)
    app.include_router(api_profile.router)
    app.include_router(api_statement.router)
    app.include_router(api_alternatives.router)
    app.include_router(api_live.router)
    app.include_router(api_units.router)
    app.include_router(api_holds.router)
    app.include_router(api_outcomes.router)
    app.include_router(api_push.router)
    app.include_router(api_surge.router)
    app.include_router(api_session.router)
    app.include_router(ops.router)
    app.include_router(operator_routes.router)
    app.include_router(auth_routes.router)
    app.include_router(oidc_routes.router)
    app.include_router(account_routes.router)
    app.include_router(admin_routes.router)
    app.include_router(admin_key_routes.router)
    app.include_router(admin_audit_routes.router)
    app.include_router(page_routes.router)
    app.include_router(replay_routes.router)
    app.include_router(ledger_routes.router)
    # Before the indicators, whose addresses go on with any municipality.
    app.include_router(import_routes.router)
    app.include_router(annotation_routes.router)
    app.include_router(compare_routes.router)
    app.include_router(report_routes.router)
    app.include_router(indicator_routes.router)
    app.include_router(unit_routes.router)
    app.include_router(display_routes.router)
    app.mount("/static", static_files(), name="static")
    install_error_handlers(app)
    # The last one added is the first to see a request.
    settings, door = services.settings, services.door
    app.add_middleware(api_feeds.ShortWay)
    app.add_middleware(VisitorLimits, rates=door.rates, access=services.access, settings=settings)
    app.add_middleware(SessionMiddleware, sessions=door.sessions, clock=services.clock)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.trusted_hosts)
    app.add_middleware(RequestBounds, max_body=settings.max_body_bytes)
    app.add_middleware(SafeHeaders)
    app.add_middleware(TrustedProxies, trusted=settings.trusted_proxies)
    return app
