"""A push service on the loopback address, and browsers that have subscribed to it.

It speaks real HTTP and opens what it gets as a browser would: what a test sees has been encrypted
to the browser and signed by the sender, or the request is refused.
"""

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from py_vapid.jwt import decode

from capacity.board.subscriptions import Subscription


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Phone:
    """One browser's subscription, with the private half that only it has."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)

    @property
    def p256dh(self) -> str:
        point = self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return _text(point)

    def as_json(self) -> dict[str, Any]:
        """As the browser's PushSubscription gives itself."""
        keys = {"p256dh": self.p256dh, "auth": _text(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def subscription(self, server_key: str, lang: str = "da") -> Subscription:
        """As the store keeps it."""
        return Subscription(self.endpoint, self.p256dh, _text(self.auth), lang, server_key)


@dataclass(frozen=True)
class Delivered:
    """One push that a phone could open."""

    phone: str
    message: dict[str, Any]
    headers: dict[str, str]
    claims: dict[str, Any]
    signed_by: str
    size: int


@dataclass
class PushService:
    """`answers` is used up first, one (status, headers) for each push to a phone of that name.

    A name in `silent` gets no answer at all until the service ends.
    """

    port: int = 0
    phones: dict[str, Phone] = field(default_factory=dict)
    delivered: list[Delivered] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def phone(self, name: str) -> Phone:
        """A new phone that subscribes here."""
        self.phones[name] = Phone(f"http://127.0.0.1:{self.port}/push/{name}")
        return self.phones[name]

    def wait_for(self, count: int, seconds: float = 30) -> list[Delivered]:
        """What was delivered once there are at least `count`."""
        with self.arrived:
            came = self.arrived.wait_for(lambda: len(self.delivered) >= count, seconds)
            assert came, f"{len(self.delivered)} of {count} pushes came"
            return list(self.delivered)

    def kinds(self, name: str) -> list[str]:
        """The kinds of message that a phone got, in order."""
        return [each.message["kind"] for each in list(self.delivered) if each.phone == name]

    def take(self, name: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        """Answer one push as told, else open it and take it."""
        with self.arrived:
            self.asked.append(name)
            if self.answers.get(name):
                self.arrived.notify_all()
                return self.answers[name].pop(0)
        phone = self.phones[name]
        message = http_ece.decrypt(body, private_key=phone.private, auth_secret=phone.auth)
        assert Vapid02.verify(headers["authorization"]), "a wrong signature"
        scheme, _, rest = headers["authorization"].partition(" ")
        assert scheme == "vapid"
        parts = dict(part.split("=", 1) for part in rest.split(","))
        claims = decode(parts["t"], parts["k"])
        push = Delivered(name, json.loads(message), headers, claims, parts["k"], len(body))
        with self.arrived:
            self.delivered.append(push)
            self.arrived.notify_all()
        return 201, {"Location": "/m/1"}


@contextmanager
def push_service() -> Iterator[PushService]:
    """Run a push service for the length of the block."""
    service = PushService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            name = self.path.rpartition("/")[2]
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if name in service.silent:
                service.asked.append(name)
                service.ended.wait()
                return
            headers = {key.lower(): value for key, value in self.headers.items()}
            status, more = service.take(name, body, headers)
            self.send_response(status)
            for key, value in more.items():
                self.send_header(key, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        service.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service
        finally:
            service.ended.set()
            server.shutdown()
            thread.join()
