"""The ledger of calls as CSV and as JSON: one line for each call."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from capacity.history.comments import Comment
from capacity.instants import COPENHAGEN, format_instant
from capacity.units import Catalogue
from web.ledger_desk import Judged
from web.outcome_export import guarded

COLUMNS = (
    "at", "at_local", "id", "finding", "matching", "alternatives", "reasons", "outcome", "reason",
    "unit", "unit_name", "municipality", "capabilities", "within_minutes", "where", "surge_level",
    "corrections", "comments",
)  # fmt: skip
"""The header row; docs/replay.md says what each column holds. Nobody is named in any."""


def ledger_csv(
    cases: Iterable[Judged], comments: Mapping[str, Sequence[Comment]], separator: str
) -> bytes:
    """The document in UTF-8 with its mark, without which spreadsheets misread Danish letters."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for each in cases:
        told = ledger_json(each, comments.get(each.case.outcome.id, ()))
        writer.writerow([guarded(cell) for cell in _cells(each, told)])
    return text.getvalue().encode("utf-8-sig")


def ledger_json(judged: Judged, comments: Iterable[Comment]) -> dict[str, object]:
    """One call as answers have it: no accounts, and nobody's name."""
    case = judged.case
    value = case.outcome.value
    return {
        "id": case.outcome.id,
        "at": format_instant(case.outcome.at),
        "finding": case.finding.value,
        "matching": case.matching,
        "alternatives": [
            {"unit": each.unit, "name": each.name, "verdict": each.verdict, "reasons": each.reasons}
            for each in case.alternatives
        ],
        "outcome": value["outcome"],
        "reason": value["reason"],
        "unit": value["unit"],
        "need": value["need"],
        "surge_level": judged.level,
        "corrections": len(case.outcome.corrections),
        "comments": [
            {
                "at": format_instant(each.at),
                "role": each.role,
                "organisation": each.organisation,
                "text": each.text,
            }
            for each in comments
        ],
    }


def _cells(judged: Judged, told: Mapping[str, object]) -> Iterable[object]:
    case, catalogue = judged.case, judged.catalogue
    need = case.outcome.value["need"] or {}
    local = case.outcome.at.astimezone(COPENHAGEN)
    comments = told["comments"]
    assert isinstance(comments, list)
    return (
        told["at"],
        local.strftime("%Y-%m-%d %H:%M:%S"),
        told["id"],
        told["finding"],
        told["matching"],
        "; ".join(each.name for each in case.alternatives),
        "; ".join(_reasons(judged)),
        told["outcome"],
        told["reason"],
        told["unit"],
        _name(catalogue, case.outcome.value["unit"]),
        need.get("municipality"),
        " ".join(need.get("capabilities", ())),
        need.get("within_minutes"),
        need.get("where"),
        told["surge_level"],
        told["corrections"],
        " | ".join(f"{each['role']}: {each['text']}" for each in comments),
    )


def _reasons(judged: Judged) -> Iterable[str]:
    """The codes (docs/rules.md) of what decided each alternative."""
    for each in judged.case.alternatives:
        codes = [r["code"] for r in each.reasons if r["verdict"] == each.verdict]
        yield f"{each.unit}: {' '.join(dict.fromkeys(codes))}"


def _name(catalogue: Catalogue, unit: str | None) -> str | None:
    found = catalogue.units.get(unit or "")
    return found.name if found else None
