"""Texts of words that the grammars know and of any others: coverage alone leads no fuzzer through a regular expression."""

from typing import Any

from qa.dates import DAYS, MONTHS

WORDS = [
    *MONTHS, *DAYS, "Sept.", "Nov ", "1", "2", "30", "31st", "29", "99", "0", "2022", "1900", "2099",
    "20231126", "2022-02-30", "2023-11", "2022.2.28", "T09:00", " ", " ", " ", ", ", "-", "/", "(", ")", "?",
    ".", "\n", "the ", "of ", "in ", "since ", "before ", "after ", "until ", "between ", "and ", "from ",
    "to ", "by the end of ", "last year", "this month", "two years ago", "99 years ago", "latest", "spring of ",
    "2022년", "작년", "재작년 ", "11월", "3일", "봄", "지난달", " 이전", " 이후", "까지",
    "부터", "사이", "최근", "한 해", "동안", "who ",
    "what ", "did ", "was ", "how ", "agreed ", "said ", "condemned ", "by ", "Korea", "China’s ",
    "Foreign Minister ", "Wang Yi", "Kang, Kyung-wha", "H.E. ", "Government of ", "the two sides ", "he ", "it",
    "말했", "합의", "외교장관", "왕이", "우크라이나", "은", "요", "\u202e", "\0", "“", "”", "’", "*", "°",
]  # fmt: skip


def text_of(provider: Any, most: int) -> str:
    """Up to `most` words, each one of `WORDS` or of any characters, that the fuzzer's bytes choose."""
    parts: list[str] = []
    while provider.remaining_bytes() and len(parts) < most:
        at = provider.ConsumeIntInRange(0, len(WORDS))
        parts.append(WORDS[at] if at < len(WORDS) else provider.ConsumeUnicode(4))
    return "".join(parts)
