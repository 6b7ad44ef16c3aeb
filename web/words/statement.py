"""The words of the statement of how the acute functions are used."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}
SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {}

PAGE: Final[Mapping[str, Pair]] = {
    "statement": ("Akutfunktionernes udnyttelse", "Use of the acute functions"),
    "statement_skip": ("Gå til opgørelsen", "Skip to the statement"),
    "statement_months": ("Måneder", "Months"),
    "statement_page": (
        "Opgørelse af akutfunktionernes udnyttelse",
        "Statement of how the acute functions are used",
    ),
    "statement_columns": ("Hvad kolonnerne tæller", "What the columns count"),
    "statement_of": ("{first} til {last}", "{first} to {last}"),
    "tables_statement": ("Hent opgørelsen:", "Download the statement:"),
    "table_statement": ("Akutfunktionernes udnyttelse", "Use of the acute functions"),
    "table_statement_told": (
        "et tilbud over alle dage i perioden",
        "one unit over all days of the period",
    ),
    "statement_purpose": (
        "Hvad kommunernes akutfunktioner tilbød, hvad der blev brugt, og hvad der blev spurgt om. "
        "En streg betyder, at det ikke vides; det er aldrig nul.",
        "What the acute functions of the municipalities offered, what was used, and what was asked "
        "for. A dash means that it is not known, which is never zero.",
    ),
    "statement_unit": ("Tilbud", "Unit"),
    "statement_sum": ("{name} i alt", "{name}, total"),
    "statement_sum_kind": ("I alt, {kind}", "Total, {kind}"),
    "statement_silent": ("intet registreret i tiden", "nothing recorded in this time"),
    "statement_none": ("Ingen akutfunktioner i kataloget.", "No acute functions in the catalogue."),
    # The tables.
    "statement_capacity": ("Pladser og besøg", "Places and visits"),
    "statement_asks": ("Forespørgsler", "Asks"),
    "statement_upkeep": ("Opdatering af tallene", "How figures are kept"),
    "statement_agreements": ("Brug af aftaler om lån", "Use of agreements on borrowing"),
    "statement_outcomes": (
        "Registrerede udfald efter borgerens kommune",
        "Logged outcomes by the citizen’s municipality",
    ),
    "statement_levels": ("Beredskabstrin", "Surge levels"),
    # Columns, and what they count.
    "statement_place_days": ("Plads\u00addøgn", "Place-days"),
    "statement_place_days_told": (
        "Pladser (eller besøg, et team kan have i gang), der kunne bruges, gange de døgn, hvor det "
        "var kendt. To pladser i et døgn er to.",
        "Places (or visits that a team can have at once) that could be used, times the days for "
        "which that was known. Two places for a day are two.",
    ),
    "statement_used_days": ("Brugte plads\u00addøgn", "Place-days used"),
    "statement_used_days_told": (
        "Pladser eller besøg i brug, gange de døgn, hvor det var kendt. Reservationer tæller ikke.",
        "Places or visits in use, times the days for which that was known. Holds do not count.",
    ),
    "statement_used_share": ("Belæg\u00adning", "Occu\u00adpancy"),
    "statement_used_share_told": (
        "Brugte pladsdøgn af pladsdøgn. Kan overstige 100 %.",
        "Place-days used of place-days. Can exceed 100 %.",
    ),
    "statement_free_place_minutes": ("Ledige plads-minutter", "Free place-minutes"),
    "statement_free_place_minutes_told": (
        "Ledige pladser efter reservationer, gange de minutter, de var ledige.",
        "Places free after holds, times the minutes for which they were.",
    ),
    "statement_free_share": ("Tid med ledigt", "Time with some free"),
    "statement_free_share_told": (
        "Tid med mindst én ledig, af den tid, hvor tallet var kendt; lukket tid tæller med.",
        "Time with at least one free, of the time in which the figure was known, closed time "
        "included.",
    ),
    "statement_open_share": ("Åben", "Open"),
    "statement_open_share_told": (
        "Tid, hvor tilbuddet ikke var lukket, af den tid, hvor tallet var kendt.",
        "Time when the unit was not closed, of the time in which the figure was known.",
    ),
    "statement_unknown_share": ("Ukendt tid", "Time not known"),
    "statement_unknown_share_told": (
        "Tid med forældede eller ukendte tal, af al tid på tavlen. Den tæller hverken som ledig "
        "eller optaget.",
        "Time with outdated or unknown figures, of all time on the board. It counts neither as "
        "free nor as occupied.",
    ),
    "statement_asked": ("Spurgt", "Asked"),
    "statement_asked_told": (
        "Reservationer, som visitationen bad om.",
        "Holds that the visitation asked for.",
    ),
    "statement_accepted": ("Ja", "Yes"),
    "statement_accepted_told": ("Tilbuddet sagde ja.", "The unit accepted."),
    "statement_declined": ("Nej", "No"),
    "statement_declined_told": ("Tilbuddet sagde nej.", "The unit declined."),
    "statement_unanswered": ("Uden svar", "Un\u00adanswered"),
    "statement_unanswered_told": (
        "Reservationen sluttede, uden at tilbuddet havde svaret.",
        "The hold ended before the unit had answered.",
    ),
    "statement_filled": ("Kom", "Came"),
    "statement_filled_told": (
        "Reservationen blev til et ophold eller et besøg.",
        "The hold became a stay or a visit.",
    ),
    "statement_answer_minutes": ("Minutter til svar", "Minutes to answer"),
    "statement_answer_minutes_told": (
        "Fra forespørgsel til ja eller nej, gennemsnit af de besvarede.",
        "From asking to yes or no, mean of those that were answered.",
    ),
    "statement_chosen": ("Valgt ved kald", "Chosen in calls"),
    "statement_chosen_told": (
        "Kald, hvor det registrerede udfald er, at tilbuddet blev valgt i stedet for indlæggelse.",
        "Calls whose logged outcome is that the unit was chosen instead of admission.",
    ),
    "statement_unknown_hours": ("Timer ukendt", "Hours not known"),
    "statement_unknown_hours_told": (
        "Timer med forældede eller ukendte tal; flere tilbuds timer lægges sammen.",
        "Hours with outdated or unknown figures; those of several units are added.",
    ),
    "statement_updates": ("Opdate\u00adringer", "Updates"),
    "statement_updates_told": (
        "Meldinger, der bragte et nyere tal eller bekræftede det gamle.",
        "Reports that brought a newer figure or confirmed the old one.",
    ),
    "statement_update_minutes": ("Minutter imellem", "Minutes between"),
    "statement_update_minutes_told": (
        "Fra én opdatering til den næste, i gennemsnit.",
        "From one update to the next, on average.",
    ),
    "statement_late": ("For sent", "Too late"),
    "statement_late_told": (
        "Meldinger, der var overhalet, da de kom.",
        "Reports that were superseded when they came.",
    ),
    "statement_reminders": ("Påmin\u00addelser", "Reminders"),
    "statement_reminders_told": (
        "Påmindelser om forældede tal, sendt til tilbuddet.",
        "Reminders of outdated figures that were sent to the unit.",
    ),
    # Agreements, outcomes, surge levels.
    "statement_agreement": ("Aftale", "Agreement"),
    "statement_borrows": ("{borrower} hos {lender}, {kinds}", "{borrower} at {lender}, {kinds}"),
    "statement_agreement_none": (
        "Ingen har spurgt efter en aftale om lån.",
        "Nobody asked under an agreement on borrowing.",
    ),
    "statement_municipality": ("Kommune", "Municipality"),
    "statement_not_said": ("Ikke oplyst", "Not said"),
    "statement_all": ("I alt", "Total"),
    "statement_outcome_count": ("Udfald", "Outcomes"),
    "statement_outcome_share": ("Andel med alternativ", "Share with an alternative"),
    "statement_call_seconds": ("Sekunder pr. kald", "Seconds per call"),
    "statement_outcomes_none": ("Ingen udfald er registreret.", "No outcomes are logged."),
    "statement_outcomes_told": (
        "Udfald, som visitationen har registreret, med rettelser. Kald uden registreret udfald er "
        "ikke med.",
        "Outcomes that the visitation logged, corrections included. Calls without a logged outcome "
        "are not among them.",
    ),
    "statement_level": ("Trin", "Level"),
    "statement_level_unknown": ("Ukendt", "Not known"),
    "statement_hours": ("Timer", "Hours"),
    "statement_share": ("Andel af tiden", "Share of the time"),
}  # fmt: skip
