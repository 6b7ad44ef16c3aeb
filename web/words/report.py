"""The words of the monthly report."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "report_missing_changes": (
        ("Historikken mangler {n} ændring af tavlen, som gik tabt, før den blev gemt; indtil den "
         "næste ændring er det, der stod før, regnet som gældende.",
         "Historikken mangler {n} ændringer af tavlen, som gik tabt, før de blev gemt; indtil den "
         "næste ændring er det, der stod før, regnet som gældende."),
        ("History lacks {n} change of the board that was lost before it was kept; until the next "
         "change what stood before is taken to have stood.",
         "History lacks {n} changes of the board that were lost before they were kept; until the "
         "next change what stood before is taken to have stood."),
    ),
    "report_missing_entries": (
        ("Historikken mangler {n} post om reservationer, udfald eller beredskabstrin; den er ikke "
         "talt med.",
         "Historikken mangler {n} poster om reservationer, udfald eller beredskabstrin; de er ikke "
         "talt med."),
        ("History lacks {n} entry of holds, outcomes or surge levels; it is not counted.",
         "History lacks {n} entries of holds, outcomes or surge levels; they are not counted."),
    ),
}  # fmt: skip

PAGE: Final[Mapping[str, Pair]] = {
    "report": ("Månedsrapport", "Monthly report"),
    "report_skip": ("Gå til ændringerne", "Skip to the changes"),
    "report_months": ("Månedsrapporter", "Monthly reports"),
    "report_print": (
        "Udskriv siden, eller gem den som PDF, fra browserens menu.",
        "Print this page, or save it as PDF, from the browser’s menu.",
    ),
    "report_before": ("Måneden før: {month}", "The month before: {month}"),
    "report_after": ("Måneden efter: {month}", "The month after: {month}"),
    "report_contents": ("Indhold", "Contents"),
    "report_period": ("Periode", "Period"),
    "report_of": ("{first} til {last}", "{first} to {last}"),
    "report_covers": ("Omfatter", "Covers"),
    "report_as_of": ("Data som de var", "Data as of"),
    "report_made": ("Rapporten er lavet", "Report made"),
    "report_not_over": (
        "Måneden er ikke slut. Rapporten har tal til og med {last} og ændrer sig, til måneden er "
        "gjort op.",
        "The month is not over. The report has figures up to and including {last}, and changes "
        "until the month is made up.",
    ),
    "report_not_made_up": (
        "Måneden er endnu ikke gjort helt op. Rapporten har tal til og med {last}.",
        "The month is not made up yet. The report has figures up to and including {last}.",
    ),
    "report_begins": (
        "Der er tal fra {first}; for månedens dage før det vides intet.",
        "There are figures from {first} on; of the month’s days before nothing is known.",
    ),
    # Sections.
    "report_changed": ("Hvad der er mere end tilfældigt", "What is more than chance"),
    "report_changed_told": (
        "Diagrammerne viser {first} til {last}; her står, hvad der i {month} er mere end tilfældig "
        "variation. Hver sætning fører til sit diagram. Et punkt er mere end tilfældigt, når det "
        "ligger uden for grænserne, når to af tre ligger tæt på en grænse, eller når syv i træk "
        "stiger, falder eller ligger på samme side af midterlinjen.",
        "The charts show {first} to {last}; here stands what of {month} is more than chance "
        "variation. Each sentence leads to its chart. A point is more than chance when it lies "
        "outside the limits, when two of three lie close to one limit, or when seven in a row "
        "rise, fall, or lie on one side of the centre line.",
    ),
    "report_chart": ("diagram {n}", "chart {n}"),
    "report_nothing_known": ("Ingen kendte værdier i måneden.", "No known values in the month."),
    "report_figures": ("Måneden i tal", "The month in figures"),
    "report_figures_told": (
        "Et tegn efter tallet betyder, at diagrammet viser mere end tilfældig variation i måneden. "
        "Forskelle mellem kommuner er ikke en rangordning: de har ikke samme tilbud og borgere.",
        "A sign behind a figure means that its chart shows more than chance variation in the "
        "month. Differences between municipalities are no ranking: their units and citizens are "
        "not the same.",
    ),
    "report_indicator": ("Indikator", "Indicator"),
    "report_cluster": ("Klyngen", "Cluster"),
    "report_dash": (
        "– betyder, at det ikke vides, eller at der intet er at dele med; tallet er aldrig nul.",
        "– means that it is not known, or that there is nothing it could be of; it is never zero.",
    ),
    "report_not_split": ("ikke delt på kommuner", "not told by municipality"),
    "report_use": ("Akutfunktionernes udnyttelse", "Use of the acute functions"),
    "report_calls": ("Udfald, og hvad tavlen viste", "Outcomes, and what the board showed"),
    "report_findings": (
        "Kald efter, hvad tavlen viste i samme minut",
        "Calls by what the board showed at that minute",
    ),
    "report_finding": ("Gruppe", "Class"),
    "report_number": ("Antal", "Number"),
    "report_findings_told": (
        "Det er til at lære af, ikke til at bebrejde: tavlen kendte ikke borgeren, og der kan være "
        "gode grunde til en indlæggelse, som ikke står her.",
        "It is for learning, not for blame: the board did not know the citizen, and there may be "
        "good reasons for an admission that do not stand here.",
    ),
    "report_findings_none": (
        "Ingen kald at holde op imod tavlen.",
        "No calls to hold against the board.",
    ),
    "report_charts": ("Diagrammer", "Charts"),
    "report_charts_all": (
        "Vis alle diagrammer for hver kommune",
        "Show every chart of each municipality",
    ),
    "report_charts_few": (
        "Vis kun kommunernes diagrammer med mere end tilfældig variation",
        "Show of municipalities only charts with more than chance variation",
    ),
    "report_charts_told": (
        "Af klyngen vises alle diagrammer; af hver kommune dem, der viser mere end tilfældig "
        "variation i måneden.",
        "Every chart of the cluster is shown; of each municipality those that show more than "
        "chance variation in the month.",
    ),
    "report_charts_none": (
        "Ingen af kommunens diagrammer viser mere end tilfældig variation.",
        "None of the municipality’s charts shows more than chance variation.",
    ),
    "report_charts_empty": ("Uden kendte værdier: {names}.", "Without known values: {names}."),
    "report_definitions": ("Definitioner", "Definitions"),
    "report_definitions_use": (
        "Opgørelsen af akutfunktionerne",
        "The statement of the acute functions",
    ),
    "report_definitions_needs": (
        "Behov, som „tid uden alternativ“ spørges for, for borgere i hver kommune",
        "Needs that “time with no alternative” is asked for, for citizens of each municipality",
    ),
    "report_no_month": ("Ingen rapport", "No report"),
    "report_no_month_told": (
        "Der er ingen tal for {month}. Der er tal fra {first} til {last}.",
        "There are no figures of {month}. There are figures from {first} to {last}.",
    ),
    "report_no_figures": (
        "Der er endnu ingen hel dag med tal.",
        "There is no whole day with figures yet.",
    ),
    "report_wrong_month": ("Måneden kan ikke læses", "The month cannot be read"),
    "report_wrong_month_told": (
        "month: det er ingen måned. Skriv år og måned, for eksempel 2026-10.",
        "month: that is no month. Write year and month, for example 2026-10.",
    ),
}  # fmt: skip
