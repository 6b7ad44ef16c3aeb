"""Who may do what: one table, read by every route, socket and page.

A *permission* is one thing that can be done. An *actor* is who asks: a role, and what that role is
tied to. A *scope* is what it is asked for. The table gives each permission the roles that have it;
`allows` then says how far a role reaches: a visitator to its hospital's cluster, municipal staff to
units of their own organisation, and so on. Pure: no request, no store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self


class Role(StrEnum):
    """In what capacity somebody, or some program, comes."""

    VISITATOR = "visitator"
    MUNICIPAL_STAFF = "municipal_staff"
    COORDINATOR = "coordinator"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    WALL = "wall"
    INTEGRATOR = "integrator"
    """A program that feeds one source."""
    MONITOR = "monitor"
    """A program that reads metrics."""


PERSONS: Final = frozenset(
    {
        Role.VISITATOR,
        Role.MUNICIPAL_STAFF,
        Role.COORDINATOR,
        Role.OPERATOR,
        Role.ADMINISTRATOR,
    }
)
"""Roles that people have; programs and wall screens have keys."""
OF_AN_ORGANISATION: Final = frozenset({Role.VISITATOR, Role.MUNICIPAL_STAFF})
"""Roles that are nothing without an organisation."""
OF_CLUSTERS: Final = frozenset({Role.COORDINATOR})
"""Roles that are nothing without a cluster."""


class Permission(StrEnum):
    """One thing that can be done; `means` says which."""

    means: str

    def __new__(cls, value: str, means: str) -> Self:
        """A member is its value; what it means stands beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.means = means
        return member

    READ_BOARD = (
        "read_board",
        "See a cluster's board, live or past, its alternatives, holds and surge level.",
    )
    HOLD = "hold", "Ask for a hold, cancel, release or fill it (scope: cluster)."
    ANSWER = (
        "answer",
        "Accept, decline, fill or release a hold of a unit (scope: the unit's organisations).",
    )
    REPORT = "report", "Say by hand what a unit has free (scope: the unit's organisations)."
    LOG_OUTCOME = "log_outcome", "Log and correct what a call led to (scope: cluster)."
    OVERRIDE_SURGE = "override_surge", "Set a cluster's surge level by hand (scope: cluster)."
    READ_OUTCOMES = "read_outcomes", "See and export logged outcomes (scope: cluster)."
    REVIEW = (
        "review",
        "See the ledger of calls, comment on its cases and export it (scope: cluster).",
    )
    READ_INDICATORS = (
        "read_indicators",
        "See the indicators of a cluster and of its municipalities (scope: cluster).",
    )
    IMPORT_FIGURES = (
        "import_figures",
        "See figures of registers with their versions, and hand in files of them (scope: cluster).",
    )
    CHECK_FIGURES = "check_figures", "Say that figures of registers were checked (scope: cluster)."
    APPROVE_FIGURES = (
        "approve_figures",
        "Approve figures that somebody else has checked (scope: cluster).",
    )
    ANNOTATE = (
        "annotate",
        "Note dated changes on charts, at which their limits begin anew (scope: cluster).",
    )
    FEED = "feed", "Hand over documents of one source (scope: source)."
    OPERATE = "operate", "See and use feed health and quarantine."
    MEASURE = "measure", "Read metrics."
    ADMINISTER = "administer", "Accounts, keys, sessions and the audit trail."


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `account` is a pseudonymous id that stands in trails, never a name.

    `organisation` and `clusters` are what the role is tied to (empty: nothing), `source` the one
    source of an integrator.
    """

    role: Role
    account: str
    organisation: str | None = None
    clusters: frozenset[str] = frozenset()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a permission is asked for; `organisations` are those a unit belongs to or is run by."""

    cluster: str | None = None
    organisations: frozenset[str] = frozenset()
    source: str | None = None


TABLE: Final[Mapping[Permission, frozenset[Role]]] = {
    Permission.READ_BOARD: frozenset(
        {Role.VISITATOR, Role.MUNICIPAL_STAFF, Role.COORDINATOR, Role.ADMINISTRATOR, Role.WALL}
    ),
    Permission.HOLD: frozenset({Role.VISITATOR}),
    Permission.ANSWER: frozenset({Role.MUNICIPAL_STAFF}),
    Permission.REPORT: frozenset({Role.MUNICIPAL_STAFF}),
    Permission.LOG_OUTCOME: frozenset({Role.VISITATOR}),
    Permission.OVERRIDE_SURGE: frozenset({Role.COORDINATOR}),
    Permission.READ_OUTCOMES: frozenset({Role.VISITATOR, Role.COORDINATOR}),
    Permission.REVIEW: frozenset({Role.COORDINATOR}),
    Permission.READ_INDICATORS: frozenset(
        {Role.VISITATOR, Role.MUNICIPAL_STAFF, Role.COORDINATOR, Role.ADMINISTRATOR}
    ),
    Permission.IMPORT_FIGURES: frozenset({Role.COORDINATOR, Role.ADMINISTRATOR}),
    Permission.CHECK_FIGURES: frozenset({Role.COORDINATOR}),
    Permission.APPROVE_FIGURES: frozenset({Role.COORDINATOR, Role.ADMINISTRATOR}),
    Permission.ANNOTATE: frozenset({Role.COORDINATOR}),
    Permission.FEED: frozenset({Role.INTEGRATOR}),
    Permission.OPERATE: frozenset({Role.OPERATOR, Role.ADMINISTRATOR}),
    Permission.MEASURE: frozenset({Role.MONITOR, Role.OPERATOR, Role.ADMINISTRATOR}),
    Permission.ADMINISTER: frozenset({Role.ADMINISTRATOR}),
}

BY_CLUSTER = frozenset(
    {
        Permission.READ_BOARD,
        Permission.HOLD,
        Permission.LOG_OUTCOME,
        Permission.OVERRIDE_SURGE,
        Permission.READ_OUTCOMES,
        Permission.READ_INDICATORS,
        Permission.REVIEW,
        Permission.IMPORT_FIGURES,
        Permission.CHECK_FIGURES,
        Permission.APPROVE_FIGURES,
        Permission.ANNOTATE,
    }
)
BY_ORGANISATION = frozenset({Permission.ANSWER, Permission.REPORT})


CHANGING: Final = frozenset(
    {
        Permission.HOLD,
        Permission.ANSWER,
        Permission.REPORT,
        Permission.LOG_OUTCOME,
        Permission.OVERRIDE_SURGE,
        Permission.REVIEW,
        Permission.IMPORT_FIGURES,
        Permission.CHECK_FIGURES,
        Permission.APPROVE_FIGURES,
        Permission.ANNOTATE,
        Permission.ADMINISTER,
        Permission.OPERATE,
    }
)
"""What a browser asks for in requests that change something: those must come from our pages."""


def allows(actor: Actor, permission: Permission, scope: Scope) -> bool:
    """Whether this actor may do this, to this."""
    if actor.role not in TABLE[permission]:
        return False
    if permission is Permission.FEED:
        return actor.source is not None and actor.source == scope.source
    if permission in BY_ORGANISATION:
        return actor.organisation in scope.organisations
    if permission in BY_CLUSTER and actor.role is not Role.ADMINISTRATOR:
        return scope.cluster in actor.clusters
    return True
