"""The words of the wall screen's alarm and of the printed page."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {
    # What the alarm says, largest first: in one word or two, then what follows from it.
    "alarm_link": ("Ingen forbindelse", "No connection"),
    "alarm_refused": ("Adgangen er udløbet", "Access has ended"),
    "alarm_frozen": ("Skærmen står stille", "The screen stands still"),
    "alarm_clock": ("Uret er forkert", "The clock is wrong"),
    "alarm_figures_from": (
        "Tallene er fra {time}. Ring, før du visiterer.",
        "The figures are from {time}. Ring before you refer.",
    ),
    "alarm_clock_why": (
        "Alder på tal passer ikke. Ring, før du visiterer.",
        "The ages of figures are not right. Ring before you refer.",
    ),
    "alarm_sign_in": (
        "Tallene er fra {time}. Skærmen skal logges ind igen.",
        "The figures are from {time}. The screen has to be signed in again.",
    ),
    "alarm_for": ("Afbrudt i {age}", "Lost for {age}"),
    "surge_wall_override": ("fastsat til {time}", "set until {time}"),
    "surge_wall_unknown": ("kan ikke beregnes siden {time}", "cannot be computed since {time}"),
    "no_sound": ("Ingen alarmlyd", "No alarm sound"),
}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {}

PAGE: Final[Mapping[str, Pair]] = {
    "level_of": ("af 3", "of 3"),
    "alarm_deadman": (
        "Tallene er fra det klokkeslæt, uret viser. Ring, før du visiterer.",
        "The figures are from the time that the clock shows. Ring before you refer.",
    ),
    "no_sound_why": (
        "Browseren tillader ikke lyd af sig selv: se driftsvejledningen",
        "The browser allows no sound by itself: see the operations guide",
    ),
    # The printed page.
    "print": ("Udskrift", "Print"),
    "print_title": ("Akut kapacitet på papir", "Acute capacity on paper"),
    "print_now": ("Udskriv", "Print"),
    "print_help": (
        "Skriv ud på A4, når nettet er nede eller ventes nede.",
        "Print on A4 when the network is down or expected to go down.",
    ),
    "print_taken": ("Tal fra", "Figures from"),
    "print_expires": ("Forældes straks", "Expires at once"),
    "print_ring": (
        "Ring til enheden, før du visiterer. Skriv det nye tal og klokkeslættet.",
        "Ring the unit before you refer. Write down the new figure and the time.",
    ),
    "print_unit": ("Tilbud", "Unit"),
    "print_free": ("Ledige", "Free"),
    "print_state": ("Tilstand", "State"),
    "print_held": ("Holdt", "Held"),
    "print_age": ("Meldt", "Reported"),
    "print_phone": ("Telefon", "Phone"),
    "print_new": ("Nyt tal, kl.", "New figure, time"),
    "print_hours": ("Åbent", "Open"),
    "print_can": ("Kan", "Can do"),
    "print_none_held": ("0", "0"),
    "print_blank": ("tom, til at skrive i", "blank, to be written in"),
    "print_skip": ("Gå til tallene", "Skip to the figures"),
    "print_figures": ("Alle tilbud", "All units"),
    "hours_always": ("døgnet rundt", "round the clock"),
    "hours_never": ("lukket", "closed"),
    "hours_day": ("hele døgnet", "all day"),
    "hours_holidays": ("helligdage{also} {hours}", "public holidays{also} {hours}"),
    "hours_also": (" og {dates}", " and {dates}"),
    "hours_date": ("{day}. {month}", "{day} {month}"),
    "hours_daily": ("alle dage", "every day"),
}

WEEKDAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "da": ("man", "tir", "ons", "tor", "fre", "lør", "søn"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
