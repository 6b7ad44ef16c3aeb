"""What a unit may choose in the catalogue about reminders."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.config_file import ConfigError
from capacity.reminders import Channel, Quiet, Reminding
from tests.support.small_catalogue import HEAD, unit_block


def chosen(remind: str, folder: Path) -> Reminding | None:
    path = folder / "mine.toml"
    path.write_text(HEAD + unit_block("u-1", "randers", more=remind), encoding="utf-8")
    return load_catalogue([path]).units["u-1"].remind


def test_nobody_is_reminded_who_did_not_choose_it(tmp_path: Path) -> None:
    assert chosen("", tmp_path) is None
    assert all(unit.remind is None for unit in builtin_catalogue().units.values())


def test_what_is_left_out(tmp_path: Path) -> None:
    assert chosen('remind = { by = ["push"] }', tmp_path) == Reminding(
        (Channel.PUSH,), timedelta(minutes=15), 4
    )


def test_all_that_can_be_chosen(tmp_path: Path) -> None:
    remind = """remind = { by = ["push", "mail", "webhook"], mail = "akutplads@example.org", \
webhook = "https://hooks.example.org:8443/a?b=c", before = "30 min", quiet = "22:30-06:15", \
at_most = 2 }"""
    assert chosen(remind, tmp_path) == Reminding(
        (Channel.PUSH, Channel.MAIL, Channel.WEBHOOK),
        timedelta(minutes=30),
        2,
        Quiet(time(22, 30), time(6, 15)),
        "akutplads@example.org",
        "https://hooks.example.org:8443/a?b=c",
    )


@pytest.mark.parametrize(
    ("remind", "field"),
    [
        ("{ }", "by"),
        ("{ by = [] }", "by"),
        ('{ by = ["pigeon"] }', "by"),
        ('{ by = ["push", "push"] }', "by"),
        ('{ by = ["mail"] }', "remind"),
        ('{ by = ["webhook"] }', "remind"),
        ('{ by = ["push"], mail = "a@example.org" }', "remind"),
        ('{ by = ["push"], webhook = "https://example.org" }', "remind"),
        ('{ by = ["mail"], mail = "nobody" }', "mail"),
        ('{ by = ["mail"], mail = "a@example.org, b@example.org" }', "mail"),
        ('{ by = ["mail"], mail = "a@example.org\\\\nBcc: b@example.org" }', "mail"),
        ('{ by = ["webhook"], webhook = "ftp://example.org/x" }', "webhook"),
        ('{ by = ["webhook"], webhook = "https://user:pass@example.org/x" }', "webhook"),
        ('{ by = ["push"], before = "0 min" }', "before"),
        ('{ by = ["push"], before = 15 }', "before"),
        ('{ by = ["push"], quiet = "22-06" }', "quiet"),
        ('{ by = ["push"], quiet = "06:00-06:00" }', "remind"),
        ('{ by = ["push"], at_most = 0 }', "at_most"),
        ('{ by = ["push"], at_most = 25 }', "at_most"),
        ('{ by = ["push"], often = true }', "often"),
    ],
)
def test_what_cannot_be_chosen_is_named(remind: str, field: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        chosen(f"remind = {remind}", tmp_path)
    assert field in refused.value.field
    assert "mine.toml:" in str(refused.value)


def test_a_person_number_in_an_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="person numbers"):
        chosen('remind = { by = ["mail"], mail = "010190-1234@example.org" }', tmp_path)
