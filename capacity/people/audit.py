"""The audit trail in SQL: a chain of hashes, so that an entry removed or edited is found.

Each entry's hash is SHA-256 over its own fields and the hash of the entry before it. Whoever can
write to the database can of course forge a whole new chain; `head` is printed by
``akutoverblik audit verify`` so that it can be kept elsewhere and compared.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from capacity.board.audit import Noted
from capacity.instants import epoch_millis, format_instant
from capacity.people.tables import AuditAnchorRecord, AuditRecord

_TABLE = AuditRecord.__table__  # type: ignore[attr-defined]
_ANCHOR = AuditAnchorRecord.__table__  # type: ignore[attr-defined]
START = "0" * 64
"""What stands in place of the hash before the first entry."""
READ_SIZE = 2000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the trail. `account` is a pseudonym, `address` where the request came from."""

    seq: int
    at: datetime
    account: str
    role: str
    action: str
    subject: str
    address: str
    detail: str
    hash: str

    def as_json(self) -> dict[str, object]:
        """For exports and pages."""
        return {
            "seq": self.seq,
            "at": format_instant(self.at),
            "account": self.account,
            "role": self.role,
            "action": self.action,
            "subject": self.subject,
            "address": self.address,
            "detail": json.loads(self.detail),
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the chain found: entries looked at, its head, and the first fault if any."""

    entries: int
    head: str
    fault: str | None


def noted_now(
    now: datetime, action: str, subject: str, *, account: str, detail: dict[str, object]
) -> Noted:
    """An entry for what is done at the machine itself, which need not pass through the store."""
    return Noted(
        stream_id="",
        entry=secrets.token_hex(12),
        at=now,
        account=account,
        role="operator",
        action=action,
        subject=subject,
        address="local",
        detail=json.dumps(detail, ensure_ascii=False, sort_keys=True),
    )


def append(connection: Connection, noted: Sequence[Noted]) -> int:
    """Chain entries onto the trail, each once; returns how many were new.

    The anchor row is locked first, so that two writers cannot both follow the same entry.
    """
    anchor = connection.execute(select(_ANCHOR).with_for_update()).one()
    wanted = {each.entry: each for each in noted}
    there = select(_TABLE.c.entry).where(_TABLE.c.entry.in_(list(wanted)))
    for (entry,) in connection.execute(there):
        del wanted[entry]
    seq, previous = anchor.last, anchor.last_hash
    rows: list[dict[str, Any]] = []
    for each in wanted.values():
        seq += 1
        row = {
            "seq": seq, "entry": each.entry, "at": each.at, "account": each.account,
            "role": each.role, "action": each.action, "subject": each.subject,
            "address": each.address, "detail": each.detail, "previous": previous,
        }  # fmt: skip
        previous = row["hash"] = _hash(row)
        rows.append(row)
    if rows:
        connection.execute(insert(_TABLE), rows)
        connection.execute(update(_ANCHOR).values(last=seq, last_hash=previous))
    return len(rows)


def entries(
    connection: Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    account: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    before: int | None = None,
    limit: int = 200,
) -> list[AuditEntry]:
    """The latest entries first; `before` goes on after a page, by its last seq."""
    wanted = select(_TABLE).order_by(_TABLE.c.seq.desc()).limit(limit)
    if since is not None:
        wanted = wanted.where(_TABLE.c.at >= since)
    if until is not None:
        wanted = wanted.where(_TABLE.c.at < until)
    if account is not None:
        wanted = wanted.where(_TABLE.c.account == account)
    if action is not None:
        wanted = wanted.where(_TABLE.c.action == action)
    if subject is not None:
        wanted = wanted.where(_TABLE.c.subject == subject)
    if before is not None:
        wanted = wanted.where(_TABLE.c.seq < before)
    names = AuditEntry.__dataclass_fields__
    return [
        AuditEntry(**{name: getattr(row, name) for name in names})
        for row in connection.execute(wanted)
    ]


def verify(connection: Connection) -> Verified:
    """Walk the whole chain."""
    anchor = connection.execute(select(_ANCHOR)).one()
    seq, previous, count = anchor.kept_from - 1, anchor.anchor, 0
    for row in _all(connection, anchor.kept_from):
        count += 1
        if row.seq != seq + 1:
            return Verified(count, previous, f"entries {seq + 1} to {row.seq - 1} are missing")
        if row.previous != previous:
            return Verified(count, previous, f"entry {row.seq} does not follow the one before it")
        if row.hash != _hash(row._asdict()):
            return Verified(count, previous, f"entry {row.seq} was changed")
        seq, previous = row.seq, row.hash
    if (seq, previous) != (anchor.last, anchor.last_hash):
        return Verified(count, previous, f"the trail ends at {seq}, but {anchor.last} was written")
    early = select(_TABLE.c.seq).where(_TABLE.c.seq < anchor.kept_from).limit(1)
    if connection.execute(early).first() is not None:
        return Verified(count, previous, "there are entries before the beginning of the trail")
    return Verified(count, previous, None)


def drop_before(connection: Connection, instant: datetime) -> int:
    """Delete entries older than they are to be kept; the anchor remembers where the chain goes on.

    Only whole beginnings are deleted: up to the last entry before the first one still to be kept.
    """
    anchor = connection.execute(select(_ANCHOR).with_for_update()).one()
    keep = select(_TABLE.c.seq).where(_TABLE.c.at >= instant).order_by(_TABLE.c.seq).limit(1)
    first = connection.execute(keep).scalar()
    last_gone = (first if first is not None else anchor.last + 1) - 1
    if last_gone < anchor.kept_from:
        return 0
    hashed = select(_TABLE.c.hash).where(_TABLE.c.seq == last_gone)
    values = {"kept_from": last_gone + 1, "anchor": connection.execute(hashed).scalar_one()}
    connection.execute(update(_ANCHOR).values(**values))
    return connection.execute(delete(_TABLE).where(_TABLE.c.seq <= last_gone)).rowcount


def _all(connection: Connection, first: int) -> Iterator[Row[Any]]:
    """Every entry from `first` on in order, read in parts."""
    after = first - 1
    while True:
        part = connection.execute(
            select(_TABLE).where(_TABLE.c.seq > after).order_by(_TABLE.c.seq).limit(READ_SIZE)
        ).all()
        yield from part
        if len(part) < READ_SIZE:
            return
        after = part[-1].seq


_HASHED = (
    "seq", "entry", "account", "role", "action", "subject", "address", "detail", "previous",
)  # fmt: skip


def _hash(row: dict[str, Any]) -> str:
    said = [epoch_millis(row["at"]), *(row[name] for name in _HASHED)]
    text = json.dumps(said, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
