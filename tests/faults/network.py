"""Network namespaces around one that routes between them: links that can be cut each way.

A stopped process is not a partition (its kernel keeps what arrives), nor is a closed port. Here
packets are dropped on their way, so both ends go on believing in their connections.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count

from tests.faults.finding import OptedOutError

HOST = "host"
"""The machine's own namespace, where sources and boards are."""
_NET = "198.18"
"""Addresses set aside for measuring networks (RFC 2544); nobody else's."""


_numbers = count()


class Network:
    """Places by name; each has an address, and reaches all others until it is cut off."""

    def __init__(self, names: Sequence[str]) -> None:
        self._prefix = f"f{os.getpid() % 100_000}{next(_numbers)}"
        self._hub = f"{self._prefix}hub"
        self._numbers = {name: number for number, name in enumerate([HOST, *names], start=1)}
        self._cuts: list[tuple[str, str]] = []

    def address(self, place: str) -> str:
        """Its address."""
        return f"{_NET}.{self._numbers[place]}.2"

    def inside(self, place: str) -> tuple[str, ...]:
        """The words that start a program there."""
        return ("ip", "netns", "exec", self._space(place))

    def cut(self, sender: str, receiver: str) -> None:
        """Drop what one sends to the other from now on; what comes back still passes."""
        self._rule("add", sender, receiver)
        self._cuts.append((sender, receiver))

    def heal(self) -> None:
        """Drop nothing any more."""
        while self._cuts:
            self._rule("del", *self._cuts.pop())

    def _rule(self, what: str, sender: str, receiver: str) -> None:
        link, target = self._link(sender, "r"), f"{self.address(receiver)}/32"
        self._in_hub("ip", "rule", what, "iif", link, "to", target, "blackhole")

    def _space(self, place: str) -> str:
        return f"{self._prefix}{place}"

    def _link(self, place: str, end: str) -> str:
        return f"{self._prefix}{end}{self._numbers[place]}"

    def _in_hub(self, *words: str) -> None:
        _run("ip", "netns", "exec", self._hub, *words)

    def build(self, stack: ExitStack) -> None:
        """Make everything; undone with the stack."""
        self._add_space(stack, self._hub)
        self._in_hub("sysctl", "-qw", "net.ipv4.ip_forward=1")
        for place in self._numbers:
            self._join(stack, place)

    def _add_space(self, stack: ExitStack, name: str) -> None:
        _run("ip", "netns", "add", name)
        stack.callback(_run, "ip", "netns", "del", name)

    def _join(self, stack: ExitStack, place: str) -> None:
        outer, inner = self._link(place, "r"), self._link(place, "p")
        number = self._numbers[place]
        _run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner)
        _run("ip", "link", "set", outer, "netns", self._hub)
        self._in_hub("ip", "address", "add", f"{_NET}.{number}.1/30", "dev", outer)
        self._in_hub("ip", "link", "set", outer, "up")
        there: tuple[str, ...] = ()
        target = f"{_NET}.0.0/16"
        if place == HOST:
            stack.callback(_run, "ip", "link", "del", inner)
        if place != HOST:
            self._add_space(stack, self._space(place))
            _run("ip", "link", "set", inner, "netns", self._space(place))
            there = self.inside(place)
            _run(*there, "ip", "link", "set", "lo", "up")
        _run(*there, "ip", "address", "add", f"{self.address(place)}/30", "dev", inner)
        _run(*there, "ip", "link", "set", inner, "up")
        _run(*there, "ip", "route", "add", target, "via", f"{_NET}.{number}.1")


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """A network, gone afterwards; `OptedOutError` where none can be made."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise OptedOutError("network namespaces need root and the program ip")
    with ExitStack() as stack:
        found = Network(names)
        try:
            found.build(stack)
        except subprocess.CalledProcessError as error:
            words = error.stderr.strip()
            raise OptedOutError(f"no network namespaces here: {words}") from error
        yield found


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)
