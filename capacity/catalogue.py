"""The catalogue: from TOML files to one checked `Catalogue`, or a `ConfigError`.

    builtin_catalogue()                    the Randers cluster as shipped
    load_catalogue([Path("mine.toml")])    one's own files, on top of the shipped vocabulary

Files are merged: any may refer to what another declares, none may declare it again. The shipped
vocabulary (terms, capabilities, municipalities) is always read first, and ``requires`` in a file
brings in further shipped files, each once. All problems of all files are reported together.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from capacity.agreement_schema import DistanceBlock
from capacity.catalogue_blocks import DatedBlock, DatedTerm, opening_of, since_of
from capacity.catalogue_checks import Merged, Part, check
from capacity.catalogue_schema import CatalogueFile, ClusterBlock, OrganisationBlock, UnitBlock
from capacity.config_file import ConfigError, Document, Loc, Problem, read
from capacity.units import (
    Catalogue,
    Cluster,
    Dated,
    Distance,
    Organisation,
    Term,
    Unit,
)

V = TypeVar("V")

VOCABULARY = "vocabulary"
_OTHER_DATA = frozenset({"indicators"})
"""Data files beside them that are none of a catalogue's."""
DATA = files("capacity") / "data"
"""The files that come with the product."""


def shipped_names() -> frozenset[str]:
    """The catalogue files that come with the product, without ``.toml``."""
    names = (each.name for each in DATA.iterdir())
    found = frozenset(name.removesuffix(".toml") for name in names if name.endswith(".toml"))
    return found - _OTHER_DATA


def builtin_catalogue(names: Sequence[str] = ("randers",)) -> Catalogue:
    """The catalogue of shipped files, by name; raises `ConfigError` for a name that is none."""
    return _load([_shipped(name) for name in names])


def load_catalogue(paths: Sequence[Path]) -> Catalogue:
    """The catalogue of files anywhere; raises `ConfigError` with every problem found."""
    return _load(list(paths))


def _shipped(name: str) -> Traversable:
    return DATA / f"{name}.toml"


def _load(paths: Sequence[Path | Traversable]) -> Catalogue:
    parts = list(_gather([_shipped(VOCABULARY), *paths], set()))
    merged, problems = _merge(parts)
    for part in parts:
        problems += part.document.cpr_problems()
        problems += check(part, merged)
    if problems:
        raise ConfigError(problems)
    return _build(merged)


def _gather(paths: Sequence[Path | Traversable], seen: set[str]) -> Iterator[Part]:
    """Read each file once, what it requires before it."""
    for path in paths:
        key = str(path.resolve() if isinstance(path, Path) else path)
        if key in seen:
            continue
        seen.add(key)
        document = read(path)
        content = document.validate(CatalogueFile)
        for index, name in enumerate(content.requires):
            if name not in shipped_names():
                raise document.problem(("requires", index), "names no shipped catalogue file")
        yield from _gather([_shipped(name) for name in content.requires], seen)
        yield Part(document, content)


def _merge(parts: Sequence[Part]) -> tuple[Merged, list[Problem]]:
    merged = Merged({}, {}, {}, {}, {}, {}, {}, {}, {})
    first: dict[tuple[str, object], tuple[Document, Loc]] = {}
    problems: list[Problem] = []
    for part in parts:
        merged.assumptions.update(dict.fromkeys(part.content.assumptions, part.document.file))
        for section, key, loc, value in _entries(part.content):
            if (section, key) in first:
                document, before = first[section, key]
                reason = f"is declared already in {document.file}:{document.line_of(before)}"
                problems.append(part.document.at(loc, reason))
                continue
            first[section, key] = part.document, loc
            getattr(merged, section)[key] = value
    return merged, problems


def _entries(content: CatalogueFile) -> Iterator[tuple[str, object, Loc, object]]:
    for section in ("municipality", "capability", "term"):
        for key, value in getattr(content, section).items():
            yield section, key, (section, key), value
    for section in ("organisation", "cluster", "unit", "agreement"):
        for index, block in enumerate(getattr(content, section)):
            yield section, block.id, (section, index, "id"), block
    for code, units in content.distance.items():
        for unit, distance in units.items():
            yield "distance", (code, unit), ("distance", code, unit), distance


def _build(merged: Merged) -> Catalogue:
    return Catalogue(
        clusters={key: _cluster(block) for key, block in merged.cluster.items()},
        organisations={key: _organisation(block) for key, block in merged.organisation.items()},
        municipalities=dict(merged.municipality),
        capabilities={key: words.term() for key, words in merged.capability.items()},
        terms=_terms(merged.term),
        units={key: _unit(block) for key, block in merged.unit.items()},
        agreements={key: block.agreement() for key, block in merged.agreement.items()},
        distances=_distances(merged.distance),
        assumptions=frozenset(merged.assumptions),
    )


def _distances(blocks: Mapping[tuple[str, str], DistanceBlock]) -> dict[str, dict[str, Distance]]:
    found: dict[str, dict[str, Distance]] = {}
    for (municipality, unit), block in blocks.items():
        found.setdefault(municipality, {})[unit] = block.distance()
    return found


def _dated(entries: Sequence[DatedBlock], values: Sequence[V]) -> Dated[V]:
    return Dated(tuple(zip(since_of(entries), values, strict=True)))


def _terms(words: Mapping[str, list[DatedTerm]]) -> dict[str, Dated[Term]]:
    return {key: _dated(entries, [e.term() for e in entries]) for key, entries in words.items()}


def _organisation(block: OrganisationBlock) -> Organisation:
    values = {name: getattr(block, name) for name in OrganisationBlock.model_fields}
    return Organisation(**values | {"assumptions": frozenset(block.assumptions)})


def _cluster(block: ClusterBlock) -> Cluster:
    groups = [tuple(entry.codes) for entry in block.municipalities]
    return Cluster(
        id=block.id,
        name=block.name,
        hospital=block.hospital,
        municipalities=_dated(block.municipalities, groups),
        surge=block.surge.rule() if block.surge else None,
        assumptions=frozenset(block.assumptions),
    )


def _unit(block: UnitBlock) -> Unit:
    return Unit(
        id=block.id,
        name=block.name,
        kind=block.kind,
        cluster=block.cluster,
        organisation=block.organisation,
        municipality=block.municipality,
        freshness=block.freshness.freshness(),
        authority=_dated(block.authority, [entry.organisation for entry in block.authority]),
        operator=_dated(block.operator, [entry.organisation for entry in block.operator]),
        capabilities=tuple(block.capabilities),
        places=block.places,
        phone=block.phone,
        opening=opening_of(block.opening),
        holiday_opening=opening_of(block.holiday_opening),
        holidays_also=frozenset(block.holidays_also),
        hold_for=block.hold_for,
        response=block.response,
        remind=block.remind.reminding() if block.remind else None,
        sor=block.sor,
        service_area=tuple(block.service_area),
        assumptions=frozenset(block.assumptions),
    )
