"""Where surge levels stand, so that all processes agree and a restart changes nothing.

The computed state of a cluster has a version; another state is written only over the version it
was made from. Several processes may compute at once: one of them writes, the others read what it
wrote, and each change of level stands in the journal once. An override is a person's; it ends by
the store's clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import Any

import orjson

from capacity.board.connection import Command, Script, Store
from capacity.board.journal import JOURNAL_LENGTH
from capacity.board.keys import ClusterKeys
from capacity.board.store import REMEMBER_SECONDS, asking
from capacity.holds import By
from capacity.instants import epoch_millis, format_instant, from_epoch_millis
from capacity.surge import SurgeState, state_from_json

_SCRIPT = files("capacity.board").joinpath("surge.lua").read_text(encoding="utf-8")
_FIELDS = ("version", "state", "override", "until", "at")
_BY_PEOPLE = frozenset({"set", "lift"})
"""Waited for on replicas; a computed level that is lost is computed again."""


@dataclass(frozen=True, slots=True)
class Override:
    """A level that a person has set, why, until when and, once it stands, since when."""

    level: int
    reason: str
    until: datetime
    by: By
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One cluster as the store has it; `version` names the state to replace, `now` its clock."""

    version: str
    state: SurgeState | None
    override: Override | None
    now: datetime


class OverrideIsPastError(ValueError):
    """An override that would have ended before it began, by the store's clock."""


class SurgeStore:
    """The surge levels of all clusters in one Redis/Valkey server.

    Every call may raise `capacity.board.BoardUnavailableError`; repeating it is safe.
    """

    def __init__(self, url: str) -> None:
        self._store = Store(url, connections=8)
        self._script = Script(self._store, _SCRIPT)
        self._read: dict[str, tuple[list[Any], Standing]] = {}
        """Of each cluster what was found last, and how that reads."""

    async def stop(self) -> None:
        """Close all connections."""
        await self._store.aclose()

    async def together(self, clusters: Sequence[str]) -> list[list[str]]:
        """The clusters that one look reaches: all, unless they lie on several servers."""
        of_key = {ClusterKeys(cluster).surge: cluster for cluster in clusters}
        async with asking():
            groups = await self._store.by_server(of_key)
        return [[of_key[key] for key in keys] for keys in groups]

    async def look(self, clusters: Sequence[str]) -> dict[str, Standing]:
        """How they stand, with one question to each server; ends overrides that are over."""
        of_key = {ClusterKeys(cluster).surge: cluster for cluster in clusters}
        standing: dict[str, Standing] = {}
        async with asking():
            for keys in await self._store.by_server(of_key):
                questions: list[tuple[str, Command]] = [(keys[0], ("TIME",))]
                questions += [(key, ("HMGET", key, *_FIELDS)) for key in keys]
                time, *found = await self._store.read(questions)
                for key, fields in zip(keys, found, strict=True):
                    standing[of_key[key]] = self._standing(of_key[key], fields, _millis(*time))
        for cluster, each in standing.items():
            if each.override is not None and each.override.until <= each.now:
                standing[cluster], _ = await self._call(cluster, "", "look")
        return standing

    def _standing(self, cluster: str, fields: list[Any], now: int) -> Standing:
        """Hardly ever anything else than the last time."""
        before = self._read.get(cluster)
        if before is None or before[0] != fields:
            read = _standing([*(field or b"" for field in fields), now])
            before = self._read[cluster] = (fields, read)
        return replace(before[1], now=from_epoch_millis(now))

    async def put(
        self,
        cluster: str,
        before: Standing,
        state: SurgeState,
        facts: Sequence[Mapping[str, object]],
    ) -> Standing:
        """Put `state` in place of that of `before`, and answer what stands now, whoever wrote it.

        A new level (and the first) is told in the journal, with the `facts` it follows from.
        """
        was = before.state.level if before.state else None
        told: dict[str, object] = {"from": was, "level": state.level, "facts": list(facts)}
        entry = orjson.dumps(told) if was != state.level else b""
        stored = orjson.dumps(state.as_json())
        standing, _ = await self._call(cluster, "", "put", before.version, stored, entry)
        return standing

    async def override(self, cluster: str, override: Override, request_id: str) -> Standing:
        """Let a person's level stand; `request_id` again changes nothing.

        Raises `OverrideIsPastError` when it would be over by now.
        """
        told = {
            "level": override.level,
            "reason": override.reason,
            "until": format_instant(override.until),
            "by": override.by.as_json(),
        }
        standing, outcome = await self._call(
            cluster,
            request_id,
            "set",
            REMEMBER_SECONDS * 1000,
            orjson.dumps(told),
            epoch_millis(override.until),
            orjson.dumps(override.by.as_json()),
        )
        if outcome == "past":
            raise OverrideIsPastError
        return standing

    async def lift(self, cluster: str, by: By, request_id: str) -> Standing:
        """Let the computed level stand again; harmless where no override is."""
        by_whom = orjson.dumps(by.as_json())
        remember = REMEMBER_SECONDS * 1000
        standing, _ = await self._call(cluster, request_id, "lift", remember, by_whom)
        return standing

    async def _call(
        self, cluster: str, request_id: str, what: str, *arguments: str | bytes | int
    ) -> tuple[Standing, str]:
        keys = ClusterKeys(cluster)
        async with asking():
            reply: Any = await self._script(
                [keys.surge, keys.journal, keys.request(f"surge:{request_id}")],
                [what, JOURNAL_LENGTH, *arguments],
                confirmed=what in _BY_PEOPLE,
            )
        *fields, outcome = reply
        return _standing(fields), outcome.decode()


def _standing(fields: Sequence[Any]) -> Standing:
    version, state, override, until, at, now = fields
    return Standing(
        version=version.decode(),
        state=state_from_json(orjson.loads(state)) if state else None,
        override=_override(orjson.loads(override), int(until), int(at)) if override else None,
        now=from_epoch_millis(int(now)),
    )


def _millis(seconds: int, micros: int) -> int:
    return int(seconds) * 1000 + int(micros) // 1000


def _override(told: Mapping[str, Any], until: int, at: int) -> Override:
    return Override(
        level=told["level"],
        reason=told["reason"],
        until=from_epoch_millis(until),
        by=By(**told["by"]),
        at=from_epoch_millis(at),
    )
