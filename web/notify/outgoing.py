"""HTTP requests to addresses that others gave us: only where we may, briefly, and never inwards.

A push endpoint comes from a browser, a webhook from a catalogue. Neither may make this service
talk to what only it can reach (its own machine, the hospital's network, a cloud's metadata). So a
host must be on a list of the settings, and it must resolve to public addresses only, unless the
settings name it as one that may be private. The address that was checked is the one that is
connected to: a name that resolves differently the second time gains nothing. Redirects are
answers, not followed; proxies of the environment are not used; bodies of answers are not looked at.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import SplitResult, urlsplit

import httpcore

_PRINTABLE = re.compile(r"[!-\[\]-~]{1,2048}")
"""Visible ASCII without the backslash, which some readers of addresses take for a slash."""
_NO_ADDRESS = "is no address of a web service"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
ADDRESSES_TRIED = 3
SHORT_BODY = 16 * 1024
KEEP_ALIVE = 15.0
"""Seconds that an idle connection is kept for the next message to the same host."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotAllowedError(Exception):
    """The address may not be reached; the text says why, without repeating it."""


class UnreachableError(Exception):
    """Nobody answered in time, or not in HTTP; trying again later may help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: its status, and how long it asks to be left alone."""

    status: int
    retry_after: timedelta | None = None

    @property
    def ok(self) -> bool:
        """Whether it took the message."""
        return 200 <= self.status < 300

    @property
    def may_pass(self) -> bool:
        """Whether the same message may be taken later."""
        return self.status in (408, 425, 429) or self.status >= 500


@dataclass(frozen=True, slots=True)
class Hosts:
    """Which hosts may be reached: names, ``.example.org`` for every name below it.

    A name may carry a port (``host:8443``); without one it is the port of https. Those also in
    `private` may have addresses that are not public, any port, and may be reached without TLS.
    """

    allowed: frozenset[str]
    private: frozenset[str] = frozenset()

    @classmethod
    def of(cls, allowed: Iterable[str], private: Iterable[str] = ()) -> "Hosts":
        """The hosts of the settings; case does not matter."""
        return cls(frozenset(map(str.lower, allowed)), frozenset(map(str.lower, private)))

    def check(self, url: str) -> SplitResult:
        """The parts of an address that may be reached; `NotAllowedError` for any other."""
        parts, host, port = _parts(url)
        if parts.username is not None or parts.password is not None:
            raise NotAllowedError(_NO_ADDRESS)
        private = host in self.private
        if parts.scheme != "https" and not (private and parts.scheme == "http"):
            raise NotAllowedError("is not https")
        if not self._lists(host, None if port in (None, 443) or private else port):
            raise NotAllowedError("is on a host that is not on the list of the settings")
        return parts

    def _lists(self, host: str, port: int | None) -> bool:
        end = "" if port is None else f":{port}"
        labels = host.split(".")
        above = {"." + ".".join(labels[n:]) for n in range(1, len(labels))}
        return any(f"{name}{end}" in self.allowed for name in (host, *above))


def _parts(url: str) -> tuple[SplitResult, str, int | None]:
    if not _PRINTABLE.fullmatch(url):
        raise NotAllowedError(_NO_ADDRESS)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NotAllowedError(_NO_ADDRESS) from None
    if not host:
        raise NotAllowedError(_NO_ADDRESS)
    return parts, host.lower(), port


class Outgoing:
    """Posts messages; one for all channels, so that connections are few and bounded."""

    def __init__(self, private: Iterable[str] = (), *, connections: int = 16) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=_Guarded(frozenset(map(str.lower, private))),
        )

    async def stop(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def post(
        self, parts: SplitResult, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        """Post to an address that `Hosts.check` let pass; all of it within `seconds`.

        Raises `UnreachableError` when there is no answer, `NotAllowedError` for a host that turns
        out to have a private address.
        """
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        url = httpcore.URL(
            scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target
        )
        sent = [("Host", parts.netloc), ("User-Agent", "akutoverblik"), *headers.items()]
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        try:
            async with (
                asyncio.timeout(seconds),
                self._pool.stream(
                    "POST", url, headers=sent, content=body, extensions={"timeout": timeouts}
                ) as response,
            ):
                await _read_a_little(response)
                return Answer(response.status, _retry_after(response.headers))
        except (TimeoutError, OSError, *_FAULTS) as error:
            raise UnreachableError(type(error).__name__) from None


async def _read_a_little(response: httpcore.Response) -> None:
    """A short body is read, so that its connection can carry the next message; no other is."""
    size = 0
    async for chunk in response.aiter_stream():
        size += len(chunk)
        if size > SHORT_BODY:
            return


_FAULTS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


class _Guarded(httpcore.AsyncNetworkBackend):
    """Resolves names itself, and connects to nothing that is not public."""

    def __init__(self, private: frozenset[str]) -> None:
        self._private = private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as the interface has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await _resolve(host, port)
        if host.lower() not in self._private and not all(map(is_public, addresses)):
            raise NotAllowedError("is on a host whose address is not public")
        fault: Exception = httpcore.ConnectError("no address")
        for address in addresses[:ADDRESSES_TRIED]:
            share = None if timeout is None else timeout / ADDRESSES_TRIED
            try:
                return await self._inner.connect_tcp(
                    str(address), port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def _resolve(host: str, port: int) -> Sequence[Address]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(place[4][0]) for place in found))


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet, looked at through every wrapping of IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.scope_id is not None:
            return False
    return address.is_global and not address.is_multicast


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> timedelta | None:
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) < 6:
            return timedelta(seconds=int(value))
    return None
