"""A scenario: the figures a simulated day is made of, read from a file anyone can change.

A file that does not fit is refused with the name of the field. Rates are per day, durations in
minutes, lists of 24 hold one number for each hour of the day beginning at midnight.
"""

import math
import random
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simulators.hours import hour_of

Hourly = Annotated[tuple[float, ...], Field(min_length=24, max_length=24)]
Crews = Annotated[
    tuple[Annotated[int, Field(ge=0, le=500)], ...], Field(min_length=24, max_length=24)
]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class ScenarioError(ValueError):
    """A scenario file that cannot be used; the message names the file and every field at fault."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Duration(_Table):
    """Minutes with a long tail (log-normal), by median and mean, never over `longest`."""

    median: Positive
    mean: Positive
    longest: Positive = math.inf

    @model_validator(mode="after")
    def _mean_over_median(self) -> "Duration":
        if self.mean < self.median:
            raise ValueError("a mean below the median is not a long tail")
        return self

    def draw(self, rng: random.Random) -> float:
        """One duration."""
        spread = math.sqrt(2 * math.log(self.mean / self.median))
        return min(rng.lognormvariate(math.log(self.median), spread), self.longest)


class AcuteDepartment(_Table):
    """`leaving_by_hour` is the chance per hour that one who is there leaves (ward rounds)."""

    unit: str
    beds: Annotated[int, Field(gt=0)]
    arrivals_per_day: Positive
    arrivals_by_hour: Hourly
    leaving_by_hour: Hourly
    reception_by_hour: Crews
    reception: Duration


class Line(_Table):
    """A queue of callers or visitors: per day a number drawn between `least` and `most`."""

    unit: str
    least_per_day: Positive
    most_per_day: Positive
    by_hour: Hourly
    at_work_by_hour: Crews
    service: Duration
    closed_reason: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Line":
        if self.most_per_day < self.least_per_day:
            raise ValueError("most_per_day is below least_per_day")
        return self

    def at_work(self, minute: float) -> int:
        """How many serve at that minute of a simulated day."""
        return self.at_work_by_hour[hour_of(minute)]


class Outcomes(_Table):
    """What a visitation call leads to, as shares; the rest are admissions."""

    subacute: Share
    acute_place: Share
    hospital_at_home: Share


class HospitalAtHome(_Table):
    unit: str
    places: Annotated[int, Field(gt=0)]
    stay: Duration


class SlotBook(_Table):
    """`times` are hours after midnight, the same on every day."""

    unit: str
    share: Share
    notice: Positive
    times: tuple[float, ...]


class Places(_Table):
    """One municipal unit of acute places."""

    unit: str
    municipality: str
    places: Annotated[int, Field(gt=0)]


class AcutePlaces(_Table):
    """How the municipal acute places are used; the same everywhere."""

    requests_per_day: Positive
    requests_by_hour: Hourly
    until_arrival: Duration
    to_hospital_share: Share
    stay_before_hospital: Duration
    stay: Duration
    cleaning: Duration
    withdrawals_per_unit_per_day: Positive
    withdrawal: Duration
    withdrawal_reasons: Annotated[tuple[str, ...], Field(min_length=1)]
    units: tuple[Places, ...]


class Team(_Table):
    unit: str
    new_citizens_per_day: Positive
    crews_by_hour: Crews


class Teams(_Table):
    """How the acute teams work; the same everywhere."""

    by_hour: Hourly
    response: Duration
    between_visits: Duration
    course: Duration
    visit: Duration
    promised_within: Positive
    referrers: Mapping[str, Share]
    units: tuple[Team, ...]


class Fleet(_Table):
    unit: str
    missions_per_day: Positive
    by_hour: Hourly
    vehicles_by_hour: Crews
    mission: Duration


class Speaks(StrEnum):
    """The wire formats, each with its way of travelling."""

    CSV_SEMICOLON = "csv_semicolon"
    CSV_COMMA = "csv_comma"
    JSON_PUSH = "json_push"
    JSON_POLL = "json_poll"
    FHIR_PUSH = "fhir_push"
    FHIR_XML_PUSH = "fhir_xml_push"


class System(_Table):
    """A system outside: `units` maps its own identifiers to the unit names of this file."""

    source: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    speaks: Speaks
    units: Mapping[str, str]


class Scenario(_Table):
    """Everything a day needs; see data/randers.toml for what each figure rests on."""

    name: str
    catchment: Mapping[str, Positive]
    acute_department: AcuteDepartment
    visitation: Line
    outcomes: Outcomes
    hospital_at_home: HospitalAtHome
    slots: tuple[SlotBook, ...]
    acute_places: AcutePlaces
    teams: Teams
    lines: tuple[Line, ...]
    advice: tuple[Line, ...]
    fleets: tuple[Fleet, ...]
    systems: tuple[System, ...]

    @model_validator(mode="after")
    def _names_fit(self) -> "Scenario":
        units = self.unit_names()
        if len(set(units)) != len(units):
            raise ValueError("a unit occurs twice")
        for system in self.systems:
            for unit in system.units.values():
                if unit not in units:
                    raise ValueError(f"system {system.source}: no unit is called {unit!r}")
        sources = [system.source for system in self.systems]
        if len(set(sources)) != len(sources):
            raise ValueError("a source occurs twice")
        for places in self.acute_places.units:
            if places.municipality not in self.catchment:
                raise ValueError(f"{places.unit}: its municipality is not in the catchment")
        return self

    def unit_names(self) -> list[str]:
        """Every unit the scenario has figures for."""
        groups = (
            self.slots,
            self.acute_places.units,
            self.teams.units,
            self.lines,
            self.advice,
            self.fleets,
        )
        single = (self.acute_department, self.visitation, self.hospital_at_home)
        return [one.unit for one in single] + [one.unit for group in groups for one in group]


def load_scenario(path: Path | None = None) -> Scenario:
    """The scenario of a file, or the shipped Randers day; `ScenarioError` when it does not fit."""
    if path is None:
        text = files("simulators").joinpath("data/randers.toml").read_text(encoding="utf-8")
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ScenarioError(f"{path}: cannot be read: {error}") from error
    name = path.name if path else "randers.toml"
    try:
        table: dict[str, Any] = tomllib.loads(text)
        return Scenario.model_validate(table)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{name}: {error}") from error
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'scenario'}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ScenarioError(f"{name}: {'; '.join(faults)}") from error
