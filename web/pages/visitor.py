"""Who is signed in, as the head of a page shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody signed in: their role, where they are from, and what their forms must carry.

    `account` is their pseudonym: a page knows by it that somebody else has signed in since.
    """

    account: str
    role: str
    organisation: str
    csrf: str
