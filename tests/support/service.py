"""A real service in this process: the whole application on a free port over real stores."""

import asyncio
import contextlib
import hmac
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import uvicorn

from capacity.instants import Clock, utc_now
from capacity.settings import Settings
from tests.support.databases import url_beside
from web.app import create_app
from web.commands.serve import server_config
from web.key_kinds import KeyKind
from web.services import Services, build_services

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What a client over plain HTTP needs not: reading all authorities takes as long as a start."""


class Service:
    """A running service: its parts, its address, and a client that talks to it."""

    def __init__(self, services: Services, base: str, client: httpx.AsyncClient) -> None:
        self.services = services
        self.base = base
        self.client = client

    @property
    def live(self) -> str:
        """The WebSocket address of the live channel, without the cluster."""
        return self.base.replace("http", "ws", 1) + "/api/v1/live"

    @property
    def csrf(self) -> str:
        """The token that pages carry for somebody without a session, as in the demo."""
        secret = self.services.access.csrf_secret
        return hmac.new(secret, b"nobody", "sha256").hexdigest()

    def key_for(self, source: str) -> str:
        """A new feed key."""
        return self.services.access.keys.make(KeyKind.SOURCE, source, utc_now())

    async def push(
        self, source: str, document: bytes, *, key: str, media: str = "application/json"
    ) -> httpx.Response:
        """Hand over a document as a source does."""
        return await self.client.post(
            f"/api/v1/feeds/{source}",
            content=document,
            headers={"Authorization": f"Bearer {key}", "Content-Type": media},
        )

    async def rows(self, cluster: str, at: str | None = None) -> dict[str, dict[str, object]]:
        """The board over HTTP, by unit."""
        answer = await self.client.get(f"/api/v1/board/{cluster}", params={"at": at} if at else {})
        answer.raise_for_status()
        return {row["unit"]: row for row in answer.json()["rows"]}


@contextlib.asynccontextmanager
async def running(
    settings: Settings, *, demo: bool = True, clock: Clock = utc_now, port: int = 0
) -> AsyncIterator[Service]:
    """Start the service as `akutoverblik serve` does, on a free port, and stop it afterwards."""
    services = build_services(settings, demo=demo, clock=clock)
    config = server_config(create_app(services), settings, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", port))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if serving.done():
                await serving
                raise RuntimeError("the server ended before it started")
            await asyncio.sleep(0.01)
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=base, timeout=30, verify=_NO_TLS) as client:
            yield Service(services, base, client)
    finally:
        server.should_exit = True
        await serving
        listener.close()


def settings_for(folder: Path, redis_url: str, *sources: Path, **more: object) -> Settings:
    """Settings of a service whose data lies in `folder`."""
    if "sql_url" not in more:
        more["sql_url"] = url_beside(folder)
    return Settings(
        data=folder,
        redis_url=redis_url,
        sources=list(sources),
        **more,  # type: ignore[arg-type]
    )
