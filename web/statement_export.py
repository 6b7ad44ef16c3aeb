"""The statement of use to be carried away: its figures by name, as JSON and as a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from capacity.indicators.measures import Measure
from capacity.indicators.statement import LEVELS, OUTCOME_MEASURES, Line, Statement, total
from capacity.units import Catalogue
from web.tables import Cell, Column, Holds, Row, Table
from web.words import Words

HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a line: its name, how it is had, and how it is shown.

    Those that end in `_share` are 0 to 1, and shown in percent. ``None`` is never zero: not known.
    """

    key: str
    of: Callable[[Line], float | None]
    decimals: int = 0
    holds: Holds = Holds.NUMBER

    @property
    def is_share(self) -> bool:
        """Whether it is shown in percent."""
        return self.key.endswith("_share")


def _counted(key: str, measure: Measure) -> Figure:
    return Figure(
        key, lambda line: line.count(measure) if line.is_recorded else None, 0, Holds.WHOLE
    )


CAPACITY: Final = (
    Figure("place_days", lambda line: line.place_days, 1),
    Figure("used_days", lambda line: line.used_days, 1),
    Figure("used_share", lambda line: line.used, 1),
    Figure("free_place_minutes", lambda line: line.free_place_minutes),
    Figure("free_share", lambda line: line.free, 1),
    Figure("open_share", lambda line: line.open, 1),
    Figure("unknown_share", lambda line: line.unknown, 1),
)
ASKS: Final = (
    _counted("asked", Measure.ASKED),
    _counted("accepted", Measure.ACCEPTED),
    _counted("declined", Measure.DECLINED),
    _counted("unanswered", Measure.UNANSWERED),
    _counted("filled", Measure.FILLED),
    Figure("answer_minutes", lambda line: line.answer_minutes, 1),
    _counted("chosen", Measure.OUTCOME_ALTERNATIVE),
)
UPKEEP: Final = (
    Figure("unknown_hours", lambda line: line.unknown_hours, 1),
    _counted("updates", Measure.UPDATES),
    Figure("update_minutes", lambda line: line.update_minutes),
    _counted("late", Measure.LATE),
    _counted("reminders", Measure.REMINDERS),
)
FIGURES: Final = (*CAPACITY, *ASKS, *UPKEEP)
"""Every figure of a line, in the order of the tables."""

TABLE: Final = Table(
    "statement",
    (
        Column("cluster"),
        Column("since", Holds.DAY),
        Column("until", Holds.DAY),
        Column("municipality"),
        Column("kind"),
        Column("unit"),
        Column("unit_name"),
        *(Column(each.key, each.holds, f"statement_{each.key}_told") for each in FIGURES),
    ),
)
"""One line for each unit."""


def figures_of(line: Line) -> dict[str, float | None]:
    """A line's figures by name."""
    return {figure.key: figure.of(line) for figure in FIGURES}


def statement_json(told: Statement, catalogue: Catalogue) -> dict[str, Any]:
    """The statement as answers have it; sums by kind of unit, as places and visits differ."""
    return {
        "units": [
            {
                "unit": line.unit,
                "name": unit_name(catalogue, line.unit),
                "kind": line.kind,
                "municipality": line.municipality,
            }
            | figures_of(line)
            for line in told.lines
        ],
        "kinds": [{"kind": line.kind} | figures_of(line) for line in by_kind(told.lines)],
        "agreements": [
            {
                "agreement": use.agreement,
                "municipality": use.municipality or None,
                "asked": use.asked,
                "filled": use.filled,
            }
            for use in told.agreements
        ],
        "outcomes": [
            {"municipality": code or None} | {each.value: sums.get(each, 0) for each in _OUTCOMES}
            for code, sums in sorted(told.outcomes.items())
        ],
        "surge_hours": {
            name: told.levels.get(level, 0) / HOUR_MS if told.levels else None
            for name, level in zip(LEVEL_NAMES, LEVELS, strict=True)
        },
        "definitions": definitions(),
    }


_OUTCOMES: Final = OUTCOME_MEASURES
LEVEL_NAMES: Final = ("0", "1", "2", "3", "unknown")
"""What the surge levels are called, in the order of `LEVELS`."""


def definitions() -> dict[str, dict[str, str]]:
    """What each figure counts, in both languages."""
    danish, english = Words("da"), Words("en")
    return {
        figure.key: {
            "da": danish.text(f"statement_{figure.key}_told"),
            "en": english.text(f"statement_{figure.key}_told"),
        }
        for figure in FIGURES
    }


def statement_rows(
    told: Statement, catalogue: Catalogue, cluster: str, days: tuple[date, date] | None
) -> Iterator[Row]:
    """The cells of `TABLE`; none where there are no days with figures."""
    for line in told.lines if days else ():
        cells: dict[str, Cell] = {
            "cluster": cluster,
            "since": days[0] if days else None,
            "until": days[1] if days else None,
            "municipality": line.municipality,
            "kind": line.kind,
            "unit": line.unit,
            "unit_name": unit_name(catalogue, line.unit),
        }
        cells |= figures_of(line)
        yield [cells[name] for name in TABLE.names]


def by_kind(lines: Sequence[Line]) -> list[Line]:
    """The sum of the lines of each kind, in the lines' order."""
    kinds = dict.fromkeys(line.kind for line in lines)
    return [total([line for line in lines if line.kind == kind], kind=kind) for kind in kinds]


def unit_name(catalogue: Catalogue, unit: str) -> str:
    """What a unit is called today, or its id where it has left the catalogue."""
    known = catalogue.units.get(unit)
    return known.name if known else unit
