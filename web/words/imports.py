"""The words of imported figures: handed in, checked, approved, corrected."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}
SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "imports_refused": (
        ("{n} tal kunne ikke bruges:", "{n} tal kunne ikke bruges:"),
        ("{n} figure could not be used:", "{n} figures could not be used:"),
    ),
    "imports_signed": (
        ("{n} tal er skrevet under.", "{n} tal er skrevet under."),
        ("{n} figure was signed.", "{n} figures were signed."),
    ),
    "imports_why_corrected": (
        ("{n} er rettet siden: se på den nye.", "{n} er rettede siden: se på de nye."),
        ("{n} was corrected since: look at the new one.",
         "{n} were corrected since: look at the new ones."),
    ),
    "imports_why_done": (
        ("{n} var det allerede.", "{n} var det allerede."),
        ("{n} was so already.", "{n} were so already."),
    ),
    "imports_why_not_checked": (
        ("{n} er ikke kontrolleret endnu.", "{n} er ikke kontrolleret endnu."),
        ("{n} is not checked yet.", "{n} are not checked yet."),
    ),
    "imports_why_same_account": (
        ("{n} har du selv kontrolleret; en anden skal godkende.",
         "{n} har du selv kontrolleret; en anden skal godkende."),
        ("{n} you checked yourself; somebody else must approve.",
         "{n} you checked yourself; somebody else must approve."),
    ),
    "imports_why_unknown": (
        ("{n} findes ikke her.", "{n} findes ikke her."),
        ("{n} is not here.", "{n} are not here."),
    ),
    "imports_more": (
        ("{n} ældre tal vises ikke.", "{n} ældre tal vises ikke."),
        ("{n} older figure is not shown.", "{n} older figures are not shown."),
    ),
}  # fmt: skip
PAGE: Final[Mapping[str, Pair]] = {
    "imports": ("Tal fra registre", "Figures of registers"),
    "imports_of": ("Tal fra registre: {cluster}", "Figures of registers: {cluster}"),
    "imports_skip": ("Gå til indholdet", "Skip to the content"),
    "imports_help": (
        "Alle tal er kladder, indtil to forskellige personer har kontrolleret og godkendt dem. En "
        "rettelse er en ny kladde; den tidligere værdi bliver stående.",
        "All figures are drafts until two different people have checked and approved them. A "
        "correction is a new draft; the earlier value stays.",
    ),
    "imports_hand_in": ("Indlæs en fil", "Hand in a file"),
    "imports_file": ("Fil (CSV eller XLSX)", "File (CSV or XLSX)"),
    "imports_mapping": ("Opsætning (TOML), hvis kolonnerne har andre navne",
                        "Mapping (TOML), if columns have other names"),
    "imports_send": ("Indlæs", "Hand in"),
    "imports_done": (
        "{new} nye, {corrected} rettede, {unchanged} uændrede.",
        "{new} new, {corrected} corrected, {unchanged} unchanged.",
    ),
    "imports_twice": (
        "Filen er indlæst før; intet er ændret.",
        "The file was handed in before; nothing has changed.",
    ),
    "imports_no_file": ("Vælg en fil.", "Choose a file."),
    "imports_unreadable": ("Filen kan ikke læses: {reason}", "The file cannot be read: {reason}"),
    "imports_bad_mapping": (
        "Opsætningen kan ikke bruges: {reason}", "The mapping cannot be used: {reason}",
    ),
    "imports_where": ("Sted", "Place"),
    "imports_field": ("Felt", "Field"),
    "imports_reason": ("Årsag (engelsk)", "Reason"),
    "imports_all": ("Alle", "All"),
    "imports_which": ("Vælg indikator", "Choose an indicator"),
    "imports_none": ("Ingen tal er indlæst.", "No figures have been handed in."),
    "imports_figure": ("Indikator og kommune", "Indicator and municipality"),
    "imports_period": ("Periode", "Period"),
    "imports_value": ("Værdi", "Value"),
    "imports_counts": ("Tæller / nævner", "Numerator / denominator"),
    "imports_source": ("Kilde", "Source"),
    "imports_state": ("Tilstand", "State"),
    "imports_choose": ("Vælg", "Choose"),
    "imports_state_draft": ("Kladde", "Draft"),
    "imports_state_checked": ("Kontrolleret, ikke godkendt", "Checked, not approved"),
    "imports_state_approved": ("Godkendt", "Approved"),
    "imports_by_imported": ("indlæst {time} af {who}", "handed in {time} by {who}"),
    "imports_by_checked": ("kontrolleret {time} af {who}", "checked {time} by {who}"),
    "imports_by_approved": ("godkendt {time} af {who}", "approved {time} by {who}"),
    "imports_before": ("Før: {value} ({counts}), {time}", "Before: {value} ({counts}), {time}"),
    "imports_check": ("Markér valgte som kontrolleret", "Mark chosen as checked"),
    "imports_approve": ("Godkend valgte", "Approve chosen"),
    "imports_percent": ("{value} %", "{value} %"),
    "imports_per_1000": ("{value} pr. 1.000", "{value} per 1,000"),
}  # fmt: skip
