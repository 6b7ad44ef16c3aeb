"""The words of comparisons: what they come to, why nothing can be said, what to bear in mind."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}
SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "compare_why_too_few": (
        ("Der mangler mindst {n} kendt værdi for at kunne sammenligne.",
         "Der mangler mindst {n} kendte værdier for at kunne sammenligne."),
        ("At least {n} more known value is needed to compare.",
         "At least {n} more known values are needed to compare."),
    ),
    "compare_why_gaps": (
        ("{n} værdi mangler; det er mere end en fjerdedel.",
         "{n} værdier mangler; det er mere end en fjerdedel."),
        ("{n} value is missing, which is more than a quarter.",
         "{n} values are missing, which is more than a quarter."),
    ),
    "compare_why_unknown_time": (
        ("{n} værdi hviler på mindre end halvdelen af tiden; resten er ukendt.",
         "{n} værdier hviler på mindre end halvdelen af tiden; resten er ukendt."),
        ("{n} value rests on less than half of its time; the rest is unknown.",
         "{n} values rest on less than half of their time; the rest is unknown."),
    ),
    "compare_why_unstable": (
        ("Tallene er i bevægelse af sig selv: {n} signal på mere end tilfældig variation.",
         "Tallene er i bevægelse af sig selv: {n} signaler på mere end tilfældig variation."),
        ("The figures are on the move by themselves: {n} signal of more than chance.",
         "The figures are on the move by themselves: {n} signals of more than chance."),
    ),
    "compare_why_drafts": (
        ("{n} tal er en kladde, som ingen har godkendt.",
         "{n} tal er kladder, som ingen har godkendt."),
        ("{n} figure is a draft that nobody has approved.",
         "{n} figures are drafts that nobody has approved."),
    ),
    "compare_why_rebased": (
        ("{n} noteret ændring ligger inde i en periode, så perioden er ikke én tid.",
         "{n} noterede ændringer ligger inde i en periode, så perioden er ikke én tid."),
        ("{n} annotated change lies within a period, so that it is not one time.",
         "{n} annotated changes lie within a period, so that it is not one time."),
    ),
}  # fmt: skip
PAGE: Final[Mapping[str, Pair]] = {
    "compare_higher": (
        "{second} ligger højere end {first}: {b} mod {a}. Det er mere end tilfældig variation.",
        "{second} is higher than {first}: {b} against {a}. That is more than chance.",
    ),
    "compare_lower": (
        "{second} ligger lavere end {first}: {b} mod {a}. Det er mere end tilfældig variation.",
        "{second} is lower than {first}: {b} against {a}. That is more than chance.",
    ),
    "compare_not_seen": (
        "Ingen forskel ud over tilfældig variation: {a} for {first}, {b} for {second}. En forskel "
        "på mindre end {least} kan ikke ses med disse tal.",
        "No difference beyond chance: {a} for {first}, {b} for {second}. A difference of less "
        "than {least} cannot be seen with these figures.",
    ),
    "compare_refused": (
        "{first} og {second} kan ikke sammenlignes:",
        "{first} and {second} cannot be compared:",
    ),
    "compare_why_no_variation": (
        "Tallene varierer slet ikke, så intet viser, hvor meget der er sædvanligt.",
        "The figures do not vary at all, so nothing shows how much is usual.",
    ),
    "compare_why_definitions": (
        "Indikatoren er ikke defineret ens i alle tallene.",
        "The indicator is not defined alike in all the figures.",
    ),
    "compare_why_sources": (
        "Tallene kommer fra forskellige registre.",
        "The figures come from different registers.",
    ),
    "compare_why_steps": (
        "Det ene er opgjort pr. uge og det andet pr. måned eller dag.",
        "One is told by week and the other by month or day.",
    ),
    "compare_why_sizes": (
        "Det er rene antal, og stederne er ikke lige store.",
        "These are plain counts, and the places are not of the same size.",
    ),
    "compare_why_overlap": (
        "De to perioder har dage til fælles.",
        "The two periods share days.",
    ),
    "compare_why_order": (
        "Den anden periode begynder før den første.",
        "The second period begins before the first.",
    ),
    "compare_mind_season": (
        "Perioderne er ikke samme tid på året; noget af forskellen kan være årstiden.",
        "The periods are not the same time of year; some of the difference may be the season.",
    ),
    "compare_mind_neighbours": (
        "Dage hænger sammen med dagen efter og viser let forskelle; se hellere på uger eller "
        "måneder.",
        "Days hang together with the day after and show differences easily; rather look at weeks "
        "or months.",
    ),
    "compare_mind_clusters_differ": (
        "To steder er forskellige i meget andet; forskellen siger ikke, hvad der er årsagen.",
        "Two places differ in much else; the difference does not say what the cause is.",
    ),
    # The page.
    "compare": ("Sammenlign", "Compare"),
    "compare_skip": ("Gå til svaret", "Skip to the answer"),
    "compare_purpose": (
        "To perioder for ét sted, eller to steder i den samme tid. Der siges kun noget, når "
        "tallene kan bære det; ellers siges det, hvad der mangler.",
        "Two periods of one place, or two places over the same time. Something is said only where "
        "the figures can carry it; otherwise it is said what is missing.",
    ),
    "compare_answer": ("Svar", "Answer"),
    "compare_what": ("{name}; {where}.", "{name}; {where}."),
    "compare_days": ("{first} til {last}", "{first} to {last}"),
    "compare_periods": ("Sammenlign to perioder", "Compare two periods"),
    "compare_places": ("Sammenlign to steder", "Compare two places"),
    "compare_do": ("Sammenlign", "Compare"),
    "compare_field_indicator": ("Indikator", "Indicator"),
    "compare_field_step": ("En værdi for hver", "One value for each"),
    "compare_field_place": ("Sted", "Place"),
    "compare_field_other": ("Det andet sted", "The other place"),
    "compare_field_first_from": ("Den første dag", "The first day"),
    "compare_field_first_to": ("Den sidste dag", "The last day"),
    "compare_field_second_from": ("Anden periodes første dag", "The second period's first day"),
    "compare_field_second_to": ("Anden periodes sidste dag", "The second period's last day"),
    "compare_wrong_missing": ("{field}: mangler.", "{field}: is missing."),
    "compare_wrong_unknown": ("{field}: findes ikke her.", "{field}: is not known here."),
    "compare_wrong_split": (
        "{field}: opgøres ikke for en kommune.",
        "{field}: is not told for a municipality.",
    ),
    "compare_wrong_day": (
        "{field}: er ikke en dag (åååå-mm-dd).",
        "{field}: is no day (yyyy-mm-dd).",
    ),
    "compare_wrong_order": (
        "{field}: ligger før den første dag.",
        "{field}: is before the first day.",
    ),
    "compare_wrong_long": (
        "{field}: gør perioden længere, end der kan sammenlignes.",
        "{field}: makes the period longer than can be compared.",
    ),
    "compare_wrong_same": (
        "{field}: er det samme sted; sammenlign to perioder i stedet.",
        "{field}: is the same place; compare two periods instead.",
    ),
    "compare_wrong_both": (
        "{field}: hører ikke til, når to steder sammenlignes.",
        "{field}: does not belong where two places are compared.",
    ),
}
