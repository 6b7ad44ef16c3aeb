"""Small worlds for the rules of alternatives: a few units, their rows, and a need."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

from capacity.alternatives import Alternative, rank
from capacity.instants import format_instant
from capacity.model import REPORT_CLASSES, UnitKind
from capacity.need import Need, Where
from capacity.opening import Opening
from capacity.row import row_of
from capacity.units import (
    Agreement,
    Catalogue,
    Dated,
    Distance,
    Freshness,
    Organisation,
    OrganisationType,
    Period,
    Quota,
    Unit,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday, 10.00 in Denmark."""
HOME, NEIGHBOUR = "0730", "0710"
ALWAYS = date.min

RowDict = dict[str, Any]


def owned_by(name: str) -> Dated[str]:
    """Authority or operation that has always been `name`'s."""
    return Dated(((ALWAYS, name),))


def unit(id: str = "plads", kind: UnitKind = UnitKind.ACUTE_PLACE, **fields: Any) -> Unit:
    """A municipal unit of Randers unless said otherwise; ages after an hour, stale after two."""
    organisation = fields.pop("organisation", "randers-kommune")
    values: dict[str, Any] = {
        "id": id,
        "name": id.title(),
        "kind": kind,
        "cluster": "randers",
        "organisation": organisation,
        "municipality": HOME,
        "freshness": Freshness(timedelta(hours=1), timedelta(hours=2)),
        "authority": owned_by(organisation),
        "operator": owned_by(organisation),
        "capabilities": ("iv_fluid", "ecg"),
        "phone": "+45 00 00 00 01",
    }
    return Unit(**values | fields)


def catalogue(
    *units: Unit,
    agreements: Iterable[Agreement] = (),
    distances: dict[str, dict[str, Distance]] | None = None,
) -> Catalogue:
    """A catalogue of these units."""
    kinds = OrganisationType
    organisations = [
        Organisation("randers-kommune", "Randers", kinds.MUNICIPALITY, HOME),
        Organisation("favrskov-kommune", "Favrskov", kinds.MUNICIPALITY, NEIGHBOUR),
        Organisation("hospital", "Hospitalet", kinds.HOSPITAL, HOME),
    ]
    return Catalogue(
        organisations={each.id: each for each in organisations},
        municipalities={HOME: "Randers", NEIGHBOUR: "Favrskov"},
        units={each.id: each for each in units},
        agreements={each.id: each for each in agreements},
        distances=distances or {},
    )


def row(of: Unit, observed_at: datetime | None = NOW - timedelta(minutes=5), **fields: Any) -> Any:
    """The row of a unit as JSON has it: two free and on duty, where the kind has such a thing."""
    report = None
    if observed_at is not None:
        values: dict[str, Any] = {"total": 4, "occupied": 2, "free": 2}
        if of.kind in (UnitKind.ACUTE_TEAM, UnitKind.ADVICE_LINE):
            values["on_duty"] = True
        if of.kind is UnitKind.ADVICE_LINE:
            values = {"on_duty": True}
        if of.kind is UnitKind.ACUTE_CLINIC:
            values = {"wait_minutes": 20}
        report = REPORT_CLASSES[of.report_type](unit=of.id, observed_at=observed_at, **values)
    made: RowDict = orjson.loads(orjson.dumps(row_of(of, report, received_at=observed_at)))
    return made | fields


def full(of: Unit, observed_at: datetime = NOW - timedelta(minutes=5), **fields: Any) -> Any:
    """A row with nothing free."""
    return row(of, observed_at, **{"free": 0, "free_before_holds": 0, "state": "occupied"} | fields)


def at(**ahead: int) -> str:
    """An instant so far ahead of `NOW`, as rows have it."""
    return format_instant(NOW + timedelta(**ahead)) or ""


def need(
    *capabilities: str,
    municipality: str | None = HOME,
    within: int | None = None,
    where: Where = Where.EITHER,
) -> Need:
    """A need of a citizen of Randers unless said otherwise."""
    return Need(municipality, capabilities, within, where)


def judged(
    asked: Need,
    of: Unit,
    given: Any = None,
    *,
    now: datetime = NOW,
    surge_level: int | None = 0,
    used: dict[str, int] | None = None,
    **world: Any,
) -> Alternative:
    """What the rules say of one unit."""
    rows = [row(of) if given is None else given]
    (found,) = rank(asked, rows, catalogue(of, **world), now, surge_level, used or {}).alternatives
    return found


def codes(found: Alternative, verdict: str | None = None) -> list[object]:
    """The codes of the findings; of those with this verdict only, where one is named."""
    return [each["code"] for each in found.reasons if verdict in (None, each["verdict"])]


PLACE = unit()
TEAM = unit("team", UnitKind.ACUTE_TEAM, response=timedelta(minutes=60))
LINE = unit("linje", UnitKind.ADVICE_LINE)
CLINIC = unit("klinik", UnitKind.ACUTE_CLINIC)
SLOT = unit("tid", UnitKind.SUBACUTE_SLOT)
AT_HOME = unit("hjemme", UnitKind.HOSPITAL_AT_HOME, response=timedelta(hours=4))
DAY = (Opening(frozenset(range(7)), time(8), time(15)),)
"""In the winter 07-14 UTC; `NOW` is 09 UTC."""
EVENING = (Opening(frozenset(range(7)), time(16), time(8)),)
CLOSED: dict[str, Any] = {"state": "closed", "closure_reason": "Mangler personale", "free": 0}
OFF_DUTY: dict[str, Any] = {"state": "closed", "on_duty": False, "free": 0}
DISPUTE = {"source": "nurse", "free": 0, "state": "occupied", "observed_at": at(minutes=-1)}
LENT = Agreement(
    "aftale", NEIGHBOUR, "randers-kommune", frozenset({UnitKind.ACUTE_PLACE}), "Efter aftale.",
    Quota(2, Period.DAY), surge_level=1,
)  # fmt: skip


def by_road(km: float | None, minutes: int | None, of: Unit = PLACE) -> Any:
    """Distances in which a unit is so far from home by road."""
    return {HOME: {of.id: Distance(km, minutes)}}
