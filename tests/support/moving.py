"""Movements in tests: a source of them beside one of counts, and what they did to the board."""

from pathlib import Path
from typing import Any

import orjson

from capacity.board import Board
from capacity.row import Row
from feeds.intake import Intake, Receipt
from feeds.sources import Source
from tests.support.feeding import one_source, report
from tests.support.hl7 import adt

UNIT = "favrskov-akutplads"
OTHER = "norddjurs-akutplads"
WARDS = f'{{ A1 = "{UNIT}", B2 = "{OTHER}" }}'


def adt_source(folder: Path, mapping: str = "{}", **keys: str) -> Source:
    """A source of HL7 v2 movements on two wards."""
    return one_source(folder, format='"hl7v2"', units=WARDS, mapping=mapping, **keys)


async def counted(
    intake: Intake, folder: Path, occupied: int | None = 1, unit: str = UNIT, **fields: Any
) -> None:
    """A count from another source."""
    (folder / "counts").mkdir(exist_ok=True)
    source = one_source(folder / "counts", id='"counts"', trust="2")
    receipt = await intake.take(source, orjson.dumps([report(unit, occupied, **fields)]))
    assert receipt.accepted == 1


def message(
    event: str = "A01", at: str = "20261122120100", control_id: str = "M1", **more: str
) -> bytes:
    """A movement as HL7 v2, at a local time of the form YYYYMMDDHHMMSS."""
    return adt(event, at=f"{at}+0000", control_id=control_id, **more).encode()


def fate(receipt: Receipt) -> tuple[int, int, int, int]:
    """How many were accepted, unchanged, superseded and rejected."""
    return receipt.accepted, receipt.unchanged, receipt.superseded, len(receipt.rejected)


async def rows(board: Board) -> dict[str, Row]:
    """The board's rows by unit."""
    snapshot = await board.snapshot("randers")
    return {stored.unit: orjson.loads(stored.row) for stored in snapshot.rows}


async def occupied(board: Board, unit: str = UNIT) -> int | None:
    """How many places of a unit the board shows as occupied."""
    return (await rows(board))[unit]["occupied"]


async def counted_load(intake: Intake, folder: Path) -> None:
    """A count of a department's patients from another source."""
    source = one_source(folder / "counts", id='"loads"', units='["rhr-akutafdeling"]', trust="2")
    load = report("rhr-akutafdeling", 40, type="load", total=50)
    assert (await intake.take(source, orjson.dumps([load]))).accepted == 1
