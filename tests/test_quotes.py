from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.quotes import REVERSE_SHARE, Quote, find_quotes

TITLE = "Harbour Talks\n"
TEXT = "Ministers met in Seoul. They widened the harbour.\nLunch followed."


def spans_of(text: str) -> npt.NDArray[np.int32]:
    return np.array([match.span() for match in re.finditer(r"\w+", text)], np.int32).reshape(-1, 2)


def even(count: int) -> npt.NDArray[np.float32]:
    return np.full(count, 1 / max(count, 1), np.float32)


def quote_for(*likeness: dict[str, float], text: str = TEXT, title: str = TITLE) -> tuple[Quote, ...]:
    """The quotes when question token i is as like each word of title and text as `likeness[i]` says, else 0."""
    words = re.findall(r"\w+", title + text)
    similarities = np.array([[row.get(word, 0.0) for word in words] for row in likeness], np.float32).reshape(-1, len(words))
    return find_quotes("Who met?", text, similarities, even(len(similarities)), spans_of(title + text), len(title))


def test_the_sentence_with_the_likest_tokens_is_quoted_at_its_offsets() -> None:
    assert quote_for({"widened": 0.9}) == (Quote("They widened the harbour.", 24, 49),)
    assert quote_for({"Seoul": 0.9}) == (Quote("Ministers met in Seoul.", 0, 23),)
    assert quote_for({"Lunch": 0.9}) == (Quote("Lunch followed.", 50, 65),)


def test_each_question_token_counts_with_its_best_word() -> None:
    two_words = quote_for({"widened": 0.8, "Lunch": 0.7}, {"harbour": 0.1, "followed": 0.9})
    assert two_words[0].text == "Lunch followed."  # 0.7 + 0.9 against 0.8 + 0.1


def test_a_word_of_the_title_need_not_be_repeated_by_the_sentence() -> None:
    tokens: tuple[dict[str, float], ...] = ({"Talks": 0.8, "Lunch": 0.6}, {"widened": 0.6, "Lunch": 0.45})
    assert quote_for(*tokens)[0].text == "They widened the harbour."
    assert quote_for(*tokens, title="\n")[0].text == "Lunch followed."


def test_at_a_tie_of_question_tokens_the_sentence_that_says_less_else_is_quoted() -> None:
    assert quote_for({"widened": 0.9, "Lunch": 0.9})[0].text == "Lunch followed."  # 1 of 2 words is like, not 1 of 4


def test_the_share_of_the_other_direction_decides_as_stated() -> None:
    def winner(gap: float) -> str:
        return quote_for({"widened": 0.8 + gap, "Lunch": 0.8})[0].text

    # "Lunch followed." leads by REVERSE_SHARE * (0.8 / 2 - 0.8 / 4) = 0.06; each point of gap is worth 1 + REVERSE_SHARE / 4.
    even = REVERSE_SHARE * 0.2 / (1 + REVERSE_SHARE / 4)
    assert winner(even - 0.01) == "Lunch followed."
    assert winner(even + 0.01) == "They widened the harbour."


def test_a_sentence_the_model_did_not_read_is_never_quoted_before_one_it_read() -> None:
    read = spans_of(TITLE + TEXT)[:6]  # cut after "Seoul"
    similarities = np.full((1, 6), -0.9, np.float32)
    assert find_quotes("Who met?", TEXT, similarities, even(len(similarities)), read, len(TITLE)) == (
        Quote("Ministers met in Seoul.", 0, 23),
    )


@pytest.mark.parametrize("text", ["", "  \n "])
def test_a_text_without_words_quotes_nothing(text: str) -> None:
    assert find_quotes("Who met?", text, np.zeros((2, 0), np.float32), even(2), np.zeros((0, 2), np.int32), 0) == ()


def test_a_question_without_tokens_quotes_the_first_sentence() -> None:
    assert quote_for()[0].text == "Ministers met in Seoul."


@given(st.text(max_size=120), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_a_quote_is_always_sliced_from_the_text(text: str, question_tokens: int, seed: int) -> None:
    spans = spans_of(TITLE + text)
    similarities = np.random.default_rng(seed).uniform(-1, 1, (question_tokens, len(spans))).astype(np.float32)
    quotes = find_quotes("Who met?", text, similarities, even(len(similarities)), spans, len(TITLE))
    assert [text[quote.start : quote.end] for quote in quotes] == [quote.text for quote in quotes]
    assert bool(quotes) == bool(text.strip())
    assert len({quote.start for quote in quotes}) == len(quotes) <= 2
    assert all(quote.text == quote.text.strip() for quote in quotes)


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("What was given?", "The grain went to Kenya."),
        ("How much was given?", "It was worth 3 million dollars."),
        ("얼마를 주었나요?", "It was worth 3 million dollars."),
        ("When was it given?", "The ship sailed in March."),
        ("언제 주었나요?", "The ship sailed in March."),
    ],
)
def test_a_sentence_with_the_figure_or_day_asked_for_is_preferred(question: str, quoted: str) -> None:
    text = "The grain went to Kenya. It was worth 3 million dollars. The ship sailed in March."
    spans = np.array([(start, start + 3) for start in range(0, len(text), 4)], dtype=np.int32)
    similarities = np.full((1, len(spans)), 0.50, dtype=np.float32)
    similarities[:, spans[:, 0] < 24] = 0.52
    assert [quote.text for quote in find_quotes(question, text, similarities, even(len(similarities)), spans, 0)] == [quoted]


def test_the_marker_of_a_point_is_no_part_of_its_quote() -> None:
    text = "They met.\n° The grain went to Kenya."
    spans = np.array([(0, 9), (12, 36)], dtype=np.int32)
    quotes = find_quotes("What went where?", text, np.array([[0.1, 0.9]], dtype=np.float32), even(1), spans, 0)
    assert quotes == (Quote("The grain went to Kenya.", 12, 36),)


@pytest.mark.parametrize(
    ("sold", "marked"),
    [
        ((0.2, 0.2), [0]),  # lacks more than it adds
        ((0.2, 0.9), [0, 16]),  # adds the place: 0.4 of its own score is lacking, 0.4 gained
        ((0.9, 0.3), [0]),  # as good in what the first holds, but adds nothing
        ((0.9, 0.9), [16]),  # holds all that the first does
    ],
)
def test_a_second_sentence_is_marked_where_what_it_adds_outweighs_what_its_score_lacks(
    sold: tuple[float, float], marked: list[int]
) -> None:
    text = "Grain was sent. Grain was sold. Visas were waived."
    spans = np.array([match.span() for match in re.finditer(r"\w+", text)], np.int32)
    likeness = np.zeros((2, 9), np.float32)
    likeness[:, 0], likeness[:, 3] = (0.9, 0.5), sold
    quotes = find_quotes("grain where", text, likeness, even(2), spans, 0)
    assert [quote.start for quote in quotes] == marked


def test_of_a_passage_that_was_not_read_one_sentence_is_marked() -> None:
    text = "Grain was sent. Grain was sold."
    quotes = find_quotes("grain", text, np.zeros((1, 0), np.float32), even(1), np.zeros((0, 2), np.int32), 0)
    assert [quote.start for quote in quotes] == [0]
