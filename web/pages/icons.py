"""Draws the icons of the installed app: ``python -m web.pages.icons`` writes them anew.

The same mark as icon.svg, four squares of which one and a half are green, as PNG (browsers install
no app whose only icon is an SVG). *any* has rounded corners of its own; *maskable* fills its square
and keeps the mark within the middle 80 %, since each system cuts its own shape out of it.
"""

import struct
import zlib
from pathlib import Path
from typing import Final

SIZES: Final = (192, 512)
USES: Final = ("any", "maskable")

_UNIT = 32
"""The drawing's own grid, as in icon.svg."""
_BAR, _GREEN, _WHITE = (11, 40, 64, 255), (94, 224, 160, 255), (255, 255, 255, 255)
_CLEAR = (0, 0, 0, 0)
_CORNER = 6.0
_MARGIN = 0.8
"""How much of a maskable icon is safe from being cut."""

Pixel = tuple[int, int, int, int]
_PARTS: Final[tuple[tuple[float, float, float, float, Pixel], ...]] = (
    (6, 6, 15, 15, _GREEN),
    (17, 6, 26, 15, _WHITE),
    (6, 17, 15, 26, _WHITE),
    (17, 17, 21.5, 26, _GREEN),
    (21.5, 17, 26, 26, _WHITE),
)
"""Rectangles left, top, right, bottom and their colour."""


def draw(size: int, use: str) -> list[list[Pixel]]:
    """Rows of pixels of one icon."""
    return [[_pixel(x, y, size, use) for x in range(size)] for y in range(size)]


def encode(rows: list[list[Pixel]]) -> bytes:
    """The rows as a PNG file (RGBA, 8 bits, no filter)."""
    raw = b"".join(b"\0" + bytes(part for pixel in row for part in pixel) for row in rows)
    header = struct.pack("!IIBBBBB", len(rows[0]), len(rows), 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def file_name(size: int, use: str) -> str:
    """What the file of an icon is called."""
    return f"{use}-{size}.png"


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", check)


def _pixel(x: int, y: int, size: int, use: str) -> Pixel:
    at_x, at_y = (x + 0.5) * _UNIT / size, (y + 0.5) * _UNIT / size
    if use == "any" and _is_outside_corner(at_x, at_y):
        return _CLEAR
    if use == "maskable":
        middle = _UNIT / 2
        at_x, at_y = (middle + (at - middle) / _MARGIN for at in (at_x, at_y))
    for left, top, right, bottom, colour in _PARTS:
        if left <= at_x < right and top <= at_y < bottom:
            return colour
    return _BAR


def _is_outside_corner(x: float, y: float) -> bool:
    from_x = max(_CORNER - x, x - (_UNIT - _CORNER), 0.0)
    from_y = max(_CORNER - y, y - (_UNIT - _CORNER), 0.0)
    return from_x**2 + from_y**2 > _CORNER**2


def main() -> None:
    """Write all icons."""
    folder = Path(__file__).resolve().parent.parent / "static" / "icons"
    folder.mkdir(exist_ok=True)
    for use in USES:
        for size in SIZES:
            (folder / file_name(size, use)).write_bytes(encode(draw(size, use)))


if __name__ == "__main__":
    main()
