"""``akutoverblik feed``: how the feeds are doing, trying one out, and the quarantine.

Rows and entries go to standard output, rejects and remarks to standard error. The exit code is 0
when all is well, 1 when something was rejected, not found or left over, 2 when nothing could be
done (a wrong call, a document that cannot be read, a store that is away).
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence

import orjson

from capacity.board import BoardUnavailableError
from capacity.board.feed_figures import FeedFigures
from capacity.board.quarantine import Entry, State, source_of
from capacity.config_file import ConfigError
from capacity.instants import format_instant, utc_now
from capacity.privacy import holds_cpr
from capacity.settings import Settings
from feeds.health import FeedHealth, SharedHealth
from web.commands.feed_station import (
    FAILED,
    LEFT_OVER,
    OK,
    CannotError,
    Station,
    length_of,
    open_station,
    remark,
    since,
    with_data,
)
from web.commands.feed_trial import try_out
from web.replay import replay


def feed(settings: Settings, options: argparse.Namespace) -> int:
    """Run one sub-command; returns the exit code."""
    actions: dict[str, Callable[[Station, argparse.Namespace], Awaitable[int]]] = {
        "list": _list,
        "test": try_out,
        "quarantine": _quarantine,
        "show": _show,
        "replay": _replay,
        "dismiss": _dismiss,
    }
    try:
        return asyncio.run(_run(settings, options, actions[options.action]))
    except (CannotError, ConfigError) as error:
        return _refuse(str(error))
    except BoardUnavailableError as error:
        return _refuse(f"the store is away: {error}")


async def _run(
    settings: Settings,
    options: argparse.Namespace,
    action: Callable[[Station, argparse.Namespace], Awaitable[int]],
) -> int:
    settings = with_data(settings)
    async with open_station(settings, asks_store=options.action != "test") as station:
        return await action(station, options)


# --- how they are doing ---


async def _list(station: Station, _options: argparse.Namespace) -> int:
    expected = {source.id: source.expected_every for source in station.sources.values()}
    shared = SharedHealth(FeedHealth(), FeedFigures(station.url), expected, utc_now)
    try:
        health = await shared.read()
        tallies = await station.quarantine.tallies()
    finally:
        await shared.stop()
    now = utc_now()
    lines = [("SOURCE", "HOW", "STATE", "REACHED", "DATA AGE", "LAG", "LAST HOUR", "QUARANTINE")]
    wrong = False
    for source in station.sources.values():
        figures, alarm = health[source.id]
        state = "failing" if figures.failing else alarm or ("ok" if figures.success else "waiting")
        wrong = wrong or state not in ("ok", "waiting")
        counts = " ".join(f"{fate}={n}" for fate, n in sorted(figures.hour.items()))
        tally = tallies.get(source.id)
        dropped = f", {tally.dropped} dropped" if tally and tally.dropped else ""
        lines.append(
            (
                source.id,
                f"{source.format.name}, {source.transport}",
                state,
                since(figures.success, now),
                since(figures.observed, now),
                length_of(figures.lag),
                counts or "-",
                f"{tally.open} open{dropped}" if tally else "-",
            )
        )
    _print_table(lines)
    return LEFT_OVER if wrong else OK


# --- the quarantine ---


async def _quarantine(station: Station, options: argparse.Namespace) -> int:
    tallies = await station.quarantine.tallies()
    wanted = [options.source] if options.source else sorted(tallies)
    lines = [("ID", "WHERE", "FIELD", "REASON", "SEEN", "LAST", "STATE", "RAW")]
    now = utc_now()
    for source in wanted:
        for entry in await station.quarantine.entries(source, closed=options.closed):
            by = f" by {entry.by}" if entry.by else ""
            lines.append(
                (
                    entry.id,
                    entry.where,
                    entry.field,
                    entry.reason,
                    str(entry.count),
                    since(entry.last_seen, now),
                    f"{entry.state}{by}",
                    entry.kept,
                )
            )
    _print_table(lines)
    for source in wanted:
        tally = tallies.get(source)
        if tally and (tally.dropped or tally.let_go):
            remark(
                f"{source}: {tally.dropped} entries dropped and {tally.let_go} raw documents let "
                "go, because the quarantine was full"
            )
    return OK


async def _show(station: Station, options: argparse.Namespace) -> int:
    entry = await station.quarantine.entry(options.id)
    if entry is None:
        return _refuse(f"nothing in quarantine is called {options.id}", LEFT_OVER)
    raw = await station.quarantine.raw(entry.document)
    if options.raw:
        if raw is None:
            return _refuse(f"the document of {entry.id} is not kept ({entry.kept})", LEFT_OVER)
        sys.stdout.buffer.write(raw)
        return OK
    print(orjson.dumps(_as_json(entry) | {"raw_is_kept": raw is not None}).decode())
    return OK


async def _replay(station: Station, options: argparse.Namespace) -> int:
    by = _by(options)
    if not options.ids and not options.source:
        raise CannotError("name entries, or --source SOURCE for all of one source")
    found, unknown = await _named(station, options.ids)
    if options.source:
        found[options.source] = await station.quarantine.entries(options.source)
    closed = left = missing = 0
    for source_id, entries in found.items():
        source = station.source(source_id)
        done = await replay(station.intake, station.quarantine, source, entries, by)
        closed, left, missing = closed + done.closed, left + done.left, missing + done.missing
    print(f"{closed} closed, {left} still occur, {missing} without a text to read again")
    return LEFT_OVER if left or missing or unknown else OK


async def _dismiss(station: Station, options: argparse.Namespace) -> int:
    by = _by(options)
    found, unknown = await _named(station, options.ids)
    closed = 0
    for source, entries in found.items():
        ids = [entry.id for entry in entries]
        done = await station.quarantine.close(source, ids, State.DISMISSED, by, utc_now())
        closed += len(done)
    print(f"{closed} dismissed")
    return LEFT_OVER if unknown else OK


async def _named(station: Station, ids: Iterable[str]) -> tuple[dict[str, list[Entry]], list[str]]:
    """The entries of these ids by source, and the ids that name none."""
    found: dict[str, list[Entry]] = {}
    unknown: list[str] = []
    for entry_id in ids:
        entry = await station.quarantine.entry(entry_id)
        if entry is None:
            unknown.append(entry_id)
            remark(f"nothing in quarantine is called {entry_id}")
        else:
            found.setdefault(source_of(entry_id), []).append(entry)
    return found, unknown


def _by(options: argparse.Namespace) -> str:
    by: str = options.by or getpass.getuser()
    if holds_cpr(by) or not by.isprintable() or len(by) > 60:
        raise CannotError("--by takes a role in up to 60 characters; never a person number")
    return by


# --- how it is printed ---


def _as_json(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "source": entry.source,
        "where": entry.where,
        "field": entry.field,
        "reason": entry.reason,
        "document": entry.document,
        "kept": entry.kept.value,
        "at": format_instant(entry.at),
        "last_seen": format_instant(entry.last_seen),
        "count": entry.count,
        "state": entry.state.value,
        "by": entry.by,
        "closed_at": format_instant(entry.closed_at),
    }


def _print_table(lines: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def _refuse(reason: str, code: int = FAILED) -> int:
    remark(f"akutoverblik: {reason}")
    return code
