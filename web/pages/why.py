"""One finding of the rules in words; `static/js/why.js` is the mirror in the browser.

A finding is a code with parameters (`capacity.findings`); the texts are in
web/words/alternatives.py. A test holds the two mirrors against each other for every code.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from capacity.instants import parse_instant
from web.pages import times
from web.words import Words

_INSTANTS = (
    "opens_at", "closes_at", "reopens_at", "next_free_at", "observed_at", "at", "from",
)  # fmt: skip


def why(
    words: Words, reason: Mapping[str, Any], now: datetime, abilities: Mapping[str, str]
) -> str:
    """What a nurse would say of it at `now`; `abilities` names the capabilities by code."""
    code = reason["code"]
    if code == "free":
        return words.count("why_free", reason["n"])
    if code == "all_held":
        return words.count("why_all_held", reason["held"])
    values = {key: value for key, value in reason.items() if value is not None}
    told = values.keys() & set(_INSTANTS)
    for key in told:
        values[key] = times.moment(words, parse_instant(values[key]), now)
    for key in values.keys() & {"minutes", "within"}:
        values[key] = length(words, values[key])
    if code == "disputed":
        values |= _other_word(words, reason)
    if "capabilities" in values:
        values["capabilities"] = ", ".join(abilities.get(c, c) for c in values["capabilities"])
    if code.startswith("travel"):
        values["way"] = values.get("minutes") or words.text("way_km", km=_number(values["km"]))
    if "per" in values:
        values["per"] = words.text(f"per_{values['per']}")
    counted = "_counted" if code == "agreement" and "per" in values else ""
    return words.text(f"why_{code}{counted}{'_when' if told else ''}", **values)


def length(words: Words, minutes: int) -> str:
    """A length of time: whole hours as such, anything else in minutes."""
    if minutes and minutes % 60 == 0:
        return words.text("age_hours", n=minutes // 60)
    return words.text("minutes", n=minutes)


def _number(km: float) -> str:
    return str(int(km + 0.5))


def _other_word(words: Words, reason: Mapping[str, Any]) -> dict[str, str]:
    who = "disputed_nurse" if reason["source"] == "nurse" else "disputed_feed"
    if reason["state"] == "closed":
        what = words.text("disputed_closed")
    elif reason["free"] is None:
        what = words.text("disputed_unknown")
    else:
        what = words.count("why_free", reason["free"])
    return {"who": words.text(who), "what": what}
