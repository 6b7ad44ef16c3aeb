"""How a simulated person reaches the service: as a browser's page does."""

import asyncio
import re
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"')
TRIES = 8
PATIENCE = 0.5
"""Seconds before a request that got no answer is sent again, under the same id."""


class Door:
    """One person's way in: the token of a page, then requests that carry it.

    A request whose answer is lost or 503 is repeated under the same id, as the pages do.
    """

    def __init__(self, client: httpx.AsyncClient, page: str) -> None:
        self._client = client
        self._page = page
        self._token = ""
        self.repeated = 0

    async def enter(self) -> None:
        """Open the page and keep its token; raises `ValueError` when it has none."""
        answer = await self._client.get(self._page)
        found = _TOKEN.search(answer.text)
        if answer.status_code != 200 or found is None:
            raise ValueError(f"{self._page} answers {answer.status_code} and no token")
        self._token = found[1]

    async def get(self, path: str, params: Any = None) -> Any:
        """The JSON of an address; raises `httpx.HTTPError` when it goes on failing."""
        for _ in range(TRIES):
            try:
                answer = await self._client.get(path, params=params)
                if answer.status_code != 503:
                    answer.raise_for_status()
                    return answer.json()
            except httpx.TransportError:
                self.repeated += 1
            await asyncio.sleep(PATIENCE)
        raise httpx.ConnectError(f"{path} cannot be reached")

    async def post(self, path: str, body: Mapping[str, object]) -> tuple[int, Any]:
        """The status and JSON of one action, done once however often it has to be sent."""
        headers = {"X-CSRF-Token": self._token, "Idempotency-Key": str(uuid.uuid4())}
        for _ in range(TRIES):
            try:
                answer = await self._client.post(path, json=body, headers=headers)
                if answer.status_code not in (429, 503):
                    return answer.status_code, answer.json()
            except httpx.TransportError:
                self.repeated += 1
            await asyncio.sleep(PATIENCE)
        raise httpx.ConnectError(f"{path} cannot be reached")
