"""Releases as the site lists them: the addresses of its pages, and what a list page of its three generations names.

2025-26: rows with `a[onclick*="f_view('SEQ')"]`. About 2022: the same rows in `div.table_list`. About 2018: `td.tal > a[href]`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from qa.errors import UnreadableSource

SEQ_DIGITS = 12  # the site's numbers have six; a file's name has room for 255 bytes
_SEQ = re.compile(r"""f_view\(\s*['"]?([0-9]+)|view\.do\?(?:[^#'"]*&)?seq=([0-9]+)""")
_RELEASE = re.compile(r"/\w+/brd/(m_[0-9]+)/view\.do")
# What an empty list says of itself, and nothing else in the row: "점검 중이라 이용할 수 없습니다" is no end of a list.
_NO_DATA = re.compile(
    r"(?:there (?:is|are) )?(?:nothing|no (?:(?:registered|search|matching|such|more|new|press) ){0,2}"
    r"(?:data|entr(?:y|ies)|results?|posts?|articles?|records?|items?|contents?|lists?|releases?|documents?|matches))"
    r"(?: (?:is|are|was|were|has|have|been|found|available|registered|exists?|to|display|show|yet))*\W*"
    r"|(?:data|posts?|results?) (?:does|do) not exist\W*"
    r"|[\w\s]{0,30}?(?:게시물|게시글|자료|데이터|글|내용|결과|목록)[이가은는]?\s*(?:존재하지\s*않습니다|없습니다|없음)\W*",
    re.IGNORECASE,
)
_DAY = re.compile(r"\s*((?:19|20)\d\d)[-./]\s?(\d{1,2})[-./]\s?(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Listed:
    """A release as a list or feed names it; `name` is `<board>-<seq>`, `path` its address below the host."""

    name: str
    path: str
    title: str
    date: date | None


def list_path(board: str, page: int, since: date, until: date) -> str:
    """The address of one list page, ten releases of a range of dates, the newest first."""
    return f"/eng/brd/{board}/list.do?page={page}&srchFr={since:%Y%m%d}&srchTo={until:%Y%m%d}"


def view_path(board: str, seq: str) -> str:
    """The address of one release."""
    return f"/eng/brd/{board}/view.do?seq={seq}"


def release_link(url: str) -> tuple[str, str] | None:
    """The name and path of the release an address leads to, None if it leads elsewhere. A bad address is a `ValueError`."""
    parts = urlsplit(url)
    board = _RELEASE.fullmatch(parts.path)
    seq = parse_qs(parts.query).get("seq", [""])[0]
    return (f"{board[1]}-{seq}", f"{parts.path}?seq={seq}") if board and re.fullmatch(f"[0-9]{{1,{SEQ_DIGITS}}}", seq) else None


def read_list(markup: str, board: str, origin: str) -> list[Listed]:
    """The releases on one list page, none past the last page.

    Raises `UnreadableSource` when it is no list page at all or half of one. An empty one has nothing in its table, or a row
    that says so; whatever else holds no release may be a notice in place of the list.
    """
    if "</html" not in markup[-4096:].lower():
        raise UnreadableSource(origin, "is truncated: it ends before </html>")
    tree = LexborHTMLParser(markup)
    rows = [row for row in tree.css("table tbody tr") if row.css_first("table") is None]
    listed = [release for row in rows if (release := _row(row, board)) is not None]
    said = [" ".join(row.text(separator=" ").split()) for row in rows if row.css_first("td") or len(row.css("th")) == 1]
    empty = tree.css_first("table") is not None and (not any(said) or any(_NO_DATA.fullmatch(text) for text in said))
    if not listed and not empty:
        raise UnreadableSource(origin, "holds no list of releases that can be read; see whether the site has changed")
    return listed


def _row(row: LexborNode, board: str) -> Listed | None:
    for link in row.css("a"):
        for attribute in ("onclick", "href"):
            address = link.attributes.get(attribute) or ""
            seq = _SEQ.search(address)
            if seq and ("/brd/" not in address or f"/brd/{board}/" in address):
                number = seq[1] or seq[2]
                day = next(filter(None, (_day(cell.text()) for cell in reversed(row.css("td")))), None)
                return Listed(f"{board}-{number}", view_path(board, number), link.text().strip(), day)
    return None


def _day(text: str) -> date | None:
    found = _DAY.match(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None
