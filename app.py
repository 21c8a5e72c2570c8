"""The chat page: `streamlit run app.py`. It asks the public API and shows what comes back; it decides nothing."""

from __future__ import annotations

import html
from datetime import date
from typing import NamedTuple

import streamlit as st

from embeddings.errors import EmbeddingsError
from qa import Answer, Hit, QaError, Retriever, rebuild
from qa.errors import IndexMissing

STYLE = """<style>
.passage {
  white-space: pre-line; border-left: 3px solid #8a93a3; padding: .2rem 0 .2rem .9rem; margin: .3rem 0 .6rem; line-height: 1.55;
}
.passage mark { background: #ffe58a; color: #1c1c1c; padding: .05rem .1rem; border-radius: 2px }
.title { font-weight: 600 }
.fine { font-size: .85rem; opacity: .85 }
</style>"""


class Turn(NamedTuple):
    question: str
    answer: Answer | None
    error: str | None


def main() -> None:
    st.set_page_config(page_title="Ask the releases")  # no page_icon: Streamlit would fetch it from another host
    st.html(STYLE)
    st.title("Ask the releases")
    retriever = open_retriever()
    if retriever is None:
        return
    since, until = date_filters(retriever)
    turns: list[Turn] = st.session_state.setdefault("turns", [])
    typed = st.chat_input("What did Korea and China agree on supply chains?")
    if typed:
        history = [turn.question for turn in turns]
        try:
            turns.append(Turn(typed, retriever.ask(typed, history=history, since=since, until=until), None))
        except (QaError, EmbeddingsError) as error:
            turns.append(Turn(typed, None, str(error)))
    if not turns:
        st.caption("Every word shown is quoted from a release. Ask in English or Korean.")
    for turn in turns:
        show_turn(turn)


@st.cache_resource(show_spinner=False)
def load_retriever() -> Retriever:
    return Retriever.load()


def open_retriever() -> Retriever | None:
    """The retriever; on the first visit its index is built, with progress. None, and a word on the page, when neither works."""
    try:
        try:
            with st.spinner("Opening the index …"):
                return load_retriever()
        except IndexMissing:
            build_index()
            return load_retriever()
    except (QaError, EmbeddingsError, OSError) as error:
        st.error(plain(str(error)))
        return None


def build_index() -> None:
    bar = st.progress(0.0, "First visit: loading the model …")

    def show(done: int, total: int) -> None:
        bar.progress(done / total, f"First visit: {done} of {total} passages encoded")

    rebuild(progress=show)
    bar.empty()


def date_filters(retriever: Retriever) -> tuple[date | None, date | None]:
    """The days chosen in the sidebar; None where nothing is chosen."""
    days = [release.date for release in retriever.index.releases.values() if release.date is not None]
    first, last = min(days, default=None), max(days, default=None)
    with st.sidebar:
        st.subheader("Released")
        since = st.date_input("From", value=None, min_value=first, max_value=last, format="YYYY-MM-DD")
        until = st.date_input("To", value=None, min_value=first, max_value=last, format="YYYY-MM-DD")
        st.caption(plain(f"{len(retriever.index.releases)} releases" + (f", {first} to {last}" if days else "")))
        if st.button("New conversation"):
            st.session_state["turns"] = []
    return since, until


def show_turn(turn: Turn) -> None:
    with st.chat_message("user"):
        st.html(f"<div>{html.escape(turn.question)}</div>")
    with st.chat_message("assistant", avatar=":material/article:"):
        if turn.error is not None:
            st.error(plain(turn.error))
        if turn.answer is None:
            return
        if not turn.answer.answered:
            st.markdown("**No release answers this.**")
            st.caption(plain(f"{(turn.answer.reason or '').capitalize()}." + (" The nearest:" if turn.answer.hits else "")))
        for hit in turn.answer.hits:
            show_hit(hit)


def show_hit(hit: Hit) -> None:
    place = [str(hit.date or "date unknown"), *([f"paragraph {hit.paragraph}"] if hit.paragraph else [])]
    fine = []
    if hit.provenance == "digest":
        fine.append("Digest: our summary, not the ministry's words")
    if hit.also:
        fine.append(f"Also published as {', '.join(hit.also)}")
    link = f'<a href="{html.escape(hit.url)}" target="_blank" rel="noopener">Official page</a>' if hit.url else ""
    st.html(
        f'<div class="title">{html.escape(hit.title)}</div>'
        f'<div class="fine">{html.escape(" · ".join(place))}{" · " if link else ""}{link}</div>'
        f'<div class="passage">{marked(hit)}</div>'
        f'<div class="fine">{html.escape(". ".join(fine))}</div>'
    )


def marked(hit: Hit) -> str:
    """The passage as HTML text, its quotes in <mark>: whatever stands in a release is shown, never interpreted."""
    parts, at = [], 0
    for quote in hit.quotes:
        parts += [html.escape(hit.text[at : quote.start]), f"<mark>{html.escape(quote.text)}</mark>"]
        at = quote.end
    return "".join([*parts, html.escape(hit.text[at:])])


def plain(text: str) -> str:
    """Text for a Streamlit element that reads Markdown, every sign of it disarmed."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()#+-.!|~$:<>" else char for char in text)


main()
