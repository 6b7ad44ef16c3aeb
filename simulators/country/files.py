"""The files that a service needs to serve the country: catalogue, sources, hashed keys.

Written as an operator would write them (docs/catalogue.md, docs/formats.md, docs/access.md).
Telephone numbers are left out, hospitals and groupings are marked as assumptions.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from simulators.country.land import KIND, Cluster, Land, Source, Unit

CAPABILITIES = (
    "iv_antibiotics", "iv_fluid", "tobs_observation", "blood_crp", "oxygen", "inhalation",
    "wound_care", "palliation", "catheter",
)  # fmt: skip
FRESH = '{ ageing_after = "2 h", stale_after = "4 h" }'
SECRETS = "secrets.json"
START_OCCUPIED = 40
"""Beds taken in each ward when its admissions begin to be counted."""
FORMATS = {"json": "json", "csv": "csv", "fhir": "fhir", "hl7": "hl7v2"}
_CSV_MAPPING = """
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
class Keys:
    """Bearer keys: of each source by its id, and of each municipality's boards by its code."""

    sources: dict[str, str]
    boards: dict[str, str]


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files lie."""

    catalogue: Path
    sources: Path
    keys: Path


def write_files(folder: Path, land: Land) -> tuple[Files, Keys]:
    """Write all three, and beside them the keys themselves for `read_secrets`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(folder / "catalogue.toml", folder / "sources.toml", folder / "keys.toml")
    files.catalogue.write_text("\n".join(_catalogue(land)), encoding="utf-8")
    now = datetime.now(UTC)
    files.sources.write_text("\n".join(_source(each, now) for each in land.sources), "utf-8")
    keys = Keys(
        {each.id: secrets.token_urlsafe(32) for each in land.sources},
        {each.code: secrets.token_urlsafe(32) for each in land.municipalities},
    )
    files.keys.touch(mode=0o600)
    files.keys.write_text("\n".join(_keys(land, keys, now)), encoding="utf-8")
    kept = folder / SECRETS
    kept.touch(mode=0o600)
    kept.write_text(json.dumps({"sources": keys.sources, "boards": keys.boards}), "utf-8")
    return files, keys


def read_secrets(folder: Path) -> Keys:
    """The keys of files that were written before; `OSError` or `ValueError` without them."""
    found = json.loads((folder / SECRETS).read_text(encoding="utf-8"))
    return Keys(found["sources"], found["boards"])


def _catalogue(land: Land) -> Iterator[str]:
    yield "# Made by the simulators: no real unit, hospital or grouping."
    yield "[municipality]"
    yield from (f"{_text(each.code)} = {_text(each.name)}" for each in land.municipalities)
    for cluster in land.clusters:
        yield from _cluster(cluster)
    yield from (_unit(unit) for unit in land.units)


def _cluster(cluster: Cluster) -> Iterator[str]:
    seat = cluster.municipalities[0].code
    yield _organisation(cluster.hospital, f"Akuthospital {cluster.name}", "hospital", seat, "name")
    for each in cluster.municipalities:
        yield _organisation(each.organisation, f"{each.name} Kommune", "municipality", each.code)
    codes = json.dumps([each.code for each in cluster.municipalities])
    yield f"""
[[cluster]]
id = {_text(cluster.id)}
name = {_text(cluster.name)}
hospital = {_text(cluster.hospital)}
municipalities = [{{ codes = {codes} }}]
assumptions = ["name", "hospital", "municipalities"]"""


def _organisation(id: str, name: str, type: str, municipality: str, *assumed: str) -> str:
    return f"""
[[organisation]]
id = {_text(id)}
name = {_text(name)}
type = {_text(type)}
municipality = {_text(municipality)}
assumptions = {json.dumps(assumed)}"""


def _unit(unit: Unit) -> str:
    can = json.dumps(CAPABILITIES if unit.role in ("place", "team", "home") else ())
    places = f"places = {unit.places}\n" if unit.places else ""
    assumed = ["name", "freshness", "capabilities", *(["places"] if unit.places else [])]
    return f"""
[[unit]]
id = {_text(unit.id)}
name = {_text(unit.name)}
kind = {_text(KIND[unit.role])}
cluster = {_text(unit.cluster)}
organisation = {_text(unit.organisation)}
municipality = {_text(unit.municipality.code)}
freshness = {FRESH}
authority = {_text(unit.organisation)}
operator = {_text(unit.organisation)}
capabilities = {can}
{places}assumptions = {json.dumps(assumed)}"""


def _source(source: Source, now: datetime) -> str:
    units = ", ".join(f"{_text(unit.own)} = {_text(unit.id)}" for unit in source.units)
    block = f"""
[[source]]
id = {_text(source.id)}
cluster = {_text(source.cluster)}
format = {_text(FORMATS[source.speaks])}
transport = "push"
attribution = "simuleret"
expected_every = "5 min"
units = {{ {units} }}
"""
    if source.speaks == "csv":
        return block + _CSV_MAPPING
    if source.speaks == "hl7":
        return block + _starts(source, now)
    return block


def _starts(source: Source, now: datetime) -> str:
    begun = (now - timedelta(seconds=5)).isoformat(timespec="seconds")
    lines = [
        f"{unit.own} = {{ observed_at = {begun}, total = {unit.places}, "
        f"staffed = {unit.places}, occupied = {START_OCCUPIED} }}"
        for unit in source.units
    ]
    return "\n".join(["\n[source.mapping.start]", *lines, ""])


def _keys(land: Land, keys: Keys, now: datetime) -> Iterator[str]:
    made = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    owners = [("source", source, key) for source, key in keys.sources.items()]
    owners += [("board", each.cluster, keys.boards[each.code]) for each in land.municipalities]
    for number, (kind, of, key) in enumerate(owners):
        digest = hashlib.sha256(key.encode()).hexdigest()
        yield "[[key]]"
        yield f'id = "k_{number:012x}"\nkind = "{kind}"\nof = {_text(of)}'
        yield f'sha256 = "{digest}"\nmade = {made}'


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False)
