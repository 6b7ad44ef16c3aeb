"""Who may do what, written by hand, and requests for every permission by anybody.

A slip in `web.roles` shows as a difference from `WANTED`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.besieged import ELSEWHERE, HERE, SOURCE, UNIT, XML, Besieged
from web.roles import Actor, Permission, Role, Scope

ORDER = (
    Role.VISITATOR, Role.MUNICIPAL_STAFF, Role.COORDINATOR, Role.OPERATOR, Role.ADMINISTRATOR,
    Role.WALL, Role.INTEGRATOR, Role.MONITOR,
)  # fmt: skip
WANTED = {
    "read_board":     "c c c - + c - -",
    "hold":           "c - - - - - - -",
    "answer":         "- o - - - - - -",
    "report":         "- o - - - - - -",
    "log_outcome":    "c - - - - - - -",
    "override_surge": "- - c - - - - -",
    "read_outcomes":  "c - c - - - - -",
    "review":         "- - c - - - - -",
    "read_indicators": "c c c - + - - -",
    "import_figures":  "- - c - + - - -",
    "check_figures":   "- - c - - - - -",
    "approve_figures": "- - c - + - - -",
    "annotate":        "- - c - - - - -",
    "feed":           "- - - - - - s -",
    "operate":        "- - - + + - - -",
    "measure":        "- - - + + - - +",
    "administer":     "- - - - + - - -",
}  # fmt: skip
"""By role in `ORDER`: ``+`` everywhere, c own clusters, o own organisation's units, s own source,
``-`` never."""


def cell(permission: Permission, role: Role) -> str:
    return WANTED[permission].split()[ORDER.index(role)]


def is_wanted(who: Actor, permission: Permission, scope: Scope) -> bool:
    """What `WANTED` says of somebody."""
    match cell(permission, who.role):
        case "+":
            return True
        case "c":
            return scope.cluster in who.clusters
        case "o":
            return who.organisation in scope.organisations
        case "s":
            return scope.source == who.source
    return False


@dataclass(frozen=True)
class Asked:
    """One request. It does nothing even to whoever may make it: its body says nothing."""

    permission: Permission
    scope: Scope
    method: str
    path: str
    body: object = None
    form: bool = False


def of_cluster(
    permission: Permission, method: str, path: str, body: object = None, *, form: bool = False
) -> list[Asked]:
    """The same for the cluster that most are of, and for another."""
    return [
        Asked(permission, Scope(cluster), method, path.format(cluster), body, form)
        for cluster in (HERE, ELSEWHERE)
    ]


def of_unit(permission: Permission, method: str, path: str, body: object = None) -> list[Asked]:
    """The same for units of three organisations."""
    units = {
        UNIT: "favrskov-kommune",
        "norddjurs-akutplads": "norddjurs-kommune",
        "horsens-akutplads": "horsens-kommune",
    }
    return [
        Asked(permission, Scope(None, frozenset({of})), method, path.format(unit), body)
        for unit, of in units.items()
    ]


def asked(place: Besieged) -> Iterator[Asked]:
    """The requests, by what they ask for."""
    P = Permission  # noqa: N806 - short, for a table
    for path in (
        "/board/{}", "/wall/{}", "/print/{}", "/api/v1/board/{}", "/api/v1/holds/{}",
        "/api/v1/board/{}?at=2026-01-01T00:00:00Z", "/api/v1/surge/{}", "/api/v1/alternatives/{}",
        "/replay/{}", "/api/v1/history/{}/changes",
    ):  # fmt: skip
        yield from of_cluster(P.READ_BOARD, "GET", path)
    yield Asked(P.READ_BOARD, Scope(HERE), "GET", f"/api/v1/units/{UNIT}")
    yield Asked(P.READ_BOARD, Scope(ELSEWHERE), "GET", "/api/v1/units/horsens-akutplads")
    yield from of_cluster(P.HOLD, "POST", "/api/v1/holds/{}", {"nothing": 1})
    for action in ("accept", "decline"):
        yield Asked(
            P.ANSWER, Scope(HERE, frozenset({"favrskov-kommune"})), "POST",
            f"/api/v1/holds/{HERE}/{place.ids['hold']}/{action}", {"nothing": 1},
        )  # fmt: skip
    yield from of_unit(P.REPORT, "POST", "/api/v1/units/{}/report", {})
    yield from of_unit(P.REPORT, "POST", "/api/v1/units/{}/push", {})
    for path in (
        "/unit/{}", "/unit/{}/shell", "/unit/{}/manifest.webmanifest", "/api/v1/units/{}/push"
    ):  # fmt: skip
        yield from of_unit(P.REPORT, "GET", path)
    yield from of_cluster(P.LOG_OUTCOME, "POST", "/api/v1/outcomes/{}", {})
    yield from of_cluster(P.LOG_OUTCOME, "POST", "/api/v1/outcomes/{}/none/correct", {})
    yield from of_cluster(P.OVERRIDE_SURGE, "POST", "/api/v1/surge/{}", {})
    yield from of_cluster(P.OVERRIDE_SURGE, "DELETE", "/api/v1/surge/{}")
    yield from of_cluster(P.READ_OUTCOMES, "GET", "/api/v1/outcomes/{}")
    yield from of_cluster(P.READ_OUTCOMES, "GET", "/api/v1/outcomes/{}.csv")
    for path in ("/ledger/{}", "/api/v1/ledger/{}", "/api/v1/ledger/{}.csv"):
        yield from of_cluster(P.REVIEW, "GET", path)
    for cluster in (HERE, ELSEWHERE):
        path = f"/ledger/{cluster}/comment"
        yield Asked(P.REVIEW, Scope(cluster), "POST", path, {}, form=True)
    yield from of_cluster(P.READ_INDICATORS, "GET", "/indicators/{}")
    yield from of_cluster(P.READ_INDICATORS, "GET", "/api/v1/indicators/{}")
    for path in ("/indicators/{}/statement", "/indicators/{}/report/2026-10"):
        yield from of_cluster(P.READ_INDICATORS, "GET", path)
    yield from of_cluster(P.READ_INDICATORS, "GET", "/api/v1/indicators/{}/statement")
    for path in ("/indicators/{}/imports", "/api/v1/indicators/{}/imports"):
        yield from of_cluster(P.IMPORT_FIGURES, "GET", path)
        yield from of_cluster(P.IMPORT_FIGURES, "POST", path, {}, form=True)
    yield from of_cluster(P.CHECK_FIGURES, "POST", "/indicators/{}/imports/check", {}, form=True)
    yield from of_cluster(
        P.APPROVE_FIGURES, "POST", "/indicators/{}/imports/approve", {}, form=True
    )
    yield from of_cluster(P.READ_INDICATORS, "GET", "/indicators/{}/changes")
    yield from of_cluster(P.ANNOTATE, "POST", "/indicators/{}/changes", {}, form=True)
    for source in (SOURCE, XML):
        yield Asked(P.FEED, Scope(source=source), "POST", f"/api/v1/feeds/{source}", {})
    at = place.ids
    for path in (
        "/operator", f"/operator/{SOURCE}", f"/operator/{SOURCE}/{at['entry_id']}",
        "/operator/documents/none",
    ):  # fmt: skip
        yield Asked(P.OPERATE, Scope(), "GET", path)
    for action in ("replay", "dismiss"):
        yield Asked(P.OPERATE, Scope(), "POST", f"/operator/{SOURCE}/{action}", {}, form=True)
    yield Asked(P.MEASURE, Scope(), "GET", "/metrics")
    for path in (
        "/admin", "/admin/accounts/new", f"/admin/accounts/{at['account']}", "/admin/keys",
        "/admin/accounts/none/export", "/admin/audit", "/admin/audit/export?since=x",
    ):  # fmt: skip
        yield Asked(P.ADMINISTER, Scope(), "GET", path)
    for path in (
        "/admin/accounts", "/admin/accounts/none/renew", "/admin/accounts/none/disable",
        "/admin/keys", "/admin/keys/none/rotate", "/admin/keys/none/revoke", "/admin/audit/verify",
    ):  # fmt: skip
        yield Asked(P.ADMINISTER, Scope(), "POST", path, {}, form=True)


@dataclass(frozen=True)
class Somebody:
    """A way to ask: a client, the headers it sends, the token that its forms carry."""

    actor: Actor | None
    client: httpx.AsyncClient
    headers: dict[str, str]
    csrf: str = ""

    async def may(self, asked: Asked) -> bool:
        """Whether the request is let in; whatever it then leads to."""
        sent: dict[str, Any] = {}
        if asked.form:
            sent["data"] = {"csrf": self.csrf}
        elif asked.body is not None:
            sent["json"] = asked.body
        answer = await self.client.request(asked.method, asked.path, headers=self.headers, **sent)
        assert answer.status_code < 500, (asked, answer.text)
        if answer.status_code == 303:
            return not answer.headers["Location"].startswith("/sign-in")
        return answer.status_code not in (401, 403)
