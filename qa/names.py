"""Names across scripts: the person or place that a Korean question means, as the releases spell it.

The encoder reads Korean, but not names: 졸리 lies nowhere near Joly. Countries are in CLDR. Other names are found in the
corpus itself, by sound: a Hangul word and an English name match when their consonants fall into the same classes, as
Korean hears them (f and p, l and r, z and j are one).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import cache
from itertools import chain, product

from babel import Locale

from qa.dates import DAYS, MONTHS
from qa.release import Release

_INITIALS = ("K", "K", "N", "T", "T", "L", "M", "P", "P", "S", "S", "", "J", "J", "J", "K", "T", "P", "H")
# Vowels in four classes; ㅡ, which only carries a consonant, is none.
_VOWELS = ("a", "e", "a", "e", "o", "e", "o", "e", "o", "a", "e", "e", "o", "o", "o", "e", "i", "o", "", "i", "i")
_LATIN_VOWELS = {"a": "a", "e": "e", "i": "i", "o": "o", "u": "o", "y": "i"}
_FINALS = ("", *"KKKNNNTLLLLLLLLMPPSSGJJKTP", "")
_FIRST, _LAST = 0xAC00, 0xD7A3  # 가 and 힣: 19 initials, 21 vowels, 28 finals
_REU = "르"  # writes an r that English speakers hardly say: 자카르타 is Jakarta

# Latin spellings as Korean hears them, tried from left to right.
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
    ("w|[aeiouy]", ""),
)
_LATIN_SOUND = re.compile("|".join(f"(?P<s{at}>{pattern})" for at, (pattern, _) in enumerate(_LATIN)))

_CAPITALISED = re.compile(r"[A-Z][A-Za-zÀ-ÿ]+(?:-[A-Za-zÀ-ÿ]+)*")
_HANGUL = re.compile(r"[가-힣]+")
# What may follow a name without a blank: particles, and the words that Korean hangs on names of people and places.
_TAIL = re.compile(
    r"(장관|외교장관|외무장관|외교부장|총리|대통령|대사|차관|부장|여사|의장|위원장|기지|공항|정상|정부|지구|시|주|측|씨|"
    r"은|는|이|가|을|를|의|에|에서|에게|께서|와|과|랑|도|로|으로|만|까지|부터|이나|나|이란|이라는|요|은요|는요)*"
)
# Everyday words of such questions: never names, whatever they sound like.
_WORDS = frozenset(
    """
    장관 외교 외교장관 회담 회의 통화 합의 합의한 정부 대통령 총리 협력 지원 발표 성명 관계 양국 내용 입장 문제 어떤
    무엇 누구 언제 어디 얼마 뭐라고 뭐야 어느 어떻게 얘기 이야기 게임 영화 기업 수출 사태 평가 요청 제안 참석 나라
    국가 국제 공급망 관련 대해 대한 논의 개최 강조 우려 방문 결과 문서 이름 행사 사람 전쟁 휴전 인도적 안보 경제 문화
    교류 발전 기념 수교 주년 동안 그리고 그럼 다음 올해 작년 지난 최근 당시 이번 우리 한반도 정상회담 외교부 대변인
    의제 장소 규모 금액 이유
    """.split()  # noqa: SIM905
)
_SHORT_FORMS = {
    "한중": "Korea-China",
    "한일": "Korea-Japan",
    "한미": "Korea-U.S.",
    "한러": "Korea-Russia",
    "한독": "Korea-Germany",
    "한영": "Korea-UK",
    "한불": "Korea-France",
    "한호": "Korea-Australia",
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
_LIKENESS = 0.8  # of consonants and vowels together, 0 to 1, from which two spellings are one name


class Names:
    """The names of a corpus, found by their sound."""

    def __init__(self, releases: Iterable[Release]) -> None:
        texts = [f"{release.title}\n{release.text}" for release in releases]
        lowered = {word for text in texts for word in re.findall(r"\b[a-z]{3,}\b", text)}
        counted = Counter(name for text in texts for name in _sequences(text))
        self._by_sound: dict[str, list[str]] = {}
        for name in sorted(counted, key=lambda name: (-counted[name], name)):
            if not all(word.casefold() in lowered or word in _CALENDAR for word in name.split()):
                for sound in _latin_sounds(name):
                    self._by_sound.setdefault(sound, []).append(name)

    def in_english(self, question: str) -> str:
        """The question with the Hangul names it holds replaced by their English spelling; the rest stays as it is."""
        return _HANGUL.sub(lambda match: self._word(match[0]), question)

    def _word(self, word: str) -> str:
        parts = [(word[:end], word[end:]) for end in range(len(word), 1, -1) if _TAIL.fullmatch(word[end:])]
        known = ((_SHORT_FORMS.get(stem) or _countries().get(stem), tail) for stem, tail in parts)
        heard = (
            (self._by_ear(stem), tail) for stem, tail in parts if not any(word[:length] in _WORDS for length in range(2, 5))
        )
        for name, tail in chain(known, heard):
            if name is not None:
                return f"{name} {tail}" if tail else name
        return word

    def _by_ear(self, stem: str) -> str | None:
        """The name of the corpus that sounds like `stem`: of several, the one whose vowels are nearest."""
        spoken = _hangul_spoken(stem)
        near = [
            (SequenceMatcher(None, spoken, _latin_spoken(name), autojunk=False).ratio(), -len(name), name)
            for sound in _hangul_sounds(stem)
            for name in self._by_sound.get(sound, ())
        ]
        likeness, _, name = max(near, default=(0.0, 0, None))
        return name if likeness >= _LIKENESS else None


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


def _latin_sounds(name: str) -> set[str]:
    """Consonant classes of an English name; an r that no vowel follows may be heard or not."""
    sound = "".join(found for _, found in _latin_steps(name))
    return {_collapsed(sound.replace("R", heard)) for heard in ("", "L")}


def _hangul_sounds(word: str) -> set[str]:
    """Consonant classes of a Hangul word; 르 may be heard or not, a final ㅅ as s or t."""
    choices: list[tuple[str, ...]] = []
    for at, char in enumerate(word):
        code = ord(char) - _FIRST
        initial, final = _INITIALS[code // 588], _FINALS[code % 28]
        if initial == "H" and at:
            initial = ""
        choices.append((initial, "") if char == _REU else (initial,))
        choices.append(("S", "T") if final == "S" else (final,))
    return {_collapsed("".join(choice)) for choice in product(*choices)}


def _collapsed(sound: str) -> str:
    return re.sub(r"(.)\1+", r"\1", sound)


def _latin_spoken(name: str) -> str:
    """Consonant classes and vowels of an English name, in order."""
    return _collapsed(
        "".join(found.replace("R", "") or _LATIN_VOWELS.get(letters, "") for letters, found in _latin_steps(name))
    )


def _latin_steps(name: str) -> Iterator[tuple[str, str]]:
    """Letters and the consonant class they are heard as, word by word; an h inside the name is not heard."""
    for at, word in enumerate(re.findall(r"[a-z]+", _plain(name))):
        for match in _LATIN_SOUND.finditer(word):
            found = _LATIN[int((match.lastgroup or "s0")[1:])][1]
            yield match[0], "" if found == "H" and (at or match.start()) else found


def _plain(name: str) -> str:
    """Lower case, accents left off."""
    return "".join(char for char in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(char))


def _hangul_spoken(word: str) -> str:
    spoken = ""
    for char in word:
        code = ord(char) - _FIRST
        initial = _INITIALS[code // 588]
        spoken += ("" if initial == "H" and spoken else initial) + _VOWELS[code // 28 % 21] + _FINALS[code % 28]
    return _collapsed(spoken)


@cache
def _countries() -> dict[str, str]:
    """Korean name -> English name of every country in CLDR."""
    korean, english = Locale("ko").territories, Locale("en").territories
    return {name: english[code] for code, name in korean.items() if len(code) == 2 and code in english}
