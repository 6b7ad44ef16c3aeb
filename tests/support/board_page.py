"""Rows to show, and a small server that plays the other end of the board page by a script.

The server speaks real HTTP and WebSocket; what it sends, and when it falls silent, the test says.
"""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from capacity.alternatives import rank
from capacity.catalogue import builtin_catalogue
from capacity.instants import format_instant, to_millis
from capacity.model import REPORT_CLASSES, Closure, Inconsistency
from capacity.need import Need, parse_need
from capacity.row import Row, row_of
from capacity.units import Catalogue, danish_day
from web.pages import Timing, assets, render_board, render_wall, static_files
from web.pages.calls import Caller
from web.pages.filters import read_filters
from web.words import choose_language

A_TIME = r"(i går )?kl\. \d\d\.\d\d( (sommer|normal)tid)?"
"""What pages may say of a moment just now, whenever it is that they are looked at."""
BASE = datetime(2026, 11, 24, 13, 5, 30, tzinfo=UTC)
"""Five and a half minutes past two in the afternoon, in Denmark, in winter."""

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

CATALOGUE: Catalogue = builtin_catalogue()


def row(unit_id: str, minutes_old: float = 0, now: datetime = BASE, **fields: Any) -> Row:
    """The row of a unit after a report `minutes_old` before `now`; `source` may be given."""
    unit = CATALOGUE.units[unit_id]
    source = fields.pop("source", "test-source")
    observed_at = to_millis(now - timedelta(minutes=minutes_old))
    report = REPORT_CLASSES[unit.report_type](unit=unit_id, observed_at=observed_at, **fields)
    return row_of(
        unit,
        report,
        received_at=observed_at + timedelta(seconds=1),
        source=source,
        today=danish_day(now),
    )


def ordinary_rows(now: datetime = BASE) -> list[Row]:
    """A plausible afternoon in Randers, with one of everything that can be wrong."""
    at = now.replace(minute=0, second=0, microsecond=0)

    def r(unit_id: str, minutes_old: float, **fields: Any) -> Row:
        return row(unit_id, minutes_old, now, **fields)

    return [
        r("randers-akutplads-1", 25, total=2, staffed=2, occupied=0, reserved=0, closed=0, free=2),
        r("randers-akutplads-2", 130, total=1, occupied=1, free=0),
        r("randers-akutteam", 85, total=4, occupied=3, free=1, on_duty=True),
        r("favrskov-akutplads", 3, total=2, occupied=1, free=1, note="Kun stuen, lift i brug"),
        r("favrskov-akutteam", 45, total=3, occupied=3, free=0, on_duty=True,
          next_free_at=at + timedelta(hours=2)),
        r("norddjurs-akutplads", 300, total=1, occupied=0, free=1),
        r("norddjurs-akutteam", 40, total=3, occupied=1, free=2, on_duty=True,
          capabilities_off=("ecg",)),
        r("syddjurs-akutplads", 12, total=1, closed=1, free=0,
          closure=Closure("sygdom blandt personalet", at + timedelta(hours=17))),
        r("syddjurs-akutteam", 55, total=2, occupied=0, free=2, on_duty=True),
        r("rhr-akutafdeling", 1, total=50, occupied=52, free=0, waiting=7, wait_minutes=35,
          inconsistencies=(Inconsistency.OCCUPIED_OVER_TOTAL,)),
        r("rhr-visitation", 0, waiting=3, wait_minutes=4),
        r("rhr-subakut-medicin", 6, total=8, free=3, next_free_at=at + timedelta(hours=19)),
        r("rhr-subakut-geriatri", 6, total=3, free=1, next_free_at=at + timedelta(hours=43)),
        r("rhr-geriatri-raad", 6, on_duty=True, waiting=1, wait_minutes=5),
        r("rhr-hjemmeindlaeggelse", 9, total=6, staffed=6, occupied=4, free=2),
        r("laegevagt-randers", 0, waiting=11, wait_minutes=18),
        r("akutklinik-grenaa", 4, waiting=2, wait_minutes=25),
        r("praehospital-randers", 1, total=7, occupied=3, free=4),
    ]  # fmt: skip


class BoardServer:
    """Serves the pages and plays the live channel; lives in a thread of its own.

    `heartbeat` is the interval in seconds, or ``None`` for none. `answer` says what a connection
    gets first: its rows as a "snapshot", nothing ("resume"), or a "refuse". `asked` are the queries
    for alternatives, which are not answered while `alternatives_away`. Pages are answered with
    `page_status`, come in two pieces with `page_pause` seconds between them, say that they are of
    `version`, and are counted in `pages`; `surge` is the level that frames and the wall tell, where
    there is one.
    """

    def __init__(self, rows: list[Row]) -> None:
        self.rows = {r["unit"]: r for r in rows}
        self.seq = 1
        self.since: list[str | None] = []
        self.heartbeat: float | None = 0.2
        self.answer = "resume"
        self.live = True
        self.timing = Timing(watchdog_ms=1200, retry_ms=150, retry_max_ms=400)
        self.demo = True
        self.asked: list[str] = []
        self.alternatives_away = False
        self.may_hold = True
        self.page_status = 200
        self.page_pause = 0.0
        self.pages = 0
        self.version: str | None = None
        self.surge: dict[str, Any] | None = None
        self.port = 0
        self._ahead = timedelta()
        self._started = time.monotonic()
        self._sockets: set[WebSocket] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def cursor(self) -> str:
        """The present cursor."""
        return f"e1-{self.seq}"

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def now(self) -> datetime:
        """The server's clock: begins at `BASE`, runs with real time, jumps by `advance`."""
        return to_millis(BASE + timedelta(seconds=time.monotonic() - self._started) + self._ahead)

    def advance(self, minutes: float) -> None:
        """Let the server's clock jump; pages learn of it by the next heartbeat."""
        self._ahead += timedelta(minutes=minutes)

    def tell(self, *rows: Row) -> None:
        """Change rows and send them to every open page."""
        for changed in rows:
            self.rows[changed["unit"]] = changed
        self.seq += 1
        self._run(self._send({"type": "rows", "cursor": self.cursor, "rows": list(rows)}))

    def say(self, text: str) -> None:
        """Send any text as it is."""
        self._run(self._send_text(text))

    def drop(self, code: int = 1012) -> None:
        """Close every connection."""
        self._run(self._close(code))

    @property
    def connections(self) -> int:
        """How many pages are connected."""
        return len(self._sockets)

    def _run(self, coroutine: Any) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)

    async def _send(self, frame: Mapping[str, object]) -> None:
        await self._send_text(orjson.dumps(frame).decode())

    async def _send_text(self, text: str) -> None:
        for websocket in list(self._sockets):
            await websocket.send_text(text)

    async def _close(self, code: int) -> None:
        for websocket in list(self._sockets):
            self._sockets.discard(websocket)
            await websocket.close(code)

    def _page(self, render: Callable[..., str]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            self.pages += 1
            if self.page_status != 200:
                return HTMLResponse("not now", status_code=self.page_status)
            lang = choose_language(request.query_params.get("lang"))
            more: dict[str, Any] = {"surge": self.surge} if render is render_wall else {}
            if render is render_board:
                query = request.query_params.multi_items()
                more = {"query": query, "caller": self._caller(query)}
            html = render(
                CATALOGUE,
                request.path_params["cluster"],
                list(self.rows.values()),
                self.cursor,
                self.now(),
                lang,
                demo=self.demo,
                timing=self.timing,
                **more,
            )
            if self.version is not None:
                html = html.replace(assets.version(), self.version)
            headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-store"}
            return StreamingResponse(self._pieces(html), headers=headers, media_type="text/html")

        return endpoint

    async def _pieces(self, html: str) -> AsyncIterator[str]:
        """What stands before the first heading, and the rest."""
        first, heading, rest = html.partition("<header")
        yield first
        await asyncio.sleep(self.page_pause)
        yield heading + rest

    def _caller(self, query: list[tuple[str, str]]) -> Caller:
        codes = CATALOGUE.municipalities, CATALOGUE.capabilities
        need = parse_need(read_filters(query, *codes).as_need(), CATALOGUE)
        return Caller(
            csrf="token",
            may_hold=self.may_hold,
            may_log=self.may_hold,
            alternatives=self._alternatives(need),
        )

    def _alternatives(self, need: Need) -> dict[str, Any]:
        """The answer for a need, as the real service gives it; no surge level is known."""
        ranking = rank(need, self.rows.values(), CATALOGUE, self.now(), None)
        answer = {
            "cursor": self.cursor,
            "server_time": format_instant(self.now()),
            "need": need.as_json(),
            "surge": None,
            "alternatives": ranking.alternatives,
            "recheck_at": format_instant(ranking.recheck_at),
        }
        return cast(dict[str, Any], orjson.loads(orjson.dumps(answer)))

    async def _ask(self, request: Request) -> Response:
        self.asked.append(str(request.query_params))
        if self.alternatives_away:
            return Response(status_code=503)
        query = request.query_params
        need = parse_need(
            {
                "municipality": query.get("municipality"),
                "capabilities": query.getlist("capability"),
                "within_minutes": query.get("within_minutes"),
                "where": query.get("where"),
            },
            CATALOGUE,
        )
        return Response(orjson.dumps(self._alternatives(need)), media_type="application/json")

    async def _channel(self, websocket: WebSocket) -> None:
        self.since.append(websocket.query_params.get("since"))
        if self.answer == "refuse":
            await websocket.close(1008)
            return
        await websocket.accept()
        self._sockets.add(websocket)
        beat = asyncio.create_task(self._beat(websocket))
        try:
            if self.answer == "snapshot":
                await websocket.send_text(orjson.dumps(self._snapshot()).decode())
            while True:
                await websocket.receive_text()
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._sockets.discard(websocket)
            beat.cancel()

    async def _beat(self, websocket: WebSocket) -> None:
        while True:
            if self.heartbeat is not None and websocket in self._sockets:
                frame = {
                    "type": "heartbeat",
                    "cursor": self.cursor,
                    "server_time": format_instant(self.now()),
                    "live": self.live,
                    **self._surge_part(),
                }
                try:
                    await websocket.send_text(orjson.dumps(frame).decode())
                except (WebSocketDisconnect, RuntimeError):
                    return
            await asyncio.sleep(self.heartbeat or 0.05)

    def _snapshot(self) -> dict[str, object]:
        return {
            "type": "snapshot",
            "cursor": self.cursor,
            "server_time": format_instant(self.now()),
            "rows": list(self.rows.values()),
            **self._surge_part(),
        }

    def _surge_part(self) -> dict[str, Any]:
        return {} if self.surge is None else {"surge": self.surge}

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/board/{cluster}", self._page(render_board)),
                Route("/wall/{cluster}", self._page(render_wall)),
                Route("/api/v1/alternatives/{cluster}", self._ask),
                Route("/api/v1/session", _session),
                WebSocketRoute("/api/v1/live/{cluster}", self._channel),
                Mount("/static", static_files()),
            ]
        )


def _session(request: Request) -> Response:
    """Nobody is signed in and nobody need be, as in the demo."""
    session = {"account": None, "role": None, "csrf": "token"}
    return Response(orjson.dumps(session), media_type="application/json")


@contextmanager
def serving(rows: list[Row]) -> Iterator[BoardServer]:
    """A running `BoardServer` on a port of the system's choice."""
    board = BoardServer(rows)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()  # a browser that is quicker than the server waits instead of being refused
    board.port = cast(int, listener.getsockname()[1])
    config = uvicorn.Config(
        board.app(), log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    started = threading.Event()

    async def run() -> None:
        board._loop = asyncio.get_running_loop()
        started.set()
        await server.serve([listener])

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield board
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
