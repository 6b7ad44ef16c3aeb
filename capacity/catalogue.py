"""The catalogue: from TOML files to one checked `Catalogue`, or a `ConfigError`.

    builtin_catalogue()                    the Randers cluster as shipped
    load_catalogue([Path("mine.toml")])    one's own files, on top of the shipped vocabulary

Files are merged: any may refer to what another declares, none may declare it again. The shipped
vocabulary (terms, capabilities, municipalities) is always read first, and ``requires`` in a file
brings in further shipped files, each once. All problems of all files are reported together.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from capacity.catalogue_schema import (
    Block,
    CatalogueFile,
    ClusterBlock,
    DatedBlock,
    DatedTerm,
    OrganisationBlock,
    TermWords,
    UnitBlock,
    is_placeholder,
    since_of,
)
from capacity.config_file import ConfigError, Document, Loc, Problem, read
from capacity.units import Catalogue, Cluster, Dated, Organisation, OrganisationType, Term, Unit

V = TypeVar("V")

VOCABULARY = "vocabulary"
_DATA = files("capacity") / "data"


def shipped_names() -> frozenset[str]:
    """The catalogue files that come with the product, without ``.toml``."""
    names = (each.name for each in _DATA.iterdir())
    return frozenset(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def builtin_catalogue(names: Sequence[str] = ("randers",)) -> Catalogue:
    """The catalogue of shipped files, by name; raises `ConfigError` for a name that is none."""
    return _load([_shipped(name) for name in names])


def load_catalogue(paths: Sequence[Path]) -> Catalogue:
    """The catalogue of files anywhere; raises `ConfigError` with every problem found."""
    return _load(list(paths))


def _shipped(name: str) -> Traversable:
    return _DATA / f"{name}.toml"


def _load(paths: Sequence[Path | Traversable]) -> Catalogue:
    parts = list(_gather([_shipped(VOCABULARY), *paths], set()))
    merged, problems = _merge(parts)
    for part in parts:
        problems += part.document.cpr_problems()
        problems += _check(part, merged)
    if problems:
        raise ConfigError(problems)
    return _build(merged)


@dataclass(frozen=True, slots=True)
class _Part:
    document: Document
    content: CatalogueFile


@dataclass(frozen=True, slots=True)
class _Merged:
    """The blocks of all files by id, in the order they were read."""

    municipality: dict[str, str]
    capability: dict[str, TermWords]
    term: dict[str, list[DatedTerm]]
    organisation: dict[str, OrganisationBlock]
    cluster: dict[str, ClusterBlock]
    unit: dict[str, UnitBlock]


def _gather(paths: Sequence[Path | Traversable], seen: set[str]) -> Iterator[_Part]:
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
        yield _Part(document, content)


def _merge(parts: Sequence[_Part]) -> tuple[_Merged, list[Problem]]:
    merged = _Merged({}, {}, {}, {}, {}, {})
    first: dict[tuple[str, str], str] = {}
    problems: list[Problem] = []
    for part in parts:
        for section, key, loc, value in _entries(part.content):
            place = f"{part.document.file}:{part.document.line_of(loc)}"
            if (section, key) in first:
                reason = f"is declared already in {first[section, key]}"
                problems.append(part.document.at(loc, reason))
                continue
            first[section, key] = place
            getattr(merged, section)[key] = value
    return merged, problems


def _entries(content: CatalogueFile) -> Iterator[tuple[str, str, Loc, object]]:
    for section in ("municipality", "capability", "term"):
        for key, value in getattr(content, section).items():
            yield section, key, (section, key), value
    for section in ("organisation", "cluster", "unit"):
        for index, block in enumerate(getattr(content, section)):
            yield section, block.id, (section, index, "id"), block


def _check(part: _Part, merged: _Merged) -> Iterator[Problem]:
    """Everything that one block alone cannot show to be wrong."""
    at = part.document.at
    for key, words in part.content.term.items():
        yield from _check_dates(part.document, ("term", key), words)
    for index, organisation in enumerate(part.content.organisation):
        for where, reason in _organisation_faults(organisation, merged):
            yield at(("organisation", index, *where), reason)
    for index, cluster in enumerate(part.content.cluster):
        loc = ("cluster", index, "municipalities")
        yield from _check_dates(part.document, loc, cluster.municipalities)
        for where, reason in _cluster_faults(cluster, merged):
            yield at(("cluster", index, *where), reason)
    for index, unit in enumerate(part.content.unit):
        for name in ("authority", "operator"):
            yield from _check_dates(part.document, ("unit", index, name), getattr(unit, name))
        for where, reason in _unit_faults(unit, merged):
            yield at(("unit", index, *where), reason)


def _check_dates(document: Document, loc: Loc, entries: Sequence[DatedBlock]) -> Iterator[Problem]:
    for index, (before, after) in enumerate(pairwise(since_of(entries)), start=1):
        if after <= before:
            reason = "must be a day later than that of the entry before it"
            yield document.at((*loc, index, "since"), reason)


_Faults = Iterator[tuple[Loc, str]]


def _organisation_faults(organisation: OrganisationBlock, merged: _Merged) -> _Faults:
    if organisation.municipality is not None:
        yield from _unknown("municipality", organisation.municipality, merged.municipality)
    elif organisation.type is OrganisationType.MUNICIPALITY:
        yield ("municipality",), "is missing; an organisation that is a municipality has a code"
    yield from _undeclared(organisation, organisation.assumptions, "sor")


def _cluster_faults(cluster: ClusterBlock, merged: _Merged) -> _Faults:
    hospital = merged.organisation.get(cluster.hospital)
    if hospital is None or hospital.type is not OrganisationType.HOSPITAL:
        yield ("hospital",), "names no organisation of the type hospital"
    for index, entry in enumerate(cluster.municipalities):
        for loc, reason in _unknown("codes", entry.codes, merged.municipality):
            yield ("municipalities", index, *loc), reason


def _unit_faults(unit: UnitBlock, merged: _Merged) -> _Faults:
    yield from _unknown("cluster", unit.cluster, merged.cluster)
    yield from _unknown("organisation", unit.organisation, merged.organisation)
    yield from _unknown("municipality", unit.municipality, merged.municipality)
    yield from _unknown("service_area", unit.service_area, merged.municipality)
    yield from _unknown("capabilities", unit.capabilities, merged.capability)
    for name in ("authority", "operator"):
        for index, entry in enumerate(getattr(unit, name)):
            for loc, reason in _unknown("organisation", entry.organisation, merged.organisation):
                yield (name, index, *loc), reason
    cluster = merged.cluster.get(unit.cluster)
    if cluster and not any(unit.municipality in entry.codes for entry in cluster.municipalities):
        yield ("municipality",), "is at no time part of the unit's cluster"
    yield from _undeclared(unit, unit.assumptions, "sor", "phone")


def _unknown(field: str, names: str | Sequence[str], known: Collection[str]) -> _Faults:
    """A fault for a name (or each of several) that the catalogue does not know."""
    if isinstance(names, str):
        if names not in known:
            yield (field,), f"is not in the catalogue: {names[:60]}"
        return
    for index, name in enumerate(names):
        if name not in known:
            yield (field, index), f"is not in the catalogue: {name[:60]}"


def _undeclared(block: Block, assumptions: Collection[str], *fields: str) -> _Faults:
    for field in fields:
        if is_placeholder(getattr(block, field)) and field not in assumptions:
            yield (field,), f'begins with 0, a placeholder: add "{field}" to assumptions'


def _build(merged: _Merged) -> Catalogue:
    return Catalogue(
        clusters={key: _cluster(block) for key, block in merged.cluster.items()},
        organisations={key: _organisation(block) for key, block in merged.organisation.items()},
        municipalities=dict(merged.municipality),
        capabilities={key: words.term() for key, words in merged.capability.items()},
        terms=_terms(merged.term),
        units={key: _unit(block) for key, block in merged.unit.items()},
    )


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
        opening=tuple(entry.opening() for entry in block.opening) if block.opening else None,
        sor=block.sor,
        service_area=tuple(block.service_area),
        assumptions=frozenset(block.assumptions),
    )
