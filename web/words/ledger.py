"""The words of the ledger of calls."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}

SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "ledger_calls": (("{n} kald", "{n} kald"), ("{n} call", "{n} calls")),
    "ledger_more": (("og {n} til", "og {n} til"), ("and {n} more", "and {n} more")),
}

PAGE: Final[Mapping[str, Pair]] = {
    "ledger": ("Kald", "Calls"),
    "ledger_title": ("Kald og ledige pladser", "Calls and free places"),
    "ledger_skip": ("Gå til kaldene", "Skip to the calls"),
    "ledger_purpose": (
        "Her står, hvad hvert kald førte til, ved siden af det, tavlen viste i samme minut. "
        "Det er til at lære af, ikke til at bebrejde: tavlen kendte ikke borgeren, og der kan være "
        "gode grunde til en indlæggelse, som ikke står her.",
        "Each call’s outcome stands here beside what the board showed at that minute. It is for "
        "learning, not for blame: the board did not know the citizen, and there may be good "
        "reasons for an admission that do not stand here.",
    ),
    "ledger_master_earlier": (
        "Stamdata (åbningstider, afstande, aftaler) er for nogle kald fra {time}, "
        "senere end kaldet: hvad der gjaldt før, er ikke registreret.",
        "Master data (opening hours, distances, agreements) of some calls are of {time}, "
        "later than the call: earlier is not recorded.",
    ),
    "ledger_week": ("Uge", "Week"),
    "ledger_week_of": (
        "Uge {week}, {year}: {since} – {until}",
        "Week {week}, {year}: {since} – {until}",
    ),
    "ledger_week_before": ("Forrige uge", "Previous week"),
    "ledger_week_after": ("Næste uge", "Next week"),
    "ledger_show": ("Vis", "Show"),
    "ledger_finding": ("Gruppe", "Class"),
    "ledger_all": ("Alle", "All"),
    "ledger_sample": ("Stikprøve (antal)", "Sample (number)"),
    "ledger_seed": (
        "Lod (samme ord giver samme stikprøve)",
        "Seed (the same word, the same sample)",
    ),
    "ledger_sampled": (
        "Stikprøve: {n} af {all}, trukket med loddet „{seed}“.",
        "Sample: {n} of {all}, drawn with the seed “{seed}”.",
    ),
    "ledger_counts": ("Ugens kald", "The week’s calls"),
    "ledger_number": ("Antal", "Number"),
    "ledger_none": ("Ingen kald at vise.", "No calls to show."),
    "ledger_wrong_week": (
        "Ugen findes ikke; ugen nu er vist.",
        "No such week; this week is shown.",
    ),
    "ledger_cases": ("Kaldene", "The calls"),
    "ledger_logged": ("Udfald", "Outcome"),
    "ledger_reason": ("Årsag", "Reason"),
    "ledger_need": ("Behov", "Need"),
    "ledger_board": ("Tavlen viste", "The board showed"),
    "ledger_level": ("Beredskabstrin", "Surge level"),
    "ledger_replay": ("Se tavlen kl. {clock}", "See the board at {clock}"),
    "ledger_corrected": ("rettet", "corrected"),
    "ledger_no_need": ("ikke oplyst", "not given"),
    "ledger_within": ("inden {time}", "within {time}"),
    "ledger_page_before": ("Forrige side", "Previous page"),
    "ledger_page_after": ("Næste side", "Next page"),
    "ledger_pages": ("Sider", "Pages of calls"),
    "ledger_comments": ("Bemærkninger", "Comments"),
    "ledger_comment": ("Ny bemærkning", "New comment"),
    "ledger_comment_help": (
        "Ingen navne og ingen personnumre. Der står kun rolle og organisation ved bemærkningen.",
        "No names and no person numbers. Only role and organisation stand beside the comment.",
    ),
    "ledger_comment_save": ("Gem bemærkningen", "Save the comment"),
    "ledger_commented": ("Bemærkningen er gemt.", "The comment is saved."),
    "ledger_wrong_cpr": (
        "Bemærkningen er ikke gemt: den rummer noget, der ligner et personnummer.",
        "The comment is not saved: it holds what looks like a person number.",
    ),
    "ledger_wrong_empty": (
        "Bemærkningen er ikke gemt: den er tom eller for lang (højst {most} tegn).",
        "The comment is not saved: it is empty or too long (at most {most} characters).",
    ),
    "ledger_by": ("{role}, {time}", "{role}, {time}"),
    "ledger_by_of": ("{role}, {organisation}, {time}", "{role}, {organisation}, {time}"),
    "finding_missed": ("Ledigt alternativ", "Alternative was free"),
    "finding_missed_told": (
        "Indlagt, mens noget, der passede til behovet, var ledigt med et tal, man kunne regne med.",
        "Admitted while something that matched the need was free, by a figure to be relied on.",
    ),
    "finding_stale": ("Måske ledigt, tallet var forældet", "Perhaps free, the figure was outdated"),
    "finding_stale_told": (
        "Indlagt; noget passede, men tallet var forældet eller ukendt.",
        "Admitted; something matched, but its figure was outdated or unknown.",
    ),
    "finding_ask": ("Skulle spørges", "Had to be asked"),
    "finding_ask_told": (
        "Indlagt; intet kunne fås uden videre, men noget måske ved at spørge.",
        "Admitted; nothing could be had outright, but something perhaps on asking.",
    ),
    "finding_none": ("Intet ledigt", "None free"),
    "finding_none_told": (
        "Indlagt, fordi intet passede til behovet og var ledigt.",
        "Admitted because nothing matched the need and was free.",
    ),
    "finding_not_judged": ("Ikke vurderet", "Not judged"),
    "finding_not_judged_told": (
        "Indlagt; behovet er ikke oplyst, så der er intet at holde op imod tavlen.",
        "Admitted; the need was not given, so there is nothing to hold against the board.",
    ),
    "finding_no_history": ("Ingen historik", "No history"),
    "finding_no_history_told": (
        "Indlagt; det er ikke gemt, hvad tavlen viste da.",
        "Admitted; what the board showed then is not recorded.",
    ),
    "finding_used": ("Alternativ brugt", "Alternative used"),
    "finding_used_told": (
        "Et alternativ til indlæggelse blev valgt.",
        "An alternative to admission was chosen.",
    ),
    "finding_other": ("Andet", "Other"),
    "finding_other_told": (
        "Kaldet førte til hverken indlæggelse eller alternativ.",
        "The call led to neither an admission nor an alternative.",
    ),
}
