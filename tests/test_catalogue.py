"""The catalogue: what is shipped is right, and what is wrong is refused where it stands."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.catalogue import builtin_catalogue, load_catalogue, shipped_names
from capacity.catalogue_schema import CatalogueFile
from capacity.config_file import ConfigError, parse
from capacity.model import ReportType, UnitKind
from capacity.notations import read_days, read_duration, read_hours, read_phone
from capacity.opening import Opening
from capacity.units import Catalogue, Dated, Freshness, OrganisationType

# --- what is shipped ------------------------------------------------------------------------

REGION = {
    "randers": ("Randers", {"0730": "Randers", "0710": "Favrskov", "0707": "Norddjurs",
                            "0706": "Syddjurs"}, "Regionshospitalet Randers"),
    "horsens": ("Horsens", {"0615": "Horsens", "0766": "Hedensted", "0727": "Odder",
                            "0746": "Skanderborg"}, "Regionshospitalet Horsens"),
    "midt": ("Midt", {"0791": "Viborg", "0740": "Silkeborg", "0779": "Skive"},
             "Hospitalsenhed Midt"),
    "vest": ("Vest", {"0657": "Herning", "0661": "Holstebro", "0756": "Ikast-Brande",
                      "0665": "Lemvig", "0760": "Ringkøbing-Skjern", "0671": "Struer"},
             "Regionshospitalet Gødstrup"),
    "aarhus": ("Aarhus", {"0751": "Aarhus", "0741": "Samsø"}, "Aarhus Universitetshospital"),
}  # fmt: skip
"""The region as its own table has it: cluster, municipalities by code, hospital."""

RANDERS_UNITS = {
    UnitKind.ACUTE_PLACE: ["randers-akutplads-1", "randers-akutplads-2", "favrskov-akutplads",
                           "norddjurs-akutplads", "syddjurs-akutplads"],
    UnitKind.ACUTE_TEAM: ["randers-akutteam", "favrskov-akutteam", "norddjurs-akutteam",
                          "syddjurs-akutteam"],
    UnitKind.ACUTE_DEPARTMENT: ["rhr-akutafdeling"],
    UnitKind.VISITATION: ["rhr-visitation"],
    UnitKind.SUBACUTE_SLOT: ["rhr-subakut-medicin", "rhr-subakut-geriatri"],
    UnitKind.ADVICE_LINE: ["rhr-geriatri-raad"],
    UnitKind.HOSPITAL_AT_HOME: ["rhr-hjemmeindlaeggelse"],
    UnitKind.OUT_OF_HOURS: ["laegevagt-randers"],
    UnitKind.ACUTE_CLINIC: ["akutklinik-grenaa"],
    UnitKind.PREHOSPITAL: ["praehospital-randers"],
}  # fmt: skip


@pytest.fixture(scope="module")
def randers() -> Catalogue:
    return builtin_catalogue()


def test_the_region_is_as_its_table(randers: Catalogue) -> None:
    found = {
        cluster.id: (
            cluster.name,
            {code: randers.municipalities[code] for code in cluster.municipalities.values[0][1]},
            randers.organisations[cluster.hospital].name,
        )
        for cluster in randers.clusters.values()
    }
    assert found == REGION
    assert len(randers.municipalities) == 19


def test_every_municipality_is_an_organisation_with_its_code(randers: Catalogue) -> None:
    by_code = {
        each.municipality: each.name
        for each in randers.organisations.values()
        if each.type is OrganisationType.MUNICIPALITY
    }
    assert by_code == {code: f"{name} Kommune" for code, name in randers.municipalities.items()}
    assert randers.organisations["region-midtjylland"].region_code == "1082"


def test_randers_has_units_of_every_kind(randers: Catalogue) -> None:
    units = randers.units_of("randers")
    found = {kind: [unit.id for unit in units if unit.kind is kind] for kind in UnitKind}
    assert found == RANDERS_UNITS
    assert len(randers.units) == 18


def test_known_and_assumed_numbers_of_places(randers: Catalogue) -> None:
    places = [randers.units[name] for name in RANDERS_UNITS[UnitKind.ACUTE_PLACE]]
    assert sum(unit.places or 0 for unit in places) == 7
    assert all({"name", "places", "phone"} <= unit.assumptions for unit in places)
    assert randers.units["rhr-akutafdeling"].places == 50


def test_every_unit_is_complete_and_owns_up_to_its_placeholders(randers: Catalogue) -> None:
    phones = [unit.phone for unit in randers.units.values()]
    assert len(set(phones)) == len(phones)
    for unit in randers.units.values():
        assert unit.phone is not None
        assert unit.phone.startswith("+45 00 "), "no real number is shipped"
        assert {"phone", "freshness"} <= unit.assumptions
        assert "capabilities" in unit.assumptions or not unit.capabilities
        assert "opening" in unit.assumptions or unit.opening is None
        assert unit.service_area
    for organisation in randers.organisations.values():
        assert organisation.sor is not None
        assert organisation.sor.startswith("0")
        assert "sor" in organisation.assumptions


def test_every_kind_and_every_used_capability_has_words(randers: Catalogue) -> None:
    at = datetime(2026, 12, 1, tzinfo=UTC)
    for kind in UnitKind:
        term = randers.term(kind, at)
        assert term is not None
        assert all((term.da, term.da_plural, term.en, term.en_plural))
    offered = {c for unit in randers.units.values() for c in unit.capabilities}
    assert offered <= randers.capabilities.keys()
    assert randers.capabilities["iv_antibiotics"].da == "iv-antibiotika"


@pytest.mark.parametrize(
    "names", [("region-midtjylland",), ("randers", "region-midtjylland"), ("vocabulary", "randers")]
)
def test_shipped_files_load_alone_and_together(names: tuple[str, ...], randers: Catalogue) -> None:
    catalogue = builtin_catalogue(names)
    assert catalogue.clusters == randers.clusters
    assert bool(catalogue.units) == ("randers" in names)


def test_no_more_is_shipped_than_is_tested() -> None:
    assert shipped_names() == {"vocabulary", "region-midtjylland", "randers"}


@pytest.mark.samples
def test_municipality_codes_are_the_published_ones(samples: Path, randers: Catalogue) -> None:
    text = (samples / "dk-core" / "CodeSystem-dk-core-municipality-codes.json").read_text("utf-8")
    published = {each["code"]: each["display"] for each in json.loads(text)["concept"]}
    for code, name in randers.municipalities.items():
        assert published[code] == name


# --- dates ----------------------------------------------------------------------------------


def test_authority_changes_on_the_first_of_january_2027(randers: Catalogue) -> None:
    unit = randers.units["norddjurs-akutplads"]
    assert unit.authority.on(date(2026, 12, 31)) == "norddjurs-kommune"
    assert unit.authority.on(date(2027, 1, 1)) == "region-midtjylland"
    assert unit.operator.on(date(2027, 1, 1)) == "norddjurs-kommune"
    assert {"authority", "operator"} <= unit.assumptions
    cluster = randers.clusters["randers"]
    assert cluster.municipalities.on(date(2027, 1, 1)) == ("0730", "0710", "0707", "0706")
    assert "municipalities" in cluster.assumptions


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("acute_team", "akutteam", "akutsygepleje"),
        ("acute_function", "akutfunktion", "akutsygepleje"),
        ("acute_place", "akutplads", "sundheds- og omsorgsplads"),
        ("cluster", "sundhedsklynge", "sundhedsråd"),
        ("visitation", "hospitalsvisitation", "hospitalsvisitation"),
    ],
)
def test_terms_change_at_danish_midnight(
    randers: Catalogue, key: str, before: str, after: str
) -> None:
    last = randers.term(key, datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC))
    first = randers.term(key, datetime(2026, 12, 31, 23, 0, tzinfo=UTC))
    assert last is not None
    assert first is not None
    assert (last.da, first.da) == (before, after)
    assert randers.term("no such word", datetime(2026, 1, 1, tzinfo=UTC)) is None


@settings(deadline=None)
@given(st.lists(st.dates(), min_size=1, unique=True), st.dates())
def test_a_dated_value_holds_from_its_day_until_the_next(days: list[date], day: date) -> None:
    days.sort()
    dated = Dated(tuple((since, since) for since in days))
    assert dated.on(day) == max((since for since in days if since <= day), default=None)


# --- opening hours --------------------------------------------------------------------------


def copenhagen(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-20T15:59:59+01:00", False),  # a Friday
        ("2026-11-20T16:00:00+01:00", True),
        ("2026-11-21T07:59:59+01:00", True),
        ("2026-11-21T12:00:00+01:00", True),
        ("2026-11-22T23:30:00+01:00", True),
        ("2026-11-23T07:59:59+01:00", True),  # Monday morning belongs to Sunday's duty
        ("2026-11-23T08:00:00+01:00", False),
        ("2026-07-15T16:00:00+02:00", True),  # summer time
        ("2026-07-15T15:59:00+02:00", False),
    ],
)
def test_the_out_of_hours_service_is_open_out_of_hours(
    randers: Catalogue, at: str, is_open: bool
) -> None:
    assert randers.units["laegevagt-randers"].is_open(copenhagen(at)) is is_open


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-20T08:00:00+01:00", True),
        ("2026-11-20T15:00:00+01:00", False),
        ("2026-11-21T10:00:00+01:00", False),
    ],
)
def test_the_advice_line_has_day_hours(randers: Catalogue, at: str, is_open: bool) -> None:
    assert randers.units["rhr-geriatri-raad"].is_open(copenhagen(at)) is is_open


def test_a_unit_without_hours_is_always_open(randers: Catalogue) -> None:
    assert randers.units["randers-akutteam"].is_open(copenhagen("2026-11-20T03:00:00+01:00"))


# --- notations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90 s", timedelta(seconds=90)),
        ("3 min", timedelta(minutes=3)),
        ("4h", timedelta(hours=4)),
        ("1 d", timedelta(days=1)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert read_duration(text) == length


def test_days_and_hours() -> None:
    assert read_days("mon-fri") == {0, 1, 2, 3, 4}
    assert read_days("mon-tue, sun") == {0, 1, 6}
    assert read_days("sat") == {5}
    assert read_hours("08:00-15:30") == (time(8), time(15, 30))
    assert read_hours("00:00-24:00") == (time(0), time(0))
    assert read_hours("16:00-08:00") == (time(16), time(8))


@pytest.mark.parametrize("text", ["12345678", "12 34 56 78", "+45 12345678", "+4512345678"])
def test_a_number_is_kept_in_one_notation(text: str) -> None:
    assert read_phone(text) == "+45 12 34 56 78"


@settings(deadline=None)
@given(st.text(max_size=20))
def test_no_text_is_taken_for_a_notation_that_it_is_not(text: str) -> None:
    for reader in (read_duration, read_days, read_hours, read_phone):
        try:
            value = reader(text)
        except ValueError:
            continue
        assert value, "what is read is never empty"


# --- refusals -------------------------------------------------------------------------------

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
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


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
