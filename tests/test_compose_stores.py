"""What docker-compose.yml tells the stores, done: the very commands and files, on free ports.

Only names of machines, ports and folders are replaced, and the time after which a sentinel takes a
server for dead is shortened.
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.compose import SENTINELS, SERVICES, VALKEYS, config_text, environment, option
from tests.support.demo_process import until
from tests.support.stores import valkey_program
from tests.support.topology import free_port

NAME = "localhost"
"""What all of them are called here: a name, as in the file, that has to be looked up."""


class Container:
    """One store of the file, run without a container."""

    def __init__(self, name: str, folder: Path, primary_port: int | None = None) -> None:
        self.name = name
        self.port = primary_port or free_port()
        self._data = folder / name
        self._data.mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, primary: "Container") -> None:
        """Run its command."""
        kind = self.name.partition("-")[0]
        config = self._data.parent / f"{self.name}.from-compose"
        text = config_text(kind)
        text = text.replace(f"port {option(kind, 'port')[0]}\n", f"port {self.port}\n")
        text = text.replace("dir /data", f"dir {self._data}")
        text = text.replace(f"{primary.name} 6379", f"{NAME} {primary.port}")
        config.write_text(
            text.replace("-milliseconds akutoverblik 5000", "-milliseconds akutoverblik 1000")
        )
        (target,) = (each["target"] for each in SERVICES[self.name]["configs"])
        *shell, script = SERVICES[self.name]["command"]
        script = script.replace("$$", "$").replace(target, str(config))
        script = script.replace("/data/", f"{self._data}/").replace(" 6379", f" {primary.port}")
        program = Path(valkey_program())
        names = {"ANNOUNCE": NAME}
        if environment(self.name).get("REPLICA_OF"):
            names["REPLICA_OF"] = NAME
        with (self._data / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*shell, script],
                env={"PATH": f"{program.parent}:{os.environ['PATH']}"} | names,
                stdout=log,
                stderr=log,
            )

    def says(self, *words: str) -> list[str]:
        """The lines of the answer to one command, without their lengths."""
        request = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as client:
                client.sendall(request.encode())
                answer = client.recv(1 << 16).decode()
        except OSError:
            return []
        return [line for line in answer.splitlines() if line[:1] not in ("*", "$")]

    def answers(self, expected: str, *words: str) -> bool:
        """Whether that is the answer to a command."""
        return self.says(*words) == [expected]

    def role(self) -> str:
        return next(iter(self.says("ROLE")), "")

    @property
    def config(self) -> Path:
        """Its own configuration, which it rewrites."""
        return self._data / f"{self.name.partition('-')[0]}.conf"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[dict[str, Container]]:
    found = {name: Container(name, tmp_path) for name in (*VALKEYS, *SENTINELS)}
    try:
        for container in found.values():
            container.start(found[VALKEYS[0]])
            until(partial(container.answers, "+PONG", "PING"), f"{container.name} answers")
        yield found
    finally:
        for container in found.values():
            container.kill()


def test_the_stores_of_the_file_fail_over_and_stay_so(containers: dict[str, Container]) -> None:
    first = containers[VALKEYS[0]]
    replicas = [containers[name] for name in VALKEYS[1:]]
    sentinels = [containers[name] for name in SENTINELS]
    service = option("sentinel", "sentinel monitor")[0]

    def primary() -> int:
        """The port on which all sentinels agree."""
        told = {
            tuple(each.says("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)) for each in sentinels
        }
        return int(told.pop()[1]) if len(told) == 1 and () not in told else 0

    def told(sentinel: Container, what: str) -> str:
        words = sentinel.says("SENTINEL", "MASTER", service)
        return words[words.index(what) + 1] if what in words else ""

    assert first.says("CONFIG", "GET", "appendfsync") == ["appendfsync", "always"]
    until(lambda: first.says("SET", "kept", "1") == ["+OK"], "with a replica writes are taken")
    for replica in replicas:
        until(partial(replica.answers, "1", "GET", "kept"), "it has what was written")
    until(lambda: all(told(each, "num-slaves") == "2" for each in sentinels), "replicas are known")
    until(
        lambda: all(told(each, "num-other-sentinels") == "2" for each in sentinels),
        "sentinels meet",
    )

    first.kill()
    until(lambda: primary() in [each.port for each in replicas], "another is the primary")
    (second,) = [each for each in replicas if each.port == primary()]
    assert sentinels[0].says("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)[0] == NAME
    until(lambda: second.role() == "master", "it knows")
    until(lambda: second.says("GET", "kept") == ["1"], "with what was written before")
    until(lambda: second.says("SET", "kept", "2") == ["+OK"], "the other replica follows it")

    # The first comes back as it was left, the new one is started again: each keeps its part.
    first.start(first)
    until(lambda: first.role() == "slave", "the first is a replica now")
    until(lambda: first.says("GET", "kept") == ["2"], "with what came after it")
    until(lambda: f"replicaof {NAME} {second.port}" in first.config.read_text(), "it remembers")
    assert "replicaof" not in second.config.read_text()

    # Settings that are changed as docs/operations.md says last, and so does the part.
    assert first.says("CONFIG", "SET", "min-replicas-max-lag", "15") == ["+OK"]
    assert first.says("CONFIG", "REWRITE") == ["+OK"]
    first.kill()
    with first.config.open("a") as config:
        config.write("min-replicas-to-write 2\n")
    first.start(first)
    until(lambda: first.role() == "slave", "it is a replica as before")
    assert first.says("CONFIG", "GET", "min-replicas-max-lag")[1:] == ["15"]
    assert first.says("CONFIG", "GET", "min-replicas-to-write")[1:] == ["2"]
    assert f"replicaof {NAME} {second.port}" in first.config.read_text()

    watcher = sentinels[0]
    assert watcher.says("SENTINEL", "SET", service, "down-after-milliseconds", "2000") == ["+OK"]
    watcher.kill()
    watcher.start(first)
    until(lambda: told(watcher, "down-after-milliseconds") == "2000", "it remembers that too")
    until(lambda: primary() == second.port, "and who the primary is")
