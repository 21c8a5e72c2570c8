"""A question as it is searched for: its own words, what it carries over from before, the days it is bound to."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from embeddings.lexical import has_hangul
from qa.acts import ACTS, SIDES, Act, Asked, Side
from qa.dates import parse_date
from qa.errors import BadQuestion
from qa.names import Names
from qa.period import Period, find_period
from qa.speakers import Speakers

MAX_CHARACTERS = 2_000  # far past what the encoder reads, so that nothing a person types is refused
_POINTING = (
    r"\b(he|she|they|them|his|her|their|it|its|this|that|these|those|there|the same|the two|both)\b|"
    r"(?<![가-힣])(그(는|가|것|때|곳|들)|이(것|때|곳|들)\b)"
)
_LEANING = re.compile(
    rf"^(and|also|what about|how about|then|so|but|그리고|그럼|그러면|또)\b|{_POINTING}|(은|는)요\s*\?*$", re.IGNORECASE
)
_DEVELOPMENT = re.compile(
    r"\bhow (?:did|has|have|do|does)\b.*\b(?:chang|evolv|develop|shift|progress)\w*|\bover time\b|\bthrough the years\b|"
    r"\b(?:development|evolution|history|timeline|progress) of\b|\bchanges? (?:in|to|of)\b|"
    r"어떻게 (?:변|바뀌|달라|발전|진행)|변화|변천|추이|경과",
    re.IGNORECASE,
)
# Words: "And when?" and "몇 개국이 왔나요?" ask nothing by themselves, nor does a longer question that names nothing ("How many
# countries came?"). Of 214 follow-ups over the White House's statements R@1 was 0.62 when only three words of English or one
# of Korean leant, and is 0.73; of questions that stand alone, asked after one of another topic, it stayed 0.64.
_SHORT, _SHORT_KOREAN, _SHORT_NAMELESS = 4, 5, 7
_NAMING = re.compile(r"(?<!^)\b[A-Z]\w|\d")


class Options(TypedDict, total=False):
    """What may go with a question.

    `history` is the questions before it, oldest first. `since` and `until` (a date, or YYYY-MM-DD) bound the release's date,
    both included. `speaker` (a name as the releases spell it, a country for its government), `side` and `act` keep only
    passages with a sentence of that speaker, side ("ours" is the publishing government's, "theirs", "both") or act
    ("agreed", "requested", ...: `qa.acts.Act`). `releases` keeps only passages of these ids. "Last year" counts from `today`,
    by default the day it is.
    """

    history: Sequence[str]
    since: datetime.date | str | None
    until: datetime.date | str | None
    speaker: str | None
    side: Side | None
    act: Act | None
    releases: Collection[str] | None
    today: datetime.date | None


@dataclass(frozen=True, slots=True)
class Question:
    """`text` is what was asked; `carried` the earlier question it leans on, None where it stands alone.

    `since` and `until` bound the release's date, both included; a release of unknown date is outside any bound. `said` keeps
    only passages with such a statement, `releases` only those of these ids. `period` and `asked` are what the words say of
    time and of whose act is meant: they order, and leave nothing out.
    """

    text: str
    carried: str | None = None
    since: datetime.date | None = None
    until: datetime.date | None = None
    said: Asked | None = None
    names: Names | None = None
    period: Period | None = None
    asked: Asked | None = None
    releases: frozenset[str] | None = None

    @property
    def searched(self) -> str:
        """The text that is searched for: what is carried over, the question, Hangul names as the releases spell them."""
        own = self.spelled(self.text)
        return f"{self.spelled(self.carried)} {own}" if self.carried else own

    @property
    def own_start(self) -> int:
        """Where the question itself starts in `searched`, after what is carried over."""
        return len(self.spelled(self.carried)) + 1 if self.carried else 0

    @property
    def of_development(self) -> bool:
        """Whether the question is about what changed through time, which several releases tell."""
        return _DEVELOPMENT.search(self.text) is not None

    def spelled(self, text: str) -> str:
        return self.names.in_english(text) if self.names is not None and is_korean(text) else text

    def understood(self) -> dict[str, Any]:
        """What was made of the question, for a person to see: JSON-ready."""
        return {
            "searched": self.searched,
            "carried": self.carried,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "said": dataclasses.asdict(self.said) if self.said else None,
            "period": self.period.record() if self.period else None,
            "asked": dataclasses.asdict(self.asked) if self.asked else None,
            "development": self.of_development,
        }


def question_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """What the lines of a file of questions hold, with their numbers; empty ones are passed over.

    Raises `BadQuestion` for a file that is not UTF-8, and naming a line that is not JSON.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # a question may hold other line separators
    except UnicodeDecodeError as error:
        raise BadQuestion(f"{path} is not UTF-8") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadQuestion(f"{path}:{number} is not JSON: {error}") from error
            yield number, record


def understand(
    text: str, *, names: Names | None = None, speakers: Speakers | None = None, **options: Unpack[Options]
) -> Question:
    """Make a `Question` of what was typed. `names` and `speakers` are those of the corpus.

    Raises `BadQuestion` when it is empty or over 2,000 characters, when a date is none or they exclude each other, and for a
    side, act or option that does not exist.
    """
    _check(options)
    clean = _clean(text)
    if not any(char.isalpha() for char in clean):
        raise BadQuestion("the question is empty; ask in words, in English or Korean")
    if len(clean) > MAX_CHARACTERS:
        raise BadQuestion(f"the question has {len(clean)} characters, more than {MAX_CHARACTERS}; shorten it")
    first, last = _date(options.get("since"), "since"), _date(options.get("until"), "until")
    if first and last and first > last:
        raise BadQuestion(f"since {first} is after until {last}; swap them")
    earlier = [before for each in options.get("history", ()) if (before := _clean(each)[:MAX_CHARACTERS])]
    carried = _carried(clean, earlier)
    day = options.get("today") or datetime.date.today()
    period_before = find_period(carried, day) if carried else None
    period = find_period(clean, day, period_before) or period_before
    among = options.get("releases")
    releases = None if among is None else frozenset(among)
    question = Question(clean, carried, first, last, _said(options), names, period, releases=releases)
    if speakers is None:
        return question
    return dataclasses.replace(question, asked=speakers.asked(question.spelled(clean), period))


def _check(options: Options) -> None:
    """What types alone do not keep out: a filter under a wrong name, and a text where its letters would be read as a list."""
    unknown = [name for name in options if name not in Options.__annotations__]
    if unknown:
        raise BadQuestion(f"{unknown[0]!r} is no option; there are {', '.join(Options.__annotations__)}")
    for name in ("history", "releases"):
        if isinstance(options.get(name), str):
            raise BadQuestion(f"{name} is one text; give a list of them")


def _said(options: Options) -> Asked | None:
    speaker, side, act = options.get("speaker"), options.get("side"), options.get("act")
    for name, value, known in (("side", side, SIDES), ("act", act, ACTS)):
        if value is not None and value not in known:
            raise BadQuestion(f"{name} {value!r} is unknown; it is one of {', '.join(known)}")
    return Asked(speaker, side, act) if speaker or side or act else None


def is_korean(text: str) -> bool:
    return has_hangul(text)


def _clean(text: str) -> str:
    """Without lone surrogates and control characters, white space folded."""
    safe = text.encode("utf-8", "ignore").decode("utf-8")
    return " ".join("".join(" " if unicodedata.category(char) == "Cc" else char for char in safe).split())


def _date(value: datetime.date | str | None, name: str) -> datetime.date | None:
    if isinstance(value, datetime.datetime):
        return value.date()
    if value is None or isinstance(value, datetime.date):
        return value
    date = parse_date(value)
    if date is None:
        raise BadQuestion(f"{name} {value!r} is not a date; write it as YYYY-MM-DD")
    return date


def _carried(text: str, earlier: list[str]) -> str | None:
    """The last earlier question that stood alone, when this one does not."""
    if not earlier or not _leans(text):
        return None
    return next((before for before in reversed(earlier) if not _leans(before)), earlier[0])


def _leans(text: str) -> bool:
    if _LEANING.search(text):
        return True
    if is_korean(text):
        return len(text.split()) < _SHORT_KOREAN
    return len(text.split()) < (_SHORT if _NAMING.search(text) else _SHORT_NAMELESS)
