"""Pages without figures, and the static files."""

import httpx

from tests.support.board_page import CATALOGUE
from web.pages import render_index, render_message, static_files, static_url
from web.pages.sign_in import render_set_up, render_sign_in


def test_a_message_escapes_what_it_tells():
    page = render_message("<Fejl>", ["a & b", "Fejl nr. 12"], "da", 500)
    assert "<h1>&lt;Fejl&gt;</h1>" in page
    assert "<p>a &amp; b</p>" in page
    assert "<p>Fejl nr. 12</p>" in page
    assert "HTTP 500" in page
    assert '<html lang="da">' in page


def test_the_sign_in_form_posts_who_with_what_and_where_to_go():
    page = render_sign_in("da", csrf="token", next='/board/randers?a="b"')
    assert '<form method="post" action="/sign-in">' in page
    assert 'name="csrf" value="token"' in page
    assert 'autocomplete="one-time-code"' in page
    assert 'name="next" value="/board/randers?a=&#34;b&#34;"' in page
    assert 'role="alert"' not in page


def test_a_failed_sign_in_is_said_beside_the_field_and_keeps_the_login():
    page = render_sign_in("en", csrf="", next="/", login="<b>", error="No match.")
    assert 'aria-invalid="true"' in page
    assert 'role="alert">No match.' in page
    assert 'value="&lt;b&gt;"' in page


def test_without_accounts_the_form_says_how_the_first_is_made():
    assert "akutoverblik account new" in render_sign_in("da", csrf="", next="/", accounts=False)


def test_a_set_up_link_that_is_used_up_offers_no_form():
    assert "<form" in render_set_up("da", csrf="", token="t", login="nurse-1")
    assert "<form" not in render_set_up("da", csrf="", token="t", login="")


def test_the_index_leads_to_board_and_wall():
    page = render_index([CATALOGUE.clusters["randers"]], "en")
    assert 'href="/board/randers"' in page
    assert 'href="/wall/randers"' in page
    assert "Choose a cluster" in page
    assert "Der er ingen klynger" in render_index([], "da")


async def test_static_files_are_kept_for_a_year_only_by_their_present_version():
    transport = httpx.ASGITransport(static_files())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        kept = await client.get(static_url("board.css").removeprefix("/static"))
        assert kept.status_code == 200
        assert "immutable" in kept.headers["cache-control"]
        for other in ("/board.css", "/board.css?v=old", "/js/main.js"):
            answer = await client.get(other)
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["etag"]
            assert answer.headers["content-type"].startswith("text/")
