"""The words of the indicators' pages."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "indicators_quiet": (
        ("{n} anden indikator viser intet ud over tilfældig variation i den tid.",
         "{n} andre indikatorer viser intet ud over tilfældig variation i den tid."),
        ("{n} other indicator shows nothing but chance variation in that time.",
         "{n} other indicators show nothing but chance variation in that time."),
    ),
}  # fmt: skip

PAGE: Final[Mapping[str, Pair]] = {
    "indicators": ("Indikatorer", "Indicators"),
    "indicators_skip": ("Gå til ændringerne", "Skip to the changes"),
    "indicators_purpose": (
        "Tallene siger, hvad tavlen viste, hvor længe, og hvor meget af tiden ingen kan sige det. "
        "Ingen bliver rangordnet: et tal er en anledning til at spørge, ikke en dom.",
        "Figures say what the board showed, for how long, and how much of the time nobody can "
        "tell. Nobody is ranked: a figure is a reason to ask, not a verdict.",
    ),
    "indicators_places": ("Klynge og kommuner", "Cluster and municipalities"),
    "indicators_whole": ("Hele klyngen", "The whole cluster"),
    "indicators_of": ("{municipality} Kommune", "{municipality} municipality"),
    "indicators_step": ("En værdi for hver", "One value for each"),
    "indicators_day": ("Dag", "Day"),
    "indicators_week": ("Uge", "Week"),
    "indicators_month": ("Måned", "Month"),
    "indicators_last": ("Hvor mange (de seneste)", "How many (the last)"),
    "indicators_show": ("Vis", "Show"),
    "indicators_changed": (
        "Den seneste måned: mere end tilfældigt",
        "The last month: more than chance",
    ),
    "indicators_since": (
        "Ændringer {first} til {last}; hver sætning fører til sit diagram.",
        "Changes from {first} to {last}; each sentence leads to its chart.",
    ),
    "indicators_sentence": (
        "{name}: {what}. Senest {value}, midterlinjen er {centre}.",
        "{name}: {what}. Last {value}; the centre line is {centre}.",
    ),
    "indicators_draft_sentence": (
        "{name}: {what}. Senest {value} (kladde), midterlinjen er {centre}.",
        "{name}: {what}. Last {value} (a draft); the centre line is {centre}.",
    ),
    "indicators_runs": (
        "{name}: i hele den viste tid ligger værdierne længere på én side af midterlinjen, eller "
        "krydser den sjældnere, end tilfældet giver.",
        "{name}: over all the time shown the values stay on one side of the centre line for "
        "longer, or cross it less often, than chance gives.",
    ),
    "indicators_no_change": (
        "Ingen indikator viser mere end tilfældig variation.",
        "No indicator shows more than chance variation.",
    ),
    "indicators_charts": ("Diagrammer", "Charts"),
    "indicators_definition": ("Hvad tallet er", "What the figure is"),
    "indicators_counts": ("Tæller", "Counts"),
    "indicators_per": ("Af eller pr.", "Of or per"),
    "indicators_excludes": ("Udelader", "Leaves out"),
    "indicators_source": ("Kilde", "Source"),
    "indicators_over_all": ("Hele den viste tid", "All the time shown"),
    "indicators_not_known": ("Ukendt del af tiden", "Share of the time not known"),
    "indicators_nothing": (
        "Der er endnu ingen hel periode med tal. Dagen, hvor historikken begynder, og dagen i dag "
        "tælles ikke med.",
        "There is no whole period with figures yet. The day on which history begins, and today, "
        "are left out.",
    ),
    "indicators_wrong": (
        "Perioden kunne ikke læses; den sædvanlige er vist.",
        "The period could not be read; the usual one is shown.",
    ),
    "indicators_percent": ("%", "%"),
    "indicators_seconds": ("sek", "s"),
    "indicators_minutes": ("min", "min"),
    "indicators_hours": ("timer", "h"),
    "indicators_per_1000": ("pr. 1.000", "per 1,000"),
}  # fmt: skip
