"""Blocks of small catalogue and sources files: clusters and units in and around Randers."""

import json
from collections.abc import Sequence

HEAD = 'requires = ["region-midtjylland"]\n'
"""With this a catalogue file begins: hospitals, municipalities and shipped clusters are known."""


def cluster_block(named: str) -> str:
    """A cluster that is not shipped."""
    return f"""
[[cluster]]
id = "{named}"
name = "{named}"
hospital = "regionshospitalet-randers"
municipalities = [{{ codes = ["0730"] }}]
"""


def unit_block(
    named: str, cluster: str, *, name: str = "", municipality: str = "0730", more: str = ""
) -> str:
    """Acute places, with `more` lines than a unit needs."""
    return f"""
[[unit]]
id = "{named}"
name = "{name or named}"
kind = "acute_place"
cluster = "{cluster}"
organisation = "randers-kommune"
municipality = "{municipality}"
freshness = {{ ageing_after = "2 h", stale_after = "4 h" }}
authority = "randers-kommune"
operator = "randers-kommune"
{more}"""


def source_block(named: str, cluster: str, units: Sequence[str]) -> str:
    """A source that pushes our own JSON about these units."""
    return f"""
[[source]]
id = "{named}"
cluster = "{cluster}"
format = "json"
transport = "push"
attribution = "test"
units = {json.dumps(units)}
"""
