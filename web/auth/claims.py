"""From what an identity provider says of somebody to a role here, by rules in the settings. Pure.

A rule names a claim, a value, and what somebody who has it is:

    {"claim": "groups", "value": "akut-visitator", "role": "visitator",
     "organisation": "regionshospitalet-randers", "clusters": []}

The first rule that fits decides; whoever none fits may not enter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from capacity.config_file import ConfigError, Problem
from capacity.units import Catalogue
from web.roles import Role

SETTING = "AKUTOVERBLIK_OIDC_ROLES"
_OF_AN_ORGANISATION = frozenset({Role.VISITATOR, Role.MUNICIPAL_STAFF})
_NOT_OF_PEOPLE = frozenset({Role.WALL, Role.INTEGRATOR, Role.MONITOR})


class RoleRule(BaseModel):
    """One rule. `claim` may be a path of names with dots, for claims within claims."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str = Field(min_length=1)
    value: str = Field(min_length=1)
    role: Role
    organisation: str | None = None
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Granted:
    """What the claims make of somebody."""

    role: Role
    organisation: str | None
    clusters: tuple[str, ...]


def rules_of(declared: Sequence[Mapping[str, object]]) -> list[RoleRule]:
    """The rules of the settings; `ConfigError` names the rule and the field that is wrong."""
    rules: list[RoleRule] = []
    problems: list[Problem] = []
    for number, each in enumerate(declared):
        try:
            rules.append(RoleRule.model_validate(each))
        except ValidationError as error:
            problems += [
                Problem(
                    SETTING, 0, ".".join(map(str, (f"rule[{number}]", *fault["loc"]))), fault["msg"]
                )
                for fault in error.errors()
            ]
    problems += [
        Problem(SETTING, 0, f"rule[{number}].role", f"{rule.role} is for programs and screens")
        for number, rule in enumerate(rules)
        if rule.role in _NOT_OF_PEOPLE
    ]
    if problems:
        raise ConfigError(problems)
    return rules


def check_rules(rules: Sequence[RoleRule], catalogue: Catalogue) -> None:
    """Raise `ConfigError` where a rule names an organisation or cluster that nobody knows: who it
    fits would be let in and see nothing."""
    problems: list[Problem] = []
    for number, rule in enumerate(rules):
        if rule.organisation is None and rule.role in _OF_AN_ORGANISATION:
            reason = f"is missing: a {rule.role} belongs to one"
            problems.append(Problem(SETTING, 0, f"rule[{number}].organisation", reason))
        if not rule.clusters and rule.role is Role.COORDINATOR:
            reason = "is missing: a coordinator has at least one"
            problems.append(Problem(SETTING, 0, f"rule[{number}].clusters", reason))
        if rule.organisation is not None and rule.organisation not in catalogue.organisations:
            reason = f"{rule.organisation!r} is not in the catalogue"
            problems.append(Problem(SETTING, 0, f"rule[{number}].organisation", reason))
        problems += [
            Problem(SETTING, 0, f"rule[{number}].clusters", f"{cluster!r} is not in the catalogue")
            for cluster in rule.clusters
            if cluster not in catalogue.clusters
        ]
    if problems:
        raise ConfigError(problems)


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
