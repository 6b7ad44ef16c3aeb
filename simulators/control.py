"""The simulators' own little web server: documents to fetch, and the switches for faults.

- ``GET /{source}.json``: the status document of a source that is fetched (ETag, 304).
- ``GET /control``: every source with what it speaks, its fault, and how much it has sent.
- ``POST /control/{source}/fault`` with ``{"kind": "silent"}`` or another of `faults.Kind`, and
  where wanted ``behind``, ``minutes`` or ``status``; ``{"kind": "none"}`` ends it.

It has no accounts and listens on loopback only, unless told otherwise.
"""

import asyncio
from collections.abc import Mapping

from fastapi import FastAPI, HTTPException, Request, Response

from simulators.faults import ERROR_PAGE, Fault, Kind
from simulators.outlets import Shelf
from simulators.station import Station

LONGEST_SILENCE = 60.0
"""Seconds after which a fetch that gets no answer is let go, should the fetcher not give up."""


class Control:
    """The web application over the stations; `stop` lets hanging fetches go."""

    def __init__(self, stations: Mapping[str, Station]) -> None:
        self._stations = stations
        self._stirred = asyncio.Event()
        self._stopping = False
        self.app = FastAPI(title="simulators", docs_url=None, redoc_url=None, openapi_url=None)
        self.app.get("/control")(self.list_sources)
        self.app.post("/control/{source}/fault")(self.set_fault)
        self.app.get("/{source}.json")(self.fetch)

    def stop(self) -> None:
        """Answer those who still wait."""
        self._stopping = True
        self._stirred.set()

    async def list_sources(self) -> dict[str, object]:
        """The state of every source."""
        return {name: self._state(station) for name, station in self._stations.items()}

    async def set_fault(self, source: str, fault: Fault) -> dict[str, object]:
        """Begin or end a fault."""
        station = self._station(source)
        station.gate.set(fault)
        self._stirred.set()
        self._stirred = asyncio.Event()
        return self._state(station)

    async def fetch(self, source: str, request: Request) -> Response:
        """The newest document of a source, or what its fault makes of it."""
        station = self._station(source)
        shelf = station.outlet
        if not isinstance(shelf, Shelf):
            raise HTTPException(404, f"{source} sends its documents, it is not fetched from")
        await self._while_silent(station)
        fault = station.gate.fault
        if fault.kind is Kind.ERROR_PAGE:
            return Response(ERROR_PAGE, fault.status, media_type="text/html")
        if shelf.document is None or fault.kind is Kind.SILENT:
            return Response(status_code=503, headers={"Retry-After": "2"})
        headers = {"ETag": shelf.etag, "Cache-Control": "no-cache"}
        if _matches(request.headers.get("if-none-match", ""), shelf.etag):
            return Response(status_code=304, headers=headers)
        return Response(shelf.document.body, headers=headers, media_type=shelf.document.media_type)

    async def _while_silent(self, station: Station) -> None:
        try:
            async with asyncio.timeout(LONGEST_SILENCE):
                while station.gate.fault.kind is Kind.SILENT and not self._stopping:
                    await self._stirred.wait()
        except TimeoutError:
            return

    def _station(self, source: str) -> Station:
        station = self._stations.get(source)
        if station is None:
            raise HTTPException(404, f"no source is called {source[:60]}")
        return station

    @staticmethod
    def _state(station: Station) -> dict[str, object]:
        return {
            "speaks": station.system.speaks.value,
            "fault": station.gate.fault.model_dump(mode="json"),
            "sent": station.sent,
        }


def _matches(if_none_match: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags
