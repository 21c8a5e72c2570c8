"""Acts: what the sentences of a release do with words, who does it, and the English and Korean words that tell it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Side = Literal["ours", "theirs", "both"]  # the publishing government's, a counterpart's, both together
# Of several acts in a sentence the first in this order is told, the one that binds most.
Act = Literal["agreed", "condemned", "requested", "invited", "promised", "announced", "shared a view", "welcomed", "expressed",
              "discussed", "stated"]  # fmt: skip
ACTS: tuple[Act, ...] = get_args(Act)
SIDES: tuple[Side, ...] = get_args(Side)
TWO_SIDES = "the two sides"  # the speaker of what both do

# The words of an act: regular verbs, other verbs, Korean stems. From the sentences that were read for labelling, 190 drawn
# from the official releases and the White House's, and from reading the digests.
_REGULAR: dict[Act, str] = {
    "agreed": "agree",
    "condemned": "condemn denounce deplore protest oppose reject",
    "requested": "request ask urge demand propose suggest encourage",
    "invited": "invite",
    "promised": "pledge promise vow",
    "announced": "announce declare decide unveil",
    "shared a view": "concurr",
    "welcomed": "welcome appreciate commend praise applaud",
    "expressed": r"express convey hope thank wish expect voice congratulate mourn extend regrett look(?=\sforward)",
    "discussed": "discuss review explore consult",
    "stated": r"state stress emphasize emphasise underscore underline note mention point(?=\s(?:out|to)) explain remark assess "
    r"evaluate iterate reiterate reaffirm affirm highlight recognize acknowledge recall describe brief raise restate argue "
    r"confirm warn observe inform respond believe share support outline introduce repeat add(?=\sthat|,)",
}
_NOT_AFTER_WILL = "be|hold|host|visit|meet|attend|chair|travel|deliver|detail|join|speak|convene|sign|issue"
_OTHER: dict[Act, str] = {
    "agreed": r"reach(?:ed)? an? (?:\w+ )?agreement",
    "condemned": r"\w+ed (?:[\w’']+ ){0,5}condemnation",
    "requested": r"(?:call|appeal)(?:s|ed)? (?:up)?(?:on|for|to)|\w+(?:es|ed) (?:\w+ )?calls? (?:on|for)|seeks?|sought",
    "invited": r"extend(?:s|ed)? an invitation",
    "promised": r"(?:(?:is|are|was|were|am|remains?) )?commit(?:s|ted)? (?:\w+sel(?:f|ves) )?to|plan(?:s|ned)? to|intends? to|"
    rf"(?:is|are) planning to|will(?! (?:\w+ly |also |then )?(?:{_NOT_AFTER_WILL})\b)",
    "announced": "has adopted|officially opened",
    "shared a view": r"share[ds]? (?:\w+ ){0,2}(?:view|understanding|assessment|recognition|opinion|perception|concern|need)s?|"
    r"(?:were|are) of the same view",
    "welcomed": "speaks? highly of|spoke highly of|highly valued",
    "expressed": r"offer(?:s|ed)? (?:\w+ )?condolences|"
    r"(?:is|are|was|were|am) (?:\w+ )?(?:concerned|grateful|saddened|pleased|honou?red|delighted)",
    "discussed": r"exchange[ds]? (?:\w+ ){0,2}(?:views?|opinions?|information|ideas)|"
    r"(?:had|held) (?:\w+ ){0,3}(?:discussions?|exchange of views)",
    "stated": r"sa(?:ys?|id)|repl(?:y|ies|ied)|has notified|brought up|tells?|told|"
    r"(?:offered|gave|provided) an? (?:\w+ )?(?:overview|explanation)",
}
_KOREAN: dict[Act, str] = {
    "agreed": "합의",
    "condemned": "규탄|비난|항의",
    "requested": "요청|촉구|당부|요구|제안",
    "invited": "초청",
    "promised": "약속|공약",
    "announced": "발표|결정|선언",
    "shared a view": "공감|인식을|의견을 같이",
    "welcomed": "환영|평가",
    "expressed": "우려|감사|애도|유감|기대|희망|표명",
    "discussed": "논의|협의|의견을 교환",
    "stated": "말|밝|언급|강조|설명|지적|뭐라|입장",
}
# Behind a Korean stem: that someone did it, where the bare noun is a topic.
_DONE = r"(?=[가-힣]? ?[가-힣]?[을를]? ?(?:[한했하할해된되혔힌힐씀]|사항|내용|고 |인가|은\b|이 뭐))"


def _forms(verb: str) -> str:
    """A regular verb as it is inflected, before what a "(" says must follow; a doubled consonant is one where it ends."""
    word, ahead, rest = verb.partition("(")
    doubled = word[-2:] in ("rr", "tt")
    return (rf"{word[:-1]}(?:s|{word[-1]}ed)?" if doubled else rf"{word}(?:s|es|d|ed)?") + ahead + rest


# One group for each act, in the order of `ACTS`, and no other group: `act_of` reads them.
_VERBS = "|".join(f"({'|'.join([*map(_forms, _REGULAR[act].split()), _OTHER[act]])})" for act in ACTS)
VERB = re.compile(rf"\b(?:{_VERBS})\b")
AND_VERB = re.compile(rf",? and (?:\w+ly |also |further |then )*(?:{_VERBS})\b")
_KOREAN_VERB = re.compile(f"(?:{'|'.join(f'({_KOREAN[act]})' for act in ACTS)}){_DONE}")
_ADVERB = (
    r"(?:[a-z]+ly|also|further|both|then|again|each|all|has|have|had|did|went on to|hereby|wish(?:es)? to|"
    r"would (?:also |first )?like to|"
    r"in (?:turn|particular)|as well|on (?:[A-Z]\w+ \d+|\w+day)|for (?:his|her|its) part)"
)
_ADVERBS = re.compile(rf"(?:(?<!\S){_ADVERB},?\s+)+$")
PASSIVE = re.compile(r"\b(?:is|are|was|were|been)(?: \w+ly| also)? $")
_PAST = re.compile(r"ed\b|said|sought|told|brought|spoke|had|held|gave")
THAT = re.compile(
    rf"\b(?:{'|'.join(map(_forms, _REGULAR['stated'].split()))}|said|told|agreed|hoped|expressed)\b(?: \w+){{0,4}} that\b"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """`text[start:end]` is a sentence. `speaker` is a full name, a country for its government, or "the two sides"; `to`, whom
    it is said to, one of the first two."""

    start: int
    end: int
    side: Side | None
    speaker: str | None
    act: Act | None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for; `speaker` as in `Statement`; None leaves open who, or what kind of act."""

    speaker: str | None
    side: Side | None
    act: Act | None


def act_of(verb: re.Match[str]) -> Act:
    """The act that a match of `VERB` or `AND_VERB` tells."""
    return next(act for act, words in zip(ACTS, verb.groups(), strict=True) if words)


def acts_from(text: str, first: re.Match[str]) -> list[Act]:
    """The acts of a verb and of those behind it that an "and" gives the same subject."""
    found = [act_of(first)]
    past = _PAST.search(first[0]) is not None
    for verb in AND_VERB.finditer(text, first.end()):
        clause = verb[0].endswith("will") or THAT.search(text, first.start(), verb.start())
        if (verb[0].startswith(",") or not clause) and (_PAST.search(verb[0]) is not None) is past:
            found.append(act_of(verb))
    return found


def before_verb(text: str, verb: re.Match[str]) -> str:
    """What stands before a verb and its adverbs."""
    return _ADVERBS.sub("", text[: verb.start()])


def asked_act(words: str) -> Act | None:
    """The act that the last verb of a question asks for; "say" and its like ask for any."""
    verbs = list(VERB.finditer(words))
    act = act_of(verbs[-1]) if verbs else None
    return None if act == "stated" else act


def korean_act(question: str) -> Act | None:
    """The act that the last verb of a Korean question tells, "stated" included."""
    verbs = list(_KOREAN_VERB.finditer(question))
    return act_of(verbs[-1]) if verbs else None
