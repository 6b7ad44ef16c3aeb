"""Clients in a process of their own, beside the load client: those that make trouble."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from capacity.child_process import die_with_parent
from tests.bench.figures import CannotRunError
from tests.bench.processes import STOP_SECONDS


class Beside:
    """``python -m tests.bench.<module>``, which says "ready" and works until its input ends.

    As a context: entered when it is ready, killed when it was not ended. `CannotRunError` where it
    could not begin, or did not last to the end.
    """

    def __init__(self, module: str, *arguments: object) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            self._kill()
            raise CannotRunError(f"the {self._module} could not connect")
        return self

    def end(self) -> bytes:
        """End it; what it said at last."""
        told, _ = self._process.communicate(timeout=STOP_SECONDS)
        if self._process.returncode:
            raise CannotRunError(f"the {self._module} did not last to the end")
        return told

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
