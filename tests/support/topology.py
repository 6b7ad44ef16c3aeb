"""Stores of several servers: replicas, sentinels, and the lines between them (`shards`: clusters).

Every server is a real process on a loopback port of its own, and is ended by its own handle.
"""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

from tests.support.pumping import until_either_ends
from tests.support.stores import valkey_program

START_SECONDS = 20.0
SERVICE = "board"
DOWN_AFTER_MS = 1000

PROGRAMS = {"valkey": valkey_program(), "redis7": "/usr/bin/redis-server"}


_PORTS = random.Random(os.getpid())


def free_port() -> int:
    """A port that nobody listens on, and that no outgoing connection is given by the kernel."""
    while True:
        port = _PORTS.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


class Node:
    """One server on a port; it may be killed and started again over the same folder."""

    def __init__(self, folder: Path, program: str, *options: str) -> None:
        self.port = free_port()
        self.bus = 0
        """The port by which the servers of a cluster talk to each other; 0 outside of one."""
        self._folder = folder / str(self.port)
        self._folder.mkdir(parents=True)
        self._command = [program, *options, "--port", str(self.port), "--bind", "127.0.0.1"]
        self._command += ["--dir", str(self._folder)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not killed."""
        return self._process is not None

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        eventually(lambda: self.says("PING").startswith("+PONG"), self.log)

    def says(self, *words: str) -> str:
        """The raw answer to one short command; empty when there is none."""
        return self.asked(words)

    def is_calm(self) -> bool:
        """Whether it neither writes its whole file anew nor is about to."""
        told = self.says("INFO", "persistence")
        return "aof_rewrite_in_progress:0" in told and "aof_rewrite_scheduled:0" in told

    def asked(self, *commands: Sequence[str]) -> str:
        """The raw answer to the last of some short commands on one connection."""
        with contextlib.suppress(OSError), socket.socket() as client:
            client.settimeout(20)
            client.connect(("127.0.0.1", self.port))
            answer = ""
            for words in commands:
                request = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
                client.sendall(request.encode())
                answer = client.recv(1 << 16).decode(errors="replace")
            return answer
        return ""

    def cluster_id(self) -> str:
        """Its name in its cluster."""
        return self.says("CLUSTER", "MYID").split("\r\n")[1]

    def log(self) -> str:
        """What the server has written of itself."""
        return (self._folder / "log").read_text(errors="replace")

    def pause(self) -> None:
        """Let it stand still: connections stay, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def eventually(
    holds: Callable[[], bool], told: Callable[[], str] = str, within: float = START_SECONDS
) -> None:
    """Wait until something holds; fail with what `told` says."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


DURABLE = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
_REPLICATED = (*DURABLE, "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")


class Replicated:
    """A primary and its replicas, and sentinels that watch them where they are asked to."""

    def __init__(self, program: str, *, replicas: int = 1) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="replicated-")
        self._path = Path(self._folder.name)
        self._program = program
        self.nodes = [Node(self._path, program, *_REPLICATED) for _ in range(1 + replicas)]
        self.sentinels: list[Node] = []

    @property
    def primary(self) -> Node:
        """The primary to begin with."""
        return self.nodes[0]

    @property
    def url(self) -> str:
        """Where the primary is to begin with."""
        return f"redis://127.0.0.1:{self.primary.port}"

    @property
    def sentinel_url(self) -> str:
        """Where clients find out who is primary."""
        nodes = ",".join(f"127.0.0.1:{node.port}" for node in self.sentinels)
        return f"redis+sentinel://{nodes}/{SERVICE}"

    def start(self) -> None:
        """Start all; they do not know of each other yet."""
        for node in self.nodes:
            node.start()

    def attach(self, port: int | None = None) -> None:
        """Make replicas of the others, by a line if its port is given; wait until they have all."""
        for node in self.nodes[1:]:
            node.says("REPLICAOF", "127.0.0.1", str(port or self.primary.port))
        count = len(self.nodes) - 1
        eventually(lambda: self.copies() == count, self.nodes[-1].log)
        # A replica writes its whole file anew after the first copy, and is slow meanwhile.
        eventually(lambda: all(node.is_calm() for node in self.nodes))

    def copies(self) -> int:
        """How many replicas have what the primary has by now."""
        number = len(self.nodes) - 1
        answer = self.primary.asked(("SET", "a-mark", ""), ("WAIT", str(number), "200"))
        return int(answer[1:] or 0)

    def watch(self, sentinels: int = 3) -> None:
        """Start sentinels, and wait until they know of each other and of the replicas."""
        for number in range(sentinels):
            config = self._path / f"sentinel{number}.conf"
            config.write_text(
                f"sentinel monitor {SERVICE} 127.0.0.1 {self.primary.port} 2\n"
                f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
                f"sentinel failover-timeout {SERVICE} 5000\n"
            )
            node = Node(self._path, self._program, str(config), "--sentinel")
            self.sentinels.append(node)
            node.start()
        eventually(lambda: all(self._is_ready(each) for each in self.sentinels))

    def bring_back(self, node: Node) -> None:
        """Make a primary that was lost or replaced a replica of the one that is named now.

        The sentinels would do it themselves, some ten seconds later.
        """
        eventually(lambda: self.named() != node.port)
        if not node.is_running:
            node.start()
        node.says("REPLICAOF", "127.0.0.1", str(self.named()))

    def named(self) -> int:
        """The port of the primary, by the first sentinel."""
        said = self.sentinels[0].says("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return int(said.split("\r\n")[4])

    def _is_ready(self, sentinel: Node) -> bool:
        said = sentinel.says("SENTINEL", "MASTER", SERVICE).split("\r\n")
        told = dict(zip(said[2::4], said[4::4], strict=False))
        others = told.get("num-other-sentinels")
        return others == str(len(self.sentinels) - 1) and told.get("num-slaves") == str(
            len(self.nodes) - 1
        )

    def close(self) -> None:
        """End everything."""
        for node in [*self.sentinels, *self.nodes]:
            node.kill()
        self._folder.cleanup()


@contextlib.contextmanager
def replicated(
    program: str, *, replicas: int = 1, attached: bool = True, watched: bool = False
) -> Iterator[Replicated]:
    """A primary with replicas, attached and watched by three sentinels where asked."""
    servers = Replicated(program, replicas=replicas)
    try:
        servers.start()
        if attached:
            servers.attach()
        if watched:
            servers.watch()
        yield servers
    finally:
        servers.close()


class Line:
    """A port that leads to a server; it can be cut so that nobody notices, and led elsewhere."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.discards = False
        """Everything that comes, either way, is thrown away; connections stay as they are."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where clients come in."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def lead_to(self, target: int) -> None:
        """Lead elsewhere from now on; connections are cut."""
        self.target, self.discards = target, False
        await self._cut()

    async def close(self) -> None:
        """Listen no more."""
        assert self._server is not None
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._join(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        with contextlib.closing(far_writer):
            await until_either_ends(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            if not self.discards:
                writer.write(data)
                await writer.drain()


@contextlib.asynccontextmanager
async def line_to(target: int) -> AsyncIterator[Line]:
    """An open line."""
    line = Line(target)
    await line.open()
    try:
        yield line
    finally:
        await line.close()
