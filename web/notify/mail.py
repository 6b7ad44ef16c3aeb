"""Reminders by e-mail: one message over SMTP, in a thread, within a time.

Python's SMTP client waits for each word of the server separately, so that a server which answers
a letter at a time could hold it for ever: when the time is over its socket is shut from outside.
"""

import asyncio
import contextlib
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from urllib.parse import quote, unquote, urlsplit

from capacity.reminders import Figure
from capacity.units import Unit
from web.notify.tally import Fate
from web.pages.times import full
from web.words import Words

SECONDS = 15.0
"""How long one message may take from the first word to the last."""
_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_GREETING = 220
_MAY_PASS = range(400, 500)
"""SMTP's answers that say: not now."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, and from whom; see `read_mail_server`."""

    scheme: str
    host: str
    port: int
    sender: str
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


def read_mail_server(url: str, sender: str | None) -> MailServer:
    """A server from its address; `ValueError`, which never repeats it, when it is none.

    ``smtps://USER:PASSWORD@HOST:465`` speaks TLS from the start, ``smtp://`` must change to TLS
    (STARTTLS) before anything is said, ``smtp+plain://`` does without: for a relay on the same
    machine or network, and never with a password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if host is None or parts.scheme not in _PORTS or parts.path not in ("", "/"):
        raise ValueError("is no smtps://, smtp:// or smtp+plain:// address of a mail server")
    if parts.scheme == "smtp+plain" and parts.username is not None:
        raise ValueError("has a password that would be sent without encryption")
    if sender is None or not is_mail_address(sender):
        raise ValueError("needs AKUTOVERBLIK_MAIL_FROM, the address that mail comes from")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return MailServer(parts.scheme, host, port or _PORTS[parts.scheme], sender, user, password)


def is_mail_address(text: str) -> bool:
    """Whether `text` is one plain e-mail address."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def reminder_mail(
    unit: Unit, figure: Figure, now: datetime, sender: str, public_url: str | None
) -> EmailMessage:
    """The reminder as a message to the unit's own address, in Danish.

    Its id is the same however often it is tried, so that a server may see that it had it.
    """
    assert unit.remind is not None
    assert unit.remind.mail is not None
    words = Words("da")
    name = " ".join(unit.name.split())
    times = {"observed": full(words, figure.observed_at), "stale": full(words, figure.stale_at)}
    text = "mail_stale" if now >= figure.stale_at else "mail_due"
    lines = [words.text(text, name=name, **times), words.text("mail_act")]
    if public_url is not None:
        url = f"{public_url.rstrip('/')}/unit/{quote(unit.id)}"
        lines.append(words.text("mail_link", url=url))
    mail = EmailMessage()
    mail["Subject"] = words.text("mail_subject", name=name)
    mail["From"] = sender
    mail["To"] = unit.remind.mail
    mail["Date"] = format_datetime(now)
    identity = sha256(f"{unit.id} {figure.observed_at.isoformat()}".encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{identity}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join((*lines, words.text("mail_about"))) + "\n")
    return mail


class Mailer:
    """Hands messages to one mail server, one at a time."""

    def __init__(
        self, server: MailServer, *, seconds: float = SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        self.server = server
        self._seconds = seconds
        self._tls = tls or ssl.create_default_context()
        self._turn = asyncio.Lock()
        self._thread: asyncio.Future[Fate] | None = None

    async def send(self, mail: EmailMessage) -> Fate:
        """Hand one message over; waiting for one's turn counts."""
        delivery = _Delivery(self.server, self._tls, self._seconds)
        try:
            async with asyncio.timeout(self._seconds), self._turn:
                if self._thread is not None and not self._thread.done():
                    return Fate.LATER  # the one before is stuck where nothing can be cut
                self._thread = asyncio.ensure_future(asyncio.to_thread(delivery.run, mail))
                return await asyncio.shield(self._thread)
        except TimeoutError:
            return Fate.LATER
        finally:
            delivery.cut()


class _Delivery:
    """One conversation with a mail server; `cut` ends it from another thread."""

    def __init__(self, server: MailServer, tls: ssl.SSLContext, seconds: float) -> None:
        self._server = server
        self._tls = tls
        self._is_cut = False
        # Not connected yet: a client that connects as it is made could not be cut before it
        # has been greeted. It then has to be told the host, which it holds certificates against.
        name = server.sender.rpartition("@")[2]
        if server.scheme == "smtps":
            self._client: smtplib.SMTP = smtplib.SMTP_SSL(
                local_hostname=name, timeout=seconds, context=tls
            )
        else:
            self._client = smtplib.SMTP(local_hostname=name, timeout=seconds)
        self._client._host = server.host  # type: ignore[attr-defined]

    def run(self, mail: EmailMessage) -> Fate:
        """Say everything there is to say; any fault of the network is `LATER`."""
        try:
            self._connect()
            self._client.send_message(mail)
        except smtplib.SMTPResponseException as error:
            return Fate.LATER if error.smtp_code in _MAY_PASS else Fate.REFUSED
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return Fate.LATER if all(code in _MAY_PASS for code in codes) else Fate.REFUSED
        except smtplib.SMTPNotSupportedError:
            return Fate.REFUSED  # no encryption, or no sign-in, where it must be
        except (OSError, smtplib.SMTPException):
            return Fate.LATER
        finally:
            self._leave()
        return Fate.SENT

    def cut(self) -> None:
        """Make whatever still waits for the server fail at once."""
        self._is_cut = True
        held = self._client.sock
        if held is not None:
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> None:
        server, client = self._server, self._client
        code, words = client.connect(server.host, server.port)
        if code != _GREETING:
            raise smtplib.SMTPConnectError(code, words)
        if server.scheme == "smtp":
            client.starttls(context=self._tls)
        if server.user is not None:
            client.login(server.user, server.password or "")
        if self._is_cut:
            raise TimeoutError("cut while connecting")

    def _leave(self) -> None:
        """The message is handed over, or not, whatever the server says to a good-bye."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._client.quit()
        self._client.close()
