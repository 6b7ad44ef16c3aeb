"""What nobody waited for is told, but for names that were not found too late."""

import asyncio
import gc
import logging
import socket

import pytest
import uvloop

from web.unheard import tell_once


@pytest.mark.parametrize(
    ("error", "told"),
    [(socket.gaierror(-2, "Name or service not known"), False), (ConnectionError("reset"), True)],
)
def test_only_names_that_were_not_found_are_passed_over(
    error: Exception, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def leave_unheard() -> None:
        asyncio.get_running_loop().set_exception_handler(tell_once)
        asyncio.get_running_loop().create_future().set_exception(error)
        gc.collect()

    with caplog.at_level(logging.INFO), asyncio.Runner(loop_factory=uvloop.new_event_loop) as run:
        run.run(leave_unheard())
    assert ("never retrieved" in caplog.text) is told


def test_a_callback_that_could_not_look_up_a_name_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Somebody did wait for that one."""
    loop = asyncio.new_event_loop()
    tell_once(loop, {"message": "a callback failed", "exception": socket.gaierror(-2, "unknown")})
    loop.close()
    assert "a callback failed" in caplog.text
