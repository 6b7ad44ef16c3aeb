"""What the board says of the surge level: the level, the figures, and why, in words.

`static/js/surge.js` is the mirror in the browser; a test holds the two against each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from web.pages import times
from web.pages.shown import Shown, instant
from web.words import Words

ROOM: Final = "surge"
"""The room of texts that the script needs."""
HOURS: Final = (1, 2, 4, 8, 12, 24)
"""How long a level may be set for; a length cannot fall into the hour that October has twice."""


@dataclass(frozen=True, slots=True)
class SurgeView:
    """What the template needs; `told` is the object that the script begins with."""

    address: str
    told: Mapping[str, Any]
    shown: Shown


def surge_view(told: Mapping[str, Any], cluster_id: str, now: datetime, words: Words) -> SurgeView:
    """The strip of one cluster; `told` is what `web.surge_answer` gives."""
    address = f"/api/v1/surge/{quote(cluster_id)}"
    return SurgeView(address, told, strip_shown(told, now, words))


def strip_shown(told: Mapping[str, Any], now: datetime, words: Words) -> Shown:
    """All texts of the strip at `now`; "" where there is nothing to say."""
    override, level = told["override"], told["level"]
    since = instant(told["since"])
    facts = [_fact(fact, words) for fact in told["facts"]]
    return {
        "level": str(level),
        "word": words.text(f"surge_level_{level}"),
        "step": words.text("surge_step", level=level),
        "since": words.text("surge_since", time=times.moment(words, since, now)) if since else "",
        "override": _override(override, now, words) if override else "",
        "facts": " · ".join(text for text in facts if text),
        "why": _why(told, now, words),
    }


def _override(override: Mapping[str, Any], now: datetime, words: Words) -> str:
    until = instant(override["until"])
    assert until is not None
    time = times.moment(words, until, now)
    return words.text("surge_override", time=time, reason=override["reason"])


def _fact(fact: Mapping[str, Any], words: Words) -> str:
    """One figure; a queue that is unknown is told only where the level rests on it."""
    code, value = fact["code"], fact["value"]
    if code == "free":
        return _free(fact, words)
    if value is not None:
        return words.text(f"surge_{code}", n=value, percent=value)
    return words.text(f"surge_{code}_unknown") if code == "load" or fact["crosses"] else ""


def _free(fact: Mapping[str, Any], words: Words) -> str:
    units, unknown = fact["units"], fact["unknown"]
    if fact["value"] is None:
        places = words.count("places", 2)
        known = units - unknown
        return words.text("surge_free_unknown", places=places, known=known, units=units)
    parts = [
        words.text(
            "surge_free",
            free=fact["free"],
            of=fact["of"],
            places=words.count("places", fact["of"]),
            percent=fact["value"],
        )
    ]
    if fact["closed"]:
        parts.append(words.count("surge_closed", fact["closed"]))
    if unknown:
        parts.append(words.text("total_unknown", n=unknown))
    return ", ".join(parts)


def _why(told: Mapping[str, Any], now: datetime, words: Words) -> str:
    """Why the computed level is what it is; said of the level it is about when another counts."""
    computed = told["computed"]
    if computed is None:
        return words.text("surge_not_computed")
    word = words.text(f"surge_level_{computed}")
    unknown, falls = instant(told["unknown_since"]), instant(told["may_fall_at"])
    reasons = [fact for fact in told["facts"] if fact["crosses"] and fact["crosses"] == computed]
    parts = [f"{word}."] if told["override"] else []
    if falls is not None:
        time = times.moment(words, falls, now)
        parts.append(words.text("surge_falls", word=word.lower(), time=time))
    elif reasons:
        parts = [words.text("surge_because", word=word, reasons=_reasons(reasons, words))]
    elif unknown is None:
        parts.append(words.text("surge_none"))
    if unknown is not None:
        parts.append(words.text("surge_unknown", time=times.moment(words, unknown, now)))
    text = " ".join(parts)
    return words.text("surge_computed", text=text) if told["override"] else text


def _reasons(facts: Sequence[Mapping[str, Any]], words: Words) -> str:
    return words.text("surge_and").join(
        words.text(f"surge_{fact['code']}_{_how(fact)}", up=fact["up"], down=fact["down"])
        for fact in facts
    )


def _how(fact: Mapping[str, Any]) -> str:
    """Whether the figure is beyond its threshold, only not yet back, or no longer known."""
    value, up, down = fact["value"], fact["up"], fact["down"]
    if value is None:
        return "lost"
    return "reached" if (value <= up if up < down else value >= up) else "still"
