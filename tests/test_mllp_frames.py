"""Frames of MLLP: whole however they come, noise bounded, everything else refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.transports.mllp_frames import MAX_NOISE, Frames, FramingError, framed


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(1, 30), max_size=20))
def test_frames_come_out_as_they_went_in(bodies: list[bytes], cuts: list[int]) -> None:
    plain = [body.translate(None, b"\x0b\x1c") for body in bodies]
    stream = b"\r\n" + b"x".join(framed(body) for body in plain)
    frames, found = Frames(100), []
    for cut in cuts:
        found += frames.feed(stream[:cut])
        stream = stream[cut:]
    found += frames.feed(stream)
    assert found == plain
    assert not frames.within


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_are_frames_noise_or_refused(pieces: list[bytes]) -> None:
    frames = Frames(100)
    try:
        for piece in pieces:
            for found in frames.feed(piece):
                assert len(found) <= 100
                assert not {0x0B, 0x1C} & set(found)
    except FramingError:
        assert sum(map(len, pieces)) > 100


def test_noise_is_bounded_between_frames_only() -> None:
    frames = Frames(100)
    for _ in range(5):
        assert frames.feed(b"x" * (MAX_NOISE // 2) + framed(b"m")) == [b"m"]
    with pytest.raises(FramingError, match="not MLLP") as refused:
        frames.feed(b"x" * (MAX_NOISE + 1))
    assert refused.value.begun == b""
