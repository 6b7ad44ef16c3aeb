"""The words of notices: pushes, reminders by mail, and the page's switch for them."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {
    # The switch on the unit's page.
    "push_title": ("Beskeder på denne telefon", "Notices on this phone"),
    "push_allow": ("Slå beskeder til", "Turn notices on"),
    "push_stop": ("Slå beskeder fra", "Turn notices off"),
    "push_again": ("Prøv igen", "Try again"),
    "push_on": (
        "Til. Du får besked, når nogen beder om en plads, også når siden er lukket.",
        "On. You are told when somebody asks for a place, even while this page is closed.",
    ),
    "push_off": (
        "Fra. Du får kun besked, mens siden er åben.",
        "Off. You are told only while this page is open.",
    ),
    "push_working": ("Et øjeblik …", "One moment …"),
    "push_blocked": (
        "Blokeret. Tillad beskeder for siden i telefonens indstillinger, og genindlæs.",
        "Blocked. Allow notices for this page in the phone’s settings, and reload.",
    ),
    "push_unsupported": (
        "Denne browser kan ikke vise beskeder. På iPhone skal siden først føjes til hjemmeskærmen.",
        "This browser cannot show notices. On an iPhone, add the page to the home screen first.",
    ),
    "push_absent": (
        "Beskeder er ikke sat op her. Du får kun besked, mens siden er åben.",
        "Notices are not set up here. You are told only while this page is open.",
    ),
    "push_full": (
        "Tilbuddet har allerede så mange telefoner, som det kan have. Slå beskeder fra på en "
        "af dem først.",
        "This unit already has as many phones as it may. Turn notices off on one of them first.",
    ),
    "push_failed": (
        "Det lykkedes ikke. Beskeder er ikke slået til.",
        "That did not work. Notices are not on.",
    ),
    "push_not_stopped": (
        "Det lykkedes ikke. Beskeder er stadig slået til.",
        "That did not work. Notices are still on.",
    ),
    "push_unsure": (
        "Siden kunne ikke få svar. Om beskeder er slået til, er uvist.",
        "There was no answer. Whether notices are on is not known.",
    ),
    "push_reached": ("Sidst nået {time}.", "Last reached {time}."),
}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {}

PAGE: Final[Mapping[str, Pair]] = {
    # A push: a title and one line.
    "notice_ask_title": ("Forespørgsel: {name}", "Request: {name}"),
    "notice_ask": (
        "Visitationen beder om en plads. Tryk for at svare.",
        "The visitation asks for a place. Tap to answer.",
    ),
    "notice_answered_title": ("Besvaret: {name}", "Answered: {name}"),
    "notice_answered": ("Forespørgslen er besvaret.", "The request has been answered."),
    "notice_cancelled_title": ("Annulleret: {name}", "Cancelled: {name}"),
    "notice_cancelled": (
        "Visitationen har trukket forespørgslen tilbage.",
        "The visitation has withdrawn the request.",
    ),
    "notice_expired_title": ("Udløbet: {name}", "Expired: {name}"),
    "notice_expired": (
        "Forespørgslen blev ikke besvaret i tide.",
        "The request was not answered in time.",
    ),
    "notice_remind_title": ("Er tallet stadig rigtigt? {name}", "Still right? {name}"),
    "notice_remind": (
        "Tallet forældes {time}. Tryk for at bekræfte.",
        "The figure goes out of date {time}. Tap to confirm.",
    ),
    "notice_stale": (
        "Tallet har været forældet siden {time}. Tryk for at melde.",
        "The figure has been out of date since {time}. Tap to report.",
    ),
    "notice_test_title": ("Beskeder er slået til: {name}", "Notices are on: {name}"),
    "notice_test": (
        "Sådan ser en besked ud, når nogen beder om en plads.",
        "This is what a notice looks like when somebody asks for a place.",
    ),
    # A reminder by mail.
    "mail_subject": ("Er tallet stadig rigtigt? {name}", "Still right? {name}"),
    "mail_due": (
        "Tallene for {name} er fra {observed} og forældes {stale}.",
        "The figures of {name} are from {observed} and go out of date {stale}.",
    ),
    "mail_stale": (
        "Tallene for {name} er fra {observed} og har været forældede siden {stale}.",
        "The figures of {name} are from {observed} and have been out of date since {stale}.",
    ),
    "mail_act": (
        "Meld nye tal, eller bekræft at de stadig er rigtige.",
        "Report new figures, or confirm that they are still right.",
    ),
    "mail_link": ("Her: {url}", "Here: {url}"),
    "mail_about": (
        "Denne besked er sendt automatisk af Akutoverblik. Svar ikke på den. Hvor ofte og "
        "hvornår I påmindes, kan jeres koordinator ændre.",
        "This message was sent by Akutoverblik. Do not answer it. Your coordinator can change "
        "how often and when you are reminded.",
    ),
}
