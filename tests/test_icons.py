"""The icons of the installed app are the ones that the program draws."""

import struct
import zlib

import pytest

from web.pages.assets import STATIC
from web.pages.icons import SIZES, USES, draw, encode, file_name


def pixels(picture: bytes) -> tuple[int, bytes]:
    """Width, and the raw rows of one of our own pictures (no filters)."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    at, data, width = 8, b"", 0
    while at < len(picture):
        size, kind = struct.unpack("!I4s", picture[at : at + 8])
        body = picture[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height = struct.unpack("!II", body[:8])
            assert width == height
        elif kind == b"IDAT":
            data += body
        at += size + 12
    return width, zlib.decompress(data)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("size", SIZES)
def test_what_is_shipped_is_what_is_drawn(size: int, use: str) -> None:
    shipped = (STATIC / "icons" / file_name(size, use)).read_bytes()
    assert pixels(shipped) == pixels(encode(draw(size, use)))
    assert pixels(shipped)[0] == size


def test_a_system_may_cut_its_own_shape_out_of_a_maskable_icon() -> None:
    rows = draw(192, "maskable")
    bar = rows[0][0]
    assert bar[3] == 255  # no corner is left out
    middle = 192 / 2
    for y, row in enumerate(rows):
        for x, pixel in enumerate(row):
            if pixel != bar:  # within the circle of 80 % that is never cut
                assert (x - middle) ** 2 + (y - middle) ** 2 <= (0.4 * 192) ** 2
