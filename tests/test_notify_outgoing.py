"""Addresses that others gave us: only where the settings allow, and never inwards."""

import asyncio
import ipaddress
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import new as hmac_of

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalogue import builtin_catalogue
from capacity.reminders import Channel, Figure, Reminding
from capacity.settings import Settings
from tests.support.receiver import receiving
from tests.support.stopwatch import stopwatch
from web.notify.outgoing import (
    Hosts,
    NotAllowedError,
    Outgoing,
    UnreachableError,
    is_public,
)
from web.notify.tally import Fate
from web.notify.webhook import Webhook

KNOWN = Hosts.of(Settings().push_hosts)
OBSERVED = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
FIGURE = Figure(OBSERVED, OBSERVED + timedelta(hours=2), OBSERVED + timedelta(hours=4))


def unit_with(webhook: str):
    chosen = Reminding((Channel.WEBHOOK,), timedelta(minutes=15), 4, webhook=webhook)
    return replace(builtin_catalogue().units["randers-akutplads-1"], remind=chosen)


@pytest.fixture
async def outgoing() -> AsyncIterator[Outgoing]:
    made = Outgoing(["127.0.0.1"])
    yield made
    await made.stop()


@pytest.mark.parametrize(
    "url",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://FCM.googleapis.com:443/wp/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://db5p.notify.windows.com/w/?token=Bw%3d%3d",
        "https://web.push.apple.com/QGuQ",
    ],
)
def test_push_services_of_browsers_are_known(url: str) -> None:
    assert KNOWN.check(url).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "http://fcm.googleapis.com/fcm/send/a",
        "https://fcm.googleapis.com:8443/fcm/send/a",
        "https://fcm.googleapis.com.example.org/a",
        "https://evilnotify.windows.com/a",
        "https://notify.windows.com.example.org/a",
        "https://fcm.googleapis.com@example.org/a",
        "https://user:pass@fcm.googleapis.com/a",
        "https://example.org/#@fcm.googleapis.com",
        "https://example.org\\@fcm.googleapis.com/",
        "https://fcm.googleapis.com\\.example.org/",
        "https://fcm.google\napis.com/a",
        "https://fcm.googleapis.com./a",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/a",
        "https://2130706433/a",
        "https://[fcm.googleapis.com/a",
        "https://fcm.googleapis.com:99999/a",
        "ftp://fcm.googleapis.com/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "//fcm.googleapis.com/a",
        "https://fcm.googleapis.com/" + "a" * 3000,
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(NotAllowedError) as refused:
        KNOWN.check(url)
    assert "example.org" not in str(refused.value)


def test_a_host_may_be_allowed_with_a_port_of_its_own() -> None:
    hosts = Hosts.of(["hooks.example.org:8443"])
    assert hosts.check("https://hooks.example.org:8443/x").port == 8443
    for url in ("https://hooks.example.org/x", "https://hooks.example.org:8444/x"):
        with pytest.raises(NotAllowedError):
            hosts.check(url)


def test_only_private_hosts_may_do_without_tls() -> None:
    hosts = Hosts.of(["hooks.internal", "hooks.example.org"], ["Hooks.Internal"])
    assert hosts.check("http://hooks.internal:8080/x").port == 8080
    with pytest.raises(NotAllowedError):
        hosts.check("http://hooks.example.org/x")
    with pytest.raises(NotAllowedError):  # being private allows nothing by itself
        Hosts.of([], ["hooks.internal"]).check("http://hooks.internal/x")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
        "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "142.250.74.138", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_in_another_changes_nothing(address: ipaddress.IPv4Address) -> None:
    for wrapped in (
        ipaddress.IPv6Address(f"::ffff:{address}"),
        ipaddress.IPv6Address((0x0064FF9B << 96) | int(address)),
        ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80)),
    ):
        assert is_public(wrapped) is is_public(address)


async def test_a_name_that_leads_inwards_is_not_followed() -> None:
    """An allowed name that resolves to this machine: refused before anything is sent."""
    with receiving() as receiver:
        guarded = Outgoing()
        parts = Hosts.of(["localhost"], ["localhost"]).check(f"http://localhost:{receiver.port}/x")
        with pytest.raises(NotAllowedError, match="not public"):
            await guarded.post(parts, b"{}", {}, 2)
        await guarded.stop()
        assert receiver.pushes == []


async def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a name server says is the attacker's word, so the resolver is played here."""

    async def resolve(*_: object, **__: object) -> list[object]:
        found = (("1.1.1.1", 443), ("10.0.0.1", 443))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve, raising=False)
    guarded = Outgoing()
    parts = Hosts.of(["hooks.example.org"]).check("https://hooks.example.org/x")
    with pytest.raises(NotAllowedError, match="not public"):
        await guarded.post(parts, b"{}", {}, 2)
    await guarded.stop()


async def test_nobody_there_is_unreachable(outgoing: Outgoing, unused_tcp_port: int) -> None:
    parts = _local(f"http://127.0.0.1:{unused_tcp_port}/x")
    with pytest.raises(UnreachableError):
        await outgoing.post(parts, b"", {}, 2)


async def test_a_name_that_nobody_has_is_unreachable(outgoing: Outgoing) -> None:
    parts = Hosts.of(["nowhere.invalid"]).check("https://nowhere.invalid/x")
    with pytest.raises(UnreachableError):
        await outgoing.post(parts, b"", {}, 5)


async def test_an_answer_that_never_ends_is_given_up_on(outgoing: Outgoing) -> None:
    ended, left = asyncio.Event(), asyncio.Event()

    async def dribble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not ended.is_set() and not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        writer.close()
        left.set()

    server = await asyncio.start_server(dribble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with stopwatch() as watch, pytest.raises(UnreachableError):
        await outgoing.post(_local(f"http://127.0.0.1:{port}/x"), b"", {}, 0.5)
    assert watch.seconds < 1.5
    ended.set()
    await left.wait()
    server.close()


def _local(url: str):
    return Hosts.of(["127.0.0.1"], ["127.0.0.1"]).check(url)


def webhook(outgoing: Outgoing, secret: str | None = None) -> Webhook:
    hosts = Hosts.of(["127.0.0.1"], ["127.0.0.1"])
    return Webhook(hosts, outgoing, secret=secret, public_url="https://akut.example.org", seconds=1)


async def test_a_webhook_gets_the_reminder(outgoing: Outgoing) -> None:
    with receiving() as receiver:
        unit = unit_with(f"{receiver.url}/hook?to=a%20b")
        assert await webhook(outgoing, "secret").send(unit, FIGURE) is Fate.SENT
        (push,) = receiver.pushes
    assert push.path == "/hook?to=a%20b"
    assert push.media_type == "application/json"
    assert json.loads(push.body) == {
        "kind": "reminder",
        "unit": unit.id,
        "name": unit.name,
        "cluster": "randers",
        "observed_at": "2026-11-24T13:00:00Z",
        "stale_at": "2026-11-24T17:00:00Z",
        "url": f"https://akut.example.org/unit/{unit.id}",
    }
    signed = hmac_of(b"secret", push.body, sha256).hexdigest()
    assert push.headers["X-Akutoverblik-Signature"] == f"sha256={signed}"


async def test_tries_of_one_reminder_carry_the_same_key(outgoing: Outgoing) -> None:
    with receiving() as receiver:
        unit, hook = unit_with(receiver.url), webhook(outgoing)
        receiver.answers = [(503, {})]
        assert await hook.send(unit, FIGURE) is Fate.LATER
        assert await hook.send(unit, FIGURE) is Fate.SENT
        later = replace(FIGURE, observed_at=OBSERVED + timedelta(hours=1))
        assert await hook.send(unit, later) is Fate.SENT
        keys = [push.headers["Idempotency-Key"] for push in receiver.pushes]
    assert keys[0] == keys[1] != keys[2]
    assert "X-Akutoverblik-Signature" not in receiver.pushes[0].headers


@pytest.mark.parametrize(
    ("status", "fate"),
    [(204, Fate.SENT), (302, Fate.REFUSED), (401, Fate.REFUSED), (429, Fate.LATER)],
)
async def test_what_a_webhooks_answer_means(status: int, fate: Fate, outgoing: Outgoing) -> None:
    with receiving() as receiver:
        receiver.answers = [(status, {"Location": "/elsewhere"})]
        assert await webhook(outgoing).send(unit_with(f"{receiver.url}/hook"), FIGURE) is fate
        assert [push.path for push in receiver.pushes] == ["/hook"]


async def test_a_webhook_to_a_host_that_is_not_listed_is_not_posted(outgoing: Outgoing) -> None:
    with receiving() as receiver:
        hook = Webhook(Hosts.of(["hooks.example.org"], ["127.0.0.1"]), outgoing)
        assert await hook.send(unit_with(receiver.url), FIGURE) is Fate.REFUSED
        assert receiver.pushes == []
