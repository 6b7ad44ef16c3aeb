"""Indicators to be carried away: as JSON, and as a table with the definition on every line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
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
from web.tables import Column, Holds, Row, Table

TABLE = Table(
    "indicators",
    (
        Column("indicator"),
        Column("name"),
        Column("cluster"),
        Column("municipality"),
        Column("step"),
        Column("period", Holds.DAY),
        Column("value", Holds.NUMBER),
        Column("measured"),
        Column("numerator", Holds.WHOLE),
        Column("denominator", Holds.WHOLE),
        Column("unknown", Holds.NUMBER),
        Column("centre", Holds.NUMBER),
        Column("lower", Holds.NUMBER),
        Column("upper", Holds.NUMBER),
        Column("rule"),
        Column("side"),
        Column("meaning"),
        Column("counts"),
        Column("per"),
        Column("excludes"),
        Column("source"),
        Column("state", words="column_validation"),
        Column("register"),
        Column("checked_by"),
        Column("approved_by"),
        Column("earlier"),
        Column("missing", Holds.WHOLE),
        Column("changes"),
    ),
)
"""docs/indicators.md says what each column holds."""


def indicators_json(told: Told) -> dict[str, Any]:
    """One indicator as answers have it: its definition, its chart's kind, and every period."""
    return {
        "definition": definition_json(told.definition),
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


def indicator_rows(
    every: Iterable[Told], cluster: str, municipality: str | None, lang: str
) -> Iterator[Row]:
    """A row for each period of each indicator, its definition in `lang`."""
    of = {"cluster": cluster, "municipality": municipality}
    for told in every:
        of_all = of | definition_cells(told.definition, lang) | {"step": told.step}
        for line in indicators_json(told)["series"]:
            cells = of_all | line | (line["signal"] or {}) | _register_cells(line)
            cells["period"] = date.fromisoformat(line["period"])
            yield [cells.get(name) for name in TABLE.names]


def definition_cells(definition: Definition, lang: str) -> dict[str, Any]:
    """What stands on every line of an indicator, by column."""
    told = definition_json(definition)
    texts = {key: each[lang] for key, each in told.items() if isinstance(each, dict)}
    return texts | {"indicator": told["id"], "measured": told["measured"]}


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


def definition_json(definition: Definition) -> dict[str, Any]:
    """A definition as answers have it, each text in both languages."""
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
