"""What happens when somebody signs in or out, whatever the way: the session, and the trail."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from capacity.board.sessions import NewSession
from capacity.people import Account
from capacity.units import Catalogue, OrganisationType, danish_day
from web.access import session_of
from web.auth import cookies
from web.auth.trail import Someone, note
from web.keys import Key
from web.pages.sign_in import render_sign_in
from web.roles import Role
from web.services import Services
from web.words import Words, choose_language


async def begin_session(
    services: Services, request: Request, account: Account, how: str, next: str
) -> Response:
    """Sign an account in and go on to `next`. Any session the browser had ends: a token that
    somebody planted there is worth nothing."""
    clusters = clusters_of(services.catalogue, account, services)
    who = Someone(account.id, account.role)
    await note(services, request, who, "sign-in", account.id, {"how": how})
    wanted = NewSession(
        account=account.id,
        role=account.role,
        organisation=account.organisation,
        clusters=clusters,
        stamp=account.stamp,
        how=how,
        address=cookies.address_of(request),
        agent=cookies.agent_of(request),
    )
    await end_present(services, request)
    token = await services.door.sessions.begin(wanted)
    now = await services.door.people.change(account.id, last_sign_in_at=services.clock())
    if now.stamp != account.stamp:
        # Its rights changed while it signed in, and whoever changed them saw no session to end.
        await services.door.sessions.end(account.id)
        return RedirectResponse("/sign-in", status_code=303)
    return _entered(request, token, next)


async def begin_wall(services: Services, request: Request, key: Key) -> Response:
    """Let a wall screen in by its link."""
    detail: dict[str, object] = {"how": "wall", "cluster": key.of}
    await note(services, request, Someone(key.id, Role.WALL), "sign-in", key.id, detail)
    wanted = NewSession(
        account=key.id,
        role=Role.WALL.value,
        organisation=None,
        clusters=(key.of,),
        stamp=0,
        how="wall",
        address=cookies.address_of(request),
        agent=cookies.agent_of(request),
    )
    await end_present(services, request)
    return _entered(request, await services.door.sessions.begin(wanted), f"/wall/{key.of}")


async def sign_out(services: Services, request: Request) -> Response:
    """End this session, and with it every socket of its pages."""
    session = session_of(request)
    if session is not None:
        await note(services, request, session, "sign-out", session.id)
    await end_present(services, request)
    provider = services.door.provider
    by_provider = provider is not None and session is not None and session.how == "oidc"
    away = await provider.farewell() if provider and by_provider else None
    request.scope["state"]["session"] = None
    if provider and away:
        response = _sent_on(services, request, provider.name, away)
    else:
        response = RedirectResponse("/sign-in?out=1", status_code=303)
    cookies.clear(response, request)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def end_present(services: Services, request: Request) -> None:
    """End the session that this request came with, if any."""
    session = session_of(request)
    if session is not None:
        await services.door.sessions.end(session.account, session.id)


def clusters_of(catalogue: Catalogue, account: Account, services: Services) -> tuple[str, ...]:
    """The clusters an account may see today: its hospital's, its municipality's, those in which
    its organisation has or runs a unit, or those given."""
    organisation = catalogue.organisations.get(account.organisation or "")
    today = danish_day(services.clock())
    found: list[str] = []
    for cluster in catalogue.clusters.values():
        municipalities = cluster.municipalities.on(today) or ()
        if (
            cluster.id in account.clusters
            or (account.role == Role.VISITATOR and cluster.hospital == account.organisation)
            or (
                account.role == Role.MUNICIPAL_STAFF
                and organisation is not None
                and organisation.type is OrganisationType.MUNICIPALITY
                and organisation.municipality in municipalities
            )
            or (
                account.role == Role.MUNICIPAL_STAFF
                and any(
                    account.organisation in unit.organisations(today)
                    for unit in catalogue.units_of(cluster.id)
                )
            )
        ):
            found.append(cluster.id)
    return tuple(found)


def _sent_on(services: Services, request: Request, name: str, away: str) -> Response:
    """To the identity provider, to sign out there too: by a page, for browsers take a redirect
    after a form to be part of it, and our forms may not lead to another site (`form-action`)."""
    lang = choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
    told = Words(lang).text("oidc_farewell", name=name)
    csrf = services.access.csrf_token(request)
    page = render_sign_in(lang, csrf=csrf, next="/", told=told, provider=name)
    return HTMLResponse(page, headers={"Refresh": f"0; url={away}"})


def _entered(request: Request, token: str, next: str) -> Response:
    response = RedirectResponse(next, status_code=303)
    cookies.keep(response, request, token)
    return response
