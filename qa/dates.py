"""The date of a release whose page does not state it, inferred from what the text itself fixes."""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

DateSource = Literal["stated", "title", "weekday", "years mentioned", "unknown"]

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MONTH = r"(?P<month>" + "|".join(f"{month[:3]}(?:{month[3:]})?" if len(month) > 3 else month for month in MONTHS) + r")\.?"
_MONTH = _MONTH.replace("Sep(?:", "Sep(?:t|")  # "Sept. 26"
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_WEEKDAY = r"(?:(?P<weekday>" + "|".join(f"{day[:3]}(?:{day[3:]})?" for day in DAYS) + r")\.?,?\s+)?"
_YEAR = r"(?:,?\s+(?P<year>(?:19|20)\d\d))?"
_MENTION = re.compile(
    rf"{_WEEKDAY}(?:the\s+)?(?:{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b|(?P<day_first>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?"
    rf"{_MONTH.replace('month', 'month_after')}\b){_YEAR}(?:\s+\((?P<weekday_after>{'|'.join(DAYS)})\))?",
)
_ANY_YEAR = re.compile(r"\b(19[5-9]\d|20\d\d)\b")
_REACH = 5  # years: day, month and weekday come round again after 5, 6 or 11, so a nearer match is the only one
_WRITTEN = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})\.?(?:[T ]\d{1,2}:\d\d.*)?", re.ASCII)


class Mention(NamedTuple):
    """A day of the year in the text; `weekday` is 0 for Monday, None where it is not said, likewise `year`."""

    month: int
    day: int
    weekday: int | None
    year: int | None


def mentions(text: str) -> Iterator[Mention]:
    """Every "Monday, February 28", "Nov. 26", "20 November 2023" of the text, in order."""
    for match in _MENTION.finditer(text):
        name = match["month"] or match["month_after"]
        month = next(i for i, full in enumerate(MONTHS, 1) if full.startswith(name[:3]))
        day = int(match["day"] or match["day_first"])
        if not 1 <= day <= 31:
            continue
        said = match["weekday"] or match["weekday_after"]
        weekday = next((i for i, full in enumerate(DAYS) if said and full.startswith(said[:3])), None)
        yield Mention(month, day, weekday, int(match["year"]) if match["year"] else None)


def days_in(text: str, published: datetime.date | None) -> tuple[datetime.date, ...]:
    """The days that a text names, each in the year nearest to its publication where it names none."""
    days = []
    for mention in mentions(text):
        years = [mention.year] if mention.year is not None else []
        if not years and published is not None:
            years = [published.year + step for step in (-1, 0, 1)]
            years = [year for year in years if datetime.MINYEAR <= year <= datetime.MAXYEAR]
        dated = [
            datetime.date(year, mention.month, mention.day)
            for year in years
            if mention.day <= calendar.monthrange(year, mention.month)[1]
        ]
        if dated:
            near = published or dated[0]
            days.append(min(dated, key=lambda day: abs(day - near)))
    return tuple(days)


def parse_date(text: str) -> datetime.date | None:
    """A date as pages and records write it: 2022-02-28, 2022.2.28, 2022-02-28T09:00; None for anything else."""
    match = _WRITTEN.fullmatch(text.strip())
    try:
        return datetime.date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def infer_date(title: str, text: str) -> tuple[datetime.date | None, DateSource]:
    """The day a release speaks of as its own, and what told it; (None, "unknown") where nothing does.

    A full date in the title decides. Else a weekday with day and month ("Monday, February 28") fits few years: the one
    nearest to a year that the text mentions. Else the day and month of the title or of the text's first mention, when the
    text speaks of one year only. No date is better than a wrong one: "March 17" beside three years is left unknown.
    """
    years = sorted({int(year) for year in _ANY_YEAR.findall(f"{title} {text}")})
    in_title = list(mentions(title))
    in_text = list(mentions(text))
    for mention in in_title:
        if (day := _day(mention.year, mention)) is not None:
            return day, "title"
    for mention in in_title + in_text:
        if (day := _by_weekday(mention, years)) is not None:
            return day, "weekday"
    for mention in in_title + in_text[:1]:
        year = mention.year if mention.year is not None else years[0] if len(years) == 1 else None
        if (day := _day(year, mention)) is not None:
            return day, "years mentioned"
    return None, "unknown"


def _by_weekday(mention: Mention, years: list[int]) -> datetime.date | None:
    """The past day that fits the weekday, in the year nearest to one of `years` (the later of two as near)."""
    if mention.weekday is None:
        return None
    today = datetime.date.today()
    if mention.year is not None:
        candidates: Iterable[int] = [mention.year]
    else:
        candidates = range(years[0], years[-1] + _REACH + 1) if years else ()
    fitting = [
        day
        for year in candidates
        if (day := _day(year, mention)) is not None and day.weekday() == mention.weekday and day <= today
    ]
    return min(
        fitting, key=lambda day: (min((abs(day.year - year) for year in years), default=0), -day.toordinal()), default=None
    )


def _day(year: int | None, mention: Mention) -> datetime.date | None:
    if year is None:
        return None
    try:
        return datetime.date(year, mention.month, mention.day)
    except ValueError:
        return None
