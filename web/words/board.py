"""The words of the board, the wall screen, and what all pages share."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Lang, Pair

SHARED: Final[Mapping[str, Pair]] = {
    # States: always shown with a shape and, where there is one, a number.
    "state_one": ("Én ledig", "One free"),
    "state_free": ("Ledige", "Free"),
    "state_open": ("Åben", "Open"),
    "state_occupied": ("Optaget", "Full"),
    "state_closed": ("Lukket", "Closed"),
    "state_stale": ("Forældet", "Outdated"),
    "state_unknown": ("Ukendt", "Unknown"),
    "no_number": ("–", "–"),
    "of": ("af {n}", "of {n}"),
    "load_occupied": ("belagt", "occupied"),
    "waiting": ("venter", "waiting"),
    "wait": ("ventetid", "wait"),
    "minutes": ("{n} min", "{n} min"),
    "ageing": ("ældes", "ageing"),
    # Ages and moments.
    "age_now": ("nu", "now"),
    "age_minutes": ("{n} min", "{n} min"),
    "age_hours": ("{n} t", "{n} h"),
    "age_days": ("{n} d", "{n} d"),
    "age_never": ("aldrig", "never"),
    "clock": ("{hour}.{minute}", "{hour}:{minute}"),
    "today": ("kl. {clock}", "at {clock}"),
    "yesterday": ("i går kl. {clock}", "yesterday at {clock}"),
    "tomorrow": ("i morgen kl. {clock}", "tomorrow at {clock}"),
    "other_day": ("{day}. {month} kl. {clock}", "{day} {month} at {clock}"),
    "full_time": ("{day}. {month} {year} kl. {clock}", "{day} {month} {year} at {clock}"),
    "summer_time": ("sommertid", "summer time"),
    "winter_time": ("normaltid", "standard time"),
    # Sentences about one unit.
    "observed": ("Tallet er fra {time}", "Figure from {time}"),
    "observed_never": ("Ingen melding endnu", "No report yet"),
    "last_at": ("sidst meldt {time}", "last reported {time}"),
    "was_closed": ("Sidst meldt lukket: {reason}", "Last reported closed: {reason}"),
    "reopens": ("åbner {time}", "reopens {time}"),
    "reopens_expected": ("ventes åbnet {time}", "expected to reopen {time}"),
    "reopening_passed": (
        "skulle åbne {time}, endnu ikke meldt åben",
        "was to reopen {time}, not yet reported open",
    ),
    "next_free": ("næste ledige {time}", "next free {time}"),
    "on_duty": ("på vagt", "on duty"),
    "off_duty": ("ikke på vagt", "off duty"),
    "inconsistent_capacity": (
        "over kapacitet: {occupied} af {total}",
        "over capacity: {occupied} of {total}",
    ),
    "inconsistent_staff": (
        "flere bemandede pladser end pladser",
        "more staffed places than places",
    ),
    "inconsistent": ("tallene modsiger hinanden", "the figures contradict each other"),
    "count_total": ("pladser i alt {n}", "places in all {n}"),
    "count_staffed": ("bemandet {n}", "staffed {n}"),
    "count_occupied": ("belagt {n}", "occupied {n}"),
    "count_reserved": ("reserveret {n}", "reserved {n}"),
    "count_closed": ("lukket {n}", "closed {n}"),
    "count_held": ("holdt for kald {n}", "held for calls {n}"),
    # Holds on a unit's row, and two words about it that disagree.
    "hold_asked": ("spurgt {left}", "asked {left}"),
    "hold_accepted": ("lovet {left}", "promised {left}"),
    "hold_filled": ("fyldt {n}, afventer melding", "filled {n}, awaiting report"),
    "hold_declined": ("afvist {time}", "declined {time}"),
    "disputed": (
        "systemet: {system} · sygeplejersken: {nurse}",
        "the system: {system} · the nurse: {nurse}",
    ),
    "word_closed": ("lukket", "closed"),
    "abilities_off": ("Ikke nu: {names}", "Not now: {names}"),
    # Totals.
    "total_places": ("af {n} {places}", "of {n} {places}"),
    "total_unknown": ("+ {n} ukendt", "+ {n} unknown"),
    # The link.
    "link_connecting": ("Forbinder", "Connecting"),
    "link_live": ("Direkte", "Live"),
    "link_lost": ("Ingen forbindelse", "No connection"),
    "link_alert": (
        "Forbindelsen er afbrudt. Tallene er fra {time} og opdateres ikke. "
        "Ring til enheden før du visiterer.",
        "The connection is lost. The figures are from {time} and are not updated. "
        "Call the unit before you refer.",
    ),
    "link_refused": (
        "Adgangen er udløbet. Tallene er fra {time} og opdateres ikke. Log ind igen.",
        "Your access has ended. The figures are from {time} and are not updated. Sign in again.",
    ),
    "link_retrying": ("Prøver igen nu.", "Trying again now."),
    "more_needs": ("Flere", "More"),
    "more_needs_chosen": ("Flere: {n} valgt", "More: {n} chosen"),
    "filter_status": (
        "Viser {shown} af {all} tilbud på listen",
        "Showing {shown} of {all} units on the list",
    ),
}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    # One and many, in Danish and in English.
    "held": (("{n} holdt", "{n} holdt"), ("{n} held", "{n} held")),
    "total_free": (("ledig", "ledige"), ("free", "free")),
    "places": (("akutplads", "akutpladser"), ("acute place", "acute places")),
    "link_retry": (
        ("Prøver igen om {n} sek.", "Prøver igen om {n} sek."),
        ("Trying again in {n} sec.", "Trying again in {n} sec."),
    ),
    "stale_names": (
        ("{n} tilbud har forældede eller ukendte tal: {names}",) * 2,
        (
            "{n} unit has outdated or unknown figures: {names}",
            "{n} units have outdated or unknown figures: {names}",
        ),
    ),
}

MONTHS: Final[Mapping[Lang, tuple[str, ...]]] = {
    "da": (
        "januar", "februar", "marts", "april", "maj", "juni",
        "juli", "august", "september", "oktober", "november", "december",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip

PAGE: Final[Mapping[str, Pair]] = {
    "product": ("Akutoverblik", "Akutoverblik"),
    "cluster": ("sundhedsklynge", "health cluster"),
    "skip": ("Gå til tavlen", "Skip to the board"),
    "main_menu": ("Sider", "Pages"),
    "board": ("Tavle", "Board"),
    "wall": ("Storskærm", "Wall screen"),
    "operations": ("Drift", "Operations"),
    "languages": ("Sprog", "Language"),
    "demo": (
        "Demonstration – tal fra simulatorer, ikke til klinisk brug",
        "Demonstration – figures from simulators, not for clinical use",
    ),
    "no_script": (
        "Siden opdaterer ikke sig selv, fordi script er slået fra. Tallene er fra {time}.",
        "This page does not update itself because scripts are off. The figures are from {time}.",
    ),
    "connection": ("Forbindelsen", "The connection"),
    "reload": ("Hent nye tal", "Get new figures"),
    "snapshot_of": ("Tal fra {time}", "Figures from {time}"),
    "pressure": ("Pres på hospitalet", "Pressure on the hospital"),
    "all_free": ("Ledige akutpladser i klyngen", "Free acute places in the cluster"),
    "region_group": ("Hospital og region", "Hospital and region"),
    "municipality": ("Kommune", "Municipality"),
    "need": ("Borgerens behov", "Citizen’s need"),
    "all_municipalities": ("Alle", "All"),
    "clear_filters": ("Ryd valg", "Clear choices"),
    "nothing_matches": ("Intet tilbud her opfylder valget.", "No unit here meets the choice."),
    "no_units": ("Klyngen har ingen tilbud i kataloget.", "The catalogue has no units here."),
    "call": ("Ring til {name}", "Call {name}"),
    "no_phone": ("intet nummer", "no number"),
    "detail_kind": ("Tilbud", "Kind"),
    "detail_note": ("Bemærkning", "Note"),
    "detail_counts": ("Tal", "Figures"),
    "detail_abilities": ("Kan", "Can do"),
    "detail_source": ("Kilde", "Source"),
    "detail_authority": ("Myndighed", "Authority"),
    "detail_operator": ("Driver", "Operator"),
    "detail_observed": ("Alder", "Age"),
    "legend": ("Tegnforklaring", "Key"),
    "clock_label": ("Serverens klokkeslæt", "Server time"),
    "index": ("Vælg klynge", "Choose a cluster"),
    "no_clusters": ("Der er ingen klynger at vise.", "There are no clusters to show."),
    "to_front": ("Til forsiden", "To the front page"),
    "home": ("Forside", "Front page"),
}

KINDS: Final[Mapping[str, Pair]] = {
    # What a kind is called when the catalogue has no term for it.
    "acute_place": ("akutplads", "acute place"),
    "acute_team": ("akutteam", "acute team"),
    "acute_department": ("akutafdeling", "acute department"),
    "visitation": ("hospitalsvisitation", "hospital visitation"),
    "subacute_slot": ("subakut tid", "subacute slot"),
    "advice_line": ("specialistrådgivning", "advice line"),
    "hospital_at_home": ("indlæggelse i eget hjem", "hospital at home"),
    "out_of_hours": ("lægevagt", "out-of-hours doctors"),
    "acute_clinic": ("akutklinik", "acute clinic"),
    "prehospital": ("præhospital", "prehospital"),
}
