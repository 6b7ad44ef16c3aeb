"""Who visits a page: what its head says of them, and where the front page leads them."""

from urllib.parse import quote

from fastapi import Request

from web.access import session_of
from web.pages.visitor import Visitor
from web.roles import Actor, Role
from web.services import Services

_ROOMS = {
    Role.MUNICIPAL_STAFF: "/units",
    Role.OPERATOR: "/operator",
    Role.ADMINISTRATOR: "/admin",
}
"""Where those begin who do not begin with a board."""


def visitor_of(request: Request) -> Visitor | None:
    """Who is signed in with a session; ``None`` for keys, wall screens and the demo's visitor."""
    services: Services = request.app.state.services
    session = session_of(request)
    if session is None or session.how == "wall":
        return None
    organisation = services.catalogue.organisations.get(session.organisation or "")
    return Visitor(
        account=session.account,
        role=session.role,
        organisation=organisation.name if organisation else "",
        csrf=services.access.csrf_token(request),
    )


def front_of(actor: Actor | None) -> str | None:
    """The page that somebody begins with; ``None`` for those who begin with a board."""
    if actor is None:
        return None
    if actor.role is Role.WALL and len(actor.clusters) == 1:
        return f"/wall/{quote(min(actor.clusters))}"
    return _ROOMS.get(actor.role)
