"""Two catalogues of the Randers cluster: as it is shipped, and after a change of everything that a
look into the past needs of a catalogue."""

import re
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

from capacity.instants import COPENHAGEN

SHUT, FAR, GONE, NEW = (
    "favrskov-akutplads", "randers-akutplads-1", "syddjurs-akutplads", "norddjurs-akutplads-ny",
)  # fmt: skip
"""The unit that gets opening hours, that is further away now, that goes, and that comes."""
ENDED = "syddjurs-hos-norddjurs"
"""The agreement that ends."""
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def before(folder: Path) -> Path:
    """The shipped one as a file of one's own."""
    return _file(folder, "before", _shipped())


def after(folder: Path, now: datetime) -> Path:
    """The other one; at `now` the unit `SHUT` is closed by it."""
    text = _shipped()
    later = _WEEKDAYS[(now.astimezone(COPENHAGEN) + timedelta(days=3)).weekday()]
    text = _once(
        text,
        f'(id = "{SHUT}"\n)',
        rf'\1opening = [{{ days = "{later}", hours = "10:00-11:00" }}]' + "\n",
    )
    text = _once(
        text, rf"{FAR} = {{ km = 5, minutes = 8 }}", f"{FAR} = {{ km = 80, minutes = 90 }}"
    )
    gone = re.search(rf'\[\[unit\]\]\nid = "{GONE}"\n.*?(?=\n\[\[|\n# ---)', text, re.DOTALL)
    assert gone is not None
    text = re.sub(rf"\n{GONE} = .*", "", text.replace(gone[0], ""))
    new = gone[0].replace(GONE, NEW).replace("syddjurs-kommune", "norddjurs-kommune")
    text = _once(text, r"\[distance\.", new.replace("0706", "0707") + "\n[distance.")
    text = _once(text, f'(id = "{ENDED}"\n)', r"\1until = 2020-01-01" + "\n")
    return _file(folder, "after", text)


def _shipped() -> str:
    return (files("capacity") / "data" / "randers.toml").read_text(encoding="utf-8")


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _once(text: str, pattern: str, to: str) -> str:
    made, n = re.subn(pattern, to, text, count=1)
    assert n == 1, pattern
    return made
