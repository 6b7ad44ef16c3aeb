"""The words of one's own account, of who is signed in, and of a session that has ended."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}
SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {}
PAGE: Final[Mapping[str, Pair]] = {
    # Who is signed in.
    "signed_in_as": ("Logget ind som", "Signed in as"),
    "role_visitator": ("Visitator", "Visitator"),
    "role_municipal_staff": ("Kommunal medarbejder", "Municipal staff"),
    "role_coordinator": ("Koordinator", "Coordinator"),
    "role_operator": ("Drift", "Operator"),
    "role_administrator": ("Administrator", "Administrator"),
    "role_wall": ("Storskærm", "Wall screen"),
    "role_integrator": ("Dataleverandør", "Integrator"),
    "role_monitor": ("Overvågning", "Monitor"),
    "role_none": ("–", "–"),
    # A session that has ended while its page is open.
    "ended_now": (
        "Din adgang er udløbet. Det, du har skrevet, bliver stående.",
        "Your access has ended. What you have written stays.",
    ),
    "ended_sign_in": ("Log ind igen", "Sign in again"),
    "ended_other": (
        "En anden er logget ind i denne browser. Siden må ikke bruges i dit navn.",
        "Somebody else has signed in in this browser. This page must not be used in your name.",
    ),
    "ended_right": (
        "Din rolle giver ikke længere adgang til denne side. Tallene opdateres ikke.",
        "Your role no longer opens this page. The figures are not updated.",
    ),
    "signed_in_again": ("Du er logget ind", "You are signed in"),
    "signed_in_again_text": (
        "Luk denne fane, og fortsæt i den, du kom fra. Det, du skrev, står der endnu.",
        "Close this tab and go on in the one you came from. What you wrote is still there.",
    ),
    # One's own account.
    "account": ("Min konto", "My account"),
    "account_role": ("Rolle", "Role"),
    "account_organisation": ("Organisation", "Organisation"),
    "account_id": ("Nummer", "Number"),
    "account_id_help": (
        "Revisionssporet nævner dig kun ved dette nummer.",
        "The audit trail names you by this number only.",
    ),
    "account_sessions": ("Her er du logget ind", "Where you are signed in"),
    "account_here": ("denne browser", "this browser"),
    "account_session": (
        "Fra {began}, sidst brugt {seen}, {address}",
        "Since {began}, last used {seen}, {address}",
    ),
    "account_end": ("Log ud dér", "Sign out there"),
    "account_end_others": ("Log ud alle andre steder", "Sign out everywhere else"),
    "account_codes": ("Engangskoder", "One-time codes"),
    "account_codes_on": (
        "Slået til: ved login spørges der om en kode fra din app.",
        "On: signing in asks for a code from your app.",
    ),
    "account_codes_off": (
        "Slået fra. Med engangskoder kan ingen logge ind som dig med adgangskoden alene.",
        "Off. With one-time codes nobody can sign in as you with the password alone.",
    ),
    "account_code_on": ("Slå engangskoder til", "Turn on one-time codes"),
    "account_code_off": ("Slå engangskoder fra", "Turn off one-time codes"),
    "account_code_scan": (
        "Scan billedet med en app til engangskoder, og skriv den kode, den viser.",
        "Scan the picture with an authenticator app, and type the code that it shows.",
    ),
    "account_code_alt": ("QR-kode til din app", "QR code for your app"),
    "account_code_type": ("Eller skriv i appen:", "Or type into the app:"),
    "account_code_first": ("Koden fra appen", "The code from the app"),
    "account_code_confirm": ("Bekræft", "Confirm"),
    "account_back": ("Tilbage til min konto", "Back to my account"),
    "account_present": ("Nuværende adgangskode", "Present password"),
    "account_password": ("Skift adgangskode", "Change password"),
    "account_new_password": ("Ny adgangskode", "New password"),
    "account_change_password": ("Skift adgangskode", "Change password"),
    "account_renewed": (
        "Når du skifter adgangskode eller engangskoder, logges du ud alle andre steder.",
        "Changing the password or one-time codes signs you out everywhere else.",
    ),
    "account_by_provider": (
        "Du logger ind hos {name}; adgangskode og engangskoder ændres dér.",
        "You sign in at {name}; password and codes are changed there.",
    ),
    "account_wrong_password": (
        "Den nuværende adgangskode passer ikke. Intet er ændret.",
        "The present password does not match. Nothing was changed.",
    ),
    "account_wrong_code": (
        "Koden passer ikke. Vent på den næste, og prøv igen.",
        "The code does not match. Wait for the next one and try again.",
    ),
    "account_wait": (
        "For mange forsøg. Vent et minut.",
        "Too many tries. Wait a minute.",
    ),
    "account_did_password": ("Adgangskoden er skiftet.", "The password is changed."),
    "account_did_code-on": ("Engangskoder er slået til.", "One-time codes are on."),
    "account_did_code-off": ("Engangskoder er slået fra.", "One-time codes are off."),
    "account_did_session-end": ("Du er logget ud dér.", "You are signed out there."),
}
