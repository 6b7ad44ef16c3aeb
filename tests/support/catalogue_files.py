"""A small catalogue file that is right, to be made wrong in one place."""

from pathlib import Path

GOOD = """\
municipality = { "9901" = "Prøvekøbing", "9902" = "Langtbort" }

[[organisation]]
id = "kommune"
name = "Prøvekøbing Kommune"
type = "municipality"
municipality = "9901"

[[organisation]]
id = "hospital"
name = "Hospitalet"
type = "hospital"
sor = "123456789012345"

[[cluster]]
id = "klynge"
name = "Klyngen"
hospital = "hospital"
municipalities = [
    { codes = ["9901"] },
]

[[unit]]
id = "plads"
name = "Akutpladsen"
kind = "acute_place"
cluster = "klynge"
organisation = "kommune"
municipality = "9901"
service_area = ["9901", "9902"]
places = 3
phone = "87 65 43 21"
freshness = { ageing_after = "2 h", stale_after = "4 h" }
authority = [
    { organisation = "kommune" },
    { since = 2027-01-01, organisation = "hospital" },
]
operator = "kommune"
opening = [
    { days = "mon-fri", hours = "08:00-16:00" },
]
capabilities = ["ecg", "oxygen"]
sor = "123456789012346"

[[term.trial]]
da = "prøve"
en = "trial"
"""


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    """The text as a file of that name."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
