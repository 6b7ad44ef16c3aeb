"""For those who run it: health, readiness, metrics, and the machine-readable API descriptions."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from capacity.board import BoardUnavailableError
from capacity.board.feed_figures import Figures
from capacity.board.lease import Holder
from capacity.board.quarantine import Tally
from capacity.history import HistoryUnavailableError
from capacity.instants import epoch_millis
from feeds.health import Alarm
from web.asyncapi import describe
from web.roles import Permission
from web.services import Services

ROLLED_WITHIN = 2.0
"""Seconds that history has to say how far the rollups are."""

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="Whether the process runs")
async def healthz() -> dict[str, str]:
    """Answers as long as the process does, whatever else is away."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Whether the process can serve boards",
    responses={503: {"description": "The store is away, or no boards are followed."}},
)
async def readyz(request: Request) -> Response:
    """Ready means: the store answers and the hub follows it. History may be away meanwhile.

    Where only some servers of a cluster are away, the process serves the boards of the others.
    """
    services: Services = request.app.state.services
    partly = services.hub.healthy() and not services.hub.live
    try:
        await services.board.ping()
        store = "ok"
    except BoardUnavailableError:
        store = "partly away" if partly else "away"
    hub = "partly following" if partly else "ok" if services.hub.healthy() else "not following"
    history = "away" if services.historian.failing_since else "ok"
    broken = request.app.state.later.is_broken
    ready = store != "away" and hub != "not following" and not broken
    body = {
        "status": "ready" if ready else "not ready",
        "store": store,
        "hub": hub,
        "history": history,
    }
    if broken:  # a new version of which a part cannot be loaded must not take the old one's place
        body["pages"] = "cannot be loaded"
    return JSONResponse(body, status_code=200 if ready else 503)


@router.get(
    "/metrics",
    summary="Figures about the service, in the Prometheus text format",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        401: {"description": "No valid key, and not signed in."},
        403: {"description": "Not this key's, or not this role's."},
    },
)
async def metrics(request: Request) -> Response:
    """Counters and gauges of this process."""
    services: Services = request.app.state.services
    services.access.require(request, Permission.MEASURE)
    registry = CollectorRegistry()
    registry.register(_Figures(services, await _known(services), await _rolled(services)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/api/asyncapi.json", summary="The live channel, described")
async def asyncapi(request: Request) -> Response:
    """The AsyncAPI description of the WebSocket."""
    services: Services = request.app.state.services
    return JSONResponse(describe(request.app.version, list(services.catalogue.served_clusters())))


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store holds of the feeds, all processes together; nothing while it is away."""

    health: Mapping[str, tuple[Figures, Alarm | None]]
    tallies: Mapping[str, Tally]
    bytes_kept: int
    holders: Mapping[str, Holder]


async def _known(services: Services) -> _Known | None:
    try:
        return _Known(
            await services.feed_health.read(),
            await services.quarantine.tallies(),
            await services.quarantine.bytes_kept(),
            await services.leases.holders(services.catalogue.served_clusters()),
        )
    except BoardUnavailableError:
        return None


async def _rolled(services: Services) -> Mapping[str, datetime]:
    """Until when clusters are rolled up; nothing while history is away or has no time."""
    try:
        async with asyncio.timeout(ROLLED_WITHIN):
            return await services.rollups.positions()
    except (HistoryUnavailableError, TimeoutError):
        return {}


class _Figures(Collector):
    """Reads the figures at the moment they are asked for."""

    def __init__(
        self, services: Services, known: _Known | None, rolled: Mapping[str, datetime]
    ) -> None:
        self._services = services
        self._known = known
        self._rolled = rolled

    def collect(self) -> Iterator[Metric]:
        """All figures, with units and meaning in their help texts."""
        yield from self._hub()
        yield from self._store()
        yield from self._history()
        yield from self._sources()
        yield from self._notices()
        yield from self._several()
        if self._known is not None:
            yield from self._feeds(self._known)
            yield from self._quarantine(self._known)
            yield from self._holders(self._known)

    def _hub(self) -> Iterator[Metric]:
        hub = self._services.hub
        yield _gauge("akutoverblik_boards_open", "Open boards in this process", hub.boards)
        yield _gauge("akutoverblik_hub_live", "1 while the store is followed", int(hub.live))
        telling = hub.broadcaster
        yield _counter("akutoverblik_frames_sent", "Frames sent to boards", telling.frames_sent)
        yield _counter(
            "akutoverblik_boards_dropped", "Boards dropped for not reading", telling.boards_dropped
        )
        classes, total = telling.lags.cumulated()
        yield HistogramMetricFamily(
            "akutoverblik_board_lag_seconds",
            "Age of the oldest change in a frame when it was sent to the boards, by store's clock",
            buckets=classes,
            sum_value=total,
        )

    def _store(self) -> Iterator[Metric]:
        failed = CounterMetricFamily(
            "akutoverblik_store_writes_failed", "Writes to boards that failed", labels=["fate"]
        )
        for fate, count in self._services.board.failed.items():
            failed.add_metric([fate], count)
        yield failed

    def _history(self) -> Iterator[Metric]:
        historian = self._services.historian
        yield _counter(
            "akutoverblik_history_changes", "Changes recorded", historian.changes_recorded
        )
        yield _counter("akutoverblik_history_gaps", "Gaps found", historian.gaps_found)
        failing = int(historian.failing_since is not None)
        yield _gauge("akutoverblik_history_failing", "1 while history cannot record", failing)
        age = GaugeMetricFamily(
            "akutoverblik_rollups_age_seconds",
            "Since when indicators do not know what happened",
            labels=["cluster"],
        )
        now = self._services.clock()
        for cluster, through in self._rolled.items():
            age.add_metric([cluster], (now - through).total_seconds())
        yield age

    def _notices(self) -> Iterator[Metric]:
        notices = CounterMetricFamily(
            "akutoverblik_notices",
            "Notices by kind, channel and what became of each",
            labels=["kind", "channel", "fate"],
        )
        for (kind, channel, fate), count in self._services.notifier.tally.all():
            notices.add_metric([kind, channel, fate], count)
        yield notices

    def _sources(self) -> Iterator[Metric]:
        now = epoch_millis(self._services.clock())
        reports = CounterMetricFamily(
            "akutoverblik_source_reports", "Reports by fate", labels=["source", "fate"]
        )
        failing = GaugeMetricFamily(
            "akutoverblik_source_failing", "1 while the source fails", labels=["source"]
        )
        age = GaugeMetricFamily(
            "akutoverblik_source_data_age_seconds", "Age of the newest figure", labels=["source"]
        )
        success = GaugeMetricFamily(
            "akutoverblik_source_last_success_timestamp_seconds",
            "When it last worked",
            labels=["source"],
        )
        for health in self._services.intake.health.all():
            for fate, count in sorted(health.counts.items()):
                reports.add_metric([health.source, fate], count)
            failing.add_metric([health.source], int(health.failing_since is not None))
            if health.newest_observed_ms is not None:
                age.add_metric([health.source], (now - health.newest_observed_ms) / 1000)
            if health.last_success_at is not None:
                success.add_metric([health.source], epoch_millis(health.last_success_at) / 1000)
        yield from (reports, failing, age, success)

    def _several(self) -> Iterator[Metric]:
        """What only means anything where there are several processes."""
        runner, differing = self._services.runner, self._services.comparing.differing
        yield _counter(
            "akutoverblik_feeds_refused",
            "Times that feeds of this process were stopped by the fence",
            runner.refused if runner is not None else 0,
        )
        yield _gauge(
            "akutoverblik_settings_differ",
            "Settings that differ from another process's",
            len(differing),
        )

    def _holders(self, known: _Known) -> Iterator[Metric]:
        held = GaugeMetricFamily(
            "akutoverblik_feeds_held",
            "1 while a process runs the cluster's feeds, with its name",
            labels=["cluster", "holder"],
        )
        takings = GaugeMetricFamily(
            "akutoverblik_feeds_fence",
            "How many times a process has taken the cluster's feeds",
            labels=["cluster"],
        )
        for cluster, holder in known.holders.items():
            held.add_metric([cluster, holder.name], int(bool(holder.name)))
            takings.add_metric([cluster], holder.fence)
        yield from (held, takings)

    def _feeds(self, known: _Known) -> Iterator[Metric]:
        alarms = GaugeMetricFamily(
            "akutoverblik_feed_alarm",
            "1 while the source is silent, or repeats an old timestamp",
            labels=["source", "alarm"],
        )
        lags = GaugeMetricFamily(
            "akutoverblik_feed_lag_seconds",
            "From the newest observation to its arrival, in the latest document",
            labels=["source"],
        )
        hour = GaugeMetricFamily(
            "akutoverblik_feed_reports_last_hour",
            "Reports of the last hour by fate",
            labels=["source", "fate"],
        )
        for source, (figures, found) in known.health.items():
            for alarm in Alarm:
                alarms.add_metric([source, alarm], int(found is alarm))
            if figures.lag is not None:
                lags.add_metric([source], figures.lag.total_seconds())
            for fate, count in sorted(figures.hour.items()):
                hour.add_metric([source, fate], count)
        yield from (alarms, lags, hour)

    def _quarantine(self, known: _Known) -> Iterator[Metric]:
        entries = GaugeMetricFamily(
            "akutoverblik_quarantine_open", "Entries that wait for a person", labels=["source"]
        )
        dropped = CounterMetricFamily(
            "akutoverblik_quarantine_dropped",
            "Entries dropped while open, because there were too many",
            labels=["source"],
        )
        let_go = CounterMetricFamily(
            "akutoverblik_quarantine_let_go",
            "Raw documents let go for lack of room",
            labels=["source"],
        )
        for source, tally in known.tallies.items():
            entries.add_metric([source], tally.open)
            dropped.add_metric([source], tally.dropped)
            let_go.add_metric([source], tally.let_go)
        yield from (entries, dropped, let_go)
        yield _gauge(
            "akutoverblik_quarantine_raw_bytes",
            "Raw documents in quarantine, compressed",
            known.bytes_kept,
        )


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value=value)
