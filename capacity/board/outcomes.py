"""Outcomes in the store: logged and corrected in one durable step each, for every process.

The store keeps an outcome for a day and a little, so that it can be corrected, listed at once and
told from a repeat; the journal, and through it history, keeps it for good. Ids are made from the
request, so that a repeat needs no memory of its own and is one even after a store was lost and
filled again from history.
"""

import asyncio
import hashlib
import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from importlib.resources import files
from typing import Any

import orjson

from capacity.board.calls import (
    ATTEMPTS,
    LAST_ATTEMPT_SECONDS,
    BoardUnavailableError,
    UnconfirmedError,
    asking,
)
from capacity.board.connection import Script, Store
from capacity.board.journal import JOURNAL_LENGTH
from capacity.board.keys import ClusterKeys
from capacity.holds import By
from capacity.instants import epoch_millis, from_epoch_millis
from capacity.outcomes import CORRECTION_WINDOW, Correction, Logged, OutcomeValue

KEPT = timedelta(hours=26)
"""How long the store keeps an outcome: a day, and the night in which the clocks go back."""

_SCRIPT = "\n".join(
    files("capacity.board").joinpath(f"{part}.lua").read_text(encoding="utf-8")
    for part in ("instants", "outcomes")
)


class UnknownOutcomeError(Exception):
    """There is no such outcome in the store (any more)."""


class TooLateError(Exception):
    """The time in which an outcome can be corrected is over; `logged` is what stands."""

    def __init__(self, logged: Logged) -> None:
        self.logged = logged
        super().__init__("the outcome can no longer be corrected")


class ReusedRequestError(Exception):
    """The request's id was used before, for another outcome than this."""


class Outcomes:
    """The outcomes of all clusters in one Redis/Valkey server.

    Every call may raise `capacity.board.BoardUnavailableError`; repeating it is safe.
    """

    def __init__(
        self, url: str, *, window: timedelta = CORRECTION_WINDOW, kept: timedelta = KEPT
    ) -> None:
        self._store = Store(url)
        self._write = Script(self._store, _SCRIPT)
        self._window = window
        self._kept = kept

    async def stop(self) -> None:
        """Close all connections."""
        await self._store.aclose()

    async def log(self, cluster: str, value: OutcomeValue, by: By, request_id: str) -> Logged:
        """Log an outcome, once however often it is asked for under one `request_id`.

        A repeat is answered with what stands, corrections included. `ReusedRequestError`: the id
        belongs to another outcome.
        """
        outcome_id = _id(cluster, by.account, "log", request_id)
        text = _text(value)
        arguments = [
            "put", outcome_id, orjson.dumps(by.as_json()), text, _millis(self._window),
            _millis(self._kept), JOURNAL_LENGTH,
        ]  # fmt: skip
        said, record = await self._ask(cluster, arguments)
        logged = _logged(outcome_id, record)
        if said == b"known" and logged.logged != orjson.loads(text):
            raise ReusedRequestError
        return logged

    async def correct(
        self, cluster: str, outcome_id: str, value: OutcomeValue, by: By, request_id: str
    ) -> Logged:
        """Replace an outcome's value, keeping what it was; answers with what stands after it.

        Once for one `request_id`. Raises `UnknownOutcomeError`, and `TooLateError` once the time
        for it is over by the store's clock.
        """
        correction = _id(cluster, by.account, f"correct {outcome_id}", request_id)
        arguments = [
            "correct", outcome_id, correction, orjson.dumps(by.as_json()), _text(value),
            JOURNAL_LENGTH,
        ]  # fmt: skip
        said, record = await self._ask(cluster, arguments)
        if said == b"unknown":
            raise UnknownOutcomeError
        logged = _logged(outcome_id, record)
        if said == b"late":
            raise TooLateError(logged)
        return logged

    async def recent(self, cluster: str) -> list[Logged]:
        """What the store still keeps, oldest first: all that history may not have yet, and more."""
        key = ClusterKeys(cluster).outcomes
        async with asking():
            found: Any = await self._store.at(key).hgetall(key)
        logged = [_logged(outcome_id.decode(), record) for outcome_id, record in found.items()]
        return sorted(logged, key=lambda each: (each.at, each.id))

    async def restore(self, cluster: str, logged: Iterable[Logged]) -> int:
        """Put back what a lost store had; tells how many. What stands there is left alone."""
        arguments: list[Any] = ["restore"]
        for each in logged:
            arguments += [each.id, epoch_millis(each.at), _record(each)]
        done: int = await self._ask(cluster, arguments)
        return done

    async def _ask(self, cluster: str, arguments: list[Any]) -> Any:
        """Run the script; a lost answer is asked for again, since every write is made once."""
        keys = ClusterKeys(cluster)
        began = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            try:
                async with asking():
                    return await self._write(
                        [keys.outcomes, keys.outcome_ages, keys.journal], arguments, confirmed=True
                    )
            except UnconfirmedError:
                raise  # waited for replicas, in vain
            except BoardUnavailableError:
                if attempt == ATTEMPTS or time.monotonic() - began > LAST_ATTEMPT_SECONDS:
                    raise
            await asyncio.sleep(0.05 * attempt)


def _id(*parts: str) -> str:
    """An id that the same request always gets; in the form of a UUID, which is never taken for a
    person number however its digits fall.
    """
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest))


def _text(value: OutcomeValue) -> bytes:
    return orjson.dumps(value.as_json())


def _millis(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _logged(outcome_id: str, record: bytes) -> Logged:
    kept: Mapping[str, Any] = orjson.loads(record)
    return Logged(
        id=outcome_id,
        at=from_epoch_millis(int(kept["at"])),
        correctable_until=from_epoch_millis(int(kept["until"])),
        by=orjson.loads(kept["by"]),
        logged=orjson.loads(kept["logged"]),
        corrections=tuple(_correction(each) for each in kept["corrections"]),
    )


def _correction(kept: Mapping[str, Any]) -> Correction:
    return Correction(
        id=kept["id"],
        at=from_epoch_millis(int(kept["at"])),
        by=orjson.loads(kept["by"]),
        before=orjson.loads(kept["before"]),
        after=orjson.loads(kept["after"]),
    )


def _record(logged: Logged) -> bytes:
    """What outcomes.lua keeps of an outcome."""
    corrections = [
        {
            "id": each.id,
            "at": epoch_millis(each.at),
            "by": _compact(each.by),
            "before": _compact(each.before),
            "after": _compact(each.after),
        }
        for each in logged.corrections
    ]
    return orjson.dumps(
        {
            "at": epoch_millis(logged.at),
            "until": epoch_millis(logged.correctable_until),
            "by": _compact(logged.by),
            "logged": _compact(logged.logged),
            "corrections": corrections,
        }
    )


def _compact(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()
