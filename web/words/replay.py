"""The words of the past: the page that shows a board as it was."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {
    "replay_title_at": ("Fortid {time}", "Past {time}"),
    "replay_play": ("Afspil", "Play"),
    "replay_pause": ("Pause", "Pause"),
    "replay_failed": (
        "Dette tidspunkt kunne ikke hentes. Det, der vises, er fra {time}.",
        "This moment could not be fetched. What is shown is from {time}.",
    ),
    "replay_end": ("Afspilningen er nået til nu.", "The replay has reached the present."),
    "replay_shown": ("Viser {time}.", "Showing {time}."),
    "replay_moving": ("Slip for at vise {time}", "Let go to show {time}"),
}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {}

PAGE: Final[Mapping[str, Pair]] = {
    "replay": ("Fortid", "Past"),
    "replay_band": ("Fortid – ikke nu", "The past – not now"),
    "replay_shows": ("Tavlen, som den så ud", "The board as it looked"),
    "replay_to_now": ("Til tavlen nu", "To the board now"),
    "replay_skip": ("Gå til den gamle tavle", "Skip to the past board"),
    "replay_steps": ("Skift tidspunkt", "Change the moment"),
    "replay_day_back": ("Et døgn tilbage", "A day back"),
    "replay_hour_back": ("En time tilbage", "An hour back"),
    "replay_change_back": ("Forrige ændring", "Previous change"),
    "replay_change_on": ("Næste ændring", "Next change"),
    "replay_hour_on": ("En time frem", "An hour on"),
    "replay_day_on": ("Et døgn frem", "A day on"),
    "replay_jump": ("Gå til tidspunkt", "Go to a moment"),
    "replay_day": ("Dato", "Date"),
    "replay_clock": ("Klokken (dansk tid)", "Time (Danish)"),
    "replay_which": ("Når timen er der to gange", "When the hour occurs twice"),
    "replay_first": ("den første (sommertid)", "the first (summer time)"),
    "replay_second": ("den anden (normaltid)", "the second (standard time)"),
    "replay_go": ("Vis", "Show"),
    "replay_slider": ("Tidspunkt på dagen", "Time of the day"),
    "replay_speed": ("Hastighed", "Speed"),
    "replay_speed_1": ("1 minut i sekundet", "1 minute a second"),
    "replay_speed_10": ("10 minutter i sekundet", "10 minutes a second"),
    "replay_speed_60": ("1 time i sekundet", "1 hour a second"),
    "replay_twice": (
        "Den time var der to gange den nat. Her vises {time}.",
        "That hour occurred twice that night. This is {time}.",
    ),
    "replay_other_one": ("Vis den anden", "Show the other one"),
    "replay_missing": (
        "Den time fandtes ikke: uret blev stillet frem. Her vises {time}.",
        "That hour did not exist: clocks went forward. This is {time}.",
    ),
    "replay_wrong_time": (
        "Skriv en dato og et klokkeslæt, der findes.",
        "Give a date and a time of day that exist.",
    ),
    "replay_ahead": (
        "Tidspunktet ligger i fremtiden. Her vises det nyeste, {time}.",
        "That moment lies ahead. This is the latest, {time}.",
    ),
    "replay_nothing": (
        "Der er ingen historik fra dette tidspunkt.",
        "There is no history of this moment.",
    ),
    "replay_begins": ("Historikken begynder {time}.", "History begins {time}."),
    "replay_level": (
        "Beredskabstrin: {word} (trin {level})",
        "Surge level: {word} (level {level})",
    ),
    "replay_level_unknown": ("Beredskabstrin: ukendt", "Surge level: unknown"),
    "replay_level_by_hand": ("sat af en koordinator", "set by a coordinator"),
    "replay_level_since": ("siden {time}", "since {time}"),
    "replay_master": (
        "Stamdata (åbningstider, afstande, aftaler) gældende fra {time}.",
        "Master data (opening hours, distances, agreements) in force since {time}.",
    ),
    "replay_master_earlier": (
        "Stamdata (åbningstider, afstande, aftaler) er fra {time}: "
        "hvad der gjaldt før, er ikke registreret.",
        "Master data (opening hours, distances, agreements) of {time}: earlier is not recorded.",
    ),
    "replay_master_unknown": (
        "Stamdata (åbningstider, afstande, aftaler) er de nuværende: "
        "hvad der gjaldt da, er ikke registreret.",
        "Master data (opening hours, distances, agreements) are today's: "
        "what was in force then is not recorded.",
    ),
    "replay_agreements": ("Aftaler om lån af pladser", "Agreements on borrowing places"),
    "replay_no_agreements": ("Ingen aftaler gjaldt da.", "No agreements held then."),
    "replay_in_force": ("kunne bruges", "could be used"),
    "replay_not_in_force": ("kunne ikke bruges: {why}", "could not be used: {why}"),
    "replay_borrows": ("{borrower} hos {lender}", "{borrower} at {lender}"),
    "replay_used": ("brugt {used} af {limit}", "used {used} of {limit}"),
}
