"""A Valkey/Redis Cluster of real processes, whose slots can be moved and whose servers be lost."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from redis.crc import REDIS_CLUSTER_HASH_SLOTS

from tests.support.topology import DURABLE, Node, eventually, free_port

OK = "+OK\r\n"


class Sharded:
    """A cluster of primaries, each with its part of the slots; more may join without any."""

    def __init__(self, program: str, primaries: int = 3) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sharded-")
        self._program = program
        self._first = primaries
        self.nodes: list[Node] = []

    @property
    def url(self) -> str:
        """Where clients find the first servers."""
        nodes = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[: self._first])
        return f"redis+cluster://{nodes}"

    def start(self) -> None:
        """Start the servers and share out the slots."""
        share = REDIS_CLUSTER_HASH_SLOTS // self._first + 1
        for number in range(self._first):
            node = self._new()
            last = min((number + 1) * share, REDIS_CLUSTER_HASH_SLOTS) - 1
            node.says("CLUSTER", "ADDSLOTSRANGE", str(number * share), str(last))
        self._meet()

    def join(self) -> Node:
        """One more primary, which has no slots yet."""
        node = self._new()
        self._meet()
        return node

    def join_as_replica(self, primary: Node) -> Node:
        """One more server, which has what a primary has, and takes its place when it is lost."""
        node = self.join()
        node.says("CLUSTER", "REPLICATE", primary.cluster_id())
        eventually(lambda: "master_link_status:up" in node.says("INFO", "replication"), node.log)
        eventually(lambda: "state=online" in primary.says("INFO", "replication"), node.log)
        return node

    def owner(self, slot: int) -> Node:
        """Who has a slot, by what the servers agreed on."""
        said = self.nodes[0].says("CLUSTER", "NODES").splitlines()
        for line in said[1:]:
            words = line.split(" ")
            for part in words[8:]:
                first, _, last = part.partition("-")
                if first.isdigit() and int(first) <= slot <= int(last or first):
                    port = int(words[1].split("@")[0].rpartition(":")[2])
                    return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody has slot {slot}: {said}")

    def move(self, slot: int, to: Node, half_way: Callable[[], None] = lambda: None) -> None:
        """Move a slot key by key, as resharding tools do; `half_way` is called in between."""
        giver = self.owner(slot)
        name, giver_name = to.cluster_id(), giver.cluster_id()
        assert to.says("CLUSTER", "SETSLOT", str(slot), "IMPORTING", giver_name) == OK
        assert giver.says("CLUSTER", "SETSLOT", str(slot), "MIGRATING", name) == OK
        count = int(giver.says("CLUSTER", "COUNTKEYSINSLOT", str(slot))[1:])
        for number, key in enumerate(_keys_in(giver, slot)):
            if number == count // 2:
                half_way()
            moved = giver.says("MIGRATE", "127.0.0.1", str(to.port), key, "0", "5000")
            assert moved in (OK, "+NOKEY\r\n"), moved
        assert giver.says("CLUSTER", "COUNTKEYSINSLOT", str(slot)) == ":0\r\n"
        for node in (to, giver):
            assert node.says("CLUSTER", "SETSLOT", str(slot), "NODE", name) == OK

    def close(self) -> None:
        """End everything."""
        for node in self.nodes:
            node.kill()
        self._folder.cleanup()

    def _new(self) -> Node:
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
        bus = free_port()
        folder = Path(self._folder.name)
        node = Node(folder, self._program, *DURABLE, *options, "--cluster-port", str(bus))
        node.start()
        node.says("CLUSTER", "SET-CONFIG-EPOCH", str(len(self.nodes) + 1))
        node.bus = bus
        self.nodes.append(node)
        return node

    def _meet(self) -> None:
        for node in self.nodes[:-1]:
            self.nodes[-1].says("CLUSTER", "MEET", "127.0.0.1", str(node.port), str(node.bus))
        eventually(lambda: all(self._agrees(node) for node in self.nodes), self.nodes[0].log)

    def _agrees(self, node: Node) -> bool:
        told = node.says("CLUSTER", "INFO")
        return "cluster_state:ok" in told and f"cluster_known_nodes:{len(self.nodes)}\r" in told


def _keys_in(giver: Node, slot: int) -> Iterator[str]:
    """The keys of a slot until none is left, some at a time: each is moved when it is told."""
    while keys := giver.says("CLUSTER", "GETKEYSINSLOT", str(slot), "100").split("\r\n")[2::2]:
        yield from keys


@contextlib.contextmanager
def sharded(program: str, primaries: int = 3) -> Iterator[Sharded]:
    """A running cluster."""
    cluster = Sharded(program, primaries)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()
