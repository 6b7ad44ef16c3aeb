"""Child processes that cannot outlive the process that started them (Linux)."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def die_with_parent() -> Callable[[], None] | None:
    """A step for a child before it becomes its program: end when the parent's thread ends.

    For ``preexec_fn``. The child must be started from a thread that lives as long as it should,
    the main thread. Elsewhere than on Linux there is no such signal and the answer is ``None``.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != parent:  # the parent ended before the kernel was asked
            os._exit(1)

    return ask
