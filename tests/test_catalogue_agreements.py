"""The catalogue's holidays, holds, responses, distances and agreements: read right, or refused."""

from datetime import date, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.config_file import ConfigError
from capacity.model import UnitKind
from capacity.notations import read_yearly_day
from capacity.opening import Hours, Opening
from capacity.units import HOLD_FOR, Agreement, Distance, Period, Quota

EVERY_DAY = frozenset(range(7))
GOOD = """\
assumptions = ["distance"]
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

[[cluster]]
id = "klynge"
name = "Klyngen"
hospital = "hospital"
municipalities = [{ codes = ["9901", "9902"] }]

[[unit]]
id = "team"
name = "Akutteamet"
kind = "acute_team"
cluster = "klynge"
organisation = "kommune"
municipality = "9901"
freshness = { ageing_after = "2 h", stale_after = "4 h" }
authority = "kommune"
operator = "kommune"
opening = [{ days = "mon-fri", hours = "08:00-16:00" }]
holiday_opening = [{ hours = "10:00-12:00" }]
holidays_also = ["12-24", "06-05"]
hold_for = "20 min"
response = "90 min"

[distance."9902"]
team = { km = 12.5, minutes = 15 }

[[agreement]]
id = "aftale"
borrower = "9902"
lender = "kommune"
kinds = ["acute_team", "acute_place"]
surge_level = 2
hours = [{ days = "sat-sun", hours = "00:00-24:00" }]
holiday_hours = "closed"
holidays_also = ["12-31"]
since = 2026-01-01
until = 2026-12-31
quota = { places = 2, per = "week" }
terms = "Efter aftale."
assumptions = ["quota"]
"""


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    catalogue = load_catalogue([write(tmp_path, GOOD)])
    unit = catalogue.units["team"]
    assert unit.hold_for == timedelta(minutes=20)
    assert unit.response == timedelta(minutes=90)
    assert unit.hours == Hours(
        (Opening(frozenset(range(5)), time(8), time(16)),),
        (Opening(EVERY_DAY, time(10), time(12)),),
        frozenset({(12, 24), (6, 5)}),
    )
    assert unit.area == ("9901",)
    assert catalogue.distances == {"9902": {"team": Distance(12.5, 15)}}
    assert catalogue.assumptions == {"distance"}
    assert catalogue.agreements == {
        "aftale": Agreement(
            id="aftale",
            borrower="9902",
            lender="kommune",
            kinds=frozenset({UnitKind.ACUTE_TEAM, UnitKind.ACUTE_PLACE}),
            terms="Efter aftale.",
            quota=Quota(2, Period.WEEK),
            surge_level=2,
            hours=Hours((Opening(frozenset({5, 6}), time(0), time(0)),), (), frozenset({(12, 31)})),
            since=date(2026, 1, 1),
            until=date(2026, 12, 31),
            assumptions=frozenset({"quota"}),
        )
    }


def test_what_is_left_out_is_unknown_or_without_limit(tmp_path: Path) -> None:
    text = GOOD
    keys = "opening holiday_opening holidays_also hold_for response"
    keys += " surge_level hours holiday_hours since until quota"
    for key in keys.split():
        text = "".join(line for line in text.splitlines(True) if not line.startswith(f"{key} ="))
    catalogue = load_catalogue([write(tmp_path, text)])
    unit, agreement = catalogue.units["team"], catalogue.agreements["aftale"]
    assert (unit.hold_for, unit.response, unit.hours) == (HOLD_FOR, None, Hours())
    assert timedelta(minutes=30) == HOLD_FOR
    assert (agreement.quota, agreement.surge_level, agreement.hours) == (None, 0, Hours())
    assert (agreement.since, agreement.until) == (None, None)


def test_distances_of_several_files_are_put_together(tmp_path: Path) -> None:
    first = write(tmp_path, GOOD, "first.toml")
    second = write(tmp_path, '[distance."9901"]\nteam = { minutes = 5 }\n', "second.toml")
    catalogue = load_catalogue([first, second])
    assert catalogue.distances["9901"] == {"team": Distance(minutes=5)}
    third = write(tmp_path, '[distance."9902"]\nteam = { km = 5 }\n', "third.toml")
    with pytest.raises(ConfigError, match=r"third\.toml:2: distance\.9902\.team: is declared"):
        load_catalogue([first, third])


REFUSALS = {
    # what: (replace, by, field, words of the reason); the line is where `by`'s first ¤ stands
    "no hours on holidays": (
        'holiday_opening = [{ hours = "10:00-12:00" }]', '¤holiday_opening = "never"',
        "unit[0].holiday_opening", "list"),
    "holiday hours malformed": (
        '"10:00-12:00"', '¤"10-12"', "unit[0].holiday_opening[0].hours", "no opening hours"),
    "no such day": ('"12-24"', '¤"02-30"', "unit[0].holidays_also[0]", "no day of the year"),
    "a day as text": ('"12-24"', '¤"24 December"', "unit[0].holidays_also[0]", "no day of the"),
    "a day as date": ('"12-24"', "¤2026-12-24", "unit[0].holidays_also[0]", "no day of the year"),
    "hold for nothing": ('"20 min"', '¤"0 min"', "unit[0].hold_for", "length of time"),
    "response as number": ('"90 min"', "¤90", "unit[0].response", "length of time"),
    "distance from nowhere": (
        '[distance."9902"]', '¤[distance."9999"]', "distance.9999", "is not in the catalogue"),
    "distance to nothing": (
        "team = { km", "¤tame = { km", "distance.9902.tame", "is no unit of the catalogue"),
    "an empty distance": (
        "{ km = 12.5, minutes = 15 }", "¤{ }", "distance.9902.team", "neither km nor minutes"),
    "a negative distance": ("km = 12.5", "¤km = -1", "distance.9902.team.km", "greater than"),
    "half a minute": (
        "minutes = 15", "¤minutes = 1.5", "distance.9902.team.minutes", "integer"),
    "a borrower unknown": (
        'borrower = "9902"', '¤borrower = "9999"', "agreement[0].borrower", "not in the catalogue"),
    "a borrower that is no code": (
        'borrower = "9902"', '¤borrower = "kommune"', "agreement[0].borrower", "pattern"),
    "a lender unknown": (
        'lender = "kommune"', '¤lender = "x"', "agreement[0].lender", "not in the catalogue"),
    "lending to oneself": (
        'borrower = "9902"\nlender', 'borrower = "9901"\n¤lender', "agreement[0].lender",
        "needs no agreement"),
    "kinds unknown": (
        '["acute_team", "acute_place"]', '¤["bed"]', "agreement[0].kinds[0]", "acute_place"),
    "no kind": ('["acute_team", "acute_place"]', "¤[]", "agreement[0].kinds", "at least 1"),
    "a level there is not": (
        "surge_level = 2", "¤surge_level = 4", "agreement[0].surge_level", "less than or equal"),
    "dates out of order": (
        "until = 2026-12-31", "¤until = 2025-12-31", "agreement[0].until", "before since"),
    "never within hours": (
        'hours = [{ days = "sat-sun", hours = "00:00-24:00" }]', "¤hours = []",
        "agreement[0].hours", "at least 1"),
    "no places": ("places = 2", "¤places = 0", "agreement[0].quota.places", "greater than"),
    "per hour": ('"week"', '¤"hour"', "agreement[0].quota.per", "'day', 'week' or 'month'"),
    "no terms": ('"Efter aftale."', '¤" "', "agreement[0].terms", "at least 1"),
    "an assumption of no key": ('["quota"]', '¤["quotas"]', "agreement[0].assumptions", "no key"),
    "an assumption of no table": ('["distance"]', '¤["roads"]', "assumptions", "no key"),
    "an agreement twice": (
        "[[agreement]]", '[[agreement]]\nid = "aftale"\nborrower = "9902"\nlender = "hospital"\n'
        'kinds = ["acute_clinic"]\nterms = "x"\n[[agreement]]¤', "agreement[1].id",
        "is declared already"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "field", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_a_mistake_is_refused_where_it_stands(
    tmp_path: Path, old: str, new: str, field: str, reason: str
) -> None:
    assert GOOD.count(old) == 1, "the example must change in one place"
    marked = GOOD.replace(old, new)
    line = marked[: marked.index("¤")].count("\n") + (2 if field == "agreement[1].id" else 1)
    path = write(tmp_path, marked.replace("¤", ""))
    with pytest.raises(ConfigError) as caught:
        load_catalogue([path])
    found = [(each.file, each.line, each.field) for each in caught.value.problems]
    assert found[0] == (str(path), line, field), caught.value
    assert reason in caught.value.reason


def test_terms_hold_no_person_number(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("Efter aftale.", "Aftalt for 010150-1234"))
    with pytest.raises(ConfigError, match="CPR") as caught:
        load_catalogue([path])
    assert caught.value.field == "agreement[0].terms"
    assert "010150" not in str(caught.value)


@given(st.dates(date(2000, 1, 1), date(2000, 12, 31)))
def test_days_of_the_year(day: date) -> None:
    assert read_yearly_day(f"{day:%m-%d}") == (day.month, day.day)


def test_every_road_and_response_shipped_is_an_assumption() -> None:
    shipped = builtin_catalogue()
    assert "distance" in shipped.assumptions
    brought_to = {UnitKind.ACUTE_PLACE, UnitKind.ACUTE_CLINIC, UnitKind.SUBACUTE_SLOT}
    there = {unit.id for unit in shipped.units.values() if unit.kind in brought_to}
    for code in ("0730", "0710", "0707", "0706"):
        assert shipped.distances[code].keys() == there
    for unit in shipped.units.values():
        comes = unit.kind in (UnitKind.ACUTE_TEAM, UnitKind.HOSPITAL_AT_HOME)
        assert (unit.response is not None) is comes
        for field, default in (("hold_for", HOLD_FOR), ("response", None)):
            assert getattr(unit, field) == default or field in unit.assumptions
