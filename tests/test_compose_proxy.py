"""The proxy in docker-compose.yml: what it asks, of whom, and what it says about who asks."""

import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from capacity.settings import SECRETS
from tests.support.compose import (
    COMPOSE,
    SERVICES,
    WEB,
    environment,
    filled,
    instructions,
    proxy_lines,
    settings,
)
from web import proxies
from web.commands.serve import OWN_FILES


def test_only_the_proxy_is_published_and_to_this_machine_only() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    (published,) = SERVICES["proxy"]["ports"]
    address, _, inside = filled(published).split(":")
    assert address == "127.0.0.1"
    (bind, *words) = next(line[1:] for line in proxy_lines("frontend public") if line[0] == "bind")
    assert bind == f":{inside}"
    assert "ssl" in words
    assert words[words.index("crt") + 1] == f"{SECRETS}/{SERVICES['proxy']['secrets'][0]}"


def test_the_proxy_asks_the_web_processes_that_are_ready() -> None:
    backends = {line[1] for line in proxy_lines("frontend public") if "backend" in line[0]}
    assert backends == {"web", "unready"}
    for backend in sorted(backends):
        servers = {
            line[1]: line[2] for line in proxy_lines(f"backend {backend}") if line[0] == "server"
        }
        assert servers == {name: f"{name}:{environment(name)['AKUTOVERBLIK_PORT']}" for name in WEB}
        assert (
            instructions("EXPOSE") == [environment(name)["AKUTOVERBLIK_PORT"] for name in WEB][:1]
        )
    (check,) = [line for line in proxy_lines("backend web") if line[:2] == ["http-check", "send"]]
    assert check[check.index("uri") + 1] == "/readyz"
    assert check[check.index("Host") + 1] in json.loads(
        environment(WEB[0])["AKUTOVERBLIK_TRUSTED_HOSTS"]
    )
    assert any(
        "check" in line for line in proxy_lines("backend web") if line[0] == "default-server"
    )


def test_the_proxy_is_believed_and_says_what_it_must(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = SERVICES["proxy"]["networks"]["front"]["ipv4_address"]
    for service in WEB:
        assert settings(service, monkeypatch, tmp_path).trusted_proxies == [address]
        assert set(SERVICES[service]["networks"]) == {"front", "back", "out", "watch"}
    said = {
        line[2].lower().encode()
        for line in proxy_lines("frontend public")
        if line[:2] == ["http-request", "set-header"]
    }
    assert said == {proxies._FOR, proxies._PROTO, proxies._HOST}


def test_a_fixed_address_is_given_to_nobody_else() -> None:
    """Docker gives out addresses of the range only, to whoever starts first."""
    fixed = [
        (network, ip_address(parts["ipv4_address"]))
        for service in SERVICES.values()
        if isinstance(service["networks"], dict)
        for network, parts in service["networks"].items()
        if "ipv4_address" in parts
    ]
    assert [network for network, _ in fixed] == ["front"]
    assert len(set(fixed)) == len(fixed)
    for network, address in fixed:
        for pool in COMPOSE["networks"][network]["ipam"]["config"]:
            subnet, given = ip_network(pool["subnet"]), ip_network(pool["ip_range"])
            assert address in subnet
            # The first is the machine's own, the last is for all.
            assert address not in (subnet[0], subnet[1], subnet[-1])
            assert given.subnet_of(subnet)  # type: ignore[arg-type]
            assert address not in given


def test_the_proxy_outlasts_what_the_service_waits_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    patience = settings(WEB[0], monkeypatch, tmp_path)
    times = {line[1]: line[2] for line in proxy_lines("defaults") if line[0] == "timeout"}
    assert int(times["client"].removesuffix("s")) > patience.body_seconds
    assert int(times["server"].removesuffix("s")) > patience.body_seconds
    (most,) = [line[1] for line in proxy_lines("global") if line[0] == "maxconn"]
    assert int(most) >= patience.max_connections * len(WEB)
    # The proxy ends at once where it may not open two files for each connection.
    assert files_of("proxy") > 2 * int(most) + 100
    for service in WEB:
        assert files_of(service) >= patience.max_connections + OWN_FILES


def files_of(service: str) -> int:
    limits = SERVICES[service]["ulimits"]["nofile"]
    assert limits["soft"] == limits["hard"]
    return int(limits["hard"])


def test_a_connection_that_fails_goes_to_the_other_process() -> None:
    lines = proxy_lines("defaults")
    assert ["option", "redispatch", "1"] in lines
    assert ["retry-on", "conn-failure"] in lines  # nothing was sent: safe for every method


def test_the_proxy_s_own_health_is_asked_for() -> None:
    lines = {line[0]: line[1] for line in proxy_lines("frontend health")}
    script = SERVICES["proxy"]["healthcheck"]["test"][-1]
    assert f"/dev/tcp/{lines['bind'].replace(':', '/')}" in script
    assert f"GET {lines['monitor-uri']} " in script
