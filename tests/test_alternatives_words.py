"""Every finding of the rules has words, in both languages, and the script says the same ones."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from playwright.sync_api import Browser

from capacity.instants import epoch_millis
from tests.support.alternative_worlds import World, worlds
from tests.support.alternatives import NOW, at
from tests.support.board_page import serving
from tests.support.chromium import chromium, opened
from web.pages.why import length, why
from web.words import LANGUAGES, Lang, Words, alternatives

ABILITIES = {"ecg": "EKG", "iv_fluid": "iv-væske"}
TERMS = "Højst {tre} døgn."
AGREEMENT = {"agreement": "aftale", "terms": TERMS}
CLOSURE = {"reason": "Mangler personale"}

SAID: dict[str, list[tuple[dict[str, Any], str]]] = {
    "own_municipality": [({}, "egen kommune")],
    "serves": [({}, "dækker kommunen")],
    "municipality_missing": [({}, "vælg kommune: det er uvist, om den dækker")],
    "agreement": [
        (AGREEMENT | {"used": 0, "limit": None, "per": None}, "låneaftale: Højst {tre} døgn."),
        (
            AGREEMENT | {"used": 1, "limit": 2, "per": "week"},
            "låneaftale, 1 af 2 brugt denne uge: Højst {tre} døgn.",
        ),
    ],
    "agreement_none": [({}, "dækker ikke kommunen, og der er ingen låneaftale")],
    "agreement_dates": [
        (AGREEMENT | {"since": None, "until": "2026-11-22"},
         "låneaftalen gælder ikke på denne dato")],
    "agreement_hours": [
        (AGREEMENT | {"from": None}, "låneaftalen gælder ikke nu"),
        (AGREEMENT | {"from": at(hours=13)}, "låneaftalen gælder først kl. 23.00"),
    ],
    "agreement_surge": [
        (AGREEMENT | {"level": 2, "present": None},
         "låneaftalen gælder først fra beredskabstrin 2")],
    "agreement_quota": [
        (AGREEMENT | {"limit": 1, "per": "day", "from": at(hours=14)},
         "låneaftalens pladser i dag er brugt (1), igen i morgen kl. 00.00"),
        (AGREEMENT | {"limit": 3, "per": "month", "from": at(days=9)},
         "låneaftalens pladser denne måned er brugt (3), igen 2. dec kl. 10.00"),
    ],
    "capabilities_all": [({}, "kan det, der kræves")],
    "capabilities_unknown": [({}, "det er ikke oplyst, hvad den kan")],
    "capability_never": [({"capabilities": ["ecg", "odd"]}, "kan ikke: EKG, odd")],
    "capability_off": [({"capabilities": ["iv_fluid"]}, "ikke i dag: iv-væske")],
    "not_at_home": [({}, "er et sted, ikke hjælp hjemme")],
    "not_a_place": [({}, "er hjælp hjemme, ikke et sted")],
    "response": [({"minutes": 60}, "kommer normalt inden for 1 t")],
    "response_too_long": [
        ({"minutes": 240, "within": 90},
         "kommer normalt inden for 4 t, ønsket inden for 90 min")],
    "response_unknown": [({}, "det er ikke oplyst, hvor hurtigt de kommer")],
    "travel": [
        ({"minutes": 25, "km": 20.5}, "25 min kørsel"),
        ({"minutes": None, "km": 20.5}, "21 km kørsel"),
    ],
    "travel_too_long": [
        ({"minutes": 25, "km": None, "within": 0}, "25 min kørsel, ønsket inden for 0 min")],
    "wait": [({"minutes": 20}, "ventetid 20 min")],
    "wait_too_long": [
        ({"minutes": 45, "within": 30}, "ventetid 45 min, ønsket inden for 30 min")],
    "wait_unknown": [({}, "ventetiden er ukendt")],
    "outside_hours": [
        ({"opens_at": None}, "uden for åbningstid, men meldt på vagt"),
        ({"opens_at": at(hours=1)},
         "uden for åbningstid (åbner kl. 11.00), men meldt på vagt"),
    ],
    "opens": [({"opens_at": at(hours=6)}, "åbner kl. 16.00")],
    "closed_hours": [
        ({"opens_at": None}, "uden for åbningstid"),
        ({"opens_at": at(days=1)}, "uden for åbningstid, åbner i morgen kl. 10.00"),
    ],
    "closes": [({"closes_at": at(hours=5)}, "lukker kl. 15.00")],
    "closes_before_arrival": [
        ({"closes_at": at(minutes=10)}, "lukker kl. 10.10, før borgeren kan nå frem")],
    "closed": [
        (CLOSURE | {"reopens_at": None}, "lukket: Mangler personale"),
        (CLOSURE | {"reopens_at": at(days=1)},
         "lukket: Mangler personale, ventes åbnet i morgen kl. 10.00"),
    ],
    "reopens": [
        (CLOSURE | {"reopens_at": at(hours=1)},
         "lukket: Mangler personale, ventes åbnet kl. 11.00")],
    "reopening_passed": [
        (CLOSURE | {"reopens_at": at(hours=-1)},
         "lukket: Mangler personale, skulle åbne kl. 09.00, endnu ikke meldt åben")],
    "closed_last": [
        (CLOSURE, "sidst meldt lukket"),
        ({"reason": None}, "sidst meldt lukket"),
    ],
    "closed_all": [({}, "alle pladser er ude af drift")],
    "off_duty": [
        ({"next_free_at": None}, "ikke på vagt"),
        ({"next_free_at": at(hours=5)}, "ikke på vagt, næste ledige kl. 15.00"),
    ],
    "on_duty_later": [({"at": at(hours=1)}, "ikke på vagt nu, næste ledige kl. 11.00")],
    "free": [
        ({"n": 1, "held": 0}, "1 ledig"),
        ({"n": 2, "held": 1}, "2 ledige"),
    ],
    "free_unknown": [({}, "det er ukendt, om der er ledigt")],
    "free_later": [({"at": at(hours=1)}, "ingen ledige nu, næste kl. 11.00")],
    "none_free": [({"held": 0}, "ingen ledige")],
    "all_held": [
        ({"held": 1}, "den sidste er holdt for en anden"),
        ({"held": 2}, "de sidste 2 er holdt for andre"),
    ],
    "slot": [({"at": at(hours=1)}, "næste tid kl. 11.00")],
    "slot_late": [({"at": at(days=1)}, "næste tid er først i morgen kl. 10.00")],
    "slot_passed": [({"at": at(minutes=-1)}, "næste tid var kl. 09.59, spørg om en ny")],
    "slot_time_unknown": [({}, "tidspunktet for næste tid er ukendt")],
    "answers": [({}, "svarer nu")],
    "duty_unknown": [({}, "det er ukendt, om telefonen besvares")],
    "ageing": [({"observed_at": at(hours=-1)}, "tallet er fra kl. 09.00")],
    "stale": [({"observed_at": at(days=-1)}, "tallet er forældet, fra i går kl. 10.00")],
    "never_reported": [({}, "ingen melding endnu")],
    "disputed": [
        ({"source": "nurse", "free": 0, "state": "closed", "observed_at": at(hours=-1)},
         "uenighed: enheden selv sagde lukket kl. 09.00"),
        ({"source": "omsorg", "free": 2, "state": "free", "observed_at": at(hours=-1)},
         "uenighed: det automatiske tal sagde 2 ledige kl. 09.00"),
        ({"source": "omsorg", "free": None, "state": "unknown", "observed_at": at(hours=-1)},
         "uenighed: det automatiske tal sagde ukendt kl. 09.00"),
    ],
    "inconsistent": [({"inconsistencies": ["free_over_total"]}, "tallene modsiger hinanden")],
}  # fmt: skip
"""Every code, with parameters as the rules give them, and what is said on a Monday at 10."""

REASONS = [
    {"code": code, "verdict": "ask", **parameters}
    for code, said in SAID.items()
    for parameters, _ in said
]
MIRROR = """async ([reasons, now, given]) => {
  const { why } = await import("/static/js/why.js");
  const { Words } = await import("/static/js/words.js");
  const words = new Words(given);
  return reasons.map((reason) => why(words, reason, now));
}"""


def said(lang: Lang, now: datetime = NOW) -> list[str]:
    return [why(Words(lang), reason, now, ABILITIES) for reason in REASONS]


def test_what_is_said_in_danish() -> None:
    assert said("da") == [text for texts in SAID.values() for _, text in texts]


def test_what_is_said_in_english_has_no_gap_and_no_danish() -> None:
    for danish, english in zip(said("da"), said("en"), strict=True):
        assert english
        assert english != danish
        assert "None" not in english


def test_every_text_belongs_to_a_finding() -> None:
    keys = {*alternatives.SHARED, *alternatives.SHARED_COUNTS}
    texts = {key.removeprefix("why_") for key in keys if key.startswith("why_")}
    ends = ("", "_when", "_counted")
    assert texts <= {code + end for code in SAID for end in ends}
    assert all(any(code + end in texts for end in ends) for code in SAID)


def test_every_finding_stands_in_the_documentation() -> None:
    rules = (Path(__file__).parents[1] / "docs" / "rules.md").read_text(encoding="utf-8")
    assert [code for code in SAID if f"`{code}`" not in rules] == []


@settings(deadline=None, max_examples=150)
@given(worlds())
def test_whatever_the_rules_find_can_be_said(world: World) -> None:
    for each in world.rank().alternatives:
        for reason in each.reasons:
            assert reason["code"] in SAID
            for lang in LANGUAGES:
                assert why(Words(lang), reason, world.now, ABILITIES)


def test_lengths_of_time() -> None:
    words = Words("en")
    assert [length(words, n) for n in (0, 59, 60, 61, 1440)] == [
        "0 min", "59 min", "1 h", "61 min", "24 h",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.browser
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_script_says_the_same(browser: Browser, lang: Lang) -> None:
    given_words = {**Words(lang).for_script("alternatives"), "abilities": ABILITIES}
    with serving([]) as server, opened(browser) as watched:
        watched.page.goto(server.url("/board/randers"))
        for now in (NOW, NOW + timedelta(hours=15), NOW - timedelta(days=29)):
            millis = epoch_millis(now)
            assert watched.page.evaluate(MIRROR, [REASONS, millis, given_words]) == said(lang, now)
