"""Person numbers: found in every usual spelling, and not seen where there is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.privacy import CPR_REASON, first_cpr, holds_cpr, may_hold_cpr

DIGITS = "0123456789"


@pytest.mark.parametrize(
    "text",
    [
        "120499-1234",
        "1204991234",
        "120499 1234",
        "120499 - 1234",
        "120499–1234",
        "120499−1234",
        "120499‑1234",
        "120499－1234",
        "120499\u00a01234",
        "120499\n1234",
        "290200-4000",
        "ring om 311299-0000, tak",
        "CPR:010100-0001.",
        "cpr120499-1234x",
        "3.5 og 1204991234",
        "01 01 90 1234",
        "01-01-90-1234",
        "01.01.90-1234",
        "01/01/90 1234",
        "010190/1234",
        "010190.1234",
        "010190_1234",
        "610190-1234",
        "0101\u00ad90-1234",
        "010190\u200b-\u200b1234",
    ],
)
def test_person_numbers_are_seen(text: str) -> None:
    assert holds_cpr(text)
    assert may_hold_cpr(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2 ledige",
        "320199-1234",
        "121399-1234",
        "310499-1234",
        "300200-1234",
        "000199-1234",
        "12049-91234",
        "1120499-1234",
        "120499-12345",
        "12345678",
        "+45 87 12 34 56",
        "2026-03-02T08:15:00Z",
        "2026-03-02T08:15:00.120499-0500",
        "3.0312234375",
        "-18,3012841903",
        "ab120499-1234-4cde-8f00-001122334455",
        "2026-03-02 081500",
        "22-11-2026 14:05",
        "86 42 12 34",
        "+45 86 42 12 34",
        "320190-1234",
        "920190-1234",
        "01 01-90-1234",
        "urn:uuid:00112233-4455-4677-8899-aa1204991234",
    ],
)
def test_other_digits_are_not(text: str) -> None:
    assert not holds_cpr(text)


def test_the_reason_repeats_nothing() -> None:
    assert not any(digit in CPR_REASON for digit in DIGITS)


@given(
    st.dates().map(lambda day: f"{day:%d%m%y}"),
    st.integers(0, 9999),
    st.sampled_from(["", "-", " ", " - ", "–"]),
    st.text(st.characters(exclude_categories=["Nd"]), max_size=8),
)
def test_any_day_of_birth_is_seen_in_any_text(
    day: str, number: int, between: str, around: str
) -> None:
    # A digit and a dot or comma before it would make it a decimal number; letters only here.
    assert holds_cpr(f"{around}{day}{between}{number:04}{around}")


@given(st.text() | st.text("0129-./_ \n\t\xa0\x85\xadå–", min_size=8, max_size=24))
def test_the_quick_look_misses_nothing(text: str) -> None:
    assert may_hold_cpr(text) or not holds_cpr(text)


@pytest.mark.parametrize(
    "text",
    ["Akutplads på Sønder Allé 12, +45 89 12 34 56", "2027-01-01", "æ 20 10 30–12 40 50", ""],
)
def test_the_quick_look_lets_ordinary_words_pass(text: str) -> None:
    assert not may_hold_cpr(text)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("120499-1234", ""),
        ({"note": "120499-1234"}, "note"),
        ({"a": {"b": ["x", {"c": "120499-1234"}]}}, "a.b[1].c"),
        ({"a": ("x", "120499-1234")}, "a[1]"),
        ({"120499-1234": 1}, "(key)"),
        ({"a": {"120499-1234": 1}}, "a.(key)"),
        ({"total": 1204991234}, "total"),
        ({"total": 101991234}, "total"),
        ({"b": "120499-1234", "a": "120499-1234"}, "b"),
    ],
)
def test_the_first_place_is_named(value: object, path: str) -> None:
    assert first_cpr(value) == path


@pytest.mark.parametrize(
    "value",
    [None, True, 5, 1.5, 12049912345, 3204991234, "x", {}, [], {"a": [None, {"b": 3}], "c": "d"}],
)
def test_nothing_is_found_where_nothing_is(value: object) -> None:
    assert first_cpr(value) is None


def test_a_value_of_any_depth_is_searched() -> None:
    deep: Any = "120499-1234"
    for _ in range(20_000):
        deep = [deep]
    assert first_cpr(deep) == "[0]" * 20_000
