"""A catalogue of one's own: what is right is read, and what is wrong is refused where it stands."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from capacity.catalogue import builtin_catalogue, load_catalogue
from capacity.catalogue_schema import CatalogueFile
from capacity.config_file import ConfigError, parse
from capacity.model import ReportType
from capacity.opening import Opening
from capacity.units import Freshness
from tests.support.catalogue_files import GOOD, write


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    catalogue = load_catalogue([write(tmp_path, GOOD)])
    assert list(catalogue.clusters) == ["klynge"]
    unit = catalogue.units["plads"]
    assert unit.report_type is ReportType.PLACE
    assert unit.phone == "+45 87 65 43 21"
    assert unit.freshness == Freshness(timedelta(hours=2), timedelta(hours=4))
    assert unit.opening == (Opening(frozenset(range(5)), time(8), time(16)),)
    assert unit.operator.on(date(1900, 1, 1)) == "kommune"
    term = catalogue.term("trial", datetime(2026, 1, 1, tzinfo=UTC))
    assert term is not None
    assert (term.da_plural, term.en_plural) == ("prøve", "trial")


def test_the_example_in_the_documentation_has_the_right_shape() -> None:
    text = (Path(__file__).parents[1] / "docs" / "catalogue.md").read_text(encoding="utf-8")
    example = text.split("```toml\n")[1].split("```")[0]
    content = parse(example, "example.toml").validate(CatalogueFile)
    shown = content.unit[0].model_fields_set
    assert shown == set(type(content.unit[0]).model_fields), "every key of a unit is shown"


def test_a_cluster_without_units_is_allowed(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("[[unit]]")]
    assert load_catalogue([write(tmp_path, text)]).units_of("klynge") == ()


REFUSALS = {
    # what: (replace, by, field, words of the reason); the line is where `by`'s first ¤ stands
    "unknown kind": ('kind = "acute_place"', '¤kind = "bed"', "unit[0].kind", "acute_place"),
    "unknown cluster": (
        'cluster = "klynge"', '¤cluster = "x"', "unit[0].cluster", "is not in the catalogue: x"),
    "unknown organisation": (
        'organisation = "kommune"\nm', '¤organisation = "x"\nm', "unit[0].organisation",
        "is not in the catalogue"),
    "unknown municipality": (
        'municipality = "9901"\nservice', '¤municipality = "9999"\nservice',
        "unit[0].municipality", "is not in the catalogue"),
    "unknown municipality of an organisation": (
        'municipality = "9901"\n\n', '¤municipality = "9999"\n\n',
        "organisation[0].municipality", "is not in the catalogue"),
    "municipality without a code": (
        '[[organisation]]\nid = "kommune"\nname = "Prøvekøbing Kommune"\ntype = "municipality"\n'
        'municipality = "9901"\n',
        '¤[[organisation]]\nid = "kommune"\nname = "Prøvekøbing"\ntype = "municipality"\n',
        "organisation[0].municipality", "is missing"),
    "unknown municipality of a cluster": (
        'codes = ["9901"]', '¤codes = ["9901", "9999"]',
        "cluster[0].municipalities[0].codes[1]", "is not in the catalogue"),
    "unknown service area": (
        '"9901", "9902"]', '¤"9901", "9999"]', "unit[0].service_area[1]",
        "is not in the catalogue"),
    "municipality outside the cluster": (
        'municipality = "9901"\nservice', '¤municipality = "9902"\nservice',
        "unit[0].municipality", "at no time part"),
    "unknown hospital": (
        'hospital = "hospital"', '¤hospital = "x"', "cluster[0].hospital", "type hospital"),
    "a hospital that is none": (
        'hospital = "hospital"', '¤hospital = "kommune"', "cluster[0].hospital", "type hospital"),
    "unknown capability": (
        '"ecg", "oxygen"', '¤"ecg", "oxygne"', "unit[0].capabilities[1]",
        "is not in the catalogue: oxygne"),
    "capability twice": (
        '"ecg", "oxygen"', '¤"ecg", "ecg"', "unit[0].capabilities", "twice"),
    "unknown authority": (
        'since = 2027-01-01, organisation = "hospital"',
        '¤since = 2027-01-01, organisation = "x"', "unit[0].authority[1].organisation",
        "is not in the catalogue"),
    "unknown operator": (
        'operator = "kommune"', '¤operator = "x"', "unit[0].operator[0].organisation",
        "is not in the catalogue"),
    "no operator at all": (
        'operator = "kommune"', "¤operator = []", "unit[0].operator", "at least 1"),
    "dates out of order": (
        '{ organisation = "kommune" },\n    { since = 2027-01-01,',
        '{ since = 2027-02-01, organisation = "kommune" },\n    {¤ since = 2027-01-01,',
        "unit[0].authority[1].since", "later than"),
    "dates that overlap": (
        '{ organisation = "kommune" },\n    { since = 2027-01-01,',
        '{ since = 2027-01-01, organisation = "kommune" },\n    {¤ since = 2027-01-01,',
        "unit[0].authority[1].since", "later than"),
    "a second entry without a date": (
        "since = 2027-01-01, ", "¤", "unit[0].authority[1].since", "later than"),
    "dates of a cluster out of order": (
        '{ codes = ["9901"] },', '{ codes = ["9901"] },\n¤{ codes = ["9902"] },',
        "cluster[0].municipalities[1].since", "later than"),
    "dates of a term out of order": (
        'en = "trial"', 'en = "trial"\n¤[[term.trial]]\nda = "b"\nen = "b"',
        "term.trial[1].since", "later than"),
    "no day": ("2027-01-01", '¤"soon"', "unit[0].authority[1].since", "date"),
    "bad id": ('id = "plads"', '¤id = "Plads_1"', "unit[0].id", "a-z0-9-"),
    "long id": ('id = "plads"', f'¤id = "{"a" * 61}"', "unit[0].id", "a-z0-9-"),
    "empty name": ('name = "Akutpladsen"', '¤name = " "', "unit[0].name", "at least 1"),
    "bad phone": ('"87 65 43 21"', '¤"87 65 43 2"', "unit[0].phone", "eight digits"),
    "foreign phone": ('"87 65 43 21"', '¤"+46 87654321"', "unit[0].phone", "eight digits"),
    "undeclared placeholder phone": (
        '"87 65 43 21"', '¤"00 00 00 01"', "unit[0].phone", 'add "phone" to assumptions'),
    "undeclared placeholder sor": (
        '"123456789012345"', '¤"000000000000001"', "organisation[1].sor",
        'add "sor" to assumptions'),
    "sor not digits": ('"123456789012346"', '¤"12345678901234A"', "unit[0].sor", "pattern"),
    "code not four digits": ('"9902" = ', '¤"902" = ', "municipality.902", "pattern"),
    "code as a number": (
        'municipality = "9901"\nservice', "¤municipality = 730\nservice",
        "unit[0].municipality", "string"),
    "stale as soon as ageing": (
        'stale_after = "4 h"', '¤stale_after = "2 h"', "unit[0].freshness.stale_after", "longer"),
    "ageing after nothing": (
        'ageing_after = "2 h"', '¤ageing_after = "0 h"', "unit[0].freshness.ageing_after",
        "above zero"),
    "freshness negative": (
        'stale_after = "4 h"', '¤stale_after = "-4 h"', "unit[0].freshness.stale_after",
        "length of time"),
    "freshness as a number": (
        'stale_after = "4 h"', "¤stale_after = 4", "unit[0].freshness.stale_after",
        "length of time"),
    "freshness missing": (
        'freshness = { ageing_after = "2 h", stale_after = "4 h" }\n', "", "unit[0].freshness",
        "is missing"),
    "hours malformed": (
        '"08:00-16:00"', '¤"8-16"', "unit[0].opening[0].hours", "no opening hours"),
    "hours beyond the day": (
        '"08:00-16:00"', '¤"08:00-25:00"', "unit[0].opening[0].hours", "no opening hours"),
    "hours not a text": ('"08:00-16:00"', "¤816", "unit[0].opening[0].hours", "no opening hours"),
    "days malformed": ('"mon-fri"', '¤"mandag"', "unit[0].opening[0].days", "no weekdays"),
    "days half malformed": ('"mon-fri"', '¤"mon-x"', "unit[0].opening[0].days", "no weekdays"),
    "days not a text": ('"mon-fri"', "¤1", "unit[0].opening[0].days", "no weekdays"),
    "days backwards": ('"mon-fri"', '¤"fri-mon"', "unit[0].opening[0].days", "backwards"),
    "never open": (
        'opening = [\n    { days = "mon-fri", hours = "08:00-16:00" },\n]', "¤opening = []",
        "unit[0].opening", "at least 1"),
    "places negative": ("places = 3", "¤places = -1", "unit[0].places", "greater than"),
    "places no number": ("places = 3", '¤places = "3"', "unit[0].places", "integer"),
    "unknown key": ("places = 3", "¤beds = 3", "unit[0].beds", "not a known key"),
    "unknown section": ("municipality = {", "¤people = 1\nmunicipality = {", "people",
                        "not a known key"),
    "assumption of no key": (
        "places = 3", '¤assumptions = ["beds"]', "unit[0].assumptions", "no key of this block"),
    "unknown type": ('type = "hospital"', '¤type = "clinic"', "organisation[1].type", "hospital"),
    "unit twice": (
        "[[term.trial]]", GOOD[GOOD.index("[[unit]]") : GOOD.index("[[term.trial]]")].replace(
            'id = "plads"', '¤id = "plads"') + "[[term.trial]]",
        "unit[1].id", "declared already in"),
    "capability declared again": (
        "[[cluster]]", '[capability]\n¤ecg = { da = "EKG", en = "ECG" }\n[[cluster]]',
        "capability.ecg", "vocabulary.toml:"),
    "capability with a bad key": (
        "[[cluster]]", '[capability]\n¤Ecg = { da = "EKG", en = "ECG" }\n[[cluster]]',
        "capability.Ecg", "pattern"),
    "term declared again": (
        "[[term.trial]]", '¤[[term.cluster]]\nda = "a"\nen = "a"\n[[term.trial]]',
        "term.cluster", "vocabulary.toml:"),
    "unknown required file": (
        "municipality = {", '¤requires = ["atlantis"]\nmunicipality = {', "requires[0]",
        "no shipped"),
    "a path as required file": (
        "municipality = {", '¤requires = ["../x"]\nmunicipality = {', "requires[0]", "pattern"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "field", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_a_mistake_is_refused_where_it_stands(
    tmp_path: Path, old: str, new: str, field: str, reason: str
) -> None:
    assert GOOD.count(old) == 1, "the example must change in one place"
    marked = GOOD.replace(old, new)
    if "¤" not in marked:
        marked = marked.replace("[[unit]]", "¤[[unit]]")
    line = marked[: marked.index("¤")].count("\n") + 1
    path = write(tmp_path, marked.replace("¤", ""))
    with pytest.raises(ConfigError) as caught:
        load_catalogue([path])
    found = [(each.file, each.line, each.field) for each in caught.value.problems]
    assert found[0] == (str(path), line, field), caught.value
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"{path}:{line}: {field}: ")


CPR = "010150-1234"


@pytest.mark.parametrize(
    ("old", "new", "field", "line"),
    [
        ('name = "Akutpladsen"', f'name = "Akut {CPR}"', "unit[0].name", 25),
        ('"Langtbort"', f'"{CPR}"', "municipality.9902", 1),
        ('"123456789012346"', '"0101501234"', "unit[0].sor", 43),
        ('operator = "kommune"', f'operator = "{CPR}"', "unit[0].operator[0].organisation", 38),
    ],
)
def test_a_person_number_is_refused_and_not_repeated(
    tmp_path: Path, old: str, new: str, field: str, line: int
) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigError, match="CPR") as caught:
        load_catalogue([path])
    assert (line, field) in [(each.line, each.field) for each in caught.value.problems]
    assert CPR not in str(caught.value)
    assert "0101501234" not in str(caught.value)


def test_a_second_file_may_refer_to_the_first_but_not_repeat_it(tmp_path: Path) -> None:
    units = GOOD.index("[[unit]]")
    first = write(tmp_path, GOOD[:units], "first.toml")
    second = write(tmp_path, GOOD[units:], "second.toml")
    assert list(load_catalogue([first, second]).units) == ["plads"]
    assert load_catalogue([first, first, second]).units, "a file named twice is read once"
    third = write(tmp_path, GOOD[units:], "third.toml")
    with pytest.raises(ConfigError) as caught:
        load_catalogue([first, second, third])
    assert [(p.file, p.line, p.field) for p in caught.value.problems] == [
        (str(third), 2, "unit[0].id"),
        (str(third), 23, "term.trial"),
    ]
    assert caught.value.reason == f"is declared already in {second}:2"


def test_a_file_of_ones_own_may_require_shipped_ones(tmp_path: Path) -> None:
    path = write(tmp_path, 'requires = ["randers"]\n')
    assert load_catalogue([path]).units.keys() == builtin_catalogue().units.keys()


def test_a_shipped_name_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"atlantis\.toml: cannot be read"):
        builtin_catalogue(("atlantis",))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('cluster = "klynge"', 'cluster = "x"').replace('"ecg"', '"egc"')
    with pytest.raises(ConfigError) as caught:
        load_catalogue([write(tmp_path, text)])
    assert [each.field for each in caught.value.problems] == [
        "unit[0].cluster",
        "unit[0].capabilities[0]",
    ]
