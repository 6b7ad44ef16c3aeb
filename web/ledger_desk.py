"""One week of calls beside what the board showed at each: gathered from history, judged by rule."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import orjson

from capacity.agreements import midnight
from capacity.board.outcomes import Outcomes
from capacity.history import Catalogues, History, InForce, Stretch, comments, looking_back
from capacity.history.comments import Comment
from capacity.instants import COPENHAGEN
from capacity.ledger import ADMITTED, Case, Finding, counts, judge
from capacity.outcomes import Logged
from capacity.replay import PastSurge, PastUse, catalogue_then
from capacity.row import Row, read_row
from capacity.units import Catalogue
from web.api_outcomes import merged
from web.past_desk import raw_boards, start_of_quotas

TOGETHER = 20
"""Boards of the past that are read in one piece of the history's work: some ten milliseconds, in
which its one worker does nothing else."""
MOST_CATALOGUES = 8
"""Catalogues of the past that are kept while a week is judged; units seldom change."""

_FACTS = (
    "unit", "name", "kind", "organisation", "municipality", "phone", "authority", "operator",
)  # fmt: skip
_WEEK = re.compile(r"(2[01]\d{2})-W(\d{2})", re.ASCII)
"""Of two centuries: far from the ends of the calendar, where weeks cannot be counted on."""


@dataclass(frozen=True, slots=True)
class Week:
    """An ISO week, from Monday to Sunday in Denmark."""

    monday: date

    @classmethod
    def of(cls, at: datetime) -> "Week":
        """The week that holds an instant."""
        day = at.astimezone(COPENHAGEN).date()
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, text: str) -> "Week | None":
        """The week of its name ("2026-W47"); ``None`` for what is none."""
        match = _WEEK.fullmatch(text)
        if match is None:
            return None
        try:
            return cls(date.fromisocalendar(int(match[1]), int(match[2]), 1))
        except ValueError:
            return None

    @property
    def name(self) -> str:
        """As in addresses."""
        year, week, _ = self.monday.isocalendar()
        return f"{year:04}-W{week:02}"

    @property
    def since(self) -> datetime:
        """When it begins."""
        return midnight(self.monday)

    @property
    def until(self) -> datetime:
        """When the next one begins."""
        return midnight(self.monday + timedelta(days=7))

    def away(self, weeks: int) -> "Week":
        """The week so many weeks later."""
        return Week(self.monday + timedelta(weeks=weeks))


@dataclass(frozen=True, slots=True)
class Judged:
    """One case with what its page needs: the surge level, and what units were called then.

    `master` is the catalogue of that moment, `catalogue` the same with the units of its rows.
    """

    case: Case
    level: int | None
    catalogue: Catalogue
    master: InForce


class LedgerDesk:
    """The ledger of one cluster; raises `HistoryUnavailableError` and `BoardUnavailableError`."""

    def __init__(
        self, history: History, outcomes: Outcomes, catalogues: Catalogues, cluster: str
    ) -> None:
        self._history = history
        self._outcomes = outcomes
        self._catalogues = catalogues
        self._cluster = cluster

    async def week(self, week: Week) -> list[Judged]:
        """All calls of the week, oldest first, each judged."""
        calls = await self._calls(week.since, week.until)
        return [each async for part in self._parts(calls) for each in part]

    async def counts(self, since: datetime, until: datetime) -> dict[Finding, int]:
        """How many calls there are of each class, from `since` until before `until`.

        Boards are read only for calls that are weighed against them, and a part at a time: a month
        of calls is not in hand at once.
        """
        calls = await self._calls(since, until)
        plain = [call for call in calls if not _is_weighed(call)]
        found = counts(judge(call, (), Catalogue(), None) for call in plain)
        async for part in self._parts([call for call in calls if _is_weighed(call)]):
            for finding, n in counts(each.case for each in part).items():
                found[finding] += n
        return found

    async def _parts(self, calls: Sequence[Logged]) -> AsyncIterator[list[Judged]]:
        """Calls, oldest first, judged some at a time."""
        if not calls:
            return
        cluster, first, last = self._cluster, calls[0].at, calls[-1].at
        told = await self._history.read(lambda c: looking_back.surge_told(c, cluster, first, last))
        since = start_of_quotas(first)
        holds = await self._history.read(lambda c: looking_back.holds_told(c, cluster, since, last))
        masters = await self._catalogues.during(cluster, first, last)
        judging = _Judging(masters, cluster, PastSurge(told), PastUse(holds))
        for start in range(0, len(calls), TOGETHER):
            part = calls[start : start + TOGETHER]
            boards = await raw_boards(self._history, cluster, [call.at for call in part])
            yield await asyncio.to_thread(judging.all, part, boards)

    async def find(self, outcome: str, week: Week) -> bool:
        """Whether the week has a call of that id."""
        calls = await self._calls(week.since, week.until)
        return any(call.id == outcome for call in calls)

    async def comments(self, cases: Iterable[Judged]) -> Mapping[str, Sequence[Comment]]:
        """What was said of these cases, oldest first, by the outcome's id."""
        cluster, ids = self._cluster, [each.case.outcome.id for each in cases]
        return await self._history.read(lambda c: comments.comments_on(c, cluster, ids))

    async def comment(self, comment: Comment, request: str) -> None:
        """Write a comment; the same `request` twice writes it once."""
        cluster = self._cluster
        await self._history.write(lambda c: comments.add_comment(c, cluster, comment, request))

    async def _calls(self, since: datetime, until: datetime) -> list[Logged]:
        # The store first: what leaves it in between is in history by then.
        recent = await self._outcomes.recent(self._cluster)
        recorded = await self._history.outcomes(self._cluster, since, until)
        return merged(recorded, (each for each in recent if since <= each.at < until))


class _Judging:
    """Judges call after call, keeping what many share: rows that did not change, catalogues."""

    def __init__(self, masters: Stretch, cluster: str, surge: PastSurge, use: PastUse) -> None:
        self._masters = masters
        self._cluster = cluster
        self._surge = surge
        self._use = use
        self._rows: dict[bytes, Row] = {}
        self._catalogues: dict[tuple[int, bytes], Catalogue] = {}

    def all(self, calls: Sequence[Logged], boards: Sequence[Sequence[bytes]]) -> list[Judged]:
        """The calls, each with the rows of its own moment."""
        return [self._one(call, rows) for call, rows in zip(calls, boards, strict=True)]

    def _one(self, call: Logged, encoded: Sequence[bytes]) -> Judged:
        before, self._rows = self._rows, {}
        for row in encoded:
            self._rows[row] = before.get(row) or read_row(row)
        rows = list(self._rows.values())
        master = self._masters.at(call.at)
        catalogue, level = self._then(master.catalogue, rows), self._surge.level(call.at)
        used = self._use.at(call.at)
        return Judged(judge(call, rows, catalogue, level, used), level, catalogue, master)

    def _then(self, master: Catalogue, rows: Sequence[Row]) -> Catalogue:
        """The catalogue with the rows' units; the same object as long as both are alike, for what
        is derived from a catalogue is kept by it."""
        facts = id(master), orjson.dumps([_told(row) for row in rows])
        if facts not in self._catalogues:
            if len(self._catalogues) >= MOST_CATALOGUES:
                self._catalogues.pop(next(iter(self._catalogues)))
            self._catalogues[facts] = catalogue_then(master, self._cluster, rows)
        return self._catalogues[facts]


def _is_weighed(call: Logged) -> bool:
    """Whether the call's class depends on what the board showed."""
    return call.value["outcome"] in ADMITTED and call.value["need"] is not None


def _told(row: Row) -> list[object]:
    """What `catalogue_then` reads of a row."""
    could = sorted((*row["capabilities"], *row["capabilities_off"]))
    return [*(row[name] for name in _FACTS), could]  # type: ignore[literal-required]
