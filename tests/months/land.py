"""The shipped Randers cluster, as the play and the recount read it from the shipped files."""

from importlib.resources import files
from pathlib import Path

from simulators.months.land import read_land

_DATA = Path(str(files("capacity").joinpath("data")))
LAND = read_land(
    _DATA / "randers.toml", _DATA / "region-midtjylland.toml", _DATA / "indicators.toml", "randers"
)
