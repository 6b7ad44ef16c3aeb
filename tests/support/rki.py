"""The German intensive-care register: how its published files are read, and what they revised.

One table of all days since March 2020, and 45 tables as they were published on 45 days, each of
the last weeks anew: what a day's figures were is told again and again, and sometimes differently.
"""

import csv
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

CATALOGUE = """
[municipality]
"9999" = "Deutschland"
[[organisation]]
id = "wards"
name = "Wards of intensive care"
type = "hospital"
municipality = "9999"
[[cluster]]
id = "register"
name = "Register"
hospital = "wards"
municipalities = [{ codes = ["9999"] }]
[[unit]]
id = "ward"
name = "A ward"
kind = "acute_department"
cluster = "register"
organisation = "wards"
municipality = "9999"
freshness = { ageing_after = "90 min", stale_after = "3 h" }
authority = "wards"
operator = "wards"
"""
GROUPS = {"ERWACHSENE": "icu_adults", "NICU": "icu_newborn", "PICU": "icu_children"}
"""Our indicator for each of the register's groups of patients."""
INDICATORS = "".join(
    f"""
[[indicator]]
id = "{name}"
origin = "import"
name = {{ da = "Intensivbelægning ({group})", en = "Intensive care in use ({group})" }}
counts = {{ da = "Intensivsenge i brug.", en = "Beds of intensive care in use." }}
per = {{ da = "Senge i brug og ledige.", en = "Beds in use and free." }}
excludes = {{ da = "Reserven.", en = "The reserve." }}
source = {{ da = "Registeret, hver dag.", en = "The register, each day." }}
period = "day"
measured = "percent"
better = "neither"
chart = "xmr"
splits = ["municipality"]
"""
    for group, name in GROUPS.items()
)
"""Shares of so many beds: chance alone explains too little for a p chart (docs/indicators.md)."""
MAPPING = """
source = "DIVI-Intensivregister"
step = "day"
unknown_words = ["", "NA"]
[columns]
indicator = "behandlungsgruppe_level_2"
municipality = "bundesland_name"
period = "datum"
numerator = "intensivbetten_belegt"
denominator = ["intensivbetten_belegt", "intensivbetten_frei"]
[indicators]
""" + "".join(f'{group} = "{name}"\n' for group, name in GROUPS.items())
Figure = tuple[int, int]
"""Beds in use, and beds in use or free."""


def folder(samples: Path) -> Path:
    """Where the register lies."""
    return samples / "timeseries" / "rki-intensivregister"


def published(samples: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of the 45 daily tables, in the order in which they were published."""
    archive = folder(samples) / "replay_last45days_Deutschland_full.tar.gz"
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            stream = tar.extractfile(member)
            if stream is not None:
                yield Path(member.name).name, stream.read()


def whole(samples: Path) -> Path:
    """The table of all days."""
    return folder(samples) / "Intensivregister_Deutschland_Kapazitaeten.csv"


def recomputed(raw: bytes) -> dict[tuple[str, str], Figure]:
    """Figures by indicator and day, by the csv module alone."""
    found = {}
    for row in csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")):
        used, free = int(row["intensivbetten_belegt"]), int(row["intensivbetten_frei"])
        found[GROUPS[row["behandlungsgruppe_level_2"]], row["datum"]] = (used, used + free)
    return found
