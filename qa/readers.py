"""The code that makes releases, passages, words and records of source pages: what it made is kept while it stays the same."""

from __future__ import annotations

import hashlib
import inspect
import sys

import babel
import bm25s
import Stemmer

from embeddings import lexical
from qa import dates, layout, passages, people, records, release, sentences, source

READERS = (source, layout, dates, people, release, sentences, passages, records, lexical)
# Names of countries are babel's, stop words and stems of the next two, what a letter is Python's.
_VERSIONS = (babel.__version__, bm25s.__version__, Stemmer.version(), *sys.version_info[:2])
CODE = hashlib.sha256(repr((_VERSIONS, *map(inspect.getsource, READERS))).encode("utf-8")).hexdigest()[:16]
