"""People: who is named in a text, by office, name or country, and who is only pointed to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Literal, NamedTuple

from babel import Locale

from qa.dates import DAYS, MONTHS

# Names of countries that CLDR lacks, capitals that stand for them, and peoples that no common ending makes of the name.
_LANDS = {
    "Korea": "Seoul|ROK|South Korea|Republic of Korea|South Korean|MOFA|한국|우리|우리나라|우리 정부",
    "North Korea": "Pyongyang|DPRK|Democratic People's Republic of Korea|북한",
    "United States": "Washington|U.S.|US|USA|United States of America|American|White House|Biden-Harris Administration",
    "China": "Beijing|PRC|People's Republic of China|Chinese",
    "United Kingdom": "UK|U.K.|British|Britain",
    "United Arab Emirates": "UAE|Emirati",
    "European Union": "EU|European",
    "United Nations": "UN|U.N.",
    "Palestine": "Palestinian",
    "Türkiye": "Turkey|Turkish",
    "Vietnam": "Viet Nam|Vietnamese",
    "Philippines": "Philippine|Filipino",
    "Saudi Arabia": "Saudi",
    "NATO": "NATO",
    "ASEAN": "ASEAN",
}
_PEOPLES = """
    Germany German Netherlands Dutch France French Spain Spanish Poland Polish Denmark Danish Norway Norwegian Sweden Swedish
    Switzerland Swiss Thailand Thai Ireland Irish Greece Greek Peru Peruvian Lebanon Lebanese Portugal Portuguese Nepal Nepalese
    Sudan Sudanese Nigeria Nigerian Japan Japanese Japan Tokyo Russia Moscow Ukraine Kyiv
    """.split()  # noqa: SIM905

_RANK = "(?:Deputy|Vice|Prime|First|Assistant|Under|Acting|Special|Permanent|Press|Crown)"
_FIELD = (
    "(?:Foreign|Affairs|Defen[cs]e|National|Security|State|Trade|Finance|Industry|Commerce|Commonwealth|Energy|Unification|"
    "International|Cooperation|Expatriates|Econom(?:y|ics)|Public|Korean|Peninsula|Peace|Political|Multilateral|"
    "Global|Development)"
)
_OFFICE = re.compile(
    rf"\b(?:(?:{_RANK}|{_FIELD}|Principal|Senior|Presidential|Cabinet|High|Economic)[ -])*"
    r"(?:Ministers?|Presidents?|Secretar(?:y-General|y|ies)|Ambassadors?|Amb\.|Spokes(?:person|man|woman)|Representatives?|"
    r"Council+or|Counsel+or|Chancellor|Advis[eo]r|Director(?:-General)?|Envoy|Chairperson|First Lady|King|Queen|"
    r"Prince|Premier)(?![\w’'-])"
)
_ASKED_OFFICE = re.compile(
    r"\b(?:(prime|(?:(?:first|second) )?vice|deputy) )?(?:foreign )?(minister|president)\b|"
    r"((?:제?[12] ?)?차관|외교부장|외무상|장관|대통령|총리)",
    re.IGNORECASE,
)
_KOREAN_OFFICES = {
    "차관": "Vice Minister",
    "외교부장": "Minister",
    "외무상": "Minister",
    "장관": "Minister",
    "대통령": "President",
    "총리": "Prime Minister",
}
_DEPARTMENT = re.compile(rf"(?:,? (?:and|of|for|to) (?:the )?|,? )?{_FIELD}\b")
_HONORIFIC = "(?:(?:the )?(?:H\\.E\\.|Mr\\.|Ms\\.|Mrs\\.|Dr\\.|Amb\\.|Ambassador|Sheikh|Prince|Lord|Sir|Honou?rable) )*"
_TOKEN = (
    rf"(?!(?:{_RANK}|The|On|In|At|Minister|President|Secretary)\b)"
    r"(?:[A-Z](?:[’'][A-Z])?[a-zà-ÿ]+(?:[A-Z][a-zà-ÿ]+)?(?:-[A-Za-zà-ÿ]+)*|[A-Z]{2,}(?:-[A-Z]+)*|[A-Z]\.)"
)
_JOINING = "(?:(?:bin|bint|al|von|van|der|de|da|dos|El) )*"
NAME = rf"(?:[A-Z][a-z]+, [A-Z][a-z]+-[a-z]+|{_TOKEN}(?: {_JOINING}{_TOKEN}){{0,4}}(?:, Jr\.)?)"
_NAMED = re.compile(rf"(,? ){_HONORIFIC}({NAME})")
_APPOSED = r", (?:(?:the |an? )?(?:newly[ -]\w+ |former |[Nn]on-resident )?|[Mm]ember of [^.;]{,110} and )?"
_BEFORE = re.compile(rf"(?<![\w.’'-])({_HONORIFIC})({NAME})({_APPOSED}| )$")
_TITLED = re.compile(r" (?:[A-Z][a-z]+ing|Attends|Meets|Holds|Hosts|Visits|Delivers|Calls) [A-Z].*| (?:Meets|Attends)$")
_OF = re.compile(r" (of|to|at) (?:the )?(?=[A-Z])")
_NOT_OF_STATE = re.compile(r",? (?:(?:of|at|for|to)(?! (?:the |our )?Ministry)|and [A-Z]+\b)")
_WORD = re.compile(r"[A-Z][\w.’'-]*|[가-힣]+|of\b|the\b|and\b|&")
_CAPITAL = re.compile(r"(?<![\w.’'])[A-Z]|(?<![가-힣])[가-힣]")
_OFFICES = "(?:Ministry of Foreign Affairs|Foreign Ministry|Administration)"
_GOVERNMENT = re.compile(rf"\b(?:[Gg]overnment of (?:the )?|(?:[Gg]overnment|Ministry|{_OFFICES})(?! of)\b)")
_OF_LAND = re.compile(rf"(?:[’']s)? (?:[Gg]overnment|side|delegation|{_OFFICES})(?: and (?:the )?(?:\w+ )?people)?\b")
_GROUP = r"[Ss]ides|[Pp]arties|[Mm]inisters|[Ll]eaders|countries|nations|governments|[Pp]residents"
_POINTERS: tuple[tuple[Literal["group", "we", "he"], re.Pattern[str]], ...] = (
    (
        "group",
        re.compile(rf"\b(?:(?:[Tt]he|[Bb]oth|two) (?:two |three )?(?:\w+ )?(?:{_GROUP})|Both|[Tt]hey|Joint Committee)\b"),
    ),
    ("we", re.compile(r"\b(?:I|We|we|Let me)\b")),
    ("he", re.compile(r"\b[Hh]e\b|\b[Ss]he\b")),
)
_CALENDAR = frozenset([*MONTHS, *DAYS])


class Mention(NamedTuple):
    """`text[start:end]` names a person, a government or a group, or points to one; `sure` unless an office of no state."""

    start: int
    end: int
    kind: Literal["person", "government", "group", "we", "he"]
    name: str | None = None
    rank: str = ""
    land: str | None = None
    sure: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        return name_words(self.name or "")

    @property
    def in_full(self) -> bool:
        return " " in (self.name or "")


def mentions(text: str, bare: Iterable[re.Match[str]] = ()) -> list[Mention]:
    """All that may be a subject, in order; where two overlap the longer. `bare` are names, in group 1, without an office."""
    found = [*officers(text), *_governments(text)]
    found += [Mention(at.start(), at.end(), kind) for kind, pattern in _POINTERS for at in pattern.finditer(text)]
    for at in bare:
        if not re.search(r"[A-Z][\w.’-]+ $", text[: at.start()]):
            found.append(Mention(at.start(), at.end(), "person", at[1]))
    found = [m._replace(start=m.start - 4) if text[: m.start].endswith(("the ", "The ")) else m for m in found]
    kept: list[Mention] = []
    for m in sorted(found, key=lambda m: m.start - m.end):
        if not any(m.start < other.end and other.start < m.end for other in kept):
            kept.append(m)
    return sorted(kept, key=lambda m: m.start)


def officers(text: str) -> Iterator[Mention]:
    """Persons with their offices, as a release introduces or names them: "Foreign Minister Park Jin of Korea"."""
    named_to = 0
    for office in _OFFICE.finditer(text):
        start, end = office.span()
        while department := _DEPARTMENT.match(text, end):
            end = department.end()
        start, land = _land_before(text, start) or (start, None)
        end, land = _land_after(text, end, land)
        sure = _NOT_OF_STATE.match(text, end) is None
        plural, rank = office[0].endswith("s"), _rank(office[0])
        window = max(named_to, start - 160)
        front = _BEFORE.search(text[window:start])
        if front and _is_name(front[2]) and (front[1] or (front[3] != " " and re.search("[ -]", front[2]))):
            named_to = end
            yield Mention(window + front.start(), window + front.end(2), "person", front[2], rank, land, sure)
            continue
        named = _NAMED.match(text, end)
        if named and _is_name(named[2]) and (named[1] == " " or (" " in named[2] and not plural)):
            named_to, land = _land_after(text, named.end(), land)
            yield Mention(start, named_to, "person", _TITLED.sub("", named[2]), rank, land, sure)
        else:
            yield Mention(start, end, "group" if plural else "person", None, rank, land, sure)


def joined(text: str, last: Mention, found: list[Mention], link: str = ",? and|,? as well as") -> list[Mention]:
    """A mention and those before it that "and" joins to it, with commas between the first ones."""
    before = re.search(rf"(?:{link})$", text[: last.start].rstrip())
    other = next((m for m in found if before and m.end == before.start()), None)
    return [*(joined(text, other, found, link + "|,") if other else []), last]


def countries(text: str) -> set[str]:
    """The countries that a text names, also in "Korea-Japan"."""
    text = text.replace("-", " ")
    return {found[1] for capital in _CAPITAL.finditer(text) if (found := _land_at(text, capital.start()))}


def country_called(name: str) -> str | None:
    """The country whose name, or whose people's, `name` is."""
    return _lands().get(name)


def name_words(name: str) -> tuple[str, ...]:
    """The words of a name, by which two spellings of it are compared."""
    return tuple(name.replace(",", "").casefold().split())


def are_one(name: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether the words of two spellings can be of one person, as "Joe Biden" and "Joseph R. Biden, Jr." are."""
    words, others = ([word for word in each if word.rstrip(".") != "jr"] for each in (name, other))
    return words[0][:2] == others[0][:2] and words[-1] == others[-1] if words and others else words == others


def short_names(name: str) -> set[str]:
    """A name as it may stand without an office: in full, or its last word."""
    words = name.replace(",", "").split()
    return {word for word in (name, *words[-1:]) if len(word) > 2 and _land_at(word, 0) is None}


def _governments(text: str) -> Iterator[Mention]:
    for at in _GOVERNMENT.finditer(text):
        of = _land_at(text, at.end()) if at[0].endswith(" ") else (at.end(), None)
        if of:
            yield Mention(at.start(), of[0], "government", land=of[1])
    for capital in _CAPITAL.finditer(text):
        if found := _land_at(text, capital.start()):
            after = _OF_LAND.match(text, found[0])
            yield Mention(capital.start(), after.end() if after else found[0], "government", land=found[1])


def _is_name(words: str) -> bool:
    return _land_at(words, 0) is None and not _CALENDAR.intersection(words.split())


def office_asked(question: str) -> str | None:
    """The rank (as `Mention.rank`) of the first office that an English or Korean question names; None where it names none."""
    found = _ASKED_OFFICE.search(question)
    if found is None:
        return None
    if found[3]:
        which = {"1": "First ", "2": "Second "}.get(next(iter(re.findall("[12]", found[3])), ""), "")
        return which + _KOREAN_OFFICES[found[3].lstrip("제12 ")]
    return " ".join(filter(None, (found[1], found[2]))).title()


def _rank(office: str) -> str:
    """What tells offices apart that one surname may go with: "Vice Minister", "Minister"."""
    words = re.sub(r"s$|\.", "", office).split()
    return " ".join([word for word in words[:-1] if re.fullmatch(_RANK, word)] + words[-1:])


def _land_at(text: str, start: int) -> tuple[int, str] | None:
    """The end and name of the country that `text` names from `start` on."""
    first = _WORD.match(text, start)
    if first is None or _openings().isdisjoint(_without_ending(first[0].replace("’", "'"))):
        return None
    ends: list[int] = []
    while len(ends) < 6 and (word := _WORD.match(text, ends[-1] + 1 if ends else start)):
        ends.append(word.end())
        if text[word.end() : word.end() + 1] != " ":
            break
    lands = _lands()
    for end in reversed(ends):
        for name in _without_ending(text[start:end].replace("’", "'")):
            if land := lands.get(name):
                return start + len(name), land
    return None


def _without_ending(written: str) -> tuple[str, ...]:
    """The names that what is written may be: as it is, of an owner, at the end of a sentence, before a Korean particle."""
    particled = (written[:-1], written[:-2]) if written[-1:] >= "가" else ()
    return (written, written.removesuffix("'s"), written.removesuffix("."), *particled)


def _land_before(text: str, end: int) -> tuple[int, str] | None:
    """The start and name of the country that `text` names right before `end`."""
    window = max(0, end - 60)  # characters: the longest name of a country has 42
    for word in list(re.finditer(r"\S+", text[window:end]))[-6:]:
        start = window + word.start()
        found = _land_at(text, start) if text[start].isupper() else None
        if found and re.fullmatch("([’']s)? ", text[found[0] : end]):
            return start, found[1]
    return None


def _land_after(text: str, end: int, land: str | None) -> tuple[int, str | None]:
    """Where the countries end that follow an office or a name, and the one it is of."""
    while (of := _OF.match(text, end)) and (found := _land_at(text, of.end())):
        if of[1] == "at" and text[found[0] : found[0] + 1] not in ("’", "'"):
            break
        end, land = found[0], land or (None if of[1] == "to" else found[1])
    return end, land


@cache
def _openings() -> frozenset[str]:
    """The first words of `_lands`: most words that are looked at open no name of a country."""
    return frozenset(name.partition(" ")[0] for name in _lands())


@cache
def _lands() -> dict[str, str]:
    """Countries and peoples as they are written, in English and Korean, to the country's name."""
    english, korean = Locale("en").territories, Locale("ko").territories
    found = {other: land for land, others in _LANDS.items() for other in (land, *others.split("|"))}
    found |= dict(zip(_PEOPLES[1::2], _PEOPLES[::2], strict=True))
    for code, land in english.items():
        if len(code) == 2 and code not in ("KR", "EZ"):
            found.setdefault(land, land)
            found.setdefault(korean.get(code, land), land)
    for land in sorted(set(found.values())):
        stem = land.rstrip("aeiou")
        for people in (f"{land}n", f"{land}an", f"{land}ian", f"{stem}an", f"{stem}ian", f"{land}i" if stem == land else land):
            found.setdefault(people, land)
    return found
