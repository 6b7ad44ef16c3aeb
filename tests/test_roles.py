"""Who may do what, cell by cell: the table itself, and everybody's requests to real routes.

`WANTED` is written by hand, so that a slip in `web.roles` is found. `ASKED` has requests for every
permission; each is made by everybody (people of each role, here and elsewhere, programs and screens
with each kind of key, and nobody) and must be let in, or refused, as `WANTED` says.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from capacity.board import Board, EmbeddedServer
from capacity.instants import utc_now
from capacity.people import NewAccount
from capacity.units import Dated, danish_day
from tests.support.besieged import ELSEWHERE, HERE, SOURCE, UNIT, WHO, XML, Besieged, besieged
from tests.support.live import source_file
from tests.support.service import running, settings_for
from web.auth.cookies import PLAIN
from web.auth.signing_in import clusters_of
from web.key_kinds import KeyKind
from web.role_table import role_table
from web.roles import TABLE, Actor, Permission, Role, Scope, allows

DOCS = Path(__file__).resolve().parents[1] / "docs" / "access.md"
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


# The table


def test_the_table_is_the_wanted_one() -> None:
    assert set(WANTED) == {each.value for each in Permission}
    assert set(ORDER) == set(Role)
    for permission in Permission:
        wanted = {role for role in Role if cell(permission, role) != "-"}
        assert TABLE[permission] == wanted, permission


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_each_cell_in_scope_out_of_scope_and_with_nothing(
    permission: Permission, role: Role
) -> None:
    inside = Scope("here", frozenset({"own", "other"}), "mine")
    bound = Actor(role, "x", "own", frozenset({"here"}), "mine")
    loose = Actor(role, "x")
    scopes = [
        inside,
        replace(inside, cluster="elsewhere"),
        replace(inside, organisations=frozenset({"other"})),
        replace(inside, source="another"),
        Scope(),
    ]
    for scope in scopes:
        assert allows(bound, permission, scope) == is_wanted(bound, permission, scope)
    everywhere = cell(permission, role) == "+"
    for scope in scopes:
        assert allows(loose, permission, scope) == everywhere


def test_the_documented_table_is_made_from_the_one_in_use() -> None:
    assert role_table() in DOCS.read_text(encoding="utf-8")


# Real routes


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


@pytest.fixture
async def place(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> AsyncIterator[Besieged]:
    async with besieged(tmp_path, valkey_server.url) as place:
        yield place


@pytest.fixture
async def everybody(place: Besieged) -> AsyncIterator[dict[str, Somebody]]:
    """People with sessions, programs with keys, a wall screen with its link's session, nobody."""
    found: dict[str, Somebody] = {}
    elsewhere = {"visitator elsewhere", "nurse elsewhere", "coordinator elsewhere"}
    for who, person in place.people.items():
        account, role = person.account, Role(person.account.role)
        clusters = frozenset({ELSEWHERE if who in elsewhere else HERE})
        actor = Actor(role, account.id, account.organisation, clusters)
        found[who] = Somebody(actor, person.client, person.headers, person.csrf)
    ring = place.service.services.access.keys
    nobody = place.service.client
    programs = {
        "board key": (KeyKind.BOARD, HERE, Actor(Role.WALL, "", None, frozenset({HERE}))),
        "source key": (KeyKind.SOURCE, SOURCE, Actor(Role.INTEGRATOR, "", source=SOURCE)),
        "metrics key": (KeyKind.METRICS, "all", Actor(Role.MONITOR, "")),
        "operator key": (KeyKind.OPERATOR, "all", Actor(Role.OPERATOR, "")),
    }
    for name, (kind, of, actor) in programs.items():
        bearer = {"Authorization": f"Bearer {ring.make(kind, of, utc_now())}"}
        found[name] = Somebody(actor, nobody, bearer)
    found["nobody"] = Somebody(None, nobody, {})
    found["wrong key"] = Somebody(None, nobody, {"Authorization": "Bearer made-up"})
    async with httpx.AsyncClient(base_url=place.service.base, timeout=60) as screen:
        link = ring.make(KeyKind.BOARD, HERE, utc_now())
        assert (await screen.get(f"/wall-link/{link}")).status_code == 303
        csrf = (await screen.get("/api/v1/session")).json()["csrf"]
        wall = Actor(Role.WALL, "", None, frozenset({HERE}))
        found["wall screen"] = Somebody(wall, screen, {"X-CSRF-Token": csrf}, csrf)
        yield found


async def test_every_request_of_everybody_is_let_in_or_refused_as_the_table_says(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    assert {each.actor.role for each in everybody.values() if each.actor} == set(Role)
    requests = list(asked(place))
    assert {each.permission for each in requests} == set(Permission)
    before = await place.standing()
    wrong = []
    for name, somebody in everybody.items():
        for each in requests:
            wanted = somebody.actor is not None and is_wanted(
                somebody.actor, each.permission, each.scope
            )
            if await somebody.may(each) != wanted:
                wrong.append(f"{name}: {each.method} {each.path} should be {wanted}")
    assert wrong == []
    after = await place.standing()
    for name in ("accounts", "holds", "rows", "outcomes", "keys", "surge"):
        assert after[name] == before[name], name


async def test_the_live_channel_opens_for_whoever_may_read_the_board(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    for name, somebody in everybody.items():
        cookie = somebody.client.cookies.get(PLAIN)
        headers = dict(somebody.headers) | ({"Cookie": f"{PLAIN}={cookie}"} if cookie else {})
        for cluster in (HERE, ELSEWHERE):
            wanted = somebody.actor is not None and is_wanted(
                somebody.actor, Permission.READ_BOARD, Scope(cluster)
            )
            address = f"{place.service.live}/{cluster}"
            if wanted:
                async with connect(address, additional_headers=headers) as socket:
                    assert "snapshot" in str(await socket.recv()), name
                continue
            with pytest.raises(InvalidStatus) as refused:
                await connect(address, additional_headers=headers)
            assert refused.value.response.status_code in (401, 403), name


async def test_who_asks_without_a_pages_token_changes_nothing(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    changing = [each for each in asked(place) if each.method != "GET"]
    for who in WHO:
        bare = replace(everybody[who], headers={}, csrf="")
        foreign = replace(everybody[who], headers={"Origin": "https://evil.example"})
        for each in changing:
            if each.permission is not Permission.FEED:
                assert not await bare.may(each), (who, each)
        for each in changing[:3]:
            assert not await foreign.may(each), (who, each)


async def test_a_unit_is_its_organisations_and_whose_runs_it_today(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    services = place.service.services
    today = danish_day(services.clock())
    unit = services.catalogue.units[UNIT]
    ask = Asked(Permission.REPORT, Scope(), "POST", f"/api/v1/units/{UNIT}/report", {})
    for since, wanted in ((today + timedelta(days=1), False), (today, True)):
        operator = Dated(((date.min, "favrskov-kommune"), (since, "norddjurs-kommune")))
        units = {**services.catalogue.units, UNIT: replace(unit, operator=operator)}
        services.catalogue = replace(services.catalogue, units=units)
        assert await everybody["nurse next door"].may(ask) == wanted
        assert await everybody["nurse"].may(ask)
        assert not await everybody["nurse elsewhere"].may(ask)


async def test_the_clusters_that_an_account_sees_follow_from_what_it_is(place: Besieged) -> None:
    services = place.service.services
    people, catalogue = services.door.people, services.catalogue

    async def seen(**of: Any) -> tuple[str, ...]:
        login = f"x{len(await people.accounts())}"
        account, _ = await people.create(NewAccount(login=login, **of))
        return clusters_of(services.catalogue, account, services)

    hospital, town = "regionshospitalet-randers", "norddjurs-kommune"
    assert await seen(role="visitator", organisation=hospital) == (HERE,)
    assert await seen(role="visitator", organisation="regionshospitalet-horsens") == (ELSEWHERE,)
    assert await seen(role="visitator", organisation=town) == ()
    assert await seen(role="municipal_staff", organisation=town) == (HERE,)
    assert await seen(role="municipal_staff", organisation=hospital) == (HERE,), "it has units"
    assert await seen(role="coordinator", clusters=(ELSEWHERE,)) == (ELSEWHERE,)
    assert await seen(role="operator") == ()
    unit = catalogue.units[UNIT]
    elsewhere = replace(unit, operator=Dated(((date.min, "horsens-kommune"),)))
    services.catalogue = replace(catalogue, units={**catalogue.units, UNIT: elsewhere})
    runs = await seen(role="municipal_staff", organisation="horsens-kommune")
    assert set(runs) == {HERE, ELSEWHERE}


async def test_everybody_begins_where_their_work_is(
    place: Besieged, everybody: dict[str, Somebody]
) -> None:
    wanted = {
        "visitator": "/board/randers",
        "visitator elsewhere": "/board/horsens",
        "nurse": "/units",
        "coordinator": "/board/randers",
        "operator": "/operator",
        "administrator": "/admin",
        "wall screen": "/wall/randers",
        "operator key": "/operator",
        "nobody": "/sign-in",
    }
    for who, address in wanted.items():
        somebody = everybody[who]
        answer = await somebody.client.get("/", headers=somebody.headers)
        assert (answer.status_code, answer.headers["Location"]) == (303, address), who
        if who not in ("wall screen", "nobody"):
            there = await somebody.client.get(address, headers=somebody.headers)
            assert there.status_code == 200, who
    for who in ("visitator", "operator", "administrator"):
        answer = await everybody[who].client.get("/units")
        assert answer.headers["Location"] == "/", who
    own = (await everybody["nurse"].client.get("/units")).text
    assert f"/unit/{UNIT}" in own
    assert "/unit/norddjurs-akutplads" not in own


async def test_the_demos_visitor_is_everybody_and_others_of_its_machine_are_not(
    board: Board, valkey_server: EmbeddedServer, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, valkey_server.url, source_file(tmp_path))
    async with running(settings) as service:
        client = service.client
        for path in ("/board/randers", "/units", "/operator", "/admin", "/metrics"):
            assert (await client.get(path)).status_code == 200, path
        rebound = {"Host": "evil.example"}
        for path in ("/board/randers", "/admin", "/api/v1/session"):
            answer = await client.get(path, headers=rebound)
            assert answer.status_code in (303, 401, 403), path
        assert (await client.post("/api/v1/feeds/any")).status_code == 401
        assert (await client.get("/account")).status_code == 303
        wrong = {"Authorization": "Bearer made-up"}
        assert (await client.get("/api/v1/board/randers", headers=wrong)).status_code == 401
        told = (await client.get("/api/v1/session")).json()
        assert (told["account"], told["csrf"]) == (None, service.csrf)
