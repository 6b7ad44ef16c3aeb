"""NDJSON: one report a line, each costing at most itself; pushed and polled."""

import asyncio
from pathlib import Path

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.board import Board, EmbeddedServer
from capacity.model import ReportType, UnreadableError
from feeds.formats import ndjson, own_json
from feeds.formats.gathering import MAX_ROWS
from feeds.transports.poll import Poll
from tests.support.feeding import HandClock, intake_over, one_source, report
from tests.support.formats import NOW, faults, mangled, parsed, reads_or_refuses
from tests.support.service import running, settings_for

FORMAT = ndjson.FORMAT


def lines(*reports: object) -> bytes:
    return b"".join(orjson.dumps(each) + b"\n" for each in reports)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=8))
def test_it_says_what_the_same_reports_say_as_one_document(rows: list[tuple[int, bool]]) -> None:
    reports = [report(f"unit-{n}", n, total=-1 if bad else 5) for n, bad in rows]
    alone, together = (
        parsed(FORMAT, lines(*reports)),
        parsed(own_json.FORMAT, orjson.dumps(reports)),
    )
    assert alone.reports == together.reports
    assert [r.field for r in alone.rejects] == [r.field for r in together.rejects]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_bad_line_costs_itself_and_is_named(end: bytes, mark: bytes) -> None:
    good = orjson.dumps(report())
    raw = mark + end.join((good, b"", b"{oops", b"[1]", b"   ", b"\xff", good, good[:20]))
    batch = parsed(FORMAT, raw)
    assert batch.places == ("line 1", "line 7")
    assert faults(batch) == [
        ("line 3", "line"), ("line 4", "report"), ("line 6", "line"), ("line 8", "line"),
    ]  # fmt: skip
    assert "cut off" in batch.rejects[-1].reason
    assert "cut off" not in batch.rejects[0].reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\n", "empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xff\xfe{\0}\0", "UTF-16"),
        (b"{\n'a\n", "no line of it is JSON"),
        (b"{}\n\0", "NUL"),
        (b'1\n' + b"\n" * ndjson.MAX_LINES, "lines"),
        (b"1\n" * (MAX_ROWS + 1), "rows"),
    ],
)  # fmt: skip
def test_what_is_no_ndjson_is_refused_whole(raw: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        parsed(FORMAT, raw)


def test_zone_and_types_come_from_the_mapping() -> None:
    raw = lines({"unit": "T", "observed_at": "2026-11-22T12:30:00", "on_duty": True})
    mapping = {"timezone": "Europe/Copenhagen", "types": {"T": "team"}}
    (found,) = parsed(FORMAT, raw, mapping).reports
    assert found.type is ReportType.TEAM
    assert found.observed_at.isoformat() == "2026-11-22T11:30:00+00:00"
    assert faults(parsed(FORMAT, raw)) == [("line 1", "on_duty")]


@given(mangled(lines(report(), report("b", None), report("c", note="x")), b'{"unit":1}\n[]\n'))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reads_or_refuses(FORMAT, raw)


def test_what_the_program_prints_of_any_format_can_be_read_again() -> None:
    found = ["occupied_over_total"]
    told = {"unit": "a", "type": "load", "observed_at": "2026-03-02T07:15:00Z", "total": 7,
            "staffed": None, "occupied": 11, "free": 0, "capabilities_off": [], "closure": None,
            "waiting": None, "inconsistencies": found}  # fmt: skip
    batch = FORMAT.parse(lines(told), FORMAT.read_mapping({}), NOW)
    (report_again,) = batch.reports
    assert [each.value for each in report_again.inconsistencies] == found
    for wrong in (["made up"], found[0], [120499], None):
        batch = FORMAT.parse(lines(told | {"inconsistencies": wrong}), FORMAT.read_mapping({}), NOW)
        assert [reject.field for reject in batch.rejects] == ["inconsistencies"], wrong


async def test_it_is_pushed_by_its_media_type(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(
        '[[source]]\nid = "lines"\ncluster = "randers"\nformat = "ndjson"\ntransport = "push"\n'
        'attribution = "test"\nunits = ["favrskov-akutplads", "norddjurs-akutplads"]\n'
    )
    settings = settings_for(tmp_path / "data", valkey_server.url, sources)
    async with running(settings, clock=lambda: NOW) as service:
        key = service.key_for("lines")
        body = lines(report(), {"unit": 1}, report("norddjurs-akutplads", 2))
        answer = await service.push("lines", body, key=key, media="application/x-ndjson")
        assert answer.status_code == 200
        assert answer.json()["accepted"] == 2
        assert answer.json()["rejected"][0]["where"] == "line 2"
        useless = await service.push("lines", b"{}\n", key=key, media="application/x-ndjson")
        assert useless.status_code == 422
        wrong = await service.push("lines", body, key=key, media="application/json")
        assert wrong.status_code == 415


async def test_it_is_polled_as_a_document(board: Board, tmp_path: Path) -> None:
    body = lines(report(), report("norddjurs-akutplads", 2))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)
        writer.close()

    clock = HandClock()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    keys = {"format": '"ndjson"', "transport": '"poll"', "url": f'"http://127.0.0.1:{port}/"'}
    async with server, httpx.AsyncClient(timeout=30) as client:
        source = one_source(tmp_path, **keys)
        receipt = await Poll(source, client, intake_over(board, clock), clock, 5_000).once()
    assert receipt is not None
    assert receipt.accepted == 2
