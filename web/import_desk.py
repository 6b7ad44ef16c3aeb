"""What the page and the API of imported figures share: who asks, reading a file, signing."""

from collections import Counter
from dataclasses import dataclass

from fastapi import Request, UploadFile

from capacity.config_file import parse as parse_toml
from capacity.imports import Counts, Document, Imports, Refusal, digest_of
from capacity.indicators.definitions import Definitions
from capacity.units import Catalogue, Cluster, danish_day
from feeds.figures import FigureMapping, Known, Parsed, parse
from web.auth.trail import note
from web.roles import Actor
from web.services import Services


@dataclass(frozen=True, slots=True)
class ImportDesk:
    """One request about the figures of one cluster."""

    services: Services
    request: Request
    actor: Actor
    cluster: Cluster

    @property
    def imports(self) -> Imports:
        """The figures in the database."""
        return Imports(self.services.history, self.services.clock)

    @property
    def definitions(self) -> Definitions:
        """The indicators."""
        return self.services.rollups.definitions

    def read(self, raw: bytes, mapping: FigureMapping) -> Parsed:
        """A file as it would come in; raises `UnreadableError`."""
        return parse(
            raw, mapping, known_of(self.services.catalogue, self.definitions, self.cluster),
            danish_day(self.services.clock()),
        )  # fmt: skip

    async def bring_in(self, raw: bytes, mapping: FigureMapping, parsed: Parsed) -> Counts | None:
        """Note it on the trail, and bring it in; ``None`` for a file that was in before."""
        digest = digest_of(raw, mapping.model_dump_json())
        document = Document(digest, tuple(parsed.told), len(parsed.rejects))
        await self._note("figures-import", len(document.told))
        return await self.imports.bring_in(
            self.cluster.id, document, self.actor.account, self.actor.role
        )

    async def sign(self, action: str, ids: list[int]) -> Counter[Refusal | None]:
        """Note it on the trail, and check or approve; how many were, and why others were not."""
        await self._note(f"figures-{action}", len(ids))
        work = self.imports.check if action == "check" else self.imports.approve
        found = await work(self.cluster.id, ids, self.actor.account, self.actor.role)
        return Counter(found.values())

    async def note_export(self, form: str, figures: int) -> None:
        """Note on the trail that figures are carried away."""
        detail = {"format": form, "table": "imports", "figures": figures}
        await note(
            self.services, self.request, self.actor, "indicator-export", self.cluster.id, detail
        )

    async def _note(self, action: str, figures: int) -> None:
        detail = {"figures": figures}
        await note(self.services, self.request, self.actor, action, self.cluster.id, detail)


def known_of(catalogue: Catalogue, definitions: Definitions, cluster: Cluster) -> Known:
    """What files may tell of, in a cluster."""
    return Known(definitions, catalogue.municipalities, cluster.municipalities)


async def mapping_in(upload: UploadFile | None) -> FigureMapping:
    """The mapping that was handed in, or the one for our own names; raises `ConfigError`."""
    raw = await upload.read() if upload is not None else b""
    text = raw.decode("utf-8-sig", errors="replace")
    return parse_toml(text, "mapping").validate(FigureMapping)
