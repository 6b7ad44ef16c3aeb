"""Why a unit is an alternative, or is not: a text for every code of the rules.

The codes and their parameters are those of `capacity.suitability`, `capacity.availability` and
`capacity.agreements`; web/pages/why.py and static/js/why.js put the parameters in. A key that ends
in ``_when`` is used where the rule knows the instant, one in ``_counted`` where it has a quota.
"""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {
    # Whom it serves.
    "why_own_municipality": ("egen kommune", "own municipality"),
    "why_serves": ("dækker kommunen", "serves the municipality"),
    "why_municipality_missing": (
        "vælg kommune: det er uvist, om den dækker",
        "choose a municipality: whether it is served is not known",
    ),
    "why_agreement": ("låneaftale: {terms}", "agreement: {terms}"),
    "why_agreement_counted": (
        "låneaftale, {used} af {limit} brugt {per}: {terms}",
        "agreement, {used} of {limit} used {per}: {terms}",
    ),
    "why_agreement_none": (
        "dækker ikke kommunen, og der er ingen låneaftale",
        "does not serve the municipality, and there is no agreement",
    ),
    "why_agreement_dates": (
        "låneaftalen gælder ikke på denne dato",
        "the agreement does not hold on this date",
    ),
    "why_agreement_hours": ("låneaftalen gælder ikke nu", "the agreement does not hold now"),
    "why_agreement_hours_when": (
        "låneaftalen gælder først {from}",
        "the agreement holds from {from}",
    ),
    "why_agreement_surge": (
        "låneaftalen gælder først fra beredskabstrin {level}",
        "the agreement holds from surge level {level}",
    ),
    "why_agreement_quota_when": (
        "låneaftalens pladser {per} er brugt ({limit}), igen {from}",
        "the agreement's places {per} are used ({limit}), again {from}",
    ),
    "per_day": ("i dag", "today"),
    "per_week": ("denne uge", "this week"),
    "per_month": ("denne måned", "this month"),
    # What it can do.
    "why_capabilities_all": ("kan det, der kræves", "can do what is needed"),
    "why_capabilities_unknown": (
        "det er ikke oplyst, hvad den kan",
        "what it can do is not stated",
    ),
    "why_capability_never": ("kan ikke: {capabilities}", "cannot do: {capabilities}"),
    "why_capability_off": ("ikke i dag: {capabilities}", "not today: {capabilities}"),
    "why_not_at_home": ("er et sted, ikke hjælp hjemme", "is a place, not help at home"),
    "why_not_a_place": ("er hjælp hjemme, ikke et sted", "is help at home, not a place"),
    # How soon.
    "why_response": ("kommer normalt inden for {minutes}", "usually comes within {minutes}"),
    "why_response_too_long": (
        "kommer normalt inden for {minutes}, ønsket inden for {within}",
        "usually comes within {minutes}, wanted within {within}",
    ),
    "why_response_unknown": (
        "det er ikke oplyst, hvor hurtigt de kommer",
        "how soon they come is not stated",
    ),
    "why_travel": ("{way} kørsel", "{way} by road"),
    "why_travel_too_long": (
        "{way} kørsel, ønsket inden for {within}",
        "{way} by road, wanted within {within}",
    ),
    "way_km": ("{km} km", "{km} km"),
    "why_wait": ("ventetid {minutes}", "waiting time {minutes}"),
    "why_wait_too_long": (
        "ventetid {minutes}, ønsket inden for {within}",
        "waiting time {minutes}, wanted within {within}",
    ),
    "why_wait_unknown": ("ventetiden er ukendt", "the waiting time is not known"),
    # Hours and closures.
    "why_outside_hours": (
        "uden for åbningstid, men meldt på vagt",
        "outside opening hours, yet reported on duty",
    ),
    "why_outside_hours_when": (
        "uden for åbningstid (åbner {opens_at}), men meldt på vagt",
        "outside opening hours (opens {opens_at}), yet reported on duty",
    ),
    "why_opens_when": ("åbner {opens_at}", "opens {opens_at}"),
    "why_closed_hours": ("uden for åbningstid", "outside opening hours"),
    "why_closed_hours_when": (
        "uden for åbningstid, åbner {opens_at}",
        "outside opening hours, opens {opens_at}",
    ),
    "why_closes_when": ("lukker {closes_at}", "closes {closes_at}"),
    "why_closes_before_arrival_when": (
        "lukker {closes_at}, før borgeren kan nå frem",
        "closes {closes_at}, before the citizen can be there",
    ),
    "why_closed": ("lukket: {reason}", "closed: {reason}"),
    "why_closed_when": (
        "lukket: {reason}, ventes åbnet {reopens_at}",
        "closed: {reason}, expected to reopen {reopens_at}",
    ),
    "why_reopens_when": (
        "lukket: {reason}, ventes åbnet {reopens_at}",
        "closed: {reason}, expected to reopen {reopens_at}",
    ),
    "why_reopening_passed_when": (
        "lukket: {reason}, skulle åbne {reopens_at}, endnu ikke meldt åben",
        "closed: {reason}, was to reopen {reopens_at}, not yet reported open",
    ),
    "why_closed_last": ("sidst meldt lukket", "last reported closed"),
    "why_closed_all": ("alle pladser er ude af drift", "every place is out of use"),
    "why_off_duty": ("ikke på vagt", "off duty"),
    "why_off_duty_when": (
        "ikke på vagt, næste ledige {next_free_at}",
        "off duty, next free {next_free_at}",
    ),
    "why_on_duty_later_when": (
        "ikke på vagt nu, næste ledige {at}",
        "off duty now, next free {at}",
    ),
    # Free or full.
    "why_free_unknown": ("det er ukendt, om der er ledigt", "whether any is free is not known"),
    "why_free_later_when": ("ingen ledige nu, næste {at}", "none free now, next {at}"),
    "why_none_free": ("ingen ledige", "none free"),
    "why_slot_when": ("næste tid {at}", "next appointment {at}"),
    "why_slot_late_when": ("næste tid er først {at}", "the next appointment is not until {at}"),
    "why_slot_passed_when": (
        "næste tid var {at}, spørg om en ny",
        "the next appointment was {at}, ask for another",
    ),
    "why_slot_time_unknown": (
        "tidspunktet for næste tid er ukendt",
        "when the next appointment is is not known",
    ),
    "why_answers": ("svarer nu", "answers now"),
    "why_duty_unknown": (
        "det er ukendt, om telefonen besvares",
        "whether the line is answered is not known",
    ),
    # How sure it is.
    "why_ageing_when": ("tallet er fra {observed_at}", "the figure is from {observed_at}"),
    "why_stale_when": (
        "tallet er forældet, fra {observed_at}",
        "the figure is outdated, from {observed_at}",
    ),
    "why_never_reported": ("ingen melding endnu", "no report yet"),
    "why_disputed_when": (
        "uenighed: {who} sagde {what} {observed_at}",
        "disagreement: {who} said {what} {observed_at}",
    ),
    "disputed_nurse": ("enheden selv", "the unit itself"),
    "disputed_feed": ("det automatiske tal", "the automatic figure"),
    "disputed_closed": ("lukket", "closed"),
    "disputed_unknown": ("ukendt", "unknown"),
    "why_inconsistent": ("tallene modsiger hinanden", "the figures contradict each other"),
}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "why_free": (("{n} ledig", "{n} ledige"), ("{n} free", "{n} free")),
    "why_all_held": (
        ("den sidste er holdt for en anden", "de sidste {n} er holdt for andre"),
        ("the last one is held for somebody else", "the last {n} are held for others"),
    ),
}
"""Danish one and many, English one and many."""

PAGE: Final[Mapping[str, Pair]] = {}
