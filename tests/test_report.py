"""The monthly report and the statement of use over HTTP: every figure equals a count of its own.

`tests.support.reported` makes the past and counts it from the raw records by another way.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from csv import DictReader
from datetime import date
from io import StringIO

import httpx
import pytest
from redis import Redis

from capacity.board import EmbeddedServer
from capacity.instants import COPENHAGEN, parse_instant
from tests.support import reported
from tests.support.raw_days import World
from tests.support.reported import AGREEMENT, FULL, NOW, OCTOBER, PLACES, SILENT, TEAM
from tests.support.service import running, settings_for
from tests.support.shown_tables import danish, share, table, text

REPORT = "/indicators/randers/report"
OCT, ALL = f"{REPORT}/2026-10", f"{REPORT}/2026-10?charts=all"
ENGLISH = f"{ALL}&lang=en"
WRONG = [f"{REPORT}/{each}" for each in ("2026-13", "2026-9", "oktober", "20261-0")]
NONE = [f"{REPORT}/2026-08", f"{REPORT}/2026-12", "/indicators/nowhere/report/2026-10"]
API = "/api/v1/indicators/randers/statement"
MONTH, FAVRSKOV = f"{API}?month=2026-10", f"{API}?month=2026-10&municipality=0710"
DAYS = f"{API}?step=day&last=3"
CSV = f"{MONTH}&format=csv"
API_WRONG = {f"{API}?month=2026-13": 422, f"{API}?month=2026-08": 404, f"{API}?step=year": 422,
             f"{API}?municipality=0999": 404, f"{API}?last=0": 422}  # fmt: skip
PAGE = "/indicators/randers/statement"
SEP = f"{PAGE}?month=2026-09"
OF_OCT, OF_FAVRSKOV = f"{PAGE}?month=2026-10", f"{PAGE}?month=2026-10&municipality=0710"
PAGE_WRONG = {f"{PAGE}?month=x": 422, f"{PAGE}?month=2026-08": 404, f"{PAGE}?municipality=1": 404}
WEEKS = [f"/api/v1/ledger/randers?week=2026-W{number}" for number in range(40, 45)]
INDICATORS = "/indicators/randers/0710"
ASKED = [OCT, *WRONG, *NONE, MONTH, FAVRSKOV, DAYS, CSV, *API_WRONG, PAGE, SEP, OF_OCT,
         OF_FAVRSKOV, *PAGE_WRONG, *WEEKS, INDICATORS, ENGLISH]  # fmt: skip
"""In this order: a language that is chosen stays."""
PATIENCE = 180
"""Seconds: a report is some seconds of work, of a machine that may have more to do."""
DAY, MINUTE = 86_400_000, 60_000
HOURS = 31 * 24 + 1
"""Of October, in which an hour comes twice."""
Answers = Mapping[str, httpx.Response]


@pytest.fixture(scope="module")
def world() -> World:
    return reported.seeded()


@pytest.fixture(scope="module")
def answers(
    valkey_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory, world: World
) -> Answers:
    """What the service answers to each of `ASKED`, as the demo's visitor of its own machine."""
    folder = tmp_path_factory.mktemp("report")
    Redis.from_url(valkey_server.url).flushall()
    (folder / "sources.toml").touch()

    async def ask() -> Answers:
        await reported.seed(folder, world)
        settings = settings_for(folder, valkey_server.url, folder / "sources.toml")
        async with running(settings, clock=lambda: NOW) as service:
            get = service.client.get
            return {path: await get(path, timeout=PATIENCE) for path in ASKED}

    return asyncio.run(ask())


def page(answers: Answers, path: str) -> str:
    assert answers[path].status_code == 200, answers[path].text
    return answers[path].text


# --- figures against a count of their own --------------------------------------------------------


@pytest.mark.parametrize("unit", [*PLACES, TEAM])
def test_a_units_line_equals_a_count_from_its_changes(
    answers: Answers, world: World, unit: str
) -> None:
    (line,) = (each for each in answers[MONTH].json()["units"] if each["unit"] == unit)
    spent, asked = reported.unit_time(world, unit, *OCTOBER), reported.holds(world, *OCTOBER)[unit]
    known, stale = spent["free"] + spent["full"] + spent["closed"], spent["stale"]
    assert known + stale == HOURS * 3_600_000, "every moment is one of them"
    assert line["place_days"] == pytest.approx(spent["places"] / DAY)
    assert line["used_days"] == pytest.approx(spent["used"] / DAY)
    assert line["used_share"] == pytest.approx(spent["used"] / spent["places"])
    assert line["free_place_minutes"] == pytest.approx(spent["free_places"] / MINUTE)
    assert line["free_share"] == pytest.approx(spent["free"] / known)
    assert line["open_share"] == pytest.approx(1 - spent["closed"] / known)
    assert line["unknown_share"] == pytest.approx(stale / (known + stale))
    assert line["unknown_hours"] == pytest.approx(stale / 3_600_000)
    for name in ("asked", "accepted", "declined", "unanswered", "filled"):
        assert line[name] == asked[name], name
    answered = asked["accepted"] + asked["declined"]
    minutes = asked["answer_seconds"] / 60 / answered if answered else None
    assert line["answer_minutes"] == pytest.approx(minutes)
    count, between = reported.updates(world, unit, *OCTOBER)
    assert line["updates"] == count
    assert line["update_minutes"] == pytest.approx(between)
    often = 6 if unit == PLACES[0] else 0
    assert (line["late"], line["reminders"]) == (often, often), "the 5th, 10th … 30th"


def test_agreements_outcomes_and_pressure_equal_a_count_of_the_journal(
    answers: Answers, world: World
) -> None:
    told = answers[MONTH].json()
    use = reported.holds(world, *OCTOBER)[AGREEMENT]
    assert use["filled"]
    assert told["agreements"] == [
        {"agreement": AGREEMENT, "municipality": "0710", **{k: use[k] for k in ("asked", "filled")}}
    ]
    counted = reported.outcomes(world, *OCTOBER)
    found = {each["municipality"] or "": each for each in told["outcomes"]}
    assert found.keys() == counted.keys()
    for code, of in counted.items():
        assert found[code]["outcomes"] == of["all"]
        assert found[code]["outcome_alternative"] == of["alternative"]
        assert found[code]["outcome_admitted_none_free"] == of["admitted_none_free"]
        assert found[code]["outcome_other"] == of["other"]
    (first,) = (each for each in told["units"] if each["unit"] == PLACES[0])
    assert first["chosen"] == sum(of["alternative"] for of in counted.values())
    minutes = reported.surge_minutes(*OCTOBER)
    hours = {key: value for key, value in told["surge_hours"].items() if value}
    assert hours == {str(level): pytest.approx(n / 60) for level, n in minutes.items()}
    assert sum(hours.values()) == HOURS


def test_the_page_shows_these_figures(answers: Answers, world: World) -> None:
    html = page(answers, OCT)
    spent = reported.unit_time(world, FULL, *OCTOBER)
    known = spent["free"] + spent["full"] + spent["closed"]
    assert table(html, "statement-capacity")["Akutpladser Favrskov"] == [
        danish(spent["places"] / DAY, 1),
        danish(spent["used"] / DAY, 1),
        share(spent["used"], spent["places"]),
        danish(spent["free_places"] / MINUTE, 0),
        share(spent["free"], known),
        "100,0 %",
        share(spent["stale"], known + spent["stale"]),
    ]
    asked = reported.holds(world, *OCTOBER)
    sums = sum((asked[unit] for unit in PLACES), Counter[str]())
    names = ("asked", "accepted", "declined", "unanswered", "filled")
    assert table(html, "statement-asks")["I alt, akutplads"][:5] == [str(sums[n]) for n in names]
    counted = reported.outcomes(world, *OCTOBER)
    all_of = sum(counted.values(), Counter[str]())
    assert table(html, "statement-outcomes")["I alt"][:2] == [
        str(all_of["all"]),
        str(all_of["alternative"]),
    ]
    assert table(html, "statement-outcomes")["Ikke oplyst"][0] == str(counted[""]["all"])
    assert table(html, "statement-levels")["2: Højt pres"][0] == danish(
        reported.surge_minutes(*OCTOBER)[2] / 60, 1
    )


def test_the_month_in_figures_is_of_the_month_alone(answers: Answers, world: World) -> None:
    shown = table(page(answers, OCT), "report-figures")
    of = {unit: reported.unit_time(world, unit, *OCTOBER) for unit in PLACES}
    used, places = (sum(of[unit][key] for unit in PLACES) for key in ("used", "places"))
    cluster, _, favrskov, _, syddjurs = shown["Belægning"]
    assert cluster == share(used, places)
    assert favrskov.rstrip(" *") == share(of[FULL]["used"], of[FULL]["places"])
    assert syddjurs == "–"
    stale = shown["Minutter med forældede eller ukendte tal"]
    assert stale[2].rstrip(" *") == f"{danish(of[FULL]['stale'] / MINUTE, 0)} min"
    assert stale[4] == "–", "where nothing is on the board, no minute was counted"


def test_calls_are_counted_by_what_the_board_showed(answers: Answers, world: World) -> None:
    findings: Counter[str] = Counter()
    for path in WEEKS:
        for call in answers[path].json()["calls"]:
            day = parse_instant(call["at"]).astimezone(COPENHAGEN).date()
            findings[call["finding"]] += OCTOBER[0] <= day <= OCTOBER[1]
    shown = table(page(answers, OCT), "report-findings")
    names = {"Ledigt alternativ": "missed", "Intet ledigt": "none", "Alternativ brugt": "used",
             "Ikke vurderet": "not_judged", "Andet": "other", "Ingen historik": "no_history",
             "Skulle spørges": "ask", "Måske ledigt, tallet var forældet": "stale"}  # fmt: skip
    assert {names[name]: int(n) for name, (n,) in shown.items()} == {
        finding: findings[finding] for finding in names.values()
    }
    assert min(findings[each] for each in ("missed", "stale", "none", "used", "other")) > 0
    counted = reported.outcomes(world, *OCTOBER)
    assert sum(findings.values()) == sum(of["all"] for of in counted.values())


# --- what the report says ------------------------------------------------------------------------


def test_each_sentence_leads_to_its_numbered_chart(answers: Answers) -> None:
    html = page(answers, OCT)
    section = html.partition('id="changes"')[2].partition("</section>")[0]
    told = re.findall(r'<a href="#([^"]+)">([^<]+) \(diagram (\d+)\)</a>', section)
    (said,) = (words for anchor, words, _ in told if anchor == "c-0710-occupancy")
    assert "20. oktober 2026 til 31. oktober 2026, over den øvre grænse" in said
    for anchor, _, n in told:
        figure = html.partition(f'<figure class="chart" id="{anchor}">')[2]
        assert text(figure.partition("</h3>")[0]).startswith(f"{n}. ")
    numbers = [int(n) for n in re.findall(r"<h3>(\d+)\. ", html)]
    assert numbers == list(range(1, len(numbers) + 1))
    rows = html.partition('id="c-0710-occupancy"')[2].partition("</table>")[0]
    days = re.findall(r'<th[^>]* scope="row">([^<]+)</th>', rows)
    assert (days[0], days[-1], len(days)) == ("1. okt", "31. okt", 31), "the month's days only"


def test_a_municipalitys_quiet_charts_are_shown_on_asking(answers: Answers) -> None:
    some, every = page(answers, OCT), page(answers, ENGLISH)
    quiet = 'id="c-0710-accepted_share"'
    assert quiet not in some
    assert quiet in every
    assert 'id="c-cluster-accepted_share"' in some
    assert f'href="{ALL}#charts"' in some


def test_what_is_not_known_is_said(answers: Answers) -> None:
    html = page(answers, OCT)
    assert set(table(html, "statement-capacity")["Akutplads Syddjurs"]) == {"–"}
    assert set(table(html, "statement-asks")["Akutplads Syddjurs"]) == {"–"}
    assert "intet registreret i tiden" in html
    assert "Uden kendte værdier: " in html
    (line,) = (each for each in answers[MONTH].json()["units"] if each["unit"] == SILENT)
    figures = line.keys() - {"unit", "name", "kind", "municipality"}
    assert {line[name] for name in figures} == {None}


def test_the_head_says_what_it_rests_on(answers: Answers) -> None:
    whole, begun, late = (text(page(answers, path)) for path in (OCT, PAGE, SEP))
    assert "Periode 1. oktober 2026 til 31. oktober 2026" in whole
    assert "Data som de var 3. november 2026 kl. 03.00" in whole
    assert "Rapporten er lavet 3. november 2026 kl. 03.00" in whole
    assert "Måneden er ikke slut" not in whole
    assert "Måneden er ikke slut. Rapporten har tal til og med 2. november 2026" in begun
    assert "Der er tal fra 29. september 2026" in late
    assert 'href="/indicators/randers/report/2026-09"' in page(answers, OCT)
    assert 'href="/indicators/randers/report/2026-11"' in page(answers, OCT)
    assert "month=2026-08" not in page(answers, SEP)


def test_definitions_stand_at_the_end_in_both_languages(answers: Answers) -> None:
    danish_end = page(answers, OCT).partition('id="definitions"')[2]
    english = page(answers, ENGLISH)
    assert "Tilbuddets første melding." in danish_end
    assert "Brugte pladsdøgn af pladsdøgn. Kan overstige 100 %." in text(danish_end)
    assert "Monthly report: Randers health cluster, October 2026" in text(english)
    assert "Places that could be used (not closed or unstaffed)" in english


def test_a_bad_month_is_said_to_be_one(answers: Answers) -> None:
    for path in WRONG:
        assert answers[path].status_code == 422, path
        assert "month: det er ingen måned." in answers[path].text
        assert path.rpartition("/")[2] not in answers[path].text, "what was asked is not said again"
    assert [answers[path].status_code for path in NONE] == [404] * 3
    assert "Der er tal fra 29. september 2026 til 2. november 2026" in answers[NONE[0]].text
    assert {path: answers[path].status_code for path in API_WRONG} == API_WRONG
    assert answers[f"{API}?month=2026-13"].json()["field"] == "month"
    assert {path: answers[path].status_code for path in PAGE_WRONG} == PAGE_WRONG


# --- the statement by itself ---------------------------------------------------------------------


def test_the_statement_has_a_page_for_the_cluster_and_each_municipality(answers: Answers) -> None:
    whole, favrskov = page(answers, OF_OCT), page(answers, OF_FAVRSKOV)
    line = table(page(answers, OCT), "statement-capacity")["Akutpladser Favrskov"]
    for html in (whole, favrskov):
        assert table(html, "statement-capacity")["Akutpladser Favrskov"] == line
    assert set(table(favrskov, "statement-asks")) == {"Akutpladser Favrskov", "Akutteam Favrskov"}
    assert "statement-levels" not in favrskov, "pressure is the cluster's"
    assert f'href="{FAVRSKOV.replace("?month", "?month").replace("&", "&amp;")}' in favrskov
    assert "november 2026</h1>" in page(answers, PAGE), "the latest month"
    assert 'href="/indicators/randers/statement?municipality=0710"' in page(answers, INDICATORS)
    assert 'href="/indicators/randers/report/2026-10">oktober 2026' in page(answers, INDICATORS)


def test_a_municipality_and_a_stretch_of_days_are_told_alone(
    answers: Answers, world: World
) -> None:
    told = answers[FAVRSKOV].json()
    assert {each["municipality"] for each in told["units"]} == {"0710"}
    assert [each["municipality"] for each in told["outcomes"]] == ["0710"]
    assert [each["agreement"] for each in told["agreements"]] == [AGREEMENT]
    days = answers[DAYS].json()
    assert (days["first"], days["last"]) == ("2026-10-31", "2026-11-02")
    (line,) = (each for each in days["units"] if each["unit"] == FULL)
    spent = reported.unit_time(world, FULL, date(2026, 10, 31), date(2026, 11, 2))
    assert line["used_days"] == pytest.approx(spent["used"] / DAY)


def test_the_statement_is_carried_away_as_a_table(answers: Answers) -> None:
    name = "statement-randers-2026-10-01-2026-10-31.csv"
    assert name in answers[CSV].headers["Content-Disposition"]
    lines = list(DictReader(StringIO(answers[CSV].content.decode("utf-8-sig")), delimiter=";"))
    units = {each["unit"]: each for each in answers[MONTH].json()["units"]}
    assert [each["unit"] for each in lines] == list(units)
    for each in lines:
        told = units[each["unit"]]
        for figure in told.keys() - {"unit", "name", "kind", "municipality"}:
            value = float(each[figure]) if each[figure] else None
            assert value == told[figure], (each["unit"], figure)
        assert (each["since"], each["until"]) == ("2026-10-01", "2026-10-31")
