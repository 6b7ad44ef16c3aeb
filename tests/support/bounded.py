"""A service whose bounds a test sets, and what is asked of it over raw sockets."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from capacity.instants import utc_now
from tests.support.service import Service
from web.key_kinds import KeyKind

HOSPITAL = "regionshospitalet-randers"
ATTACK_SECONDS = 12
BOARD = "/api/v1/board/randers"
GET = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
Start = Callable[..., AbstractAsyncContextManager[Service]]


def port_of(service: Service) -> int:
    """Where the service listens."""
    return int(service.base.rpartition(":")[2])


def board_key(service: Service) -> dict[str, str]:
    """The header of a new key that may read the board."""
    key = service.services.access.keys.make(KeyKind.BOARD, "randers", utc_now())
    return {"Authorization": f"Bearer {key}"}
