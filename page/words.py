"""The words of the interface, in English and Korean. The English ones stand where they are used; the Korean ones here."""

from __future__ import annotations

import datetime
from typing import Any

import streamlit as st

LANGUAGES = {"en": "English", "ko": "한국어"}


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
    "ours": ("the publishing government's side", "발표국 측"),
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
ONE = {
    "{count} releases": "{count} release",
    "{count} releases are searched": "{count} release is searched",
    "{count} releases are newer than the index.": "{count} release is newer than the index.",
    "Add {count} releases": "Add the release",
}
KOREAN = {
    "Ask the releases": "보도자료에 묻기",
    "Ask in English or Korean": "한국어나 영어로 질문하세요",
    "Every word in quotes is a release's. Nothing is generated.": "인용문은 모두 보도자료의 것이며, 생성된 문장은 없습니다.",
    "For example": "질문 예시",
    "Close": "닫기",
    "Understood": "이해한 내용",
    "Leave this out and ask again": "이것을 빼고 다시 묻기",
    "Follows: {question}": "앞 질문: {question}",
    "This question leans on one before it: “{question}”": "앞선 질문에 이어지는 질문입니다: “{question}”",
    "Time: {period}": "시기: {period}",
    "Releases of this time come first: {period}": "이 시기의 보도자료를 먼저 보여줍니다: {period}",
    "Released: {days}": "발표일: {days}",
    "Only releases of these days are searched.": "이 기간의 보도자료만 찾습니다.",
    "Ask only of these days": "이 기간만 묻기",
    "Who and what: {asked}": "누가 무엇을: {asked}",
    "Only: {asked}": "이것만: {asked}",
    "Passages with such a statement come first.": "이런 발언이 있는 단락을 먼저 보여줍니다.",
    "Only passages with such a statement are searched.": "이런 발언이 있는 단락만 찾습니다.",
    "Ask only for this": "이것만 묻기",
    "Country": "나라",
    "Person": "인물",
    "Ask about another instead": "다른 이름으로 바꾸기",
    "Ask again": "다시 묻기",
    "From": "부터",
    "To": "까지",
    "Speaker": "말한 이",
    "Whose side": "어느 측",
    "Kind of act": "행위의 종류",
    "any": "모두",
    "a name or a country": "이름이나 나라 (영문)",
    "Very likely an answer": "답일 가능성이 매우 높음",
    "Likely an answer": "답일 가능성이 높음",
    "Perhaps an answer": "답일 수도 있음",
    "Of a hundred questions answered with this confidence, some {share} have their answer among the passages shown. "
    "It was fitted on questions with known answers; read the quote before you use it.": "이 신뢰도로 답한 질문 100개 가운데 "
    "약 {share}개는 표시된 단락에 답이 있습니다. 답이 알려진 질문으로 맞춘 값이니, 쓰기 전에 인용문을 확인하세요.",
    "{speaker} to {to}": "{speaker} → {to}",
    "More passages": "다른 단락",
    "What the releases say, in the order of time": "시간순으로 본 보도자료",
    "The passage around it": "앞뒤 문맥",
    "Official page": "공식 페이지",
    "Official page: {title}": "공식 페이지: {title}",
    "Open the release": "보도자료 열기",
    "Cite": "인용",
    "Also published on": "함께 게시된 곳:",
    "date unknown": "날짜 미상",
    "paragraph {number}": "{number}번 단락",
    "paragraph {number}, {nth} point": "{number}번 단락 {nth} 항목",
    "Digest: our summary, not the ministry's words": "요약문: 이 프로젝트의 요약이며 외교부의 문장이 아닙니다",
    "No release answers this.": "이 질문에 답하는 보도자료가 없습니다.",
    "The nearest passages, which do not answer it": "가장 가까운 단락 (답은 아닙니다)",
    "No passage is left within the filters.": "조건에 맞는 단락이 없습니다.",
    "No release is of this time: {missing}.": "이 시기의 보도자료가 없습니다: {missing}.",
    "The releases, or the nearest of them, do not mention {missing}.": "보도자료나 가까운 단락에 없는 말: {missing}.",
    "The nearest passages speak of something else.": "가장 가까운 단락은 다른 내용입니다.",
    "{count} releases are searched": "검색 대상 보도자료 {count}건",
    ", {first} to {last}": ", {first} – {last}",
    "One might ask instead": "이렇게 물어볼 수 있습니다",
    "Ask without the filters": "조건 없이 묻기",
    "Ask of any time": "시기와 관계없이 묻기",
    "Ask whoever says it": "누가 말했든 묻기",
    "What came of the {event}?": "{event}의 결과는 무엇인가요?",
    "How did the {event} change over time?": "{event}은(는) 어떻게 변했나요?",
    "What do the releases say about “{title}”?": "“{title}”에 관해 보도자료는 무엇이라고 하나요?",
    "Outline": "개요",
    "Earlier": "이전",
    "Later": "이후",
    "{at} of {count} in its series": "연속된 보도자료 {count}건 중 {at}번째",
    "What changed since the one before": "직전 보도자료와 비교",
    "This release is no longer in the index.": "이 보도자료는 이제 색인에 없습니다.",
    "Through time": "시간에 따라",
    "None of the releases near this question has a date.": "가까운 보도자료에 날짜가 없습니다.",
    "Releases with a passage near this question, by year. A year asks again within it.": "이 질문에 가까운 보도자료, "
    "연도별. 연도를 누르면 그해만 다시 묻습니다.",
    "Releases": "보도자료",
    "Year": "연도",
    "Two of them side by side": "두 보도자료 나란히 보기",
    "Choose two different releases.": "서로 다른 두 보도자료를 고르세요.",
    "What changed": "달라진 점",
    "Back to the release": "보도자료로 돌아가기",
    "{count} new": "새로움 {count}",
    "{count} repeated": "되풀이 {count}",
    "{count} dropped": "빠짐 {count}",
    "New": "새로움",
    "Repeated": "되풀이",
    "Dropped": "빠짐",
    "Take along": "가져가기",
    "Plain": "일반",
    "Link to this question": "이 질문의 링크",
    "It asks the last question again, with its filters.": "마지막 질문을 같은 조건으로 다시 묻는 링크입니다.",
    "Link to the official page": "공식 페이지 링크",
    "A remark, for who looks after the releases": "관리자에게 남기는 의견",
    "Kept. A remark?": "저장했습니다. 의견이 있나요?",
    "New conversation": "새 대화",
    "Earlier conversations": "이전 대화",
    "Search only": "검색 조건",
    "Who says what": "누가 무엇을",
    "{count} releases": "보도자료 {count}건",
    "Add a release": "보도자료 추가",
    "This installation takes no releases from visitors.": "이 사이트는 방문자의 보도자료를 받지 않습니다.",
    "A saved page, a text or records. You see what was understood before it is added.": "저장한 페이지, 글, 또는 레코드. "
    "추가하기 전에 어떻게 이해했는지 보여줍니다.",
    "File": "파일",
    "Or a text, its title on the first line": "또는 글 (첫 줄은 제목)",
    "Add {count} releases": "보도자료 {count}건 추가",
    "Title": "제목",
    "Date": "날짜",
    "Kind": "종류",
    "Paragraphs": "단락",
    "{paragraphs}, with {points} points and {notes} notes": "{paragraphs}개 (항목 {points}개, 주석 {notes}개)",
    "none stated": "밝혀지지 않음",
    "inferred from its text": "본문에서 추정",
    "The index holds this release already.": "이미 색인에 있는 보도자료입니다.",
    "The index holds another wording of this release; the first in the order of file names stands.": "색인에 다른 문구의 같은 "
    "보도자료가 있습니다. 파일 이름순으로 앞선 것이 쓰입니다.",
    "Opening the index …": "색인을 여는 중 …",
    "First visit": "첫 방문",
    "Rebuild": "다시 만들기",
    "Rebuild the index": "색인 다시 만들기",
    "{when}: loading the model …": "{when}: 모델을 불러오는 중 …",
    "{when}: {done} of {total} passages encoded": "{when}: 단락 {total}개 중 {done}개 처리",
    "{when}: another visit is building the index …": "{when}: 다른 방문자가 색인을 만드는 중 …",
    "Rebuilt: {what}.": "다시 만들었습니다: {what}.",
    "{releases} releases, {passages} passages": "보도자료 {releases}건, 단락 {passages}개",
    "Left out: {what}": "제외: {what}",
    "{count} releases are newer than the index.": "색인보다 새로운 보도자료가 {count}건 있습니다.",
}
