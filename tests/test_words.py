from __future__ import annotations

import ast
import string

import pytest

from page import answers
from page.korean import KOREAN
from page.words import ONE, nth
from tests.conftest import ROOT

CALLED = "say"


def said() -> set[str]:
    """Every text of the interface, as it stands in the code."""
    found = {words for _, words in answers._SURE}
    for path in [ROOT / "app.py", *(ROOT / "page").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == CALLED:
                first = node.args[0]
                assert isinstance(first, ast.Constant) or ast.unparse(first) == "words", ast.unparse(node)
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_has_korean_words_and_no_korean_words_are_without_one() -> None:
    assert set(KOREAN) == said()


@pytest.mark.parametrize(("english", "other"), [*KOREAN.items(), *ONE.items()])
def test_a_translation_has_the_same_values(english: str, other: str) -> None:
    assert fields(other) <= fields(english)
    assert fields(english) - fields(other) <= {"count"}


@pytest.mark.parametrize(("number", "word"), [(1, "first"), (2, "second"), (10, "tenth"), (12, "12th"), (21, "21st")])
def test_points_are_counted_in_words(number: int, word: str) -> None:
    assert nth(number) == word
