"""What passes between our addresses and the identity provider's protocol, without the protocol.

`web.auth.oidc` loads libraries that take a tenth of a second; it is loaded where there is a
provider. The addresses are always there, and need no more than this.
"""

from dataclasses import dataclass
from datetime import timedelta

from web.auth.claims import Granted

WAIT = timedelta(minutes=10)
"""How long somebody may take at the provider."""


class SignInError(Exception):
    """The provider's answer cannot be used; `word` says which sentence the page shows."""

    def __init__(self, word: str, why: str) -> None:
        self.word = word
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Asked:
    """Where to send the browser, and what binds its answer to it."""

    address: str
    binding: str


@dataclass(frozen=True, slots=True)
class Told:
    """Whom the provider let in, what the rules make of them (``None``: nothing), and where they
    wanted to go."""

    issuer: str
    subject: str
    granted: Granted | None
    next: str
