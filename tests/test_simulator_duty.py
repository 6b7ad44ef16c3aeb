"""A day of visitators and nurses over HTTP and WebSocket, with a referee watching."""

from pathlib import Path

from capacity.board import Board, EmbeddedServer
from simulators.people.board import Row
from simulators.people.duty import Duty, play
from simulators.people.referee import Referee
from tests.support.service import running, settings_for

RANDERS = ("0730", "0710", "0707", "0706")


async def test_a_randers_day_breaks_no_rule_and_fills_places(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    sources = tmp_path / "none.toml"  # the nurses are the only ones who report
    sources.write_text("", encoding="utf-8")
    async with running(settings_for(tmp_path, valkey_server.url, sources)) as service:
        duty = Duty(service.base, "randers", RANDERS, hours=8, speed=960, seed=7)
        diary, referee = await play(duty, quiet=True)
        report = "\n".join(diary.lines(referee.breaches))
        assert referee.breaches == [], report
        assert diary.turned_away == 0, report
        assert referee.seen > 50, report
        assert diary.asks > 10, report
        assert diary.answers["accepted"] > 0, report
        assert diary.filled.total() > 0, report
        assert len(diary.minutes_to_answer) >= diary.answers["accepted"], report
        logged = (await service.client.get("/api/v1/outcomes/randers")).json()["outcomes"]
        # a visitator may be cut off by the end of the day between the logging and the noting
        assert 0 <= len(logged) - diary.outcomes.total() <= 3, report


def row(**changes: object) -> Row:
    """A row without holds that is right."""
    return {
        "unit": "u", "held": 0, "holds": [], "state": "free", "on_duty": None,
        "free_before_holds": 2, "free": 2,
    } | changes  # fmt: skip


def hold(state: str) -> Row:
    return {"id": "h", "state": state, "counts": state in ("asked", "accepted")}


def test_the_referee_sees_what_is_wrong() -> None:
    for wrong in (
        row(free=1),
        row(held=1),
        row(holds=[hold("asked")]),
        row(holds=[hold("asked")], held=1, free=2),
        row(state="closed", free=2),
    ):
        referee = Referee()
        referee.look(wrong)
        assert referee.breaches, wrong
    referee = Referee()
    referee.look(row(holds=[hold("asked")], held=1, free=1))
    referee.look(row(holds=[hold("filled")]))
    assert referee.breaches == []
    referee.look(row(holds=[hold("accepted")], held=1, free=1))
    assert referee.breaches == ["hold h went from filled to accepted"]
