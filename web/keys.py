"""Keys: who may feed, read, or watch. Stored as hashes, shown once when made.

A key is 32 random bytes, so a plain SHA-256 of it can be stored and compared (nothing to guess).
The file is TOML and is read again when it changes, so a key can be made or revoked while the
service runs:

    [[key]]
    kind = "source"              # feeds one source;  "board": reads one cluster;  "metrics"
    of = "favrskov-omsorg"
    sha256 = "…"
    made = 2026-11-22T09:00:00Z
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from capacity.config_file import load
from capacity.instants import format_instant
from web.key_kinds import KeyKind


class _KeyBlock(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: KeyKind
    of: str
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    made: datetime


class _KeysFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: list[_KeyBlock] = []


@dataclass(frozen=True, slots=True)
class Key:
    """What a presented key turned out to open."""

    kind: KeyKind
    of: str


class KeyRing:
    """The keys of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._blocks: list[_KeyBlock] = []
        self._refresh()

    def __bool__(self) -> bool:
        """Whether there is any key at all."""
        self._refresh()
        return bool(self._blocks)

    def find(self, presented: str) -> Key | None:
        """The key that was presented, or ``None``."""
        self._refresh()
        digest = _hash(presented)
        found: Key | None = None
        for block in self._blocks:
            if hmac.compare_digest(block.sha256, digest):
                found = Key(block.kind, block.of)
        return found

    def make(self, kind: KeyKind, of: str, now: datetime) -> str:
        """Make a key, store its hash, and return it; it cannot be shown again."""
        key = secrets.token_urlsafe(32)
        text = (
            f'[[key]]\nkind = "{kind}"\nof = "{of}"\nsha256 = "{_hash(key)}"\n'
            f"made = {format_instant(now)}\n\n"
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(text)
        return key

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._stamp, self._blocks = None, []
            return
        stamp = (stat.st_mtime_ns, stat.st_size)
        if stamp != self._stamp:
            self._blocks = load(self._path, _KeysFile).key
            self._stamp = stamp


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
