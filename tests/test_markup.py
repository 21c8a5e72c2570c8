from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page.markup import escaped, link, markdown, marked, plain
from tests.test_app import Shown

JOINER = "\u2060"


@given(st.text())
def test_every_sign_of_markdown_is_escaped_and_the_words_stay(text: str) -> None:
    assert re.search(r"(?<!\\)(?:\\\\)*[<>`*_$\[\]&:/]", markdown(text)) is None
    assert re.sub(r"\\([^\w\s]|_)", r"\1", markdown(text)) == " ".join(text.split())
    assert re.sub(r"\\([^\w\s]|_)", r"\1", plain(text)).replace(JOINER, "") == " ".join(text.replace(JOINER, "").split())


@pytest.mark.parametrize(
    "made",
    ["https://a.example", "www.a.example", "a@b.example", ":material/delete:", ":streamlit:", ":smile:", "->", "--", "<="],
)
def test_what_streamlit_would_make_something_of_is_taken_apart(made: str) -> None:
    assert JOINER in plain(made)


@pytest.mark.parametrize(
    "text",
    ["ROK-U.S. talks", "Time: 2022", "It rained. 1 – 2", "Follows: “And when?”", "run qa rebuild --index a", "milvus://a:1/b"],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert JOINER not in plain(text)


@given(st.text())
def test_html_shows_the_text_itself(text: str) -> None:
    text = re.sub("[\r\x00]", "", text)  # which no browser keeps
    middle = len(text) // 2
    for html in (escaped(text), marked(text, [(0, middle)]), link("https://a.example", text, title=text)):
        found = Shown(html)
        assert (found.text, set(found.tags) <= {"mark", "a"}) == (text, True)
