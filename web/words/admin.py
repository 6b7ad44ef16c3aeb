"""The words of the administrator's pages."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}
SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {}
PAGE: Final[Mapping[str, Pair]] = {
    "admin": ("Administration", "Administration"),
    "admin_skip": ("Gå til indholdet", "Skip to the content"),
    "admin_accounts": ("Brugere", "Accounts"),
    "admin_keys": ("Nøgler", "Keys"),
    "admin_audit": ("Revisionsspor", "Audit trail"),
    "admin_boards": ("Tavler", "Boards"),
    # Accounts.
    "admin_account_new": ("Opret bruger", "Make an account"),
    "admin_account": ("Bruger", "Account"),
    "admin_no_login": ("uden brugernavn", "no user name"),
    "admin_state": ("Tilstand", "State"),
    "admin_state_ready": ("I brug", "In use"),
    "admin_state_new": ("Afventer adgangskode", "Waits for a password"),
    "admin_state_disabled": ("Spærret", "Disabled"),
    "admin_state_erased": ("Slettet", "Erased"),
    "admin_last_sign_in": ("Sidst logget ind", "Last signed in"),
    "admin_never": ("aldrig", "never"),
    "admin_made": ("Oprettet", "Made"),
    "admin_belongs": ("Hører til", "Belongs to"),
    "admin_clusters": ("Klynger", "Clusters"),
    "admin_by_provider": ("Logger ind hos {issuer}", "Signs in at {issuer}"),
    "admin_provider_rules": (
        "Rollen kommer fra login-tjenesten og sættes igen ved næste login.",
        "The role comes from the identity provider, and is set again at the next sign-in.",
    ),
    "admin_open": ("Vis", "Show"),
    "admin_login_help": (
        "2 til 100 bogstaver, tal og . _ @ + -. Aldrig et personnummer.",
        "2 to 100 letters, digits and . _ @ + -. Never a person number.",
    ),
    "admin_organisation_help": (
        "Hospital for en visitator, kommune for en kommunal medarbejder.",
        "The hospital of a visitator, the municipality of municipal staff.",
    ),
    "admin_no_organisation": ("Ingen", "None"),
    "admin_clusters_help": (
        "Kun for koordinatorer; andre ser deres egne.",
        "For coordinators only; others see their own.",
    ),
    "admin_make": ("Opret", "Make"),
    "admin_save": ("Gem", "Save"),
    "admin_change": ("Rettigheder", "Rights"),
    "admin_change_help": (
        "Brugeren logges ud alle steder og får de nye rettigheder ved næste login.",
        "The account is signed out everywhere and has the new rights at the next sign-in.",
    ),
    "admin_disable": ("Spær", "Disable"),
    "admin_enable": ("Åbn igen", "Enable"),
    "admin_renew": ("Nyt link til adgangskode", "New set-up link"),
    "admin_reset_code": ("Slå engangskoder fra", "Turn off one-time codes"),
    "admin_sign_out": ("Log ud alle steder", "Sign out everywhere"),
    "admin_export": ("Hent alt om brugeren", "Export all about the account"),
    "admin_erase": ("Slet brugeren", "Erase the account"),
    "admin_erase_sure": (
        "Ja, glem hvem det var. Revisionssporet beholder nummeret.",
        "Yes, forget who it was. The trail keeps the number.",
    ),
    "admin_actions": ("Handlinger", "Actions"),
    "admin_codes_on": ("Engangskoder er slået til", "One-time codes are on"),
    "admin_sessions": ("Logget ind nu", "Signed in now"),
    "admin_no_sessions": ("Ingen steder.", "Nowhere."),
    "admin_trail_of": ("Vis i revisionssporet", "Show in the audit trail"),
    # Links and keys that are shown once.
    "admin_link_once": (
        "Giv dette link til brugeren på en sikker måde. Det virker én gang, i tre dage, og vises "
        "ikke igen.",
        "Hand this link to its owner in a safe way. It works once, for three days, and is not "
        "shown again.",
    ),
    "admin_key_once": (
        "Nøglen vises kun nu. Gem den dér, hvor den skal bruges.",
        "The key is shown now and never again. Keep it where it is to be used.",
    ),
    "admin_wall_link": ("Link til storskærmen", "Link for the wall screen"),
    # Keys.
    "admin_key": ("Nøgle", "Key"),
    "admin_key_new": ("Opret nøgle", "Make a key"),
    "admin_key_kind": ("Art", "Kind"),
    "admin_kind_source": ("Datakilde", "Source"),
    "admin_kind_board": ("Storskærm", "Wall screen"),
    "admin_kind_metrics": ("Overvågning", "Metrics"),
    "admin_kind_operator": ("Driftsprogram", "Operator's program"),
    "admin_key_for": ("Til", "For"),
    "admin_key_label": ("Bemærkning", "Label"),
    "admin_key_label_help": (
        "Hvad eller hvor den er til. Ingen navne.",
        "What or where it is for. No names.",
    ),
    "admin_key_until": ("Gælder til", "Good until"),
    "admin_key_lifetime": ("Gælder i", "Good for"),
    "admin_key_always": ("indtil den spærres", "until it is revoked"),
    "admin_key_used": ("Sidst brugt", "Last used"),
    "admin_key_usable": ("Gyldig", "Usable"),
    "admin_key_revoked": ("Spærret", "Revoked"),
    "admin_key_expired": ("Udløbet", "Expired"),
    "admin_key_rotate": ("Ny nøgle til samme", "New key for the same"),
    "admin_key_overlap": ("Den gamle gælder i", "The old one lasts"),
    "admin_key_revoke": ("Spær straks", "Revoke at once"),
    "admin_keys_none": ("Der er ingen nøgler.", "There are no keys."),
    "admin_hours": ("{n} timer", "{n} hours"),
    "admin_days": ("{n} dage", "{n} days"),
    # The trail.
    "admin_when": ("Hvornår", "When"),
    "admin_who": ("Hvem", "Who"),
    "admin_what": ("Hvad", "What"),
    "admin_to": ("På hvad", "To what"),
    "admin_from": ("Hvorfra", "From where"),
    "admin_detail": ("Nærmere", "Detail"),
    "admin_filter": ("Søg", "Find"),
    "admin_since": ("Fra og med", "From"),
    "admin_until": ("Til og med", "Until"),
    "admin_older": ("Ældre", "Older"),
    "admin_newest": ("Nyeste", "Latest"),
    "admin_none_found": ("Ingen poster.", "No entries."),
    "admin_export_ndjson": ("Hent som NDJSON", "Export as NDJSON"),
    "admin_export_csv": ("Hent som CSV", "Export as CSV"),
    "admin_verify": ("Kontrollér kæden", "Verify the chain"),
    "admin_verified": (
        "Kæden er hel: {n} poster. Dens hoved er {head}.",
        "The chain is whole: {n} entries. Its head is {head}.",
    ),
    "admin_broken": (
        "Kæden er brudt: {fault}. Der er fjernet, ændret eller ombyttet poster.",
        "The chain is broken: {fault}. Entries were removed, edited or put in another order.",
    ),
    # What was done, and why something was not.
    "admin_did_change": (
        "Rettighederne er ændret, og brugeren er logget ud.",
        "The rights are changed, and the account is signed out.",
    ),
    "admin_did_disable": ("Brugeren er spærret.", "The account is disabled."),
    "admin_did_enable": ("Brugeren er åbnet igen.", "The account is enabled."),
    "admin_did_reset-code": ("Engangskoder er slået fra.", "One-time codes are off."),
    "admin_did_sign-out": ("Brugeren er logget ud.", "The account is signed out."),
    "admin_did_erase": ("Brugeren er slettet.", "The account is erased."),
    "admin_did_revoke": ("Nøglen er spærret.", "The key is revoked."),
    "admin_wrong_taken": ("Brugernavnet er optaget.", "The user name is taken."),
    "admin_wrong_login": (
        "Brugernavnet kan ikke bruges: 2 til 100 bogstaver, tal og . _ @ + -.",
        "The user name cannot be used: 2 to 100 letters, digits and . _ @ + -.",
    ),
    "admin_wrong_erased": ("Brugeren er slettet.", "The account is erased."),
    "admin_wrong_last": (
        "Det er den sidste administrator. Opret en anden først.",
        "It is the last administrator. Make another one first.",
    ),
    "admin_wrong_role": ("Vælg en rolle for en person.", "Choose a role of a person."),
    "admin_wrong_organisation": (
        "Vælg den organisation, rollen hører til.",
        "Choose the organisation that the role belongs to.",
    ),
    "admin_wrong_cluster": ("Vælg mindst én klynge.", "Choose at least one cluster."),
    "admin_wrong_unknown": (
        "Organisationen eller klyngen findes ikke i kataloget.",
        "The organisation or cluster is not in the catalogue.",
    ),
    "admin_wrong_oidc": (
        "Brugeren logger ind hos login-tjenesten og har ingen adgangskode her.",
        "The account signs in at the identity provider and has no password here.",
    ),
    "admin_wrong_sure": ("Sæt kryds for at slette.", "Tick the box to erase."),
    "admin_wrong_key": (
        "Nøglen kunne ikke laves: vælg art og formål, der passer sammen, og en kort bemærkning "
        "uden personnumre.",
        "The key could not be made: choose a kind and purpose that fit, and a short label without "
        "person numbers.",
    ),
    "admin_wrong_no_key": ("Nøglen er ikke gyldig længere.", "The key is no longer usable."),
    "admin_wrong_when": (
        "Datoen kan ikke læses: skriv for eksempel 2026-11-22.",
        "The date cannot be read: write for instance 2026-11-22.",
    ),
}
