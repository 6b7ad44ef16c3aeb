"""docs/feeds.md says what is: its examples are pasted into a shell, against the real service."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from capacity.board import Board, EmbeddedServer
from capacity.catalogue import builtin_catalogue
from capacity.instants import format_instant, utc_now
from feeds.formats import format_names
from feeds.sources import load_sources
from tests.support.installed import ROOT
from tests.support.service import Service, running, settings_for
from web.cli import _parser

TEXT = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
TRY = ROOT / "docs" / "feeds-try.toml"
FORMATS = re.findall(r"^### (\w+)$", TEXT, re.MULTILINE)


@pytest.fixture
async def service(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Service]:
    async with running(settings_for(tmp_path / "data", valkey_server.url, TRY)) as service:
        yield service


def example(name: str) -> str:
    """The shell example of one format."""
    section = TEXT.partition(f"\n### {name}\n")[2].partition("\n#")[0]
    (script,) = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(script)


def test_every_format_has_an_example_and_a_source_to_try_it_on() -> None:
    assert set(FORMATS) == set(format_names())
    sources = load_sources([TRY], builtin_catalogue(), {})
    assert set(sources) == {f"try-{name}" for name in FORMATS}
    assert {source.format.name for source in sources.values()} == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
async def test_the_examples_are_taken(service: Service, tmp_path: Path, name: str) -> None:
    assert shutil.which("curl"), "the examples are for curl"
    keys = tmp_path / ".demo" / "keys"
    keys.mkdir(parents=True)
    (keys / f"try-{name}").write_text(service.key_for(f"try-{name}") + "\n", encoding="utf-8")
    script = example(name).replace("http://127.0.0.1:8000", service.base)
    process = await asyncio.create_subprocess_exec(
        "bash", "-ec", script, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    answer = json.loads(out)
    assert answer["rejected"] == []
    assert answer["accepted"] >= 1, answer
    units = service.services.sources[f"try-{name}"].units.values()
    rows = await service.rows("randers")
    assert all(rows[unit.id]["source"] == f"try-{name}" for unit in units)


def at(**ago: float) -> str:
    return format_instant(utc_now() - timedelta(**ago)) or ""


GOOD: dict[str, Any] = {"unit": "favrskov-akutplads", "total": 2}
BAD: list[tuple[dict[str, Any] | bytes, str]] = [
    ({"observed_at": None}, "is missing"),
    ({"total": -1}, "is negative"),
    ({"total": 2.5}, "is not a whole number"),
    ({"total": 100_001}, "is over 100000, which no unit has"),
    ({"colour": "red"}, "is no field of a place report"),
    ({"unit": "nowhere"}, "is not among the units that this source may report"),
    ({"unit": "randers-akutplads-1"}, "belongs to another source"),
    ({"type": "load"}, "is load, but favrskov-akutplads takes place reports"),
    ({"capabilities_off": ["flying"]}, "names a capability that the unit does not have"),
    ({"observed_at": "yesterday"}, "not an ISO 8601 date and time"),
    ({"observed_at": "2026-03-02T08:15:00"}, "no offset, and the source declares no time zone"),
    ({"observed_at": "2099-01-01T00:00:00Z"}, "lies more than two minutes in the future"),
    (
        {"note": "010170-1234"},
        "holds what looks like a CPR number; person numbers are never accepted",
    ),
    (b'{"reports": [', "is not valid JSON in UTF-8 (line 1, column 14)"),
    (b"<html>", "is a web page (HTML), not JSON"),
    (b"", "is empty"),
    ("{}".encode("utf-16"), "is UTF-16, which is not accepted; send UTF-8"),
    (b"{}\0", "holds NUL bytes: it is damaged, or no text in UTF-8"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=[reason[:30] for _, reason in BAD])
async def test_the_reasons_are_those_that_are_told(
    service: Service, bad: dict[str, Any] | bytes, reason: str
) -> None:
    body = bad if isinstance(bad, bytes) else orjson.dumps([GOOD | {"observed_at": at()} | bad])
    answer = await service.push("try-json", body, key=service.key_for("try-json"))
    assert answer.status_code == 422
    (reject,) = answer.json()["rejected"]
    assert reject["reason"] == reason
    assert told(reason), reason


def told(reason: str) -> bool:
    """Whether the document's table has a reason; an ellipsis there stands for anything."""
    table = TEXT.partition("## Reasons you may meet")[2].partition("\n## ")[0]
    written = re.findall(r"`([^`]+)`", "".join(row.split("|")[1] for row in table.splitlines()
                                               if row.startswith("|")))  # fmt: skip
    plain = re.sub(r"line \d+, column \d+", "line 3, column 7", reason)
    return any(re.fullmatch(".*".join(map(re.escape, text.split("…"))), plain) for text in written)


async def test_statuses_are_those_of_the_api(service: Service) -> None:
    schema = (await service.client.get("/api/openapi.json")).json()
    answers = schema["paths"]["/api/v1/feeds/{source}"]["post"]["responses"]
    table = TEXT.partition("| status |")[2].partition("\n\n")[0]
    documented = set(re.findall(r"^\| (\d{3}) \|", table, re.MULTILINE))
    assert set(answers) <= documented


def test_commands_exist() -> None:
    fenced = re.findall(r"^(akutoverblik .*)$", TEXT, re.MULTILINE)
    inline = re.findall(r"`(akutoverblik [^`]+)`", TEXT)
    assert len(fenced) >= 5
    for line in fenced + inline:
        words = line.partition("#")[0].replace("KIND", "source").split()
        _parser().parse_args(words[1:])


def test_the_block_is_a_source(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    path = tmp_path / "mine.toml"
    path.write_text(block, encoding="utf-8")
    (source,) = load_sources([path], builtin_catalogue(), {}).values()
    assert (source.id, source.format.name) == ("min-kommune", "csv")
