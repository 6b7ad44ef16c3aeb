"""Indicators to be carried away: as JSON, and as CSV with the definition on every line."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from capacity.annotated import Change
from capacity.imports import Signed, value
from capacity.indicators.definitions import Definition, Text
from capacity.indicators.figures import Figure
from capacity.instants import format_instant
from capacity.registers import RegisterPoint
from capacity.spc import Plotted, meaning
from web.indicator_desk import Told
from web.outcome_export import guarded

COLUMNS = (
    "indicator", "name", "cluster", "municipality", "step", "period", "value", "measured",
    "numerator", "denominator", "unknown", "centre", "lower", "upper", "rule", "side", "meaning",
    "counts", "per", "excludes", "source", "state", "register", "checked_by", "approved_by",
    "earlier", "missing", "changes",
)  # fmt: skip
"""The header row; docs/indicators.md says what each column holds."""


def indicators_json(told: Told) -> dict[str, Any]:
    """One indicator as answers have it: its definition, its chart's kind, and every period."""
    return {
        "definition": _definition(told.definition),
        "chart": told.chart.kind.value,
        "step": told.step,
        "provisional": told.chart.provisional,
        "runs": any(each.runs is not None and each.runs.signal for each in told.chart.segments),
        "whole": _figure(told.whole) if told.periods else None,
        "baseline": None if told.base is None else _change(told.base),
        "series": [
            {"period": period.day.isoformat()}
            | _figure(period.figure)
            | _plotted(point, told.definition)
            | {
                "register": _register(told.register[index], told) if told.register else None,
                "changes": [_change(each.change) for each in told.marks if each.index == index],
            }
            for index, (period, point) in enumerate(
                zip(told.periods, told.chart.points, strict=True)
            )
        ],
    }


def indicators_csv(
    every: Iterable[Told], cluster: str, municipality: str | None, lang: str
) -> bytes:
    """One line for each period of each indicator, in UTF-8 with its mark, without which
    spreadsheets misread Danish letters.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    of = {"cluster": cluster, "municipality": municipality}
    for told in every:
        definition = _definition(told.definition)
        texts = {key: each[lang] for key, each in definition.items() if isinstance(each, dict)}
        of_all = of | texts | {"indicator": definition["id"], "measured": definition["measured"]}
        of_all["step"] = told.step
        for line in indicators_json(told)["series"]:
            cells = of_all | line | (line["signal"] or {}) | _register_cells(line)
            writer.writerow([guarded(cells.get(column)) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def _register_cells(line: Mapping[str, Any]) -> dict[str, object]:
    """Who vouches for a figure, what it was before and what was noted then, a cell each."""
    changes = "; ".join(f"{each['day']} {each['text']}" for each in line["changes"])
    register = line["register"]
    if register is None:
        return {"register": None, "changes": changes}
    return {
        "state": register["state"],
        "register": "; ".join(register["sources"]),
        "checked_by": "; ".join(each["account"] for each in register["checked"]),
        "approved_by": "; ".join(each["account"] for each in register["approved"]),
        "earlier": "; ".join(_earlier_cell(each) for each in register["earlier"]),
        "missing": register["missing"],
        "changes": changes,
    }


def _earlier_cell(earlier: Mapping[str, Any]) -> str:
    of = "" if earlier["denominator"] is None else earlier["denominator"]
    was = f"{earlier['numerator']}/{of}"
    return f"{earlier['municipality']} {earlier['period']}: {was} until {earlier['until']}"


def _definition(definition: Definition) -> dict[str, Any]:
    return {
        "id": definition.id,
        "name": _text(definition.name),
        "counts": _text(definition.counts),
        "per": _text(definition.per),
        "excludes": _text(definition.excludes),
        "source": _text(definition.source),
        "measured": definition.measured.value,
        "better": definition.better.value,
    }


def _text(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"da": text.da, "en": text.en}


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "value": figure.value,
        "numerator": figure.numerator if _is_counted(figure) else None,
        "denominator": figure.denominator,
        "unknown": figure.unknown,
    }


def _is_counted(figure: Figure) -> bool:
    """Whether its counts are of something; where nothing was handed in, zero would be a lie."""
    known = figure.value is not None or figure.unknown is not None
    return known or figure.denominator is not None or figure.numerator > 0


def _register(point: RegisterPoint, told: Told) -> dict[str, Any]:
    """Who vouches for a figure that was handed in, and every earlier value of its parts."""
    return {
        "state": None if point.state is None else point.state.value,
        "sources": list(point.sources),
        "missing": point.missing,
        "checked": [_signed(each) for each in point.checked],
        "approved": [_signed(each) for each in point.approved],
        "earlier": [
            {
                "municipality": before.told.key.municipality,
                "period": before.told.key.period.isoformat(),
                "value": value(before.told, told.definition),
                "numerator": before.told.numerator,
                "denominator": before.told.denominator,
                "source": before.told.source,
                "until": format_instant(after.imported.at),
            }
            for part in point.corrected
            for before, after in pairwise(part.versions)
        ],
    }


def _signed(signed: Signed) -> dict[str, Any]:
    return {"account": signed.account, "role": signed.role, "at": format_instant(signed.at)}


def _change(change: Change) -> dict[str, Any]:
    return {
        "day": change.day.isoformat(),
        "text": change.text,
        "effect": change.effect.value,
        "municipality": change.municipality,
        "until": change.until and change.until.isoformat(),
    }


def _plotted(point: Plotted, definition: Definition) -> dict[str, Any]:
    signal = None
    if point.signal is not None:
        signal = {
            "rule": point.signal.rule.value,
            "side": point.signal.side.name.lower(),
            "meaning": meaning(point.signal, definition.better).value,
        }
    return {"centre": point.centre, "lower": point.lower, "upper": point.upper, "signal": signal}


def chosen_only(every: Sequence[Told], indicator: str) -> list[Told]:
    """The indicator that is asked for by its id; all where none is."""
    return [each for each in every if indicator in ("", each.definition.id)]
