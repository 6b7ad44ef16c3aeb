"""Proxies in front of us: which of them are believed about who asks, over what, and by what name.

A forwarding header is an unproven claim of whoever wrote it. Those of a peer whose address is in
the settings are believed, and then taken out; those of everybody else are taken out unread, so
that nothing further in can believe them by mistake. Without settings nobody is believed.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Headers = list[tuple[bytes, bytes]]

_FOR, _PROTO, _HOST = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"
_FORWARDING = frozenset(
    {_FOR, _PROTO, _HOST, b"forwarded", b"x-forwarded-port", b"x-forwarded-prefix",
     b"x-forwarded-server", b"x-real-ip", b"x-original-url", b"x-rewrite-url",
     b"x-original-host", b"x-http-method-override"}
)  # fmt: skip
"""What is never seen further in. The last ones are read by nothing of ours, and stay unread."""
_SCHEMES = {b"http": ("http", "ws"), b"https": ("https", "wss")}


class TrustedProxies:
    """Puts the visitor's address, scheme and host into the scope, if a trusted proxy says so."""

    def __init__(self, app: ASGIApp, trusted: Sequence[str]) -> None:
        self._app = app
        self._trusted = [ip_network(each, strict=False) for each in trusted]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge the peer, and pass on."""
        if scope["type"] in ("http", "websocket"):
            scope = self._judged(scope)
        await self._app(scope, receive, send)

    def _judged(self, scope: Scope) -> Scope:
        headers: Headers = scope["headers"]
        found: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            if name in _FORWARDING:
                found.setdefault(name, []).append(value)
        if not found:
            return scope
        peer = _parsed(scope["client"][0]) if scope.get("client") else None
        seen = dict(scope) | {"headers": [pair for pair in headers if pair[0] not in _FORWARDING]}
        if peer is not None and self._is_trusted(peer):
            self._believe(seen, peer, found)
        return seen

    def _believe(self, scope: Scope, peer: Address, found: dict[bytes, list[bytes]]) -> None:
        visitor = self._visitor(peer, _items(found.get(_FOR, ())))
        if visitor is not peer:
            scope["client"] = (str(visitor), 0)
        schemes = _SCHEMES.get((_items(found.get(_PROTO, ())) or [b""])[-1].lower())
        if schemes is not None:
            scope["scheme"] = schemes[scope["type"] == "websocket"]
        hosts = _items(found.get(_HOST, ()))
        if hosts and hosts[-1].isascii():
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [(b"host", hosts[-1]), *others]

    def _visitor(self, peer: Address, hops: Sequence[bytes]) -> Address:
        """The nearest hop that is not one of ours; each proxy adds whom it saw at the end.

        What stands before that hop was written by it and proves nothing. At a hop that is no
        address the walk ends with the last one known.
        """
        visitor = peer
        for hop in reversed(hops):
            address = _parsed(_without_port(hop.decode("latin-1")))
            if address is None:
                return visitor
            visitor = address
            if not self._is_trusted(address):
                return visitor
        return visitor

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _parsed(text: str) -> Address | None:
    """The address; an IPv4 one within IPv6 (``::ffff:10.0.0.1``) is the IPv4 one."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _items(values: Sequence[bytes]) -> list[bytes]:
    return [item.strip() for value in values for item in value.split(b",") if item.strip()]


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
