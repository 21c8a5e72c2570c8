"""The period a question is about, and how well a release fits it.

A small grammar of our own, in English and Korean: "in October 2023", "on 7 March 2022", "since 2024", "between 2022 and 2023",
"last year", "the latest"; "2023년 11월", "작년 3월", "2022년 이후", "최근".
A year in a name ("REAIM Summit 2024") is no period; nor is an event ("since the Busan meeting"), whose day nobody says.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qa.dates import MONTHS

_MONTH = rf"(?P<month>{'|'.join(f'{month}|{month[:3]}' for month in MONTHS)})\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_SEASONS = {
    "spring": (3, 5),
    "summer": (6, 8),
    "autumn": (9, 11),
    "fall": (9, 11),
    "봄": (3, 5),
    "여름": (6, 8),
    "가을": (9, 11),
}
_RELATIVE_YEARS = {"last year": -1, "this year": 0, "재작년": -2, "작년": -1, "지난해": -1, "올해": 0, "금년": 0}
_RELATIVE_MONTHS = {"last month": -1, "this month": 0, "지난달": -1, "지난 달": -1, "이번 달": 0, "이번달": 0}
_KOREAN_YEAR = rf"(?:{_YEAR}년|(?P<relative>재작년|작년|지난해|올해|금년))"
_LATEST = re.compile(r"\b(?:latest|most recent(?:ly)?|newest|last time)\b|최신|가장 최근|최근|마지막", re.IGNORECASE)

# Each says one stretch of days, longest form first.
_STRETCHES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_MONTH} {_DAY},? {_YEAR}\b",
        rf"\b{_DAY} (?:of )?{_MONTH},? {_YEAR}\b",
        r"\b(?P<year>(?:19|20)\d\d)-(?P<digits>\d{1,2})(?:-(?P<day>\d{1,2}))?\b",
        rf"\b{_MONTH},? (?:of )?{_YEAR}\b",
        rf"\b(?P<season>spring|summer|autumn|fall) (?:of )?{_YEAR}\b",
        rf"\b{_MONTH} (?P<relative>last year|this year)\b",
        rf"{_KOREAN_YEAR}\s*(?P<digits>\d{{1,2}})월(?:\s*(?P<day>\d{{1,2}})일)?",
        rf"{_KOREAN_YEAR}\s*(?P<season>봄|여름|가을)",
        rf"(?P<relative>{'|'.join(_RELATIVE_YEARS)})",
        rf"(?P<relative_month>{'|'.join(_RELATIVE_MONTHS)})",
        r"(?<!\w)(?P<ago>\d{1,2}|a|one|two|three|four|five) years? ago\b",
        r"(?:(?<=\bin )|(?<=\bof ))(?P<year>(?:19|20)\d\d)\b",
        rf"\b(?:during|throughout|since|before|after|until|till|by|from|between|and|to|early|mid|late) {_YEAR}\b",
        rf"{_YEAR}년",
    )
)
# A month or day whose year the question before has told: "and in August?"
_YEARLESS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:in|on|of|since|before|after|until|by) {_MONTH}(?: {_DAY})?\b(?! \d)",
        r"(?<!\d)(?P<digits>\d{1,2})월(?:\s*(?P<day>\d{1,2})일)?",
    )
)
_NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_SINCE = re.compile(r"\b(?:since|from|after)\s+(?:the\s+)?$", re.IGNORECASE)
_AFTER = re.compile(r"\bafter\s+(?:the\s+)?$", re.IGNORECASE)
_BEFORE = re.compile(r"\b(?:before|prior to)\s+(?:the\s+)?$", re.IGNORECASE)
_UNTIL = re.compile(r"\b(?:until|till|by|up to)\s+(?:the\s+end\s+of\s+|the\s+)?$", re.IGNORECASE)
_EVENT = re.compile(r"\b(?:(before|prior to)|after|since)\b[^,.?!]* of $", re.IGNORECASE)  # "before the Busan meeting of" 2023
_RANGE = re.compile(r"\b(?:between|from)\s+(?:the\s+)?$", re.IGNORECASE)
_IN = re.compile(r"\b(?:in|during|throughout)(?: the course of| all of)? (?:(?:early|mid|late)[ -])?$", re.IGNORECASE)
_ALONE, _ENDS = re.compile(r"(?<!of )$"), re.compile(r"\W*$")  # "... last year?"
_WORD_IN_FRONT = re.compile(
    r"^(?:in|on|of|during|throughout|since|before|after|until|till|by|from|between|and|to|early|mid|late) ", re.IGNORECASE
)

_ONE_DAY = datetime.timedelta(days=1)
_SECOND_DAY, _LAST_BUT_ONE = datetime.date.min + _ONE_DAY, datetime.date.max - _ONE_DAY  # of those that a calendar has
PUBLISHED, MENTIONED = 1.0, 0.5  # how well a release fits: published within the period, or only speaking of a day in it


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included, None where open; `latest` where the newest release is asked for. `said` is the question's words.

    `binds` where the question is of nothing else ("in 2022", "since March 2023"), not where the period only describes what it
    is about ("the meeting of November 2023", whose release may be of December). `dated_by` is the id of the release that
    tells the day of an event ("before Russia invaded").
    """

    since: datetime.date | None
    until: datetime.date | None
    latest: bool
    said: str
    binds: bool = False
    dated_by: str | None = None

    def holds(self, day: datetime.date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def record(self) -> dict[str, str | bool | None]:
        """JSON-ready; days as YYYY-MM-DD."""
        since, until = (day.isoformat() if day else None for day in (self.since, self.until))
        told = {"latest": self.latest, "binds": self.binds, "dated_by": self.dated_by}
        return {"said": self.said, "since": since, "until": until, **told}

    def fit(self, published: datetime.date | None, mentioned: Sequence[datetime.date]) -> float:
        """1 for a release published within, 0.5 for one that speaks of a day within, else 0; 1 where no days are bound."""
        if (self.since is None and self.until is None) or (published is not None and self.holds(published)):
            return PUBLISHED
        return MENTIONED if any(map(self.holds, mentioned)) else 0.0


def find_period(question: str, today: datetime.date, earlier: Period | None = None) -> Period | None:
    """The period that a question names, None where it names none.

    `today` is what "last year" counts from. `earlier`, that of the question before, tells the year of a month without one.
    """
    found = _stretches(question, _STRETCHES, today)
    if not found and earlier and earlier.since and earlier.until and earlier.since.year == earlier.until.year:
        found = _stretches(question, _YEARLESS, earlier.since)
    latest = _LATEST.search(question)
    if not found:
        return Period(None, None, True, latest[0]) if latest else None
    since: datetime.date | None = min(one.first for one in found)
    until: datetime.date | None = max(one.last for one in found)
    before, after = question[: found[0].start], question[found[-1].end :]
    if len(found) == 1:
        since, until = _bounds(before, after, found[0])
        binds = since is None or until is None or (_is_year(found[0]) and _within(before, after))
    else:
        binds = _RANGE.search(before) is not None or re.match(r"\s*(?:까지|사이)", after) is not None
    if _EVENT.search(before):
        binds = False
    return Period(since, until, latest is not None, question[found[0].start : found[-1].end], binds)


def _is_year(stretch: _Stretch) -> bool:
    return (stretch.first.month, stretch.first.day, stretch.last.month, stretch.last.day) == (1, 1, 12, 31)


def _within(before: str, after: str) -> bool:
    """Whether the words beside a year say that all of it, and nothing else, is meant."""
    if _IN.search(before) or re.match(r"\s*(?:에는?|에도|중|동안|한 해)(?![가-힣])", after):
        return True
    return _ALONE.search(before) is not None and _ENDS.match(after) is not None


class _Stretch(NamedTuple):
    start: int
    end: int
    first: datetime.date
    last: datetime.date


def _stretches(question: str, patterns: Sequence[re.Pattern[str]], today: datetime.date) -> list[_Stretch]:
    """The stretches of days that a question names, in its order."""
    found: list[_Stretch] = []
    for pattern in patterns:
        for match in pattern.finditer(question):
            overlaps = any(match.start() < one.end and one.start < match.end() for one in found)
            days = None if overlaps else _days(match, today)
            if days is not None:
                lead = _WORD_IN_FRONT.match(match[0])
                found.append(_Stretch(match.start() + (lead.end() if lead else 0), match.end(), *days))
    return sorted(found)


def _bounds(before: str, after: str, stretch: _Stretch) -> tuple[datetime.date | None, datetime.date | None]:
    """What "since", "before", "until" and the like beside a stretch make of it."""
    since, until = stretch.first, stretch.last
    event = _EVENT.search(before)
    if event:
        return (None, until) if event[1] else (since, None)
    if _BEFORE.search(before) or re.match(r"\s*(?:이전|전에|전의|전까지)", after):
        return None, max(since, _SECOND_DAY) - _ONE_DAY
    if _UNTIL.search(before) or re.match(r"\s*까지", after):
        return None, until
    if _SINCE.search(before) or re.match(r"\s*(?:이후|부터|이래)", after):
        return (min(until, _LAST_BUT_ONE) + _ONE_DAY if _AFTER.search(before) else since), None
    return since, until


def _days(match: re.Match[str], today: datetime.date) -> tuple[datetime.date, datetime.date] | None:
    """First and last day of a stretch; None where the calendar has no such day."""
    parts = {name: value for name, value in match.groupdict().items() if value}
    year = next((int(value) for name, value in parts.items() if name.startswith("year")), today.year)
    if "relative" in parts:
        year = today.year + _RELATIVE_YEARS[parts["relative"].lower()]
    if "ago" in parts:
        year = today.year - (_NUMBERS.get(parts["ago"].lower()) or int(parts["ago"]))
    month = _month(parts)
    try:
        if "relative_month" in parts:
            months = today.year * 12 + today.month - 1 + _RELATIVE_MONTHS[parts["relative_month"].lower()]
            return _month_days(months // 12, months % 12 + 1, months % 12 + 1)
        if "season" in parts:
            return _month_days(year, *_SEASONS[parts["season"].lower()])
        if month is None:
            return datetime.date(year, 1, 1), datetime.date(year, 12, 31)
        if "day" in parts:
            day = datetime.date(year, month, int(parts["day"]))
            return day, day
        return _month_days(year, month, month)
    except ValueError:
        return None


def _month(parts: dict[str, str]) -> int | None:
    if "digits" in parts:
        return int(parts["digits"])
    return next((at for at, name in enumerate(MONTHS, 1) if "month" in parts and name[:3] == parts["month"][:3].title()), None)


def _month_days(year: int, first: int, last: int) -> tuple[datetime.date, datetime.date]:
    return datetime.date(year, first, 1), datetime.date(year, last, calendar.monthrange(year, last)[1])
