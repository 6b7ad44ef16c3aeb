"""HL7 v2 over TCP: acknowledged once durable, never before, whatever sender and store do."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from capacity.board import Board, EmbeddedServer, Leases
from capacity.config_file import ConfigError
from capacity.instants import utc_now
from capacity.model import Reject
from feeds.formats.hl7v2_message import Header, read_header
from feeds.intake import Intake
from feeds.runner import FeedRunner
from feeds.sources import Transport
from feeds.transports import mllp
from feeds.transports.mllp import MllpServer
from feeds.transports.mllp_answers import acknowledgement, code_of
from feeds.transports.mllp_frames import MAX_NOISE, framed
from tests.support.board_model import until
from tests.support.feeding import CATALOGUE, START, HandClock, one_source
from tests.support.hl7 import CPR, PATIENT, adt
from tests.support.mllp import LIMIT, UNIT, connected, listening, message, occupied
from tests.support.stopwatch import stopwatch


async def test_a_message_is_acknowledged_once_it_is_durable(board: Board, tmp_path: Path) -> None:
    async with listening(board, tmp_path) as server, connected(server) as sender:
        await sender.send(framed(message()))
        answer = await sender.answer()
        assert answer["MSA"] == ["MSA", "AA", "M1"]
        assert answer["MSH"][2:6] == ["AKUT", "RANDERS", "PAS", "RHR"]
        assert answer["MSH"][8] == "ACK^A01^ACK"
        assert answer["MSH"][10:12] == ["P", "2.5"]
        assert await occupied(board) == 6
        await sender.send(framed(message()))
        assert await sender.code() == ("AA", "M1")
        await sender.send(framed(message(2, "A08")))
        assert await sender.code() == ("AA", "M2")
        assert await occupied(board) == 6


@pytest.mark.parametrize(
    ("raw", "code", "field"),
    [
        (message(event="A99"), "AR", "MSH-9"),
        (message(msh_9="ORU^R01"), "AR", "MSH-9"),
        (message(msh_3="ANDEN"), "AR", "MSH-3"),
        (message(msh_11="T"), "AR", "MSH-11"),
        (b"MSH", "AR", "MSH-1"),
        (message() + message(2), "AR", "MSH-1"),
        (message(ward=""), "AE", "PV1-3"),
        (message(ward="Z9"), "AE", "unit"),
        (message(pv1="PV1|"), "AE", "PV1-3"),
        (adt(at="20269122").encode(), "AE", "EVN-2"),
        (b"hello", "AE", "MSH"),
        (b"", "AE", "document"),
    ],
)
async def test_what_cannot_be_used_is_answered_with_the_field(
    board: Board, tmp_path: Path, raw: bytes, code: str, field: str
) -> None:
    mapping = '{ sending_applications = ["PAS"], processing_ids = ["P"] }'
    async with listening(board, tmp_path, mapping=mapping) as server, connected(server) as sender:
        await sender.send(framed(raw))
        answer = await sender.answer()
        assert answer["MSA"][1] == code
        assert field in answer["MSA"][3]
        segment, _, number = field.partition("-")
        assert answer["ERR"][2] == (f"{segment}^1^{number}" if number else "")
        assert answer["ERR"][4] == "E"
        await sender.send(framed(message(9)))
        assert await sender.code() == ("AA", "M9")
        assert await occupied(board) == 6


async def test_answers_and_logs_name_nobody(
    board: Board, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bad = (
        message(msh_10=CPR),
        message(event="A99"),
        message(ward=CPR),
        adt(at=CPR).encode(),
        f"{PATIENT} {CPR}".encode(),
        f"MSH|^~\\&|{CPR}|{PATIENT} {CPR}".encode(),
    )
    async with listening(board, tmp_path) as server, connected(server) as sender:
        for raw in bad:
            await sender.send(framed(raw))
            answer = str(await sender.answer())
            assert CPR not in answer
            assert PATIENT not in answer
    assert CPR not in caplog.text
    assert PATIENT not in caplog.text


async def test_messages_in_pieces_in_heaps_and_in_noise(board: Board, tmp_path: Path) -> None:
    async with listening(board, tmp_path) as server, connected(server) as sender:
        for byte in framed(message(1)):
            await sender.send(bytes((byte,)))
            await asyncio.sleep(0)  # the server's turn
        assert await sender.code() == ("AA", "M1")
        await sender.send(b"\r\nnoise\x1c" + framed(message(2)) + b"\r\r" + framed(message(3)))
        assert [await sender.code(), await sender.code()] == [("AA", "M2"), ("AA", "M3")]
        half = framed(message(4))[:100]
        await sender.send(half + framed(message(5)))
        assert await sender.code() == ("AA", "M5")
        many = b"".join(framed(message(n)) for n in range(10, 40))
        await sender.send(many + framed(message(40))[:50])
        assert [await sender.code() for _ in range(30)] == [("AA", f"M{n}") for n in range(10, 40)]
        await sender.send(framed(message(40))[50:])
        assert await sender.code() == ("AA", "M40")
        assert await occupied(board) == 5 + 4 + 31


async def test_a_message_that_is_too_long_is_refused(board: Board, tmp_path: Path) -> None:
    async with listening(board, tmp_path) as server:
        async with connected(server) as sender:
            await sender.send(framed(message(1, pv1="PV1|1|I|A1" + "|" * LIMIT)))
            answer = await sender.answer()
            assert answer["MSA"][1:3] == ["AR", "M1"]
            assert "20000 bytes" in answer["MSA"][3]
            assert await sender.is_closed()
        assert "20000 bytes" in str(server._intake.health.of("s").last_error)
        async with connected(server) as sender:
            await sender.send(framed(message(2)))
            assert await sender.code() == ("AA", "M2")


async def test_what_is_not_mllp_is_cut_off(board: Board, tmp_path: Path) -> None:
    async with listening(board, tmp_path) as server, connected(server) as sender:
        await sender.send(b"GET / HTTP/1.1\r\n" * (MAX_NOISE // 16 + 1))
        assert await sender.is_closed()


async def test_the_silent_and_the_slow_are_let_go(
    board: Board, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with (
        listening(board, tmp_path, idle='"1 s"', message_seconds=0.3) as server,
        connected(server) as silent,
        connected(server) as slow,
    ):
        await slow.send(framed(message(1)) + framed(message(2))[:60])
        assert await slow.code() == ("AA", "M1")
        with stopwatch() as watch:
            assert await slow.is_closed()
            assert await silent.is_closed()
        assert watch.seconds < 5
    assert "TimeoutError" in caplog.text


async def test_connections_are_limited_and_given_back(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mllp, "MAX_CONNECTIONS", 2)
    async with listening(board, tmp_path) as server:
        async with connected(server) as first, connected(server) as second:
            for number, sender in enumerate((first, second)):
                await sender.send(framed(message(number)))
                assert await sender.code() == ("AA", f"M{number}")
            async with connected(server) as third:
                assert await third.is_closed()
        await until(lambda: not server._connections)
        async with connected(server) as sender:
            await sender.send(framed(message(7)))
            assert await sender.code() == ("AA", "M7")


async def test_a_sender_that_goes_in_the_middle_harms_nobody(board: Board, tmp_path: Path) -> None:
    async with listening(board, tmp_path) as server:
        async with connected(server) as gone:
            await gone.send(framed(message(1)) + framed(message(2))[:-10])
            assert await gone.code() == ("AA", "M1")
        async with connected(server) as sender:
            await sender.send(framed(message(2)))
            assert await sender.code() == ("AA", "M2")
            assert await occupied(board) == 7


async def test_stopping_answers_what_is_under_way(board: Board, tmp_path: Path) -> None:
    async with listening(board, tmp_path) as server, connected(server) as sender:
        await sender.send(framed(message(1)))
        assert await sender.code() == ("AA", "M1")
        port = server.port
        with stopwatch() as watch:
            await server.stop()
        assert watch.seconds < 4
        assert await sender.is_closed()
        await server.start()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_that_cannot_be_had_is_told_and_tried_again(
    board: Board, tmp_path: Path
) -> None:
    async with listening(board, tmp_path) as server:
        assert server.source.mllp is not None
        taken = replace(server.source, mllp=replace(server.source.mllp, port=server.port))
        second = MllpServer(taken, server._intake, HandClock(), LIMIT)
        await second.start()
        assert "cannot listen" in str(server._intake.health.of("s").last_error)
        await server.stop()
        await second.start()
        async with connected(second) as sender:
            await sender.send(framed(message(1)))
            assert await sender.code() == ("AA", "M1")
        await second.start()
        await second.stop()
        await MllpServer(taken, server._intake, HandClock(), LIMIT).stop()


async def test_the_runner_listens_and_stops(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    async with listening(board, tmp_path) as free:
        port = free.port
    assert free.source.mllp is not None
    source = replace(free.source, mllp=replace(free.source.mllp, port=port))
    intake = Intake(board, CATALOGUE, utc_now)  # the schedule goes by the real time
    leases = Leases(valkey_server.url)
    runner = FeedRunner(
        board, CATALOGUE, {"s": source}, intake, tmp_path, utc_now, max_bytes=LIMIT, leases=leases
    )
    runner.start()
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)
        writer.close()
    finally:
        await runner.stop()
        await leases.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_a_source_says_where_to_listen(tmp_path: Path) -> None:
    block = {"transport": '"mllp"', "format": '"hl7v2"', "units": f'{{ A1 = "{UNIT}" }}'}
    source = one_source(tmp_path, **block, port="2575")
    assert source.transport is Transport.MLLP
    assert source.mllp is not None
    assert (source.mllp.host, source.mllp.port) == ("127.0.0.1", 2575)
    assert source.mllp.idle == timedelta(hours=1)
    wide = one_source(tmp_path, **block, port="2575", host='"0.0.0.0"', idle='"5 min"')
    assert wide.mllp is not None
    assert (wide.mllp.host, wide.mllp.idle) == ("0.0.0.0", timedelta(minutes=5))
    with pytest.raises(ConfigError, match="needs a port"):
        one_source(tmp_path, **block)
    with pytest.raises(ConfigError, match="hl7v2"):
        one_source(tmp_path, transport='"mllp"', port="2575")


def test_an_acknowledgement_repeats_only_what_is_plain() -> None:
    header = Header(
        sending_application="P|A^S\r\x0b",
        sending_facility="x" * 300,
        receiving_application=CPR,
        receiving_facility="\x07",
        control_id="M~1",
        event="A01",
    )
    told = acknowledgement(header, "AE", [Reject("m", "EVN-2", "is|bad")] * 20, START)
    lines = told.decode().split("\r")
    assert lines[0].startswith(f"MSH|^~\\&|||P A S|{'x' * 200}|20261122120000+0000||ACK^A01^ACK|")
    assert lines[0].endswith("|P|2.5")
    assert lines[1] == "MSA|AE|M 1|EVN-2 is bad"
    assert lines[2:-1] == ["ERR||EVN^1^2|102^Data type error^HL70357|E||||is bad"] * 10
    assert read_header(told) is not None
    assert b"MSA|AE||MSH is missing" in acknowledgement(
        None, "AE", [Reject("m", "MSH", "is missing")], START
    )
    assert b"|ACK|" in acknowledgement(None, "AA", [], START)
    assert code_of([]) == "AA"
