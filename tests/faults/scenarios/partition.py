"""Partitions one way and both, in network namespaces: packets vanish, connections seem to live.

First a process that runs the feeds is cut off from its store, in one direction and then in both:
another one takes over, and after healing there is one. Then the primary store is cut off from its
replicas and most sentinels while the service still reaches it: it cannot acknowledge any more, one
of the replicas is promoted, and after healing there is one primary.
"""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from capacity.board import Leases
from capacity.board.connection import BLOCK_SECONDS, SOCKET_TIMEOUT
from capacity.child_process import die_with_parent
from tests.bench.world import CLUSTER
from tests.faults.finding import Finding
from tests.faults.network import HOST, Network, network
from tests.faults.origin import Origin, with_polled
from tests.faults.product import Product
from tests.faults.scene import Scene, scene
from tests.faults.stage import Stage
from tests.support.stores import valkey_program

NAME = "partition"
NUMBER = 14
HAZARD = 5
STORE_PORT, SENTINEL_PORT = 6390, 26390
TAKEN_WITHIN = 30.0
ALONE_SECONDS = 3.0
"""How long there are two primaries, and the old one could take writes."""
TEMPTED_SECONDS = 2.0
"""How long a former holder of the lease is given to do wrong: several of its rounds."""
SILENT_SECONDS = BLOCK_SECONDS + SOCKET_TIMEOUT + 1
"""A process that gets no answer has noticed it by then, and its boards say so."""
_DURABLE = ("--save", "", "--appendonly", "yes", "--appendfsync", "always",
            "--protected-mode", "no", "--repl-ping-replica-period", "1",
            "--repl-diskless-sync-delay", "0", "--repl-timeout", "5")  # fmt: skip


async def run(stage: Stage) -> Finding:
    """Feeds first, then the store."""
    with network("store", "one", "two") as net:
        finding = await _feeds(stage, net)
    with network("a", "b", "c") as net:
        finding.add(await _primary(stage, net))
    return finding


async def _feeds(stage: Stage, net: Network) -> Finding:
    world = stage.world(units=6, sources=2)
    nowhere = Origin(world.units[5])  # nobody answers there: what matters is who asks
    nowhere.port = 9
    world = with_polled(world, nowhere, every="30 s", timeout="5 s")
    url = f"redis://{net.address('store')}:{STORE_PORT}"
    with _server(stage, net, "store", STORE_PORT, *_DURABLE):
        one, two = (
            Product(world, name, redis_url=url, host=net.address(name), before=net.inside(name))
            for name in ("one", "two")
        )
        leases = Leases(url, "looking on")
        try:
            async with scene(stage, f"{NAME} feeds", one, two) as here:
                here.fresh_within = SILENT_SECONDS
                here.people(two)
                here.open_boards(one, 4)
                await here.warm()
                for ways in (("store",), ("one",), ("one", "store")):
                    await _cut_holder(here, net, leases, {"one": one, "two": two}, ways)
                return await here.check([one, two], url)
        finally:
            await leases.stop()


async def _cut_holder(
    here: Scene, net: Network, leases: Leases, products: dict[str, Product], ways: tuple[str, ...]
) -> None:
    """Cut off whoever holds the lease; `ways` names who is not heard ("one" is the holder)."""
    said = (
        "both ways"
        if len(ways) == 2
        else f"not heard: {'store' if ways[0] == 'store' else 'holder'}"
    )
    here.stage.say(f"{NAME}: {said}")
    holder = (await leases.holders([CLUSTER]))[CLUSTER]
    place = next(n for n, p in products.items() if holder.name.endswith(f":{p.process.pid}"))
    began = time.monotonic()
    if "one" in ways:
        net.cut(place, "store")
    if "store" in ways:
        net.cut("store", place)
    while (now := (await leases.holders([CLUSTER]))[CLUSTER]).name in (holder.name, ""):
        assert time.monotonic() - began < TAKEN_WITHIN, f"{said}: nobody took the lease"
        await asyncio.sleep(0.1)
    taken = time.monotonic() - began
    cut_off = [b for b in here.boards if b.url == products[place].live]
    await here.wait_for(lambda: not any(b.is_live for b in cut_off), "boards of the one cut off")
    shown = max(b.stopped_after(began) or 0.0 for b in cut_off)
    net.heal()
    healed = time.monotonic()
    await here.note_recovery(healed, within=90)
    await asyncio.sleep(TEMPTED_SECONDS)
    after = (await leases.holders([CLUSTER]))[CLUSTER]
    here.finding.promise(after.fence >= now.fence > holder.fence, "the fence did not grow")
    told = [n for n, p in products.items() if after.name.endswith(f":{p.process.pid}")]
    here.finding.promise(len(told) == 1, f"{told} run the feeds")
    here.finding.notice = max(here.finding.notice or 0.0, taken)
    here.finding.shown = max(here.finding.shown or 0.0, shown)
    here.finding.promise(shown < 16, f"{said}: boards said so after {shown:.1f} s")
    here.finding.notes.append(f"{said}: feeds taken over after {taken:.1f} s, boards {shown:.1f} s")


async def _primary(stage: Stage, net: Network) -> Finding:
    places = ("a", "b", "c")
    stage.say(f"{NAME}: the primary and its clients on one side")
    with ExitStack() as stack:
        first = net.address("a")
        for place in places:
            more = () if place == "a" else ("--replicaof", first, str(STORE_PORT))
            stack.enter_context(_server(stage, net, place, STORE_PORT, *_DURABLE, *more))
        for place in places:
            config = stage.folder / f"sentinel-{place}.conf"
            config.write_text(
                f"sentinel monitor board {first} {STORE_PORT} 2\n"
                "sentinel down-after-milliseconds board 1500\n"
                "sentinel failover-timeout board 5000\nprotected-mode no\n"
            )
            stack.enter_context(_server(stage, net, place, SENTINEL_PORT, config=config))
        await _replicated(net)
        nodes = ",".join(f"{net.address(place)}:{SENTINEL_PORT}" for place in places)
        url = f"redis+sentinel://{nodes}/board"
        product = Product(stage.world(), redis_url=url, redis_replicas=1, host=net.address(HOST))
        async with scene(stage, f"{NAME} primary", product) as here:
            here.people(product)
            await here.warm()
            began = time.monotonic()
            for other in ("b", "c"):
                net.cut("a", other)
                net.cut(other, "a")
            primary = await _named(net, other_than=first)
            promoted = time.monotonic() - began
            await asyncio.sleep(ALONE_SECONDS)
            net.heal()
            await here.note_recovery(time.monotonic(), within=90)
            here.note_fault(began, boards_must_say=False)
            writers = await _writers(net)
            here.finding.promise(writers == [primary], f"{writers} take writes after healing")
            here.finding.notes.append(f"primary cut off: another one after {promoted:.1f} s")
            return await here.check([product], f"redis://{primary}:{STORE_PORT}")


@contextmanager
def _server(
    stage: Stage, net: Network, place: str, port: int, *options: str, config: Path | None = None
) -> Iterator[None]:
    """A store, or with a configuration a sentinel, in one place."""
    folder = stage.folder / f"net-{place}-{port}-{len(list(stage.folder.iterdir()))}"
    folder.mkdir()
    command = [*net.inside(place), valkey_program()]
    command += [str(config), "--sentinel"] if config else []
    command += ["--port", str(port), "--bind", net.address(place), "--dir", str(folder), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent())
    try:
        _answering(net.address(place), port, folder / "log")
        yield
    finally:
        process.kill()
        process.wait()


def _answering(host: str, port: int, log: Path) -> None:
    from redis import Redis as Plain
    from redis.exceptions import RedisError

    deadline = time.monotonic() + 20
    while True:
        try:
            with Plain(host=host, port=port, socket_timeout=2) as client:
                client.ping()
            return
        except RedisError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


async def _ask(host: str, port: int, *words: str) -> object:
    client = Redis(host=host, port=port, socket_timeout=2, decode_responses=True)
    try:
        return await client.execute_command(*words)
    finally:
        await client.aclose()


async def _replicated(net: Network) -> None:
    """Wait until both replicas have what is there, and the sentinels know of each other."""
    deadline = time.monotonic() + 30
    while True:
        copies = await _ask(net.address("a"), STORE_PORT, "WAIT", "2", "200")
        told = [await _quorum(net, place) for place in "abc"]
        ready = all("3 usable" in words for words in told)
        if copies == 2 and ready:
            return
        assert time.monotonic() < deadline, f"{copies} replicas; {told}"
        await asyncio.sleep(0.2)


async def _quorum(net: Network, place: str) -> str:
    """What a sentinel says of how many there are."""
    try:
        words = ("SENTINEL", "CKQUORUM", "board")
        return str(await _ask(net.address(place), SENTINEL_PORT, *words))
    except ResponseError as error:
        return str(error)


async def _named(net: Network, other_than: str) -> str:
    """The primary that the majority names, once it is another one."""
    deadline = time.monotonic() + 60
    while True:
        found = await _ask(
            net.address("b"), SENTINEL_PORT, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "board"
        )
        assert isinstance(found, list)
        if found[0] != other_than:
            return str(found[0])
        assert time.monotonic() < deadline, "nobody was promoted"
        await asyncio.sleep(0.1)


async def _writers(net: Network) -> list[str]:
    """The servers that say they are primaries, once the old one has had time to be told."""
    deadline = time.monotonic() + 30
    while True:
        roles = {net.address(p): await _ask(net.address(p), STORE_PORT, "ROLE") for p in "abc"}
        found = [
            host for host, role in roles.items() if isinstance(role, list) and role[0] == "master"
        ]
        if len(found) == 1 or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.5)
