"""The catalogue that is shipped: the region as published, every unit complete or owning up."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from capacity.catalogue import builtin_catalogue, shipped_names
from capacity.model import UnitKind
from capacity.units import Catalogue, OrganisationType

pytest_plugins = ["tests.support.catalogue_fixtures"]

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
