"""Needs: four choices, read strictly, with errors that name the field and repeat nothing."""

import pytest

from capacity.catalogue import builtin_catalogue
from capacity.need import LONGEST_MINUTES, Need, NeedError, Where, parse_need

CATALOGUE = builtin_catalogue()


def test_a_need_of_nothing_asks_for_nothing() -> None:
    assert parse_need({}, CATALOGUE) == Need(None, (), None, Where.EITHER)
    nothing = dict.fromkeys(("municipality", "capabilities", "within_minutes", "where"))
    assert parse_need(nothing, CATALOGUE) == Need()


def test_a_whole_need_comes_back_as_it_was_sent() -> None:
    sent = {
        "municipality": "0730",
        "capabilities": ["iv_antibiotics", "oxygen"],
        "within_minutes": 120,
        "where": "place",
    }
    need = parse_need(sent, CATALOGUE)
    assert need == Need("0730", ("iv_antibiotics", "oxygen"), 120, Where.PLACE)
    assert need.as_json() == sent
    assert parse_need(need.as_json(), CATALOGUE) == need


def test_equal_needs_are_equal_however_they_were_written() -> None:
    one = parse_need({"capabilities": ["oxygen", "iv_antibiotics", "oxygen"]}, CATALOGUE)
    other = parse_need({"capabilities": ("iv_antibiotics", "oxygen")}, CATALOGUE)
    assert one == other


def test_any_municipality_of_the_catalogue_can_call() -> None:
    assert parse_need({"municipality": "0615"}, CATALOGUE).municipality == "0615"


@pytest.mark.parametrize(("value", "minutes"), [("90", 90), (0, 0), (LONGEST_MINUTES, 10080)])
def test_minutes_may_come_as_a_query_has_them(value: object, minutes: int) -> None:
    assert parse_need({"within_minutes": value}, CATALOGUE).within_minutes == minutes


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("municipality", "9999"),
        ("municipality", 730),
        ("municipality", ["0730"]),
        ("capabilities", "iv_antibiotics"),
        ("capabilities", ["surgery"]),
        ("capabilities", [["oxygen"]]),
        ("capabilities", {"oxygen": True}),
        ("capabilities", ["oxygen"] * 41),
        ("within_minutes", -1),
        ("within_minutes", LONGEST_MINUTES + 1),
        ("within_minutes", 1.5),
        ("within_minutes", True),
        ("within_minutes", "soon"),
        ("within_minutes", "٣"),
        ("where", "hospital"),
        ("where", 1),
    ],
)
def test_what_is_no_choice_is_refused_by_its_field(field: str, value: object) -> None:
    with pytest.raises(NeedError) as refused:
        parse_need({field: value}, CATALOGUE)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"municipality": "010190-1234"}, "municipality"),
        ({"capabilities": ["oxygen", "010190-1234"]}, "capabilities"),
        ({"within_minutes": 101901234}, "within_minutes"),
        ({"where": "hos 010190 1234"}, "where"),
        ({"010190-1234": 1}, "need"),
    ],
)
def test_a_person_number_is_refused_and_not_repeated(sent: dict[str, object], field: str) -> None:
    with pytest.raises(NeedError) as refused:
        parse_need(sent, CATALOGUE)
    assert refused.value.field == field
    assert "CPR" in refused.value.reason
    assert "1234" not in str(refused.value)


def test_there_is_no_room_for_free_text() -> None:
    with pytest.raises(NeedError) as refused:
        parse_need({"note": "bor på 2. sal"}, CATALOGUE)
    assert refused.value.field == "need"
    assert "sal" not in str(refused.value)
