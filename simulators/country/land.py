"""What a country of a given size holds: clusters, municipalities, units, and who reports them.

Everything follows from the numbers asked for and `simulators/data/country.toml`; nothing is drawn
by chance, so the same size is always the same country.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Literal

FACTS = Path(__file__).parents[1] / "data" / "country.toml"
HAND_EVERY = 4
"""Every so manieth municipality has one place that is reported by its nurse's phone alone."""

Speaks = Literal["json", "csv", "fhir", "hl7"]
Role = Literal["place", "team", "ward", "visitation", "home", "slot"]
"""What a unit is played as; `KIND` has the catalogue's word for it."""

KIND: dict[Role, str] = {
    "place": "acute_place",
    "team": "acute_team",
    "ward": "acute_department",
    "visitation": "visitation",
    "home": "hospital_at_home",
    "slot": "subacute_slot",
}
HOSPITAL: dict[Role, Speaks] = {"ward": "hl7", "visitation": "json", "home": "fhir", "slot": "json"}
"""The units that each cluster's hospital has, and the format that tells of them."""
PLACES: dict[Role, int] = {"place": 3, "team": 4, "ward": 50, "home": 8, "slot": 18}


@dataclass(frozen=True, slots=True)
class Municipality:
    """One municipality; `place` numbers it from 0 and gives it a network address of its own."""

    code: str
    name: str
    cluster: str
    place: int

    @property
    def organisation(self) -> str:
        """Its organisation in the catalogue."""
        return f"{_slug(self.name)}-kommune"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A grouping of municipalities around one hospital (a placeholder)."""

    id: str
    name: str
    municipalities: tuple[Municipality, ...]

    @property
    def hospital(self) -> str:
        """Its hospital's organisation in the catalogue."""
        return f"hospital-{self.id}"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit; `own` is what its source calls it."""

    id: str
    own: str
    name: str
    role: Role
    cluster: str
    municipality: Municipality
    organisation: str

    @property
    def places(self) -> int:
        """How many places, crews or appointments it has; 0 where it keeps none."""
        return PLACES.get(self.role, 0)


@dataclass(frozen=True, slots=True)
class Source:
    """A system that pushes documents of one format about its units."""

    id: str
    cluster: str
    speaks: Speaks
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Land:
    """The whole of it. What no source reports is reported by hand."""

    clusters: tuple[Cluster, ...]
    units: tuple[Unit, ...]
    sources: tuple[Source, ...]

    @property
    def municipalities(self) -> tuple[Municipality, ...]:
        """All municipalities, cluster by cluster."""
        return tuple(chain.from_iterable(each.municipalities for each in self.clusters))


def make_land(municipalities: int, units: int) -> Land:
    """The country's first so many municipalities, with so many units shared out among them.

    First a place for each municipality, then the hospitals' wards, teams and their other units,
    then further places in turn. Raises `ValueError` for sizes that cannot be had.
    """
    clusters = tuple(_clusters(municipalities))
    found = sum(len(each.municipalities) for each in clusters)
    if found < municipalities or municipalities < 1:
        raise ValueError(f"there are 1 to {found} municipalities")
    if units < municipalities:
        raise ValueError("each municipality has a unit at least")
    made = tuple(islice(_units(clusters), units))
    return Land(clusters, made, tuple(_sources(clusters, made)))


def _clusters(limit: int) -> Iterator[Cluster]:
    facts = tomllib.loads(FACTS.read_text(encoding="utf-8"))
    place = 0
    for block in chain.from_iterable(region["clusters"] for region in facts["region"]):
        chosen = list(block["municipalities"].items())[: limit - place]
        members = tuple(
            Municipality(code, name, block["id"], place + index)
            for index, (code, name) in enumerate(chosen)
        )
        place += len(members)
        if members:
            yield Cluster(block["id"], block["name"], members)


def _units(clusters: Sequence[Cluster]) -> Iterator[Unit]:
    everybody = [each for cluster in clusters for each in cluster.municipalities]
    yield from (_municipal(each, "place", 1) for each in everybody)
    yield from (_of_hospital(cluster, "ward") for cluster in clusters)
    yield from (_municipal(each, "team", 1) for each in everybody)
    for role in ("visitation", "home", "slot"):
        yield from (_of_hospital(cluster, role) for cluster in clusters)
    for turn, each in enumerate(cycle(everybody)):
        yield _municipal(each, "place", 2 + turn // len(everybody))


def _municipal(municipality: Municipality, role: Role, number: int) -> Unit:
    word = "Akutpladser" if role == "place" else "Akutteam"
    return Unit(
        id=f"{_slug(municipality.name)}-{role}-{number}",
        own=f"{municipality.code}-{role.upper()}-{number}",
        name=f"{word} {municipality.name} {number}",
        role=role,
        cluster=municipality.cluster,
        municipality=municipality,
        organisation=municipality.organisation,
    )


def _of_hospital(cluster: Cluster, role: Role) -> Unit:
    words = {"ward": "Akutafdeling", "home": "Indlæggelse hjemme", "slot": "Subakutte tider"}
    return Unit(
        id=f"{cluster.id}-{role}",
        own=role.upper(),
        name=f"{words.get(role, 'Visitation')} {cluster.name}",
        role=role,
        cluster=cluster.id,
        municipality=cluster.municipalities[0],
        organisation=cluster.hospital,
    )


def _sources(clusters: Sequence[Cluster], units: Sequence[Unit]) -> Iterator[Source]:
    for cluster in clusters:
        for each in cluster.municipalities:
            own = [unit for unit in units if unit.organisation == each.organisation]
            if each.place % HAND_EVERY == 0 and len(own) > 1:
                own = own[:-1]
            speaks: Speaks = "csv" if each.place % 2 else "json"
            yield Source(f"{_slug(each.name)}-omsorg", cluster.id, speaks, tuple(own))
        own = [unit for unit in units if unit.organisation == cluster.hospital]
        for speaks in ("hl7", "json", "fhir"):
            told = tuple(unit for unit in own if HOSPITAL[unit.role] == speaks)
            if told:
                yield Source(f"{cluster.hospital}-{speaks}", cluster.id, speaks, told)


def _slug(name: str) -> str:
    plain = name.lower().replace("æ", "ae").replace("ø", "oe").replace("å", "aa")
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
