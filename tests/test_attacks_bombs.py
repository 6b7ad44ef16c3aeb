"""Documents made to cost more than they weigh: their sender gets an answer, nobody else waits."""

import asyncio
import io
import re
import zipfile
from pathlib import Path

import pytest

from tests.support.besieged import SHEET, SOURCE, XML, Besieged
from tests.support.workbooks import package, workbook

pytest_plugins = ["tests.support.besieged_fixtures"]


def zip_bomb() -> bytes:
    """A workbook of about a megabyte with a gigabyte of sheet in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook({"S": [["a"]]}))) as plain:
        parts = {name: plain.read(name) for name in plain.namelist()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in parts.items():
            if not name.endswith("sheet1.xml"):
                archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(1024):
                sheet.write(b" " * 1024 * 1024)
    return out.getvalue()


def lying_zip() -> bytes:
    """The same, in a directory that says it is small."""
    bomb = bytearray(zip_bomb())
    at = bomb.find(b"PK\x01\x02")
    while at >= 0:
        bomb[at + 24 : at + 28] = (1000).to_bytes(4, "little")
        at = bomb.find(b"PK\x01\x02", at + 1)
    return bytes(bomb)


def nested_zip() -> bytes:
    inner = package({f"{n}.txt": b"0" * 10_000_000 for n in range(20)})
    return package({f"{n}.zip": inner for n in range(20)})


BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(10))
    + b"]><l>&k;</l>"
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>'
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BOMBS = {
    "a gigabyte in a megabyte": (SHEET, XLSX, zip_bomb),
    "one that lies about it": (SHEET, XLSX, lying_zip),
    "zips in a zip": (SHEET, XLSX, nested_zip),
    "laughs": (XML, "application/xml", lambda: BILLION_LAUGHS),
    "an entity from outside": (XML, "application/xml", lambda: OUTSIDE),
    "elements without end": (XML, "application/xml", lambda: b"<a>" * 2_000_000),
    "brackets without end": (SOURCE, "application/json", lambda: b"[" * 9_000_000),
    "a number without end": (SOURCE, "application/json", lambda: b"[" + b"9" * 9_000_000 + b"]"),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_costs_its_sender_an_answer_and_us_little(place: Besieged, bomb: str) -> None:
    source, media, make = BOMBS[bomb]
    document = await asyncio.to_thread(make)
    key = place.keys[source]
    before = await place.standing()
    status = Path("/proc/self/status")
    Path("/proc/self/clear_refs").write_text(
        "5", encoding="ascii"
    )  # begin to measure the peak anew
    present = _kilobytes(status, "VmRSS")
    pushing = asyncio.create_task(place.service.push(source, document, key=key, media=media))
    others = [await place.service.client.get("/healthz") for _ in range(5)]
    answer = await pushing
    assert answer.status_code == 422, answer.text[:300]
    assert "root:" not in answer.text
    assert all(each.status_code == 200 for each in others)
    peak = _kilobytes(status, "VmHWM") - present
    assert peak < 400_000, f"{peak} KB"
    after = await place.standing()
    assert {k: v for k, v in after.items() if k != "quarantine"} == {
        k: v for k, v in before.items() if k != "quarantine"
    }


def _kilobytes(status: Path, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", status.read_text(encoding="ascii"))
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, gzip"])
async def test_packed_bodies_are_not_unpacked(place: Besieged, encoding: str) -> None:
    answer = await place.service.client.post(
        f"/api/v1/feeds/{SOURCE}",
        content=b"\x1f\x8b" + b"\0" * 100,
        headers={
            "Authorization": f"Bearer {place.keys[SOURCE]}",
            "Content-Type": "application/json",
            "Content-Encoding": encoding,
        },
    )
    assert answer.status_code == 415
