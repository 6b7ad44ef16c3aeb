"""The words beside charts of figures that were handed in, and of changes noted on charts."""

from collections.abc import Mapping
from typing import Final

from web.words.texts import Pair

SHARED: Final[Mapping[str, Pair]] = {}
SHARED_COUNTS: Final[Mapping[str, tuple[Pair, Pair]]] = {
    "register_n_draft": (
        ("{n} ikke kontrolleret", "{n} ikke kontrollerede"),
        ("{n} not checked", "{n} not checked"),
    ),
    "register_n_checked": (
        ("{n} kontrolleret, ikke godkendt", "{n} kontrollerede, ikke godkendte"),
        ("{n} checked, not approved", "{n} checked, not approved"),
    ),
    "register_n_approved": (("{n} godkendt", "{n} godkendte"), ("{n} approved", "{n} approved")),
    "register_corrected": (
        ("{n} værdi er rettet; tabellen har den tidligere.",
         "{n} værdier er rettet; tabellen har de tidligere."),
        ("{n} value was corrected; the table has the earlier one.",
         "{n} values were corrected; the table has the earlier ones."),
    ),
    "register_missing": (
        ("{n} tal mangler, så summen er ukendt", "{n} tal mangler, så summen er ukendt"),
        ("{n} figure is missing, so the sum is not known",
         "{n} figures are missing, so the sum is not known"),
    ),
    "register_more": (
        ("og {n} rettelse mere", "og {n} rettelser mere"),
        ("and {n} more correction", "and {n} more corrections"),
    ),
}  # fmt: skip
PAGE: Final[Mapping[str, Pair]] = {
    "register_sources": ("Indsendt fra: {sources}.", "Handed in from: {sources}."),
    "register_states": ("Validering: {states}.", "Validation: {states}."),
    "register_approved": ("godkendt", "approved"),
    "register_checked": ("kontrolleret, ikke godkendt", "checked, not approved"),
    "register_checked_by": ("kontrolleret af {who}", "checked by {who}"),
    "register_approved_by": ("godkendt af {who}", "approved by {who}"),
    "register_was": ("rettet {time}, var {value} ({counts})",
                     "corrected {time}, was {value} ({counts})"),
    "register_none": (
        "Endnu ikke indsendt fra registre: {names}.",
        "Not yet handed in from registers: {names}.",
    ),
    "register_other_step": (
        "Indsendes ikke for hver {wanted}; vist for hver {shown}.",
        "Not handed in by {wanted}; shown by {shown}.",
    ),
    "register_step_day": ("dag", "day"),
    "register_step_week": ("uge", "week"),
    "register_step_month": ("måned", "month"),
    "annotation_fixed": (
        "grænserne hviler på {first} til {last} og ligger fast siden",
        "limits rest on {first} to {last} and stay from then on",
    ),
    "annotation_fixed_before": (
        "Grænserne hviler på {first} til {last} ({text}) og ligger fast siden.",
        "Limits rest on {first} to {last} ({text}) and stay from then on.",
    ),
}  # fmt: skip
