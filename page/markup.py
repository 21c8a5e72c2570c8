"""Text made ready for the page: whatever stands in a release or a question is shown, never interpreted."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

import streamlit as st

# What Streamlit makes links, icons, pictures and arrows of, though Markdown's escapes disarm it: addresses, ":material/...:",
# ":streamlit:", "->" (the remark plugins of its StreamlitMarkdown). A word joiner, which nobody sees, takes them apart.
_TAKEN_APART = re.compile(
    r"(?<=http)(?=://)|(?<=https)(?=://)|(?<=www)(?=\.)|(?=@)|(?<=:)(?=[\w+-][\w+/-]*:)|(?<=(?<!\S)[<>~-])(?=[>=-]>?(?!\S))",
    re.I,
)
_JOINER = "\u2060"


def escaped(text: str) -> str:
    """Text as HTML."""
    return html.escape(text)


def plain(text: str) -> str:
    """Text for a Streamlit element that reads Markdown, every sign of it disarmed."""
    return markdown(_TAKEN_APART.sub(_JOINER, text))


def markdown(text: str) -> str:
    """Text in one line of a Markdown file."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()#+-.!|~$:<>&/" else char for char in " ".join(text.split()))


def link(url: str, words: str, *, title: str = "") -> str:
    """A link to another page, as HTML; it opens in a tab of its own."""
    named = f' aria-label="{escaped(title)}"' if title else ""
    return f'<a href="{escaped(url)}" target="_blank" rel="noopener noreferrer"{named}>{escaped(words)}</a>'


def marked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Text as HTML with some stretches, in order, in <mark>."""
    parts, at = [], 0
    for start, end in spans:
        parts += [escaped(text[at:start]), f"<mark>{escaped(text[start:end])}</mark>"]
        at = end
    return "".join([*parts, escaped(text[at:])])


def tag(name: str, words: str, of: str) -> str:
    """An element with text in it, as HTML; nothing where there is no text."""
    return f'<{name} class="{of}">{escaped(words)}</{name}>' if words else ""


def show(source: str) -> None:
    """HTML of ours around escaped text."""
    st.html(source)
