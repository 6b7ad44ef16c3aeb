"""A folder on an SFTP server: whole files are fetched in the order of their names.

Which files are whole is decided as for a watched folder (`folder.py`): hand-over by renaming, or
`settle`. A file whose size or time changes while it is fetched is left for the next round. What
was taken in is remembered by name, size and time in ``taken.json``, a small file of the data
folder that is written after the document is durable; so a crash in between costs one repetition,
which changes nothing. Names are kept as digests only: they are other people's, and may tell more
than they should. No remote name ever becomes a local path.

The server must show the declared host key; with another one nothing is asked of it, and nothing
of the machine's own SSH configuration, keys or agent is used. The connection lasts for one round.
"""

import asyncio
import contextlib
import fnmatch
import hashlib
import logging
import stat
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import asyncssh

from capacity.board import BoardUnavailableError
from capacity.instants import Clock
from capacity.model import UnreadableError
from capacity.privacy import holds_cpr
from capacity.reading import shown
from feeds.intake import Intake
from feeds.sources import Source
from feeds.transports.folder import UNFINISHED
from feeds.transports.memory import Memory, Taken

log = logging.getLogger(__name__)
asyncssh.set_log_level("WARNING")  # it tells each connection, with user and address

MAX_NAMES = 20_000
"""Entries of the remote folder; one with more is refused rather than held in memory."""
MAX_NAME = 255
FAULTS = (asyncssh.Error, OSError, ValueError)
"""What a server, the way to it, or a machine without a name for its user can bring about."""
PIECE = 256 * 1024
"""Bytes asked for at a time; each piece has the source's time-out to arrive."""


class _File(NamedTuple):
    """A remote file as the listing has it; `modified` in whole seconds since 1970."""

    name: str
    size: int
    modified: int

    @property
    def mark(self) -> tuple[int, int]:
        return self.size, self.modified

    @property
    def digest(self) -> str:
        """What is remembered in place of the name."""
        raw = self.name.encode("utf-8", "surrogateescape")
        return hashlib.blake2b(raw, digest_size=16).hexdigest()


class _Seen(NamedTuple):
    mark: tuple[int, int]
    since: datetime


class _TooLargeError(UnreadableError):
    """A file that is not fetched at all."""


class SftpFolder:
    """One source's remote folder; `once` takes in what is complete and was not taken before."""

    def __init__(
        self, source: Source, inbox: Path, intake: Intake, clock: Clock, max_bytes: int
    ) -> None:
        assert source.sftp is not None
        self.source = source
        self.waits_for_store = False
        self._access = source.sftp
        self._timeout = source.timeout.total_seconds()
        self._intake = intake
        self._clock = clock
        self._max_bytes = max_bytes
        self._memory = Memory(inbox / source.id / "taken.json")
        self._seen: dict[str, _Seen] = {}
        self._trouble: str | None = None
        self._last_fate = "done"

    async def once(self) -> int:
        """Take in every complete new file; returns how many. The source's health tells the rest."""
        self.waits_for_store = False
        self._trouble = None
        taken = 0
        try:
            async with self._connected() as remote:
                for file in await self._new_files(remote):
                    taken += await self._take(remote, file)
        except BoardUnavailableError as error:
            self.waits_for_store = True
            self._trouble = f"the store is away, the files wait: {error}"
        except FAULTS as error:
            self._trouble = self._told(error)
        self._tell_health(taken)
        return taken

    async def newest(self) -> tuple[bytes, str] | None:
        """The newest file and its name, for a trial: nothing is taken in, noted or put away.

        ``None`` when there is none; raises `ConnectionError` with the reason when it cannot be had.
        """
        try:
            async with self._connected() as remote:
                files = await self._listing(remote)
                if not files:
                    return None
                file = max(files, key=lambda each: (each.modified, each.name))
                raw = await self._fetch(remote, file)
        except FAULTS as error:
            raise ConnectionError(self._told(error)) from error
        if raw is None:
            raise ConnectionError(f"{shown(file.name)} changed while it was fetched")
        return raw, shown(file.name)

    def _told(self, error: Exception) -> str:
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return "the server's host key is not the declared one; nothing was asked of it"
        if isinstance(error, TimeoutError):
            return f"no answer within {self.source.timeout}"
        return _reason(error)

    def _tell_health(self, taken: int) -> None:
        health = self._intake.health.of(self.source.id)
        if self._trouble is not None:
            health.failed(self._clock(), self._trouble)
        elif not taken and self._last_fate == "done":  # else the intake has told how it fared
            health.succeeded(self._clock())

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncssh.SFTPClient]:
        access = self._access
        async with asyncio.timeout(self._timeout):
            connection = await asyncssh.connect(
                access.host,
                access.port,
                username=access.user,
                password=access.password,
                client_keys=[access.key_file] if access.key_file else None,
                known_hosts=([asyncssh.import_public_key(access.host_key)], [], []),
                config=None,
                agent_path=None,
                gss_host=None,
                x509_trusted_certs=None,
                login_timeout=self._timeout,
            )
        try:
            async with asyncio.timeout(self._timeout):
                client = await connection.start_sftp_client(path_errors="surrogateescape")
            yield client
        finally:
            connection.close()
            try:
                async with asyncio.timeout(self._timeout):
                    await connection.wait_closed()
            except (TimeoutError, asyncssh.Error, OSError):
                connection.abort()

    async def _new_files(self, remote: asyncssh.SFTPClient) -> list[_File]:
        """The complete files that were not taken in yet; finishes what is due with the others."""
        now = self._clock()
        files = sorted(await self._listing(remote))
        self._memory.forget_all_but({file.digest for file in files})
        before, self._seen = self._seen, {}
        found: list[_File] = []
        for file in files:
            taken = self._memory.get(file.digest)
            if taken is not None and taken[:2] == file.mark:
                await self._put_away(remote, file, taken.fate)
                continue
            seen = before.get(file.digest)
            if seen is None or seen.mark != file.mark:
                seen = _Seen(file.mark, now)
            self._seen[file.digest] = seen
            if now - seen.since >= self.source.settle:
                found.append(file)
        return found

    async def _listing(self, remote: asyncssh.SFTPClient) -> list[_File]:
        files: list[_File] = []
        names = 0
        async with asyncio.timeout(self._timeout):
            async for entry in remote.scandir(self.source.folder):
                names += 1
                if names > MAX_NAMES:
                    raise ValueError(f"the folder holds more than {MAX_NAMES} names")
                name, attributes = str(entry.filename), entry.attrs
                if self._is_candidate(name) and _is_plain_file(attributes):
                    files.append(_File(name, attributes.size or 0, int(attributes.mtime or 0)))
        return files

    def _is_candidate(self, name: str) -> bool:
        """Whether a name is one plain name, and meant for us."""
        if len(name) > MAX_NAME or not name.isprintable() or "/" in name or "\\" in name:
            return False
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in UNFINISHED):
            return False
        return fnmatch.fnmatchcase(name, self.source.pattern)

    async def _take(self, remote: asyncssh.SFTPClient, file: _File) -> bool:
        """Take one file in; false when it must wait. Only the store's absence stops the round."""
        try:
            raw = await self._fetch(remote, file)
            if raw is None:
                return False
            receipt = await self._intake.take(self.source, raw)
            fate = "done" if receipt.durable or not receipt.rejected else "failed"
        except UnreadableError as error:
            if isinstance(error, _TooLargeError):  # the intake never saw this document
                await self._intake.set_aside(self.source, None, [error.reject])
                self._trouble = f"{shown(file.name)} {error.reject.reason}"
            fate = "failed"
            log.warning("source %s: %s: %s", self.source.id, shown(file.name), error)
        except asyncssh.SFTPNoSuchFile:
            return False  # its producer took it back between the listing and the fetching
        except asyncssh.SFTPError as error:
            self._trouble = f"{shown(file.name)} cannot be fetched: {_reason(error)}"
            return False
        self._last_fate = fate
        self._memory.put(file.digest, Taken(*file.mark, fate))
        await asyncio.to_thread(self._memory.save)
        await self._put_away(remote, file, fate)
        return True

    async def _fetch(self, remote: asyncssh.SFTPClient, file: _File) -> bytes | None:
        """The whole file, or ``None`` when it has changed since it was listed."""
        if file.size > self._max_bytes:
            raise self._too_large(file)
        async with asyncio.timeout(self._timeout):
            opened = await remote.open(self._path(file.name), "rb")
        body = bytearray()
        while len(body) <= self._max_bytes:
            async with asyncio.timeout(self._timeout):
                piece = await opened.read(PIECE)
            assert isinstance(piece, bytes)  # opened as such
            if not piece:
                break
            body += piece
        else:
            raise self._too_large(file)
        async with asyncio.timeout(self._timeout):
            now = await opened.stat()
            await opened.close()  # where this is not reached, the end of the round closes it
        unchanged = (now.size, int(now.mtime or 0)) == file.mark and len(body) == file.size
        return bytes(body) if unchanged else None

    def _too_large(self, file: _File) -> "_TooLargeError":
        return _TooLargeError("file", "size", f"is over {self._max_bytes} bytes")

    async def _put_away(self, remote: asyncssh.SFTPClient, file: _File, fate: str) -> None:
        """Do with a file that was taken in what its owner allows; tried again while it is there.

        What could not be read is never deleted, and another file of its name is none of ours yet:
        there is one where this process paused after the taking in, and whoever took over meanwhile
        was done with the file before its producer wrote the next.
        """
        if self._access.after == "leave":
            return
        try:
            async with asyncio.timeout(self._timeout):
                now = await remote.lstat(self._path(file.name))
                if (now.size, int(now.mtime or 0)) != file.mark:
                    return
                if self._access.after == "delete" and fate == "done":
                    await remote.remove(self._path(file.name))
                else:
                    await self._move(remote, file.name, fate)
        except asyncssh.SFTPNoSuchFile:
            pass  # its owner was quicker
        except asyncssh.SFTPError as error:
            self._trouble = f"{shown(file.name)} cannot be put away: {_reason(error)}"
            return
        # The name is free again: the next file that bears it is another one.
        self._memory.forget(file.digest)
        await asyncio.to_thread(self._memory.save)

    async def _move(self, remote: asyncssh.SFTPClient, name: str, fate: str) -> None:
        try:
            await remote.rename(self._path(name), self._path(f"{fate}/{name}"))
        except asyncssh.SFTPNoSuchFile:  # the name, or the folder to move it to
            if not await remote.exists(self._path(name)):
                raise
            await remote.makedirs(self._path(fate), exist_ok=True)
            await remote.rename(self._path(name), self._path(f"{fate}/{name}"))
        except asyncssh.SFTPFailure:  # as for most servers where the target exists
            stamp = self._clock().strftime("%Y%m%dT%H%M%S%f")
            await remote.rename(self._path(name), self._path(f"{fate}/{stamp}-{name}"))

    def _path(self, name: str) -> str:
        return f"{self.source.folder.rstrip('/')}/{name}"


def _is_plain_file(attributes: asyncssh.SFTPAttrs) -> bool:
    if attributes.permissions is not None:
        return stat.S_ISREG(attributes.permissions)
    return attributes.type == asyncssh.FILEXFER_TYPE_REGULAR


def _reason(error: Exception) -> str:
    """The kind of error and its words, which are the server's and may repeat a name."""
    words = str(error)[:200]
    return f"{type(error).__name__}: {words}" if not holds_cpr(words) else type(error).__name__
