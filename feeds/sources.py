"""Sources, declared in TOML: format, transport, time zone, units, freshness, who may write.

    [[source]]
    id = "favrskov-omsorg"
    cluster = "randers"
    format = "json"
    transport = "push"
    attribution = "Favrskov Kommune, omsorgsjournal"
    units = ["favrskov-akutplads"]                  # or {"their id" = "our id"}

Text values may hold ``${NAME}``, replaced from the environment; a name that is not set is refused
at start-up, so that a missing credential is found by the operator and not by a patient.
"""

import os
import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from capacity.catalogue_schema import Duration, Id
from capacity.config_file import ConfigError, Document, read
from capacity.model import ReportType
from capacity.units import Catalogue, Freshness, Unit
from feeds.formats import BadMappingError, Format, Mapping, UnknownFormatError, format_named

_ENVIRONMENT = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class Transport(StrEnum):
    """How a source's documents travel."""

    PUSH = "push"
    FOLDER = "folder"
    POLL = "poll"


class _Freshness(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ageing_after: Duration
    stale_after: Duration


class _SourceBlock(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: Id
    cluster: Id
    format: str
    transport: Transport
    attribution: str
    units: dict[str, Id] | list[Id]
    timezone: str | None = None
    mapping: dict[str, Any] = {}
    freshness: _Freshness | None = None
    expected_every: Duration | None = None
    folder: str | None = None
    pattern: str = "*"
    settle: Duration = timedelta(0)
    url: str | None = None
    every: Duration = timedelta(seconds=60)
    timeout: Duration = timedelta(seconds=10)
    bearer: str | None = None

    @model_validator(mode="after")
    def _transport_has_what_it_needs(self) -> "_SourceBlock":
        if self.transport is Transport.POLL and not self.url:
            raise ValueError("a poll needs a url")
        if self.transport is Transport.POLL and self.timeout >= self.every:
            raise ValueError("the time-out of a poll must be shorter than the time between polls")
        return self


class _SourcesFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source: list[_SourceBlock] = []


@dataclass(frozen=True, slots=True)
class Source:
    """One declared source, checked against the catalogue.

    `units` maps the source's own identifiers to catalogue units. `folder` is relative to the
    inbox folder of the installation unless absolute.
    """

    id: str
    cluster: str
    format: Format[Any]
    mapping: Mapping
    transport: Transport
    attribution: str
    units: MappingOf[str, Unit]
    freshness: Freshness | None
    expected_every: timedelta | None
    folder: str
    pattern: str
    settle: timedelta
    url: str
    every: timedelta
    timeout: timedelta
    bearer: str | None


def load_sources(
    paths: Sequence[Path | Traversable],
    catalogue: Catalogue,
    environment: MappingOf[str, str] = os.environ,
) -> dict[str, Source]:
    """All sources of all files by id; raises `ConfigError` with file, line and field.

    Refused: unknown formats, clusters, units and time zones, mappings that their format does not
    understand, one unit claimed by two sources, the same id twice, and unset environment names.
    """
    sources: dict[str, Source] = {}
    owners: dict[str, str] = {}
    for path in paths:
        document = read(path)
        _fill_from_environment(document, environment)
        problems = list(document.cpr_problems())
        if problems:
            raise ConfigError(problems)
        for index, block in enumerate(document.validate(_SourcesFile).source):
            source = _Checker(document, index, block, catalogue).source()
            if source.id in sources:
                raise document.problem(("source", index, "id"), "stands twice")
            for unit in source.units.values():
                if unit.id in owners:
                    raise document.problem(
                        ("source", index, "units"),
                        f"{unit.id} is claimed by {owners[unit.id]} already",
                    )
                owners[unit.id] = source.id
            sources[source.id] = source
    return sources


class _Checker:
    """Holds one source block against the catalogue and the installed formats."""

    def __init__(
        self, document: Document, index: int, block: _SourceBlock, catalogue: Catalogue
    ) -> None:
        self._document = document
        self._index = index
        self._block = block
        self._catalogue = catalogue

    def source(self) -> Source:
        block = self._block
        if block.cluster not in self._catalogue.clusters:
            raise self._problem("cluster", "is no cluster of the catalogue")
        units = self._units()
        found = self._format()
        return Source(
            id=block.id,
            cluster=block.cluster,
            format=found,
            mapping=self._mapping(found, units),
            transport=block.transport,
            attribution=block.attribution,
            units=units,
            freshness=self._freshness(),
            expected_every=block.expected_every,
            folder=block.folder or block.id,
            pattern=block.pattern,
            settle=block.settle,
            url=block.url or "",
            every=block.every,
            timeout=block.timeout,
            bearer=block.bearer,
        )

    def _units(self) -> dict[str, Unit]:
        stated = self._block.units
        pairs = stated if isinstance(stated, dict) else {unit: unit for unit in stated}
        if not pairs:
            raise self._problem("units", "is empty")
        units: dict[str, Unit] = {}
        for own_id, unit_id in pairs.items():
            unit = self._catalogue.units.get(unit_id)
            if unit is None:
                raise self._problem("units", f"{unit_id} is no unit of the catalogue")
            if unit.cluster != self._block.cluster:
                raise self._problem("units", f"{unit_id} belongs to cluster {unit.cluster}")
            units[own_id] = unit
        if len({unit.id for unit in units.values()}) < len(units):
            raise self._problem("units", "names one unit twice")
        return units

    def _format(self) -> Format[Any]:
        try:
            return format_named(self._block.format)
        except UnknownFormatError as error:
            raise self._problem("format", str(error)) from error

    def _mapping(self, found: Format[Any], units: MappingOf[str, Unit]) -> Mapping:
        types: dict[str, ReportType] = {own: unit.report_type for own, unit in units.items()}
        values = {"types": types, **self._block.mapping}
        if self._block.timezone is not None:
            values["timezone"] = self._block.timezone
        try:
            mapping: Mapping = found.read_mapping(values)
        except BadMappingError as error:
            raise self._problem("mapping", str(error)) from error
        return mapping

    def _freshness(self) -> Freshness | None:
        stated = self._block.freshness
        if stated is None:
            return None
        if stated.stale_after <= stated.ageing_after:
            raise self._problem("freshness", "stale_after must be later than ageing_after")
        return Freshness(stated.ageing_after, stated.stale_after)

    def _problem(self, key: str, reason: str) -> ConfigError:
        return self._document.problem(("source", self._index, key), reason)


def _fill_from_environment(document: Document, environment: MappingOf[str, str]) -> None:
    """Replace ``${NAME}`` in the source blocks' own texts."""
    for index, block in enumerate(document.data.get("source", ())):
        if not isinstance(block, dict):
            continue
        for key, value in block.items():
            if isinstance(value, str):
                missing = [n for n in _ENVIRONMENT.findall(value) if n not in environment]
                if missing:
                    raise document.problem(
                        ("source", index, key), f"{missing[0]} is not set in the environment"
                    )
                block[key] = _ENVIRONMENT.sub(lambda m: environment[m[1]], value)
