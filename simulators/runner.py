"""All simulated systems in one process: the day goes on, each system tells of it in its way."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from simulators.control import Control
from simulators.day import Day
from simulators.faults import Fault, Gate
from simulators.lifetime import stop_on_signals, watch_parent
from simulators.outlets import FolderDrop, HttpPush, Outlet, Shelf, say, write_whole
from simulators.scenario import Scenario, Speaks, System
from simulators.station import Station

BEAT = 2.0
"""Seconds of real time between two looks at the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run needs to know.

    `target` is the base address that pushes go to; `folders` and `keys` hold one folder and one
    key file for each source, by its name. `speed` is simulated minutes per real minute, `begin`
    the simulated minute after midnight at the start. Port 0 lets the system choose one. For
    `patience` seconds a target that cannot be reached is not complained of.
    """

    scenario: Scenario
    target: str
    folders: Path
    keys: Path
    host: str = "127.0.0.1"
    port: int = 0
    port_file: Path | None = None
    seed: int = 1
    speed: float = 1.0
    begin: float = 8 * 60.0
    every: float = BEAT
    duration: float | None = None
    faults: Mapping[str, Fault] = field(default_factory=dict)
    watch_parent: bool = False
    patience: float = 0.0


class _Server(uvicorn.Server):
    """A uvicorn that leaves signals to the runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Runner:
    """Builds the stations of a scenario and runs them until told to stop."""

    def __init__(
        self, options: Options, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """`now` is the real present, which every observation carries."""
        self.options, self._now = options, now
        self.day = Day(options.scenario, options.seed, options.begin)
        self._pushes: list[HttpPush] = []
        self.stations = {
            system.source: Station(
                system, Gate(system.source, options.seed), self._outlet(system), offset
            )
            for offset, system in enumerate(options.scenario.systems)
        }
        for source, fault in options.faults.items():
            self.stations[source].gate.set(fault)
        self._beat = 0
        self.port = 0
        self.listening = asyncio.Event()

    def _outlet(self, system: System) -> Outlet:
        source = system.source
        match system.speaks:
            case Speaks.CSV_SEMICOLON | Speaks.CSV_COMMA:
                return FolderDrop(source, self.options.folders / source)
            case Speaks.JSON_POLL:
                return Shelf()
            case Speaks.JSON_PUSH | Speaks.FHIR_PUSH | Speaks.FHIR_XML_PUSH:
                url = f"{self.options.target.rstrip('/')}/api/v1/feeds/{source}"
                push = HttpPush(
                    source,
                    url,
                    self.options.keys / source,
                    self.options.seed,
                    self.options.patience,
                )
                self._pushes.append(push)
                return push

    def beat(self) -> None:
        """Every system looks at the day as it is now."""
        figures, now = self.day.figures(), self._now()
        for station in self.stations.values():
            station.beat(self._beat, now, self.day.minute, figures)
        self._beat += 1

    async def _live(self) -> None:
        """The day goes on at its speed, beat by beat, without drifting from the clock."""
        loop = asyncio.get_running_loop()
        began, lived = loop.time(), 0.0
        while True:
            self.beat()
            await asyncio.sleep(max(0.0, began + self._beat * self.options.every - loop.time()))
            elapsed = (loop.time() - began) / 60 * self.options.speed
            self.day.advance(elapsed - lived)
            lived = elapsed

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set or the duration is over; errors of ours are raised."""
        control = Control(self.stations)
        config = uvicorn.Config(
            control.app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)
        with _listen(self.options.host, self.options.port) as listener:
            self.port = listener.getsockname()[1]
            self.listening.set()
            if self.options.port_file is not None:
                where = self.options.port_file
                write_whole(where.parent, where.name, f"{self.port}\n".encode())
            say("all", f"{len(self.stations)} systems, control on {self.options.host}:{self.port}")
            await self._until(stop, control, server, listener)

    async def _until(
        self, stop: asyncio.Event, control: Control, server: _Server, listener: socket.socket
    ) -> None:
        works = [server.serve(sockets=[listener]), self._live()]
        works += [push.run() for push in self._pushes]
        if self.options.watch_parent:
            works.append(watch_parent(stop))
        tasks = [asyncio.create_task(work) for work in works]
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait(
            [*tasks, stopped],
            timeout=self.options.duration,
            return_when=asyncio.FIRST_COMPLETED,
        )
        control.stop()
        server.should_exit = True
        serving, *others = tasks
        for task in (*others, stopped):
            task.cancel()
        for outcome in await asyncio.gather(*others, serving, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


def _listen(host: str, port: int) -> socket.socket:
    """A socket that already takes connections, so that its port may be told to others."""
    return socket.create_server((host, port), backlog=64)


def run(options: Options) -> None:
    """Run in an event loop of its own until Ctrl-C, SIGTERM or the end of the duration."""

    async def main() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await Runner(options).run(stop)

    asyncio.run(main())
