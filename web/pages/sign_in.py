"""The pages of signing in and of choosing a password."""

from web.auth.passwords import SHORTEST
from web.pages.environment import render
from web.words import Lang, Words

FIRST_ACCOUNT = "akutoverblik account new LOGIN administrator"


def render_sign_in(
    lang: Lang,
    *,
    csrf: str,
    next: str,
    login: str = "",
    error: str = "",
    told: str = "",
    provider: str = "",
    accounts: bool = True,
) -> str:
    """The sign-in form. `error` and `told` are whole sentences, `provider` an identity provider's
    name; without any `accounts` it says how the first one is made."""
    return render(
        "sign_in.html",
        Words(lang),
        csrf=csrf,
        next=next,
        login=login,
        error=error,
        told=told,
        provider=provider,
        command="" if accounts or provider else FIRST_ACCOUNT,
    )


def render_set_up(lang: Lang, *, csrf: str, token: str, login: str, error: str = "") -> str:
    """Where a password is chosen; without a `login` the link is good no more."""
    return render(
        "set_up.html",
        Words(lang),
        csrf=csrf,
        token=token,
        login=login,
        error=error,
        shortest=SHORTEST,
    )
