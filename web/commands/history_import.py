"""``akutoverblik history import``: a large file of reports into history, from before the board.

The file is NDJSON, our own JSON with a report a line. It is read in parts; each part and the place
in the file are written in one transaction, so that the command may be stopped anywhere (also by
``kill -9``) and given again: it goes on where it was, and nothing is in history twice.
"""

import argparse
import asyncio
import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson

from capacity.config_file import ConfigError, read
from capacity.history import History, HistoryError, backfill
from capacity.history.backfill import Done, Moment
from capacity.instants import Clock, utc_now
from capacity.model import Reject, Report, UnreadableError
from capacity.privacy import CPR_REASON, holds_cpr
from capacity.row import encode_row, row_of
from capacity.settings import Settings
from capacity.units import Catalogue, danish_day
from feeds.formats import BadMappingError, format_named
from feeds.formats.own_json import JsonMapping
from feeds.intake import misfit
from web.commands.people_desk import open_desk

LINES_TOGETHER = 1_000
"""Lines of one transaction: what an interruption costs at most."""
LONGEST_LINE = 64 * 1024
HASH_SIZE = 1024 * 1024
SHOW_EVERY = 2.0
"""Seconds between two words of progress."""
OK, SOME_REJECTED, CANNOT, INTERRUPTED = 0, 1, 2, 130


def history_import(settings: Settings, options: argparse.Namespace) -> int:
    """Bring in one file; returns the exit code."""
    try:
        mapping = _mapping(options.mapping)
        _refuse_bad_source(options.source)
        return asyncio.run(_run(settings, options.file, mapping, options.source))
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except (ConfigError, BadMappingError, HistoryError, OSError, ValueError) as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return CANNOT


async def _run(settings: Settings, path: Path, mapping: JsonMapping, source: str) -> int:
    digest, size = _digest(path, mapping, source)
    async with open_desk(settings) as desk:
        history = desk.history
        done = await history.write(lambda sql: backfill.begin(sql, digest, utc_now()))
        if done.finished_at is not None:
            print(f"this file is in already: {told(done)}")
            return OK
        await desk.note("history-import", "history", file=digest[:16], lines=done.lines_done)
        if done.lines_done:
            print(f"going on after line {done.lines_done}", file=sys.stderr)
        reader = Reader(desk.catalogue, mapping, source, utc_now)
        shown = Shown(size)
        with path.open("rb") as file:
            file.seek(done.bytes_done)
            while lines := list(_lines(file)):
                part = reader.read(lines, done.lines_done)
                done = await _put(history, digest, done, part)
                shown(done)
        done = await history.write(lambda sql: backfill.finish(sql, digest, done, utc_now()))
    print(told(done))
    return SOME_REJECTED if done.rejected else OK


@dataclass(slots=True)
class Part:
    """Some lines, read: the moments they tell with the line of each, and what is wrong."""

    lines: int
    size: int
    moments: list[Moment] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


async def _put(history: History, digest: str, done: Done, part: Part) -> Done:
    after, refused = await history.write(
        lambda sql: backfill.put(
            sql, digest, done, part.moments,
            lines=part.lines, size=part.size, rejected=len(part.rejects),
        )
    )  # fmt: skip
    reason = "lies in a time of which history has its own record of the unit, or keeps none"
    late = [Reject(part.places[place], "observed_at", reason) for place in refused]
    for reject in (*part.rejects, *late):
        sys.stderr.buffer.write(orjson.dumps(reject.as_json()) + b"\n")
    sys.stderr.flush()
    return after


class Reader:
    """Reads lines as a feed's would be, and makes of each report the row that a board shows.

    A report counts as received when it was observed: when it would have come is not known.
    """

    def __init__(
        self, catalogue: Catalogue, mapping: JsonMapping, source: str, clock: Clock
    ) -> None:
        self._catalogue = catalogue
        self._source = source
        self._clock = clock
        self._parse = format_named("ndjson").parse
        self._names = {unit: unit for unit in catalogue.units} | mapping.units
        types = {
            name: catalogue.units[unit].report_type
            for name, unit in self._names.items()
            if unit in catalogue.units
        }
        self._mapping = mapping.model_copy(update={"types": types | mapping.types})

    def read(self, lines: list[bytes], before: int) -> Part:
        """What these lines tell; `before` is how many lines stand before them."""
        part = Part(len(lines), sum(map(len, lines)))
        raw = b"".join(lines)
        try:
            self._read(part, raw, before)
        except UnreadableError:
            # One line can spoil a document that it is not the whole of: each for itself, then.
            for number, line in enumerate(lines, start=before):
                try:
                    self._read(part, line, number)
                except UnreadableError as error:
                    if line.strip():
                        where = f"line {number + 1}"
                        part.rejects.append(Reject(where, "line", error.reject.reason))
        return part

    def _read(self, part: Part, raw: bytes, before: int) -> None:
        batch = self._parse(raw, self._mapping, self._clock())
        for report, where in zip(batch.reports, batch.places, strict=True):
            found = self._moment(report)
            if isinstance(found, Moment):
                part.moments.append(found)
                part.places.append(_further(where, before))
            else:
                part.rejects.append(Reject(_further(where, before), *found))
        for reject in batch.rejects:
            where = _further(reject.where, before)
            part.rejects.append(Reject(where, reject.field, reject.reason))

    def _moment(self, report: Report) -> Moment | tuple[str, str]:
        unit = self._catalogue.units.get(self._names.get(report.unit, ""))
        if unit is None:
            return "unit", "is no unit of the catalogue"
        wrong = misfit(report, unit)
        if wrong is not None:
            return wrong
        at = report.observed_at
        row = row_of(unit, report, received_at=at, source=self._source, today=danish_day(at))
        return Moment(unit.cluster, unit.id, at, encode_row(row))


class Shown:
    """Says now and then how far it is, on standard error."""

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._last = clock()

    def __call__(self, done: Done) -> None:
        """Say it, unless it was said a moment ago."""
        if self._clock() - self._last >= SHOW_EVERY:
            self._last = self._clock()
            share = 100 * done.bytes_done // max(1, self._size)
            print(f"{share} %: {told(done)}", file=sys.stderr)


def told(done: Done) -> str:
    """What has become of the lines so far."""
    return (
        f"{done.lines_done} lines: {done.recorded} recorded, {done.revised} revised, "
        f"{done.known} known already, {done.rejected} rejected"
    )


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The next lines, each with its end; one that is endless counts as several."""
    for _ in range(LINES_TOGETHER):
        line = file.readline(LONGEST_LINE)
        if not line:
            return
        yield line


def _further(where: str, before: int) -> str:
    """The place in the file of a place in a part of it."""
    return f"line {int(where.removeprefix('line ')) + before}"


def _digest(path: Path, mapping: JsonMapping, source: str) -> tuple[str, int]:
    """Names the file and how it is read, and says how large it is."""
    found, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(HASH_SIZE):
            found.update(piece)
            size += len(piece)
    for word in (mapping.model_dump_json(), source):
        found.update(b"\0" + word.encode())
    return found.hexdigest(), size


def _mapping(path: Path | None) -> JsonMapping:
    if path is None:
        return JsonMapping()
    found: JsonMapping = format_named("ndjson").read_mapping(read(path).data)
    return found


def _refuse_bad_source(source: str) -> None:
    if not source.isprintable() or not 0 < len(source) <= 100:
        raise ValueError("the source's name must have 1 to 100 printable characters")
    if holds_cpr(source):
        raise ValueError(f"the source's name {CPR_REASON}")
