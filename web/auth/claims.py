"""From what an identity provider says of somebody to a role here, by rules in the settings. Pure.

A rule names a claim, a value, and what somebody who has it is:

    {"claim": "groups", "value": "akut-visitator", "role": "visitator",
     "organisation": "regionshospitalet-randers", "clusters": []}

The first rule that fits decides; whoever none fits may not enter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from web.roles import Role


class RoleRule(BaseModel):
    """One rule. `claim` may be a path of names with dots, for claims within claims."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str
    value: str
    role: Role
    organisation: str | None = None
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Granted:
    """What the claims make of somebody."""

    role: Role
    organisation: str | None
    clusters: tuple[str, ...]


def granted(claims: Mapping[str, object], rules: Sequence[RoleRule]) -> Granted | None:
    """What the first fitting rule grants, ``None`` when none fits."""
    for rule in rules:
        if rule.value in _values(claims, rule.claim):
            return Granted(rule.role, rule.organisation, rule.clusters)
    return None


def _values(claims: Mapping[str, object], path: str) -> list[str]:
    """The texts of a claim: its own, or those of its list. Anything else fits no rule."""
    found: object = claims.get(path)
    if found is None and "." in path:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
