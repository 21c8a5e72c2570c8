"""Series: the releases of one kind of event with one counterpart, or the statements on one conflict, through time."""

from __future__ import annotations

import datetime
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping

from qa.comparison import release_named
from qa.dates import DAYS, MONTHS
from qa.errors import BadQuestion
from qa.index import Index
from qa.release import Release
from qa.twins import are_twins

NAMED = 0.5  # of a title's names, the rarer the weightier, what makes a series: from reading those of 50 official releases
EVERYWHERE, MANY = 0.1, 30  # share of many titles from which a name tells nothing: from reading 3,000 of another government
# What titles call events and, where they are not ministers of two countries, those who meet.
_EVENTS = re.compile(
    r"\b(?:(?P<call>telephone|phone|calls?)|(?P<committee>committee)|(?P<dialogue>dialogue)|(?P<forum>forum)"
    r"|(?P<consultation>consultations?|workshops?)|(?P<summit>summit)|(?P<meeting>meet(?:s|ing)?|talks|2\+2))\b",
    re.IGNORECASE,
)
_PEOPLE = re.compile(r"\b(?:vice|deputy|prime|president|ambassador|representative|first lady|interagency)\b", re.IGNORECASE)
_TRILATERAL = re.compile(r"trilateral|\b(?:rok|korea)-[\w.]+-\w|\w-(?:rok|korea)-\w", re.IGNORECASE)
_OCCASION = re.compile(r" (held )?on (the )?(occasion|sidelines|margins) of .*| (held|takes place) in .*", re.IGNORECASE)
_PERSON = re.compile(r"(?:Affairs|Minister|H\.E\.) [A-Z][\w-]+ [A-Z][\w-]+")
_EVERYDAY = frozenset(  # of titles: these name no counterpart and no event of its own
    """korean republic rok korea seoul minister ministers ministerial ministry foreign affairs mofa spokesperson government
    vice deputy ambassador representative outcome result joint annex press release statement commentary remarks opening
    closing welcome meets meet meeting holds held takes place attends visits hosts discusses virtual telephone phone call
    conversation conversations counterpart talks mr ms amb delivers regarding situation regional h.e""".split()  # noqa: SIM905
) | {name.casefold() for name in (*MONTHS, *DAYS)}


def series(index: Index, release_id: str) -> tuple[str, ...]:
    """Ids of the releases of one series, oldest first, those without a date last, the one given among them.

    A series is the same kind of event with the same counterpart, by its title, or the statements on one conflict. A release
    published twice within a week stands there once. Raises `NotFound` for an unknown id.
    """
    given = release_named(index, release_id)
    alike = [release for release in index.releases.values() if _event(release) == _event(given)]
    alike.sort(key=lambda release: (release.date or datetime.date.max, release.id))
    counted = Counter(name for release in index.releases.values() for name in _capitalised(release.title))
    names = {release.id: _names(release, counted, len(index.releases)) for release in alike}
    near = [key for key in names if _told(*sorted((names[key], names[given.id]), key=len))]
    if given.kind == "statement":  # one may name in its text what the titles of others do
        told = {release.id: {*names[release.id], *_capitalised(release.text)} for release in alike}
        both = [(one, other) for one in names for other in near]
        near = [one for one, other in both if _told(names[one], told[other]) or _told(names[other], told[one])]
    kept: dict[str, Release] = {}
    for release in (index.releases[key] for key in dict.fromkeys(near)):
        if release is given or not any(
            are_twins(release.text, release.date, other.text, other.date) for other in (given, *kept.values())
        ):
            kept[release.id] = release
    return tuple(kept)


def before(index: Index, release_id: str) -> str:
    """The release before the one given in its series. Raises `BadQuestion` where there is none."""
    ids = series(index, release_id)
    at = ids.index(release_id)
    if not at:
        raise BadQuestion(f"no release before {release_id} is of its series; name the one to compare it with")
    return ids[at - 1]


def _event(release: Release) -> tuple[str | bool, ...]:
    """What kind of event a release tells of, and of whom where that is not ministers of two countries."""
    title = _OCCASION.sub("", release.title)
    match = _EVENTS.search(title)
    if release.kind not in ("outcome", "news", "joint statement") or match is None:
        return (release.kind,)
    return (match.lastgroup or "", _TRILATERAL.search(title) is not None, *sorted(set(_PEOPLE.findall(title.casefold()))))


def _names(release: Release, counted: Counter[str], titles: int) -> dict[str, float]:
    """The names in a title, with their weights: capitalised words that its text nowhere writes small; else all of the title."""
    title = _PERSON.sub("", _OCCASION.sub("", release.title))
    found = _capitalised(title) - _EVERYDAY - set(re.findall(r"\b[a-z]{2,}\b", release.text))
    weights = {name: math.log(1 + titles / counted[name]) for name in found if counted[name] < max(titles * EVERYWHERE, MANY)}
    return weights or {re.sub(r"\(.*?\)|\d\w*|\W", "", title).casefold(): 1.0}


def _capitalised(text: str) -> frozenset[str]:
    return frozenset(name.casefold() for name in re.findall(r"\b[A-Z][\w.]*\w", text))


def _told(names: Mapping[str, float], among: Collection[str]) -> bool:
    """Whether enough of the names are there, but for a short ending: "chinese" for "china", but not "iraq" for "iran"."""
    found = (
        weight
        for name, weight in names.items()
        if any(name[:stem] == each[:stem] for each in among for stem in [max(4, len(name) - 3, len(each) - 3)])
    )
    return sum(found) >= NAMED * sum(names.values())
