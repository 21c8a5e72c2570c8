"""Suggested questions, made of the corpus as it is: of its titles and its series, never of what it might say."""

from __future__ import annotations

import re
from itertools import islice

import streamlit as st

from page.words import language, say
from qa import Release, Retriever, series

_HELD = re.compile(
    r",?\s*(?:\([^)]*\)|held on .*|takes place.*|\bon (?:the )?(?:occasion|sidelines|margins) of .*)\s*$", re.IGNORECASE
)
_OUTCOME = re.compile(r"(?:outcome|results?) of (?:the )?(.+)", re.IGNORECASE)
_SUGGESTED = 4
_TRIED = 12  # titles asked until enough are answered


def about_release(release: Release) -> str:
    """A question of the title's own words."""
    found = _OUTCOME.fullmatch(_HELD.sub("", release.title))
    if found is None:
        return say("What do the releases say about “{title}”?", title=_HELD.sub("", release.title))
    return say("What came of the {event}?", event=found[1])


def about_series(release: Release) -> str:
    """A question of what changed between the releases of one series."""
    found = _OUTCOME.fullmatch(_HELD.sub("", release.title))
    return say("How did the {event} change over time?", event=found[1] if found else _HELD.sub("", release.title))


def suggested(retriever: Retriever) -> tuple[str, ...]:
    """Questions that these releases answer, of the newest ones and of a series."""
    return _suggested(retriever, retriever.index.manifest.corpus_digest, language())


@st.cache_data(show_spinner=False, max_entries=8)
def _suggested(_retriever: Retriever, corpus: str, language: str) -> tuple[str, ...]:  # noqa: ARG001  (what it is cached by)
    newest = sorted(_retriever.index.releases.values(), key=lambda release: (release.date is None, release.date), reverse=True)
    outcomes = [release for release in newest if release.date and release.kind == "outcome"] or newest
    recurring = next((each for each in outcomes[:_TRIED] if len(series(each.id, index=_retriever.index)) > 1), None)
    questions = dict.fromkeys([about_series(recurring)] if recurring else [])
    questions |= dict.fromkeys(map(about_release, outcomes[:_TRIED]))
    answered = (question for question in questions if _retriever.ask(question).answered)
    return tuple(islice(answered, _SUGGESTED))
