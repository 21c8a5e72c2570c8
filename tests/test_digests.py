"""The form of what ships in corpus/: digests in words of our own, and the questions asked of them."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter, defaultdict
from typing import Any

import pytest

from qa.corpus import Corpus, read_corpus
from tests.conftest import CORPUS, needs_official, official_releases

KINDS = {"fact", "paraphrase", "korean", "follow-up", "dated", "speaker", "unanswerable"}
RUN = 8  # words

# The rule for words taken over. A run is eight successive words that stand, case and punctuation aside, in an official
# release too. It is allowed when it stands in the title of a release, or is mostly name: at most three of its words are
# ordinary, that is neither capitalised, nor a number, nor one of the small words that names are joined with. What stands
# in double curly quotation marks, twelve words at most, is the name of a session, plan or theme, and no run goes across it.
ORDINARY_ALLOWED = 3
JOINING = frozenset("a an and as at by for from in of on or the to with".split())  # noqa: SIM905
WORD = re.compile(r"\w+(?:['.,-]\w+)*")
QUOTED = re.compile(r"“[^“”]*”")


@functools.cache
def shipped() -> Corpus:
    return read_corpus([CORPUS])


@functools.cache
def questions() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / "questions.jsonl").read_text(encoding="utf-8").splitlines()]


def words(text: str) -> list[str]:
    return WORD.findall(re.sub("[‘’]", "'", text))


def runs(text: str) -> list[tuple[str, ...]]:
    found = words(text)
    return [tuple(found[at : at + RUN]) for at in range(len(found) - RUN + 1)]


def folded(run: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.casefold() for word in run)


def taken_over(text: str, official: set[tuple[str, ...]], titles: set[tuple[str, ...]]) -> list[str]:
    """The runs of `text` that it shares with official releases and the rule above does not allow."""
    stretches = QUOTED.sub(lambda quoted: "\0" if len(words(quoted[0])) <= 12 else quoted[0], text).split("\0")
    return [
        " ".join(run)
        for stretch in stretches
        for run in runs(stretch)
        if folded(run) in official
        and folded(run) not in titles
        and sum(word[0].islower() and word not in JOINING for word in run) > ORDINARY_ALLOWED
    ]


@functools.cache
def official_runs() -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    releases = official_releases().values()
    texts = {folded(run) for release in releases for run in runs(f"{release.subtitle or ''}\n{release.text}")}
    return texts, {folded(run) for release in releases for run in runs(release.title)}


def test_every_file_is_read() -> None:
    files = [path for path in CORPUS.iterdir() if path.suffix in (".txt", ".html")]
    assert len(shipped().releases) == len(files) == 79
    assert shipped().left_out == ()


def test_every_release_is_a_digest_with_its_official_link_and_a_stated_date() -> None:
    for release in shipped().releases:
        assert (release.provenance, release.date_source) == ("digest", "stated"), release.source
        board, seq = release.id.split("-")
        assert release.url == f"https://www.mofa.go.kr/eng/brd/{board}/view.do?seq={seq}"


def test_every_id_is_met_in_one_file() -> None:
    assert len({release.id for release in shipped().releases}) == len({release.source for release in shipped().releases}) == 79


def test_a_file_is_named_for_the_day_of_its_release() -> None:
    for release in shipped().releases:
        assert release.source.removeprefix(f"{CORPUS}/").startswith(f"{release.date}-")


@needs_official
def test_no_digest_takes_over_the_ministrys_words() -> None:
    found = {release.id: taken_over(release.text, *official_runs()) for release in shipped().releases}
    assert {key: run for key, run in found.items() if run} == {}


@needs_official
def test_the_rule_would_catch_an_official_release() -> None:
    caught = [bool(taken_over(release.text, *official_runs())) for release in official_releases().values()]
    assert all(caught)


def test_the_rule_allows_names_and_titles_and_no_sentence() -> None:
    sentence = "the ships of both harbours will be allowed to leave before the tide"
    official = {folded(run) for run in runs(f"{sentence}. “{sentence}.” Ministry of Ports and Tides of the Republic of Korea")}
    assert taken_over("the Ministry of Ports and Tides of the Republic of Korea", official, set()) == []
    assert taken_over(sentence, official, set())[0] == "the ships of both harbours will be allowed"
    assert taken_over(sentence, official, official) == []
    assert taken_over(" ".join(sentence.split()[:7]), official, set()) == []
    assert len(taken_over(f"He said “{sentence}”", official, set())) == 6, "thirteen words in quotation marks are no name"


@needs_official
def test_the_digests_of_official_releases_keep_date_and_title() -> None:
    official = official_releases()
    both = [release for release in shipped().releases if release.id in official]
    assert len(both) == 42
    for release in both:
        assert (release.date, release.title) == (official[release.id].date, official[release.id].title)


def test_there_are_questions_enough_of_every_kind_in_both_splits() -> None:
    assert len(questions()) >= 300
    assert sum(not question["answers"] for question in questions()) >= 60
    for split in ("tune", "test"):
        kinds = Counter(question["kind"] for question in questions() if question["split"] == split)
        assert set(kinds) == KINDS
        assert min(kinds.values()) >= 10


def test_every_question_has_an_id_of_its_own_and_the_form_of_its_kind() -> None:
    assert len({question["id"] for question in questions()}) == len(questions())
    for question in questions():
        assert question["split"] in ("tune", "test")
        assert bool(question["answers"]) == (question["kind"] != "unanswerable"), question["id"]
        assert bool(question["history"]) == (question["kind"] == "follow-up"), question["id"]
        assert (question["language"] == "ko") == bool(re.search("[가-힣]", question["question"])), question["id"]
        assert question["language"] == "ko" or question["kind"] != "korean"


def test_every_answering_sentence_stands_verbatim_in_its_release() -> None:
    texts = {release.id: release.text for release in shipped().releases}
    for question in questions():
        for answer in question["answers"]:
            assert answer["sentence"].strip()
            assert answer["sentence"] in texts[answer["release"]], question["id"]


def test_no_release_is_asked_about_in_both_splits() -> None:
    splits = defaultdict(set)
    for question in questions():
        for release in {*question["about"], *(answer["release"] for answer in question["answers"])}:
            splits[release].add(question["split"])
    assert {release: sorted(found) for release, found in splits.items() if len(found) > 1} == {}


@pytest.mark.parametrize("field", ["answers", "about"])
def test_questions_name_releases_that_ship(field: str) -> None:
    known = {release.id for release in shipped().releases}
    for question in questions():
        named = [entry["release"] if field == "answers" else entry for entry in question[field]]
        assert set(named) <= known, question["id"]
