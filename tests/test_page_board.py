"""The rendered board: readable before any script, complete, escaped, in both languages."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from capacity.model import Closure, UnitKind
from capacity.units import Catalogue
from tests.support.board_page import BASE, CATALOGUE, ordinary_rows, row
from web.pages import Timing, render_board, render_wall, static_url
from web.pages.environment import ENVIRONMENT, render
from web.words import Words

VOID = {"meta", "link", "input", "br", "path", "use"}


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text; complains about unbalanced tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def attributes(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def board(rows=None, lang="da", query=(), catalogue=CATALOGUE, **more) -> str:
    rows = ordinary_rows() if rows is None else rows
    return render_board(catalogue, "randers", rows, "e1-7", BASE, lang, query, **more)


def unit_html(page: str, unit: str) -> str:
    match = re.search(rf'<li class="unit" data-unit="{unit}".*?\n</li>', page, re.S)
    assert match, unit
    return match[0]


def text_of(fragment: str) -> str:
    """The visible words: no tags, nothing that is hidden."""
    seen = re.sub(r"<(\w+)[^>]*data-slot[^>]* hidden>.*?</\1>", "", fragment)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", seen)).split())


def visible_units(page: str) -> set[str]:
    return {
        attributes["data-unit"] or ""
        for _, attributes in Elements(page).tags
        if "data-unit" in attributes and "hidden" not in attributes
    }


def test_every_unit_of_the_cluster_is_on_the_board_once_with_its_figures():
    page = board()
    units = [u for u in Elements(page).attributes("data-unit")]
    assert sorted(u or "" for u in units) == sorted(u.id for u in CATALOGUE.units_of("randers"))
    assert text_of(unit_html(page, "randers-akutplads-1")).startswith(
        "2 af 2 Ledige Akutpladser Randers Nord"
    )
    assert "25 min" in text_of(unit_html(page, "randers-akutplads-1"))
    assert "00 00 00 01" in text_of(unit_html(page, "randers-akutplads-1"))


def test_the_page_says_which_language_it_is_in():
    assert '<html lang="da">' in board()
    english = board(lang="en")
    assert '<html lang="en">' in english
    assert "One free" in text_of(unit_html(english, "favrskov-akutplads"))
    assert "Én ledig" in text_of(unit_html(board(), "favrskov-akutplads"))


def test_groups_are_the_municipalities_and_then_hospital_and_region():
    groups = Elements(board()).attributes("data-group")
    assert groups == ["0730", "0710", "0707", "0706", "region"]


def test_the_strip_tells_the_pressure_with_age_and_staleness_like_any_unit():
    page = board([row("rhr-akutafdeling", 5, total=50, occupied=40, waiting=3)])
    strip = page[page.index('<section class="strip"') : page.index('<section class="filters"')]
    assert 'data-unit="rhr-akutafdeling"' in strip
    assert 'data-unit="rhr-visitation"' in strip
    assert text_of(unit_html(page, "rhr-akutafdeling")).startswith("– Forældet")
    assert ">40<" not in strip


def test_units_without_a_row_are_unknown_and_never_zero():
    page = board(rows=[])
    for unit in CATALOGUE.units_of("randers"):
        assert text_of(unit_html(page, unit.id)).startswith("– Ukendt")
    totals = re.findall(r'data-slot="total">([^<]*)<', page)
    assert totals.count("–") == 5  # the cluster's and four municipalities'
    assert "0" not in totals


def test_totals_name_what_they_could_not_count():
    page = board()
    cluster = page[page.index("all-free") : page.index("</div>", page.index("all-free"))]
    assert text_of(cluster).endswith("3 ledige af 5 akutpladser + 1 ukendt")


def test_closed_units_show_reason_and_reopening():
    words = text_of(unit_html(board(), "syddjurs-akutplads"))
    assert words.startswith("– Lukket")
    assert "sygdom blandt personalet · ventes åbnet i morgen kl. 07.00" in words


def test_every_age_has_its_full_time():
    for _, attributes in Elements(board()).tags:
        if attributes.get("data-slot") == "age":
            assert re.fullmatch(r"Tallet er fra \d+\. november 2026 kl\. \d\d\.\d\d",
                                attributes["title"] or "")  # fmt: skip
            assert (attributes["datetime"] or "").endswith("Z")


def test_the_script_finds_all_it_needs_in_attributes():
    page = Elements(board(timing=Timing(1, 2, 3)))
    [body] = [attributes for tag, attributes in page.tags if tag == "body"]
    assert body["data-cursor"] == "e1-7"
    assert body["data-live"] == "/api/v1/live/randers"
    assert body["data-server-time"] == "2026-11-24T13:05:30Z"
    assert [body[f"data-{name}-ms"] for name in ("watchdog", "retry", "retry-max")] == list("123")
    assert orjson.loads(body["data-words"] or "")["lang"] == "da"
    told = [orjson.loads(text or "") for text in page.attributes("data-row")]
    rows = {r["unit"]: r for r in told}
    assert rows == {r["unit"]: r for r in ordinary_rows()}


def test_nothing_inline_that_the_content_policy_would_refuse():
    page = Elements(board(demo=True))
    assert not page.attributes("style")
    assert all(attributes.get("src") for tag, attributes in page.tags if tag == "script")
    assert not [tag for tag, _ in page.tags if tag == "style"]
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]


def test_the_demonstration_says_so_and_the_real_thing_does_not():
    assert "Demonstration – tal fra simulatorer, ikke til klinisk brug" in board(demo=True)
    assert '<a href="/operator">Drift</a>' in board(demo=True)
    assert "/operator" not in board()
    assert "Demonstration" not in board()


HOSTILE = "</script><img src=x onerror=alert(1)>\"'&{{7*7}}{clock}"


def test_hostile_texts_are_shown_as_they_are():
    unit = replace(CATALOGUE.units["randers-akutplads-1"], name=HOSTILE, phone='+45 1"><b>')
    catalogue = replace(CATALOGUE, units={unit.id: unit})
    a_row = row("randers-akutplads-1", free=1, note=HOSTILE, closure=Closure(HOSTILE, BASE))
    page = board([{**a_row, "name": HOSTILE, "source": HOSTILE}], catalogue=catalogue)
    elements = Elements(page)
    assert not [tag for tag, _ in elements.tags if tag in ("img", "b") and "onerror" in tag]
    assert "img" not in {tag for tag, _ in elements.tags}
    assert "".join(elements.text).count(HOSTILE) >= 4
    assert "49" not in text_of(unit_html(page, unit.id))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=40), st.sampled_from(["da", "en"]))
def test_any_note_leaves_the_page_in_one_piece(note, lang):
    a_row = row("randers-akutplads-1", free=1)
    page = board([{**a_row, "note": note}], lang=lang)
    [kept] = [
        orjson.loads(text)
        for text in Elements(page).attributes("data-row")
        if text and "randers-akutplads-1" in text
    ]
    assert kept["note"] == note


def test_a_municipality_is_chosen_by_the_address():
    page = board(query=[("municipality", "0710")])
    shown = visible_units(page)
    assert {"favrskov-akutplads", "favrskov-akutteam"} <= shown
    assert not {u for u in shown if u.startswith(("randers-", "norddjurs-", "syddjurs-"))}
    assert "rhr-subakut-medicin" in shown  # serves the whole cluster
    assert "akutklinik-grenaa" not in shown  # serves Norddjurs and Syddjurs
    assert "Viser" in page


def test_several_capabilities_are_all_required_and_the_strip_stays():
    query = [("capability", "iv_antibiotics"), ("capability", "palliation")]
    shown = visible_units(board(query=query))
    assert {"favrskov-akutplads", "norddjurs-akutplads"} <= shown
    assert "randers-akutplads-1" not in shown
    assert {"rhr-akutafdeling", "rhr-visitation"} <= shown


def test_filter_links_lead_on_and_back_and_keep_a_chosen_language():
    page = Elements(board(query=[("capability", "oxygen"), ("lang", "en")], lang="en"))
    by_code = {a["data-capability"]: a for _, a in page.tags if "data-capability" in a}
    assert by_code["oxygen"]["aria-current"] == "true"
    assert by_code["oxygen"]["href"] == "?lang=en"
    assert "aria-current" not in by_code["ecg"]
    assert by_code["ecg"]["href"] == "?capability=oxygen&capability=ecg&lang=en"
    languages = {a["data-language"]: a["href"] for _, a in page.tags if "data-language" in a}
    assert languages["da"] == "?capability=oxygen&lang=da"


def test_a_choice_among_the_folded_needs_is_told_on_the_fold():
    assert "Flere: 1 valgt" in board(query=[("capability", "x_ray")])


def test_nothing_matches_is_said_in_words():
    query = [("capability", "x_ray"), ("capability", "home_visit")]
    page = board(query=query)
    region = page[page.index('data-group="region"') :]
    assert re.search(r"data-empty>Intet tilbud her opfylder valget", region)


def test_terms_change_by_their_date():
    year_after = BASE.replace(year=2027)
    page = render_board(CATALOGUE, "randers", ordinary_rows(year_after), "c", year_after, "da")
    assert "Randers sundhedsråd" in page
    assert "omsorgsplads" in page
    assert "Randers sundhedsklynge" in board()


def test_many_departments_are_a_list_and_not_a_headline():
    model = CATALOGUE.units["rhr-akutafdeling"]
    units = {f"d{n}": replace(model, id=f"d{n}", service_area=()) for n in range(9)}
    page = board([], catalogue=replace(CATALOGUE, units=units))
    assert Elements(page).attributes("data-group") == ["region"]
    assert len(visible_units(page)) == 9


@pytest.mark.parametrize("lang", ["da", "en"])
def test_a_cluster_without_units_says_so(lang):
    page = render_board(CATALOGUE, "horsens", [], "c", BASE, lang)
    assert Words(lang).text("no_units") in page
    Elements(render_wall(CATALOGUE, "horsens", [], "c", BASE, lang))


def test_without_terms_our_own_words_stand_in():
    bare = replace(CATALOGUE, terms={})
    assert "Randers sundhedsklynge" in board(catalogue=bare)
    assert "akutpladser" in board(catalogue=bare)


def test_an_unknown_cluster_is_an_error():
    with pytest.raises(KeyError):
        render_board(Catalogue(), "nowhere", [], "c", BASE, "da")


def test_the_wall_shows_all_names_what_is_stale_and_offers_nothing_to_press():
    page = render_wall(CATALOGUE, "randers", ordinary_rows(), "e1-7", BASE, demo=True)
    elements = Elements(page)
    units = elements.attributes("data-unit")
    assert len(units) == len(CATALOGUE.units_of("randers"))
    assert "1 tilbud har forældede eller ukendte tal: Akutplads Norddjurs" in page
    assert not {tag for tag, _ in elements.tags} & {"a", "button", "input", "summary", "form"}
    assert re.search(r"data-clock>14\.05<", page)


def test_the_wall_names_nothing_when_all_is_fresh():
    rows = [row(u.id, free=1) for u in CATALOGUE.units_of("randers")]
    page = render_wall(CATALOGUE, "randers", rows, "e1-7", BASE)
    assert "data-stale-names hidden></p>" in page


def test_a_misspelt_name_in_a_template_is_an_error():
    with pytest.raises(UndefinedError):
        ENVIRONMENT.from_string("{{ no_such_value }}").render()
    with pytest.raises(UndefinedError):
        render("sign_in.html", Words())


def test_static_addresses_change_with_the_files_and_must_exist():
    assert re.fullmatch(r"/static/board\.css\?v=[0-9a-f]{12}", static_url("board.css"))
    with pytest.raises(FileNotFoundError):
        static_url("no-such.css")


def test_every_kind_has_a_word():
    for kind in UnitKind:
        assert Words("da").kind(kind.value) != kind.value
