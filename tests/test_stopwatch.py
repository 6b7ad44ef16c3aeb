"""The stopwatch of these tests: time passes on it while the machine runs, and only then."""

import time

import pytest

from tests.support.stopwatch import MOST_A_TICK, Stopwatch, stopwatch


def test_a_standstill_counts_as_one_long_tick() -> None:
    moments = iter([10.0, 10.02, 10.05, 13.05, 13.07, 13.07])
    watch = Stopwatch(lambda: next(moments))
    for _ in range(4):
        watch.tick()
    assert watch.seconds == pytest.approx(0.07 + MOST_A_TICK)


def test_time_passes_on_it_while_others_wait_and_never_faster_than_by_the_clock() -> None:
    began = time.monotonic()
    with stopwatch() as watch:
        while watch.seconds < 0.3:
            assert time.monotonic() < began + 30
            time.sleep(0.2)  # many ticks: all of them count, though nobody looks meanwhile
    shown = watch.seconds
    assert shown <= time.monotonic() - began
    time.sleep(0.05)
    assert watch.seconds == shown, "it was stopped"
