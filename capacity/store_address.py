"""Where the board's store is: one server, a primary that sentinels name, or a cluster.

    redis://[user:password@]host[:port][/db]      one server (also rediss:// and unix:///path)
    redis+sentinel://[user:password@]host:port,host:port/service[/db]
    redis+cluster://[user:password@]host:port,host:port

The words before the plus may be ``rediss`` (TLS, with the system's authorities) or ``valkey``.
`user` and `password` are those of the servers; sentinels are asked without any. An address may
carry how many replicas must have a write before it is acknowledged, ``?replicas=1``.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, cast
from urllib.parse import unquote

SENTINEL_PORT = 26379
CLUSTER_PORT = 6379

_REPLICAS = re.compile(r"[?&]replicas=(\d{1,2})$")
_SPREAD = re.compile(
    r"(redis|rediss|valkey|valkeys)\+(sentinel|cluster)://(?:(.*)@)?([^/@]*)(/.*)?"
)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_SINGLE = ("redis://", "rediss://", "unix://")

Address = tuple[str, int]
"""Host and port of one server."""


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """An address, read. `single` is what the client library is given for a single server;
    of the others `nodes` are the sentinels, or some of the cluster's servers.
    """

    kind: Literal["single", "sentinel", "cluster"]
    replicas: int = 0
    single: str = ""
    nodes: tuple[Address, ...] = ()
    service: str = ""
    db: int = 0
    username: str | None = None
    password: str | None = None
    tls: bool = False


def read_store_address(url: str) -> StoreAddress:
    """Read an address; `ValueError` says what is wrong with it, without repeating it."""
    found = _REPLICAS.search(url)
    replicas = int(found[1]) if found else 0
    plain = url[: found.start()] if found else url
    if plain.startswith(_SINGLE):
        return StoreAddress("single", replicas, single=plain)
    parts = _SPREAD.fullmatch(plain)
    if parts is None:
        raise ValueError(
            "an address of the store begins with redis://, rediss://, unix://, "
            "redis+sentinel:// or redis+cluster://"
        )
    scheme, kind, sign_in, nodes, path = parts.groups()
    username, _, password = (sign_in or "").partition(":")
    shared = StoreAddress(
        cast('Literal["sentinel", "cluster"]', kind),
        replicas,
        username=unquote(username) or None,
        password=unquote(password) or None,
        tls=scheme in ("rediss", "valkeys"),
    )
    if kind == "cluster":
        if (path or "/") != "/":
            raise ValueError("a cluster has no numbered databases")
        return replace(shared, nodes=_nodes(nodes, CLUSTER_PORT))
    service, db = _service((path or "")[1:])
    return replace(shared, nodes=_nodes(nodes, SENTINEL_PORT), service=service, db=db)


def with_replicas(url: str, replicas: int) -> str:
    """The address, asking for so many replicas; unchanged for none."""
    if not replicas or _REPLICAS.search(url):
        return url
    return f"{url}{'&' if '?' in url else '?'}replicas={replicas}"


def _service(path: str) -> tuple[str, int]:
    service, _, db = path.partition("/")
    if not service:
        raise ValueError("behind the sentinels stands the name of the service: /mymaster")
    if db and not db.isdecimal():
        raise ValueError("the database behind the service is a number")
    return unquote(service), int(db or 0)


def _nodes(text: str, port: int) -> tuple[Address, ...]:
    nodes: list[Address] = []
    for each in text.split(","):
        node = _HOST.fullmatch(each)
        if node is None:
            raise ValueError("servers are named host:port, with commas between them")
        nodes.append((node[1].strip("[]"), int(node[2] or port)))
    return tuple(nodes)
