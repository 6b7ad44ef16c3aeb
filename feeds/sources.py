"""Sources, declared in TOML: format, transport, time zone, units, freshness, who may write.

    [[source]]
    id = "favrskov-omsorg"
    cluster = "randers"
    format = "json"
    transport = "push"
    attribution = "Favrskov Kommune, omsorgsjournal"
    units = ["favrskov-akutplads"]                  # or {"their id" = "our id"}

Text values may hold ``${NAME}``, replaced from the environment; a name that is not set (or empty)
is refused at start-up, so that a missing credential is found by the operator and not by a patient.

Two sources may report one unit only if each says how far it is trusted, in another degree
(``trust = 2`` before ``trust = 1``): the less trusted one's figures are shown only once the other's
are stale. Without that, the second claim is refused.

    [[source]]                                      # a folder on somebody's SFTP server
    transport = "sftp"
    host = "sftp.example.dk"
    user = "akutoverblik"
    password = "${SFTP_PASSWORD}"                   # or key_file = "/run/secrets/id_ed25519"
    host_key = "ssh-ed25519 AAAA…"                  # the server's, checked with its owner
    folder = "ud/akut"
    after = "leave"                                 # or "move", "delete"

    [[source]]                                      # notified by a FHIR server (Subscription)
    format = "fhir"
    transport = "push"
    resync_url = "https://ehr.example.dk/fhir/Location?..."    # its whole picture, asked for
    bearer = "${EHR_TOKEN}"                                    # when a notification went missing
"""

import os
import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from capacity.catalogue_blocks import Duration, Id
from capacity.config_file import ConfigError, Document, read
from capacity.model import ReportType
from capacity.units import Catalogue, Freshness, Unit
from feeds.formats import BadMappingError, Format, Mapping, UnknownFormatError, format_named

SSH_PORT = 22
LOOPBACK = "127.0.0.1"
After = Literal["leave", "move", "delete"]
"""What becomes of a file on an SFTP server that was taken in."""

_ENVIRONMENT = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class Transport(StrEnum):
    """How a source's documents travel."""

    PUSH = "push"
    FOLDER = "folder"
    POLL = "poll"
    SFTP = "sftp"
    MLLP = "mllp"


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
    resync_url: str | None = None
    other_hosts: list[str] = []
    trust: Annotated[int, Field(ge=1, le=1000)] | None = None
    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    user: str | None = None
    password: str | None = None
    key_file: Path | None = None
    host_key: str | None = None
    after: After = "leave"
    idle: Duration = timedelta(hours=1)

    @model_validator(mode="after")
    def _transport_has_what_it_needs(self) -> "_SourceBlock":
        if self.transport is Transport.POLL and not self.url:
            raise ValueError("a poll needs a url")
        if self.transport is Transport.MLLP and self.port is None:
            raise ValueError("MLLP needs a port to listen on")
        if self.transport is Transport.POLL and self.timeout >= self.every:
            raise ValueError("the time-out of a poll must be shorter than the time between polls")
        if self.transport is Transport.SFTP:
            for key in ("host", "user", "host_key"):
                if not getattr(self, key):
                    raise ValueError(f"an SFTP folder needs {key}")
            if not self.password and self.key_file is None:
                raise ValueError("an SFTP folder needs password or key_file")
        return self

    @model_validator(mode="after")
    def _resync_fits(self) -> "_SourceBlock":
        if self.resync_url is not None:
            if self.transport is not Transport.PUSH or self.format != "fhir":
                raise ValueError("only a source that pushes fhir has a resync_url")
            if not self.resync_url.startswith(("https://", "http://")):
                raise ValueError("resync_url is no http or https address")
        return self


class _SourcesFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source: list[_SourceBlock] = []


@dataclass(frozen=True, slots=True)
class SftpAccess:
    """How to reach an SFTP server, and what may be done there with a file that was taken in.

    `host_key` is the server's public key in OpenSSH's form; a server that shows another is not
    spoken to. `after`: leave the file, move it to ``done`` or ``failed`` beside it, or delete it.
    """

    host: str
    port: int
    user: str
    password: str | None = field(repr=False)
    key_file: Path | None
    host_key: str
    after: After


@dataclass(frozen=True, slots=True)
class MllpListener:
    """Where to listen for HL7 v2 over TCP, and how long a silent connection is kept."""

    host: str
    port: int
    idle: timedelta


@dataclass(frozen=True, slots=True)
class Source:
    """One declared source, checked against the catalogue.

    `units` maps the source's own identifiers to catalogue units. `folder` is relative to the
    inbox folder of the installation unless absolute; with `sftp` it is a folder of that server.
    Of sources that report the same unit, the one with more `trust` goes first. `resync_url` gives
    the whole picture of a source that pushes notifications; `other_hosts` (``host`` or
    ``host:port``, lower case) may hold files of a bulk publication beside the manifest's own.
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
    trust: int | None = None
    sftp: SftpAccess | None = None
    mllp: MllpListener | None = None
    resync_url: str | None = None
    other_hosts: frozenset[str] = frozenset()


def load_sources(
    paths: Sequence[Path | Traversable],
    catalogue: Catalogue,
    environment: MappingOf[str, str] = os.environ,
) -> dict[str, Source]:
    """All sources of all files by id; raises `ConfigError` with file, line and field.

    Refused: unknown formats, clusters, units and time zones, mappings that their format does not
    understand, one unit claimed by two sources without an order of trust, the same id twice, keys
    that are no keys, and unset environment names.
    """
    sources: dict[str, Source] = {}
    owners: dict[str, list[Source]] = {}
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
                _refuse_a_claim_without_order(document, index, source, unit, owners)
                owners.setdefault(unit.id, []).append(source)
            sources[source.id] = source
    return sources


def _refuse_a_claim_without_order(
    document: Document, index: int, source: Source, unit: Unit, owners: MappingOf[str, list[Source]]
) -> None:
    for other in owners.get(unit.id, ()):
        if source.trust is None or other.trust is None or source.trust == other.trust:
            raise document.problem(
                ("source", index, "units" if source.trust is None else "trust"),
                f"{unit.id} is claimed by {other.id} already; if both are meant to report it, "
                "each needs a trust of its own",
            )


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
            folder=block.folder or ("." if block.transport is Transport.SFTP else block.id),
            pattern=block.pattern,
            settle=block.settle,
            url=block.url or "",
            every=block.every,
            timeout=block.timeout,
            bearer=block.bearer,
            trust=block.trust,
            sftp=self._sftp() if block.transport is Transport.SFTP else None,
            mllp=self._mllp(found) if block.transport is Transport.MLLP else None,
            resync_url=block.resync_url,
            other_hosts=frozenset(host.lower() for host in block.other_hosts),
        )

    def _sftp(self) -> SftpAccess:
        """The checked access; asyncssh is loaded only by installations that use it."""
        import asyncssh

        block = self._block
        assert block.host is not None  # the model saw to all three
        assert block.user is not None
        assert block.host_key is not None
        try:
            asyncssh.import_public_key(block.host_key)
        except (asyncssh.KeyImportError, UnicodeError) as error:
            raise self._problem("host_key", "is no public key in OpenSSH's form") from error
        try:
            if block.key_file is not None:
                asyncssh.read_private_key(block.key_file)
        except OSError as error:
            reason = f"cannot be read: {error.strerror or type(error).__name__}"
            raise self._problem("key_file", reason) from error
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, UnicodeError) as error:
            raise self._problem("key_file", "holds no private key without passphrase") from error
        return SftpAccess(
            host=block.host,
            port=block.port or SSH_PORT,
            user=block.user,
            password=block.password,
            key_file=block.key_file,
            host_key=block.host_key,
            after=block.after,
        )

    def _mllp(self, found: Format[Any]) -> MllpListener:
        """Loopback unless said otherwise: MLLP itself knows no keys and no encryption."""
        if found.name != "hl7v2":
            raise self._problem("format", "is not hl7v2, which is all that MLLP carries")
        assert self._block.port is not None  # the model saw to it
        return MllpListener(self._block.host or LOOPBACK, self._block.port, self._block.idle)

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
                missing = [n for n in _ENVIRONMENT.findall(value) if not environment.get(n)]
                if missing:
                    raise document.problem(
                        ("source", index, key), f"{missing[0]} is not set in the environment"
                    )
                block[key] = _ENVIRONMENT.sub(lambda m: environment[m[1]], value)
