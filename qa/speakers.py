"""Speakers: the people of a corpus and the countries they act for, and which of them a question asks about."""

from __future__ import annotations

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from qa.acts import TWO_SIDES, VERB, Act, Asked, Side, Statement, asked_act, before_verb, korean_act
from qa.people import NAME, Mention, are_one, countries, country_called, mentions, name_words, office_asked
from qa.period import Period
from qa.release import Release, front_of

_HOSTS = (("mofa.go.kr", "Korea"), ("whitehouse", "United States"), ("state.gov", "United States"))
_SURE = 0.9  # share of a surname's mentions, in the releases of one office, from which it is taken for one person
_OPENING_LENGTH = 400  # characters in which a report says who met whom
_MOSTLY = 4  # times as often with a country as without: from there on an office is a foreign one
_STATED = 5  # votes of a country that is printed beside a name, against one for each time that none is
_MET = re.compile(r"\b(?:with|between .* and) (?:[A-Z][\w ]+ and )?$")

# With "say" a question asks, and no release reports; to raise a fund or to share a burden asks for no one's words.
_ASKING = re.compile(rf"(?:{VERB.pattern}|\b(?:say|think|comment|react)\b)")
_NO_WORDS = re.compile("raise|recall|review|share(?! a| the| their)|support|introduce|believe")
_WHO = re.compile(rf"\b(?:who|which (?:country|side|minister|leader|government))\b (?:\w+ly |has |have )?{VERB.pattern}", re.I)
_WHAT_WAS = re.compile(rf"\b(?:what|which)\b[^,?]* (?:was|were|been) (?:\w+ly )?{VERB.pattern}(?:.* by (?P<by>.+))?", re.I)
_NOUNS: dict[str, Act] = {
    "request": "requested",
    "promise": "promised",
    "pledge": "promised",
    "condemnation": "condemned",
    "announcement": "announced",
    "invitation": "invited",
}
_OPEN_NOUNS = "position|stance|view|response|reaction|remark|statement|comment|opinion"
_OWNED = re.compile(
    rf"\b(?:what|how) (?:is|was|were|are) (.+?)(?:[’']s?)? (?:\w+ )?({'|'.join(_NOUNS)}|{_OPEN_NOUNS})s?\b", re.I
)
_SUBJECT = re.compile(r".*\b(?:did|does|do|has|have|had|will|what|that|how much) (.*?)\s*$", re.I)
_PARTICLE = re.compile(
    r"\s?(?:(?:외교|외무|국방|통일|국무)?(?:부장|장관|부|차관|대사|대통령|총리|정부|측|대변인)\s?)*"
    r"(와|과|하고|은|는|이|가|께서)(?=[\s?,]|$)"
)
_OFFICE_WORDS = re.compile(r"(?:[’']s|\s|foreign|prime|vice|minister|president|government|side)*[\s?.]*", re.I)
_OURS = re.compile(
    r"\s*(?:our|the) (?:government|(?:(?:(?:first|second) )?vice )?(?:foreign )?minister|ministry|spokesperson)\s*", re.I
)
_KOREAN_TWO = re.compile("양측|양국|두 나라|두 장관|양 장관|양 정상|두 정상")
_KOREAN_OPEN = re.compile("누가|누구|어느|무엇|무슨|어떤|뭘|뭐를")
_BARE_NAME = re.compile(rf"(?<![\w-])({NAME})(?![\w-])")

_OPEN = Asked(None, None, None)
_TWO = Asked(TWO_SIDES, "both", None)


class Speakers:
    """The people of a corpus and the countries they act for, learnt from how the releases introduce them."""

    def __init__(self, releases: Iterable[Release]) -> None:
        releases = list(releases)
        self._spelled: dict[tuple[str, ...], str] = {}
        self._votes: defaultdict[tuple[str, ...], Counter[str | None]] = defaultdict(Counter)
        # word of a name -> words of the name, rank
        self._known: defaultdict[str, Counter[tuple[tuple[str, ...], str]]] = defaultdict(Counter)
        self.publisher = _publisher(releases)
        self._held: defaultdict[tuple[str, str], list[tuple[datetime.date, tuple[str, ...]]]] = defaultdict(list)
        homes = [(release, self.publisher_of(release)) for release in releases]
        people = [(release.date, home, m) for release, home in homes for m in _introduced(release, home) if m.in_full]
        landless, landed = (Counter(m.rank for _, _, m in people if bool(m.land) is with_land) for with_land in (False, True))
        self._abroad = {rank for rank, count in landed.items() if count > _MOSTLY * landless[rank]}
        for date, home, m in people:
            words, land = m.words, m.land or (home if self.is_home(m) else None)
            self._spelled.setdefault(words, m.name or "")
            self._votes[words][land] += _STATED if m.land else 1
            if land and date:
                self._held[m.rank, land].append((date, words))
            for word in words:
                self._known[word][words, m.rank] += 1

    def introduced(self, release: Release) -> list[Mention]:
        """The people a release names, and again each time that it does."""
        return _introduced(release, self.publisher_of(release))

    def is_home(self, m: Mention) -> bool:
        """Whether one whom no country is printed beside is of the publishing government: an office it introduces so, mostly."""
        return m.land is None and m.sure and m.rank not in self._abroad

    def publisher_of(self, release: Release) -> str:
        """The country whose government published a release."""
        return _host_land(release) or self.publisher

    def country(self, speaker: str) -> str | None:
        """The country that a person acts for, or that a country's name means."""
        votes = self._votes.get(name_words(speaker))
        return votes.most_common(1)[0][0] if votes else country_called(speaker)

    def full_name(self, name: str, rank: str = "", land: str | None = None) -> str | None:
        """The one person of the corpus whom a name means, by office and country where these are stated."""
        words = name_words(name)
        found: Counter[tuple[str, ...]] = Counter()
        for (known, held), count in self._known.get(words[-1] if words else "", Counter()).items():
            if rank in ("", held) and set(words) <= set(known) and land in (None, self.country(" ".join(known))):
                found[known] += count
        if not found:
            return None
        best = found.most_common(1)[0][0]
        same = sum(count for known, count in found.items() if are_one(best, known))
        return self._spelled[best] if same >= _SURE * found.total() else None

    def holder(self, rank: str, land: str, period: Period) -> str | None:
        """The one person whom the releases of a period introduce by an office of a country, None where they are several."""
        found = Counter(words for day, words in self._held.get((rank, land), ()) if period.holds(day))
        if not found:
            return None
        best = found.most_common(1)[0][0]
        same = sum(count for words, count in found.items() if are_one(best, words))
        return self._spelled[best] if same >= _SURE * found.total() else None

    def asked(self, question: str, period: Period | None = None) -> Asked | None:
        """What an English or Korean question asks for, its Hangul names in English already; None when for no one's act.

        An office without a name ("the foreign minister") means who held it in the `period` that the question is bound to.
        """
        found = self._asked_korean(question) if re.search("[가-힣]", question) else self._asked_english(question)
        if (
            period is not None
            and (period.since or period.until)
            and found.speaker in (None, country_called(found.speaker or ""))
        ):
            found = self._in_office(question, found, period)
        return None if found == _OPEN else found

    def _in_office(self, question: str, asked: Asked, period: Period) -> Asked:
        if asked.speaker != country_called(asked.speaker or ""):
            return asked  # a person is named, or both sides are meant
        land, rank = asked.speaker or (self.publisher if asked.side == "ours" else None), office_asked(question)
        name = self.holder(rank, land, period) if rank and land else None
        return replace(asked, speaker=name) if name else asked

    def fits(self, statement: Statement, asked: Asked) -> bool:
        """Whether a statement is the act of the speaker asked for; what both sides agree, each side agrees."""
        if asked.act not in (None, statement.act):
            return False
        if statement.side == "both" and asked.act in ("agreed", "shared a view", "discussed"):
            return True
        if asked.side not in (None, statement.side):
            return False
        if asked.speaker in (None, TWO_SIDES):
            return True
        speaker, land = statement.speaker or "", country_called(asked.speaker)
        named = set(name_words(asked.speaker)) <= set(name_words(speaker))
        return named or (land is not None and self.country(speaker) == land)

    def _asked_english(self, question: str) -> Asked:
        if open_to_all := _WHO.search(question):
            return Asked(None, None, asked_act(open_to_all[0]))
        if passive := _WHAT_WAS.search(question):
            return replace(self._meant(passive["by"] or ""), act=asked_act(passive[0]))
        if owned := _OWNED.search(question):
            who = self._meant(owned[1])
            return who if who == _OPEN else replace(who, act=_NOUNS.get(owned[2].casefold()))
        for verb in _ASKING.finditer(question):
            subject = _SUBJECT.match(before_verb(question, verb))
            who = self._meant(subject[1]) if subject else _OPEN
            if who != _OPEN and not _NO_WORDS.match(verb[0]):
                act = asked_act(verb[0])
                return replace(who, act="agreed" if who == _TWO and act == "announced" else act)
        return _OPEN

    def _asked_korean(self, question: str) -> Asked:
        told = korean_act(question)
        if told is None:
            return _OPEN
        act = None if told == "stated" else told
        if _KOREAN_TWO.search(question):
            return replace(_TWO, act=act)
        for m in self._everyone(question):
            if particle := _PARTICLE.match(question, m.end):
                return replace(_TWO if particle[1] in ("와", "과", "하고") else self._in_general(m), act=act)
        return Asked(None, None, act if _KOREAN_OPEN.search(question) else None)

    def _meant(self, words: str) -> Asked:
        """Whom the words of a question name that are the subject of its verb, and nothing else."""
        if _OURS.fullmatch(words):
            return Asked(None, "ours", None)
        people = self._everyone(words)
        if any(m.kind == "group" for m in people) or (
            len(people) == 2 and re.fullmatch(r"\W*(?:and (?:the )?)?", words[people[0].end : people[1].start])
        ):
            return _TWO
        if len(people) != 1 or words[: people[0].start].strip().casefold() not in ("", "the"):
            return _OPEN
        return self._in_general(people[0]) if _OFFICE_WORDS.fullmatch(words, people[0].end) else _OPEN

    def _everyone(self, words: str) -> list[Mention]:
        known = [name for name in _BARE_NAME.finditer(words) if self.full_name(name[1])]
        return [m for m in mentions(words, known) if m.name or m.land or m.kind == "group"]

    def _in_general(self, m: Mention) -> Asked:
        """Whom a mention means where no release says it."""
        name = m.name and (self.full_name(m.name, m.rank, m.land) or self.full_name(m.name) or m.name)
        land = m.land or (self.country(name) if name else None)
        return Asked(name or land, side_of(land, self.publisher), None)


def side_of(land: str | None, publisher: str) -> Side | None:
    """The side on which a country stands in a release of `publisher`."""
    return None if land is None else "ours" if land == publisher else "theirs"


def _publisher(releases: list[Release]) -> str:
    """The country on whose host most releases are, else the one whose people most releases name; "" where neither is told."""
    lands = Counter(land for release in releases if (land := _host_land(release)))
    if not lands:
        lands = Counter(land for release in releases for land in sorted({m.land for m in _introduced(release, "") if m.land}))
    return lands.most_common(1)[0][0] if lands else ""


def _host_land(release: Release) -> str | None:
    if release.board:
        return "Korea"
    host = (urlsplit(release.url).hostname or "") if release.url else ""
    return next((land for part, land in _HOSTS if part in host), None)


def _introduced(release: Release, home: str) -> list[Mention]:
    """The people a release names. Whom ours meets "with" is of the one other country that its title names."""
    front = front_of(release.title, release.kind)
    abroad = countries(release.title) - {home} if release.kind == "outcome" else set()
    if len(abroad) != 1:
        return list(release.people)
    text = f"{front}\n{release.text}"
    people: list[Mention] = []
    for m in release.people:
        opening = m.start - len(front) < _OPENING_LENGTH and any(p.land is None for p in people)
        met = opening and m.land is None and _MET.search(text[max(0, m.start - 90) : m.start])
        people.append(m._replace(land=next(iter(abroad))) if met else m)
    return people
