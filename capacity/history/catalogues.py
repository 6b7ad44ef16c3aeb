"""The catalogues that were in force: written down when they change, and read for the past.

`Catalogues` is one process's door to them. Every program that serves boards says from when on it
goes by its catalogue; history keeps the changes only, so any number of programs with the same
catalogue, and any number of their starts, write it once.
"""

import asyncio
import logging
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Final

from sqlalchemy import Connection, insert, select, text, update
from sqlmodel import col

from capacity.catalogue_text import CatalogueTextError, catalogue_of, digest_of, text_of
from capacity.history.catalogue_tables import CatalogueRecord
from capacity.history.errors import HistoryUnavailableError
from capacity.history.history import History
from capacity.instants import format_instant
from capacity.units import Catalogue

log = logging.getLogger(__name__)

MOST_KEPT: Final = 16
"""Catalogues of the past that are kept as they were read; looks into the past go by few."""
FIRST_AFTER: Final = 3.0
"""Seconds after the start, when boards have better things to wait for: the text of thousands of
units takes most of a second. Whoever asks about the past does not wait for it."""
PAUSES: Final = (0.5, 15.0)
"""Seconds between tries to write to a database that is away, doubling in between."""


@dataclass(frozen=True, slots=True)
class Version:
    """One recorded catalogue, without its content."""

    id: int
    since: datetime
    digest: str


_SINCE = attrgetter("since")


def versions(connection: Connection) -> list[Version]:
    """Every recorded version, in the order in which they were in force."""
    query = select(col(CatalogueRecord.id), col(CatalogueRecord.since), col(CatalogueRecord.digest))
    query = query.order_by(col(CatalogueRecord.since), col(CatalogueRecord.id))
    return [Version(row.id, row.since, row.digest) for row in connection.execute(query)]


def content(connection: Connection, version: Version) -> str:
    """The text of a recorded version."""
    query = select(col(CatalogueRecord.content)).where(col(CatalogueRecord.id) == version.id)
    return connection.execute(query).scalar_one()


def is_recorded(known: Sequence[Version], since: datetime, digest: str) -> bool:
    """Whether the version in force at `since` is this one."""
    place = bisect_right(known, since, key=_SINCE)
    return place > 0 and known[place - 1].digest == digest


def write(connection: Connection, since: datetime, digest: str, told: str) -> bool:
    """Write down that this catalogue was in force from `since` on; false where that was known.

    Where the next version has the same content, that one is said to begin here: who started first
    need not be first to write. Nobody else writes before this transaction ends.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE catalogue_version IN SHARE ROW EXCLUSIVE MODE"))
    known = versions(connection)
    if is_recorded(known, since, digest):
        return False
    place = bisect_right(known, since, key=_SINCE)
    if place < len(known) and known[place].digest == digest:
        of_next = col(CatalogueRecord.id) == known[place].id
        connection.execute(update(CatalogueRecord).where(of_next).values(since=since))
        return False
    values = {"since": since, "digest": digest, "content": told}
    connection.execute(insert(CatalogueRecord), [values])
    return True


@dataclass(frozen=True, slots=True)
class InForce:
    """The catalogue to read a moment with, and from when on it was in force.

    `is_earlier`: that moment lies before `since`, and what was in force then is not recorded; this
    is the first that is. `since` is ``None`` where nothing could be read of any.
    """

    catalogue: Catalogue
    since: datetime | None
    is_earlier: bool = False


class Stretch:
    """The catalogues that were in force in a stretch of time, for one cluster."""

    def __init__(self, found: Sequence[tuple[datetime, InForce]]) -> None:
        """`found` in order, at least one, each with the moment from which it is to be used."""
        self._found = [each for _, each in found]
        self.changes = [since for since, _ in found[1:]]
        """The moments within it from which another is to be used."""

    def at(self, instant: datetime) -> InForce:
        """The one in force at a moment of the stretch."""
        found = self._found[bisect_right(self.changes, instant)]
        is_earlier = found.since is not None and instant < found.since
        return InForce(found.catalogue, found.since, is_earlier)


class Catalogues:
    """The catalogue of this process, written down, and those that were in force before it."""

    def __init__(self, history: History, own: Catalogue) -> None:
        """`own` is written down once it is said to be in force; until then this only reads."""
        self._history = history
        self._own = own
        self._digest = ""
        self._begun: datetime | None = None
        self._is_written = False
        self._read: OrderedDict[str, Catalogue] = OrderedDict()

    def begin(self, now: datetime) -> None:
        """From `now` on boards of this process go by its catalogue."""
        self._begun = now

    async def keep(self) -> None:
        """Write it down as soon as the database is there; ends when that is done."""
        await asyncio.sleep(FIRST_AFTER)
        pause, longest = PAUSES
        while True:
            try:
                await self.record()
            except HistoryUnavailableError as error:
                log.debug("the catalogue in force is not written down yet: %s", error)
                await asyncio.sleep(pause)
                pause = min(longest, pause * 2)
            else:
                return

    async def record(self) -> None:
        """Write it down, unless it is; `HistoryUnavailableError` leaves that to be done."""
        if self._begun is None or self._is_written:
            return
        since, digest = self._begun, await self._own_digest()
        if not is_recorded(await self._history.read(versions), since, digest):
            told = await asyncio.to_thread(text_of, self._own)
            work = partial(write, since=since, digest=digest, told=told)
            if await self._history.write(work):
                log.info("another catalogue is in force, from %s on", format_instant(since))
        self._is_written = True

    async def at(self, cluster: str, instant: datetime) -> InForce:
        """The catalogue that a cluster's board went by at a moment."""
        return (await self.during(cluster, instant, instant)).at(instant)

    async def during(self, cluster: str, since: datetime, until: datetime) -> Stretch:
        """The catalogues that a cluster's board went by from `since` through `until`.

        Where the one of then does not have the cluster, the next that has it.
        """
        await self.record()
        known = await self._history.read(versions)
        first = max(0, bisect_right(known, since, key=_SINCE) - 1)
        found: list[tuple[datetime, InForce]] = []
        for version in known[first:]:
            if found and version.since > until:
                break
            catalogue = await self._catalogue(version)
            if catalogue is None:
                found.append((version.since, InForce(self._own, None)))
            elif cluster in catalogue.clusters:
                found.append((version.since, InForce(catalogue, version.since)))
        return Stretch(found or [(since, InForce(self._own, None))])

    async def changes_beside(self, instant: datetime) -> tuple[datetime | None, datetime | None]:
        """The last change of catalogue before a moment, and the first after it.

        The first recorded version is no change: what there was before it is not known.
        """
        await self.record()
        known = [each.since for each in (await self._history.read(versions))[1:]]
        place, after = bisect_left(known, instant), bisect_right(known, instant)
        return (
            known[place - 1] if place else None,
            known[after] if after < len(known) else None,
        )

    async def _catalogue(self, version: Version) -> Catalogue | None:
        """What was recorded, read once; ``None`` for what this program cannot read."""
        if version.digest == await self._own_digest():
            return self._own
        kept = self._read.pop(version.digest, None)
        if kept is None:
            told = await self._history.read(partial(content, version=version))
            try:
                kept = await asyncio.to_thread(catalogue_of, told)
            except CatalogueTextError as error:
                since = format_instant(version.since)
                log.warning("ours stands in for the catalogue of %s, unreadable: %s", since, error)
                return None
        self._read[version.digest] = kept
        if len(self._read) > MOST_KEPT:
            self._read.popitem(last=False)
        return kept

    async def _own_digest(self) -> str:
        if not self._digest:
            self._digest = await asyncio.to_thread(lambda: digest_of(text_of(self._own)))
        return self._digest
