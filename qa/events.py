"""Events that a question counts time from: "before Russia invaded" names no day, but a release may tell it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from qa.answer import Hit
from qa.dates import days_in
from qa.period import Period

NEAR = 0.95  # of the best hit's score: hits that tell of the event as well as it does
_ONE_DAY = datetime.timedelta(days=1)
# "brought before the Council" counts no time.
_PUT = r"(?<!put )(?<!brought )(?<!bring )(?<!laid )(?<!raised )(?<!submitted )(?<!came )(?<!appeared )"
_ENGLISH = re.compile(
    rf"{_PUT}\b(?P<how>before|prior to|ahead of|after|since|following)\s++(?=[^,.?!;]*[A-Z][\w-])(?P<event>[^,.?!;]++)"
)
_CLAUSE = re.compile(r"[^,.?!;]+")
_NAME = re.compile(r"[A-Z](?=[\w-])")
_KOREAN = re.compile(r"(?:(?:하기|되기|기|한|된)\s?|\s)(?P<how>이전|전|이후|후|뒤)(?:에|에는|의|부터|까지)?(?=[\s?,]|$)")
_EARLIER = ("before", "prior to", "ahead of", "이전", "전")


class Event(NamedTuple):
    """`said` are the question's words, `text` those of them that name the event."""

    said: str
    text: str
    side: Literal["before", "after"]


def find_event(question: str) -> Event | None:
    """The event that a question (Hangul names in English) counts time from, if it names somebody or something."""
    found = _ENGLISH.search(question)
    if found is not None:
        return Event(found[0].strip(), found["event"].strip(), _side(found))
    counted = list(_KOREAN.finditer(question))
    for clause in _CLAUSE.finditer(question):
        own = [each for each in counted if clause.start() < each.start() < clause.end()]
        names = [each.start() for each in _NAME.finditer(question, *clause.span()) if own and each.end() < own[-1].start()]
        if names:
            end = next(each for each in own if names[-1] + 1 < each.start())
            start = clause.start()
            return Event(question[start : end.end()].strip(), question[start : end.start()].strip(), _side(end))
    return None


def _side(found: re.Match[str]) -> Literal["before", "after"]:
    return "before" if found["how"] in _EARLIER else "after"


def period_of(event: Event, hits: Sequence[Hit]) -> Period | None:
    """The days before or since an event, told by `hits`, the answer to a question for it; None where they tell no day.

    Of the hits that are about as near as the first the earliest day counts: what is recalled for years is told again and again.
    """
    told = [(day, hit.release_id) for hit in hits if hit.score >= NEAR * hits[0].score and (day := _day_told(hit))]
    if not told:
        return None
    day, release = min(told)
    if event.side == "before":
        return Period(None, day - _ONE_DAY, latest=False, said=event.said, dated_by=release)
    return Period(day, None, latest=False, said=event.said, dated_by=release)


def _day_told(hit: Hit) -> datetime.date | None:
    """The last day up to its publication that the hit's quotes name, else the day of publication."""
    told = days_in(" ".join(quote.text for quote in hit.quotes), hit.date)
    return max((day for day in told if hit.date is None or day <= hit.date), default=hit.date)
