"""The task that reminds owners before their figures go stale; when, `capacity.reminders` says.

Every process looks, every `EVERY` seconds, at the board itself and by the clock handed in; the
claim in the store lets one of them send. A channel that fails is tried again at later looks, a
bounded number of times; then it is said once, in the log, the metrics and the journal.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import orjson

from capacity.board import Board, BoardUnavailableError
from capacity.board.notices import Notices, reminder
from capacity.instants import Clock, format_instant, parse_instant
from capacity.reminders import NOTHING_SENT, Channel, Figure, reminder_at
from capacity.row import Row
from capacity.units import Catalogue, Unit, danish_day
from web.notify.tally import Fate, Tally

log = logging.getLogger(__name__)

EVERY = 30.0
LEASE = timedelta(seconds=40)
"""How long one try of one channel may take, and then some."""
AT_ONCE = 8
"""Units that are reminded side by side: one whose server is slow does not keep the others."""
TRIES = 3
AGAIN = timedelta(seconds=50)
"""How long after a try that failed the next one may be; a look later than that makes it."""

Send = Callable[[Unit, Figure, datetime, str], Awaitable[tuple[Fate, str | None]]]
"""Sends one reminder under a claimed notice; tells its fate, and the reason where it failed."""


class Reminding:
    """What one process does about reminders, by the channels that are set up."""

    def __init__(
        self,
        board: Board,
        catalogue: Catalogue,
        notices: Notices,
        channels: Mapping[Channel, Send],
        tally: Tally,
        clock: Clock,
        *,
        every: float = EVERY,
        again: timedelta = AGAIN,
    ) -> None:
        self._board = board
        self._notices = notices
        self._channels = channels
        self._tally = tally
        self._clock = clock
        self._every = every
        self._again = again
        self._away = False
        self._places = asyncio.Semaphore(AT_ONCE)
        self._units = {
            cluster: [unit for unit in catalogue.units_of(cluster) if self._of(unit)]
            for cluster in catalogue.served_clusters()
        }

    async def run(self) -> None:
        """Look again and again until cancelled; whatever goes wrong, the next look comes."""
        while True:
            try:
                await self.look()
                self._away = False
            except BoardUnavailableError as error:
                if not self._away:
                    log.warning("nobody is reminded while the store is away (%s)", error)
                self._away = True
            except Exception:
                log.exception("looking for reminders went wrong; it is tried again")
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Remind everybody whose reminder is due now."""
        await asyncio.gather(
            *(self._look_at(cluster, units) for cluster, units in self._units.items() if units)
        )

    async def _look_at(self, cluster: str, units: Sequence[Unit]) -> None:
        ids = [unit.id for unit in units]
        standing = await self._board.standing(cluster, ids, [])
        sent = await self._notices.sent(cluster, ids)
        now = self._clock()
        due: list[tuple[Unit, Figure]] = []
        for unit in units:
            stored = standing.rows.get(unit.id)
            figure = figure_of(orjson.loads(stored.row)) if stored else None
            if figure is None or unit.remind is None:
                continue
            at = reminder_at(unit.remind, figure, now, sent.get(unit.id, NOTHING_SENT))
            if at is not None and at <= now:
                due.append((unit, figure))
        await asyncio.gather(*(self._remind(unit, figure, now) for unit, figure in due))

    def _of(self, unit: Unit) -> list[Channel]:
        """The channels that the unit chose and that are set up here."""
        chosen = unit.remind.by if unit.remind is not None else ()
        return [channel for channel in chosen if channel in self._channels]

    async def _remind(self, unit: Unit, figure: Figure, now: datetime) -> None:
        assert unit.remind is not None
        async with self._places:
            claims = await self._notices.claim_reminder(
                unit.cluster,
                unit.id,
                figure.observed_at,
                self._of(unit),
                LEASE,
                danish_day(now),
                unit.remind.at_most,
            )
            ours = {channel: claim.tries for channel, claim in claims.items() if claim.tries}
            await asyncio.gather(
                *(self._by(channel, unit, figure, now, tries) for channel, tries in ours.items())
            )

    async def _by(
        self, channel: Channel, unit: Unit, figure: Figure, now: datetime, tries: int
    ) -> None:
        notice = reminder(unit.id, figure.observed_at, channel)
        fate, reason = Fate.LATER, "unreachable"
        if tries <= TRIES:  # beyond: whoever made the last try died of it
            fate, why = await self._channels[channel](unit, figure, now, notice)
            reason = why or ("unreachable" if fate is Fate.LATER else "refused")
        if fate is Fate.LATER and tries < TRIES:
            await self._notices.put_off(unit.cluster, notice, self._again)
            return
        done = fate is Fate.SENT
        told: dict[str, object] = {
            "unit": unit.id,
            "channel": channel.value,
            "outcome": "sent" if done else "failed",
            "reason": None if done else reason,
            "observed_at": format_instant(figure.observed_at),
            "tries": min(tries, TRIES),
        }
        ended = await self._notices.finish_reminder(
            unit.cluster, unit.id, figure.observed_at, channel, told
        )
        if not ended:
            return
        if channel is not Channel.PUSH or reason == "no_subscription":
            self._tally.add("reminder", channel, Fate.SENT if done else Fate.REFUSED)
        if not done:
            log.warning(
                "unit %s could not be reminded by %s in %d tries (%s)",
                unit.id,
                channel,
                min(tries, TRIES),
                reason,
            )


def figure_of(row: Row) -> Figure | None:
    """The ages of what stands in a row; ``None`` when nothing was ever reported."""
    observed, ageing, stale = row["observed_at"], row["ageing_at"], row["stale_at"]
    if observed is None or ageing is None or stale is None:
        return None
    return Figure(parse_instant(observed), parse_instant(ageing), parse_instant(stale))
