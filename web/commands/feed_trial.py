"""``akutoverblik feed test``: one document of one source, read for real, and nothing written."""

import argparse
import asyncio
from datetime import datetime
from pathlib import Path

import httpx
import orjson

from capacity.instants import format_instant, from_epoch_millis, utc_now
from capacity.model import UnreadableError
from feeds.sources import Source, Transport
from feeds.transports.folder import FolderWatch
from feeds.transports.poll import Poll, polling_client
from web.commands.feed_station import (
    FAILED,
    LEFT_OVER,
    OK,
    CannotError,
    Station,
    remark,
    since,
)


async def try_out(station: Station, options: argparse.Namespace) -> int:
    source = station.source(options.source)
    raw, from_where = await _document(station, source, options.file)
    remark(f"{len(raw)} bytes from {from_where}")
    try:
        receipt, readings = station.intake.read(source, raw)
    except UnreadableError as error:
        remark(error.reject.as_json())
        return FAILED
    for reading in readings:
        print(reading.row.decode())
    for move in receipt.moves:
        print(_told(move.unit.id, move.movement.observed_at, change=move.movement.change))
    for unit, status in receipt.beds:
        print(_told(unit.id, status.observed_at, bed=status.bed, use=status.use))
    for reject in receipt.rejected:
        remark(reject.as_json())
    observed = [from_epoch_millis(reading.observed_ms) for reading in readings]
    observed += [move.movement.observed_at for move in receipt.moves]
    observed += [status.observed_at for _, status in receipt.beds]
    remark(
        f"{len(observed)} rows, {len(receipt.rejected)} rejects, "
        f"data age {since(max(observed, default=None), utc_now())}; nothing was written"
    )
    return LEFT_OVER if receipt.rejected else OK


async def _document(station: Station, source: Source, path: Path | None) -> tuple[bytes, str]:
    """A document of the source and where it came from, changing nothing there."""
    limit = station.settings.max_document_bytes
    if path is None and source.transport is Transport.POLL:
        return await _asked(station, source), source.url
    if path is None and source.transport is Transport.FOLDER:
        path = await asyncio.to_thread(_newest_file, station, source)
    if path is None and source.transport is Transport.SFTP:
        return await _newest_remote(station, source)
    if path is None:
        raise CannotError(
            f"{source.id} comes by {source.transport}: name a file to read, "
            f"as in 'akutoverblik feed test {source.id} FILE'"
        )
    try:
        raw = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise CannotError(f"{path}: {error.strerror or 'cannot be read'}") from error
    if len(raw) > limit:
        raise CannotError(f"{path} is over {limit} bytes (AKUTOVERBLIK_MAX_DOCUMENT_BYTES)")
    return raw, str(path)


async def _asked(station: Station, source: Source) -> bytes:
    limit = station.settings.max_document_bytes
    async with polling_client() as client:
        poll = Poll(source, client, station.intake, utc_now, limit)
        try:
            async with asyncio.timeout(source.timeout.total_seconds()):
                answer = await poll.fetch()
        except TimeoutError as error:
            raise CannotError(
                f"{source.url}: no answer within {source.timeout}{poll.of_file}"
            ) from error
        except httpx.HTTPStatusError as error:
            told = f"answered {error.response.status_code}{poll.of_file}"
            raise CannotError(f"{source.url}: {told}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = f"{type(error).__name__}: {error}{poll.of_file}"
            raise CannotError(f"{source.url}: {told}") from error
        except UnreadableError as error:
            raise CannotError(f"{source.url}: {error}") from error
    assert answer is not None  # without validators there is always a document
    return answer[0]


async def _newest_remote(station: Station, source: Source) -> tuple[bytes, str]:
    """The newest file of an SFTP folder; nothing there or here is changed."""
    from feeds.transports.sftp import SftpFolder  # its library is slow to load

    assert source.sftp is not None
    settings = station.settings
    folder = SftpFolder(
        source, settings.inbox, station.intake, utc_now, settings.max_document_bytes
    )
    where = f"{source.sftp.host}:{source.sftp.port} {source.folder}"
    try:
        found = await folder.newest()
    except (ConnectionError, UnreadableError) as error:
        raise CannotError(f"{where}: {error}") from error
    if found is None:
        raise CannotError(f"no file of {source.id} lies in {where} (pattern {source.pattern})")
    return found[0], f"{where}/{found[1]}"


def _newest_file(station: Station, source: Source) -> Path:
    """The newest file that waits, or else the newest that was taken in or set aside."""
    watch = FolderWatch(
        source,
        station.settings.inbox,
        station.intake,
        utc_now,
        station.settings.max_document_bytes,
    )
    for folder in (watch.folder, watch.folder / "done", watch.folder / "failed"):
        files = [path for path in folder.glob("*") if watch.is_candidate(path)]
        if files:
            return max(files, key=lambda path: (path.stat().st_mtime_ns, path.name))
    raise CannotError(f"no file of {source.id} lies in {watch.folder} (pattern {source.pattern})")


def _told(unit: str, observed_at: datetime, **what: object) -> str:
    """A movement or a bed's status, which is no row but changes one."""
    told = {"unit": unit, "observed_at": format_instant(observed_at), **what}
    return orjson.dumps(told).decode()
