"""The container files, read: what Compose and the image would be told."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from capacity.settings import Settings
from tests.support.installed import ROOT

PREFIX = "AKUTOVERBLIK_"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
WEB = [name for name in OURS if name.startswith("web")]
FEEDS = [name for name in OURS if name.startswith("feeds")]
VALKEYS = [name for name in SERVICES if name.startswith("valkey")]
SENTINELS = [name for name in SERVICES if name.startswith("sentinel")]
STORES = [*VALKEYS, *SENTINELS, "postgres"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
GUIDE = OPERATIONS.partition("\n## With containers\n")[2].partition("\n## ")[0]


def config_text(name: str) -> str:
    """The file that Compose mounts under this name."""
    file: str = COMPOSE["configs"][name]["file"]
    return (ROOT / file).read_text("utf-8")


def filled(value: str) -> str:
    """A value as Compose makes it when nothing is set outside."""
    return re.sub(r"\$\{\w+:-(.*?)\}(?=$|:|\")", r"\1", value)


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
    pairs = (volume.split(":")[:2] for volume in SERVICES[service].get("volumes", ()))
    return {target: source for source, target in pairs}


def proxy_lines(section: str) -> list[list[str]]:
    """The directives of one section of the proxy's configuration, in words."""
    body = re.split(r"^(?=\S)", config_text("proxy"), flags=re.MULTILINE)
    (found,) = [part for part in body if part.splitlines()[:1] == [section]]
    lines = (line.split() for line in found.splitlines()[1:])
    return [line for line in lines if line and not line[0].startswith("#")]


def option(config: str, name: str) -> list[str]:
    """The words after a name in one of the stores' configurations."""
    lines = [shlex.split(line, comments=True) for line in config_text(config).splitlines()]
    (found,) = [line for line in lines if line[: len(name.split())] == name.split()]
    return found[len(name.split()) :]
