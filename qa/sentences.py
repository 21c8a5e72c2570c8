"""Where the sentences of a paragraph begin and end."""

from __future__ import annotations

import re

# A full stop after these ends nothing: titles, offices, units and initials as the releases write them.
_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof amb rep sen gov gen lt col maj capt adm sgt h.e u.s u.n u.k e.u d.c st no nos v vs etc e.g i.e a.m p.m
    approx dept inc ltd co corp jan feb mar apr jun jul aug sep sept oct nov dec sec fig art para vol pp cf""".split()  # noqa: SIM905
)
_STOP = re.compile(r"[.!?。][\"'”’)\]]*(?=\s+(?:[\"'“‘(\[]?[A-Z0-9가-힣“‘]|[-–*※°]))")
_LAST_WORD = re.compile(r"(?:[A-Za-z]\.)*[A-Za-z]+$")
_LOOK_BACK = 24  # characters before a stop in which its word is looked for: no abbreviation has more, "D.P.R.K" has 7


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence of `text`, in order, without the blanks around it; a line break ends one too."""
    found = []
    start = 0
    for line_end in [match.start() for match in re.finditer(r"\n", text)] + [len(text)]:
        for match in _STOP.finditer(text, start, line_end):
            before = text[max(start, match.start() - _LOOK_BACK) : match.start()]
            if match[0][0] == "." and _abbreviates(before, text[match.end() : match.end() + 24]):
                continue
            found.append((start, match.end()))
            start = match.end()
        found.append((start, line_end))
        start = line_end + 1
    trimmed = []
    for begin, end in found:
        piece = text[begin:end]
        if piece.strip():
            trimmed.append((begin + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))))
    return trimmed


def _abbreviates(before: str, after: str) -> bool:
    match = _LAST_WORD.search(before)
    if match is None:
        return False
    word = match[0]
    if word.casefold() in ("a.m", "p.m", "u.s", "u.n", "u.k", "d.c"):
        # These also end sentences: then a word follows that opens one.
        return (
            re.match(r"\s+(The|In|On|At|He|She|It|They|This|These|Both|Also|For|To|We|[A-Z][a-z]+ Minister)\b", after) is None
        )
    return (
        word.casefold() in _ABBREVIATIONS
        or (len(word) == 1 and word.isupper())
        or re.fullmatch(r"(?:[A-Z]\.)+[A-Z]", word) is not None
    )
