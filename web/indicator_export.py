"""Indicators to be carried away: as JSON, and as CSV with the definition on every line."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from capacity.indicators.definitions import Definition, Text
from capacity.indicators.figures import Figure
from capacity.spc import Plotted, meaning
from web.indicator_desk import Span, Told
from web.outcome_export import guarded

COLUMNS = (
    "indicator", "name", "cluster", "municipality", "step", "period", "value", "measured",
    "numerator", "denominator", "unknown", "centre", "lower", "upper", "rule", "side", "meaning",
    "counts", "per", "excludes", "source",
)  # fmt: skip
"""The header row; docs/indicators.md says what each column holds."""


def indicators_json(told: Told) -> dict[str, Any]:
    """One indicator as answers have it: its definition, its chart's kind, and every period."""
    return {
        "definition": _definition(told.definition),
        "chart": told.chart.kind.value,
        "provisional": told.chart.provisional,
        "runs": any(each.runs is not None and each.runs.signal for each in told.chart.segments),
        "whole": _figure(told.whole) if told.periods else None,
        "series": [
            {"period": period.day.isoformat()}
            | _figure(period.figure)
            | _plotted(point, told.definition)
            for period, point in zip(told.periods, told.chart.points, strict=True)
        ],
    }


def indicators_csv(
    every: Iterable[Told], span: Span | None, cluster: str, municipality: str | None, lang: str
) -> bytes:
    """One line for each period of each indicator, in UTF-8 with its mark, without which
    spreadsheets misread Danish letters.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    of = {"cluster": cluster, "municipality": municipality, "step": span.step if span else None}
    for told in every:
        definition = _definition(told.definition)
        texts = {key: each[lang] for key, each in definition.items() if isinstance(each, dict)}
        of_all = of | texts | {"indicator": definition["id"], "measured": definition["measured"]}
        for line in indicators_json(told)["series"]:
            cells = of_all | line | (line["signal"] or {})
            writer.writerow([guarded(cells.get(column)) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


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
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "unknown": figure.unknown,
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
