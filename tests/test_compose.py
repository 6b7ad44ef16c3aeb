"""The container files, held against the code: no engine runs here, so every name is looked up.

The proxy is looked at by tests/test_compose_proxy.py; what the stores are told is run by
tests/test_compose_stores.py.
"""

import ast
import json
import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from fastapi.routing import APIRoute

from capacity.history.database import normal_url
from capacity.settings import SECRETS, Settings
from capacity.store_address import read_store_address
from tests.support.compose import (
    COMPOSE,
    DOCKERFILE,
    FEEDS,
    GUIDE,
    OPERATIONS,
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
from web.key_kinds import KeyKind


def test_any_one_container_may_fail() -> None:
    assert (len(WEB), len(FEEDS), len(VALKEYS), len(SENTINELS)) == (2, 2, 3, 3)
    assert {*WEB, *FEEDS} == set(OURS)
    assert {*OURS, *STORES, "proxy"} == set(SERVICES)
    assert not any("profiles" in service for service in SERVICES.values())


@pytest.mark.parametrize("service", ["proxy", *OURS, *SENTINELS])
def test_no_start_is_kept_back_by_one_that_failed(service: str) -> None:
    """Each starts after those that it asks, and without the one that does not get well."""
    before = SERVICES[service]["depends_on"]
    assert before.keys() <= SERVICES.keys()
    for name, wanted in before.items():
        if wanted["condition"] == "service_healthy":
            assert wanted["required"] is False, name
        else:
            assert wanted == {"condition": "service_started"}, name


@pytest.mark.parametrize("service", OURS)
def test_a_start_waits_for_the_database_from_which_a_lost_store_is_filled(service: str) -> None:
    wanted = SERVICES[service]["depends_on"]["postgres"]
    assert wanted["condition"] == "service_healthy"
    kind, program, *words = SERVICES["postgres"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "pg_isready")
    # While it is set up, the server has a socket and no address.
    assert "--host=127.0.0.1" in words
    names = SERVICES["postgres"]["environment"]
    assert f"--username={names['POSTGRES_USER']}" in words
    assert f"--dbname={names['POSTGRES_DB']}" in words


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
    assert set(re.findall(r"\$\{(\w+)", text)) == {*taken.values(), "PUBLISH", "PUBLIC_HOST"}


@pytest.mark.parametrize("service", OURS)
def test_other_settings_come_from_a_file_that_may_be_missing(service: str) -> None:
    (given,) = SERVICES[service]["env_file"]
    assert given["required"] is False
    # In the folder that is the installation's own, which git and the image leave alone.
    assert Path(given["path"]).parent == Path(mounts(service)["/config"])
    assert "/config/" in (ROOT / ".gitignore").read_text().splitlines()
    assert Path(given["path"]).as_posix() in GUIDE


def test_what_the_guide_puts_into_that_file_is_not_set_by_the_compose_file() -> None:
    """The compose file's own values go first, so such a line would do nothing."""
    told = GUIDE.partition("`config/service.env`")[2].partition("\n\n")[0]
    shown = re.findall(rf"`({PREFIX}\w+)=", told)
    assert shown
    assert not set(shown) & environment(WEB[0]).keys()
    assert {name.removeprefix(PREFIX).lower() for name in shown} <= Settings.model_fields.keys()


@pytest.mark.parametrize("public", ["", "akutoverblik.example.org"])
@pytest.mark.parametrize("service", OURS)
def test_a_process_may_be_asked_by_its_own_name_and_the_public_one(
    service: str, public: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = SERVICES[service]["environment"]["AKUTOVERBLIK_TRUSTED_HOSTS"]
    named = re.sub(r"\$\{PUBLIC_HOST:-(\w+)\}", public or r"\1", given)
    assert named != given
    monkeypatch.setitem(SERVICES[service]["environment"], "AKUTOVERBLIK_TRUSTED_HOSTS", named)
    trusted = settings(service, monkeypatch, tmp_path).trusted_hosts
    assert {service, "localhost", "127.0.0.1"} <= set(trusted)
    assert not public or public in trusted
    assert not any("*" in host or ":" in host for host in trusted)


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


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_read_only_service_is_given_are_files_that_are_there(service: str) -> None:
    """Compose would write anything else into the container, and refuses to start a read-only one.

    Secrets are made by whoever installs; configurations come with the code.
    """
    parts = SERVICES[service]
    assert parts["read_only"] is True
    for secret in parts.get("secrets", ()):
        assert COMPOSE["secrets"][secret].keys() == {"file"}
    for config in parts.get("configs", ()):
        given = COMPOSE["configs"][config["source"]]
        assert given.keys() == {"file"}
        file = ROOT / given["file"]
        assert file.is_file()
        assert file.parent == ROOT / "deploy"


def test_the_folder_of_configurations_is_used_whole_and_carried_along() -> None:
    used = {(ROOT / config["file"]).resolve() for config in COMPOSE["configs"].values()}
    assert used == set((ROOT / "deploy").iterdir())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    carried = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"deploy", "docker-compose.yml", "Dockerfile"} <= set(carried)


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


def test_what_the_guide_does_to_running_containers_is_of_their_names_and_files() -> None:
    upgrade = OPERATIONS.partition("\n## Upgrade\n")[2]
    shell = "".join(re.findall(r"^```sh\n(.*?)^```", upgrade, re.DOTALL | re.MULTILINE))
    told = re.findall(r"compose (?:exec|restart|up)(?: --\S+)* (\S+)(.*)$", shell, re.MULTILINE)
    assert {name.replace("-$n", "-1") for name, _ in told} == {
        "valkey-1", "valkey-3", "sentinel-1", "proxy", *OURS,
    }  # fmt: skip
    for name, command in told:
        kind = name.partition("-")[0]
        if "valkey-cli" in command:
            port = re.findall(r" -p (\d+) ", command) or ["6379"]  # the client's own
            assert port == option(kind, "port")
        for file in re.findall(r">> (\S+)'", command):
            assert f"exec valkey-server {file}" in SERVICES[name]["command"][-1]
        for watched, setting in re.findall(r"sentinel (?:set|failover) (\w+) ?(\S*)", command):
            assert watched == option("sentinel", "sentinel monitor")[0]
            assert not setting or option("sentinel", f"sentinel {setting} {watched}")
        for setting in re.findall(r"config set (\S+)", command):
            assert option(kind, setting)


def test_the_guide_looks_over_the_proxy_s_file_with_the_proxy_s_image() -> None:
    (line,) = re.findall(r"^docker run (.*?haproxy -c .*?)$", OPERATIONS, re.DOTALL | re.MULTILINE)
    proxy = SERVICES["proxy"]
    (config,) = proxy["configs"]
    (secret,) = proxy["secrets"]
    assert f" {COMPOSE['configs'][config['source']]['file']}:{config['target']}:ro " in line
    assert f" {COMPOSE['secrets'][secret]['file']}:{SECRETS}/{secret}:ro " in line
    assert line.endswith(f" {proxy['image']} haproxy -c -f {config['target']}")


def test_the_sample_for_prometheus_asks_every_process_where_it_can_be_reached() -> None:
    text = OPERATIONS.partition("\n## Watch it\n")[2]
    (block,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", text, re.DOTALL)
    (job,) = yaml.safe_load(block)["scrape_configs"]
    (group,) = job["static_configs"]
    assert group["targets"] == [f"{name}:{environment(name)['AKUTOVERBLIK_PORT']}" for name in OURS]
    # The path and the scheme are Prometheus' own; the kind of key is ours.
    assert job.keys() == {"job_name", "scrape_interval", "authorization", "static_configs"}
    assert "/metrics" in [route.path for route in ops.router.routes if isinstance(route, APIRoute)]
    assert f"akutoverblik key new {KeyKind.METRICS} all" in text.partition("scrape_configs:")[0]
    joined = re.findall(r"docker network connect (\w+)_(\w+) prometheus", text)
    ((project, network),) = joined
    assert project == COMPOSE["name"]
    assert COMPOSE["networks"][network] == {"internal": True}
    on_it = {name for name in SERVICES if network in SERVICES[name]["networks"]}
    assert on_it == set(OURS)


def test_the_guide_makes_what_the_file_needs() -> None:
    (shell,) = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    made = set(re.findall(r"> (secrets/\S+)", shell))
    assert made == {secret["file"].removeprefix("./") for secret in COMPOSE["secrets"].values()}
    assert set(re.findall(r"export (\w+)=", shell)) <= {
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
