from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.encoder import Encoder
from qa.comparison import REPEATED, TOKEN_SHARE, Comparison, Pair, Sentence, _likeness, _paired, _read, compare
from qa.errors import BadQuestion, NotFound, QuoteMismatch
from qa.index import Index
from qa.sentences import sentences
from qa.series import series
from tests.conftest import needs_official, official_releases, release_of
from tests.library import index_of
from tests.model import real_encoder

HARBOUR = "The two sides agreed to widen the harbour of Busan."
PARADE = "They thanked the mayor for her lantern parade."
WHALES = "Minister Han condemned the hunting of whales."
GRAIN = "Korea will give 3 million dollars for grain to Kenya."
TEA = "Both ministers tasted nine kinds of tea."
SENTENCES = (
    HARBOUR,
    PARADE,
    WHALES,
    GRAIN,
    TEA,
    GRAIN.replace("3", "5"),
    "So did she.",
    "Is it so?",
    "양국은 협력하기로 했다.",
)


def index_over(earlier: str, later: str, encoder: Encoder | None = None) -> Index:
    """An index of the releases "one", of 2022, and "two", of 2023."""
    first = release_of(earlier, title="Talks Held", date="2022-02-28", name="one")
    second = release_of(later, title="Talks Held", date="2023-11-26", name="two")
    return index_of([first, second], encoder)


def told(comparison: Comparison) -> list[tuple[str, str]]:
    """Each pair's change, and its words in the later release, or the earlier's where they were dropped."""
    sides = [(pair.change, pair.later or pair.earlier) for pair in comparison.pairs]
    return [(change, sentence.text) for change, sentence in sides if sentence is not None]


def changes(earlier: str, later: str) -> list[tuple[str, str]]:
    return told(compare(index_over(earlier, later), "one", "two"))


def test_what_only_one_release_says_is_new_or_dropped() -> None:
    assert changes(f"{HARBOUR} {PARADE}", f"{HARBOUR} {TEA}") == [("repeated", HARBOUR), ("dropped", PARADE), ("new", TEA)]


def test_a_dropped_sentence_stands_after_the_one_it_stood_after() -> None:
    assert changes(f"{PARADE} {HARBOUR} {WHALES} {TEA}", f"{GRAIN} {TEA} {HARBOUR}") == [
        ("dropped", PARADE),
        ("new", GRAIN),
        ("repeated", TEA),
        ("repeated", HARBOUR),
        ("dropped", WHALES),
    ]


def test_a_position_in_nearly_the_same_words_is_repeated() -> None:
    again = "The two sides again agreed to widen Busan harbour."
    comparison = compare(index_over(f"{HARBOUR} {WHALES}", f"{TEA} {again}"), "one", "two")
    assert told(comparison) == [("new", TEA), ("repeated", again), ("dropped", WHALES)]
    pair = comparison.pairs[1]
    assert pair.earlier is not None
    assert pair.earlier.text == HARBOUR
    assert REPEATED <= pair.likeness < 1


def test_the_same_topic_with_another_figure_is_new_and_dropped() -> None:
    more = GRAIN.replace("3", "5")
    assert changes(GRAIN, more) == [("dropped", GRAIN), ("new", more)]


def test_one_figure_more_is_no_other_position() -> None:
    more = GRAIN.replace("Kenya", "Kenya in 2023")
    assert changes(GRAIN, more) == [("repeated", more)]


def test_the_same_words_are_not_given_up_for_two_pairs_that_are_only_like() -> None:
    before = [Sentence("one", "one#p1", None, name, 0, 1) for name in "ab"]
    after = [Sentence("two", "two#p1", None, name, 0, 1) for name in "cd"]
    pairs = _paired(before, after, np.array([[1.0, 0.9], [0.9, 0.0]]))
    assert pairs == (
        Pair("repeated", before[0], after[0], 1.0),
        Pair("dropped", before[1], None, 0.0),
        Pair("new", None, after[1], 0.0),
    )


def test_of_like_sentences_each_is_paired_once_and_the_sum_is_the_most() -> None:
    before = [Sentence("one", "one#p1", None, name, 0, 1) for name in "ab"]
    after = [Sentence("two", "two#p1", None, name, 0, 1) for name in "cd"]
    pairs = _paired(before, after, np.array([[0.9, 0.8], [0.8, REPEATED - 0.01]]))
    assert pairs == (Pair("repeated", before[1], after[0], 0.8), Pair("repeated", before[0], after[1], 0.8))


def test_the_release_of_the_earlier_date_is_the_earlier_one() -> None:
    index = index_over(HARBOUR, TEA)
    swapped = compare(index, "two", "one")
    assert swapped == compare(index, "one", "two")
    assert (swapped.earlier_id, swapped.later_id) == ("one", "two")
    assert told(swapped) == [("dropped", HARBOUR), ("new", TEA)]


def test_releases_without_a_date_stay_in_the_order_given() -> None:
    index = index_of(release_of(text, title="Talks Held", name=name) for text, name in ((TEA, "one"), (WHALES, "two")))
    assert [compare(index, *ids).earlier_id for ids in (("one", "two"), ("two", "one"))] == ["one", "two"]


def test_an_unknown_id_is_refused_with_the_nearest_id_or_title() -> None:
    index = index_of(
        release_of(HARBOUR, title=title, url=f"https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq={seq}")
        for title, seq in (("Harbour Talks", 322012), ("Grain Assistance", 318277))
    )
    with pytest.raises(NotFound, match=r"'m_5676-32201': no release has this id; the nearest: m_5676-322012 \(Harbour Talks\)"):
        compare(index, "m_5676-318277", "m_5676-32201")
    with pytest.raises(NotFound, match=r"the nearest: m_5676-318277 \(Grain Assistance\)"):
        series(index, "Grain Assistence")


def test_a_release_is_not_compared_with_itself() -> None:
    with pytest.raises(BadQuestion, match="one is given twice"):
        compare(index_over(HARBOUR, TEA), "one", "one")


def test_a_sentence_that_is_not_in_its_release_is_never_given_out() -> None:
    index = index_over(HARBOUR, TEA)
    forged = dataclasses.replace(index.passages[0], text=WHALES)
    with pytest.raises(QuoteMismatch, match="one#p1"):
        compare(dataclasses.replace(index, passages=(forged, *index.passages[1:])), "one", "two")


def test_the_marker_of_a_point_is_no_part_of_its_sentence() -> None:
    comparison = compare(index_over(f"1. {TEA}\n° {HARBOUR}\n* {PARADE}", HARBOUR), "one", "two")
    assert told(comparison) == [("dropped", TEA), ("repeated", HARBOUR), ("dropped", PARADE)]
    start = len(f"1. {TEA}\n° ")
    assert comparison.pairs[1] == Pair(
        "repeated",
        Sentence("one", "one#1", "1", HARBOUR, start, start + len(HARBOUR)),
        Sentence("two", "two#p1", None, HARBOUR, 0, len(HARBOUR)),
        1.0,
    )


def test_only_its_own_tokens_count_for_a_sentence() -> None:
    index = index_over(f"{HARBOUR} {TEA}", WHALES)
    read = _read(index, index.releases["one"])
    assert [len(each.vectors) for each in read] == [10, 7]  # as many as its words: none of the title's, none of the other's


def test_a_sentence_past_what_the_model_read_is_compared_by_its_words() -> None:
    index = index_over(HARBOUR, HARBOUR.replace("The two sides", "They"))
    one, two = (_read(index, index.releases[name])[0] for name in ("one", "two"))
    shared = {"agre", "widen", "harbour", "busan"}
    assert one.words == shared | {"two", "side"}
    assert two.words == shared
    in_words = 2 * 4 * np.log(2) / (8 * np.log(2) + 2 * np.log(3))  # of 2 sentences, 2 have a shared word and 1 another
    blind = _likeness([one._replace(vectors=one.vectors[:0])], [two])
    assert blind[0, 0] == pytest.approx((1 - TOKEN_SHARE) * in_words)
    assert blind[0, 0] < _likeness([one], [two])[0, 0] <= blind[0, 0] + TOKEN_SHARE


def test_likeness_is_the_same_in_both_directions() -> None:
    index = index_over(f"{HARBOUR} {TEA} {PARADE}", "Both sides agreed to thank the mayor of Busan. They tasted tea.")
    one, two = (_read(index, index.releases[name]) for name in ("one", "two"))
    assert _likeness(one, two) == pytest.approx(_likeness(two, one).T)


def test_the_record_is_json_of_every_field() -> None:
    record = compare(index_over(HARBOUR, f"{HARBOUR} {TEA}"), "one", "two").record()
    assert json.loads(json.dumps(record)) == record
    sides = {"earlier": ("one", "2022-02-28"), "later": ("two", "2023-11-26")}
    for name, (key, day) in sides.items():
        assert [record[f"{name}_{field}"] for field in ("id", "title", "date", "provenance")] == [
            key,
            "Talks Held",
            day,
            "official",
        ]
    place = {"passage_id": "two#p1", "paragraph": None, "release_id": "two", "start": len(HARBOUR) + 1}
    assert record["pairs"][1] == {
        "change": "new",
        "earlier": None,
        "later": place | {"text": TEA, "end": len(HARBOUR) + 1 + len(TEA)},
        "likeness": 0.0,
    }


def everything_once(index: Index, earlier: str, later: str) -> Comparison:
    """The comparison, once every sentence of both releases was found in it exactly once, at its place."""
    comparison = compare(index, earlier, later)
    for key, found in (
        (comparison.earlier_id, [pair.earlier for pair in comparison.pairs if pair.earlier is not None]),
        (comparison.later_id, [pair.later for pair in comparison.pairs if pair.later is not None]),
    ):
        text = index.releases[key].text
        assert all(text[each.start : each.end] == each.text for each in found)
        ends = [
            passage.start + end for passage in index.passages if passage.release_id == key for _, end in sentences(passage.text)
        ]
        assert sorted(each.end for each in found) == ends
    for pair in comparison.pairs:
        assert (pair.earlier is not None, pair.later is not None) == {
            "new": (False, True),
            "dropped": (True, False),
            "repeated": (True, True),
        }[pair.change]
        assert REPEATED <= pair.likeness <= 1 if pair.change == "repeated" else pair.likeness == 0
    order = [pair.later.start for pair in comparison.pairs if pair.later is not None]
    assert order == sorted(order)
    return comparison


texts = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=7).map(" ".join)


@settings(max_examples=40)
@given(texts, texts)
def test_every_sentence_of_both_releases_stands_in_one_pair(earlier: str, later: str) -> None:
    everything_once(index_over(earlier, later), "one", "two")


@settings(max_examples=40)
@given(texts)
def test_of_a_copy_every_sentence_is_repeated_in_its_own_words(text: str) -> None:
    comparison = everything_once(index_over(text, text), "one", "two")
    assert {(pair.change, pair.likeness) for pair in comparison.pairs} == {("repeated", 1.0)}


@needs_official
def test_official_meetings_with_china_are_compared_sentence_by_sentence() -> None:
    official = official_releases()
    names = series(index_of(official.values()), "korea-china-busan-meeting")
    assert names == ("korea-china-virtual-meeting", "korea-china-busan-meeting")
    comparison = everything_once(index_of(official[name] for name in names), *names)
    repeated = [pair for pair in comparison.pairs if pair.change == "repeated"]
    assert [pair.later.paragraph for pair in repeated if pair.later is not None] == ["1"]
    assert len(comparison.pairs) == 38


@needs_official
def test_an_official_release_on_two_boards_is_repeated_whole() -> None:
    official = official_releases()
    for one, other in (("m_5676-322929", "m_5674-321164"), ("m_5676-322424", "m_5674-320949")):
        comparison = everything_once(index_of([official[one], official[other]]), one, other)
        assert {pair.change for pair in comparison.pairs} == {"repeated"}


@pytest.mark.model
def test_the_model_tells_a_position_in_other_words_from_another_position() -> None:
    held = "The two ministers agreed to continue strengthening cooperation on stable supply chains of raw materials."
    again = "Both ministers agreed to keep strengthening their cooperation for the stable supply of raw materials."
    other = "The minister voiced deep concern over export restrictions on raw materials."
    index = index_over(held, f"{other} {again}", real_encoder())
    assert told(compare(index, "one", "two")) == [("new", other), ("repeated", again)]
