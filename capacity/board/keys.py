"""Names of the board's keys. All keys of one cluster share its hash tag, hence its shard."""

import re
from dataclasses import dataclass
from functools import lru_cache

PREFIX = "akutoverblik"
_CLUSTER = re.compile(r"[a-z0-9-]{1,60}")
"""As the catalogue has it; a brace or colon would let one cluster's keys be another's."""


@dataclass(frozen=True, slots=True)
class ClusterKeys:
    """The keys of one health cluster, in the order in which the functions take them."""

    cluster: str

    def __post_init__(self) -> None:
        if not _CLUSTER.fullmatch(self.cluster):
            raise ValueError("a cluster id is of a-z, 0-9 and hyphens")

    def _key(self, what: str) -> str:
        return f"{PREFIX}:{{{self.cluster}}}:{what}"

    @property
    def meta(self) -> str:
        """Hash: epoch, seq, the history of writes it is of (kept.lua), the clock as last seen."""
        return self._key("meta")

    @property
    def rows(self) -> str:
        """Hash: unit to whole row."""
        return self._key("rows")

    @property
    def versions(self) -> str:
        """Hash: unit to ``observed_ms|digest|seq``."""
        return self._key("versions")

    @property
    def changes(self) -> str:
        """Stream of applied changes."""
        return self._key("changes")

    @property
    def late(self) -> str:
        """Stream of readings that came after a newer one."""
        return self._key("late")

    @property
    def moved(self) -> str:
        """Sorted set: messages about movements that were counted, by the store's clock."""
        return self._key("moved")

    @property
    def beds(self) -> str:
        """Hash: ``unit|bed`` to ``use|observed_ms``."""
        return self._key("beds")

    @property
    def kept(self) -> str:
        """Hash: unit to what is kept of it beside its row, see kept.lua."""
        return self._key("kept")

    @property
    def due(self) -> str:
        """Sorted set: live holds by their deadline."""
        return self._key("due")

    @property
    def lapse(self) -> str:
        """Sorted set: units by when something kept of them is to be let go of."""
        return self._key("lapse")

    @property
    def unit_of(self) -> str:
        """Hash: hold to unit."""
        return self._key("unit_of")

    @property
    def quota(self) -> str:
        """Hash: ``agreement|period`` to how many holds count in it."""
        return self._key("quota")

    @property
    def journal(self) -> str:
        """Stream of what people and rules did: k kind, t store time in ms, d JSON object."""
        return self._key("journal")

    @property
    def outcomes(self) -> str:
        """Hash: outcome id to what outcomes.lua keeps of it."""
        return self._key("outcomes")

    @property
    def outcome_ages(self) -> str:
        """Sorted set: outcome ids by when they were logged, by the store's clock."""
        return self._key("outcome_ages")

    @property
    def surge(self) -> str:
        """Hash: the computed surge level and a person's in its place; see surge.lua."""
        return self._key("surge")

    @property
    def feeds(self) -> str:
        """Hash: which process runs the cluster's feeds, and until when; see lease.lua."""
        return self._key("feeds")

    def request(self, request_id: str) -> str:
        """String: the answer once given to a request."""
        return self._key(f"request:{request_id}")

    def for_function(self, request_id: str) -> list[str]:
        """The keys of every function, in the order that kept.lua documents."""
        before, after = _around_request(self)
        return [*before, self.request(request_id), *after]

    def for_move(self, request_id: str) -> list[str]:
        """The keys of the function ``move``."""
        return [*self.for_function(request_id), self.moved, self.beds]


@lru_cache(maxsize=1024)
def _around_request(keys: ClusterKeys) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The functions' keys before and after that of the request: the same for every call."""
    before = (keys.meta, keys.rows, keys.versions, keys.changes, keys.late)
    after = (
        keys.kept,
        keys.due,
        keys.lapse,
        keys.unit_of,
        keys.quota,
        keys.journal,
    )
    return before, after
