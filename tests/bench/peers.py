"""The peers of fan-out: other servers that bring one change to many WebSockets.

Two are a C loop that is compiled from the project's measuring tools when these lie beside the
checkout (or where ``BENCH_TOOLS`` says): the limit of the machine. Nchan, mosquitto and `ws` for
node are taken from the system, or from the folder that ``BENCH_PEERS`` names, into which packages
were unpacked (``usr/…``, ``node_modules/…``). What is not there is named in the table.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import CannotRunError
from tests.bench.processes import Server, Stage, accepts, free_port
from tests.bench.wires import RedisWire, Wire, packed
from tests.bench.wires_peers import TOPIC, MqttWire, PostWire, mqtt_connect, mqtt_subscribe

_HERE = Path(__file__).parent
_NODE_SCRIPT = _HERE / "node_ws.cjs"
_NCHAN = """
load_module {module};
worker_processes 1; master_process off; daemon off; pid {folder}/pid; error_log {folder}/err crit;
worker_rlimit_nofile 20000;
events {{ worker_connections 20000; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 600;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  nchan_shared_memory_size 256M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /sub {{ nchan_subscriber websocket; nchan_channel_id all;
      nchan_subscriber_first_message newest; }}
    location = /pub {{ nchan_publisher; nchan_channel_id all; nchan_message_buffer_length 100; }}
  }}
}}
"""
_MOSQUITTO = """
listener {mqtt} 127.0.0.1
listener {port} 127.0.0.1
protocol websockets
allow_anonymous true
max_queued_messages 100000
persistence false
log_type error
set_tcp_nodelay true
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer; raises `CannotRunError` from `start` where it is not installed.

    `start` runs it and gives its process and the wire on which it is handed changes; `request`
    makes a row what that wire takes.
    """

    name: str
    start: "Callable[[Stage], Iterator[tuple[Server, Wire]]]"
    request: Callable[[bytes], bytes] = field(default=lambda row: row)
    path: str = "/"
    headers: str = ""
    greeting: bytes = b""

    @contextmanager
    def running(self, stage: Stage) -> Iterator[tuple[Server, Wire]]:
        """The peer while it runs."""
        yield from self.start(stage)


def _published(row: bytes) -> bytes:
    return packed("PUBLISH", TOPIC, row)


def _c_loop(*more: str) -> Callable[[Stage], Iterator[tuple[Server, Wire]]]:
    def start(stage: Stage) -> Iterator[tuple[Server, Wire]]:
        tools = Path(os.environ.get("BENCH_TOOLS") or _HERE.parents[2] / "shared" / "bench")
        source, program = tools / "craw.c", stage.folder / "c-loop"
        if not source.exists():
            raise CannotRunError("the measuring tools (shared/bench) are not beside the checkout")
        compiler = _found("gcc", "gcc")
        if not program.exists():
            subprocess.run([compiler, "-O2", "-w", "-o", program, source], check=True)
        port = free_port()
        command = [str(program), str(port), str(stage.tcp_port()), *more]
        yield from _run(stage, command, port, lambda: RedisWire(stage.socket_path))

    return start


def _node(stage: Stage) -> Iterator[tuple[Server, Wire]]:
    node = _found("node", "node")
    modules = [Path(folder) / "node_modules" for folder in (_peers(), _HERE, "/usr/share")]
    have = next((folder for folder in modules if (folder / "ws").is_dir()), None)
    if have is None:
        raise CannotRunError("the npm package ws is not installed")
    port = free_port()
    command = [node, str(_NODE_SCRIPT), str(port), stage.socket_path]
    environment = {"NODE_PATH": str(have)}
    yield from _run(stage, command, port, lambda: RedisWire(stage.socket_path), environment)


def _nchan(stage: Stage) -> Iterator[tuple[Server, Wire]]:
    nginx = _found("nginx", "nginx (Debian: nginx, libnginx-mod-nchan)")
    name = "usr/lib/nginx/modules/ngx_nchan_module.so"
    module = next((root / name for root in (_peers(), Path("/")) if (root / name).exists()), None)
    if module is None:
        raise CannotRunError("Nchan (Debian: libnginx-mod-nchan) is not installed")
    port, folder = free_port(), stage.folder / "nchan"
    folder.mkdir(exist_ok=True)
    config = folder / "conf"
    config.write_text(_NCHAN.format(module=module, folder=folder, port=port), encoding="ascii")
    command = [nginx, "-c", str(config), "-p", str(folder), "-e", str(folder / "err")]
    yield from _run(stage, command, port, lambda: PostWire(port, "/pub"))


def _mosquitto(stage: Stage) -> Iterator[tuple[Server, Wire]]:
    broker = _found("mosquitto", "mosquitto (Debian: mosquitto)")
    port, mqtt = free_port(), free_port()
    config = stage.folder / "mosquitto.conf"
    config.write_text(_MOSQUITTO.format(port=port, mqtt=mqtt), encoding="ascii")
    yield from _run(stage, [broker, "-c", str(config)], port, lambda: MqttWire(mqtt))


def _run(
    stage: Stage,
    command: Sequence[str],
    port: int,
    wire: Callable[[], Wire],
    more: Mapping[str, str] | None = None,
) -> Iterator[tuple[Server, Wire]]:
    libraries = ":".join(str(each) for each in _peers().glob("usr/lib/*-linux-gnu"))
    environment = dict(os.environ) | {"LD_LIBRARY_PATH": libraries} | dict(more or {})
    with stage.running(command, environment, port, accepts) as server:
        opened = wire()
        try:
            yield server, opened
        finally:
            opened.close()


def _peers() -> Path:
    return Path(os.environ.get("BENCH_PEERS") or "/nonexistent")


def _found(program: str, what: str) -> str:
    for folder in ("usr/sbin", "usr/bin"):
        if (_peers() / folder / program).exists():
            return str(_peers() / folder / program)
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise CannotRunError(f"{what} is not installed")
    return found


C_EACH = Peer("C loop, a write per message", _c_loop(), _published)
C_JOINED = Peer("C loop, a write per read", _c_loop("joined"), _published)
PEERS = (
    C_EACH,
    C_JOINED,
    Peer("Nchan", _nchan, path="/sub"),
    Peer("node ws, frame made once", _node, _published),
    Peer(
        "mosquitto",
        _mosquitto,
        headers="Sec-WebSocket-Protocol: mqtt\r\n",
        greeting=mqtt_connect(b"") + mqtt_subscribe(),
    ),
)
