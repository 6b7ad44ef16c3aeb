"""Texts: both languages say everything, gaps match, and one is not many."""

import re

import pytest

from web.words import DEFAULT, LANGUAGES, ROOMS, Words, choose_language, fill
from web.words.board import KINDS, MONTHS, PAGE, SHARED, SHARED_COUNTS

GAP = re.compile(r"\{(\w+)\}")


TABLES = [KINDS, *(table for room in ROOMS.values() for table in (room.SHARED, room.PAGE))]


@pytest.mark.parametrize("table", TABLES)
def test_every_text_exists_in_both_languages_with_the_same_gaps(table):
    for key, (danish, english) in table.items():
        assert danish, key
        assert english, key
        assert set(GAP.findall(danish)) == set(GAP.findall(english)), key


def test_counted_texts_have_one_and_many_in_both_languages_with_the_same_gaps():
    for key, (danish, english) in SHARED_COUNTS.items():
        gaps = {frozenset(GAP.findall(text)) for text in (*danish, *english)}
        assert len(gaps) == 1, key


def test_the_tables_do_not_shadow_each_other():
    assert not set(SHARED) & set(PAGE)
    assert not (set(SHARED) | set(PAGE)) & set(SHARED_COUNTS)


def test_danish_comes_first():
    assert DEFAULT == "da"
    assert LANGUAGES[0] == "da"
    assert Words().text("state_stale") == "Forældet"
    assert Words("en").text("state_stale") == "Outdated"


@pytest.mark.parametrize(
    ("n", "danish", "english"), [(0, "ledige", "free"), (1, "ledig", "free"), (2, "ledige", "free")]
)
def test_one_is_one_and_all_else_is_many(n, danish, english):
    assert Words("da").count("total_free", n) == danish
    assert Words("en").count("total_free", n) == english
    assert Words("en").count("places", n) == ("acute place" if n == 1 else "acute places")


def test_the_catalogues_word_for_places_is_used():
    words = Words("da", ("sundhedsplads", "sundhedspladser"))
    assert words.count("places", 1) == "sundhedsplads"
    assert words.count("places", 2) == "sundhedspladser"


def test_a_value_with_braces_stays_as_it_is():
    assert fill("a {x} b {y}", {"x": "{y}", "y": "2"}) == "a {y} b 2"


def test_a_missing_gap_or_text_is_an_error():
    with pytest.raises(KeyError):
        fill("{x}", {})
    with pytest.raises(KeyError):
        Words().text("no such text")


@pytest.mark.parametrize(
    ("wishes", "lang"),
    [
        ((None, None), "da"),
        (("en", None), "en"),
        ((None, "en"), "en"),
        (("da", "en"), "da"),
        (("de", "en"), "en"),
        (("<script>", ""), "da"),
    ],
)
def test_the_query_goes_before_the_cookie_and_danish_is_the_fallback(wishes, lang):
    assert choose_language(*wishes) == lang


def test_the_script_gets_every_shared_text_of_one_language():
    given = Words("en").for_script()
    assert given["lang"] == "en"
    assert given["texts"] == {key: english for key, (_, english) in SHARED.items()}
    counts = given["counts"]
    assert isinstance(counts, dict)
    assert set(counts) == set(SHARED_COUNTS)
    assert given["months"] == list(MONTHS["en"])


def test_unknown_kinds_are_shown_by_their_code():
    assert Words().kind("acute_team") == "akutteam"
    assert Words().kind("moon_base") == "moon_base"
