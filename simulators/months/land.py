"""The cluster as its catalogue files tell it, read anew: the recount must not trust the product.

Only what the play needs is read. Dates from 2027 on are passed over, and so are public holidays:
the play must lie in a stretch without any.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
_UNITS = {"min": MINUTE, "h": HOUR, "d": DAY}
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SAYS = {
    "acute_place": "place", "hospital_at_home": "place", "acute_team": "team",
    "prehospital": "team", "acute_department": "load", "visitation": "load",
    "out_of_hours": "load", "acute_clinic": "load", "subacute_slot": "slot",
    "advice_line": "advice",
}  # fmt: skip
"""What a unit of each kind reports."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Weekdays, and minutes after midnight; closing at or before opening runs overnight."""

    days: frozenset[int]
    opens: int
    closes: int

    def covers(self, local: datetime) -> bool:
        """Whether a moment of Danish local time lies in it."""
        minute, day = local.hour * 60 + local.minute, local.weekday()
        overnight = self.closes <= self.opens
        if day in self.days and minute >= self.opens and (overnight or minute < self.closes):
            return True
        return overnight and (day - 1) % 7 in self.days and minute < self.closes


@dataclass(frozen=True, slots=True)
class Unit:
    """Durations in milliseconds, the response in minutes; `hours` is empty for round the clock."""

    id: str
    kind: str
    municipality: str
    lenders: frozenset[str]
    area: frozenset[str]
    places: int | None
    response: float | None
    capabilities: frozenset[str]
    ageing: int
    stale: int
    hold_for: int
    hours: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """`quota` is how many, and per ``day``, ``week`` or ``month``."""

    id: str
    borrower: str
    lender: str
    kinds: frozenset[str]
    level: int
    quota: tuple[int, str] | None
    hours: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked for; `municipality` is empty in reference needs: asked for all."""

    municipality: str
    capabilities: tuple[str, ...]
    within: int | None
    where: str

    def body(self) -> dict[str, Any]:
        """As requests have it."""
        return {
            "municipality": self.municipality,
            "capabilities": list(self.capabilities),
            "within_minutes": self.within,
            "where": self.where,
        }


@dataclass(frozen=True, slots=True)
class Land:
    """`minutes` is the road, by municipality and unit; `surge` is the cluster's block."""

    cluster: str
    municipalities: tuple[str, ...]
    units: Mapping[str, Unit]
    agreements: tuple[Agreement, ...]
    minutes: Mapping[tuple[str, str], float]
    surge: Mapping[str, Any]
    needs: Mapping[str, Need]

    def of_kind(self, *kinds: str) -> list[Unit]:
        """Units of these kinds, in the catalogue's order."""
        return [unit for unit in self.units.values() if unit.kind in kinds]


def read_land(catalogue: Path, region: Path, definitions: Path, cluster: str) -> Land:
    """The cluster of a catalogue file, of the region's that it needs, and the reference needs."""
    units, wider = _toml(catalogue), _toml(region)
    block = next(each for each in wider["cluster"] if each["id"] == cluster)
    minutes = {
        (municipality, unit): float(way["minutes"])
        for municipality, ways in units["distance"].items()
        for unit, way in ways.items()
    }
    return Land(
        cluster=cluster,
        municipalities=tuple(_undated(block["municipalities"])["codes"]),
        units={each["id"]: _unit(each) for each in units["unit"]},
        agreements=tuple(_agreement(each) for each in units["agreement"]),
        minutes=minutes,
        surge=block["surge"],
        needs={each["id"]: need_of(each, "") for each in _toml(definitions)["need"]},
    )


def need_of(told: Mapping[str, Any], municipality: str) -> Need:
    """A need of a file, or of a request."""
    where = told.get("where") or "either"
    within = told.get("within_minutes")
    return Need(municipality, tuple(told.get("capabilities") or ()), within, where)


def duration(text: str) -> int:
    """Milliseconds of "2 h" or "30 min"."""
    number, unit = text.split()
    return int(number) * _UNITS[unit]


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _undated(entries: Any) -> Any:
    """What stands before the first dated change."""
    return next(each for each in entries if "since" not in each)


def _unit(block: Mapping[str, Any]) -> Unit:
    lenders = {block["organisation"]}
    for key in ("authority", "operator"):
        told = block[key]
        lenders.add(told if isinstance(told, str) else _undated(told)["organisation"])
    response = block.get("response")
    return Unit(
        id=block["id"],
        kind=block["kind"],
        municipality=block["municipality"],
        lenders=frozenset(lenders),
        area=frozenset(block.get("service_area") or [block["municipality"]]),
        places=block.get("places"),
        response=None if response is None else duration(response) / MINUTE,
        capabilities=frozenset(block.get("capabilities", ())),
        ageing=duration(block["freshness"]["ageing_after"]),
        stale=duration(block["freshness"]["stale_after"]),
        hold_for=duration(block.get("hold_for", "30 min")),
        hours=_hours(block.get("opening", ())),
    )


def _agreement(block: Mapping[str, Any]) -> Agreement:
    quota = block.get("quota")
    return Agreement(
        id=block["id"],
        borrower=block["borrower"],
        lender=block["lender"],
        kinds=frozenset(block["kinds"]),
        level=block.get("surge_level", 0),
        quota=None if quota is None else (quota["places"], quota["per"]),
        hours=_hours(block.get("hours", ())),
    )


def _hours(blocks: Any) -> tuple[Opening, ...]:
    return tuple(_opening(each["days"], each["hours"]) for each in blocks)


def _opening(days: str, hours: str) -> Opening:
    first, _, last = days.partition("-")
    begin = _WEEK.index(first)
    end = _WEEK.index(last or first)
    opens, closes = (_minute(each) for each in hours.split("-"))
    return Opening(frozenset(range(begin, end + 1)), opens, closes)


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def day_of(local: datetime) -> str:
    """The Danish day's name."""
    return local.date().isoformat()


def period_of(local: datetime, per: str) -> str:
    """The calendar period that a quota counts in."""
    day = local.date()
    if per == "day":
        return day.isoformat()
    if per == "month":
        return f"{day:%Y-%m}"
    return (day - timedelta(days=day.weekday())).isoformat()
