"""Which words tell which act, in English and Korean."""

from __future__ import annotations

import pytest

from qa.acts import ACTS, SIDES, VERB, Act, act_of, acts_from, asked_act, before_verb, korean_act


def first_verb(text: str) -> tuple[str, Act] | None:
    verb = VERB.search(text)
    return (verb[0], act_of(verb)) if verb else None


def test_sides_and_acts_are_pinned_the_most_binding_first() -> None:
    assert SIDES == ("ours", "theirs", "both")
    assert ACTS == (
        "agreed",
        "condemned",
        "requested",
        "invited",
        "promised",
        "announced",
        "shared a view",
        "welcomed",
        "expressed",
        "discussed",
        "stated",
    )


@pytest.mark.parametrize(
    ("text", "verb", "act"),
    [
        ("They agreed to dredge.", "agreed", "agreed"),
        ("They reached a new agreement.", "reached a new agreement", "agreed"),
        ("He denounces theft.", "denounces", "condemned"),
        ("He expressed his strong condemnation.", "expressed his strong condemnation", "condemned"),
        ("She called upon them.", "called upon", "requested"),
        ("She urges calm.", "urges", "requested"),
        ("He extended an invitation.", "extended an invitation", "invited"),
        ("They will plant pears.", "will", "promised"),
        ("They are committed to pears.", "are committed to", "promised"),
        ("They decided on pears.", "decided", "announced"),
        ("They concurred.", "concurred", "shared a view"),
        ("They shared a common understanding.", "shared a common understanding", "shared a view"),
        ("She commended the pilots.", "commended", "welcomed"),
        ("He regretted the frost.", "regretted", "expressed"),
        ("She looks forward to it.", "looks", "expressed"),
        ("They exchanged views.", "exchanged views", "discussed"),
        ("She pointed out the tide.", "pointed", "stated"),
        ("He says so.", "says", "stated"),
    ],
)
def test_a_verb_in_its_forms_tells_an_act(text: str, verb: str, act: Act) -> None:
    assert first_verb(text) == (verb, act)


@pytest.mark.parametrize(
    "text",
    ["They will hold talks.", "He pointed at the pier.", "They looked at pears.", "a disagreement", "The statement is long."],
)
def test_what_only_resembles_such_a_verb_tells_none(text: str) -> None:
    assert first_verb(text) is None


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("He welcomed the plan and also asked for seeds.", ["welcomed", "requested"]),
        ("He hoped for rain, and urged haste, and thanked her.", ["expressed", "requested", "expressed"]),
        ("He said that Spain welcomed pears and promised lanterns.", ["stated"]),
        ("He said that it rained, and promised lanterns.", ["stated", "promised"]),
        ("He welcomes the plan and asked for seeds.", ["welcomed"]),
    ],
)
def test_verbs_that_and_joins_share_a_subject_unless_a_clause_or_tense_parts_them(text: str, acts: list[Act]) -> None:
    verb = VERB.search(text)
    assert verb is not None
    assert acts_from(text, verb) == acts


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("Spain strongly condemned it", "Spain "),
        ("Spain, for its part, also urged haste", "Spain, "),
        ("Spain on May 3 agreed", "Spain "),
        ("Agreed", ""),
    ],
)
def test_adverbs_belong_to_the_verb_behind_them(text: str, before: str) -> None:
    verb = VERB.search(text.casefold())
    assert verb is not None
    assert before_verb(text, verb) == before


@pytest.mark.parametrize(
    ("question", "act"),
    [
        ("What did they agree on?", "agreed"),
        ("What did they state and request?", "requested"),
        ("What did they state?", None),
        ("When was it built?", None),
    ],
)
def test_a_question_asks_for_the_act_of_its_last_verb_and_stating_is_any(question: str, act: Act | None) -> None:
    assert asked_act(question) == act


@pytest.mark.parametrize(
    ("question", "act"),
    [
        ("무엇을 요청했나요?", "requested"),
        ("합의한 내용은?", "agreed"),
        ("의견을 교환했나요?", "discussed"),
        ("약속하고 요청한 것은?", "requested"),
        ("뭐라고 했나요?", "stated"),
        ("항구 반환 합의", None),
        ("When?", None),
    ],
)
def test_a_korean_verb_tells_an_act_and_a_bare_noun_none(question: str, act: Act | None) -> None:
    assert korean_act(question) == act
