"""The processes that are measured: started on cores of their own, weighed, and always stopped."""

import contextlib
import http.client
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from redis import Redis

from capacity.board import EmbeddedServer
from capacity.child_process import die_with_parent
from tests.bench.figures import CannotRunError
from tests.bench.world import World

LOOPBACK = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 12.0
FINISH_SECONDS = 120.0
"""For what a start leaves for later: it begins after 20 s and takes as long as there are units."""
QUIET_CPU = 0.02
"""Share of a core below which a server counts as having nothing left to do."""
_AGE = "akutoverblik_rollups_age_seconds{"


@dataclass(frozen=True, slots=True)
class Cores:
    """What is measured runs on `server`; the load client, the publisher and Valkey on `client`."""

    server: frozenset[int]
    client: frozenset[int]

    @classmethod
    def find(cls) -> "Cores":
        """The first two cores that this process may use, or one for everything."""
        if not hasattr(os, "sched_getaffinity"):
            raise CannotRunError("cores can be assigned on Linux only")
        usable = sorted(os.sched_getaffinity(0))
        return cls(frozenset(usable[:1]), frozenset(usable[1:2] or usable[:1]))

    @property
    def note(self) -> str:
        """How the cores are shared, for the report."""
        if self.server == self.client:
            return "ONE CORE: server, client and Valkey share it, so ratios flatter nobody"
        return "server on a core of its own; load client, publisher and Valkey on another"


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far: all threads, user and system.

    The clock of another process, as clock_getcpuclockid(3) makes it; /proc/PID/stat tells the
    same in steps of ten milliseconds, which is too coarse for short runs.
    """
    return time.clock_gettime((~pid << 3) | 2)


class Server:
    """A child process that serves boards on a port of the loopback address."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self._process = process
        self.port = port
        self.started_in = 0.0
        self.ready_at = 0.0
        """`time.monotonic` when it first said so."""

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        return cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        """Memory in use (RSS)."""
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * resource.getpagesize()

    def settle(self, patience: float = 15.0) -> None:
        """Wait until the process has worked off what it still had to do; says so if it has not."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            before = self.cpu_seconds()
            time.sleep(0.25)
            if self.cpu_seconds() - before < QUIET_CPU * 0.25:
                return
        print(f"the server was still busy after {patience:g} s", file=sys.stderr, flush=True)

    def finish_start(self) -> None:
        """Wait until the product has done what its start left for later, or raise.

        The last of it is the first rolling-up: every cluster is rolled up until after it was ready.
        To be called before boards are opened, whose pings nobody would answer meanwhile.
        """
        deadline = time.monotonic() + FINISH_SECONDS
        while True:
            up_for = time.monotonic() - self.ready_at
            ages = _ages_of_rollups(self.port)
            if ages and max(ages) < up_for:
                break
            if time.monotonic() > deadline:
                raise CannotRunError(f"indicators were not rolled up within {FINISH_SECONDS:g} s")
            time.sleep(0.25)
        self.settle()

    def stop(self) -> None:
        """End the process and wait for it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Stage:
    """One Valkey for product and baseline alike, and a folder that is removed afterwards."""

    def __init__(self, results: Path) -> None:
        self.cores = Cores.find()
        self._own_cores = os.sched_getaffinity(0)
        self._own_limit = _allow_many_sockets()
        results.mkdir(parents=True, exist_ok=True)
        self.folder = Path(mkdtemp(prefix="run-", dir=results)).absolute()
        self._store = EmbeddedServer(self.folder / "valkey")
        self._products = 0
        self._port: int | None = None

    def __enter__(self) -> "Stage":
        try:
            self._store.start()
            assert self._store.pid is not None
            _pin_all_threads(self._store.pid, self.cores.client)
            os.sched_setaffinity(0, self.cores.client)
            # A rewrite of the append-only file in the middle of one run would be charged to it.
            with Redis.from_url(self.url) as client:
                client.config_set("auto-aof-rewrite-percentage", 0)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._store.stop()
        os.sched_setaffinity(0, self._own_cores)
        resource.setrlimit(resource.RLIMIT_NOFILE, self._own_limit)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where the store is."""
        return self._store.url

    def store_cpu_seconds(self) -> float:
        """Processor time that Valkey has used so far."""
        assert self._store.pid is not None
        return cpu_seconds(self._store.pid)

    @property
    def socket_path(self) -> str:
        """The store's unix socket."""
        return self._store.url.removeprefix("unix://")

    def tcp_port(self) -> int:
        """A port of the loopback address on which the store answers too, for peers."""
        if self._port is None:
            self._port = free_port()
            with Redis.from_url(self.url) as client:
                client.config_set("port", self._port)
        return self._port

    @contextlib.contextmanager
    def product(
        self, units: int, sources: int = 1, clusters: int = 1
    ) -> Iterator[tuple[Server, World]]:
        """The real web process on an emptied store with a catalogue of its own, once ready."""
        with Redis.from_url(self.url) as client:
            client.flushall()
        self._products += 1
        world = World.write(self.folder / f"product-{self._products}", units, sources, clusters)
        with self.again(world) as server:
            yield server, world

    @contextlib.contextmanager
    def again(self, world: World) -> Iterator[Server]:
        """The real web process in a world that is there, on the store as it is, once ready."""
        port = free_port()
        command = [sys.executable, "-m", "web.cli", "serve", "--as-demo"]
        with self.running(command, world.environment(self.url, port), port, is_ready) as server:
            yield server

    @contextlib.contextmanager
    def on(self, world: World, sql_url: str | None = None) -> Iterator[Server]:
        """The same on an emptied store, with its history at that address (or in the world)."""
        with Redis.from_url(self.url) as client:
            client.flushall()
        port = free_port()
        environment = world.environment(self.url, port)
        if sql_url is not None:
            environment["AKUTOVERBLIK_SQL_URL"] = sql_url
        command = [sys.executable, "-m", "web.cli", "serve", "--as-demo"]
        with self.running(command, environment, port, is_ready) as server:
            yield server

    @contextlib.contextmanager
    def plain(self) -> Iterator[Server]:
        """The plain baseline server, once it takes connections."""
        port = free_port()
        command = [sys.executable, "-m", "tests.bench.plain_server", self.url, str(port)]
        with self.running(command, dict(os.environ), port, accepts) as server:
            yield server

    @contextlib.contextmanager
    def running(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        port: int,
        ready: Callable[[int], bool],
    ) -> Iterator[Server]:
        """A process that serves on `port`, once `ready` says so; stopped afterwards."""
        log = self.folder / "server.log"
        began = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the bench, which then stops its children
                preexec_fn=_before(self.cores.server),
            )
        server = Server(process, port)
        try:
            while not ready(port):
                if process.poll() is not None or time.monotonic() - began > START_SECONDS:
                    raise CannotRunError(f"{command[2]} did not start: {_last_words(log)}")
                time.sleep(0.01)
            server.ready_at = time.monotonic()
            server.started_in = server.ready_at - began
            yield server
        except OSError as error:
            raise CannotRunError(f"{error}; the server said: {_last_words(log)}") from error
        finally:
            server.stop()


@contextlib.contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Move this process to other cores for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _last_words(log: Path) -> str:
    """The last line of a log, and below it those that led there."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["(silence)"]
    return "\n".join([lines[-1], *lines[-20:-1]])


def _before(cores: frozenset[int]) -> Callable[[], None]:
    die = die_with_parent()

    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        if die is not None:
            die()

    return prepare


def _pin_all_threads(pid: int, cores: frozenset[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def _allow_many_sockets() -> tuple[int, int]:
    """Raise the limit on descriptors as far as it goes; returns what it was."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    return before


def is_ready(port: int) -> bool:
    """Whether a product says that it serves boards."""
    try:
        return _ask(port, "/readyz")[0] == 200
    except OSError:
        return False


def _ask(port: int, path: str) -> tuple[int, str]:
    with contextlib.closing(http.client.HTTPConnection(LOOPBACK, port, timeout=5)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()


def _ages_of_rollups(port: int) -> list[float]:
    """For how many seconds what happened is not in the indicators yet, by cluster; may be unknown.

    The product runs as a demo, which shows its figures to this machine without a key.
    """
    _, figures = _ask(port, "/metrics")
    return [float(line.split()[-1]) for line in figures.splitlines() if line.startswith(_AGE)]


def accepts(port: int) -> bool:
    """Whether anybody takes connections there."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=5).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
