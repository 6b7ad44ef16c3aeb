"""What one catalogue block alone cannot show to be wrong: references, order of dates, placeholders.

Every check yields all the problems it finds, each at its place in its file.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from capacity.agreement_schema import AgreementBlock, DistanceBlock
from capacity.catalogue_blocks import (
    Block,
    DatedBlock,
    DatedTerm,
    TermWords,
    is_placeholder,
    since_of,
)
from capacity.catalogue_schema import CatalogueFile, ClusterBlock, OrganisationBlock, UnitBlock
from capacity.config_file import Document, Loc, Problem
from capacity.units import OrganisationType


@dataclass(frozen=True, slots=True)
class Part:
    document: Document
    content: CatalogueFile


@dataclass(frozen=True, slots=True)
class Merged:
    """The blocks of all files by id, in the order they were read."""

    municipality: dict[str, str]
    capability: dict[str, TermWords]
    term: dict[str, list[DatedTerm]]
    organisation: dict[str, OrganisationBlock]
    cluster: dict[str, ClusterBlock]
    unit: dict[str, UnitBlock]
    agreement: dict[str, AgreementBlock]
    distance: dict[tuple[str, str], DistanceBlock]
    assumptions: dict[str, str]


def check(part: Part, merged: Merged) -> Iterator[Problem]:
    """Everything that one block alone cannot show to be wrong."""
    for loc, entries in _dated_lists(part.content):
        yield from _check_dates(part.document, loc, entries)
    for loc, faults in _faults(part.content, merged):
        for where, reason in faults:
            yield part.document.at((*loc, *where), reason)


def _dated_lists(content: CatalogueFile) -> Iterator[tuple[Loc, Sequence[DatedBlock]]]:
    for key, words in content.term.items():
        yield ("term", key), words
    for index, cluster in enumerate(content.cluster):
        yield ("cluster", index, "municipalities"), cluster.municipalities
    for index, unit in enumerate(content.unit):
        yield ("unit", index, "authority"), unit.authority
        yield ("unit", index, "operator"), unit.operator


def _faults(content: CatalogueFile, merged: Merged) -> Iterator[tuple[Loc, "_Faults"]]:
    for index, organisation in enumerate(content.organisation):
        yield ("organisation", index), _organisation_faults(organisation, merged)
    for index, cluster in enumerate(content.cluster):
        yield ("cluster", index), _cluster_faults(cluster, merged)
    for index, unit in enumerate(content.unit):
        yield ("unit", index), _unit_faults(unit, merged)
    for index, agreement in enumerate(content.agreement):
        yield ("agreement", index), _agreement_faults(agreement, merged)
    for code, units in content.distance.items():
        yield ("distance", code), _distance_faults(code, units, merged)


def _check_dates(document: Document, loc: Loc, entries: Sequence[DatedBlock]) -> Iterator[Problem]:
    for index, (before, after) in enumerate(pairwise(since_of(entries)), start=1):
        if after <= before:
            reason = "must be a day later than that of the entry before it"
            yield document.at((*loc, index, "since"), reason)


_Faults = Iterator[tuple[Loc, str]]


def _organisation_faults(organisation: OrganisationBlock, merged: Merged) -> _Faults:
    if organisation.municipality is not None:
        yield from _unknown("municipality", organisation.municipality, merged.municipality)
    elif organisation.type is OrganisationType.MUNICIPALITY:
        yield ("municipality",), "is missing; an organisation that is a municipality has a code"
    yield from _undeclared(organisation, organisation.assumptions, "sor")


def _cluster_faults(cluster: ClusterBlock, merged: Merged) -> _Faults:
    hospital = merged.organisation.get(cluster.hospital)
    if hospital is None or hospital.type is not OrganisationType.HOSPITAL:
        yield ("hospital",), "names no organisation of the type hospital"
    for index, entry in enumerate(cluster.municipalities):
        for loc, reason in _unknown("codes", entry.codes, merged.municipality):
            yield ("municipalities", index, *loc), reason


def _unit_faults(unit: UnitBlock, merged: Merged) -> _Faults:
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


def _agreement_faults(agreement: AgreementBlock, merged: Merged) -> _Faults:
    yield from _unknown("borrower", agreement.borrower, merged.municipality)
    yield from _unknown("lender", agreement.lender, merged.organisation)
    lender = merged.organisation.get(agreement.lender)
    if (
        lender is not None
        and lender.type is OrganisationType.MUNICIPALITY
        and lender.municipality == agreement.borrower
    ):
        yield ("lender",), "is the borrower's own municipality, which needs no agreement"


def _distance_faults(code: str, units: Mapping[str, DistanceBlock], merged: Merged) -> _Faults:
    if code not in merged.municipality:
        yield (), "is not in the catalogue"
    for unit in units:
        if unit not in merged.unit:
            yield (unit,), "is no unit of the catalogue"


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
