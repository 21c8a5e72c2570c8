"""Words in a BM25 index (bm25s): what the vectors blur, a name, a figure, a date, counts here as it is written."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple, Self

import bm25s
import numpy as np
import numpy.typing as npt
import Stemmer
from bm25s.stopwords import STOPWORDS_EN

from embeddings.errors import IndexDamaged

_WORD = re.compile(r"\w+(?:[.,]\d+)*")
_HANGUL = re.compile(r"[가-힣]")
_STOPWORDS = frozenset(STOPWORDS_EN) | {"did", "do", "does", "what", "which", "who", "whom", "when", "where", "how", "why"}
# Whatever the file of an index names: another backend would not look where its arrays end.
_PARAMETERS = {"backend": "numpy", "method": "lucene", "idf_method": "lucene", "dtype": "float32", "int_dtype": "int32"}
_READ_WHOLE = {"params.index.json": 2**16, "vocab.index.json": 2**28}  # bytes; the words of the shipped corpus take 60,000
_TIMES = "times.npy"  # beside the files of bm25s
_NOT_JSON = (RecursionError, OverflowError, MemoryError)  # as which JSON that is made to hurt ends, besides `ValueError`


def words(text: str) -> list[str]:
    """The words BM25 counts: case folded, English ones stemmed (Snowball) and without stop words, Korean ones as pairs
    of syllables, which find a noun under any particle."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not has_hangul(folded):
        return [_stem(word) for word in _WORD.findall(folded) if word not in _STOPWORDS]
    found = []
    for word in _WORD.findall(folded):
        if _HANGUL.search(word):
            found += [word[i : i + 2] for i in range(len(word) - 1)] or [word]
        elif word not in _STOPWORDS:
            found.append(_stem(word))
    return found


@lru_cache(maxsize=200_000)  # words: more than the English ones of a million releases
def _stem(word: str) -> str:
    return str(Stemmer.Stemmer("english").stemWord(word))


def has_hangul(text: str) -> bool:
    return _HANGUL.search(text) is not None


class _Counts(NamedTuple):
    """How often each text holds its words, an entry a word of a text: (entries,) each."""

    words: npt.NDArray[np.int64]  # places in a vocabulary
    texts: npt.NDArray[np.int64]
    times: npt.NDArray[np.int32]


class LexicalIndex:
    """BM25 over n texts, in Lucene's form with k1 1.5 and b 0.75 (the defaults of bm25s)."""

    def __init__(self, bm25: bm25s.BM25, times: npt.NDArray[np.int32], size: int) -> None:
        self._bm25 = bm25
        self._times = times  # (entries,): how often the text of each score holds its word
        self._size = size

    @classmethod
    def build(cls, texts: Sequence[str], before: Self | None = None, rows: npt.NDArray[np.int64] | None = None) -> Self:
        """Index n texts. Those whose `rows` in an index `before` are not -1 have the words that they have there.

        The same texts give the same arrays, however they came to be counted.
        """
        kept, vocabulary, new = [], {}, np.arange(len(texts))
        if before is not None and rows is not None and before._can_be_taken_over():  # noqa: SLF001
            places = np.full(before._size, -1, dtype=np.int64)  # noqa: SLF001
            places[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
            kept, vocabulary = [before._counts(places)], dict(before._bm25.vocab_dict)  # noqa: SLF001
            new = np.setdiff1d(new, places)  # of two that have one row there, the first is new too
        counted = [Counter(words(texts[at])) for at in new.tolist()]
        own = [vocabulary.setdefault(word, len(vocabulary)) for word in chain.from_iterable(counted)]
        made = _Counts(
            np.array(own, dtype=np.int64),
            np.repeat(new, [len(each) for each in counted]),
            np.fromiter(chain.from_iterable(each.values() for each in counted), np.int32, len(own)),
        )
        counts = _Counts(*(np.concatenate(arrays) for arrays in zip(*kept, made, strict=True)))
        return cls._scored(counts, list(vocabulary), len(texts))

    @classmethod
    def _scored(cls, counts: _Counts, spelled: Sequence[str], size: int) -> Self:
        """The index of some counts, its vocabulary, of which `spelled` may hold more, in the order of the alphabet."""
        held = np.array(sorted(np.unique(counts.words).tolist(), key=spelled.__getitem__), dtype=np.int64)
        place = np.zeros(len(spelled), dtype=np.int64)
        place[held] = np.arange(len(held))
        order = np.argsort(place[counts.words] * size + counts.texts, kind="stable")  # fastest where they are nearly sorted
        terms, texts, times = place[counts.words][order], counts.texts[order], counts.times[order]
        frequency = np.bincount(terms, minlength=len(held))
        lengths = np.bincount(texts, times, size)
        bm25 = bm25s.BM25(**_PARAMETERS)
        norm = bm25.k1 * (1 - bm25.b + bm25.b * lengths / max(lengths.mean(), 1e-12))
        rarity = np.array([_rarity(size, each) for each in frequency.tolist()])
        bm25.scores = {
            "data": (rarity[terms] * times / (norm[texts] + times)).astype(np.float32),
            "indices": texts.astype(np.int32),
            "indptr": np.concatenate([[0], np.cumsum(frequency)]).astype(np.int64),
            "num_docs": size,
        }
        bm25.nonoccurrence_array = None
        bm25.vocab_dict = {spelled[word]: at for at, word in enumerate(held.tolist())}
        return cls(bm25, times, size)

    def _can_be_taken_over(self) -> bool:
        """Whether all counts are of texts that are there: what `load` leaves unread."""
        texts = self._bm25.scores["indices"]
        return bool((texts >= 0).all() and (texts < self._size).all() and (self._times > 0).all())

    def _counts(self, places: npt.NDArray[np.int64]) -> _Counts:
        """The counts of the texts i that go to `places[i]`, without those where that is -1."""
        columns, texts = self._bm25.scores["indptr"], places[self._bm25.scores["indices"]]
        terms, taken = np.repeat(np.arange(len(columns) - 1), np.diff(columns)), texts >= 0
        return _Counts(terms[taken], texts[taken], self._times[taken])

    @classmethod
    def load(cls, folder: Path, size: int) -> Self:
        """Raises `IndexDamaged` when the folder is not one that `save` wrote for `size` texts."""
        try:
            if any((folder / name).stat().st_size > limit for name, limit in _READ_WHOLE.items()):
                raise IndexDamaged(folder, "is too long")
            bm25 = bm25s.BM25.load(folder, mmap=True, show_progress=False, allow_pickle=False, **_PARAMETERS)
            times = np.load(folder / _TIMES, mmap_mode="r", allow_pickle=False)
            counted, whole = bm25.scores["num_docs"], _is_whole(bm25, times)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, TokenError, *_NOT_JSON) as error:
            raise IndexDamaged(folder, "cannot be read as a BM25 index") from error
        if counted != size:
            raise IndexDamaged(folder, f"holds the words of {counted} texts, not {size}")
        if not whole:
            raise IndexDamaged(folder, "does not divide its scores among words")
        return cls(bm25, times, size)

    def save(self, folder: Path) -> None:
        self._bm25.save(folder, show_progress=False, allow_pickle=False)
        np.save(folder / _TIMES, self._times, allow_pickle=False)

    def scores(self, question: str) -> npt.NDArray[np.float32]:
        """(n,) float32: each text's BM25 score as a share of the most that the question's words could score, 0 to 1.

        The share, and not the best text's score, is what makes 1: where the texts hold only a question's common words, all
        of them score low.
        """
        asked = words(question)
        vocabulary = self._bm25.vocab_dict
        known = [vocabulary[word] for word in asked if word in vocabulary]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        most = sum(self._rarity(vocabulary.get(word)) for word in asked)
        try:
            return np.asarray(self._bm25.get_scores_from_ids(known) / most, dtype=np.float32)
        except IndexError as error:  # only what is asked for is read of a mapped file, and looked at
            raise IndexDamaged(Path("words"), "names texts that are not there") from error

    def knows(self, word: str) -> bool:
        """Whether a word, as `words` gives it, stands in any text."""
        return word in self._bm25.vocab_dict

    def rarity(self, word: str) -> float:
        """Inverse document frequency of a word, as `words` gives it: the higher, the fewer texts hold it."""
        return self._rarity(self._bm25.vocab_dict.get(word))

    def _rarity(self, word: int | None) -> float:
        """Lucene's inverse document frequency of a word, of one in no text where it is None."""
        columns = self._bm25.scores["indptr"]
        frequency = 0 if word is None else int(columns[word + 1]) - int(columns[word])
        return _rarity(self._size, frequency)


def _rarity(size: int, frequency: int) -> float:
    return math.log(1 + (size - frequency + 0.5) / (frequency + 0.5))


def _is_whole(bm25: bm25s.BM25, times: npt.NDArray[Any]) -> bool:
    """Whether every word, one after the other, has a stretch of the scores, and every score a text.

    Which texts these are is looked at when a word is asked for: a large index is mapped, and never read through.
    """
    columns, data, texts = (bm25.scores[name] for name in ("indptr", "data", "indices"))
    if (columns.ndim, data.ndim, texts.ndim) != (1, 1, 1) or columns.dtype.kind != "i" or texts.dtype.kind != "i":
        return False
    if not len(columns) or columns[0] != 0 or (np.diff(columns) < 0).any() or not columns[-1] == len(data) == len(texts):
        return False
    if times.dtype != np.int32 or times.shape != data.shape or not isinstance(bm25.vocab_dict, dict):
        return False
    places = list(bm25.vocab_dict.values())
    return set(map(type, places)) <= {int} and places == list(range(len(columns) - 1))
