"""What the administrator's routes share: who asks, in which words, and the actions with their
notes on the trail."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from web.access import Refused
from web.auth.accounts import AccountDesk
from web.auth.key_desk import KeyDesk, known_of
from web.auth.trail import note
from web.pages.admin import Frame
from web.roles import Actor, Permission
from web.services import Services
from web.visiting import visitor_of
from web.words import Words, choose_language


@dataclass(frozen=True, slots=True)
class Desk:
    """One request of an administrator."""

    services: Services
    request: Request
    actor: Actor
    words: Words

    async def note(self, action: str, subject: str, **detail: object) -> None:
        """Put it on the trail, in the administrator's name."""
        await note(self.services, self.request, self.actor, action, subject, detail)

    def accounts(self) -> AccountDesk:
        """What may be done with accounts."""
        door, catalogue = self.services.door, self.services.catalogue
        return AccountDesk(
            door.people, catalogue, self.services.clock, self.note, door.sessions.end
        )

    def keys(self) -> KeyDesk:
        """What may be done with keys."""
        services = self.services
        known = known_of(services.catalogue, list(services.sources))
        return KeyDesk(services.access.keys, known, services.clock, self.note)

    def frame(self, here: str, told: str = "", error: str = "") -> Frame:
        """What every page of the administrator has; `told` and `error` are whole sentences."""
        services = self.services
        return Frame(
            words=self.words,
            catalogue=services.catalogue,
            now=services.clock(),
            csrf=services.access.csrf_token(self.request),
            visitor=visitor_of(self.request),
            here=here,
            demo=services.demo,
            told=told,
            error=error,
        )

    def page(self, html: str) -> Response:
        """An answer that remembers the language, if one was chosen."""
        response = HTMLResponse(html)
        if "lang" in self.request.query_params:
            lang = self.words.lang
            response.set_cookie("lang", lang, samesite="lax", max_age=365 * 86400)
        return response


def desk_of(request: Request, *, form_token: str | None = None) -> Desk | Response:
    """The desk of an administrator; the way to the sign-in for whoever is nobody; `Refused` for
    everybody else."""
    services: Services = request.app.state.services
    try:
        actor = services.access.require(request, Permission.ADMINISTER, form_token=form_token)
    except Refused as refused:
        if refused.status_code != 401:
            raise
        # A form that was sent too late is not sent again by itself: back to the page it is on.
        here = request.url.path if request.method == "GET" else "/admin"
        return RedirectResponse(f"/sign-in?next={quote(here)}", status_code=303)
    lang = choose_language(request.query_params.get("lang"), request.cookies.get("lang"))
    return Desk(services, request, actor, Words(lang))


def shown_link(services: Services, request: Request, path: str) -> str:
    """An address of ours as people outside must write it."""
    return (services.settings.public_url or str(request.base_url)).rstrip("/") + path


def wrong(words: Words, code: str, otherwise: str) -> str:
    """Why something was not done, in words of ours if there are any."""
    try:
        return words.text(f"admin_wrong_{code}")
    except KeyError:
        return otherwise
