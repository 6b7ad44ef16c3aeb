"""The words of the surge level: what it is, what it follows from, and setting it by hand."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {
    "surge_level_0": ("Normalt", "Normal"),
    "surge_level_1": ("Presset", "Pressed"),
    "surge_level_2": ("Højt pres", "High pressure"),
    "surge_level_3": ("Kritisk", "Critical"),
    "surge_step": ("trin {level} af 3", "level {level} of 3"),
    "surge_since": ("siden {time}", "changed {time}"),
    # The figures.
    "surge_free": ("{free} af {of} {places} ledige ({percent} %)",
                   "{free} of {of} {places} free ({percent} %)"),
    "surge_free_unknown": (
        "ledige {places} ukendt (kun {known} af {units} tilbud kendt)",
        "free {places} unknown (only {known} of {units} units known)",
    ),
    "surge_load": ("belægning {percent} %", "occupancy {percent} %"),
    "surge_load_unknown": ("belægning ukendt", "occupancy unknown"),
    "surge_waiting": ("{n} venter i visitationen", "{n} waiting for the visitation"),
    "surge_waiting_unknown": ("antal ventende ukendt", "number waiting unknown"),
    "surge_wait": ("ventetid {n} min", "wait {n} min"),
    "surge_wait_unknown": ("ventetid ukendt", "wait unknown"),
    # Why: the threshold that is crossed, or was and is not yet left.
    "surge_because": ("{word}, fordi {reasons}.", "{word} because {reasons}."),
    "surge_and": (" og ", " and "),
    "surge_none": ("Ingen grænse er nået.", "No threshold is reached."),
    "surge_free_reached": (
        "højst {up} % af pladserne er ledige",
        "at most {up} % of the places are free",
    ),
    "surge_free_still": (
        "højst {up} % af pladserne har været ledige, og der er endnu ikke {down} %",
        "at most {up} % of the places have been free, and it is not yet {down} %",
    ),
    "surge_free_lost": (
        "højst {up} % af pladserne var ledige, før tallet blev ukendt",
        "at most {up} % of the places were free before the figure went unknown",
    ),
    "surge_load_reached": ("belægningen er mindst {up} %", "occupancy is at least {up} %"),
    "surge_load_still": (
        "belægningen har været mindst {up} % og er endnu ikke nede på {down} %",
        "occupancy has been at least {up} % and is not yet down to {down} %",
    ),
    "surge_load_lost": (
        "belægningen var mindst {up} %, før den blev ukendt",
        "occupancy was at least {up} % before it went unknown",
    ),
    "surge_waiting_reached": (
        "mindst {up} venter i visitationen",
        "at least {up} are waiting for the visitation",
    ),
    "surge_waiting_still": (
        "mindst {up} har ventet i visitationen, og der er endnu ikke kun {down}",
        "at least {up} have been waiting for the visitation, and it is not yet down to {down}",
    ),
    "surge_waiting_lost": (
        "mindst {up} ventede i visitationen, før tallet blev ukendt",
        "at least {up} were waiting for the visitation before the figure went unknown",
    ),
    "surge_wait_reached": (
        "ventetiden er mindst {up} min",
        "the wait is at least {up} min",
    ),
    "surge_wait_still": (
        "ventetiden har været mindst {up} min og er endnu ikke nede på {down} min",
        "the wait has been at least {up} min and is not yet down to {down} min",
    ),
    "surge_wait_lost": (
        "ventetiden var mindst {up} min, før den blev ukendt",
        "the wait was at least {up} min before it went unknown",
    ),
    "surge_falls": (
        "Grænsen for {word} er ikke længere nået. Trinnet falder tidligst {time}.",
        "The threshold for {word} is no longer reached. The level falls {time} at the earliest.",
    ),
    "surge_unknown": (
        "Kan ikke vurderes siden {time}, fordi tallene er ukendte. Trinnet er uændret.",
        "Figures went unknown {time}, so it cannot be judged. The level is unchanged.",
    ),
    "surge_not_computed": ("Trinnet beregnes ikke her.", "The level is not computed here."),
    # Set by hand.
    "surge_override": (
        "Fastsat af koordinatoren til {time}: {reason}",
        "Set by the coordinator, ends {time}: {reason}",
    ),
    "surge_computed": ("Beregnet trin: {text}", "Computed level: {text}"),
    "surge_lift": ("Ophæv, og brug det beregnede trin", "End it and use the computed level"),
    "surge_saving": ("Gemmer …", "Saving …"),
    "surge_set_done": ("Trinnet er fastsat til {time}.", "The level is set; it ends {time}."),
    "surge_lift_done": ("Det beregnede trin gælder igen.", "The computed level counts again."),
    # What went wrong, and what to do.
    "surge_wrong_unsure": (
        "Intet svar fra serveren. Det er uvist, om ændringen er gemt. Prøv igen; den gemmes kun "
        "én gang.",
        "No answer from the server. Whether the change is saved is not known. Try again; it is "
        "saved only once.",
    ),
    "surge_wrong_away": (
        "Ændringen kan ikke gemmes lige nu. Prøv igen om lidt.",
        "The change cannot be saved just now. Try again in a moment.",
    ),
    "surge_wrong_refused": (
        "Du kan ikke ændre trinnet herfra. Genindlæs siden, og log ind igen om nødvendigt.",
        "You cannot change the level from here. Reload the page, and sign in again if needed.",
    ),
    "surge_wrong_other": (
        "Ændringen blev ikke gemt. Prøv igen, eller ring til driften.",
        "The change was not saved. Try again, or ring operations.",
    ),
    "surge_wrong_link": (
        "Ingen forbindelse. Vent, til siden er direkte igen.",
        "No connection. Wait until the page is live again.",
    ),
    "surge_wrong_level": ("Vælg et trin.", "Choose a level."),
    "surge_wrong_missing": ("Skriv en begrundelse.", "Write a reason."),
    "surge_wrong_long": (
        "Begrundelsen er for lang: højst 200 tegn.",
        "The reason is too long: at most 200 characters.",
    ),
    "surge_wrong_cpr": (
        "Begrundelsen ligner et CPR-nummer. Skriv den uden oplysninger om borgere.",
        "The reason looks like a person number. Write it without anything about citizens.",
    ),
    "surge_wrong_shape": (
        "Begrundelsen har et tegn, der ikke kan bruges. Skriv den på én linje.",
        "The reason holds a character that cannot be used. Write it on one line.",
    ),
    "surge_wrong_past": (
        "Tidspunktet er passeret. Vælg, hvor længe trinnet skal gælde.",
        "That time has passed. Choose how long the level is to hold.",
    ),
    "surge_wrong_far": ("Højst 24 timer frem.", "At most 24 hours ahead."),
}  # fmt: skip

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    # One and many, in Danish and in English.
    "surge_closed": (("{n} lukket", "{n} lukkede"), ("{n} closed", "{n} closed")),
    "surge_hours": (("{n} time, til {time}", "{n} timer, til {time}"),
                    ("{n} hour, ends {time}", "{n} hours, ends {time}")),
}  # fmt: skip

PAGE: Final[Mapping[str, Pair]] = {
    "surge_title": ("Beredskabstrin", "Surge level"),
    "surge_set": ("Fastsæt trin", "Set the level"),
    "surge_which": ("Trin", "Level"),
    "surge_reason": ("Begrundelse", "Reason"),
    "surge_reason_help": (
        "Ses af alle. Skriv ikke om borgere.",
        "Seen by everybody. Do not write about citizens.",
    ),
    "surge_until": ("Gælder i", "Holds for"),
    "surge_save": ("Fastsæt", "Set"),
}
