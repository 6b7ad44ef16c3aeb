"""The service as an operator runs it: a process of its own that is killed, stopped and weighed."""

import asyncio
import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from capacity.child_process import die_with_parent
from capacity.instants import utc_now
from tests.bench.world import CLUSTER, World
from tests.support.demo_process import descendants, free_port
from tests.support.installed import ROOT
from web.key_kinds import KeyKind
from web.keys import KeyRing

START_SECONDS = 60.0
LOOPBACK = "127.0.0.1"


class Product:
    """``akutoverblik serve`` on one port, again on the same one when it is started again.

    Without a `redis_url` it runs its embedded store. `before` are words of a program that starts
    it (``ip netns exec …``); settings are given by their names.
    """

    def __init__(
        self,
        world: World,
        name: str = "web",
        *,
        redis_url: str | None = None,
        host: str = LOOPBACK,
        before: Sequence[str] = (),
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        self.world = world
        self.port = free_port()
        self.base = f"http://{host}:{self.port}"
        self.folder = world.folder / name
        self.folder.mkdir(exist_ok=True)
        self._command = [*before, sys.executable, "-m", "web.cli", "serve", *arguments]
        self._environment = world.environment(redis_url or "", self.port)
        self._environment.update(environment or {})
        if redis_url is None:
            del self._environment["AKUTOVERBLIK_REDIS_URL"]
        given = {"data": str(self.folder / "data"), "host": host, "rate_key": 0, "rate_address": 0}
        given |= {"secret": "of one installation, however many processes it has"} | settings
        for key, value in given.items():
            text = str(value) if isinstance(value, str | Path) else json.dumps(value)
            self._environment[f"AKUTOVERBLIK_{key.upper()}"] = text
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def live(self) -> str:
        """The address of the live channel."""
        return f"{self.base.replace('http', 'ws', 1)}/api/v1/live/{CLUSTER}"

    @property
    def data(self) -> Path:
        """Its data folder."""
        return Path(self._environment["AKUTOVERBLIK_DATA"])

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process that was started last."""
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        """What all of its processes have logged."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def launch(self) -> None:
        """Start it; to be called from the thread that lives longest, with which it would die."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    async def start(self, within: float = START_SECONDS) -> float:
        """Start it and wait until boards can be served; how long that took, in seconds."""
        began = time.monotonic()
        self.launch()
        await self.ready(within)
        return time.monotonic() - began

    async def ready(self, within: float = START_SECONDS, *, wanted: bool = True) -> None:
        """Wait until it says that it is ready (or that it is not)."""
        deadline = time.monotonic() + within
        async with httpx.AsyncClient(timeout=5) as client:
            while await self.is_ready(client) is not wanted:
                assert self.process.poll() is None or not wanted, f"it ended:\n{self.log[-3000:]}"
                assert time.monotonic() < deadline, f"not in {within} s:\n{self.log[-3000:]}"
                await asyncio.sleep(0.05)

    async def is_ready(self, client: httpx.AsyncClient) -> bool:
        """Whether it says so now."""
        try:
            return (await client.get(f"{self.base}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Stop it without ending it."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    async def terminate(self, within: float = 20.0) -> float:
        """End it in order; how long that took. `AssertionError` when it does not end."""
        began = time.monotonic()
        self.process.terminate()
        while self.process.poll() is None:
            assert time.monotonic() - began < within, "it did not end"
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    def end(self) -> None:
        """Make sure that it is gone, paused or not."""
        if self._process is None or self._process.poll() is not None:
            return
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def store_pid(self) -> int:
        """The process id of its embedded store."""
        found = [p for p, words in descendants(self.process.pid).items() if "valkey" in words]
        assert len(found) == 1, found
        return found[0]

    def resident_bytes(self) -> int:
        """Memory in use."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * resource.getpagesize()

    def descriptors(self) -> int:
        """Open files and sockets."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def threads(self) -> int:
        """Threads."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/task").iterdir())

    def board_headers(self) -> dict[str, str]:
        """What a wall screen asks with."""
        return {"Authorization": f"Bearer {self._key(KeyKind.BOARD, CLUSTER)}"}

    def metrics_headers(self) -> dict[str, str]:
        """What a monitoring system asks with."""
        return {"Authorization": f"Bearer {self._key(KeyKind.METRICS, 'all')}"}

    def _key(self, kind: KeyKind, of: str) -> str:
        return KeyRing(self.world.folder / "keys.toml").make(kind, of, utc_now())
