"""The countries and people that a question names, as the releases know them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from qa.people import NAME, country_called, mentions
from qa.question import Question, is_korean
from qa.speakers import Speakers

_NAME = re.compile(rf"{NAME}(?![\w-])")
_CAPITAL = re.compile(r"(?<![\w-])[A-Z]")
_HANGUL = re.compile("[가-힣]+")


@dataclass(frozen=True, slots=True)
class Named:
    """`text[start:end]` of the question, which means the country or person that `meaning` names."""

    start: int
    end: int
    kind: Literal["country", "person"]
    meaning: str


def named_in(question: Question, speakers: Speakers) -> tuple[Named, ...]:
    """Each country and person that the question itself names, in its order, the first time that it does."""
    found = list(_in_hangul(question) if is_korean(question.text) else _in_english(question.text, speakers))
    first: dict[str, Named] = {}
    for each in found:
        first.setdefault(each.meaning, each)
    return tuple(first.values())


def _in_english(text: str, speakers: Speakers) -> list[Named]:
    found = []
    for mention in mentions(text):
        if mention.name is not None:
            name = speakers.full_name(mention.name, mention.rank, mention.land) or mention.name
            found.append(Named(mention.start, mention.end, "person", name))
        elif mention.land is not None and mention.kind == "government":
            end = mention.end - 2 if re.search("[’']s$", text[: mention.end]) else mention.end
            found.append(Named(mention.start, end, "country", mention.land))
    for capital in _CAPITAL.finditer(text):  # "Did Wang Yi ...": each word may be the first of a name
        bare = _NAME.match(text, capital.start())
        known = speakers.full_name(bare[0]) if bare else None
        if bare and known and not any(bare.start() < each.end and each.start < bare.end() for each in found):
            found.append(Named(*bare.span(), "person", known))
    return sorted(found, key=lambda each: each.start)


def _in_hangul(question: Question) -> list[Named]:
    found = []
    for word in _HANGUL.finditer(question.text):
        spelled = question.spelled(word[0])
        if spelled != word[0]:
            meaning = _HANGUL.sub("", spelled).strip()
            found.append(Named(*word.span(), "country" if country_called(meaning) else "person", meaning or spelled))
    return found
