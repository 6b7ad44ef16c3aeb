"""Holds in the store: asked for, answered, expired, each in one durable step.

Every step first lets what is due expire, by the store's own clock. It is repeatable: the same
`request_id` gets the first answer. What it changes goes to the unit's row, to the stream of changes
and to the journal, all at once (`holds.lua`).
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from capacity.board.calls import Argument, Caller, asking
from capacity.board.changes import Cursor
from capacity.board.connection import Command
from capacity.board.keys import ClusterKeys
from capacity.holds import ANSWER_WITHIN, By, HoldState, QuotaClaim
from capacity.instants import epoch_millis, parse_instant

HELD, DONE = "held", "done"
"""The codes of answers that did what was asked."""
ILLEGAL = "illegal"
UNKNOWN = "unknown"

_NULL = b"null"
_HOLDS = uuid.UUID("6d2f4c54-7f0e-4b8a-9a3e-0d6f1f1d5c11")
"""Namespace of hold ids, which follow from the request's: a repeat can make no second hold."""

HoldRecord = Mapping[str, Any]
"""A hold as rows show it; the journal's has ``quota`` and ``path`` too (docs/holds.md)."""


@dataclass(frozen=True, slots=True)
class HoldAnswer:
    """What became of one request about a hold.

    `code` is `HELD` or a `capacity.holds.Refusal` for an ask, and for a change of state `DONE`,
    `ILLEGAL` (not from the state it is in) or `UNKNOWN` (there is no such hold any more). `hold`
    is how it stands then, ``None`` where there is none.
    """

    cursor: Cursor
    code: str
    hold: dict[str, Any] | None


class HoldCalls(Caller):
    """The part of `capacity.board.Board` that is about holds.

    Every call may raise `BoardUnavailableError`, or `UnconfirmedError` when the reply was lost;
    repeating it under the same `request_id` is safe.
    """

    async def ask_hold(
        self,
        cluster: str,
        unit: str,
        hold_for: timedelta,
        by: By,
        *,
        need: Mapping[str, object] | None = None,
        agreement: str | None = None,
        quota: QuotaClaim | None = None,
        request_id: str | None = None,
    ) -> HoldAnswer:
        """Keep one of the unit's free places; of two that ask for the last, one is refused.

        Refused: ``unknown`` (no row, no reading or no figure), ``closed``, ``stale`` (by the
        store's clock), ``taken`` (none is free after holds) or ``quota``.
        """
        arguments: list[Argument] = [
            unit,
            hold_id_of(cluster, request_id or uuid.uuid4().hex),
            _millis(hold_for),
            _millis(ANSWER_WITHIN),
            orjson.dumps(by.as_json()),
            _json(need),
            _json(agreement),
            quota.key if quota else "",
            quota.limit if quota else 0,
        ]
        return await self._hold_request("ask", cluster, arguments, request_id)

    async def move_hold(
        self,
        cluster: str,
        hold_id: str,
        to: HoldState,
        by: By,
        *,
        reason: str | None = None,
        request_id: str | None = None,
    ) -> HoldAnswer:
        """Turn a hold to another state, if that may follow the one it is in."""
        arguments = [hold_id, to.value, orjson.dumps(by.as_json()), _json(reason)]
        return await self._hold_request("turn", cluster, arguments, request_id)

    async def expire_holds(self, cluster: str) -> int:
        """Let what is due expire; tells how many holds are live after it.

        To be called every second while any is: a longer gap counts as a time in which nobody
        looked, and extends what is live. Writes nothing when nothing is due.
        """
        live: int = await self._sweep(cluster)
        return live

    async def holds(self, cluster: str) -> list[dict[str, Any]]:
        """All holds that the cluster's rows show: live ones and those that ended lately."""
        keys = ClusterKeys(cluster)
        async with asking():
            client = self._store.at(keys.meta)
            units: Any = await client.hkeys(keys.kept)
            rows: Any = await client.hmget(keys.rows, units) if units else []
        return [hold for row in rows if row for hold in orjson.loads(row).get("holds", ())]

    async def hold(
        self, cluster: str, hold_id: str, *, confirmed: bool = False
    ) -> dict[str, Any] | None:
        """One hold as its row shows it; ``None`` when there is none (any more).

        `confirmed`: what is told is on as many replicas as a write would have to be.
        """
        keys = ClusterKeys(cluster)
        ask = self._confirmed if confirmed else self._store.ask
        async with asking():
            unit = await ask(keys.meta, ("HGET", keys.unit_of, hold_id))
            row = await ask(keys.meta, ("HGET", keys.rows, unit)) if unit else None
        shown = orjson.loads(row).get("holds", ()) if row else ()
        return next((hold for hold in shown if hold["id"] == hold_id), None)

    async def quotas(self, cluster: str) -> dict[str, int]:
        """How many holds count in each quota, by its key."""
        key = ClusterKeys(cluster).quota
        async with asking():
            found: Any = await self._store.at(key).hgetall(key)
        return {key.decode(): int(count) for key, count in found.items()}

    async def restore_holds(
        self, cluster: str, records: Iterable[HoldRecord], last_seen: datetime | None = None
    ) -> int:
        """Put back what a lost store had, from the last journal record of each hold.

        Live holds come back with their deadline, extended by the time since `last_seen` (the
        newest instant that is known of the lost store) if that is more than a minute, as after
        any outage. Filled ones count until the unit's figures take over. Those that ended long
        ago count in their quota only. Rows may be put back before or after. Tells how many holds
        stand in rows again; what is known already is left alone.
        """
        arguments: list[Argument] = [_instant(last_seen)]
        for record in records:
            arguments += _restored(record)
        _, _, restored = await self._request("restore", cluster, arguments, None)
        return int(restored)

    async def _confirmed(self, key: str, question: Command) -> Any:
        return (await self._store.write(key, question))[0]

    async def _sweep(self, cluster: str) -> Any:
        head = (uuid.uuid4().hex[:12], self._stream_length)
        return await self._call("sweep", ClusterKeys(cluster).for_function("none"), head)

    async def _hold_request(
        self, name: str, cluster: str, arguments: Sequence[Argument], request_id: str | None
    ) -> HoldAnswer:
        within = f"hold:{request_id}" if request_id else None
        reply = await self._request(name, cluster, arguments, within)
        epoch, seq, code, hold = reply
        return HoldAnswer(
            Cursor(epoch.decode(), int(seq)), code.decode(), orjson.loads(hold) if hold else None
        )


def hold_id_of(cluster: str, request_id: str) -> str:
    """The id of the hold that an ask under this request id makes."""
    return str(uuid.uuid5(_HOLDS, f"{cluster}\n{request_id}"))


def _restored(record: HoldRecord) -> list[Argument]:
    return [
        record["unit"],
        record["id"],
        record["state"],
        *(_text_instant(record[name]) for name in ("asked_at", "expires_at", "answer_by")),
        *(_text_instant(record[name]) for name in ("answered_at", "ended_at")),
        *(_json(record[name]) for name in ("by", "need", "agreement", "reason")),
        record.get("quota") or "",
        orjson.dumps(record["path"])[1:-1],
    ]


def _json(value: object) -> bytes:
    return _NULL if value is None else orjson.dumps(value)


def _millis(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


def _text_instant(text: str | None) -> int | str:
    return "" if text is None else epoch_millis(parse_instant(text))


def _instant(at: datetime | None) -> int | str:
    return "" if at is None else epoch_millis(at)
