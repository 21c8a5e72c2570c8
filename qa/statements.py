"""Statements: who says each sentence of a release and what kind of act it is, as far as grammar tells; None where unsure."""

from __future__ import annotations

import re
from typing import NamedTuple

from qa.acts import ACTS, AND_VERB, PASSIVE, THAT, TWO_SIDES, VERB, Act, Side, Statement, acts_from, before_verb
from qa.addressees import counterparts, named_in, said_in_meeting
from qa.layout import MARKER
from qa.people import Mention, are_one, countries, country_called, joined, mentions, officers, short_names
from qa.release import VOICED, Release
from qa.sentences import sentences
from qa.speakers import Speakers, side_of

_LOOK_BACK = 40  # sentences before a passage in which "he" and the head of a list are looked for
_READ_LENGTH = 1_500  # characters of a sentence; the longest in the official releases has 601
_WILL = re.compile(r" that (?:the )?([\w .’-]{2,40}?) (?:will|would)\b")
_OPENING = re.compile(r"(?:[,;:—–]|\d|day|(?:^|[,;] )(?:Additionally|Also|Then|Moreover|Meanwhile|And|But))$")
_MARKED = re.compile(rf"(?:{MARKER}|\d+\.\d*|\(?\d+\))\s*")
_PRINTED = re.compile(r"\d+\.")  # the number of a paragraph, not of a point
_LABEL = re.compile(
    r"^(?:(?:MR|MS|MRS|DR)\. |[A-Z ]{4,}(?:PRESIDENT|SECRETARY|MINISTER|AMBASSADOR) )?([A-Z][A-Z’' -]{2,30}):\s", re.M
)
_QUESTION = re.compile(r"Q(?:uestion)?\b[\s.:)]")
_UTTERANCE = "(?:statement|commentary|remarks|speech|address|toast|briefing)"
_TOGETHER = re.compile(rf"(?!.*Spokes).*\b(?:Leaders|Ministers|Trilateral|Quad|G7|Joint)\b.*{_UTTERANCE}", re.I)
_BY = re.compile(rf"\b{_UTTERANCE}s?\b.{{0,30}}?\b(?:by|from|of) ", re.I)
_OWNING = re.compile(rf"[’'](?:s )?(?:\w+ ){{0,3}}{_UTTERANCE}", re.I)
_ABOUT = re.compile(_UTTERANCE, re.I)
_OFFICE_LENGTH = len("White House Press Secretary ")  # what may stand between "by" and the office

_Read = tuple[Side | None, str | None, Act | None]
_NOTHING: _Read = (None, None, None)


class _Who(NamedTuple):
    side: Side | None
    speaker: str | None
    person: bool = False
    rank: str = ""


_NOBODY = _Who(None, None)
_TWO = _Who("both", TWO_SIDES)


def read_statements(release: Release, start: int, end: int, speakers: Speakers) -> tuple[Statement, ...]:
    """One for each sentence of `release.text[start:end]`, in order, offsets counted from `start`."""
    reader = _Reader(release, speakers)
    for first, last in sentences(release.text[:start])[-_LOOK_BACK:]:
        reader.read(release.text[first:last])
    text = release.text[start:end]
    return tuple(reader.statement(text, first, last) for first, last in sentences(text))


class _Reader:
    """Reads the sentences of a release in order, and remembers who spoke last."""

    def __init__(self, release: Release, speakers: Speakers) -> None:
        self.speakers = speakers
        self.kind = release.kind
        self.home = speakers.publisher_of(release)
        self.cast = speakers.introduced(release)
        self.abroad = any(m.land not in (None, self.home) for m in self.cast) or len(countries(release.title)) > 1
        names = sorted({name for m in self.cast for name in short_names(m.name or "")}, key=len, reverse=True)
        short = "|".join(map(re.escape, names)) or "(?!)"  # without names, what matches nothing
        self.bare = re.compile(rf"(?<![\w-])(?:M(?:r|rs|s)\. )?({short})(?![\w-]| [A-Z][a-z])")
        self.voice = _NOBODY if len(_LABEL.findall(release.text)) > 1 else self._voice(release)
        full = [self._named(m) for m in self.cast if m.in_full]
        self.counterparts = counterparts(release, [(who.side, who.speaker) for who in full], self.home)
        self.last = _NOBODY
        self.head: _Read | None = None

    def statement(self, text: str, start: int, end: int) -> Statement:
        """What the next sentence, `text[start:end]`, does, and to whom."""
        side, speaker, act = self.read(text[start:end])
        return Statement(start, end, side, speaker, act, self._addressee(text[start:end], side, speaker, act))

    def _addressee(self, sentence: str, side: Side | None, speaker: str | None, act: Act | None) -> str | None:
        if speaker is None or side in (None, "both"):
            return None
        text = _unquoted(sentence)
        named = named_in(text, act, mentions(text, self.bare.finditer(text)))
        if named is not None:
            who = self._who(named)
            return None if who.side == side else who.speaker
        person = country_called(speaker) is None
        return self.counterparts.get(side) if person and said_in_meeting(text, act) else None

    def read(self, sentence: str) -> _Read:
        """Side, speaker and act of the next sentence."""
        marked = _MARKED.match(sentence)
        line = sentence[marked.end() :] if marked else sentence
        if label := _LABEL.match(line):
            self.voice = self._labelled(label[1])
        elif _QUESTION.match(line):
            self.voice = _NOBODY
        before = self.last
        found = self._spoken(line, self.voice) if self.voice is not None else self._told(line)
        if marked is None or _PRINTED.match(marked[0]):
            self.head = None
        elif marked[0][0] in "*※":
            self.last = before
        elif self.head and found[2] is None:
            found = self.head
        if line.endswith(":") and found[2]:
            self.head = found
        return found

    def _voice(self, release: Release) -> _Who | None:
        """Who speaks throughout a speech, statement or briefing, by its title; None where others are reported on."""
        title = release.title
        if release.kind not in VOICED:
            return None
        if release.kind == "joint statement" or _TOGETHER.match(title):
            return _TWO
        by = _BY.search(title)
        for m in officers(title):
            if not by and _ABOUT.search(title[: m.start]):
                break  # whom the statement is about
            if m.name and (_OWNING.match(title[m.end :]) or (by and 0 <= m.start - by.end() <= _OFFICE_LENGTH)):
                return _NOBODY if by and re.match(",? and ", title[m.end :]) else self._named(m)
        return _Who("ours", None if release.kind == "speech" else self.home or None)

    def _labelled(self, label: str) -> _Who:
        """Who speaks after "MR. SULLIVAN:" in a transcript."""
        surname = label.split()[-1].title()
        held = [c for c in self.cast if surname.casefold() in c.words]
        if held:
            return self._named(held[0])
        found = self.speakers.full_name(surname)
        return _Who(self._side(self.speakers.country(found)), found, True) if found else _NOBODY

    def _spoken(self, line: str, voice: _Who) -> _Read:
        """Of a speech or statement: its speaker says every sentence; an act is theirs where they are its subject."""
        if voice == _NOBODY:
            return _NOTHING
        text = _unquoted(line)
        found = mentions(text, self.bare.finditer(text))
        own = [m for m in found if self._is_voice(m, voice)]
        if act := _first_act(text, [m for m in own if _opens(text, m, found)], own):
            return voice.side, voice.speaker, self._strongest(text, act[1], voice)
        if voice.side != "both":
            return voice.side, voice.speaker, "expressed" if line.startswith("Thank") else None
        told = self._told(line)
        return (voice.side, voice.speaker, None) if told == _NOTHING and any(m.kind == "we" for m in own) else told

    def _is_voice(self, m: Mention, voice: _Who) -> bool:
        if m.kind == "government":
            return voice.side == "ours" and m.land in (None, self.home)
        return m.kind == "we" or (m.kind == "group" and voice.side == "both") or (m.kind == "he" and self.kind == "speech")

    def _told(self, line: str) -> _Read:
        """Of a report: the subject of the first act, and the most telling act of that subject."""
        text = _unquoted(line)
        found = [m for m in mentions(text, self.bare.finditer(text)) if m.kind != "we"]
        subjects = [m for m in found if _opens(text, m, found)]
        act = _first_act(text, subjects, found)
        if not act and not subjects:
            self.last = _NOBODY if re.search("[A-Za-z]{2}", text) else self.last
            return _NOTHING
        first = act[0] if act else subjects[0]
        if first.kind == "he" and subjects and subjects[0].kind == "person":
            first = subjects[0]  # "Minister Cho gave a speech, in which he stressed"
        who = self._whoever(text, first, found)
        self.last = who if who.person else _NOBODY
        verb = act[1] if act else AND_VERB.search(text, first.end)
        if verb is None or (not act and THAT.search(text, 0, verb.start())):
            decided = self.kind in ("aid", "decision") and who.speaker == self.home
            return (who.side, who.speaker, None) if decided else _NOTHING
        strongest = self._strongest(text, verb, who)
        return who.side, who.speaker, "agreed" if who.side == "both" and strongest == "announced" else strongest

    def _strongest(self, text: str, verb: re.Match[str], who: _Who) -> Act:
        """The most telling act of the verbs that share a subject; "stated that it will" is a promise."""
        acts = acts_from(text, verb)
        said = _WILL.match(text, verb.end()) if acts[0] == "stated" and who.side != "both" else None
        if said:
            own = self.home if who.side == "ours" else self.speakers.country(who.speaker or "")
            lands = countries(said[1])
            if said[1] in ("he", "she", "it") or (lands and lands <= {own}):
                acts.append("promised")
        return min(acts, key=ACTS.index)

    def _whoever(self, text: str, last: Mention, found: list[Mention]) -> _Who:
        """Who a subject is, with those before it that an "and" joins to it."""
        people = [self._who(m) for m in joined(text, last, found)]
        sides = {who.side for who in people}
        if len(people) == 1:
            return people[0]
        if "both" in sides or {"ours", "theirs"} <= sides:
            return _TWO
        return _Who(people[0].side if len(sides) == 1 else None, None)

    def _who(self, m: Mention) -> _Who:
        if m.kind == "he":
            return self.last if self.last.person else _NOBODY
        if m.kind == "group":
            both = _TWO if self.abroad else _NOBODY
            return _Who(self._side(m.land), None) if m.land else both
        if m.kind == "government":
            land = m.land or self.home or None
            return _Who(self._side(land), land)
        return self._named(m) if m.name else self._office(m)

    def _side(self, land: str | None) -> Side | None:
        return side_of(land, self.home)

    def _named(self, m: Mention) -> _Who:
        """Whom a name means: someone the release introduces in full, else someone the corpus knows."""
        name = m.name or ""
        held = [c for c in self.cast if c.in_full and set(m.words) <= set(c.words)]
        if len({c.words for c in held}) > 1:
            held = [c for c in held if c.rank == m.rank] or held
        lands = {c.land for c in [m, *held] if c.land}
        if not all(are_one(held[0].words, c.words) for c in held):
            sides = {self._side(c.land or m.land) for c in held}
            return _Who(sides.pop() if len(sides) == 1 else None, None, True, m.rank)
        full = held[0].name if held else self.speakers.full_name(name, m.rank, m.land)
        land = lands.pop() if len(lands) == 1 else self.speakers.country(full or name)
        if land is None and held and self.speakers.is_home(held[0]):
            land = self.home or None  # of a release that the corpus was not learnt from
        return _Who(self._side(land), full or name, True, m.rank)

    def _office(self, m: Mention) -> _Who:
        """Whom "the Minister" or "the Israeli Foreign Minister" means: the last one named, else the only one there is."""
        if m.land is None and self.last.person and self.last.rank == m.rank:
            return self.last
        held = {self._named(c) for c in self.cast if c.rank == m.rank}
        held = {who for who in held if m.land is None or who.side == self._side(m.land)}
        if len(held) == 1:
            return held.pop()
        return _Who(self._side(m.land), m.land) if m.land and m.sure else _NOBODY


def _opens(text: str, m: Mention, found: list[Mention]) -> bool:
    """Whether a mention stands where the subject of a main clause stands."""
    before = text[: joined(text, m, found)[0].start].rstrip()
    if THAT.search(before):
        return False
    return not before or bool(_OPENING.search(before)) or (m.kind == "he" and before.endswith(("in which", "where")))


def _first_act(text: str, subjects: list[Mention], found: list[Mention]) -> tuple[Mention, re.Match[str]] | None:
    """The first verb of an act that has a subject: one of `subjects`, or of `found` after a passive's "by"."""
    return next(((m, verb) for verb in VERB.finditer(text) if (m := _subject(text, verb, subjects, found))), None)


def _subject(text: str, verb: re.Match[str], subjects: list[Mention], found: list[Mention]) -> Mention | None:
    """Whose act a verb is: named right before it, before what commas set apart in front of it, or after its "by"."""
    if PASSIVE.search(text[: verb.start()]):
        return next((m for m in found if re.fullmatch(r"(?:,? \w+,?){0,4} by ", text[verb.end() : m.start])), None)
    end = len(before_verb(text, verb).rstrip())
    ends = {m.end: m for m in subjects}
    if end in ends or text[end - 1 : end] != ",":
        return ends.get(end)
    return next((ends[at] for at in range(end - 1, -1, -1) if text[at] == "," and at in ends), None)


def _unquoted(text: str) -> str:
    """The beginning of a text, with what it quotes blanked out."""
    return re.sub(r"“[^”]*”?", lambda quoted: " " * len(quoted[0]), text[:_READ_LENGTH])
