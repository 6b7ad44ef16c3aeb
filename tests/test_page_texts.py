"""What one row, and a group of rows, say on the page: the rules that keep figures honest."""

from datetime import UTC, datetime, timedelta

import pytest

from capacity.model import Closure, Inconsistency
from capacity.row import row_of
from tests.support.board_page import BASE, CATALOGUE, row
from web.pages import times
from web.pages.shown import shown
from web.pages.totals import total_of, total_shown
from web.words import Words

DA, EN = Words("da"), Words("en")


def say(a_row, minutes=0.0, words=DA):
    return shown(a_row, BASE + timedelta(minutes=minutes), words, {"ecg": "EKG"})


def figure(texts):
    return texts["mark"], texts["number"], texts["of"], texts["word"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"total": 4, "free": 2}, ("free", "2", "af 4", "Ledige")),
        ({"total": 4, "free": 1}, ("one", "1", "af 4", "Én ledig")),
        ({"total": 4, "free": 0}, ("occupied", "0", "af 4", "Optaget")),
        ({"free": 2}, ("free", "2", "", "Ledige")),
        ({"total": 4}, ("unknown", "–", "", "Ukendt")),
        ({"total": 4, "free": 2, "closure": Closure("syg")}, ("closed", "–", "", "Lukket")),
    ],
)
def test_places_have_shape_number_and_word(fields, expected):
    assert figure(say(row("randers-akutplads-1", **fields))) == expected


def test_english_has_its_own_words():
    assert figure(say(row("randers-akutplads-1", total=4, free=1), words=EN)) == (
        "one",
        "1",
        "of 4",
        "One free",
    )


def test_a_figure_turns_ageing_and_stale_exactly_on_time():
    a_row = row("randers-akutplads-1", total=2, free=2)  # ageing after 2 h, stale after 4 h
    assert say(a_row, 119.99)["freshness"] == "fresh"
    assert say(a_row, 120)["freshness"] == "ageing"
    assert say(a_row, 120)["ageing"] == "ældes"
    assert figure(say(a_row, 239.99)) == ("free", "2", "af 2", "Ledige")
    stale = say(a_row, 240)
    assert figure(stale) == ("stale", "–", "", "Forældet")
    assert stale["line"] == "sidst meldt kl. 14.05"
    assert stale["counts"] == ""


def test_a_unit_never_heard_of_is_unknown_and_not_zero():
    texts = say(row_of(CATALOGUE.units["randers-akutplads-1"], None))
    assert figure(texts) == ("unknown", "–", "", "Ukendt")
    assert texts["age"] == "aldrig"
    assert texts["observed"] == "Ingen melding endnu"
    assert "0" not in texts["counts"]


@pytest.mark.parametrize("unit", ["rhr-akutafdeling", "rhr-visitation", "laegevagt-randers"])
def test_pressure_goes_stale_like_everything_else(unit):
    texts = say(row(unit, total=50, occupied=40, waiting=7, wait_minutes=35), 5)
    assert figure(texts) == ("stale", "–", "", "Forældet")
    assert [texts[key] for key in ("waiting", "waiting_word", "wait", "wait_word")] == [""] * 4


def test_a_department_tells_occupied_waiting_and_waiting_time():
    texts = say(row("rhr-akutafdeling", total=50, occupied=40, waiting=7, wait_minutes=35))
    assert figure(texts) == ("load", "40", "af 50", "belagt")
    assert (texts["waiting"], texts["waiting_word"]) == ("7", "venter")
    assert (texts["wait_word"], texts["wait"]) == ("ventetid", "35 min")


@pytest.mark.parametrize(
    ("fields", "expected", "wait"),
    [
        ({"waiting": 0, "wait_minutes": 0}, ("load", "0", "", "venter"), "0 min"),
        ({"wait_minutes": 12}, ("load", "12 min", "", "ventetid"), ""),
        ({}, ("unknown", "–", "", "Ukendt"), ""),
    ],
)
def test_a_queue_without_places_leads_with_what_it_knows(fields, expected, wait):
    texts = say(row("laegevagt-randers", **fields))
    assert figure(texts) == expected
    assert texts["wait"] == wait
    assert texts["waiting"] == ""


def test_an_advice_line_is_open_or_closed_and_tells_its_queue():
    texts = say(row("rhr-geriatri-raad", on_duty=True, waiting=1))
    assert figure(texts) == ("free", "", "", "Åben")
    assert texts["waiting"] == "1"
    closed = say(row("rhr-geriatri-raad", on_duty=False))
    assert figure(closed) == ("closed", "–", "", "Lukket")
    assert closed["line"] == "ikke på vagt"


def test_a_team_on_duty_without_a_count_is_unknown_but_on_duty():
    texts = say(row("randers-akutteam", on_duty=True))
    assert figure(texts)[0] == "unknown"
    assert texts["line"] == "på vagt"


def test_next_free_is_told_until_it_has_passed():
    a_row = row("rhr-subakut-medicin", free=1, next_free_at=BASE + timedelta(minutes=10))
    assert say(a_row)["line"] == "næste ledige kl. 14.15"
    assert say(a_row, 10)["line"] == ""


@pytest.mark.parametrize(
    ("itself", "minutes", "line"),
    [
        (False, 0, "syg · ventes åbnet kl. 15.05"),
        (True, 0, "syg · åbner kl. 15.05"),
        (False, 61, "syg · skulle åbne kl. 15.05, endnu ikke meldt åben"),
        (True, 61, "syg · skulle åbne kl. 15.05, endnu ikke meldt åben"),
        (
            False,
            241,
            "sidst meldt kl. 14.05 · Sidst meldt lukket: syg · "
            "skulle åbne kl. 15.05, endnu ikke meldt åben",
        ),
    ],
)
def test_a_closed_unit_keeps_its_reason_and_expected_reopening(itself, minutes, line):
    closure = Closure("syg", BASE + timedelta(hours=1), itself)
    assert say(row("randers-akutplads-1", total=2, closure=closure), minutes)["line"] == line


def test_contradictions_are_said_in_words_once():
    a_row = row(
        "randers-akutplads-1",
        total=3,
        occupied=4,
        free=0,
        inconsistencies=(
            Inconsistency.OCCUPIED_OVER_TOTAL,
            Inconsistency.STAFFED_OVER_TOTAL,
            Inconsistency.FREE_OVER_TOTAL,
            Inconsistency.FREE_CONTRADICTS_PARTS,
        ),
    )
    assert say(a_row)["warn"] == (
        "over kapacitet: 4 af 3, flere bemandede pladser end pladser, tallene modsiger hinanden"
    )
    assert say(a_row, 240)["warn"] == ""


def test_counts_leave_out_what_no_source_told():
    assert say(row("randers-akutplads-1", total=3, occupied=0, free=3))["counts"] == (
        "pladser i alt 3, belagt 0"
    )


def test_capabilities_that_are_off_are_named():
    texts = say(row("randers-akutteam", free=1, capabilities_off=("ecg",)))
    assert texts["abilities_off"] == "Ikke nu: EKG"
    assert "EKG" not in texts["abilities"]


@pytest.mark.parametrize(
    ("seconds", "danish", "english"),
    [
        (-90, "nu", "now"),
        (0, "nu", "now"),
        (59.9, "nu", "now"),
        (60, "1 min", "1 min"),
        (3599, "59 min", "59 min"),
        (3600, "1 t", "1 h"),
        (86399, "23 t", "23 h"),
        (86400, "1 d", "1 d"),
    ],
)
def test_ages(seconds, danish, english):
    assert times.age(DA, seconds) == danish
    assert times.age(EN, seconds) == english


def test_moments_name_the_day_where_it_is_another():
    now = datetime(2026, 11, 24, 22, 59, tzinfo=UTC)  # 23.59 in Copenhagen
    minute, day = timedelta(minutes=1), timedelta(days=1)
    assert times.moment(DA, now, now) == "kl. 23.59"
    assert times.moment(DA, now + minute, now) == "i morgen kl. 00.00"
    assert times.moment(DA, now - day, now) == "i går kl. 23.59"
    assert times.moment(DA, now + 2 * day, now) == "26. nov kl. 23.59"
    assert times.moment(EN, now + 2 * day, now) == "26 Nov at 23:59"
    assert times.full(DA, now) == "24. november 2026 kl. 23.59"


def test_the_hour_that_occurs_twice_says_which_it_is():
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert times.clock(DA, first) == "02.30 sommertid"
    assert times.clock(DA, first + timedelta(hours=1)) == "02.30 normaltid"
    assert times.clock(DA, first + timedelta(hours=2)) == "03.30"
    assert times.clock(DA, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)) == "03.30"


def totals(*rows, minutes=0.0, words=DA):
    return total_shown(total_of(rows, BASE + timedelta(minutes=minutes)), words)


def test_totals_never_count_what_is_stale_unknown_or_no_acute_place():
    fresh = row("randers-akutplads-1", total=2, free=2)
    stale = row("randers-akutplads-2", minutes_old=240, total=9, free=9)
    silent = row("favrskov-akutplads", total=4)
    closed = row("norddjurs-akutplads", total=5, closure=Closure("syg"))
    team = row("randers-akutteam", total=7, free=7)
    assert totals(fresh, stale, silent, closed, team) == {
        "total": "2",
        "total_word": "ledige",
        "total_of": "af 2 akutpladser",
        "total_unknown": "+ 2 ukendt",
    }


def test_a_total_of_nothing_known_is_a_dash():
    stale = row("randers-akutplads-2", minutes_old=240, total=9, free=9)
    texts = totals(stale)
    assert texts["total"] == "–"
    assert texts["total_of"] == ""
    assert texts["total_unknown"] == "+ 1 ukendt"


def test_totals_speak_in_singular_and_leave_out_an_unknown_whole():
    one = row("randers-akutplads-2", total=1, free=1)
    assert totals(one)["total_word"] == "ledig"
    assert totals(one)["total_of"] == "af 1 akutplads"
    assert totals(one, row("randers-akutplads-1", free=1))["total_of"] == ""
    assert totals(row("randers-akutteam", free=1))["total"] == ""
