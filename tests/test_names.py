from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.corpus import read_corpus
from qa.names import Names
from tests.conftest import CORPUS, release_of


@pytest.fixture(scope="module")
def names() -> Names:
    return Names(read_corpus([CORPUS]).releases)


@pytest.mark.parametrize(
    ("hangul", "english"),
    [
        ("조태열", "Cho Tae-yul"),
        ("강경화", "Kang Kyung-wha"),
        ("정의용", "Chung Eui-yong"),
        ("박진", "Park Jin"),
        ("왕이", "Wang Yi"),
        ("졸리", "Joly"),
        ("쿨레바", "Kuleba"),
        ("젤렌스키", "Zelenskyy"),
        ("루비오", "Rubio"),
        ("나이로비", "Nairobi"),
        ("산티아고", "Santiago"),
        ("가자", "Gaza"),
        ("우크라이나", "Ukraine"),
        ("캐나다", "Canada"),
        ("한중", "Korea-China"),
        ("안보리", "Security Council"),
    ],
)
def test_a_hangul_name_is_found_as_the_releases_spell_it(names: Names, hangul: str, english: str) -> None:
    assert names.in_english(hangul) == english


@pytest.mark.parametrize(
    ("question", "searched"),
    [
        ("왕이 외교부장은 우크라이나에 대해 뭐라고 말했나?", "Wang Yi 외교부장은 Ukraine 에 대해 뭐라고 말했나?"),
        ("용산기지 반환 합의", "Yongsan 기지 반환 합의"),
        ("조태열-루비오 통화", "Cho Tae-yul-Rubio 통화"),
        ("젤렌스카 여사가", "Zelenska 여사가"),
        ("졸리 장관의 의견을", "Joly 장관의 의견을"),
        ("정의용장관은", "Chung Eui-yong 장관은"),
    ],
)
def test_only_the_name_is_replaced_and_its_particle_stays(names: Names, question: str, searched: str) -> None:
    assert names.in_english(question) == searched


@pytest.mark.parametrize(
    "question",
    [
        "외교장관회담에서 합의한 내용은?",
        "공급망은요?",
        "인도적 지원 규모는 얼마인가요?",
        "여사가 의견을 밝혔나요?",
        "여사는 위원회의 의장과 의원을 만났나",
        "대화에서 교육과 안전에 대한 결의안은?",
        "오늘 회에 하나요?",
        "Who is Cho?",
        "올긴",
        "",
    ],
)
def test_everyday_words_titles_and_unknown_names_stay_as_they_are(names: Names, question: str) -> None:
    assert names.in_english(question) == question


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Ambassador Gunn spoke.", "어견"),
        ("Ambassador Byus spoke.", "비어사"),
        ("Mr. Yun spoke.", "이운"),
        ("Mr. Han spoke.", "하나"),
        ("Mr. Modi spoke.", "마디"),
    ],
)
def test_a_short_name_has_the_same_vowels_in_the_same_places(text: str, word: str) -> None:
    assert Names([release_of(text, title="Talks")]).in_english(word) == word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("The US and the UAE met.", "우스"),
        ("The US and the UAE met.", "우애"),
        ("In Songdo they met.", "인송도"),
        ("Mr. Marit spoke.", "마맅"),
    ],
)
def test_abbreviations_and_openings_are_not_heard_and_no_name_ends_in_such_a_final(text: str, word: str) -> None:
    assert Names([release_of(text, title="Talks")]).in_english(word) == word


@pytest.mark.parametrize(
    ("text", "word", "name"),
    [
        ("Mr. Lee Sol-bi spoke.", "이솔비", "Lee Sol-bi"),
        ("KIM Sol-bi spoke.", "김솔비", "KIM Sol-bi"),
        ("Mr. Vernon and Mr. Coaker spoke.", "코커", "Coaker"),
        ("Mr. Vernon and Mr. Coaker spoke.", "버논", "Vernon"),
        ("Ms. Swaraj spoke.", "스와라지", "Swaraj"),
        ("Ms. Sushma spoke.", "수슈마", "Sushma"),
        ("Mr. Biden spoke.", "바이든", "Biden"),
        ("Mr. Bang Moon-kyu spoke.", "방문규", "Bang Moon-kyu"),
    ],
)
def test_a_name_is_heard_as_korean_writes_it(text: str, word: str, name: str) -> None:
    assert Names([release_of(text, title="Talks")]).in_english(word) == name


@pytest.mark.parametrize("word", ["이나" * 999, "르" * 1_999, "옷" * 1_999, "외교장관" * 499], ids=lambda word: word[:4])
def test_a_long_word_is_read_within_a_second(names: Names, word: str) -> None:
    started = time.process_time()
    assert names.in_english(f"{word}힣") == f"{word}힣"
    assert time.process_time() - started < 1


def test_a_word_that_the_releases_also_write_small_is_no_name() -> None:
    names = Names([release_of("1. Minister Joly met the press. July was warm in july.", title="Talks")])
    assert names.in_english("졸리") == "Joly"
    assert Names([release_of("1. The jolly crew met Jolly.", title="Talks")]).in_english("졸리") == "졸리"


@given(st.text(max_size=40))
def test_text_without_hangul_is_never_touched(text: str) -> None:
    names = Names([release_of("1. Cho Tae-yul met Joly.", title="Talks")])
    latin = "".join(char for char in text if not "가" <= char <= "힣")
    assert names.in_english(latin) == latin
