"""Formats: pure parsers from the bytes of one document to reports and rejects.

A format is one module with a `FORMAT`, found through the entry-point group
``akutoverblik.formats``, so that anyone can add one by installing a package. `parse` keeps these
promises, whatever the bytes:

- the only exception is `capacity.model.UnreadableError`, raised when no part can be read;
- reports stand in document order, and `Batch.places` says where each one came from;
- a row that cannot be used becomes a reject that names the place, the field and the reason, and
  never repeats the content (which may be a person's number).

Every parser ends in `capacity.reading.read_report`, so all formats share one set of rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from capacity.instants import BadInstantError, Repeated, zone
from capacity.model import Batch, ReportType
from capacity.reading import LocalTime

GROUP = "akutoverblik.formats"


class UnknownFormatError(LookupError):
    """No installed format has that name."""


class BadMappingError(ValueError):
    """A mapping that says something its format does not understand; the text names each key."""


class Mapping(BaseModel):
    """What a source says about its documents; each format adds its own keys.

    The same keys stand in a source's block of the TOML file and in a mapping file of its own.
    `units` (the source's identifiers -> ours) is there for whoever resolves units afterwards;
    parsers leave identifiers as they are. `types` goes by the source's identifiers too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str | None = None
    """IANA zone of local times, for example ``Europe/Copenhagen``."""
    repeated: Repeated = "first"
    """Which hour is meant by a local time that occurs twice in October."""
    report_type: ReportType | None = None
    """The type of reports that do not say it themselves; ``place`` if not given."""
    types: dict[str, ReportType] = {}
    units: dict[str, str] = {}

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        try:
            return name and zone(name).key
        except BadInstantError as error:
            raise ValueError(str(error)) from error

    @property
    def local_time(self) -> LocalTime:
        """How times without offset are meant; without a zone they are refused."""
        return LocalTime(zone(self.timezone) if self.timezone else None, self.repeated)

    def type_of(self, unit: object) -> ReportType | None:
        """The declared type of reports about `unit` (the source's own identifier)."""
        return self.types.get(unit, self.report_type) if isinstance(unit, str) else self.report_type


M = TypeVar("M", bound=Mapping)


@dataclass(frozen=True, slots=True)
class Format(Generic[M]):
    """One way to write reports down.

    `parse(raw, mapping, received_at)` is pure; without a mapping it uses the model's defaults.
    `media_types` are what a push may declare. A format that `carries_patients` has raw documents
    that must never be kept, not even in quarantine.
    """

    name: str
    media_types: tuple[str, ...]
    parse: Callable[[bytes, M | None, datetime], Batch]
    mapping_model: type[M]
    carries_patients: bool = False

    def read_mapping(self, values: object) -> M:
        """The checked mapping from a parsed TOML table; raises `BadMappingError`."""
        try:
            return self.mapping_model.model_validate(values)
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'mapping'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise BadMappingError(faults) from error


def format_names() -> tuple[str, ...]:
    """The short names of all installed formats, sorted."""
    return tuple(sorted(entry_points(group=GROUP).names))


def format_named(name: str) -> Format[Any]:
    """The installed format of that short name; raises `UnknownFormatError` listing the others."""
    found = entry_points(group=GROUP, name=name)
    if not found:
        known = ", ".join(format_names())
        raise UnknownFormatError(f"no format is called {name!r}; known are {known}")
    loaded = next(iter(found)).load()
    if not isinstance(loaded, Format):
        raise UnknownFormatError(f"what is installed as format {name!r} is no format")
    return loaded
