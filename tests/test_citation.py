from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from qa.citation import bibtex, cite, link_to, place_of
from qa.release import Release
from tests.conftest import release_of

URL = "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=7"
TEXT = (
    "1. The ministers met in Yeosu.\n"
    "2. They agreed on three things.\n"
    "° The harbour of Busan is widened.\n"
    "* The harbour was opened in 1876.\n"
    "° Grain goes to Kenya, and fifty-two ships, all of them new, carry it from Odesa.\n"
    "※ No ship has left yet.\n"
)
LONG = "Grain goes to Kenya, and fifty-two ships, all of them new, carry it from Odesa."


def release(text: str = TEXT, url: str | None = URL) -> Release:
    return release_of(text, title="Harbour & Grain: 100% {Talks}", date="2022-02-28", url=url)


def place_in(sentence: str) -> tuple[object, ...]:
    made = release()
    start = made.text.index(sentence)
    found = place_of(made, start, start + len(sentence))
    return found.number, found.paragraph, found.point, found.notes


def test_a_sentence_stands_in_its_paragraph_under_its_point_with_its_notes() -> None:
    assert place_in("The ministers met in Yeosu.") == ("1", 1, None, ())
    assert place_in("They agreed on three things.") == ("2", 2, None, ())
    assert place_in("The harbour of Busan is widened.") == ("2", 2, 1, ("* The harbour was opened in 1876.",))
    assert place_in(LONG) == ("2", 2, 2, ("※ No ship has left yet.",))


def test_an_unnumbered_paragraph_is_counted() -> None:
    made = release("Snow fell.\n\nRain followed.")
    start = made.text.index("Rain")
    assert (place_of(made, start, start + 4).number, place_of(made, start, start + 4).paragraph) == (None, 2)


def test_characters_of_no_paragraph_are_no_place() -> None:
    with pytest.raises(ValueError, match="m_5676-7 has no paragraph"):
        place_of(release(), 0, len(release().text))


def test_a_link_opens_the_page_at_the_sentence() -> None:
    assert link_to(release(), "Snow fell.") == f"{URL}#:~:text=Snow%20fell."
    linked = link_to(release(), LONG) or ""
    start, end = linked.removeprefix(f"{URL}#:~:text=").split(",")
    assert re.search("[,&-]", start + end) is None  # what a text fragment takes for its own signs
    assert (unquote(start), unquote(end)) == ("Grain goes to Kenya, and fifty-two", "them new, carry it from Odesa.")


def test_a_digest_is_linked_without_a_sentence_that_is_not_there_and_no_address_is_no_link() -> None:
    digest = release_of(f"Digest, not the ministry's words. Official release: {URL}\n\nTalks\n\n1. Snow fell.")
    assert link_to(digest, "Snow fell.") == URL
    assert link_to(release(url=None), "Snow fell.") is None


def test_a_citation_names_all_that_finds_it_again() -> None:
    made = release()
    start = made.text.index(LONG)
    assert cite(made, LONG, place_of(made, start, start + len(LONG))) == (
        f"“{LONG}” Ministry of Foreign Affairs of the Republic of Korea, “Harbour & Grain: 100% {{Talks}}”, "
        f"28 February 2022, paragraph 2. {URL}"
    )
    assert cite(release(url=None), "Snow fell.", None).endswith(
        "unknown publisher, “Harbour & Grain: 100% {Talks}”, 28 February 2022."
    )


def test_a_bibtex_entry_is_escaped_and_balanced() -> None:
    entry = bibtex(release())
    assert entry.startswith("@misc{m_5676-7,\n")
    assert r"title = {{Harbour \& Grain: 100\% \{Talks\}}}" in entry
    assert "year = {2022},\n  month = feb,\n  day = {28}" in entry
    bare = re.sub(r"\\[{}]", "", entry)
    assert bare.count("{") == bare.count("}")


def test_a_digest_is_cited_as_one() -> None:
    digest = release_of(f"Digest, not the ministry's words. Official release: {URL}\n\nTalks\n\n1. Snow fell.")
    assert "[digest, not the ministry's words]" in cite(digest, "Snow fell.", None)
    assert "note = {Digest, not the ministry's words}" in bibtex(digest)
