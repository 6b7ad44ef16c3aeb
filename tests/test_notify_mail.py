"""Reminders by e-mail, handed to real mail servers."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capacity.catalogue import builtin_catalogue
from capacity.reminders import Channel, Figure, Reminding
from tests.support.mail_server import dribbling_server, mail_server, make_tls
from tests.support.stopwatch import stopwatch
from web.notify.mail import (
    Mailer,
    MailServer,
    is_mail_address,
    read_mail_server,
    reminder_mail,
)
from web.notify.tally import Fate

SENDER = "akutoverblik@example.org"
OBSERVED = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
FIGURE = Figure(OBSERVED, OBSERVED + timedelta(hours=2), OBSERVED + timedelta(hours=4))
DUE = FIGURE.stale_at - timedelta(minutes=15)
UNIT = replace(
    builtin_catalogue().units["randers-akutplads-1"],
    remind=Reminding((Channel.MAIL,), timedelta(minutes=15), 4, mail="akutplads@example.org"),
)
MAIL = reminder_mail(UNIT, FIGURE, DUE, SENDER, "https://akut.example.org/")


def at(port: int, scheme: str = "smtp+plain", user: str | None = None) -> MailServer:
    return MailServer(scheme, "127.0.0.1", port, SENDER, user, "pass word" if user else None)


def test_what_a_reminder_says() -> None:
    assert MAIL["To"] == "akutplads@example.org"
    assert MAIL["From"] == SENDER
    assert MAIL["Subject"] == "Er tallet stadig rigtigt? Akutpladser Randers Nord"
    assert MAIL["Auto-Submitted"] == "auto-generated"
    text = MAIL.get_content()
    assert "er fra 24. november 2026 kl. 14.00 og forældes 24. november 2026 kl. 18.00" in text
    assert "Her: https://akut.example.org/unit/randers-akutplads-1\n" in text


def test_a_reminder_that_comes_late_says_so() -> None:
    late = reminder_mail(UNIT, FIGURE, FIGURE.stale_at, SENDER, None)
    assert "har været forældede siden" in late.get_content()
    assert "Her:" not in late.get_content()
    assert late["Message-ID"] == MAIL["Message-ID"]  # still of the same figure


def test_a_name_cannot_add_a_header() -> None:
    mail = reminder_mail(replace(UNIT, name="A\nBcc: x@y.z"), FIGURE, DUE, SENDER, None)
    assert mail["Bcc"] is None
    assert mail["Subject"].endswith("A Bcc: x@y.z")


async def test_a_message_arrives() -> None:
    async with mail_server() as box:
        assert await Mailer(at(box.port)).send(MAIL) is Fate.SENT
    (mail,) = box.mails
    assert mail["Subject"] == MAIL["Subject"]
    assert mail.get_content().splitlines() == MAIL.get_content().splitlines()
    assert box.envelopes == [(SENDER, ["akutplads@example.org"])]


@pytest.mark.parametrize(("scheme", "from_the_start"), [("smtp", False), ("smtps", True)])
async def test_a_message_arrives_over_tls_with_a_password(
    scheme: str, from_the_start: bool, tmp_path: Path
) -> None:
    tls = make_tls(tmp_path)
    async with mail_server(tls=tls.server, from_the_start=from_the_start) as box:
        mailer = Mailer(at(box.port, scheme, "unit"), tls=tls.client)
        assert await mailer.send(MAIL) is Fate.SENT
    assert box.signed_in == [("unit", "pass word")]
    assert len(box.mails) == 1


@pytest.mark.parametrize(("scheme", "from_the_start"), [("smtp", False), ("smtps", True)])
async def test_a_server_with_anothers_certificate_gets_nothing(
    scheme: str, from_the_start: bool, tmp_path: Path
) -> None:
    tls = make_tls(tmp_path, "mail.example.org")
    async with mail_server(tls=tls.server, from_the_start=from_the_start) as box:
        mailer = Mailer(at(box.port, scheme, "unit"), tls=tls.client)
        assert await mailer.send(MAIL) is Fate.LATER
    assert box.signed_in == []
    assert box.mails == []


async def test_a_server_without_starttls_gets_nothing() -> None:
    async with mail_server() as box:
        assert await Mailer(at(box.port, "smtp", "unit")).send(MAIL) is Fate.REFUSED
    assert box.signed_in == []
    assert box.mails == []


@pytest.mark.parametrize(
    ("answer", "fate"),
    [("451 not now", Fate.LATER), ("550 never", Fate.REFUSED), ("421 closing", Fate.LATER)],
)
async def test_what_a_servers_refusal_means(answer: str, fate: Fate) -> None:
    async with mail_server() as box:
        box.answers = [answer]
        assert await Mailer(at(box.port)).send(MAIL) is fate


async def test_no_server_is_a_reason_to_try_again(unused_tcp_port: int) -> None:
    assert await Mailer(at(unused_tcp_port)).send(MAIL) is Fate.LATER


async def test_a_server_that_dribbles_is_cut_off() -> None:
    """Each letter comes within every time-out of the socket; the whole must end all the same."""
    async with dribbling_server() as port:
        mailer = Mailer(at(port), seconds=0.7)
        with stopwatch() as watch:
            assert await mailer.send(MAIL) is Fate.LATER
            assert watch.seconds < 2
            assert mailer._thread is not None
            async with asyncio.timeout(30):  # and its thread ends too, so the next one can go
                assert await mailer._thread is Fate.LATER
        assert watch.seconds < 4


async def test_the_event_loop_goes_on_meanwhile() -> None:
    async with dribbling_server() as port:
        sending = asyncio.create_task(Mailer(at(port), seconds=0.7).send(MAIL))
        turns = 0
        while not sending.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 20


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://u%40x:p%3Aq@mail.example.org", ("smtps", 465, "u@x", "p:q")),
        ("smtp://mail.example.org:2525/", ("smtp", 2525, None, None)),
        ("smtp+plain://relay", ("smtp+plain", 25, None, None)),
    ],
)
def test_the_address_of_a_mail_server(
    url: str, server: tuple[str, int, str | None, str | None]
) -> None:
    read = read_mail_server(url, SENDER)
    assert (read.scheme, read.port, read.user, read.password) == server
    assert "p:q" not in repr(read)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org", "https://mail.example.org", "smtps://", "smtps://host:port",
        "smtps://host/path", "smtp+plain://u:secret@relay", "smtps://[host",
    ],
)  # fmt: skip
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(is no|has a) ") as refused:
        read_mail_server(url, SENDER)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("sender", [None, "nobody", "a@b@c.dk", "a@b.dk\nBcc: x@y.z"])
def test_mail_needs_a_sender(sender: str | None) -> None:
    with pytest.raises(ValueError, match="AKUTOVERBLIK_MAIL_FROM"):
        read_mail_server("smtps://mail.example.org", sender)
    assert sender is None or not is_mail_address(sender)
