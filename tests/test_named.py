from __future__ import annotations

import pytest

from qa.named import named_in
from qa.names import Names
from qa.question import understand
from tests.conftest import release_of
from tests.talks import BOARD, MET, SPEAKERS, TITLE

NAMES = Names([release_of(MET, title=TITLE, url=f"{BOARD}1")])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What did Korea and Spain agree?", [("Korea", "country", "Korea"), ("Spain", "country", "Spain")]),
        ("What did the Spanish government say?", [("the Spanish government", "country", "Spain")]),
        ("What is Korea's view of Korea?", [("Korea", "country", "Korea")]),
        ("Did Marta Soler see the harbour?", [("Marta Soler", "person", "Marta Soler")]),
        ("스페인은 무엇을 요청했나요?", [("스페인은", "country", "Spain")]),
        ("When does the harbour open?", []),
    ],
)
def test_countries_and_people_are_named_where_the_question_does(text: str, found: list[tuple[str, str, str]]) -> None:
    question = understand(text, names=NAMES, speakers=SPEAKERS)
    named = named_in(question, SPEAKERS)
    assert [(question.text[each.start : each.end], each.kind, each.meaning) for each in named] == found
