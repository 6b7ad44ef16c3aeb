"""Ending when told to, and not outliving the process that started us."""

import asyncio
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
LOOK_EVERY = 1.0
"""Seconds between looks at whether the parent is still there."""


def ask_for_death_signal() -> None:
    """On Linux, let the kernel send SIGTERM when the parent ends, however it ends.

    The kernel means the *thread* that started us; `watch_parent` is the other half, for a system
    without this call. Call it first of all: a parent that ended before is not noticed.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


async def watch_parent(stop: asyncio.Event) -> None:
    """Set `stop` once the process that is our parent now is gone."""
    parent = os.getppid()
    while not stop.is_set():
        if os.getppid() != parent:
            stop.set()
            return
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await stop.wait()
        except TimeoutError:
            continue


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on Ctrl-C and on SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
