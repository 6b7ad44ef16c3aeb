"""The installation's own secret, from which page tokens are derived: the same in all processes.

On one machine it is a file of the data folder, made once and read by all. Processes on several
machines have no folder in common, and need it as a setting. Whether they do have the same is
compared while they run: where they do not, whoever got a page from one of them cannot act by it at
another, which is as safe as it is useless, so it is told.
"""

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from capacity.board import BoardUnavailableError
from capacity.board.agreed import Agreed
from web.made_once import made_once

log = logging.getLogger(__name__)

SECRET_BYTES = 32
COMPARE_EVERY = timedelta(seconds=20)


def installation_secret(given: str | None, folder: Path) -> bytes:
    """The secret of the settings, else of the data folder, where it is made at the first call.

    Raises `OSError` when it cannot be kept.
    """
    if given is not None:
        return hashlib.sha256(given.strip().encode()).digest()
    return made_once(folder / "secret", lambda: secrets.token_bytes(SECRET_BYTES))


def digest_of(secret: bytes) -> str:
    """What may be known of a secret without knowing it."""
    return hmac.new(secret, b"akutoverblik, compared", "sha256").hexdigest()[:32]


class Comparing:
    """Compares what this process has with the others; `ours` is digests, by the setting's name."""

    def __init__(self, agreed: Agreed, ours: Mapping[str, str]) -> None:
        self._agreed = agreed
        self._ours = ours
        self.differing: frozenset[str] = frozenset()
        """Settings that differ from those of another process."""

    async def run(self) -> None:
        """Compare until cancelled; a store that is away says nothing about settings."""
        while True:
            try:
                await self.compare()
            except BoardUnavailableError as error:
                log.debug("settings cannot be compared: %s", error)
            await asyncio.sleep(COMPARE_EVERY.total_seconds())

    async def compare(self) -> None:
        """Compare once; each difference is told when it begins and when it is over."""
        found = {n for n, digest in self._ours.items() if not await self._agreed.agrees(n, digest)}
        for name in sorted(found - self.differing):
            log.error(
                "%s differs from that of another process of this installation: give all of them "
                "the same, as a setting or as a secret file (docs/operations.md, 'Several')",
                name,
            )
        for name in sorted(self.differing - found):
            log.warning("%s is the same in all processes again", name)
        self.differing = frozenset(found)

    async def stop(self) -> None:
        """Close the connections."""
        await self._agreed.stop()
