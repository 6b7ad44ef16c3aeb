"""The words of the operator's pages, Danish first."""

from collections.abc import Callable, Mapping
from typing import Final

from web.words import LANGUAGES, Lang, Pair, fill

TEXTS: Final[Mapping[str, Pair]] = {
    "title": ("Drift", "Operations"),
    "sources": ("Kilder", "Sources"),
    "skip": ("Gå til indholdet", "Skip to the content"),
    "as_of": ("Stand {time}", "As of {time}"),
    "reload": ("Hent igen", "Reload"),
    "source": ("Kilde", "Source"),
    "state": ("Tilstand", "State"),
    "success": ("Sidst nået", "Last reached"),
    "data_age": ("Tallenes alder", "Age of figures"),
    "lag": ("Forsinkelse", "Lag"),
    "hour": ("Seneste time", "Last hour"),
    "quarantine": ("Karantæne", "Quarantine"),
    "never": ("aldrig", "never"),
    "ago": ("for {age} siden", "{age} ago"),
    "just_now": ("lige nu", "just now"),
    "seconds": ("{n} sek.", "{n} sec."),
    "every": ("ventes hver {age}", "expected every {age}"),
    "not_declared": ("ikke længere en kilde her", "no longer a source here"),
    "run_by": ("hentes af {name}", "run by {name}"),
    "run_by_none": ("Ingen proces henter den", "No process runs it"),
    # States of a source.
    "ok": ("I orden", "In order"),
    "waiting": ("Afventer første melding", "Waiting for its first report"),
    "failing": ("Fejler siden {time}", "Failing since {time}"),
    "silent": ("Tavs: intet brugbart siden {time}", "Silent: nothing usable since {time}"),
    "silent_ever": ("Tavs: intet brugbart endnu", "Silent: nothing usable yet"),
    "repeating": (
        "Gentager et gammelt tidspunkt: {time}",
        "Repeats an old timestamp: {time}",
    ),
    # Counts of the last hour.
    "accepted": ("nye {n}", "new {n}"),
    "unchanged": ("uændrede {n}", "unchanged {n}"),
    "superseded": ("overhalede {n}", "superseded {n}"),
    "superseded_share": ("overhalede {n} ({share} %)", "superseded {n} ({share}%)"),
    "rewrites": ("omskriver sin fortid", "rewrites its past"),
    "rejected": ("afviste {n}", "rejected {n}"),
    "failed": ("mislykkede {n}", "failed {n}"),
    "nothing": ("intet", "nothing"),
    # Quarantine.
    "open_n": ("{n} åbne", "{n} open"),
    "dropped": (
        "{n} poster er tabt, fordi karantænen var fuld",
        "{n} entries were dropped because the quarantine was full",
    ),
    "let_go": (
        "{n} dokumenter er sluppet for pladsens skyld",
        "{n} documents were let go for lack of room",
    ),
    "raw_kept": ("Råtekster i karantæne: {n} kB", "Raw texts in quarantine: {n} kB"),
    "quarantine_of": ("Karantæne: {source}", "Quarantine: {source}"),
    "show_open": ("Åbne", "Open"),
    "show_closed": ("Afsluttede", "Closed"),
    "none_open": ("Intet i karantæne.", "Nothing in quarantine."),
    "none_closed": ("Intet er afsluttet.", "Nothing is closed."),
    "more": ("og {n} til, som ikke vises", "and {n} more, not shown"),
    "choose": ("Vælg", "Choose"),
    "choose_one": ("Vælg {where}, {field}", "Choose {where}, {field}"),
    "where": ("Sted", "Place"),
    "field": ("Felt", "Field"),
    "reason": ("Årsag", "Reason"),
    "seen": ("Set", "Seen"),
    "times_seen": ("{n} gange, sidst {time}", "{n} times, last {time}"),
    "first_seen": ("Første gang", "First seen"),
    "last_seen": ("Sidste gang", "Last seen"),
    "count": ("Antal", "Count"),
    "document": ("Dokument", "Document"),
    "closed_by": ("Afsluttet", "Closed"),
    "details": ("Vis", "Show"),
    "by": ("Udført af (funktion)", "Done by (role)"),
    "by_help": (
        "For eksempel »driftsvagt«. Aldrig personnumre.",
        "For example “operator on duty”. Never person numbers.",
    ),
    "replay": ("Kør de valgte igen", "Replay the chosen"),
    "replay_one": ("Kør igen", "Replay"),
    "replay_all": ("Kør alle igen", "Replay all"),
    "dismiss": ("Afvis de valgte", "Dismiss the chosen"),
    "dismiss_one": ("Afvis", "Dismiss"),
    "replay_help": (
        "Kør igen læser det bevarede dokument, som det ville blive læst i dag. Fejl, der ikke "
        "længere er der, afsluttes. Afvis lader posten ligge, og når alle et dokuments poster er "
        "afsluttet, slettes dets tekst.",
        "Replay reads the kept document as it would be read today. Faults that are no longer "
        "there are closed. Dismiss lets the entry rest, and once all entries of a document are "
        "closed its text is deleted.",
    ),
    "download": ("Hent råteksten", "Download the raw text"),
    "kept_yes": ("bevaret", "kept"),
    "kept_gone": ("ikke længere bevaret", "no longer kept"),
    "kept_patients": (
        "ikke bevaret: formatet kan bære patientdata",
        "not kept: the format can carry patient data",
    ),
    "kept_cpr": (
        "ikke bevaret: rummer noget, der ligner et personnummer",
        "not kept: it holds what looks like a person number",
    ),
    "kept_binary": (
        "ikke bevaret: er ikke tekst, så ingen kan se, hvad det rummer",
        "not kept: it is no text, so nobody can see what it holds",
    ),
    "kept_large": ("ikke bevaret: for stort", "not kept: too large"),
    "state_open": ("åben", "open"),
    "state_dismissed": ("afvist af {by}", "dismissed by {by}"),
    "state_replayed": ("rettet, kørt igen af {by}", "mended, replayed by {by}"),
    # What an action led to.
    "did_replay": (
        "Kørt igen: {done} poster afsluttet, {left} fejl er der stadig, {missing} har ingen "
        "bevaret tekst.",
        "Replayed: {done} entries closed, {left} faults are still there, {missing} have no text "
        "kept.",
    ),
    "did_dismiss": ("{done} poster afvist.", "{done} entries dismissed."),
    "chose_none": ("Der var ikke valgt noget.", "Nothing was chosen."),
    "give_role": (
        "Intet er gjort: skriv en funktion, ikke en person.",
        "Nothing was done: give a role, not a person.",
    ),
    "back": ("Tilbage til {source}", "Back to {source}"),
}

Say = Callable[..., str]


def say_in(lang: Lang) -> Say:
    """Gives the text called by a key in a language, its gaps filled."""
    index = LANGUAGES.index(lang)

    def say(key: str, /, **values: object) -> str:
        return fill(TEXTS[key][index], values)

    return say
