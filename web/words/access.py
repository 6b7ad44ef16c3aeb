"""The words of signing in, and of one's own account."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}
SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {}
PAGE: Final[Mapping[str, Pair]] = {
    "sign_in": ("Log ind", "Sign in"),
    "sign_out": ("Log ud", "Sign out"),
    "signed_out": ("Du er logget ud.", "You are signed out."),
    "login": ("Brugernavn", "User name"),
    "password": ("Adgangskode", "Password"),
    "code": ("Engangskode", "One-time code"),
    "code_help": (
        "Kun hvis du har slået engangskoder til: seks cifre fra din app.",
        "Only if you have turned on one-time codes: six digits from your app.",
    ),
    "sign_in_error": (
        "Brugernavn, adgangskode eller engangskode passer ikke. Prøv igen, "
        "eller spørg din koordinator.",
        "The user name, password or code does not match. Try again, or ask your coordinator.",
    ),
    "sign_in_wait": (
        "For mange forsøg. Prøv igen {time}.",
        "Too many tries. Try again {time}.",
    ),
    "sign_in_oidc": ("Log ind med {name}", "Sign in with {name}"),
    "oidc_away": (
        "Login-tjenesten svarer ikke. Prøv igen om lidt, eller brug brugernavn og adgangskode.",
        "The identity provider does not answer. Try again soon, or use user name and password.",
    ),
    "oidc_again": (
        "Login blev afbrudt eller tog for lang tid. Prøv igen.",
        "Signing in was broken off, or took too long. Try again.",
    ),
    "oidc_refused": (
        "Login-tjenesten gav ikke et gyldigt svar. Prøv igen, eller spørg din it-afdeling.",
        "The identity provider gave no valid answer. Try again, or ask your IT department.",
    ),
    "oidc_no_role": (
        "Du er logget ind, men har ingen rolle her. Bed din leder om adgang til Akutoverblik.",
        "You are signed in, but have no role here. Ask your manager for access.",
    ),
    "oidc_farewell": (
        "Du er logget ud her, og sendes videre for også at logge ud hos {name}.",
        "You are signed out here, and are sent on to sign out at {name} too.",
    ),
    "sign_in_help": (
        "Din adgang er personlig og må ikke deles. Storskærme har deres eget link.",
        "Your access is personal and must not be shared. Wall screens have a link of their own.",
    ),
    "no_accounts": (
        "Der er endnu ingen brugere. Den, der driver løsningen, opretter den første med: {command}",
        "There are no accounts yet. Whoever runs the service makes the first with: {command}",
    ),
    "set_up": ("Vælg adgangskode", "Choose a password"),
    "set_up_for": ("For brugeren {login}", "For the account {login}"),
    "set_up_rule": (
        "Mindst {n} tegn. En sætning, du kan huske, er bedre end tegn, du glemmer.",
        "At least {n} characters. A sentence you remember beats signs you forget.",
    ),
    "set_up_used": (
        "Linket er brugt eller udløbet. Bed din administrator om et nyt.",
        "The link is used up or too old. Ask your administrator for a new one.",
    ),
    "set_up_done": (
        "Adgangskoden er gemt. Log ind med den.",
        "The password is kept. Sign in with it.",
    ),
    "repeat": ("Gentag adgangskoden", "Repeat the password"),
    "password_short": ("Adgangskoden er for kort.", "The password is too short."),
    "password_long": ("Adgangskoden er for lang.", "The password is too long."),
    "password_login": (
        "Adgangskoden må ikke indeholde brugernavnet.",
        "The password must not contain the user name.",
    ),
    "password_common": (
        "Adgangskoden er for almindelig. Vælg en anden.",
        "The password is too common. Choose another.",
    ),
    "password_differ": ("De to er ikke ens.", "The two are not the same."),
}
