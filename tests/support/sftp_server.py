"""A real SFTP server in this process, over a folder of the test, with faults on demand."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from tests.support.board_model import until

USER, PASSWORD = "akutoverblik", "a-long-password"


def new_key() -> asyncssh.SSHKey:
    """A key pair for a server or a client."""
    return asyncssh.generate_private_key("ssh-ed25519")


def public(key: asyncssh.SSHKey) -> str:
    """The public part, as a sources file declares it."""
    return key.export_public_key().decode().strip()


@dataclass
class SftpHost:
    """One server: its folder, and what it is told to do wrong.

    While `answers` is not set, no request is answered. `unreadable` names files that may not be
    opened, `growing` files that grow as soon as they are opened; in a `frozen` server nothing can
    be moved or removed.
    """

    root: Path
    key: asyncssh.SSHKey = field(default_factory=new_key)
    client_key: asyncssh.SSHKey = field(default_factory=new_key)
    port: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    unreadable: set[str] = field(default_factory=set)
    growing: set[str] = field(default_factory=set)
    frozen: bool = False
    opened: list[str] = field(default_factory=list)
    connections: int = 0
    _acceptor: asyncssh.SSHAcceptor | None = None

    async def up(self) -> None:
        """Listen, on the same port as before."""
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=lambda: _Doorman(self),
            server_host_keys=[self.key],
            sftp_factory=lambda channel: _Files(channel, self),
            reuse_address=True,
        )
        self.port = self._acceptor.get_port()

    async def down(self) -> None:
        """Stop listening."""
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
            self._acceptor = None

    def block(self, folder: Path, **keys: str) -> dict[str, str]:
        """The keys of a source of this server, as TOML values; signs in with its key file."""
        key_file = folder / "id_ed25519"
        self.client_key.write_private_key(key_file)
        return {
            "transport": '"sftp"',
            "host": '"127.0.0.1"',
            "port": str(self.port),
            "user": f'"{USER}"',
            "key_file": f'"{key_file}"',
            "host_key": f'"{public(self.key)}"',
            "folder": '"out"',
            "pattern": '"*.json"',
            "timeout": '"30 s"',
        } | keys


class _Doorman(asyncssh.SSHServer):
    def __init__(self, host: SftpHost) -> None:
        self._host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._host.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.connections -= 1

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key.public_data == self._host.client_key.public_data


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: Any, host: SftpHost) -> None:
        super().__init__(channel, chroot=str(host.root).encode())
        self._host = host

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        await self._host.answers.wait()
        name = Path(path.decode()).name
        self._host.opened.append(name)
        if name in self._host.unreadable:
            raise asyncssh.SFTPPermissionDenied("not for you")
        found: object = super().open(path, pflags, attrs)
        if name in self._host.growing:
            with (self._host.root / path.decode().lstrip("/")).open("ab") as file:
                file.write(b" ")
        return found

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._refuse_if_frozen()
        return super().rename(oldpath, newpath)

    def remove(self, path: bytes) -> Any:
        self._refuse_if_frozen()
        return super().remove(path)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> Any:
        self._refuse_if_frozen()
        return super().mkdir(path, attrs)

    def _refuse_if_frozen(self) -> None:
        if self._host.frozen:
            raise asyncssh.SFTPPermissionDenied("read only")


@asynccontextmanager
async def sftp_host(root: Path) -> AsyncIterator[SftpHost]:
    """A server over `root`, whose folder ``out`` holds the files."""
    (root / "out").mkdir(parents=True)
    host = SftpHost(root)
    host.answers.set()
    await host.up()
    try:
        yield host
    finally:
        host.answers.set()
        await host.down()
        await until(lambda: not host.connections)


@asynccontextmanager
async def silent_port() -> AsyncIterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
