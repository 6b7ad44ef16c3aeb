"""A process that only runs feeds: the real runner over a real store, with a lease of any length.

``python -m tests.support.runner_process URL SOURCES INBOX NAME LEASE_SECONDS HEARS``. It logs to
standard error, ends in order on SIGTERM, and is stopped, killed and let go on by `RunnerProcess`.
One that does not hear gets no answer about its lease after the first: it cannot learn that it has
lost it, so that only the fence can stop it.
"""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from capacity.board import Leases
from capacity.board.lease import Hold
from tests.support.installed import ROOT


class RunnerProcess:
    """One such process, with its log in a file of its name."""

    def __init__(
        self,
        url: str,
        sources: Path,
        folder: Path,
        name: str,
        lease: float,
        *,
        hears: bool = True,
    ) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        arguments = [url, str(sources), str(folder / "inbox"), name, str(lease), str(int(hears))]
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.runner_process", *arguments],
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    @property
    def log(self) -> str:
        """Everything that was logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGKILL, SIGSTOP, SIGCONT, SIGTERM."""
        os.kill(self.process.pid, number)

    def end(self) -> None:
        """Make sure that it is gone, whatever the test did."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class DeafLeases(Leases):
    """Asks, and is never answered again."""

    _answered = False

    async def hold(self, cluster: str) -> Hold:
        """The first answer, and then none."""
        if self._answered:
            await asyncio.Event().wait()
        hold = await super().hold(cluster)
        self._answered = hold.fence is not None
        return hold


async def _run(
    url: str, sources: Path, inbox: Path, name: str, lease: float, *, hears: bool
) -> None:
    from capacity.board import Board
    from capacity.board.quarantine import Quarantine
    from capacity.catalogue import builtin_catalogue
    from capacity.instants import utc_now
    from feeds.intake import Intake
    from feeds.runner import FeedRunner
    from feeds.sources import load_sources

    catalogue = builtin_catalogue()
    board, quarantine = Board(url), Quarantine(url)
    length = timedelta(seconds=lease)
    leases = (Leases if hears else DeafLeases)(url, name, length=length)
    intake = Intake(board, catalogue, utc_now, quarantine)
    runner = FeedRunner(
        board, catalogue, load_sources([sources], catalogue), intake, inbox, utc_now,
        max_bytes=1_000_000, leases=leases,
    )  # fmt: skip
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    runner.start()
    await ended.wait()
    await runner.stop()
    for part in (leases, quarantine, board):
        await part.stop()
    logging.info("ended in order")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    _url, _sources, _inbox, _name, _lease, _hears = sys.argv[1:]
    asyncio.run(_run(_url, Path(_sources), Path(_inbox), _name, float(_lease), hears=_hears == "1"))
