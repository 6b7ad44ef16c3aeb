"""Units as JSON reports, the way the systems that speak JSON all write them.

One object ``{"reports": [...]}``, UTF-8. Every report has ``unit``, ``type`` and ``observed_at``
(UTC, milliseconds, ``Z``) and the fields its type keeps; ``null`` where a figure is kept but not
known just now (the waiting time of a line that is closed):

- place: total, staffed, occupied, reserved, closed
- team: total, staffed, occupied, reserved, closed, on_duty, next_free_at
- load: waiting, wait_minutes
- slot: total, occupied, next_free_at
- advice: on_duty, waiting, wait_minutes

and ``closure`` {reason, reopens_at, reopens_itself} only while the unit is closed.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from simulators.document import STRANGE_ID, WRONG_WORD, Document, Flaw
from simulators.figures import Closure, Figures, Kind, Look

KEPT: Mapping[Kind, tuple[str, ...]] = {
    "place": ("total", "staffed", "occupied", "reserved", "closed"),
    "team": ("total", "staffed", "occupied", "reserved", "closed", "on_duty", "next_free_at"),
    "load": ("waiting", "wait_minutes"),
    "slot": ("total", "occupied", "next_free_at"),
    "advice": ("on_duty", "waiting", "wait_minutes"),
}


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def reports(look: Look, flaw: Flaw | None = None) -> Document:
    """The document; with `flaw`, its last report is bad."""
    rows = [_report(own, figures, look) for own, figures in look.units.items()]
    if flaw is not None:
        _spoil(rows[-1], flaw)
    text = json.dumps({"reports": rows}, ensure_ascii=False, separators=(",", ":"))
    return Document(text.encode(), "application/json", ".json")


def _report(own: str, figures: Figures, look: Look) -> dict[str, object]:
    row: dict[str, object] = {"unit": own, "type": figures.kind, "observed_at": instant(look.at)}
    for name in KEPT[figures.kind]:
        value = getattr(figures, name)
        if name == "next_free_at" and value is not None:
            value = instant(look.instant(value))
        row[name] = value
    if figures.closure is not None:
        row["closure"] = _closure(figures.closure, look)
    return row


def _closure(closure: Closure, look: Look) -> dict[str, object]:
    return {
        "reason": closure.reason,
        "reopens_at": instant(look.instant(closure.reopens_at)),
        "reopens_itself": closure.reopens_itself,
    }


def _spoil(row: dict[str, object], flaw: Flaw) -> None:
    count = next(name for name in row if name in ("occupied", "waiting"))
    if flaw is Flaw.WORD:
        row[count] = WRONG_WORD
    elif flaw is Flaw.NEGATIVE:
        row[count] = -1
    else:
        row["unit"] = STRANGE_ID
