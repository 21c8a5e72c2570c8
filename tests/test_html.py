"""Saved pages of the three generations of the ministry's site, in markup of our own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.errors import UnreadableSource
from qa.html import HtmlPage, read_html
from qa.release import Release, read_release
from qa.source import SourcePage

PAGE_2025 = """<!DOCTYPE html><html lang="en"><head><title>Harbour Talks Held | Press Releases | Ministry</title>
<meta property="og:url" content="https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=400&amp;page=2">
<style>p {{ color: red }}</style></head><body><nav><ul><li>Home</li><li>Press</li></ul></nav>
<div class="board_detail"><h2>Harbour  Talks
 Held</h2><div class="bo_head"><dl><dt>Date</dt><dd>2025-06-09</dd><dt>Hit</dt><dd>77</dd></dl></div>
<div class="bo_con">{body}</div></div><footer><p>Previous</p></footer></body></html>"""

PAGE_2022 = """<html><head><title>Harbour Talks Held | Ministry</title></head><body><div>menu</div>
<table><tr><th>Date</th><td>2022-3-4</td></tr><tr><td class="detail_body">{body}</td></tr></table></body></html>"""

PAGE_2018 = """<html><head><title>Harbour Talks Held View|Press Releases | Ministry</title></head><body><table>
<tr><td>2018.11.05</td></tr><tr><td class="detail_body">{body}</td></tr></table></body></html>"""

BODY = "<p>1. The <b>two</b> sides met.</p><p>&nbsp;</p><p>° They agreed on <i>cranes</i>.</p>"
TEXT = "1. The two sides met.\n° They agreed on cranes."


def lines(body: str) -> list[str]:
    return read_html(PAGE_2022.format(body=body), "page").text.split("\n")


def release_at(address: str) -> Release:
    page = read_html(f'<link rel="canonical" href="{address}">' + PAGE_2022.format(body=BODY), "talks.html")
    return read_release(SourcePage("talks.html", "talks", page.title, page.date, page.url, page.text))


@pytest.mark.parametrize(
    ("template", "date", "url"),
    [
        (PAGE_2025, "2025-06-09", "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=400&page=2"),
        (PAGE_2022, "2022-03-04", None),
        (PAGE_2018, "2018-11-05", None),
    ],
)
def test_each_generation_gives_title_date_and_text_without_its_menus(template: str, date: str, url: str | None) -> None:
    assert read_html(template.format(body=BODY), "page") == HtmlPage("Harbour Talks Held", date, url, TEXT)


def test_the_editors_frame_is_read_rather_than_the_body_around_it() -> None:
    body = f"<p>attachment.pdf</p><div class='se-contents'>{BODY}</div>"
    assert read_html(PAGE_2025.format(body=body), "page").text == TEXT


def test_a_page_of_another_site_is_read_whole_as_page_text() -> None:
    page = read_html("<title>Ignored</title><h1>Harbour Talks</h1><p>2021-05-03</p><p>1. Met.</p>", "page")
    assert page == HtmlPage(None, None, None, "Harbour Talks\n2021-05-03\n1. Met.")


def test_inline_tags_break_no_line_and_block_tags_do() -> None:
    assert lines("<p>The 204<sup>th</sup> <span>meet</span>ing<br>in Busan</p><div>Next<p>inner</p>after</div>") == [
        "The 204th meeting",
        "in Busan",
        "Next",
        "inner",
        "after",
    ]


def test_line_breaks_of_the_markup_are_blanks_and_entities_are_characters() -> None:
    assert lines("<p>Aid\r\n  of&nbsp;US$3&#160;million &amp; \t &ldquo;more&rdquo; &lt;b&gt;</p>") == [
        "Aid of\xa0US$3\xa0million & “more” <b>"
    ]


def test_scripts_styles_buttons_and_comments_are_not_text() -> None:
    unseen = "<script>alert(1)</script><style>p{}</style><button>Share</button><!-- note -->"
    unseen += "<template>t</template><svg><text>s</text></svg>"
    assert lines(f"<p>Words{unseen} stay</p>") == ["Words stay"]


def test_a_page_broken_off_is_refused() -> None:
    whole = PAGE_2025.format(body=BODY)
    for cut in (len(whole) - 8, len(whole) // 2, 60):
        with pytest.raises(UnreadableSource) as caught:
            read_html(whole[:cut], "talks.html")
        assert str(caught.value) == "talks.html: is truncated: it ends before </html>; save the page again"


def test_a_page_without_text_is_refused() -> None:
    for markup in ("<html><body><script>x</script></body></html>", "<p>&nbsp;</p>", PAGE_2022.format(body="<img src=x>")):
        with pytest.raises(UnreadableSource, match="is a page without text"):
            read_html(markup, "empty.html")


def test_fifty_thousand_nested_elements_are_read() -> None:
    assert read_html("<html><body>" + "<div><span>" * 400 + "<b>" * 50_000 + "deep</body></html>", "page").text == "deep"


def test_blocks_that_nest_without_end_are_refused_before_they_are_parsed() -> None:
    """The parser looks through the open blocks at each further one: a million of them take it hours."""
    with pytest.raises(UnreadableSource, match="nests more than 500 blocks"):
        read_html("<html><body>" + "<div>" * 1_000_000 + "deep</body></html>", "page")


def test_many_empty_bodies_in_one_another_are_looked_into_a_few_times_only() -> None:
    with pytest.raises(UnreadableSource, match="without text"):
        read_html("<html><body>" + "<span class=bo_con>" * 5_000 + "</body></html>", "page")


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "//evil.example", "https://[x"]
)
def test_an_address_that_is_no_web_link_is_dropped(address: str) -> None:
    release = release_at(address)
    assert (release.url, release.id) == (None, "talks")


def test_an_address_of_the_ministry_names_the_release() -> None:
    release = release_at("http://mofa.go.kr/eng/brd/m_5674/view.do?page=3&amp;seq=812")
    assert (release.id, release.url) == ("m_5674-812", "https://www.mofa.go.kr/eng/brd/m_5674/view.do?seq=812")


@given(st.text())
@settings(max_examples=200)
def test_any_markup_gives_text_or_our_own_error(markup: str) -> None:
    try:
        page = read_html(markup, "page")
    except UnreadableSource as error:
        assert error.origin == "page"
    else:
        assert page.text.strip()


def test_the_next_body_is_read_where_the_first_is_empty() -> None:
    markup = (
        "<html><body><div class='board_detail'><h2>Talks</h2><div class='bo_con'><div class='se-contents'> </div>"
        "<p>1. They met.</p></div></div></body></html>"
    )
    page = read_html(markup, "page.html")
    assert (page.title, page.text) == ("Talks", "1. They met.")
