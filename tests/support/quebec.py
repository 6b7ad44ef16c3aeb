"""How the published Quebec emergency-department files are read, and an independent reading of them.

The files are cp1252 with stray tabs in the header, unpadded local hours, rows of regional totals
without identifier, and a sentence where a number is missing.
"""

import csv
import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from feeds.formats.csv_mapping import CsvMapping

NO_INFORMATION = "pas d'information disponible"
IDENTIFIER = "No_permis_installation"
TOTAL = "Nombre_de_civieres_fonctionnelles"
OCCUPIED = "Nombre_de_civieres_occupees"
UPDATED = "Mise_a_jour"


def quebec_values() -> dict[str, Any]:
    """The mapping as a TOML file would hold it."""
    return {
        "separator": ",",
        "encoding": "cp1252",
        "timezone": "America/Montreal",
        "columns": {
            "unit": IDENTIFIER,
            "total": TOTAL,
            "occupied": OCCUPIED,
            "observed_at": UPDATED,
        },
        "report_type": "load",
        "unknown_words": ["", NO_INFORMATION],
        "leave_out": [{"column": IDENTIFIER, "blank": True}],
    }


def quebec_mapping() -> CsvMapping:
    """The mapping of the recording."""
    return CsvMapping.model_validate(quebec_values())


def quebec_files(samples: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each of the recording's 330 files, in order of time."""
    archive = samples / "timeseries" / "quebec-er" / "dev_2024-01-08_14days_hourly.tar.gz"
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            stream = tar.extractfile(member)
            if stream is not None:
                yield Path(member.name).name, stream.read()


def recomputed(raw: bytes) -> list[tuple[str, datetime, int | None, int | None]]:
    """(unit, observed_at in UTC, total, occupied) of one file, by the csv module alone."""
    table = list(csv.reader(io.StringIO(raw.decode("cp1252"), newline="")))
    names = [name.strip() for name in table[0]]
    found = []
    for cells in table[1:]:
        row = dict(zip(names, cells, strict=True))
        if row[IDENTIFIER].strip():
            stamp = datetime.strptime(row[UPDATED] + "+0000", "%Y-%m-%dT%H:%M%z")
            instant = stamp.replace(tzinfo=ZoneInfo("America/Montreal")).astimezone(UTC)
            total, occupied = (
                None if row[name] == NO_INFORMATION else int(row[name])
                for name in (TOTAL, OCCUPIED)
            )
            found.append((row[IDENTIFIER], instant, total, occupied))
    return found


def catalogue_text(identifiers: list[str]) -> str:
    """A catalogue of our own making for the departments that the recording names by number."""
    head = """
[municipality]
"9999" = "Elsewhere"
[[organisation]]
id = "departments"
name = "Emergency departments"
type = "hospital"
municipality = "9999"
[[cluster]]
id = "quebec"
name = "Recording"
hospital = "departments"
municipalities = [{ codes = ["9999"] }]
"""
    units = (
        f"""
[[unit]]
id = "ed-{identifier}"
name = "Department {identifier}"
kind = "acute_department"
cluster = "quebec"
organisation = "departments"
municipality = "9999"
freshness = {{ ageing_after = "90 min", stale_after = "3 h" }}
authority = "departments"
operator = "departments"
"""
        for identifier in identifiers
    )
    return head + "".join(units)


def mapping_text(identifiers: list[str]) -> str:
    """The mapping as a file for the command line, with the catalogue's name of each department."""
    values = quebec_values()
    columns = "\n".join(f'{name} = "{column}"' for name, column in values["columns"].items())
    units = "\n".join(f'"{identifier}" = "ed-{identifier}"' for identifier in identifiers)
    words = ", ".join(f'"{word}"' for word in values["unknown_words"])
    return f"""
separator = "{values["separator"]}"
encoding = "{values["encoding"]}"
timezone = "{values["timezone"]}"
report_type = "{values["report_type"]}"
unknown_words = [{words}]
[[leave_out]]
column = "{values["leave_out"][0]["column"]}"
blank = true
[columns]
{columns}
[units]
{units}
"""
