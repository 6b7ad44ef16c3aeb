"""The catalogue, sources, keys and reports that everything is measured with."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from capacity.catalogue import load_catalogue
from capacity.instants import format_instant, utc_now
from capacity.units import Catalogue
from feeds.sources import Source, load_sources
from tests.support.small_catalogue import HEAD, cluster_block, source_block, unit_block
from web.key_kinds import KeyKind
from web.keys import KeyRing

CLUSTER = "randers"
_CAPABILITIES = (
    "iv_antibiotics", "iv_fluid", "tobs_observation", "blood_crp", "blood_hb", "blood_glucose",
    "bladder_scan", "catheter", "oxygen", "inhalation", "wound_care", "isolation",
)  # fmt: skip
_MORE = """\
phone = "+45 00 00 00 01"
capabilities = {capabilities}
assumptions = ["phone"]
"""


@dataclass(frozen=True, slots=True)
class World:
    """A folder with one cluster of `units`, shared out among sources that push our own JSON."""

    folder: Path
    units: tuple[str, ...]
    keys: tuple[str, ...]

    @classmethod
    def write(
        cls,
        folder: Path,
        units: int,
        sources: int = 1,
        clusters: int = 1,
        capabilities: int = len(_CAPABILITIES),
    ) -> "World":
        """Write the files and make a key for every source. Each unit has so many `capabilities`.

        With more clusters than one, `units` are shared out among them, and only those of the
        first are reported on.
        """
        folder.mkdir(parents=True)
        ids = tuple(f"unit-{number:05d}" for number in range(units))
        names = [CLUSTER, *(f"cluster-{number}" for number in range(1, clusters))]
        more = _MORE.format(capabilities=json.dumps(_CAPABILITIES[:capabilities]))
        catalogue = [HEAD, *map(cluster_block, names[1:])]
        for number, unit in enumerate(ids):
            name, cluster = f"Akutpladser nummer {number}", names[number * clusters // units]
            catalogue.append(unit_block(unit, cluster, name=name, more=more))
        ids = ids[: units // clusters]
        (folder / "catalogue.toml").write_text("".join(catalogue), encoding="utf-8")
        world = cls(folder, ids, tuple(cls._make_keys(folder, sources)))
        blocks = [
            source_block(f"source-{number}", CLUSTER, world.units_of(number))
            for number in range(sources)
        ]
        (folder / "sources.toml").write_text("".join(blocks), encoding="utf-8")
        return world

    @staticmethod
    def _make_keys(folder: Path, sources: int) -> list[str]:
        ring = KeyRing(folder / "keys.toml")
        return [
            ring.make(KeyKind.SOURCE, f"source-{number}", utc_now()) for number in range(sources)
        ]

    def units_of(self, source: int) -> Sequence[str]:
        """The units that one source reports on."""
        share = len(self.units) // len(self.keys)
        return self.units[source * share : (source + 1) * share]

    def load(self) -> tuple[Catalogue, Source]:
        """What the product makes of the files; the first source of them."""
        catalogue = load_catalogue([self.folder / "catalogue.toml"])
        return catalogue, load_sources([self.folder / "sources.toml"], catalogue)["source-0"]

    def environment(self, redis_url: str, port: int) -> dict[str, str]:
        """The settings of a web process in this world, and nothing of the caller's own."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("AKUTOVERBLIK_")}
        # An installed program has its modules compiled, whatever holds for whoever measures it.
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        return inherited | {
            "AKUTOVERBLIK_DATA": str(self.folder / "data"),
            "AKUTOVERBLIK_KEYS": str(self.folder / "keys.toml"),
            "AKUTOVERBLIK_CATALOGUE": json.dumps([str(self.folder / "catalogue.toml")]),
            "AKUTOVERBLIK_SOURCES": json.dumps([str(self.folder / "sources.toml")]),
            "AKUTOVERBLIK_REDIS_URL": redis_url,
            "AKUTOVERBLIK_PORT": str(port),
            # Everybody comes from one address here. Requests are counted all the same.
            "AKUTOVERBLIK_SOCKETS_PER_ADDRESS": "20000",
            "AKUTOVERBLIK_RATE_ADDRESS": "10000000",
            "AKUTOVERBLIK_RATE_KEY": "10000000",
        }


def moment(step: int) -> datetime:
    """Instants about an hour ago, each later than the one of any smaller step asked for before."""
    hour_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    return hour_ago + timedelta(milliseconds=step)


def report(unit: str, observed_at: datetime, note: str, occupied: int) -> dict[str, object]:
    """A report of ordinary size in our own JSON."""
    return {
        "unit": unit,
        "type": "place",
        "observed_at": format_instant(observed_at),
        "total": 12,
        "staffed": 11,
        "occupied": occupied % 12,
        "reserved": 0,
        "closed": 0,
        "note": note,
    }


def document(reports: Sequence[dict[str, object]]) -> bytes:
    """A document in our own JSON."""
    return json.dumps({"reports": reports}, separators=(",", ":")).encode()
