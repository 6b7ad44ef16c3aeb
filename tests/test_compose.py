"""The container files, held against the code: no engine runs here, so every name is looked up.

The proxy is looked at by tests/test_compose_proxy.py; what the stores are told is run by
tests/test_compose_stores.py.
"""

import ast
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute

from capacity.history.database import normal_url
from capacity.settings import SECRETS, Settings
from capacity.store_address import read_store_address
from tests.support.compose import (
    COMPOSE,
    DOCKERFILE,
    FEEDS,
    GUIDE,
    OURS,
    PREFIX,
    SENTINELS,
    SERVICES,
    STORES,
    VALKEYS,
    WEB,
    environment,
    image_environment,
    instructions,
    mounts,
    option,
    settings,
)
from tests.support.installed import PACKAGES, ROOT
from web import ops
from web.cli import _parser


def test_any_one_container_may_fail() -> None:
    assert (len(WEB), len(FEEDS), len(VALKEYS), len(SENTINELS)) == (2, 2, 3, 3)
    assert {*WEB, *FEEDS} == set(OURS)
    assert {*OURS, *STORES, "proxy"} == set(SERVICES)
    assert not any("profiles" in service for service in SERVICES.values())


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting_and_has_a_usable_value(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = image_environment() | environment(service)
    assert {name.removeprefix(PREFIX).lower() for name in names} <= Settings.model_fields.keys()
    found = settings(service, monkeypatch, tmp_path)
    assert found.run_feeds is (service in FEEDS)
    assert found.host == "0.0.0.0"  # reached from outside its container only
    assert found.sources == []
    assert "127.0.0.1" in found.trusted_hosts  # the health checks' own


def test_what_is_taken_from_outside_is_of_the_same_name() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    taken = dict(re.findall(rf"({PREFIX}\w+): \$\{{(\w+):-", text))
    assert taken
    assert all(name == outside for name, outside in taken.items())
    assert set(re.findall(r"\$\{(\w+)", text)) == {*taken.values(), "PUBLISH"}


@pytest.mark.parametrize("service", OURS)
def test_the_store_is_asked_for_at_its_sentinels(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = settings(service, monkeypatch, tmp_path)
    address = read_store_address(found.store_url or "")
    (port,) = option("sentinel", "port")
    assert address.kind == "sentinel"
    assert address.nodes == tuple((name, int(port)) for name in SENTINELS)
    name, primary, primary_port, quorum = option("sentinel", "sentinel monitor")
    assert address.service == name
    assert primary in VALKEYS
    assert [primary_port] == option("valkey", "port")
    assert int(quorum) == len(SENTINELS) // 2 + 1
    replicas = len(VALKEYS) - 1
    assert 1 <= address.replicas < replicas  # one of them may be away
    assert int(option("valkey", "min-replicas-to-write")[0]) == address.replicas
    assert set(SERVICES[service]["depends_on"]) == {*SENTINELS, "postgres"}
    assert "back" in SERVICES[service]["networks"]


@pytest.mark.parametrize("service", OURS)
def test_the_sql_address_is_a_secret_file_that_settings_read(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for secret in SERVICES[service]["secrets"]:
        assert secret.removeprefix(PREFIX.lower()) in Settings.model_fields
    name = "akutoverblik_sql_url"
    assert name in SERVICES[service]["secrets"]
    assert SECRETS.as_posix() == "/run/secrets"
    (tmp_path / name).write_text("postgresql://akutoverblik:word@postgres/akutoverblik\n")
    url = normal_url(settings(service, monkeypatch, tmp_path).history_url)
    assert (url.host, url.password) == ("postgres", "word")
    assert url.host in STORES


def test_the_environment_goes_before_a_secret_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(Settings.model_config, "secrets_dir", tmp_path)
    (tmp_path / "akutoverblik_redis_url").write_text("redis://from-the-file\n")
    assert Settings().redis_url == "redis://from-the-file"
    monkeypatch.setenv("AKUTOVERBLIK_REDIS_URL", "redis://from-the-environment")
    assert Settings().redis_url == "redis://from-the-environment"


@pytest.mark.parametrize("service", OURS)
def test_the_command_is_one_of_ours(service: str) -> None:
    program, *arguments = SERVICES[service]["command"]
    assert program == "akutoverblik"
    assert _parser().parse_args(arguments).command == "serve"


def test_the_image_runs_the_same_command() -> None:
    (command,) = instructions("CMD")
    assert all(json.loads(command) == SERVICES[service]["command"] for service in OURS)


@pytest.mark.parametrize("service", OURS)
def test_the_health_check_asks_for_an_address_that_exists(service: str) -> None:
    kind, python, flag, program = SERVICES[service]["healthcheck"]["test"]
    assert (kind, python, flag) == ("CMD", "python", "-c")
    ast.parse(program)
    (asked,) = re.findall(r"'(http://[^']+)'", program)
    url = urlsplit(asked)
    assert str(url.port) == environment(service)["AKUTOVERBLIK_PORT"]
    routes = [route.path for route in ops.router.routes if isinstance(route, APIRoute)]
    assert url.path == "/readyz"
    assert url.path in routes


def test_configurations_are_used_where_they_are_mounted() -> None:
    used: set[str] = set()
    for service in SERVICES.values():
        for config in service.get("configs", ()):
            used.add(config["source"])
            assert config["target"] in " ".join(service["command"])
    assert used == COMPOSE["configs"].keys()


@pytest.mark.parametrize("service", OURS)
def test_what_is_kept_lies_in_a_volume(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = settings(service, monkeypatch, tmp_path)
    volume = mounts(service)[str(found.data)]
    assert volume in COMPOSE["volumes"]
    assert found.keys_file.is_relative_to(found.data)
    assert found.inbox.is_relative_to(found.data)
    assert instructions("VOLUME") == instructions("WORKDIR") == [str(found.data)]


def test_all_of_our_services_share_their_keys_and_their_inbox() -> None:
    assert len({mounts(service)["/data"] for service in OURS}) == 1


def test_stores_keep_their_data_in_volumes_of_their_own_and_publish_nothing() -> None:
    kept = {"postgres": "/var/lib/postgresql/data"}
    volumes = [mounts(store)[kept.get(store, "/data")] for store in STORES]
    assert len({*volumes, mounts(WEB[0])["/data"]}) == len(STORES) + 1
    assert {*volumes, mounts(WEB[0])["/data"]} == COMPOSE["volumes"].keys()
    for store in STORES:
        assert SERVICES[store]["networks"] == ["back"]
    assert COMPOSE["networks"]["back"] == {"internal": True}


def test_valkey_promises_what_the_embedded_one_does() -> None:
    assert option("valkey", "appendonly") == ["yes"]
    assert option("valkey", "appendfsync") == ["always"]
    assert option("valkey", "maxmemory-policy") == ["noeviction"]
    for store in (*VALKEYS, *SENTINELS):
        config = store.partition("-")[0]
        assert mounts(store)[option(config, "dir")[0]]
        assert environment(store)["ANNOUNCE"] == store
    primary = option("sentinel", "sentinel monitor")[1]
    assert {store: environment(store)["REPLICA_OF"] for store in VALKEYS} == {
        store: "" if store == primary else primary for store in VALKEYS
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_confined(service: str) -> None:
    parts = SERVICES[service]
    user, group = parts["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert parts["read_only"] is True
    assert parts["cap_drop"] == ["ALL"]
    assert parts["security_opt"] == ["no-new-privileges:true"]
    assert parts["tmpfs"]
    assert parts["restart"] == "unless-stopped"
    assert parts["healthcheck"]["test"]


def test_images_have_versions() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(images) == len(SERVICES) + 2
    for image in images:
        name, _, tag = image.partition(":")
        assert name
        assert re.search(r"\d+\.\d+", tag), image


def test_our_image_has_the_version_of_the_package() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert {SERVICES[service]["image"] for service in OURS} == {f"akutoverblik:{version[1]}"}


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert not re.search(r"://[^\s/@]+:[^\s/@]+@", text)
    for service in SERVICES.values():
        for name in service.get("environment", {}):
            assert "PASSWORD" not in name or name.endswith("_FILE")
            assert "SECRET" not in name
    assert {Path(secret["file"]).parts[0] for secret in COMPOSE["secrets"].values()} == {"secrets"}
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_secrets_that_are_used_are_declared() -> None:
    used = {name for service in SERVICES.values() for name in service.get("secrets", ())}
    assert used == COMPOSE["secrets"].keys()
    path = SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"]
    assert path == f"/run/secrets/{SERVICES['postgres']['secrets'][0]}"


def test_stopping_waits_longer_than_the_service_needs() -> None:
    from web.commands.serve import SHUTDOWN_SECONDS

    for service in OURS:
        assert int(SERVICES[service]["stop_grace_period"].removesuffix("s")) > SHUTDOWN_SECONDS * 2


def test_the_image_is_built_from_what_the_wheel_needs() -> None:
    copied = {
        word.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert copied == {
        *PACKAGES, "pyproject.toml", "README.md", "LICENSE",
        "requirements.txt", "requirements-service.txt",
    }  # fmt: skip
    assert all((ROOT / name).exists() for name in copied)
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == copied


def test_the_image_does_not_run_as_root() -> None:
    (user,) = instructions("USER")
    assert user not in ("root", "0")
    uid, gid = SERVICES[WEB[0]]["user"].split(":")
    assert f"--uid {uid}" in DOCKERFILE
    assert f"--gid {gid}" in DOCKERFILE
    after_user = DOCKERFILE.partition("\nUSER ")[2]
    assert not re.search(r"^(RUN|COPY|ADD)\b", after_user, re.MULTILINE)


def test_everything_in_the_image_is_locked() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install ([^&\n]*)", DOCKERFILE)
    assert len(installs) == 3
    for arguments in installs:
        assert (
            "--require-hashes -r requirements" in arguments or "--no-deps --no-index" in arguments
        )


def test_the_image_has_no_tools_of_its_own() -> None:
    *_, last = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    assert "--from=build /opt/akutoverblik /opt/akutoverblik" in last
    assert "pip" not in last
    assert "-m venv --without-pip /opt/akutoverblik" in DOCKERFILE


def test_the_guide_makes_what_the_file_needs() -> None:
    (shell,) = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    made = set(re.findall(r"> (secrets/\S+)", shell))
    assert made == {secret["file"].removeprefix("./") for secret in COMPOSE["secrets"].values()}
    assert set(re.findall(rf"export ({PREFIX}\w+|PUBLISH)=", shell)) <= {
        *re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text("utf-8"))
    }
    for name in re.findall(r"docker compose (?:exec|up [^\n]*--no-deps) (\S+)", GUIDE):
        assert name in SERVICES
    (made_with,) = re.findall(r"'(postgresql://[^']+)'", shell)
    url = normal_url(made_with.replace("%s", "word"))
    assert (url.host, url.username) == (
        "postgres",
        SERVICES["postgres"]["environment"]["POSTGRES_USER"],
    )
    assert url.database == SERVICES["postgres"]["environment"]["POSTGRES_DB"]
