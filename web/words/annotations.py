"""The words of dated changes that are noted on charts."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}
SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {}
PAGE: Final[Mapping[str, Pair]] = {
    "annotations": ("Noterede ændringer", "Noted changes"),
    "annotations_skip": ("Gå til indholdet", "Skip to the content"),
    "annotations_help": (
        "En ændring er noget, der skete på en dag: prøvehandlingen begyndte, et akutteam blev "
        "udvidet. Den vises på diagrammerne fra den første periode, der begynder den dag eller "
        "senere. En ændring i én kommune mærkes også på klyngens diagrammer, men flytter ikke "
        "deres grænser.",
        "A change is something that happened on a day: the trial began, an acute team grew. It is "
        "shown on the charts from the first period that begins on that day or later. A change in "
        "one municipality is marked on the cluster's charts too, but does not move their limits.",
    ),
    "annotations_none": ("Ingen ændringer er noteret.", "No changes have been noted."),
    "annotation_new": ("Notér en ændring", "Note a change"),
    "annotation_revise": ("Ret ændringen", "Correct the change"),
    "annotation_day": ("Dag", "Day"),
    "annotation_until": (
        "Sidste dag, som grænserne hviler på (kun når de skal ligge fast)",
        "Last day that limits rest on (only where they are to stay)",
    ),
    "annotation_effect": ("Hvad sker der med grænserne?", "What happens to the limits?"),
    "annotation_effect_note": ("Intet: ændringen mærkes blot", "Nothing: it is only marked"),
    "annotation_effect_rebase": (
        "De beregnes forfra fra den dag", "They are made anew from that day",
    ),
    "annotation_effect_baseline": (
        "De beregnes af dagene til og med sidste dag og ligger fast",
        "They are made from the days until the last one, and stay",
    ),
    "annotation_place": ("Hvor", "Where"),
    "annotation_indicator": ("Indikator", "Indicator"),
    "annotation_every_indicator": ("Alle indikatorer", "Every indicator"),
    "annotation_text": (
        "Hvad skete der? Aldrig personnumre eller navne",
        "What happened? Never person numbers or names",
    ),
    "annotation_text_head": ("Hvad skete der", "What happened"),
    "annotation_effect_head": ("Grænserne", "Limits"),
    "annotation_who_head": ("Hvem og hvornår", "Who and when"),
    "annotation_save": ("Gem", "Save"),
    "annotation_change": ("Ret", "Correct"),
    "annotation_withdraw": ("Træk tilbage", "Withdraw"),
    "annotation_cancel": ("Fortryd", "Cancel"),
    "annotation_saved": ("Gemt.", "Saved."),
    "annotation_by": ("noteret {time} af {who}", "noted {time} by {who}"),
    "annotation_withdrawn": (
        "trukket tilbage {time} af {who}", "withdrawn {time} by {who}",
    ),
    "annotation_before": ("Før: {day}: {text}. {effect}; {by}",
                          "Before: {day}: {text}. {effect}; {by}"),
    "annotation_wrong_cpr": (
        "Teksten ligner et personnummer og er ikke gemt.",
        "The text looks like a person number and was not saved.",
    ),
    "annotation_wrong_text": (
        "Skriv, hvad der skete, på én linje og højst {most} tegn.",
        "Say what happened, in one line and at most {most} characters.",
    ),
    "annotation_wrong_day": (
        "Dagen kan ikke læses (åååå-mm-dd) eller ligger mere end et år frem.",
        "The day cannot be read (yyyy-mm-dd), or is more than a year ahead.",
    ),
    "annotation_wrong_place": (
        "Kommunen er ikke i klyngen.", "The municipality is not of the cluster.",
    ),
    "annotation_wrong_indicator": ("Indikatoren findes ikke.", "There is no such indicator."),
    "annotation_wrong_effect": (
        "Vælg, hvad der sker med grænserne.", "Choose what happens to the limits.",
    ),
    "annotation_wrong_until": (
        "Grænser, der skal ligge fast, hviler på dagene fra den ene dag til en senere: skriv den "
        "sidste dag.",
        "Limits that are to stay rest on the days from one day to a later one: give the last day.",
    ),
}  # fmt: skip
