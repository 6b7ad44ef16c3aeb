"""The product as its users get it: a wheel, installed into an environment of its own."""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("capacity", "feeds", "web", "simulators")


def build_wheel(folder: Path) -> Path:
    """Build the wheel of the checkout into `folder`, with the build tools that are locked."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel in it.

    The libraries are those of the environment that runs the tests: their folder comes last on the
    path, and as a plain folder, so that the checkout installed there for editing stays out.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def script(self) -> Path:
        """The console script."""
        return self.folder / "bin" / "akutoverblik"

    def run(self, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command of it to the end, in a folder that must not be the checkout."""
        return subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def install(wheel: Path, folder: Path) -> Installation:
    """Make an environment in `folder` and install the wheel into it, without the network."""
    installation = Installation(folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(installation.python), "--quiet"]
    offline = ["--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *offline, str(wheel)], check=True, timeout=120)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    libraries = sysconfig.get_path("purelib")
    (site_packages / "libraries.pth").write_text(libraries + "\n", encoding="utf-8")
    return installation


def clean_environment(**more: str) -> dict[str, str]:
    """This environment without anything of ours or Python's in it."""
    ours = ("AKUTOVERBLIK_", "PYTHON", "VIRTUAL_ENV", "COV_CORE", "SIMULATORS_")
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)} | more
