"""The commands of the checkout: what they say when a machine lacks something, and CI's script."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest
from tests.support.installed import ROOT

CI_RUN = ROOT / ".ci" / "run"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` needs to set up, in a folder whose name has a space."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def python_that(folder: Path, change: str) -> Path:
    """A Python whose ``-c`` programs first run `change`."""
    path = folder / "python-of-another-kind"
    path.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] || exit 9\nexec "{sys.executable}" -c "{change}\n$2"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("import sys; sys.version_info = (3, 10, 9)", "Python 3.11 or newer is needed"),
        ("import sys; sys.modules['ensurepip'] = None", "apt install python3-venv"),
    ],
)
def test_a_python_that_will_not_do_is_refused_in_words(
    checkout: Path, change: str, message: str
) -> None:
    python = python_that(checkout, change)
    done = make(checkout, f"PYTHON=./{python.name}", "run")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(
    "target", ["run", "test", "check", "bench", "faults", "coverage", "lock", "format", "clean"]
)
def test_every_command_is_there(checkout: Path, target: str) -> None:
    done = make(checkout, "--dry-run", target)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_nothing_to_do_once_it_is_set_up(checkout: Path) -> None:
    ready = checkout / ".venv" / ".ready"
    ready.parent.mkdir()
    ready.touch()
    assert "pip" not in make(checkout, "--dry-run", "run").stdout
    later = ready.stat().st_mtime_ns + 1_000_000_000
    os.utime(checkout / "requirements.txt", ns=(later, later))
    assert "--require-hashes -r requirements.txt" in make(checkout, "--dry-run", "run").stdout


def test_ci_checks_and_tests() -> None:
    text = CI_RUN.read_text(encoding="utf-8")
    assert os.access(CI_RUN, os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    assert " make test" in text.rstrip().splitlines()[-2]  # whose last line is the runner's
    assert "\nmake check\n" in text
    subprocess.run(["bash", "-n", str(CI_RUN)], check=True, timeout=10)


def test_ci_installs_what_tests_may_not_go_without() -> None:
    text = CI_RUN.read_text(encoding="utf-8")
    for package in ("chromium", "redis-server", "postgresql", "fonts-dejavu-core"):
        assert package in text


UNSTEADY = """
import pathlib, pytest

@pytest.mark.parametrize("number", range({count}))
def test_it(number):
    seen = pathlib.Path(f"seen-{{number}}")
    first = not seen.exists()
    seen.touch()
    assert not first or number >= {late}, "late"
    assert number != {broken}, "broken"
    {last}
"""
"""Numbers below `late` fail the first time, `broken` fails every time."""


def in_ci(folder: Path, **unsteady: object) -> subprocess.CompletedProcess[str]:
    """What CI's script makes of tests that are not ours, on a machine that lacks nothing."""
    (folder / ".ci").mkdir()
    shutil.copy(CI_RUN, folder / ".ci" / "run")
    hook = inspect.getsource(conftest.pytest_sessionfinish)
    (folder / "conftest.py").write_text(f"import os\nimport pytest\n\n{hook}", encoding="utf-8")
    words = {"count": 40, "late": 0, "broken": -1, "last": "", **unsteady}
    (folder / "test_it.py").write_text(UNSTEADY.format(**words), encoding="utf-8")
    (folder / "Makefile").write_text(
        f"check:\n\t@true\ntest:\n\t@{sys.executable} -m pytest -q $(ARGS)\n", encoding="utf-8"
    )
    tools = folder / "tools"
    tools.mkdir()
    (tools / "dpkg-query").write_text("#!/bin/sh\necho installed\n", encoding="utf-8")
    (tools / "dpkg-query").chmod(0o755)
    hidden = ("MAKE", "PYTEST_", "ARGS", "WORKERS")  # of the run that we are in
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    environment["PATH"] = f"{tools}:{environment['PATH']}"
    return subprocess.run(
        ["bash", ".ci/run"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("unsteady", "code", "words"),
    [
        ({}, 0, "40 passed"),
        ({"late": 2}, 0, "2 passed"),
        ({"late": 2, "broken": 1}, 2, "1 failed, 1 passed"),
        ({"broken": 7}, 2, "1 failed in"),
        ({"late": 9}, 1, "exit code 1 of pytest, 9 failures"),
        # Cut short: what was not tried any more has not passed.
        ({"late": 1, "last": "if number == 5: raise KeyboardInterrupt"}, 1, "exit code 2 of"),
        ({"late": 1, "last": "if number == 5: import os; os._exit(1)"}, 1, "exit code never of"),
    ],
)
def test_ci_tries_a_few_failures_once_more_and_nothing_else(
    tmp_path: Path, unsteady: dict[str, object], code: int, words: str
) -> None:
    done = in_ci(tmp_path, **unsteady)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout
    retried = "once more, alone" in done.stdout
    assert retried == (bool(unsteady) and code != 1)
    if retried:
        number = 0 if unsteady.get("late") else 7
        assert f"\ntest_it.py::test_it[{number}]\n" in done.stdout
