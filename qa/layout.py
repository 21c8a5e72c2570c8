"""Page text without what surrounds the release, and with the lines that the page broke put together again.

Words are never changed, added or left out here: only white space is, where a page wraps a sentence, lifts a "th" or hangs
a number alone on its line.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

BOARDS = {
    "press releases": "m_5676",
    "ministry news": "m_5674",
    "press briefings": "m_5679",
    "speeches": "m_5689",
    "minister's speeches": "m_5689",
}
_MENU = re.compile(
    r"바로가기 메뉴|본문 바로가기|주메뉴 바로가기|검색창 열기|전체메뉴.*|메뉴 (열기|닫기)|skip navigation|skip to .{0,20}|"
    r"ministry of\s+foreign affairs,? republic of korea|countries information|kor|eng|korean|english|screen size|print|share|"
    r"(\d+\.\s*)?(home|press|news|press releases|ministry news)|.{0,40} 상세보기|"
    r"(\d+\.\s*)?(ministry of\s+foreign affairs, republic of korea )?"
    r"(facebook|instagram|twitter|x|youtube|blog|flickr|linkedin)",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"list|목록|이전글|다음글|prev(ious)?|next|만족도.*|attachments?|첨부파일.*|download|미리보기|copyright\b.*|"
    r"60,? sajik-ro 8-gil.*|privacy policy|top",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"/?\s*end\s*/|\[?\(?unofficial translation\)?\]?\.?|\*+\s*unofficial translation|korea\.net|presidential office",
    re.IGNORECASE,
)
_END = re.compile(r"\s*/\s*end\s*/\s*$", re.IGNORECASE)
_CAPTION = re.compile(
    r"\(((far |front |back )?(left|right|cent(er|re))(?=[),]| to (left|right)\b)|(front|back) row\b|"
    r"(\w+ )?from (the )?(left|right)\b)[^)]*\)",
    re.IGNORECASE,
)
_CAPTION_LENGTH = 300  # characters: captions seen so far are under 150, paragraphs that name a side of a photograph longer
_SIGNATURE = re.compile(
    r"(?=.{3,90}$)(spokesperson\b|.*\b(of|,) (the )?(ministry of foreign affairs|mofa)\b)[^.!?:]*$", re.IGNORECASE
)
# Possessive where two stretches of signs meet: a line of a million dashes would be divided among them in every way.
_DATE_LINE = re.compile(r"\W*+(date)?\W*+((19|20)\d\d[-./]\d{1,2}[-./]\d{1,2})( \d\d:\d\d(:\d\d)?)?", re.IGNORECASE)
_COUNT_LINE = re.compile(r"\W*+(date|hits?|views?|writer|by)?\W*+[\d,]*", re.IGNORECASE)

MARKER = r"(?:[°º◦○●•∙·▪■□ㅇ⦁➢▶]|[oOо](?=\s)|[oо](?=[A-Z])|O(?=[A-Z][a-z])|[①-⑳]|※|\*+|[-–—](?=\s))"
_LONE = re.compile(rf"(?:\d{{1,2}}\.|{MARKER}|[oOо\-–—*])$")
_MARKED = re.compile(rf"(?:{MARKER}|\d{{1,2}}\.(?:\d{{1,2}}\.?)?\s|\d{{1,2}}\.$|\(\d+\)|\d+\))")
_ENDED = re.compile(r"[.!?:;][\"'”’)\]]*$")
_CLOSING = 16  # characters of a line's end in which its full stop is looked for: more brackets and quotes close nothing
_ORDINAL = re.compile(r"(st|nd|rd|th)\b")
_BLANKS = re.compile(r"[^\S\n]+")
_EDGE = " \u200b\ufeff"  # the site's editor leaves characters of no width in lines that were emptied
_WRAP = range(50, 101)  # widths at which mail and archive tools wrap


@dataclass(frozen=True, slots=True)
class Head:
    """What page text says above the release itself; None where it does not."""

    title: str | None
    date: str | None
    board: str | None
    body: str


def split_head(text: str) -> Head:
    """Page text parted at the end of its menu: the title, the date block, the board, and the release below."""
    lines = _folded(text)
    at = 0
    board = None
    while at < len(lines) and (not lines[at] or _MENU.fullmatch(lines[at]) or lines[at].lower() in BOARDS):
        board = BOARDS.get(lines[at].lower(), board)
        at += 1
    title = None
    if at < len(lines) and not re.match(r"\d{1,2}\.(\s|$)", lines[at]):
        title = lines[at]
        at += 1
    date = None
    while at < len(lines) and (not lines[at] or _COUNT_LINE.fullmatch(lines[at]) or _DATE_LINE.fullmatch(lines[at])):
        match = _DATE_LINE.fullmatch(lines[at])
        if match and date is None:
            date = match[2]
        if re.match(r"\d{1,2}\.$", lines[at]):
            break
        at += 1
    return Head(title, date, board, "\n".join(text.splitlines()[at:]))


def release_lines(body: str, title: str) -> list[str]:
    """The lines of a release: one a paragraph, point or note, without menus, credits, captions, signature or "/END/"."""
    kept: list[str] = []
    for line in filter(None, mend(body)):
        if _FOOTER.fullmatch(line) and kept:
            break
        caption = len(line) < _CAPTION_LENGTH and not _MARKED.match(line) and _CAPTION.search(line)
        if not (caption or _NOISE.fullmatch(line) or _MENU.fullmatch(line)):
            kept.append(_END.sub("", line))
    kept = _without_repeated_title(kept, title)
    if len(kept) > 1 and _SIGNATURE.match(kept[-1]) and not _MARKED.match(kept[-1]) and _is_ended(kept[-2]):
        kept.pop()
    return kept


def mend(text: str) -> list[str]:
    """Lines as the author meant them, empty ones kept: white space folded, wrapped sentences joined."""
    if "\r\n" in text and re.search(r"(?<!\r)\n", text):
        text = text.replace("\r\n", " ")  # beside true line breaks, CRLF is where the editor wrapped
    lines = _folded(text)
    wrapped = _is_wrapped(lines)
    mended: list[str] = []
    split_open = False  # the line before ended in a lifted "th": its sentence goes on
    gap = False
    for line in lines:
        if not line:
            gap = True
            continue
        before = mended[-1] if mended else ""
        if before and _ORDINAL.match(line) and before[-1].isdigit() and not gap:
            mended[-1] = before + line
            split_open = _ORDINAL.fullmatch(line) is not None
        elif before and (
            _LONE.match(before)
            or (split_open and not gap)
            or (not gap and not _MARKED.match(line) and (wrapped or (line[0].islower() and not _is_ended(before))))
        ):
            mended[-1] = f"{before} {line}"
            split_open = False
        else:
            if gap and mended:
                mended.append("")
            mended.append(line)
            split_open = False
        gap = False
    return mended


def _folded(text: str) -> list[str]:
    return [_BLANKS.sub(" ", line).strip(_EDGE) for line in text.splitlines()]


def _is_ended(line: str) -> bool:
    return _ENDED.search(line[-_CLOSING:]) is not None


def _is_wrapped(lines: list[str]) -> bool:
    """Whether the text was cut at a fixed width: most lines that another follows stop near the widest, in mid-sentence."""
    followed = [line for line, after in itertools.pairwise(lines) if line and after]
    if len(followed) < 3 or max(map(len, lines)) not in _WRAP:
        return False
    return sum(not _is_ended(line) and len(line) > 0.7 * _WRAP.start for line in followed) > 0.6 * len(followed)


def _without_repeated_title(lines: list[str], title: str) -> list[str]:
    """Leave out the first lines when they only say the title again, as speeches do."""
    said = set(re.findall(r"\w+", title.casefold()))
    at = 0
    while at < len(lines) and said:
        own = re.findall(r"\w+", lines[at].casefold())
        if not own or not set(own) <= said or _MARKED.match(lines[at]):
            break
        at += 1
    return lines[at:]
