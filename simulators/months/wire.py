"""The systems of the cluster: how they are declared to the service, and their documents.

Hospital and region tick more seldom here than in life, and say so by a freshness of their own.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators.months.land import MINUTE, SAYS, Land, Unit
from simulators.months.plan import local, text_of

CARE = {
    "0730": ("randers-omsorg", "csv"),
    "0710": ("favrskov-omsorg", "json"),
    "0707": ("norddjurs-omsorg", "json"),
    "0706": ("syddjurs-omsorg", "csv"),
}
"""The care record of each municipality, and what it speaks."""
HOSPITAL, REGION = "rhr-status", "region-status"
TICKS = {HOSPITAL: 30, REGION: 60}
"""Minutes between two documents."""
OF_REGION = ("out_of_hours", "acute_clinic", "prehospital")
HEADERS = ("enheds-id", "kapacitet", "bemandet", "i brug", "reserveret", "spærret", "målt", "note")
_MAPPING = """
[source.mapping]
separator = ","
encoding = "utf-8-sig"

[source.mapping.columns]
unit = "enheds-id"
total = "kapacitet"
staffed = "bemandet"
occupied = "i brug"
reserved = "reserveret"
closed = "spærret"
observed_at = "målt"
note = "note"
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A system: its name, what it speaks, its units, and how long what they say is good."""

    id: str
    speaks: str
    units: tuple[Unit, ...]
    ageing: int | None = None
    stale: int | None = None


def sources_of(land: Land) -> dict[str, Source]:
    """Every system of the cluster."""
    found = {}
    for municipality, (name, speaks) in CARE.items():
        units = [u for u in land.of_kind("acute_place", "acute_team")]
        own = tuple(unit for unit in units if unit.municipality == municipality)
        found[name] = Source(name, speaks, own)
    region = land.of_kind(*OF_REGION)
    care = {unit.id for source in found.values() for unit in source.units}
    taken = care | {unit.id for unit in region}
    hospital = [unit for unit in land.units.values() if unit.id not in taken]
    for name, units in ((HOSPITAL, hospital), (REGION, region)):
        tick = TICKS[name] * MINUTE
        ageing, stale = tick + tick // 4, 2 * tick + tick // 4
        found[name] = Source(name, "json", tuple(units), ageing, stale)
    return found


def write_sources(path: Path, land: Land) -> None:
    """The file that declares them, as an operator would write it."""
    path.write_text("\n".join(_block(each, land) for each in sources_of(land).values()), "utf-8")


def _block(source: Source, land: Land) -> str:
    units = ", ".join(f'"{unit.id}"' for unit in source.units)
    fresh = ""
    if source.ageing is not None and source.stale is not None:
        ageing, stale = source.ageing // MINUTE, source.stale // MINUTE
        fresh = f'freshness = {{ ageing_after = "{ageing} min", stale_after = "{stale} min" }}\n'
    return f"""
[[source]]
id = "{source.id}"
cluster = "{land.cluster}"
format = "{source.speaks}"
transport = "push"
attribution = "{source.id} (simuleret)"
timezone = "Europe/Copenhagen"
units = [{units}]
{fresh}{_MAPPING if source.speaks == "csv" else ""}"""


def document(
    source: Source, figures: Mapping[str, Mapping[str, Any]], observed: int
) -> tuple[bytes, str]:
    """A document with these figures by unit, and its media type."""
    if source.speaks == "csv":
        return _table(source, figures, observed), "text/csv; charset=utf-8"
    reports = [
        {"unit": u.id, "type": SAYS[u.kind], "observed_at": text_of(observed)}
        | _report(figures[u.id])
        for u in source.units
    ]
    return json.dumps({"reports": reports}, ensure_ascii=False).encode(), "application/json"


def _report(figures: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in figures.items() if name not in _CLOSURE}
    if told.get("next_free_at") is not None:
        told["next_free_at"] = text_of(told["next_free_at"])
    if figures.get("closure_reason") is not None:
        reopens = figures["reopens_at"]
        told["closure"] = {
            "reason": figures["closure_reason"],
            "reopens_at": None if reopens is None else text_of(reopens),
            "reopens_itself": False,
        }
    return told


_CLOSURE = ("closure_reason", "reopens_at")


def _table(source: Source, figures: Mapping[str, Mapping[str, Any]], observed: int) -> bytes:
    at = local(observed).isoformat(timespec="seconds")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(HEADERS)
    for unit in source.units:
        told = figures[unit.id]
        counts = (told[name] for name in ("total", "staffed", "occupied", "reserved", "closed"))
        writer.writerow([unit.id, *("" if n is None else n for n in counts), at, ""])
    return text.getvalue().encode("utf-8-sig")
