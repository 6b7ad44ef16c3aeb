"""Figures of registers as a table: one line for each version, with who vouches for it."""

from collections.abc import Iterable, Iterator

from capacity.imports import Imported, Signed, Version, value
from capacity.indicators.definitions import Definition, Definitions
from web.indicator_export import definition_cells
from web.tables import Cell, Column, Holds, Row, Table

TABLE = Table(
    "imports",
    (
        Column("indicator"),
        Column("name"),
        Column("cluster"),
        Column("municipality"),
        Column("step"),
        Column("period", Holds.DAY),
        Column("version", Holds.WHOLE),
        Column("current", Holds.WHOLE),
        Column("state", words="column_validation"),
        Column("value", Holds.NUMBER),
        Column("measured"),
        Column("numerator", Holds.WHOLE),
        Column("denominator", Holds.WHOLE),
        Column("register"),
        Column("imported_by"),
        Column("imported_role"),
        Column("imported_at", Holds.INSTANT),
        Column("checked_by"),
        Column("checked_role"),
        Column("checked_at", Holds.INSTANT),
        Column("approved_by"),
        Column("approved_role"),
        Column("approved_at", Holds.INSTANT),
        Column("counts"),
        Column("per"),
        Column("excludes"),
        Column("source"),
    ),
)
"""docs/exports.md names the columns."""


def import_rows(
    figures: Iterable[Imported], definitions: Definitions, cluster: str, lang: str
) -> Iterator[Row]:
    """A row for each version of each figure, the earlier versions first."""
    for figure in figures:
        for version in figure.versions:
            definition = definition_of(version, definitions)
            cells: dict[str, Cell] = {"indicator": version.told.key.indicator, "cluster": cluster}
            if definition is not None:
                cells |= definition_cells(definition, lang)
                cells["value"] = value(version.told, definition)
            cells |= _told(version) | {"current": int(version is figure.latest)}
            yield [cells.get(name) for name in TABLE.names]


def definition_of(version: Version, definitions: Definitions) -> Definition | None:
    """What the figure was defined to be in its period; ``None`` where it is defined no more."""
    key = version.told.key
    dated = definitions.indicators.get(key.indicator)
    return dated.on(key.period) if dated else None


def _told(version: Version) -> dict[str, Cell]:
    told = version.told
    return {
        "municipality": told.key.municipality,
        "step": told.key.step,
        "period": told.key.period,
        "version": version.number,
        "state": version.state.value,
        "numerator": told.numerator,
        "denominator": told.denominator,
        "register": told.source,
        **_signed("imported", version.imported),
        **_signed("checked", version.checked),
        **_signed("approved", version.approved),
    }


def _signed(name: str, signed: Signed | None) -> dict[str, Cell]:
    if signed is None:
        return {}
    return {f"{name}_by": signed.account, f"{name}_role": signed.role, f"{name}_at": signed.at}
