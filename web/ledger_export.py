"""The ledger of calls as a table and as JSON: one line for each call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from capacity.history.comments import Comment
from capacity.instants import COPENHAGEN, format_instant
from capacity.units import Catalogue
from web.history_door import master_data
from web.ledger_desk import Judged
from web.tables import Column, Holds, Row, Table

TABLE = Table(
    "ledger",
    (
        Column("at", Holds.INSTANT),
        Column("at_local", Holds.CLOCK),
        Column("id"),
        Column("finding"),
        Column("matching", Holds.WHOLE),
        Column("alternatives"),
        Column("reasons"),
        Column("outcome"),
        Column("reason"),
        Column("unit"),
        Column("unit_name"),
        Column("municipality"),
        Column("capabilities"),
        Column("within_minutes", Holds.WHOLE),
        Column("where"),
        Column("surge_level", Holds.WHOLE),
        Column("corrections", Holds.WHOLE),
        Column("comments"),
    ),
)
"""docs/exports.md says what each column holds. Nobody is named in any."""


def ledger_rows(
    cases: Iterable[Judged], comments: Mapping[str, Sequence[Comment]]
) -> Iterator[Row]:
    """A row for each call."""
    return (_cells(each, comments.get(each.case.outcome.id, ())) for each in cases)


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
        "master_data": master_data(judged.master),
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


def _cells(judged: Judged, comments: Sequence[Comment]) -> Row:
    case, catalogue = judged.case, judged.catalogue
    value = case.outcome.value
    need = value["need"] or {}
    return (
        case.outcome.at,
        case.outcome.at.astimezone(COPENHAGEN).replace(tzinfo=None),
        case.outcome.id,
        case.finding.value,
        case.matching,
        "; ".join(each.name for each in case.alternatives),
        "; ".join(_reasons(judged)),
        value["outcome"],
        value["reason"],
        value["unit"],
        _name(catalogue, value["unit"]),
        need.get("municipality"),
        " ".join(need.get("capabilities", ())),
        need.get("within_minutes"),
        need.get("where"),
        judged.level,
        len(case.outcome.corrections),
        " | ".join(f"{each.role}: {each.text}" for each in comments),
    )


def _reasons(judged: Judged) -> Iterator[str]:
    """The codes (docs/rules.md) of what decided each alternative."""
    for each in judged.case.alternatives:
        codes = [r["code"] for r in each.reasons if r["verdict"] == each.verdict]
        yield f"{each.unit}: {' '.join(dict.fromkeys(codes))}"


def _name(catalogue: Catalogue, unit: str | None) -> str | None:
    found = catalogue.units.get(unit or "")
    return found.name if found else None
