"""``akutoverblik backup`` and ``akutoverblik restore``: database and store, as one folder.

A folder holds ``database.jsonl.gz``, ``store.bin.gz`` and ``backup.json``, which says when it was
taken, by which version, how much is in it, and the hash of each part. It holds accounts and keys'
hashes, so it is written for its owner alone. The keys file, catalogue and sources are files
already: copy them too.
"""

import argparse
import asyncio
import gzip
import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import capacity.imports
import capacity.people  # noqa: F401 - only tables that are imported are known, and backed up
from capacity.board import BoardUnavailableError, EmbeddedServer, EmbeddedServerError
from capacity.board import backup as store_backup
from capacity.board.embedded import running_url
from capacity.history import History, HistoryError, migrate
from capacity.history import backup as sql_backup
from capacity.instants import format_instant, utc_now
from capacity.settings import Settings
from web.commands.feed_station import CannotError, with_data

DATABASE, STORE, MANIFEST = "database.jsonl.gz", "store.bin.gz", "backup.json"


def backup(settings: Settings, options: argparse.Namespace) -> int:
    """Take a backup into a new folder, while the service runs; returns the exit code."""
    return _guarded(_take, with_data(settings), options.folder)


def restore(settings: Settings, options: argparse.Namespace) -> int:
    """Put a backup back into an empty database and an empty store; returns the exit code."""
    return _guarded(_put_back, settings, options.folder)


def _guarded(work: Any, settings: Settings, folder: Path) -> int:
    try:
        asyncio.run(work(settings, folder))
    except (CannotError, HistoryError, EmbeddedServerError, OSError, ValueError) as error:
        print(f"akutoverblik: {error}", file=sys.stderr)
        return 2
    except BoardUnavailableError as error:
        print(f"akutoverblik: the store is away: {error}", file=sys.stderr)
        return 2
    return 0


async def _take(settings: Settings, folder: Path) -> None:
    url = settings.store_url or running_url(settings.store_folder)
    if url is None:
        raise CannotError(f"no store runs on {settings.store_folder}: start the service first")
    _begin(folder)
    history = History(settings.history_url)
    try:
        await history.start()
        with gzip.open(folder / DATABASE, "wt", encoding="utf-8") as file:
            revision, rows = await history.read(
                lambda sql: (sql_backup.revision_of(sql), sql_backup.dump(sql, file, _told))
            )
    finally:
        await history.stop()
    with gzip.open(folder / STORE, "wb") as binary:
        keys = await store_backup.dump(url, binary)  # type: ignore[arg-type]
    _told("store", keys)
    manifest = {
        "taken_at": format_instant(utc_now()),
        "version": version("akutoverblik"),
        "revision": revision,
        "rows": rows,
        "keys": keys,
        "sha256": {name: _hash(folder / name) for name in (DATABASE, STORE)},
    }
    _finish(folder, manifest)


def _begin(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise CannotError(f"{folder} is not empty: a backup goes into a folder of its own")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _finish(folder: Path, manifest: dict[str, Any]) -> None:
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o600)
    print(f"backed up to {folder}", file=sys.stderr)


async def _put_back(settings: Settings, folder: Path) -> None:
    manifest = _checked(folder)
    embedded: EmbeddedServer | None = None
    url = settings.store_url
    if url is None:
        embedded = EmbeddedServer(settings.store_folder)
        embedded.start()
        url = embedded.url
    try:
        if not await store_backup.is_empty(url):
            raise CannotError("the store is not empty: a backup is put into an empty one only")
        await _put_back_database(settings, folder, manifest)
        with gzip.open(folder / STORE, "rb") as binary:
            _told("store", await store_backup.load(url, binary))  # type: ignore[arg-type]
    finally:
        if embedded is not None:
            embedded.stop()
    print(f"restored what was taken at {manifest['taken_at']}", file=sys.stderr)


async def _put_back_database(settings: Settings, folder: Path, manifest: dict[str, Any]) -> None:
    """At the backup's own revision first; the service brings it forward as any older database."""
    await asyncio.to_thread(migrate, settings.history_url)
    history = History(settings.history_url)
    try:
        await history.start()
        here = await history.read(sql_backup.revision_of)
        if here != manifest["revision"]:
            raise CannotError(
                f"the backup is of database version {manifest['revision']}, this program makes "
                f"{here}: restore it with version {manifest['version']}, then upgrade"
            )
        if not await history.read(sql_backup.is_empty):
            raise CannotError("the database is not empty: a backup is put into an empty one only")
        with gzip.open(folder / DATABASE, "rt", encoding="utf-8") as file:
            rows = await history.write(lambda sql: sql_backup.load(sql, file, _told))
        if rows != manifest["rows"]:
            raise CannotError("the database's part of the backup is not what was taken")
    finally:
        await history.stop()


def _checked(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name, digest in manifest["sha256"].items():
        if _hash(folder / name) != digest:
            raise CannotError(f"{name} is not what was taken: its hash differs")
    return manifest


def _told(what: str, count: int) -> None:
    print(f"  {what}: {count}", file=sys.stderr)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
