"""What may be done with keys, each step on the trail first. One way, for the administrator's pages
and for ``akutoverblik key``. `KeyFaultError` is a wish that cannot be met."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from capacity.instants import Clock
from capacity.units import Catalogue
from web.auth.accounts import Note
from web.key_kinds import KeyKind
from web.keys import Key, KeyFaultError, KeyRing, new_key_id

EVERYTHING: Final = ("all",)
"""What keys are for that are not for one source or cluster."""


@dataclass(frozen=True, slots=True)
class KeyDesk:
    """The actions; the file of keys is written in a thread, so that nothing waits for its disk."""

    ring: KeyRing
    known: Mapping[KeyKind, Sequence[str]]
    """What keys of each kind can be for."""
    clock: Clock
    note: Note

    async def new(
        self, kind: KeyKind, of: str, *, label: str = "", lifetime: timedelta | None = None
    ) -> str:
        """Make a key; it cannot be shown again."""
        names = self.known[kind]
        if of not in names:
            known = ", ".join(names) or "none"
            raise KeyFaultError(f"no {kind} is called {of!r}; known are: {known}")
        now, key_id = self.clock(), new_key_id()
        self.ring.check_label(label)
        await self.note("key-new", key_id, kind=kind.value, of=of)
        expires = now + lifetime if lifetime else None
        return await asyncio.to_thread(
            self.ring.make, kind, of, now, label=label, expires=expires, key_id=key_id
        )

    async def rotate(self, key_id: str, overlap: timedelta) -> tuple[Key, str]:
        """A new key for the same; the old one, which is returned too, goes on for `overlap`."""
        old = self.ring.get(key_id)
        if old is None or not self.ring.is_usable(old):
            raise KeyFaultError("no usable key has this id")
        fresh = new_key_id()
        await self.note("key-rotate", key_id, kind=old.kind.value, of=old.of, new=fresh)
        secret = await asyncio.to_thread(
            self.ring.rotate, key_id, overlap, self.clock(), new_id=fresh
        )
        return old, secret

    async def revoke(self, key_id: str) -> None:
        """End a key at once, and with it what is open in its name."""
        old = self.ring.get(key_id)
        if old is None:
            raise KeyFaultError("no key has this id")
        await self.note("key-revoke", key_id, kind=old.kind.value, of=old.of)
        await asyncio.to_thread(self.ring.revoke, key_id, self.clock())


def known_of(catalogue: Catalogue, sources: Sequence[str]) -> dict[KeyKind, Sequence[str]]:
    """What keys of each kind can be for, in an installation with these sources."""
    found: dict[KeyKind, Sequence[str]] = dict.fromkeys(KeyKind, EVERYTHING)
    found[KeyKind.SOURCE] = list(sources)
    found[KeyKind.BOARD] = list(catalogue.served_clusters())
    return found


def state_of(key: Key, ring: KeyRing) -> str:
    """usable, revoked or expired."""
    return "usable" if ring.is_usable(key) else "revoked" if key.revoked else "expired"
