"""Any world that alternatives can be ranked in: units, rows, agreements, a need, a moment."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from capacity.alternatives import Ranking, rank
from capacity.instants import COPENHAGEN, format_instant
from capacity.model import Inconsistency, UnitKind
from capacity.need import Need, Where
from capacity.opening import Hours, Opening
from capacity.units import Agreement, Catalogue, Dated, Distance, Period, Quota, Unit
from tests.support.alternatives import HOME, NEIGHBOUR, NOW, RowDict, catalogue, row, unit

ABILITIES = ("ecg", "iv_fluid", "x_ray")
MUNICIPALITIES = (HOME, NEIGHBOUR)
NIGHTS = [
    datetime.fromisoformat(f"{day} 21:30").replace(tzinfo=COPENHAGEN).astimezone(UTC)
    for day in ("2026-03-28", "2026-10-24", "2026-12-23", "2026-04-01")
]
"""Before the nights when clocks change, Christmas Eve and Easter."""

TIMES = st.sampled_from([time(0), time(2, 30), time(7), time(15), time(23)])
OPENINGS = st.lists(
    st.builds(Opening, st.frozensets(st.integers(0, 6)), TIMES, TIMES), max_size=2
).map(tuple)
MINUTES = st.integers(-300, 300)
STARTS = st.sampled_from([NOW, *NIGHTS])


@st.composite
def units(draw: st.DrawFn, name: str) -> Unit:
    """Any unit: of any kind, whoever has it, whenever it is open."""
    organisation = draw(st.sampled_from(["randers-kommune", "favrskov-kommune", "hospital"]))
    then = Dated(((date.min, organisation), (date(2026, 11, 24), "hospital")))
    return unit(
        name,
        draw(st.sampled_from(UnitKind)),
        name=draw(st.sampled_from(["Nord", "Syd", "nord"])),
        organisation=organisation,
        operator=draw(st.sampled_from([Dated(((date.min, organisation),)), then])),
        municipality=draw(st.sampled_from(MUNICIPALITIES)),
        service_area=draw(st.sampled_from([(), (HOME,), MUNICIPALITIES])),
        capabilities=draw(st.sampled_from([(), ("ecg",), ABILITIES])),
        opening=draw(st.none() | OPENINGS),
        holiday_opening=draw(st.none() | OPENINGS),
        response=draw(st.none() | st.sampled_from([timedelta(hours=1), timedelta(hours=4)])),
    )


@st.composite
def rows(draw: st.DrawFn, of: Unit, now: datetime) -> RowDict:
    """Any row of a unit, around `now`."""

    def ahead() -> str | None:
        minutes = draw(st.none() | MINUTES)
        return None if minutes is None else format_instant(now + timedelta(minutes=minutes))

    observed = now - timedelta(minutes=draw(st.integers(0, 180)))
    given: RowDict = row(of, observed if draw(st.integers(0, 5)) else None)
    given["free"] = draw(st.none() | st.integers(0, 3))
    given["held"] = draw(st.integers(0, 2))
    given["state"] = draw(st.sampled_from(["free", "occupied", "closed", "unknown"]))
    given["on_duty"] = draw(st.sampled_from([None, True, False]))
    given["wait_minutes"] = draw(st.none() | st.integers(0, 90))
    given["next_free_at"] = ahead()
    given["capabilities_off"] = draw(st.sampled_from([[], ["ecg"]]))
    if draw(st.booleans()):
        given["closure_reason"], given["reopens_at"] = "Mangler personale", ahead()
    if not draw(st.integers(0, 4)):
        given["disputed"] = {
            "source": draw(st.sampled_from(["nurse", "omsorg"])),
            "free": draw(st.none() | st.integers(0, 2)),
            "state": draw(st.sampled_from(["free", "closed", "unknown"])),
            "observed_at": format_instant(observed),
        }
    if not draw(st.integers(0, 4)):
        given["inconsistencies"] = [Inconsistency.FREE_OVER_TOTAL.value]
    return given


@st.composite
def needs(draw: st.DrawFn) -> Need:
    """Any need."""
    return Need(
        draw(st.sampled_from([HOME, NEIGHBOUR, None])),
        tuple(draw(st.lists(st.sampled_from(ABILITIES), unique=True, max_size=2))),
        draw(st.none() | st.integers(0, 600)),
        draw(st.sampled_from(Where)),
    )


AGREEMENTS = st.builds(
    Agreement,
    id=st.just("aftale"),
    borrower=st.sampled_from(MUNICIPALITIES),
    lender=st.sampled_from(["randers-kommune", "favrskov-kommune", "hospital"]),
    kinds=st.sampled_from([frozenset(UnitKind), frozenset({UnitKind.ACUTE_PLACE})]),
    terms=st.just("Efter aftale."),
    quota=st.none() | st.builds(Quota, st.integers(1, 3), st.sampled_from(Period)),
    surge_level=st.integers(0, 2),
    hours=st.builds(Hours, st.none() | OPENINGS, st.none() | OPENINGS),
    since=st.none() | st.sampled_from([date(2026, 3, 29), date(2026, 11, 23)]),
    until=st.none() | st.sampled_from([date(2026, 10, 24), date(2026, 11, 23)]),
)


class World:
    """Everything that a ranking is made of."""

    def __init__(self, draw: st.DrawFn, most: int) -> None:
        self.now = draw(STARTS)
        self.units = [draw(units(f"enhed-{n}")) for n in range(draw(st.integers(1, most)))]
        self.rows = [draw(rows(each, self.now)) for each in self.units]
        distances = {
            each.id: Distance(
                draw(st.none() | st.integers(0, 90)), draw(st.none() | MINUTES.map(abs))
            )
            for each in self.units
            if draw(st.booleans())
        }
        agreements = draw(st.lists(AGREEMENTS, max_size=1))
        self.catalogue: Catalogue = catalogue(
            *self.units, agreements=agreements, distances={HOME: distances}
        )
        self.need: Need = draw(needs())
        self.level: int | None = draw(st.none() | st.integers(0, 3))
        count = draw(st.integers(0, 3))
        keys = ("2026-11-23", "2026-W48", "2026-11", "2026-03-28", "2026-W43")
        self.used = {f"aftale|{key}": count for key in keys}

    def __repr__(self) -> str:
        return f"World({vars(self)})"

    def rank(self, **other: Any) -> Ranking:
        """The ranking, with some of it otherwise."""
        values: dict[str, Any] = {
            "need": self.need, "rows": self.rows, "catalogue": self.catalogue,
            "now": self.now, "surge_level": self.level, "used": self.used,
        }  # fmt: skip
        return rank(**values | other)


@st.composite
def worlds(draw: st.DrawFn, most: int = 3) -> World:
    """Any world of at least one unit."""
    return World(draw, most)
