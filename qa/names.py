"""Names across scripts: the person or place that a Korean question means, as the releases spell it.

The encoder reads Korean, but not names: 졸리 lies nowhere near Joly. Countries are in CLDR. Other names are found in the
corpus itself, by sound: a Hangul word and an English name match when their consonants fall into the same classes, as
Korean hears them (f and p, l and r, z and j are one), and the vowels between them are alike. The shorter the word, the more
everyday words sound like a name, and the less may differ.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, cached_property, lru_cache
from itertools import chain, product

from babel import Locale

from qa.dates import DAYS, MONTHS
from qa.release import Release

_INITIALS = ("K", "K", "N", "T", "T", "L", "M", "P", "P", "S", "S", "", "J", "J", "J", "K", "T", "P", "H")
# Vowels in four classes; ㅡ, which often only carries a consonant, is one of its own.
_VOWELS = ("a", "e", "a", "e", "o", "e", "o", "e", "o", "a", "e", "e", "o", "o", "o", "e", "i", "o", "-", "i", "i")
_FINALS = ("", *"KKKNNNTLLLLLLLLMPPSSGJJKTP", "")
_FIRST = 0xAC00  # 가: from here on 19 initials, 21 vowels, 28 finals
# The finals that a name written in Hangul has: none, ㄱ, ㄴ, ㄹ, ㅁ, ㅂ, ㅅ, ㅇ (외래어 표기법 3.1).
_FINALS_OF_NAMES = frozenset({0, 1, 4, 8, 16, 17, 19, 21})

# Latin spellings as Korean hears them, tried from left to right: consonants and vowels in classes, glides not at all.
_LATIN = (
    ("tsch|tch|ch|j|zh|z", "J"),
    ("sch|sh|ss|x(?=[aeiouy])|s", "S"),
    ("ng(?![aeiouy])|n(?=k)", "G"),
    ("ck|kh|qu|q|k|gh|g", "K"),
    ("c(?=[eiy])", "S"),
    ("c", "K"),
    ("x", "KS"),
    ("ph|f|v|b|p", "P"),
    ("th|d|t", "T"),
    ("l|r(?=[aeiouy])", "L"),
    ("r", "R"),
    ("m", "M"),
    ("n", "N"),
    ("h", "H"),
    ("w|y(?=[aeiou])", ""),
    ("a", "a"),
    ("e", "e"),
    ("i|y", "i"),
    ("oo|o|u", "o"),
)
_LATIN_SOUND = re.compile("|".join(f"({pattern})" for pattern, _ in _LATIN))

_CAPITALISED = re.compile(r"[A-Z][A-Za-zÀ-ÿ]+(?:-[A-Za-zÀ-ÿ]+)*")
_IN_CAPITALS = re.compile(r"[B-DF-HJ-NP-TV-Z][A-Z]*[AEIOUY][A-Z]*")  # "KIM Gunn", unlike "UN Charter" and "FTA Talks"
_HANGUL = re.compile(r"[가-힣]+")
_LONGEST = 12  # syllables of a name: 세인트빈센트그레나딘 has 10
# What may follow a name without a blank: the words that Korean hangs on names of people and places, and particles.
_TITLES = """장관 외교장관 외무장관 외교부장 총리 대통령 대사 차관 부장 여사 의장 위원장 기지 공항 정상 정부 지구""".split()  # noqa: SIM905
_PARTICLES = """은 는 이 가 을 를 의 에 에서 에게 께서 와 과 랑 도 로 으로 만 까지 부터 이나 나 이란 이라는 요""".split()  # noqa: SIM905
# Everyday words of such questions: never names, whatever they sound like. Besides what comes to mind, those that were taken
# for names among the 5,900 Hangul words of the questions in corpus/, training/ and the public benchmarks.
_WORDS = """
    외교 회담 회의 통화 합의 협력 지원 발표 성명 관계 양국 내용 입장 문제 어떤 무엇 누구 언제 어디 얼마 뭐라고 뭐야 어느 어떻게
    얘기 이야기 게임 영화 기업 수출 사태 평가 요청 제안 참석 나라 국가 국제 공급망 관련 대해 대한 논의 개최 강조 우려 방문 결과
    문서 이름 행사 사람 전쟁 휴전 인도적 안보 경제 문화 교류 발전 기념 수교 주년 동안 그리고 그럼 다음 올해 작년 지난 최근 당시
    이번 우리 한반도 정상회담 외교부 대변인 의제 장소 규모 금액 이유
    하고 에서 이와 이하 그런 그러한 과거 거리 견해 각서 대표 축소 현대화 철수 토지 해킹 헬기 트럭 드론 소파 예시 전보
    내역 의견 위원 위원회 의원 하원 상원 의회 총회 교육 노동 과학 금융 재무 국방 건설 보건 학교 대학 병원 결의 결의안 발언 연설
    대화 조치 준비 처리 통제 투자 구호 원조 기후 안전 세계 인식 이익 요구 위협 위기 위반 이전 이후 주요 주제 정의 예정 예외 원인
    범위 방식 비중 수요 소비 사업 사용 생산 자원 자유 전화 전체 전기 주의 중요 처음 표결 피해 회동 해당 개선 계산 교원 교수 기금
    기구 기타 도입 동부 모두 모델 복원 변화 분야 불안 부모 보안 보호 본문 소속 소유 수반 여성 여야 연구 요소 우주 위성 유아 유형
    이민 이주 인사 인원 인질 임무 자녀 재정 저녁 전날 제도 조달 조언 지위 채용 청구 초상 코로나 투어 포로
    보낸 보내 보냈 만난 만나 받은 나눈 밝힌
""".split()  # noqa: SIM905


def _any(words: Iterable[str]) -> str:
    """A pattern of one of some words, the longest that fits and no other: else a long question is tried in endless ways."""
    return f"(?>{'|'.join(sorted(words, key=len, reverse=True))})"


_TAIL = re.compile(f"{_any([*_TITLES, '시', '주', '측', '씨', *_PARTICLES])}*+")
# Everyday words, or titles without the name they are of, joined to one another and to particles or endings of 하다 and 되다.
_EVERYDAY = re.compile(f"{_any([*_WORDS, *_TITLES])}++(?:{_TAIL.pattern}|[하한할함했해되된될됨됐적들].*)|[것곳].*")
_NOUN_AND_PARTICLE = re.compile("[가-힣][에의은는을를]")  # 주에, 중의: no name of two syllables ends so
_SHORT_FORMS = {
    "한중": "Korea-China",
    "한일": "Korea-Japan",
    "한미": "Korea-U.S.",
    "한러": "Korea-Russia",
    "한독": "Korea-Germany",
    "한영": "Korea-UK",
    "한불": "Korea-France",
    "한호": "Korea-Australia",
    "대러": "Russia",
    "대북": "North Korea",
    "대일": "Japan",
    "대미": "U.S.",
    "한일중": "Korea-Japan-China",
    "한중일": "Korea-Japan-China",
    "한미일": "Korea-U.S.-Japan",
    "미중": "U.S.-China",
    "북중": "North Korea-China",
    "북러": "North Korea-Russia",
    "북미": "U.S.-North Korea",
    "한국": "Korea",
    "북한": "North Korea",
    "유엔": "UN",
    "안보리": "Security Council",
    "유럽연합": "EU",
    "아세안": "ASEAN",
    "나토": "NATO",
}
_CALENDAR = frozenset([*MONTHS, *DAYS])
_OPENERS = frozenset("The In On For By Of At To From With My Our Its As An A And".split())  # noqa: SIM905


class Names:
    """The names of a corpus, found by their sound; they are gathered for the first Korean question."""

    def __init__(self, releases: Iterable[Release]) -> None:
        self._releases = tuple(releases)

    @cached_property
    def _by_sound(self) -> dict[str, list[tuple[str, list[str]]]]:
        """Consonants -> the names that have them, with their vowels, the commonest first."""
        texts = [f"{release.title}\n{release.text}" for release in self._releases]
        lowered = {word for text in texts for word in re.findall(r"\b[a-z]{3,}\b", text)}
        counted = Counter(name for text in texts for name in _sequences(text))
        found: dict[str, list[tuple[str, list[str]]]] = {}
        for name in sorted(filter(_may_be_heard, counted), key=lambda name: (-counted[name], name)):
            if not all(word.casefold() in lowered or word in _CALENDAR for word in name.split()):
                for consonants, vowels in _latin_sounds(name):
                    found.setdefault(consonants, []).append((name, vowels))
        return found

    def in_english(self, question: str) -> str:
        """The question with the Hangul names it holds replaced by their English spelling; the rest stays as it is."""
        return _HANGUL.sub(lambda match: self._word(match[0]), question)

    def _word(self, word: str) -> str:
        parts = [(word[:end], word[end:]) for end in range(min(len(word), _LONGEST), 1, -1) if _TAIL.fullmatch(word[end:])]
        known = ((_SHORT_FORMS.get(stem) or _countries().get(stem), tail) for stem, tail in parts)
        heard = ((self._by_ear(stem), tail) for stem, tail in parts if not _EVERYDAY.fullmatch(word))
        for name, tail in chain(known, heard):
            if name is not None:
                return f"{name} {tail}" if tail else name
        return word

    def _by_ear(self, stem: str) -> str | None:
        """The name of the corpus that sounds like `stem`: of several the nearest, then the shortest, then the commonest."""
        if _NOUN_AND_PARTICLE.fullmatch(stem) or any((ord(char) - _FIRST) % 28 not in _FINALS_OF_NAMES for char in stem):
            return None
        near = [
            (difference, name)
            for consonants, heard in _hangul_sounds(stem)
            for name, spelled in self._by_sound.get(consonants, ())
            if (difference := sum(map(_difference, heard, spelled, f" {consonants}"))) <= _allowed(consonants)
        ]
        return min(near, key=lambda found: (found[0], len(found[1])))[1] if near else None


def _may_be_heard(name: str) -> bool:
    """Whether Korean would write a name by its sound: not an abbreviation, nor Korea, nor what opens a sentence."""
    words = re.split("[ -]", name)
    if len(name) < 3 or words[0] in _OPENERS or any(word.startswith("Korea") for word in words):
        return False
    if len(words) == 1:
        return not name.isupper() or len(name) > 3
    return not any(word.isupper() and not _IN_CAPITALS.fullmatch(word) for word in words)


def _allowed(consonants: str) -> float:
    """How much the vowels of a name may differ: nothing where it has one or two consonants, a syllable from four on."""
    return min(max(len(consonants) - 2, 0) / 2, 1)


def _difference(heard: str, spelled: str, before: str) -> float:
    """How far the vowels of Hangul syllables are from those of Latin letters at the same place: 0, 1 for a syllable."""
    if heard == spelled or (heard == "-" and not spelled):
        return 0
    if heard == "-":
        return 0.25 if spelled in ("e", "o", "eo", "oo") else 0.5 if len(spelled) == 1 else 1
    heard = heard.replace("-", "")
    if not heard or not spelled:
        if before == "J" and heard == "i":
            return 0  # 지 and 치 write a bare j and ch
        return 0 if heard == spelled else 0.5 if before == "S" and heard == "o" else 1  # 슈 writes a bare sh
    letters = iter(spelled)
    if len(spelled) < 4 and not spelled.endswith(("ia", "io")) and all(vowel in letters for vowel in heard):
        return 0  # several letters may write one vowel: "ae", "eo", "eau"
    if heard in ("ai", "ei", "oi") and spelled[0] in "aei":
        return 0.25  # one letter may write two: Biden is 바이든
    return 0.5 if len(heard) <= len(spelled) else 1


def _sequences(text: str) -> Iterator[str]:
    """Capitalised words, and runs of two or three of them, of a text."""
    for line in text.split("\n"):
        matches = list(_CAPITALISED.finditer(line))
        for at, match in enumerate(matches):
            end = match.end()
            yield match[0]
            for after in matches[at + 1 : at + 3]:
                if line[end : after.start()] != " ":
                    break
                end = after.end()
                yield line[match.start() : end]


def _latin_sounds(name: str) -> list[tuple[str, list[str]]]:
    """The sounds of an English name: an r that no vowel follows may be heard or not, as may an e at its end."""
    sound = _heard(re.sub("^Lee (?=[A-Z])", "Yi ", name))  # 이, which is written Lee and said without an l
    sounds = {sound.replace("eR", "o").replace("R", ""), sound.replace("R", "L")}
    sounds |= {sound.removesuffix("e") for sound in sounds}
    return [_parted(sound) for sound in sorted(sounds)]


def _hangul_sounds(word: str) -> list[tuple[str, list[str]]]:
    """The sounds of a Hangul word; a final ㅅ may be s or t."""
    choices: list[tuple[str, ...]] = []
    for at, char in enumerate(word):
        code = ord(char) - _FIRST
        initial, final = _INITIALS[code // 588], _FINALS[code % 28]
        choices.append((("" if initial == "H" and at else initial) + _VOWELS[code // 28 % 21],))
        choices.append(("S", "T") if final == "S" else (final,))
    return [_parted("".join(choice)) for choice in product(*choices)]


def _parted(sound: str) -> tuple[str, list[str]]:
    """The consonants of a sound, doubled ones as one, and the vowels before, between and after them."""
    sound = re.sub(r"([A-Z])\1+", r"\1", sound)
    return re.sub("[^A-Z]", "", sound), re.split("[A-Z]", sound)


def _heard(name: str) -> str:
    """What the letters of a name are heard as, in order; an h inside the name is not."""
    return "".join(_word_heard(word, first=not at) for at, word in enumerate(re.findall(r"[a-z]+", _plain(name))))


@lru_cache(maxsize=100_000)  # words: 250 statements have 11,642 names, each of one to three of them
def _word_heard(word: str, *, first: bool) -> str:
    found = ((match.start(), match.groups()) for match in _LATIN_SOUND.finditer(word))
    sounds = ((at, next(sound for part, (_, sound) in zip(parts, _LATIN, strict=True) if part)) for at, parts in found)
    return "".join("" if sound == "H" and (at or not first) else sound for at, sound in sounds)


def _plain(name: str) -> str:
    """Lower case, accents left off."""
    if name.isascii():
        return name.casefold()
    return "".join(char for char in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(char))


@cache
def _countries() -> dict[str, str]:
    """Korean name -> English name of every country in CLDR."""
    korean, english = Locale("ko").territories, Locale("en").territories
    return {name: english[code] for code, name in korean.items() if len(code) == 2 and code in english}
