"""Keys of programs and wall screens. Shown once when made, stored as hashes.

A key is 32 random bytes, so a plain SHA-256 of it can be stored and compared (nothing to guess).
The file is TOML and is read again when it changes, so a key can be made, rotated or revoked while
the service runs, by whoever can write the file; several machines share the file. Sources must be
able to deliver while the database is away, which is why keys are not in it.

    [[key]]
    id = "k_0a1b2c3d4e5f"
    kind = "source"              # feeds one source;  "board": reads one cluster;  "metrics"
    of = "favrskov-omsorg"
    sha256 = "…"
    made = 2026-11-22T09:00:00Z
    label = "care record system"
    expires = 2026-12-22T09:00:00Z
    revoked = 2026-12-01T09:00:00Z
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from capacity.config_file import load
from capacity.instants import Clock, format_instant, utc_now
from capacity.privacy import holds_cpr
from web.key_kinds import KeyKind

LABEL_LENGTH = 100


class KeyFaultError(Exception):
    """A wish about a key that cannot be met; says why."""


class _KeyBlock(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str = ""
    kind: KeyKind
    of: str
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    made: datetime
    label: str = ""
    expires: datetime | None = None
    revoked: datetime | None = None


class _KeysFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: list[_KeyBlock] = []


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret: what it opens, and for how long."""

    id: str
    kind: KeyKind
    of: str
    label: str
    made: datetime
    expires: datetime | None
    revoked: datetime | None

    def usable(self, now: datetime) -> bool:
        """Whether it opens anything at `now`."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class KeyRing:
    """The keys of one file."""

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock
        self._stamp: tuple[int, int, int] | None = None
        self._keys: list[tuple[str, Key]] = []
        """With the hash of each."""
        self._refresh()

    def __bool__(self) -> bool:
        """Whether there is any usable key at all."""
        return any(key.usable(self._clock()) for key in self.all())

    def all(self) -> list[Key]:
        """Every key of the file, oldest first, those that open nothing any more too."""
        self._refresh()
        return [key for _, key in self._keys]

    def find(self, presented: str) -> Key | None:
        """The usable key that was presented, or ``None``."""
        self._refresh()
        digest = _hash(presented)
        found: Key | None = None
        for known, key in self._keys:
            if hmac.compare_digest(known, digest):
                found = key
        return found if found and found.usable(self._clock()) else None

    def is_usable(self, key: Key) -> bool:
        """Whether a key opens anything now."""
        return key.usable(self._clock())

    def get(self, key_id: str) -> Key | None:
        """The key of an id, usable or not."""
        return next((key for key in self.all() if key.id == key_id), None)

    def make(
        self,
        kind: KeyKind,
        of: str,
        now: datetime,
        *,
        label: str = "",
        expires: datetime | None = None,
        key_id: str | None = None,
    ) -> str:
        """Make a key, store its hash, and return it; it cannot be shown again."""
        self.check_label(label)
        secret = secrets.token_urlsafe(32)
        block = _KeyBlock(
            id=key_id or new_key_id(),
            kind=kind,
            of=of,
            sha256=_hash(secret),
            made=now,
            label=label,
            expires=expires,
        )
        self._edit(lambda blocks: [*blocks, block])
        return secret

    @staticmethod
    def check_label(label: str) -> None:
        """Raise `KeyFaultError` for what cannot stand in the list of keys."""
        if len(label) > LABEL_LENGTH or not label.isprintable() or holds_cpr(label):
            raise KeyFaultError(f"a label has at most {LABEL_LENGTH} characters and no CPR number")

    def rotate(
        self, key_id: str, overlap: timedelta, now: datetime, *, new_id: str | None = None
    ) -> str:
        """A new key for the same; the old one goes on for `overlap`, so that nothing is cut off."""
        old = self.get(key_id)
        if old is None or not old.usable(now):
            raise KeyFaultError("no usable key has this id")
        until = min(old.expires or now + overlap, now + overlap)
        self._change(key_id, expires=until)
        return self.make(old.kind, old.of, now, label=old.label, key_id=new_id)

    def revoke(self, key_id: str, now: datetime) -> Key:
        """End a key at once; again does no harm. Returns what it was."""
        old = self.get(key_id)
        if old is None:
            raise KeyFaultError("no key has this id")
        if old.revoked is None:
            self._change(key_id, revoked=now)
        return old

    def _change(self, key_id: str, **values: datetime) -> None:
        self._edit(
            lambda blocks: [
                block.model_copy(update=values) if _id(block) == key_id else block
                for block in blocks
            ]
        )

    def _edit(self, change: Callable[[list[_KeyBlock]], list[_KeyBlock]]) -> None:
        """Write the changed file beside the old one and put it in its place; one at a time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self._path):
            blocks = load(self._path, _KeysFile).key if self._path.exists() else []
            text = "\n".join(_text(block) for block in change(blocks))
            beside = self._path.with_name(f"{self._path.name}.new")
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)

    def _refresh(self) -> None:
        try:
            stat = os.stat(self._path)  # noqa: PTH116 - asked for every request, and half as dear
        except FileNotFoundError:
            self._stamp, self._keys = None, []
            return
        stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if stamp != self._stamp:
            self._keys = [(b.sha256, _key(b)) for b in load(self._path, _KeysFile).key]
            self._stamp = stamp


def new_key_id() -> str:
    """An id that no key has."""
    return f"k_{secrets.token_hex(6)}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _text(block: _KeyBlock) -> str:
    lines = ["[[key]]", f'id = "{_id(block)}"', f'kind = "{block.kind}"']
    lines += [f"of = {json.dumps(block.of)}", f'sha256 = "{block.sha256}"']
    lines += [f"made = {format_instant(block.made)}"]
    if block.label:
        lines += [f"label = {json.dumps(block.label, ensure_ascii=False)}"]
    for name in ("expires", "revoked"):
        if getattr(block, name) is not None:
            lines += [f"{name} = {format_instant(getattr(block, name))}"]
    return "\n".join(lines) + "\n"


def _id(block: _KeyBlock) -> str:
    """A file written by hand or by an older program may give no id."""
    return block.id or f"k_{block.sha256[:12]}"


def _key(block: _KeyBlock) -> Key:
    return Key(
        _id(block), block.kind, block.of, block.label, block.made, block.expires, block.revoked
    )


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
