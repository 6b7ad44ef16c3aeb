"""The words of a call on the board page: need, alternatives, holds, answers and outcomes."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {
    # Holding.
    "hold": ("Reservér", "Hold"),
    "asking": ("Reserverer {name} …", "Holding {name} …"),
    "held_now": (
        "Plads holdt hos {name}. Enheden er spurgt.",
        "A place is held at {name}. The unit has been asked.",
    ),
    "hold_unsure": (
        "Intet svar fra serveren. Det er uvist, om pladsen hos {name} er holdt. Prøv igen; "
        "der holdes højst én.",
        "No answer from the server. Whether a place at {name} is held is not known. Try again; "
        "at most one is held.",
    ),
    "hold_no_taken": (
        "Den sidste plads hos {name} blev taget af en anden lige før.",
        "Somebody else took the last place at {name} just before.",
    ),
    "hold_no_closed": ("{name} er lukket lige nu.", "{name} is closed just now."),
    "hold_no_stale": (
        "Tallet for {name} er forældet. Ring, før du regner med en plads.",
        "The figure of {name} is outdated. Call before you count on a place.",
    ),
    "hold_no_unknown": (
        "Det er ukendt, om {name} har noget ledigt. Ring og spørg.",
        "Whether {name} has anything free is not known. Call and ask.",
    ),
    "hold_no_not_holdable": (
        "{name} kan ikke reserveres her. Ring til enheden.",
        "{name} cannot be held here. Call the unit.",
    ),
    "hold_no_agreement": (
        "Aftalen om at låne pladser gælder ikke lige nu hos {name}. Ring og spørg.",
        "The agreement on borrowing places does not hold just now at {name}. Call and ask.",
    ),
    "hold_no_quota": (
        "Aftalens antal pladser hos {name} er brugt. Ring og spørg.",
        "The agreed number of places at {name} is used up. Call and ask.",
    ),
    "hold_no_occupied": ("{name} har ingen ledige.", "{name} has nothing free."),
    "next_choice": ("Næste:", "Next:"),
    "no_next": ("Intet andet på listen kan reserveres.", "Nothing else on the list can be held."),
    # Own holds.
    "mine_asked": ("Spurgt", "Asked"),
    "mine_accepted": ("Lovet", "Promised"),
    "mine_declined": ("Afvist", "Declined"),
    "mine_cancelled": ("Annulleret", "Cancelled"),
    "mine_expired": ("Udløbet", "Expired"),
    "mine_filled": ("Fyldt", "Filled"),
    "mine_released": ("Frigivet", "Released"),
    "mine_no_answer": ("Intet svar endnu. Ring:", "No answer yet. Call:"),
    "mine_no_answer_no_phone": (
        "Intet svar endnu, og enheden har intet nummer.",
        "No answer yet, and the unit has no number.",
    ),
    "mine_why_expired": (
        "Reservationen udløb. Reservér igen, hvis pladsen stadig skal bruges.",
        "The hold ran out. Hold again if the place is still needed.",
    ),
    "mine_why_released": ("Pladsen er givet fri igen.", "The place has been let go again."),
    "decline_no_staff": ("mangler personale", "no staff"),
    "decline_place_taken": ("pladsen er taget", "the place is taken"),
    "decline_cannot_meet_need": ("kan ikke dække behovet", "cannot meet the need"),
    "decline_other": ("anden grund", "another reason"),
    "said_accepted": ("{name} har lovet pladsen.", "{name} has promised the place."),
    "said_declined": ("{name} har afvist.", "{name} has declined."),
    "said_declined_why": ("{name} har afvist: {reason}.", "{name} has declined: {reason}."),
    "said_cancelled": ("Reservationen hos {name} er annulleret.", "The hold at {name} is off."),
    "said_expired": ("Reservationen hos {name} er udløbet.", "The hold at {name} has run out."),
    "said_filled": ("Pladsen hos {name} er meldt fyldt.", "The place at {name} is marked filled."),
    "said_released": (
        "Pladsen hos {name} er givet fri igen.",
        "The place at {name} has been let go again.",
    ),
    "act_again": ("Prøv igen", "Try again"),
    "act_cancel": ("Annullér", "Cancel"),
    "act_release": ("Giv fri", "Let go"),
    "act_fill": ("Meld fyldt", "Mark filled"),
    "act_dismiss": ("Fjern", "Dismiss"),
    # What goes wrong with an action, and what to do.
    "fail_signed_out": (
        "Du er logget ud. Log ind igen; det valgte bliver stående.",
        "You are signed out. Sign in again; what you chose stays.",
    ),
    "fail_forbidden": (
        "Du har ikke lov til dette her. Log ind igen eller genindlæs siden; det valgte bliver "
        "stående.",
        "You may not do this here. Sign in again or reload the page; what you chose stays.",
    ),
    "fail_gone": (
        "Reservationen findes ikke længere.",
        "The hold does not exist any more.",
    ),
    "fail_state": (
        "Det kan ikke gøres nu: reservationen hos {name} er {state}.",
        "That cannot be done now: the hold at {name} is {state}.",
    ),
    "fail_store": (
        "Serveren har mistet sit lager. Intet er ændret. Prøv igen om lidt, eller ring.",
        "The server has lost its store. Nothing was changed. Try again shortly, or call.",
    ),
    "fail_unsure": (
        "Intet svar fra serveren. Prøv igen; det sker højst én gang.",
        "No answer from the server. Try again; it is done at most once.",
    ),
    "fail_other": (
        "Det kunne ikke lade sig gøre ({status}). Genindlæs siden, eller ring til enheden.",
        "That was not possible ({status}). Reload the page, or call the unit.",
    ),
    "off_link": (
        "Slået fra, til forbindelsen er tilbage. Ring til enheden.",
        "Switched off until the connection is back. Call the unit.",
    ),
    "off_list": (
        "Slået fra, fordi listen er gammel. Ring til enheden.",
        "Switched off because the list is old. Call the unit.",
    ),
    # The list of alternatives.
    "verdict_yes": ("Ja", "Yes"),
    "verdict_ask": ("Spørg", "Ask"),
    "verdict_no": ("Nej", "No"),
    "list_old": (
        "Listen er fra {time} og kan ikke opdateres. Reservation fra listen er slået fra.",
        "The list is from {time} and cannot be updated. Holding from the list is switched off.",
    ),
    "order_changed": ("Rækkefølgen er ændret", "The order has changed"),
    "updated": ("opdateret {age}", "updated {age}"),
    "travel_minutes": ("{n} min kørsel", "{n} min drive"),
    "distance": ("{n} km", "{n} km"),
    # Outcomes.
    "outcome_alternative": ("Alternativ valgt", "Alternative chosen"),
    "outcome_alternative_at": ("Alternativ: {name}", "Alternative: {name}"),
    "outcome_admitted_despite_free": ("Indlagt trods ledigt", "Admitted despite free"),
    "outcome_admitted_none_free": ("Indlagt, intet ledigt", "Admitted, none free"),
    "outcome_other": ("Andet", "Other"),
    "outcome_logged": ("Udfald gemt: {outcome}.", "Outcome saved: {outcome}."),
    "outcome_corrected": ("Udfald rettet: {outcome}.", "Outcome corrected: {outcome}."),
    "outcome_too_late": (
        "Udfaldet kan ikke rettes mere; der er gået over en time.",
        "The outcome can no longer be corrected; more than an hour has passed.",
    ),
    "outcome_which": (
        "Vælg først et alternativ: klik på det på listen.",
        "First choose an alternative: click it on the list.",
    ),
    "outcome_unsaved": (
        "Udfaldet er ikke gemt: intet svar fra serveren. Tryk igen; det gemmes kun én gang.",
        "The outcome is not saved: no answer from the server. Press again; it is saved only once.",
    ),
    "reason_needs_hospital_tests": (
        "kræver hospitalets undersøgelser",
        "needs the hospital’s tests",
    ),
    "reason_competence_missing": ("manglende kompetence", "capability missing"),
    "reason_not_soon_enough": ("ikke hurtigt nok", "not soon enough"),
    "reason_declined_by_unit": ("enheden afviste", "declined by the unit"),
    "reason_could_not_reach": ("enheden kunne ikke nås", "the unit could not be reached"),
    "reason_citizen_or_relatives_wish": (
        "borgerens eller pårørendes ønske",
        "wish of the citizen or relatives",
    ),
    "reason_transport": ("transport", "transport"),
    "reason_doctor_decision": ("lægens beslutning", "the doctor’s decision"),
    "reason_advice_only": ("kun rådgivning", "advice only"),
    "reason_called_back": ("ringes op igen", "will be called back"),
    "reason_wrong_number_or_info": (
        "forkert nummer eller oplysning",
        "wrong number or information",
    ),
    "reason_other": ("anden årsag", "other reason"),
    "outcomes_latest": ("Seneste udfald ({n})", "Latest outcomes ({n})"),
    "no_reason": ("Ingen årsag valgt", "No reason chosen"),
    # Shortcuts.
    "keys_on": ("Genvejstaster er slået til.", "Keyboard shortcuts are on."),
    "keys_off": ("Genvejstaster er slået fra.", "Keyboard shortcuts are off."),
    "no_capability": ("Ingen ydelse hedder det.", "No capability is called that."),
    "need_added": ("{name} valgt.", "{name} chosen."),
    "need_removed": ("{name} fravalgt.", "{name} no longer chosen."),
}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "free_count": (("{n} ledig", "{n} ledige"), ("{n} free", "{n} free")),
}

PAGE: Final[Mapping[str, Pair]] = {
    "call_panel": ("Alternativer", "Alternatives"),
    "call_panel_rest": ("til indlæggelse", "to admission"),
    "alternatives_hint": (
        "Vælg kommune og behov, så ordnes listen efter dem.",
        "Choose municipality and need, and the list is ordered by them.",
    ),
    "show_order": ("Vis den nye rækkefølge", "Show the new order"),
    "dock": ("Kaldet", "The call"),
    "mine": ("Mine reservationer", "My holds"),
    "how_soon": ("Hvor hurtigt", "How soon"),
    "soon_now": ("Nu", "Now"),
    "soon_hours": ("Inden 2 t", "Within 2 h"),
    "soon_today": ("I dag", "Today"),
    "soon_tomorrow": ("I morgen", "Tomorrow"),
    "where": ("Hvor", "Where"),
    "where_place": ("Plads", "Place"),
    "where_home": ("Hjemme", "At home"),
    "seek": ("Søg ydelse", "Find capability"),
    "outcome": ("Udfald af kaldet", "Outcome of the call"),
    "correct": ("Ret", "Correct"),
    "correct_save": ("Gem rettelsen", "Save the correction"),
    "correct_outcome": ("Udfald", "Outcome"),
    "correct_reason": ("Årsag", "Reason"),
    "correct_unit": ("Hos", "At"),
    "report_for": ("Meld for {name}", "Report for {name}"),
    "keys": ("Genveje", "Shortcuts"),
    "keys_switch": ("Enkelttaster som genveje", "Single keys as shortcuts"),
    "key_municipality": ("kommune (0: alle)", "municipality (0: all)"),
    "key_seek": ("søg ydelse", "find a capability"),
    "key_soon": ("nu, 2 timer, i dag, i morgen", "now, 2 hours, today, tomorrow"),
    "key_where": ("plads, hjemme", "place, home"),
    "key_list": ("til første alternativ", "to the first alternative"),
    "key_hold": ("reservér, hvor markøren står", "hold where the focus is"),
    "key_next": ("reservér det næste efter et nej", "hold the next one after a no"),
    "key_mine": ("til mine reservationer", "to my holds"),
    "key_outcome": ("til udfald", "to the outcome"),
    "key_clear": ("ryd valg", "clear choices"),
    "call_to": ("Ring til", "Call"),
    "sign_in_again": ("Log ind igen", "Sign in again"),
}
