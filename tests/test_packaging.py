"""The wheel carries everything and runs on its own; the lock serves every Python we name."""

import json
import os
import re
import signal
import subprocess
import time
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.demo_process import command_of, descendants, free_port
from tests.support.installed import (
    PACKAGES,
    ROOT,
    Installation,
    build_wheel,
    clean_environment,
    install,
)

DOCUMENT = {"unit": "u-1", "observed_at": "2026-03-02T08:15:00+01:00", "total": 4, "occupied": 3}
DEMO_SECONDS = 60
PYTHONS = ("3.11.0", "3.11.2", "3.11.9", "3.12.3", "3.13.1", "3.14.0")
"""Where the lock must install: the oldest we name, Debian 12's, and those that came after."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return install(wheel, tmp_path_factory.mktemp("elsewhere") / "an environment")


def in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path, name: str) -> str:
    (path,) = (n for n in in_wheel(wheel) if n.endswith(f".dist-info/{name}"))
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(path).decode()


def test_the_wheel_holds_every_file_of_the_four_packages(wheel: Path) -> None:
    on_disk = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in in_wheel(wheel) if ".dist-info/" not in name}
    assert packed == on_disk


@pytest.mark.parametrize(
    "needed",
    [
        *(f"{package}/py.typed" for package in PACKAGES),
        "capacity/board/functions.lua",
        "capacity/data/randers.toml",
        "capacity/data/region-midtjylland.toml",
        "capacity/data/vocabulary.toml",
        "capacity/history/migrations/env.py",
        "capacity/history/migrations/versions/0001_history.py",
        "feeds/data/demo-sources.toml",
        "simulators/data/randers.toml",
        "web/static/board.css",
        "web/static/js/main.js",
        "web/templates/board.html",
    ],
)
def test_the_wheel_holds(wheel: Path, needed: str) -> None:
    assert needed in in_wheel(wheel)


def test_the_wheel_names_its_licence_and_its_command(wheel: Path) -> None:
    head = metadata(wheel, "METADATA").splitlines()
    assert "License-Expression: EUPL-1.2" in head
    assert "License-File: LICENSE" in head
    assert "Requires-Python: >=3.11" in head
    assert "akutoverblik = web.cli:main" in metadata(wheel, "entry_points.txt")


def test_what_is_imported_is_the_wheel(installation: Installation, tmp_path: Path) -> None:
    program = f"import {', '.join(PACKAGES)}\nfor m in ({', '.join(PACKAGES)}): print(m.__file__)"
    done = installation.run(installation.python, "-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    places = [Path(line) for line in done.stdout.splitlines()]
    assert len(places) == len(PACKAGES)
    assert all(place.is_relative_to(installation.folder) for place in places), places


def test_the_installed_command_reads_documents(installation: Installation, tmp_path: Path) -> None:
    document = tmp_path / "a document.json"
    document.write_text(json.dumps([DOCUMENT, DOCUMENT | {"total": -1}]), encoding="utf-8")
    done = installation.run(installation.script, "read", "json", document, cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (report["unit"], report["free"]) == ("u-1", 1)
    assert report["observed_at"].startswith("2026-03-02T07:15:00")
    assert json.loads(done.stderr)["field"] == "total"
    assert done.returncode == 1


class InstalledDemo:
    """``akutoverblik demo`` of the installed wheel, started in a folder of its own."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation = installation
        self.folder = folder
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.environment = clean_environment(AKUTOVERBLIK_PORT=str(self.port))
        with (folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [str(installation.script), "demo"],
                cwd=folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    def rows(self) -> list[dict[str, Any]]:
        """The board, as soon as there is one that feeds have reached."""
        deadline = time.monotonic() + DEMO_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.output
            try:
                rows = httpx.get(f"{self.base}/api/v1/board/randers", timeout=5).json()["rows"]
            except (httpx.HTTPError, KeyError):
                rows = []
            if any(row["observed_at"] for row in rows):
                return list(rows)
            time.sleep(0.1)
        raise AssertionError(self.output)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def demo(installation: Installation, tmp_path: Path) -> Iterator[InstalledDemo]:
    demo = InstalledDemo(installation, tmp_path)
    yield demo
    demo.end()


def test_the_installed_demo_runs_and_ends_whole(demo: InstalledDemo) -> None:
    assert len(demo.rows()) == 18
    page = httpx.get(f"{demo.base}/board/randers", timeout=5)
    assert page.status_code == 200
    styles = re.findall(r'href="(/static/[^"]+\.css[^"]*)"', page.text)
    assert styles
    assert all(httpx.get(demo.base + address, timeout=30).status_code == 200 for address in styles)

    family = descendants(demo.process.pid)
    pythons = [command for command in family.values() if "valkey-server" not in command]
    assert len(family) == len(pythons) + 1, family
    assert all(command.startswith(str(demo.installation.folder)) for command in pythons), family

    again = subprocess.run(
        [str(demo.installation.script), "demo"],
        cwd=demo.folder,
        env=demo.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 2
    assert f"port {demo.port} on 127.0.0.1 is taken" in again.stderr
    assert "Traceback" not in again.stderr

    os.killpg(demo.process.pid, signal.SIGINT)  # what a terminal does at Ctrl-C
    assert demo.process.wait(30) == 0, demo.output
    assert {pid: command_of(pid) for pid in family} == dict.fromkeys(family, "")
    assert "Traceback" not in demo.output


def locked(file: str) -> dict[str, str]:
    """Name to version of a lock file."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", text, re.MULTILINE))


def declared() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-service.txt"])
def test_a_lock_names_hashes_and_no_addresses(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.findall(r"^\s*--(?!hash=sha256:[0-9a-f]{64})", text, re.MULTILINE)
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked(file))
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_locks_hold_what_is_declared() -> None:
    project = declared()
    service = [Requirement(text) for text in project["dependencies"]]
    dev = [Requirement(text) for text in project["optional-dependencies"]["dev"]]
    for file, wanted in (
        ("requirements-service.txt", service),
        ("requirements.txt", service + dev),
    ):
        versions = locked(file)
        for requirement in wanted:
            version = versions[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version, prereleases=True), requirement


def test_the_service_lock_is_a_part_of_the_whole_one() -> None:
    service, whole = locked("requirements-service.txt"), locked("requirements.txt")
    assert service.items() <= whole.items()
    assert not {"pytest", "mypy", "playwright"} & service.keys()


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_is_complete_on(python: str) -> None:
    """A library that only some Pythons need must be locked too, or nothing installs there."""
    environment = {
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "extra": "",
    }
    versions = locked("requirements.txt")
    missing = set()
    for distribution in distributions():
        if canonicalize_name(distribution.metadata["Name"]) not in versions:
            continue
        for text in distribution.requires or ():
            needed = Requirement(text)
            applies = needed.marker is None or needed.marker.evaluate(environment)
            if applies and canonicalize_name(needed.name) not in versions:
                missing.add(f"{distribution.metadata['Name']} needs {text}")
    assert not missing
