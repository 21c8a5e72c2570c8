"""Addressees: to whom a sentence is said, as far as the sentence or a meeting of two tells it; None where neither does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qa.acts import PASSIVE, VERB, Act, Side, act_of
from qa.people import Mention, countries
from qa.release import Release

_TO_DO = re.compile(r" to [a-z]")  # behind whom a request names
_MORE = re.compile(r"[’']|,? and (?:the )?[A-Z]|, (?:the )?[A-Z]")  # behind a name that is one of several, or owns something
_FEELING = "gratitude|appreciation|thanks|condolences|congratulations|sympath(?:y|ies)|apolog(?:y|ies)"
_FELT_TO = re.compile(rf"\b(?:{_FEELING})(?: and (?:\w+ )?(?:{_FEELING}))? to ")
_SPOKEN_TO = re.compile(r"\b(?:told|thank(?:s|ed)?|congratulate[sd]?|assure[sd]?) ")
_ASKED_TO = re.compile(
    r"\b(?:urge[sd]?|ask(?:s|ed)?|call(?:s|ed)? (?:up)?on|appeal(?:s|ed)? to) (?!for\b)(?:[\w’-]+,? ){1,8}to [a-z]"
)
# What two do together is said to neither, a decision to everyone, and who condemns in a meeting condemns someone else.
_IN_MEETING: tuple[Act, ...] = ("requested", "invited", "promised", "welcomed", "expressed", "stated")
_ELSEWHERE = re.compile(
    r"\b(?:press|reporters|journalists|media|luncheon|dinner|(?:before|after|prior to|following) the meeting)\b", re.I
)
_WITH_SEVERAL = re.compile(r"\bwith\b.* and ")


def named_in(text: str, act: Act | None, found: Iterable[Mention]) -> Mention | None:
    """Whom a sentence itself names: "called on Japan to ...", "thanked the mayor", "condolences to the people of ..."."""
    return next((m for m in found if m.kind in ("person", "government") and _is_named(text, act, m)), None)


def _is_named(text: str, act: Act | None, m: Mention) -> bool:
    before, after = text[: m.start], text[m.end :]
    if _MORE.match(after):
        return False
    if act in ("expressed", "welcomed", "stated"):
        return any(said.end() == m.start for pattern in (_SPOKEN_TO, _FELT_TO) for said in pattern.finditer(before))
    verb = next(reversed(list(VERB.finditer(before))), None)
    if act not in ("requested", "invited") or verb is None or act_of(verb) != act or PASSIVE.search(before[: verb.start()]):
        return False
    between = before[verb.end() :].strip()
    return between == "that" or (between == "" and (act == "invited" or _TO_DO.match(after) is not None))


def said_in_meeting(text: str, act: Act | None) -> bool:
    """Whether a sentence of a meeting's report is said to the other side; not where it turns to others or is said elsewhere."""
    return act in _IN_MEETING and not any(other.search(text) for other in (_ELSEWHERE, _FELT_TO, _ASKED_TO))


def counterparts(release: Release, people: Sequence[tuple[Side | None, str | None]], home: str) -> dict[Side, str]:
    """To whom each side speaks in the report of a meeting or call of two governments; empty for any other release.

    `people` are the side and name of each person whom the release introduces in full. One person of a side is named, of
    several their country.
    """
    abroad = countries(release.title) - {home}
    if release.kind != "outcome" or len(abroad) != 1 or _WITH_SEVERAL.search(release.title):
        return {}
    ours, theirs = ({name for side, name in people if side == which and name} for which in ("ours", "theirs"))
    if any(side is None for side, _ in people) or not home:
        return {}
    return {
        "ours": theirs.pop() if len(theirs) == 1 else abroad.pop(),
        "theirs": ours.pop() if len(ours) == 1 else home,
    }
