"""What a screen looked like over a while, its pictures read dot by dot."""

import base64
import struct
import zlib
from typing import Any

from playwright.sync_api import Page


def screencast(page: Page, **size: int) -> list[str]:
    """Every picture that is drawn from now on, as it comes (PNG in base64)."""
    session = page.context.new_cdp_session(page)
    frames: list[str] = []

    def keep(event: dict[str, Any]) -> None:
        frames.append(event["data"])
        session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    session.on("Page.screencastFrame", keep)
    session.send("Page.startScreencast", {"format": "png", **size})
    return frames


def pixels(png: str) -> list[tuple[int, int, int]]:
    """The colours of a picture in base64, row by row (PNG, 8 bits, RGB or RGBA, not interlaced)."""
    data = base64.b64decode(png)
    width, _, depth, kind, _, _, interlaced = struct.unpack("!IIBBBBB", data[16:29])
    assert (depth, interlaced) == (8, 0)
    size = {2: 3, 6: 4}[kind]
    packed, place = b"", 8
    while place < len(data):
        (length,) = struct.unpack("!I", data[place : place + 4])
        if data[place + 4 : place + 8] == b"IDAT":
            packed += data[place + 8 : place + 8 + length]
        place += length + 12
    flat = unfiltered(zlib.decompress(packed), width * size, size)
    return [(flat[i], flat[i + 1], flat[i + 2]) for i in range(0, len(flat), size)]


def unfiltered(data: bytes, stride: int, size: int) -> bytearray:
    """Undo PNG's filters (its specification, section 9.2)."""
    out = bytearray()
    above = bytearray(stride)
    for start in range(0, len(data), stride + 1):
        kind, line = data[start], bytearray(data[start + 1 : start + 1 + stride])
        for i in range(stride if kind else 0):
            left = line[i - size] if i >= size else 0
            corner = above[i - size] if i >= size else 0
            line[i] = (line[i] + predicted(kind, left, above[i], corner)) & 255
        out += line
        above = line
    return out


def predicted(kind: int, left: int, above: int, corner: int) -> int:
    """What a filter expects of a byte, by its neighbours."""
    if kind == 1:
        return left
    if kind == 2:
        return above
    if kind == 3:
        return (left + above) // 2
    guess = left + above - corner
    return min((left, above, corner), key=lambda each: abs(guess - each))


def reds(picture: list[tuple[int, int, int]]) -> int:
    """How many of its pixels have the alarm's colours."""
    return sum(40 < r < 180 and g < 45 and b < 70 and r > 2 * g for r, g, b in picture)
