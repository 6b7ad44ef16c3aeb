"""A small real HTTP server that takes pushes and answers as the test says."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Push:
    """One request as it came over the wire."""

    path: str
    authorization: str
    media_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Receiver:
    """`answers` is used up first, one (status, headers) for each push; then everything is 200."""

    port: int = 0
    pushes: list[Push] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, count: int, path: str = "", seconds: float = 30) -> list[Push]:
        """The pushes to `path` once there are at least `count`."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.of(path)) >= count, seconds), (
                f"{len(self.of(path))} of {count} pushes to {path!r} came"
            )
            return self.of(path)

    def of(self, path: str) -> list[Push]:
        return [push for push in self.pushes if push.path.endswith(path)]


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Run a receiver on a port of its own (or a given one) for the length of the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with receiver.arrived:
                status, headers = receiver.answers.pop(0) if receiver.answers else (200, {})
                receiver.pushes.append(
                    Push(
                        self.path,
                        self.headers.get("Authorization", ""),
                        self.headers.get("Content-Type", ""),
                        body,
                        dict(self.headers.items()),
                    )
                )
                receiver.arrived.notify_all()
            answer = json.dumps({"accepted": 1, "rejected": []}).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
