"""Staleness: the releases of a corpus that an index was not built from."""

from __future__ import annotations

from qa.corpus import Corpus
from qa.index import Index
from qa.release import Release


def newer_releases(corpus: Corpus, index: Index) -> tuple[Release, ...]:
    """The releases that the index lacks or holds with other words, date or title; empty where it is not stale."""

    def told(release: Release) -> tuple[object, ...]:
        return release.title, release.date, release.url, release.provenance, release.subtitle, release.text

    known = index.releases
    return tuple(each for each in corpus.releases if each.id not in known or told(known[each.id]) != told(each))
