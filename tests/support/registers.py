"""Files as registers would send them, and what a cluster knows of itself."""

from datetime import date

from capacity.catalogue import builtin_catalogue
from capacity.imports import Key, Told
from capacity.indicator_catalogue import builtin_definitions
from feeds.figures import FigureMapping, Known, Parsed, parse

CLUSTER = "randers"
TODAY = date(2026, 11, 22)
CATALOGUE = builtin_catalogue()
DEFINITIONS = builtin_definitions(CATALOGUE)
KNOWN = Known(
    DEFINITIONS, CATALOGUE.municipalities, CATALOGUE.clusters[CLUSTER].municipalities
)  # fmt: skip
HEADER = "indicator;municipality;period;numerator;denominator;source\n"


def lines(*rows: str) -> bytes:
    """A CSV file with our own field names."""
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode()


def months(numbers: list[int], first: date = date(2025, 1, 1), code: str = "0730") -> bytes:
    """Acute admissions of a municipality, a month each."""
    rows = []
    for at, number in enumerate(numbers):
        month = first.month - 1 + at
        stamp = f"{first.year + month // 12}-{month % 12 + 1:02}"
        rows.append(f"acute_admissions;{code};{stamp};{number};98000;LPR")
    return lines(*rows)


def read(raw: bytes, **mapping: object) -> Parsed:
    """What a file tells under a mapping as a TOML file would hold it."""
    return parse(raw, FigureMapping.model_validate(mapping), KNOWN, TODAY)


def told(
    numerator: int,
    denominator: int | None = 1000,
    *,
    indicator: str = "acute_admissions",
    municipality: str = "0730",
    period: date = date(2026, 1, 1),
    source: str = "LPR",
) -> Told:
    """One figure."""
    return Told(Key(indicator, municipality, "month", period), numerator, denominator, source)
