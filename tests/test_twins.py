from __future__ import annotations

import datetime

import pytest

from qa.twins import TWIN_DAYS, are_twins

DAY = datetime.date(2023, 11, 23)
TEXT = "The government welcomes the agreement on the release of hostages and hopes that it is carried out."


@pytest.mark.parametrize(("days", "twins"), [(0, True), (TWIN_DAYS, True), (-TWIN_DAYS, True), (TWIN_DAYS + 1, False)])
def test_the_same_text_within_a_week_is_a_twin(days: int, twins: bool) -> None:
    assert are_twins(TEXT, DAY, TEXT.upper(), DAY + datetime.timedelta(days)) is twins


def test_another_text_or_an_unknown_day_is_none() -> None:
    assert not are_twins(TEXT, DAY, "The minister thanked the mayor for the lanterns of the parade.", DAY)
    assert not are_twins(TEXT, None, TEXT, DAY)
    assert not are_twins(TEXT, DAY, TEXT, None)


def test_texts_too_short_for_three_words_are_compared_whole() -> None:
    assert are_twins("Thank you", DAY, "thank you", DAY)
    assert not are_twins("Thank you", DAY, "Thank them", DAY)
