"""`Imports`: the door to imported figures; asynchronous, like `History`."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import date

from capacity.history import History
from capacity.imported import Imported, Refusal, Signed, Step, Told
from capacity.imports import store
from capacity.imports.store import Counts, Document
from capacity.instants import Clock

PUT_TOGETHER = 500
"""Figures written in one transaction: what an interruption costs at most."""
Progress = Callable[[Counts], None]
"""Told what has become of the figures so far."""


class Imports:
    """Figures that registers handed in. In history's database.

    Every method raises `HistoryUnavailableError` while the database cannot be used.
    """

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock

    async def bring_in(
        self,
        cluster: str,
        document: Document,
        account: str,
        role: str,
        progress: Progress | None = None,
    ) -> Counts | None:
        """Bring in the figures of a document; ``None`` when all of it was brought in before.

        It may be stopped anywhere, and the same call made again: each figure comes in once.
        """
        signed = Signed(account, role, self._clock())
        begun = await self._history.write(lambda sql: store.begin(sql, cluster, document, signed))
        if not begun:
            return None
        counts = Counts()
        for start in range(0, len(document.told), PUT_TOGETHER):
            part = document.told[start : start + PUT_TOGETHER]
            counts.add(await self._put(cluster, document.digest, part, signed))
            if progress is not None:
                progress(counts)
        done = Signed(account, role, self._clock())
        await self._history.write(lambda sql: store.finish(sql, cluster, document.digest, done))
        return counts

    async def figures(
        self,
        cluster: str,
        *,
        indicator: str | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> list[Imported]:
        """The figures of a cluster with all their versions; see `store.figures`."""
        return await self._history.read(
            lambda sql: store.figures(sql, cluster, indicator=indicator, first=first, last=last)
        )

    async def latest_periods(self, cluster: str) -> dict[tuple[str, Step], date]:
        """The last period that figures tell of, by indicator and length of period."""
        return await self._history.read(lambda sql: store.latest_periods(sql, cluster))

    async def check(
        self, cluster: str, ids: Iterable[int], account: str, role: str
    ) -> dict[int, Refusal | None]:
        """Sign versions as checked; of each why not, if not."""
        wanted, signed = list(ids), Signed(account, role, self._clock())
        return await self._history.write(lambda sql: store.check(sql, cluster, wanted, signed))

    async def approve(
        self, cluster: str, ids: Iterable[int], account: str, role: str
    ) -> dict[int, Refusal | None]:
        """Sign versions as approved; of each why not, if not."""
        wanted, signed = list(ids), Signed(account, role, self._clock())
        return await self._history.write(lambda sql: store.approve(sql, cluster, wanted, signed))

    async def _put(
        self, cluster: str, digest: str, part: tuple[Told, ...], signed: Signed
    ) -> Counts:
        return await self._history.write(lambda sql: store.put(sql, cluster, digest, part, signed))


def digest_of(raw: bytes, *read_by: str) -> str:
    """Names a document and how it is read: SHA-256 over its bytes and each of `read_by`."""
    digest = hashlib.sha256(raw)
    for word in read_by:
        digest.update(b"\0" + hashlib.sha256(word.encode()).digest())
    return digest.hexdigest()
