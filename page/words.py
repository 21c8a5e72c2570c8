"""The words of the interface, in English and Korean. The English ones stand where they are used."""

from __future__ import annotations

import datetime
from typing import Any

import streamlit as st

from page.korean import KOREAN
from qa import Answer

LANGUAGES = {"en": "English", "ko": "한국어"}
ONE = {
    "{count} releases": "{count} release",
    "{count} releases are searched": "{count} release is searched",
    "{count} releases are newer than the index.": "{count} release is newer than the index.",
    "Add {count} releases": "Add the release",
}


def begin_language() -> None:
    """The browser's language, until the reader chooses another."""
    if "language" not in st.session_state:
        st.session_state["language"] = "ko" if (st.context.locale or "").lower().startswith("ko") else "en"


def language() -> str:
    return str(st.session_state.get("language") or "en")


def say(text: str, **values: Any) -> str:
    """The text in the reader's language, with its values filled in."""
    if language() == "ko":
        return KOREAN[text].format(**values)
    return (ONE.get(text, text) if values.get("count") == 1 else text).format(**values)


def day_words(day: datetime.date) -> str:
    return f"{day.year}년 {day.month}월 {day.day}일" if language() == "ko" else f"{day.day} {day:%B %Y}"


def act_words(act: str | None) -> str | None:
    return act and (_ACTS[act] if language() == "ko" else act)


def side_words(side: str | None) -> str | None:
    return side and _SIDES[side][language() == "ko"]


def kind_words(kind: str) -> str:
    return _KINDS[kind] if language() == "ko" else _KINDS_IN_ENGLISH.get(kind, kind)


def board_words(board: str | None) -> str | None:
    return _BOARDS[board][language() == "ko"] if board in _BOARDS else None


def why_words(answer: Answer) -> str:
    """What is missing where no release answers."""
    if answer.abstention is None:
        return ""
    missing = ", ".join(f"“{word}”" for word in answer.abstention.missing)
    return {
        "nothing within the filters": say("No passage is left within the filters."),
        "no release of this time": say("No release is of this time: {missing}.", missing=missing),
        "something is missing": say("The releases, or the nearest of them, do not mention {missing}.", missing=missing),
        "nothing near": say("The nearest passages speak of something else."),
    }[answer.abstention.why]


def error_words(error: str) -> str:
    """An error, whose words are English; in Korean that is said."""
    return say("{error}", error=error)


def nth(number: int) -> str:
    """An ordinal number."""
    if language() == "ko":
        return f"{_KOREAN_ORDINALS[number - 1] if number <= len(_KOREAN_ORDINALS) else number}번째"
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_KOREAN_ORDINALS = ("첫 ", "두 ", "세 ", "네 ", "다섯 ", "여섯 ", "일곱 ", "여덟 ", "아홉 ", "열 ")
_ACTS = {
    "agreed": "합의",
    "condemned": "규탄",
    "requested": "요청",
    "invited": "초청",
    "promised": "약속",
    "announced": "발표",
    "shared a view": "공감",
    "welcomed": "환영·평가",
    "expressed": "표명",
    "discussed": "논의",
    "stated": "언급",
}
_SIDES = {
    "ours": ("the publishing government's side", "발표한 정부 측"),
    "theirs": ("the counterpart's side", "상대측"),
    "both": ("both sides", "양측"),
}
_KINDS_IN_ENGLISH = {"outcome": "outcome of a meeting or call", "news": "news"}
_KINDS = {
    "outcome": "회담·통화 결과",
    "aid": "지원",
    "decision": "결정",
    "statement": "성명·논평",
    "joint statement": "공동성명",
    "speech": "연설",
    "briefing": "브리핑",
    "news": "소식",
}
_BOARDS = {
    "m_5676": ("Press Releases", "영문 보도자료"),
    "m_5674": ("Ministry News", "영문 외교부 소식"),
    "m_5679": ("Press Briefings", "영문 브리핑"),
    "m_5689": ("Minister's Speeches", "영문 장관 연설"),
    "m_4080": ("Press Releases in Korean", "보도자료"),
}
