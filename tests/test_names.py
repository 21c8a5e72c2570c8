from __future__ import annotations

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
    ],
)
def test_only_the_name_is_replaced_and_its_particle_stays(names: Names, question: str, searched: str) -> None:
    assert names.in_english(question) == searched


@pytest.mark.parametrize(
    "question", ["외교장관회담에서 합의한 내용은?", "공급망은요?", "인도적 지원 규모는 얼마인가요?", "Who is Cho?", "올긴", ""]
)
def test_everyday_words_and_unknown_names_stay_as_they_are(names: Names, question: str) -> None:
    assert names.in_english(question) == question


def test_a_word_that_the_releases_also_write_small_is_no_name() -> None:
    names = Names([release_of("1. Minister Joly met the press. July was warm in july.", title="Talks")])
    assert names.in_english("졸리") == "Joly"
    assert Names([release_of("1. The jolly crew met Jolly.", title="Talks")]).in_english("졸리") == "졸리"


@given(st.text(max_size=40))
def test_text_without_hangul_is_never_touched(text: str) -> None:
    names = Names([release_of("1. Cho Tae-yul met Joly.", title="Talks")])
    latin = "".join(char for char in text if not "가" <= char <= "힣")
    assert names.in_english(latin) == latin
