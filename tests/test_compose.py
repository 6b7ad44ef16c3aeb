"""The container files, held against the code: no engine runs here, so every name is looked up."""

import ast
import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from fastapi.routing import APIRoute

from capacity.history.database import normal_url
from capacity.settings import SECRETS, Settings
from tests.support.installed import PACKAGES, ROOT
from web import ops
from web.cli import _parser

PREFIX = "AKUTOVERBLIK_"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
STORES = [name for name in SERVICES if name not in OURS]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")


def filled(value: str) -> str:
    """A value as Compose makes it when nothing is set outside."""
    return re.sub(r"\$\{\w+:-(.*)\}$", r"\1", value)


def environment(service: str) -> dict[str, str]:
    return {name: filled(value) for name, value in SERVICES[service]["environment"].items()}


def settings(service: str, monkeypatch: pytest.MonkeyPatch, secrets: Path) -> Settings:
    """The settings that the service's container would have."""
    for name, value in (image_environment() | environment(service)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(Settings.model_config, "secrets_dir", secrets)
    return Settings()


def image_environment() -> dict[str, str]:
    words = [word for line in instructions("ENV") for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words if word.startswith(PREFIX))


def instructions(name: str) -> list[str]:
    """The arguments of every such line of the last stage of the Dockerfile."""
    last_stage = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[-1]
    return re.findall(rf"^{name} (.*)$", last_stage, re.MULTILINE)


def mounts(service: str) -> dict[str, str]:
    """Path in the container to the volume or folder that lies there."""
    pairs = (volume.split(":")[:2] for volume in SERVICES[service]["volumes"])
    return {target: source for source, target in pairs}


def test_there_is_one_service_with_feeds_and_both_stores() -> None:
    assert set(OURS) == {"web", "web-more"}
    assert set(STORES) == {"valkey", "postgres"}
    assert "profiles" not in SERVICES["web"]
    assert SERVICES["web-more"]["profiles"]


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting_and_has_a_usable_value(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = image_environment() | environment(service)
    assert {name.removeprefix(PREFIX).lower() for name in names} <= Settings.model_fields.keys()
    found = settings(service, monkeypatch, tmp_path)
    assert found.run_feeds is (service == "web")
    assert found.host == "0.0.0.0"  # reached from outside its container only
    assert found.sources == []
    assert "127.0.0.1" in found.trusted_hosts  # the health check's own


@pytest.mark.parametrize("service", OURS)
def test_stores_are_addressed_by_the_services_that_run_them(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = settings(service, monkeypatch, tmp_path)
    redis = urlsplit(found.redis_url or "")
    assert (redis.scheme, redis.hostname, redis.port) == ("redis", "valkey", 6379)
    assert set(SERVICES[service]["depends_on"]) == set(STORES)
    assert "back" in SERVICES[service]["networks"]


@pytest.mark.parametrize("service", OURS)
def test_the_sql_address_is_a_secret_file_that_settings_read(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (name,) = SERVICES[service]["secrets"]
    assert name.removeprefix(PREFIX.lower()) in Settings.model_fields
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
    assert json.loads(command) == SERVICES["web"]["command"]


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


@pytest.mark.parametrize("service", OURS)
def test_ports_agree_and_are_published_to_this_machine_only(service: str) -> None:
    (published,) = SERVICES[service]["ports"]
    address, _, inside = published.split(":")
    assert address == "127.0.0.1"
    assert inside == environment(service)["AKUTOVERBLIK_PORT"]
    assert instructions("EXPOSE") == [inside]


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


def test_all_of_our_services_share_their_keys() -> None:
    assert len({mounts(service)["/data"] for service in OURS}) == 1


def test_stores_keep_their_data_in_volumes_and_publish_nothing() -> None:
    for store, path in (("valkey", "/data"), ("postgres", "/var/lib/postgresql/data")):
        assert mounts(store)[path] in COMPOSE["volumes"]
        assert "ports" not in SERVICES[store]
        assert SERVICES[store]["networks"] == ["back"]
    assert COMPOSE["networks"]["back"] == {"internal": True}


def test_valkey_promises_what_the_embedded_one_does() -> None:
    command = SERVICES["valkey"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert command[0] == "valkey-server"
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--maxmemory-policy"] == "noeviction"
    assert mounts("valkey")[options["--dir"]]


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
    assert len(images) > len(SERVICES)
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
    uid, gid = SERVICES["web"]["user"].split(":")
    assert f"--uid {uid}" in DOCKERFILE
    assert f"--gid {gid}" in DOCKERFILE
    after_user = DOCKERFILE.partition("\nUSER ")[2]
    assert not re.search(r"^(RUN|COPY|ADD)\b", after_user, re.MULTILINE)


def test_everything_in_the_image_is_locked() -> None:
    installs = re.findall(r"pip install ([^&\n]*)", DOCKERFILE)
    assert len(installs) == 3
    for arguments in installs:
        assert (
            "--require-hashes -r requirements" in arguments or "--no-deps --no-index" in arguments
        )
