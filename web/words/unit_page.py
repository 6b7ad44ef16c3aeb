"""The words of a unit's phone page: the nurse's taps, the asks, and what became of them."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {
    # What stands.
    "unit_question_place": ("Hvor mange pladser er ledige?", "How many places are free?"),
    "unit_question_team": ("Hvor mange besøg kan I tage nu?", "How many visits can you take now?"),
    "unit_question_slot": ("Hvor mange tider er ledige?", "How many appointments are free?"),
    "unit_question_load": ("Er tallene rigtige?", "Are the figures right?"),
    "unit_question_advice": ("Er telefonen åben?", "Is the line open?"),
    "unit_rule_place": (
        "Tæl alle tomme, bemandede pladser – også dem, visitationen har reserveret.",
        "Count every empty, staffed place – those kept by the visitation too.",
    ),
    "unit_rule_team": (
        "Tæl alle besøg, I kan tage – også dem, visitationen har reserveret.",
        "Count every visit you can take – those kept by the visitation too.",
    ),
    "unit_rule_slot": (
        "Tæl alle ledige tider – også dem, visitationen har reserveret.",
        "Count every free appointment – those kept by the visitation too.",
    ),
    "unit_now": ("Nu vist: {figure}", "Shown now: {figure}"),
    "unit_last": ("Sidst meldt: {figure}", "Last reported: {figure}"),
    "unit_stale": (
        "Forældet: tavlen viser ikke tallet mere. Bekræft det, eller tryk det rigtige.",
        "Outdated: the board no longer shows it. Confirm it, or tap the right one.",
    ),
    "unit_never": ("Ingen melding endnu", "No report yet"),
    "unit_no_figures": (
        "Ingen tal: siden er åbnet uden forbindelse. Et tryk gemmes og sendes senere.",
        "No figures: this page was opened without a connection. A tap is kept and sent later.",
    ),
    "unit_updated": (
        "Sidst opdateret {time} ({age}), {source}",
        "Last updated {time} ({age}), {source}",
    ),
    "unit_source_nurse": ("meldt fra enhedens side", "said on the unit’s page"),
    # The pad.
    "unit_pad_none": ("optaget", "full"),
    "unit_pad_kept": ("{n} reserveret", "{n} kept"),
    "unit_pad_more": ("Flere …", "More …"),
    "unit_confirm": ("Uændret – bekræft {figure}", "No change – confirm {figure}"),
    "unit_confirm_closed": ("Stadig lukket – bekræft", "Still closed – confirm"),
    "unit_confirm_plain": ("Uændret – bekræft", "No change – confirm"),
    "unit_figure_kept": ("{figure} (heraf {n} reserveret)", "{figure} ({n} of them kept)"),
    "unit_open_again": ("Åbn igen", "Open again"),
    "unit_open_again_with": (
        "Åbn igen: tryk hvor mange der er ledige",
        "Open again: tap how many are free",
    ),
    "unit_on_duty_with": (
        "På vagt igen: tryk hvor mange besøg I kan tage",
        "On duty again: tap how many visits you can take",
    ),
    "unit_too_many": (
        "{n} er flere end de {fits}, der er plads til efter de sidste tal. Gem alligevel?",
        "{n} is more than the {fits} there is room for by the last figures. Save all the same?",
    ),
    # What was said, as a tap.
    "unit_said_confirm": ("uændret", "no change"),
    "unit_said_close": ("lukket, {reason}", "closed, {reason}"),
    "unit_said_open": ("åben", "open"),
    "unit_said_abilities": ("kompetencer i dag", "capabilities today"),
    "unit_said_on_duty": ("på vagt", "on duty"),
    "unit_said_off_duty": ("af vagt", "off duty"),
    "unit_said_busy": ("optaget, ledig igen {time}", "busy, free again {time}"),
    "unit_said_line_open": ("telefonen er åben", "the line is open"),
    "unit_said_line_shut": ("telefonen er lukket", "the line is closed"),
    # What became of it.
    "unit_saving": ("Gemmer: {said} …", "Saving: {said} …"),
    "unit_saved": ("Gemt {time}: {said}.", "Saved {time}: {said}."),
    "unit_saved_late": ("Sendt: {said}, som du trykkede {time}.", "Sent: {said}, tapped {time}."),
    "unit_kept": (
        "Ikke sendt endnu: {said} ({time}). Sendes, når der er forbindelse.",
        "Not sent yet: {said} ({time}). It is sent once there is a connection.",
    ),
    "unit_kept_in_page": (
        "Ikke sendt endnu: {said} ({time}). Luk ikke siden.",
        "Not sent yet: {said} ({time}). Do not close this page.",
    ),
    "unit_replaces": ("Erstatter: {said}.", "Replaces: {said}."),
    "unit_superseded": (
        "Ikke brugt: {said} ({time}). Nyere melding: {figure} {newer}, {source}.",
        "Not used: {said} ({time}). A newer report stands: {figure} {newer}, {source}.",
    ),
    "unit_refused": (
        "Blev ikke gemt: {said} ({time}). Genindlæs siden, og prøv igen.",
        "Was not saved: {said} ({time}). Reload the page and try again.",
    ),
    "unit_too_old": (
        "Blev ikke gemt: {said} ({time}) er over et døgn gammel.",
        "Was not saved: {said} ({time}) is more than a day old.",
    ),
    "unit_not_you": (
        "Adgangen er udløbet. Log ind igen; {said} ({time}) er gemt på telefonen.",
        "Your access has ended. Sign in again; {said} ({time}) is kept on this phone.",
    ),
    "unit_undone": ("Fortrudt: {said} er ikke sendt.", "Undone: {said} was not sent."),
    "unit_undoing": ("tilbage til {said}", "back to {said}"),
    "unit_link_alert": (
        "Ingen forbindelse siden {time}. Dit sidste tryk gemmes her og sendes, når den er tilbage.",
        "No connection since {time}. Your last tap is kept here and sent when it returns.",
    ),
    "unit_link_refused": (
        "Adgangen er udløbet. Log ind igen for at melde.",
        "Your access has ended. Sign in again to report.",
    ),
    # Disagreement.
    "unit_disputed": (
        "To meldinger er uenige. Hvad passer?",
        "Two reports disagree. Which is right?",
    ),
    "unit_disputed_own": ("{figure} passer", "{figure} is right"),
    "unit_disputed_other": ("Systemets {figure} passer", "The system’s {figure} is right"),
    "unit_disputed_nurse": ("Vores egne {figure} passer", "Our own {figure} is right"),
    "unit_figure_closed": ("lukket", "closed"),
    # Asks.
    "unit_ask_title": ("Forespørgsel", "Request"),
    "unit_ask_from": ("{name} spørger", "{name} asks"),
    "unit_ask_lives": ("Borger fra {name}", "Citizen of {name}"),
    "unit_ask_home": ("I borgerens hjem", "In the citizen’s home"),
    "unit_ask_place": ("Plads", "Place"),
    "unit_ask_soon_minutes": ("Inden for {n} minutter", "Within {n} minutes"),
    "unit_ask_no_need": ("Intet nærmere om behovet", "Nothing more about the need"),
    "unit_ask_answer_in": ("Svar inden {time}", "Answer within {time}"),
    "unit_ask_they_ring": ("Visitationen ringer måske nu", "The visitation may ring now"),
    "unit_ask_ends_in": ("Udløber om {time}", "Ends in {time}"),
    "unit_ask_ends_at": ("Reserveret til {time}", "Kept until {time}"),
    "unit_ask_accepted": ("I har sagt ja", "You said yes"),
    "unit_ask_you_accepted": ("Sagt ja. Pladsen er reserveret.", "You said yes. It is kept."),
    "unit_ask_you_declined": (
        "Sagt nej. Visitationen ser det nu.",
        "You said no. They see it now.",
    ),
    "unit_ask_you_filled": (
        "Noteret: borgeren er kommet.",
        "Noted: the citizen has arrived.",
    ),
    "unit_ask_you_released": ("Reservationen er frigivet.", "It is no longer kept."),
    "unit_ask_gone": (
        "Forespørgslen er ikke aktuel længere.",
        "The request no longer stands.",
    ),
    "unit_ask_gone_accepted": (
        "Forespørgslen er besvaret af en anden: ja.",
        "The request was answered by somebody else: yes.",
    ),
    "unit_ask_gone_declined": (
        "Forespørgslen er besvaret af en anden: nej.",
        "The request was answered by somebody else: no.",
    ),
    "unit_ask_gone_cancelled": (
        "Visitationen har trukket forespørgslen tilbage.",
        "The visitation has withdrawn the request.",
    ),
    "unit_ask_gone_expired": (
        "Forespørgslen er udløbet uden svar.",
        "The request ended without an answer.",
    ),
    "unit_ask_gone_filled": (
        "Borgeren er meldt ankommet af en anden.",
        "Somebody else has noted that the citizen arrived.",
    ),
    "unit_ask_gone_released": (
        "Reservationen er frigivet af en anden.",
        "Somebody else has released it.",
    ),
    "unit_ask_unheard": (
        "Svaret nåede ikke frem. Prøv igen, eller ring til visitationen.",
        "The answer did not get through. Try again, or ring the visitation.",
    ),
    "unit_ask_refused": (
        "Svaret blev ikke taget imod. Genindlæs siden.",
        "The answer was not accepted. Reload the page.",
    ),
    "unit_title_ask": ("Forespørgsel! {title}", "Request! {title}"),
    "unit_sound_on": ("Slå lyd til", "Turn sound on"),
    "unit_sound_off": ("Lyd er til – slå fra", "Sound is on – turn off"),
    "unit_bad_time": (
        "Vælg et tidspunkt, der ligger frem i tiden.",
        "Choose a time that lies ahead.",
    ),
}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "unit_kept_count": (
        (
            "{n} er reserveret af visitationen og tælles med, til borgeren er kommet.",
            "{n} er reserveret af visitationen og tælles med, til borgerne er kommet.",
        ),
        (
            "{n} is kept by the visitation and counts until the citizen has arrived.",
            "{n} are kept by the visitation and count until the citizens have arrived.",
        ),
    ),
    "unit_ask_waiting": (
        ("+ {n} forespørgsel til", "+ {n} forespørgsler til"),
        ("+ {n} more request", "+ {n} more requests"),
    ),
    "unit_ask_soon_hours": (
        ("Inden for {n} time", "Inden for {n} timer"),
        ("Within {n} hour", "Within {n} hours"),
    ),
}

PAGE: Final[Mapping[str, Pair]] = {
    "unit_units": ("Enheder", "Units"),
    "unit_choose": ("Vælg enhed", "Choose a unit"),
    "unit_none": (
        "Der er ingen enheder, du kan melde for.",
        "There is no unit you can report for.",
    ),
    "unit_skip": ("Gå til tallene", "Skip to the figures"),
    "unit_needs_script": (
        "Siden kan kun læses, fordi script er slået fra. Ring tallene ind i stedet.",
        "This page can only be read because scripts are off. Ring the figures in instead.",
    ),
    "unit_pad": ("Antal ledige", "Number free"),
    "unit_closing": ("Luk enheden midlertidigt …", "Close the unit for a while …"),
    "unit_closing_change": ("Ret lukningen …", "Change the closure …"),
    "unit_close_title": ("Luk enheden midlertidigt", "Close the unit for a while"),
    "unit_close_why": ("Hvorfor?", "Why?"),
    "unit_close_until": ("Hvornår ventes den åben?", "When is it expected to reopen?"),
    "unit_close_unknown": ("Det vides ikke", "Not known"),
    "unit_close_in_2": ("Om 2 timer", "In 2 hours"),
    "unit_close_in_4": ("Om 4 timer", "In 4 hours"),
    "unit_close_morning": ("I morgen kl. 7", "Tomorrow at 7"),
    "unit_close_at": ("Andet tidspunkt", "Another time"),
    "unit_close_itself": (
        "Åbner af sig selv på det tidspunkt, med tallet fra før",
        "Reopens by itself at that time, with the number from before",
    ),
    "unit_close_do": ("Luk enheden", "Close the unit"),
    "unit_reason_no_staff": ("Mangler personale", "Lack of staff"),
    "unit_reason_infection": ("Smitte", "Infection"),
    "unit_reason_maintenance": ("Rengøring eller reparation", "Cleaning or repair"),
    "unit_reason_equipment": ("Udstyr mangler", "Equipment missing"),
    "unit_reason_agreed": ("Aftalt lukning", "Agreed closure"),
    "unit_reason_other": ("Anden grund", "Another reason"),
    "unit_no_place_taken": ("Pladsen er brugt", "The place is taken"),
    "unit_no_no_staff": ("Mangler personale", "Lack of staff"),
    "unit_no_cannot_meet_need": ("Kan ikke løfte behovet", "Cannot meet the need"),
    "unit_no_other": ("Andet", "Other"),
    "unit_back": ("Tilbage", "Back"),
    "unit_save": ("Gem", "Save"),
    "unit_save_anyway": ("Gem alligevel", "Save all the same"),
    "unit_number": ("Antal ledige nu", "How many are free now"),
    "unit_undo": ("Fortryd", "Undo"),
    "unit_abilities": ("Kan ikke i dag", "Not possible today"),
    "unit_abilities_help": (
        "Sæt kryds ved det, enheden ikke kan lige nu.",
        "Tick what the unit cannot do just now.",
    ),
    "unit_duty": ("Vagt", "Duty"),
    "unit_duty_off": ("Af vagt", "Off duty"),
    "unit_duty_on": ("På vagt", "On duty"),
    "unit_busy": ("Optaget – ledig igen om", "Busy – free again in"),
    "unit_line_open": ("Telefonen er åben", "The line is open"),
    "unit_line_shut": ("Telefonen er lukket", "The line is closed"),
    "unit_asks": ("Forespørgsler og reservationer", "Requests and kept places"),
    "unit_ask_yes": ("Ja, vi tager imod", "Yes, we take it"),
    "unit_ask_no": ("Nej, fordi:", "No, because:"),
    "unit_ask_later": ("Se tallene først", "See the figures first"),
    "unit_ask_open": ("Svar", "Answer"),
    "unit_ask_fill": ("Optaget nu (ankommet)", "Taken now (arrived)"),
    "unit_ask_release": ("Frigiv", "Release"),
    "unit_alerts": ("Besked ved forespørgsel", "Alerts on requests"),
    "unit_other": ("Andre enheder", "Other units"),
    "unit_see_board": ("Se tavlen", "See the board"),
}
