"""Saved HTML pages of the ministry's site, of the three generations met since 2018, as title, date and lines of text.

2025-26: `.board_detail` with `h2`, `.bo_head`, `.se-contents` or `.bo_con`. About 2022: `td.detail_body`. About 2018: a
title before "View|" in `<title>`. Any other page is read whole, as page text.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from qa.errors import UnreadableSource

_BODIES = (".board_detail .se-contents", ".board_detail .bo_con", ".se-contents", ".bo_con", "td.detail_body")
_HEADS = (".board_detail .bo_head", ".bo_head", ".board_detail", "table")
_BLOCKS = frozenset(
    """address article aside blockquote body caption center dd div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tbody td tfoot th thead tr ul""".split()  # noqa: SIM905
)
_TRIED = (
    8  # elements of one selector in which the text is looked for: pages have one or two, and who means harm nests thousands
)
_DEEPEST = 500  # blocks within blocks: saved pages have some 20, and the parser looks through all of them at each one more
_NESTING = re.compile(
    r"<(/?)(?:address|article|aside|blockquote|center|dir|div|dl|fieldset|figure|footer|form|header|main|nav|ol|pre|section|"
    r"table|ul)\b",
    re.IGNORECASE,
)
_UNSEEN = "script, style, noscript, template, iframe, svg, select, button"
_DATE = re.compile(r"\b(19|20)\d\d[-.]\d{1,2}[-.]\d{1,2}\b")
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """What the markup says; `text` has one block element a line."""

    title: str | None
    date: str | None
    url: str | None
    text: str


def read_html(markup: str, origin: str) -> HtmlPage:
    """Read one saved page. Raises `UnreadableSource` when it breaks off before `</html>`, nests too deep or has no text."""
    lowered = markup[-4096:].lower()
    if "<html" in markup[:65536].lower() and "</html" not in lowered:
        raise UnreadableSource(origin, "is truncated: it ends before </html>; save the page again")
    depths = itertools.accumulate(-1 if found[1] else 1 for found in _NESTING.finditer(markup))
    if max(depths, default=0) > _DEEPEST:
        raise UnreadableSource(origin, f"nests more than {_DEEPEST} blocks in one another; save it as text")
    tree = LexborHTMLParser(markup)
    for node in tree.css(_UNSEEN):
        node.decompose()
    bodies = [found for selector in _BODIES for found in tree.css(selector)[:_TRIED]]
    body = next((found for found in bodies if _lines(found).strip()), next(iter(bodies), None))
    text = _lines(body if body is not None else tree.body)
    if not text.strip():
        raise UnreadableSource(origin, "is a page without text")
    return HtmlPage(_title(tree) if body is not None else None, _date(tree) if body is not None else None, _url(tree), text)


def _title(tree: LexborHTMLParser) -> str | None:
    heading = tree.css_first(".board_detail h2")
    text = _flat(heading) if heading is not None else ""
    if not text:
        element = tree.css_first("title")
        whole = _flat(element) if element is not None else ""
        text = re.split(r"\bView\s*\|", whole)[0].strip() if "View" in whole else whole.split("|")[0].strip()
    return text or None


def _date(tree: LexborHTMLParser) -> str | None:
    for selector in _HEADS:
        head = tree.css_first(selector)
        match = _DATE.search(_flat(head)) if head is not None else None
        if match:
            year, month, day = re.split(r"[-.]", match.group())
            return f"{year}-{int(month):02}-{int(day):02}"
    return None


def _url(tree: LexborHTMLParser) -> str | None:
    for selector, attribute in (("link[rel=canonical]", "href"), ("meta[property='og:url']", "content")):
        element = tree.css_first(selector)
        value = element.attributes.get(attribute) if element is not None else None
        if value:
            return value
    return None


def _flat(node: LexborNode) -> str:
    return _BLANKS.sub(" ", node.text(deep=True, separator=" ")).replace("\xa0", " ").strip()


def _lines(root: LexborNode | None) -> str:
    """The text below `root`: a line break at every block element and `<br>`, none at inline tags."""
    if root is None:
        return ""
    parts: list[str] = []
    # An explicit stack: pages nest deeper than Python's recursion goes when somebody wants them to.
    stack: list[LexborNode | str] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
        elif node.tag == "-text":
            parts.append(_BLANKS.sub(" ", node.text_content or ""))
        elif node.tag == "br":
            parts.append("\n")
        elif not (node.tag or "-").startswith("-") or node is root:
            edge = "\n" if node.tag in _BLOCKS else ""
            stack.append(edge)
            children = list(node.iter(include_text=True))
            stack.extend(reversed(children))
            stack.append(edge)
    lines = (line.strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)
