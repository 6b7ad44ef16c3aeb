"""Mail servers on the loopback address: a real one, and one that says a letter at a time."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Mailbox:
    """What was handed over; `answers` are given first, one for each message, then all are taken."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str | None, list[str]]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    signed_in: list[tuple[str, str]] = field(default_factory=list)
    connections: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a message, or answer as told."""
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return "250 OK"

    def authenticate(self, *given: Any) -> AuthResult:
        """Take any name and password, and note them."""
        data = given[-1]
        assert isinstance(data, LoginPassword)
        self.signed_in.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)


@dataclass(frozen=True)
class Tls:
    """A certificate for 127.0.0.1, and who trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def make_tls(folder: Path, name: str = "127.0.0.1") -> Tls:
    """A certificate of our own for the loopback address (or, to be wrong, for another name)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    known = x509.IPAddress(IPv4Address(name)) if name[0].isdigit() else x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([known]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(path)
    return Tls(server, ssl.create_default_context(cafile=str(path)))


@asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, from_the_start: bool = False
) -> AsyncIterator[Mailbox]:
    """Run a mail server: plain, with STARTTLS when `tls` is given, or with TLS from the start."""
    box = Mailbox()
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        box.connections += 1
        return SMTP(
            box,
            hostname="test",
            tls_context=None if from_the_start else tls,
            require_starttls=tls is not None and not from_the_start,
            authenticator=box.authenticate,
            auth_require_tls=not from_the_start,
            loop=loop,
        )

    server = await loop.create_server(session, "127.0.0.1", 0, ssl=tls if from_the_start else None)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


@asynccontextmanager
async def dribbling_server() -> AsyncIterator[int]:
    """A server whose greeting never ends: one letter each tenth of a second. Gives its port."""
    ended = asyncio.Event()
    greeting: set[asyncio.Task[None] | None] = set()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting.add(asyncio.current_task())
        try:
            writer.write(b"220 ")
            while not ended.is_set():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.1)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        ended.set()
        await asyncio.gather(*filter(None, greeting))
        server.close()
