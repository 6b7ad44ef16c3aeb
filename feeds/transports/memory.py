"""What a transport remembers of files it took in and may not take away: a small, durable file."""

import json
import logging
import os
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)


class Taken(NamedTuple):
    """A file as it was when it was taken in; `modified` in seconds since 1970."""

    size: int
    modified: int
    fate: str
    """``done``, or ``failed`` where nothing of it could be used."""


class Memory:
    """What was taken in, by the digest of its name; lost or damaged, files are read once more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken: dict[str, Taken] = {}
        try:
            stored = json.loads(path.read_bytes())
            self._taken = {name: Taken(*values) for name, values in stored.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("%s is not readable (%s); files are taken once more", path.name, error)

    def get(self, digest: str) -> Taken | None:
        """What is known of a file of that name."""
        return self._taken.get(digest)

    def put(self, digest: str, taken: Taken) -> None:
        """Note a file as taken in; `save` makes it last."""
        self._taken[digest] = taken

    def forget(self, digest: str) -> None:
        """Take the next file of that name for a new one, whatever its size and time."""
        self._taken.pop(digest, None)

    def forget_all_but(self, digests: set[str]) -> None:
        """Forget files that are gone, so that the memory is no larger than the remote folder."""
        self._taken = {name: taken for name, taken in self._taken.items() if name in digests}

    def save(self) -> None:
        """Write the file whole and lasting, beside the old one and then in its place."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(self._taken, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
