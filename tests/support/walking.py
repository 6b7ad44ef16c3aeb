"""Every address that the application knows by now, and what the audit trail says."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from capacity.people import AuditEntry
from tests.support.service import Service

_SAFE = {"GET", "HEAD", "OPTIONS"}


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every HTTP route, those outside of the API's description too."""
    for route in _flat(app.routes):
        if isinstance(route, APIRoute):
            for method in sorted(route.methods or ()):
                yield method, route.path


def changing(app: FastAPI) -> set[tuple[str, str]]:
    """The routes that may change something: all whose method is not a safe one."""
    return {(method, path) for method, path in routes_of(app) if method not in _SAFE}


async def trail(service: Service, **wanted: Any) -> list[AuditEntry]:
    """Entries of the audit trail, the oldest first, those that wait in the store too."""
    await service.services.door.copier.copy()
    return (await service.services.door.people.audit_entries(limit=5000, **wanted))[::-1]


def _flat(routes: list[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        original = getattr(route, "original_router", None)
        if original is None:
            yield route
        else:
            yield from _flat(original.routes)
