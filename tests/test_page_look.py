"""What the eye and the finger need, measured in Chromium: nothing cut, nothing too small or pale.

Names were once clipped on a page that an accessibility checker had passed; so this measures.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.board_page import BoardServer, ordinary_rows, row, serving
from tests.support.chromium import DESKTOP, PHONE, WALL, Watched, chromium, opened

pytestmark = pytest.mark.browser

NARROW = (320, 640)
CASES = [
    pytest.param("/board/randers", DESKTOP, id="desktop"),
    pytest.param("/board/randers?lang=en", DESKTOP, id="desktop-english"),
    pytest.param("/board/randers", PHONE, id="phone"),
    pytest.param("/board/randers", NARROW, id="narrow"),
    pytest.param("/board/randers", WALL, id="large"),
]

# Text outside its unit, outside the page, or wider than the box that holds it.
CUT = """() => {
  const cut = [];
  for (const element of document.querySelectorAll("h1, h2, p, a, dd, summary, [data-slot]")) {
    const box = element.getBoundingClientRect();
    if (!element.checkVisibility() || element.closest(".unseen, .skip")) continue;
    const holder = (element.closest(".unit, .group, .alternative, header") ?? document.body)
      .getBoundingClientRect();
    const style = getComputedStyle(element);
    const inline = style.display === "inline";
    if (
      box.right > innerWidth + 1 || box.left < -1 ||
      box.right > holder.right + 1 || box.left < holder.left - 1 ||
      (!inline && box.bottom > holder.bottom + 1) ||
      (!inline && element.scrollWidth > element.clientWidth + 1) ||
      (!element.matches(".note") && // cut on purpose; its whole text is among the details
        style.overflow !== "visible" && element.scrollHeight > element.clientHeight + 1)
    ) cut.push([element.tagName, element.textContent.trim().slice(0, 40)]);
  }
  return cut;
}"""

# Units whose parts lie over each other.
OVERLAP = """() => {
  const found = [];
  for (const unit of document.querySelectorAll(".unit")) {
    const name = "p.name, .name:not([open]) summary, .name[open]";
    const parts = [".mark", ".figure", name, ".age", ".sub"]
      .map((name) => unit.querySelector(name))
      .filter((part) => part && part.getBoundingClientRect().height);
    const boxes = parts.map((part) => {
      const range = document.createRange();
      range.selectNodeContents(part);
      return part.matches(".mark") ? part.getBoundingClientRect() : range.getBoundingClientRect();
    });
    for (const [i, a] of boxes.entries()) for (const b of boxes.slice(i + 1)) {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (a.width && b.width && wide > 1 && high > 6) found.push(unit.dataset.unit);
    }
  }
  return found;
}"""

# Contrast of every piece of text against the nearest painted background (WCAG 2.2, 1.4.3).
PALE = """() => {
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      const colour = rgb(style.backgroundColor);
      // Over the hatching, the darker stripe counts.
      const stripe = style.backgroundImage.match(/rgb\\([^)]+\\)/);
      if (stripe) return rgb(stripe[0]);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const pale = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest(".unseen, noscript")) continue;
    const [front, back] = [rgb(getComputedStyle(element).color), behind(element)].map(luminance);
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) pale.push([texts.currentNode.data.trim(), ratio.toFixed(2)]);
  }
  return pale;
}"""

SMALL = """() => [...document.querySelectorAll("a, button, summary, input, select")]
  .filter((element) => element.checkVisibility())
  .map((element) => [element.textContent.trim(), element.getBoundingClientRect()])
  .filter(([, box]) => (box.width < 23.9 || box.height < 23.9))
  .map(([text, box]) => [text, box.width, box.height])"""

# The spacing that WCAG 1.4.12 says a reader may set.
SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important } p { margin-bottom: 2em !important }`);
  document.adoptedStyleSheets = [sheet];
}"""

UNFOLD = "() => document.querySelectorAll('.unit details').forEach((d) => { d.open = true })"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server() -> Iterator[BoardServer]:
    rows = {r["unit"]: r for r in ordinary_rows()}
    crowded = row(
        "favrskov-akutplads",
        minutes_old=130,
        total=12,
        free=11,
        note="Enestue kun efter aftale med vagthavende, ring altid først på nummeret",
        capabilities_off=("oxygen", "inhalation", "blood_glucose"),
    )
    with serving([*(rows | {"favrskov-akutplads": crowded}).values()]) as running:
        yield running


def look(page: Page, server: BoardServer, path: str) -> None:
    page.goto(server.url(path))
    page.wait_for_selector('[data-link="live"]')


@pytest.fixture
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    with opened(browser, request.param) as page:
        yield page


@pytest.mark.parametrize(("path", "watched"), CASES, indirect=["watched"])
def test_nothing_is_cut_covered_pale_or_too_small(watched, server, path):
    page = watched.page
    look(page, server, path)
    for stage in (None, UNFOLD, SPACING):
        if stage:
            page.evaluate(stage)
        assert page.evaluate(CUT) == [], stage
        assert page.evaluate(OVERLAP) == [], stage
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, stage
    assert page.evaluate(PALE) == []
    assert page.evaluate(SMALL) == []
    assert watched.complaints == []


@pytest.mark.parametrize("watched", [DESKTOP], indirect=True)
def test_a_lost_link_is_just_as_legible(watched, server):
    page = watched.page
    look(page, server, "/board/randers")
    server.answer = "refuse"
    server.drop()
    page.wait_for_selector('[data-link="lost"]')
    server.answer = "resume"
    assert page.evaluate(CUT) == []
    assert page.evaluate(PALE) == []


@pytest.mark.parametrize(
    ("path", "watched"),
    [("/board/randers", DESKTOP), ("/wall/randers", WALL)],
    indirect=["watched"],
)
def test_the_whole_cluster_is_seen_without_scrolling(watched, server, path):
    page = watched.page
    look(page, server, path)
    page.wait_for_function("() => document.documentElement.scrollHeight <= innerHeight")
    last = page.locator("[data-unit]").last.bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= page.viewport_size["height"]


@pytest.mark.parametrize(
    ("path", "watched"),
    [("/board/randers", DESKTOP), ("/board/randers", PHONE), ("/wall/randers", WALL)],
    indirect=["watched"],
)
def test_a_long_note_takes_two_lines_and_is_whole_among_the_details(watched, path):
    note = ("Enestue kun efter aftale med vagthavende, ring altid først på nummeret. " * 7)[:500]
    rows = {r["unit"]: r for r in ordinary_rows()}
    units = ("favrskov-akutplads", "rhr-akutafdeling", "akutklinik-grenaa")
    told = [
        row(unit, minutes_old=1, note=note, waiting=2)
        if "akutplads" not in unit
        else row(unit, minutes_old=1, note=note, total=2, free=1)
        for unit in units
    ]
    with serving([*(rows | {r["unit"]: r for r in told}).values()]) as server:
        page = watched.page
        look(page, server, path)
        lines = page.locator("span.note:visible").evaluate_all(
            "notes => notes.map((n) => n.offsetHeight / parseFloat(getComputedStyle(n).lineHeight))"
        )
        assert [round(n) for n in lines] == [2, 2, 2]
        if path.startswith("/board"):
            unit = page.locator('[data-unit="favrskov-akutplads"]')
            unit.locator("summary").click()
            whole = unit.locator('dd[data-slot="note"]')
            assert whole.inner_text().strip() == note.strip()
            assert whole.evaluate("e => e.parentElement.innerText").startswith("Bemærkning")
            assert page.evaluate(CUT) == []
        else:
            page.wait_for_function("() => document.documentElement.scrollHeight <= innerHeight")


@pytest.mark.parametrize("watched", [DESKTOP, PHONE, NARROW], indirect=True)
def test_twice_as_large_text_does_not_scroll_sideways(watched):
    with serving(ordinary_rows()) as server:
        look(watched.page, server, "/board/randers")
        watched.page.evaluate(
            "() => { const sheet = new CSSStyleSheet();"
            " sheet.replaceSync('html { font-size: 200% }');"
            " document.adoptedStyleSheets = [sheet] }"
        )
        assert watched.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert watched.page.evaluate(OVERLAP) == []


@pytest.mark.parametrize("watched", [DESKTOP], indirect=True)
def test_unfolding_one_unit_leaves_the_cards_beside_it_as_they_are(watched, server):
    page = watched.page
    look(page, server, "/board/randers")
    height = "e => e.getBoundingClientRect().height"
    for opened_unit, beside in (
        ("favrskov-akutplads", '[data-group="0730"]'),
        ("rhr-akutafdeling", '[data-unit="rhr-visitation"]'),
        ("rhr-akutafdeling", ".all-free"),
    ):
        before = page.locator(beside).evaluate(height)
        summary = page.locator(f'[data-unit="{opened_unit}"] summary')
        summary.click()
        assert page.locator(beside).evaluate(height) <= before
        summary.click()
        assert page.locator(beside).evaluate(height) == before


@pytest.mark.parametrize("watched", [WALL], indirect=True)
def test_the_wall_fits_with_the_alert_too(watched, server):
    page = watched.page
    look(page, server, "/wall/randers")
    server.answer = "refuse"
    server.drop()
    page.wait_for_selector('[data-link="lost"]')
    page.wait_for_function("() => document.documentElement.scrollHeight <= innerHeight")
    server.answer = "resume"


@pytest.mark.parametrize("watched", [DESKTOP], indirect=True)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(watched, server):
    page = watched.page
    look(page, server, "/board/randers")
    to_reach = "a:visible, summary:visible, button:visible, input:visible, select:visible"
    offered = page.locator(to_reach).count()
    reached = set()
    for _ in range(offered + 2):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            "() => [[...document.querySelectorAll('*')].indexOf(document.activeElement),"
            " document.activeElement.outerHTML.slice(0, 120),"
            " getComputedStyle(document.activeElement).outlineStyle]"
        )
        if seen[1].startswith("<body"):
            break
        assert seen[2] != "none", seen
        reached.add(seen[0])
    assert len(reached) == offered


@pytest.mark.parametrize("watched", [DESKTOP], indirect=True)
def test_shapes_survive_forced_colours_and_nothing_moves(watched, server):
    page = watched.page
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    look(page, server, "/board/randers")
    drawn = page.evaluate(
        "() => [...document.querySelectorAll('.unit .mark')].map((m) => getComputedStyle(m).fill)"
    )
    assert set(drawn) == {page.evaluate("() => getComputedStyle(document.body).color")}
    assert page.evaluate("() => document.getAnimations().length") == 0


@pytest.mark.parametrize("watched", [DESKTOP], indirect=True)
def test_numbers_are_never_announced(watched, server):
    page = watched.page
    look(page, server, "/board/randers")
    live = "[aria-live], [role=status], [role=alert], [role=log], output"
    assert page.locator(f".unit :is({live}), .total:is({live}), .total :is({live})").count() == 0
    # What the person did, that the link is lost, that the sign-in has ended: nothing else speaks.
    told = "[data-status], [data-alert], [data-signed-out]"
    assert page.locator(live).count() == page.locator(f":is({told}):is({live})").count() == 3
