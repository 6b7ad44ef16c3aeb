"""Filters live in the address: read with suspicion, written back in the same words."""

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from tests.support.board_page import CATALOGUE, row
from web.pages.filters import MOST_CAPABILITIES, Filters, read_filters, served_by

PLACES = ("0730", "0710")
ABILITIES = ("ecg", "oxygen", "iv_fluid")


def test_unknown_values_and_repetitions_are_ignored():
    query = [
        ("municipality", "9999"),
        ("capability", "ecg"),
        ("capability", "ecg"),
        ("capability", "<script>"),
        ("lang", "en"),
    ]
    assert read_filters(query, PLACES, ABILITIES) == Filters(None, ("ecg",))


def test_an_endless_address_is_cut():
    codes = [f"c{n}" for n in range(100)]
    chosen = read_filters([("capability", code) for code in codes], PLACES, codes)
    assert len(chosen.capabilities) == MOST_CAPABILITIES


@given(
    st.sampled_from([None, *PLACES]),
    st.lists(st.sampled_from(ABILITIES), unique=True),
    st.booleans(),
)
def test_an_address_reads_back_as_what_was_chosen(municipality, capabilities, english):
    filters = Filters(municipality, tuple(capabilities))
    href = filters.href("en" if english else None)
    pairs = parse_qsl(href.removeprefix("?"))
    assert read_filters(pairs, PLACES, ABILITIES) == filters
    assert (("lang", "en") in pairs) == english


@given(st.lists(st.sampled_from(ABILITIES), unique=True), st.sampled_from(ABILITIES))
def test_toggling_twice_changes_nothing_but_the_order(capabilities, one):
    filters = Filters("0730", tuple(capabilities))
    twice = filters.toggled(one).toggled(one)
    assert set(twice.capabilities) == set(capabilities)
    assert (one in filters.toggled(one).capabilities) != (one in capabilities)


def test_all_chosen_capabilities_are_required_as_they_are_just_now():
    team = row("randers-akutteam", free=1, capabilities_off=("ecg",))
    everywhere = frozenset[str]()
    assert Filters(None, ("oxygen",)).accepts(team, everywhere)
    assert not Filters(None, ("oxygen", "ecg")).accepts(team, everywhere)


def test_a_municipality_sees_its_own_units_and_those_that_serve_it():
    team = row("randers-akutteam", free=1)
    assert Filters("0730").accepts(team, frozenset({"0730"}))
    assert not Filters("0710").accepts(team, frozenset({"0730"}))
    assert Filters("0710").accepts(team, frozenset())
    clinic = CATALOGUE.units["akutklinik-grenaa"]
    assert served_by(clinic, local=False) == {"0707", "0706"}
    assert "0730" in served_by(CATALOGUE.units["randers-akutteam"], local=True)
