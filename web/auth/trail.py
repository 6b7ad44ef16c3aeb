"""The one way onto the audit trail for whatever a request is about to do.

A route notes *before* it acts. What cannot be noted is not done: `BoardUnavailableError` goes to
the route, which answers 503. So an entry says that somebody was let to do a thing and began; a
request repeated under its `Idempotency-Key` may be noted again, and one that comes too late (409)
is noted too. What is said is short and fixed: no name, no free text, nothing that somebody typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from web.auth.cookies import address_of
from web.services import Services


class Who(Protocol):
    """Whose name an entry stands in: an `Actor`, an account, a session."""

    @property
    def account(self) -> str:
        """A pseudonymous id."""

    @property
    def role(self) -> str:
        """In what capacity."""


@dataclass(frozen=True, slots=True)
class Someone:
    """Who is not (yet) let in: an account whose sign-in failed, or nobody we know."""

    account: str = "unknown"
    role: str = "none"


async def note(
    services: Services,
    request: HTTPConnection,
    who: Who,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Put what is about to be done on the audit trail.

    `subject` is the id of what it is done to, as we know it: a caller that has it from an address
    looks whether there is such a thing first, or writes nothing that somebody typed.
    """
    await services.door.audit.note(
        action,
        subject,
        account=who.account,
        role=who.role,
        address=address_of(request),
        detail=dict(detail or {}),
    )
