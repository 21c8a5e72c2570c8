"""Words in a BM25 index (bm25s): what the vectors blur, a name, a figure, a date, counts here as it is written."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from tokenize import TokenError

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


class LexicalIndex:
    """BM25 over n texts, in Lucene's form with k1 1.5 and b 0.75 (the defaults of bm25s)."""

    def __init__(self, bm25: bm25s.BM25, size: int) -> None:
        self._bm25 = bm25
        self._size = size

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        vocabulary: dict[str, int] = {}
        ids = [[vocabulary.setdefault(word, len(vocabulary)) for word in words(text)] for text in texts]
        vocabulary.setdefault("", len(vocabulary))  # bm25s cannot index a corpus without a single word
        bm25 = bm25s.BM25()
        with np.errstate(invalid="ignore"):  # and there divides by the mean length of its texts, 0
            bm25.index((ids, vocabulary), show_progress=False)
        return cls(bm25, len(texts))

    @classmethod
    def load(cls, folder: Path, size: int) -> LexicalIndex:
        """Raises `IndexDamaged` when the folder is not one that `save` wrote for `size` texts."""
        try:
            if any((folder / name).stat().st_size > limit for name, limit in _READ_WHOLE.items()):
                raise IndexDamaged(folder, "is too long")
            bm25 = bm25s.BM25.load(folder, mmap=True, show_progress=False, allow_pickle=False, **_PARAMETERS)
            counted, whole = bm25.scores["num_docs"], _is_whole(bm25)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, TokenError, *_NOT_JSON) as error:
            raise IndexDamaged(folder, "cannot be read as a BM25 index") from error
        if counted != size:
            raise IndexDamaged(folder, f"holds the words of {counted} texts, not {size}")
        if not whole:
            raise IndexDamaged(folder, "does not divide its scores among words")
        return cls(bm25, size)

    def save(self, folder: Path) -> None:
        self._bm25.save(folder, show_progress=False, allow_pickle=False)

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
        return math.log(1 + (self._size - frequency + 0.5) / (frequency + 0.5))


def _is_whole(bm25: bm25s.BM25) -> bool:
    """Whether every word has a stretch of the scores, in order, and every score a text.

    Which texts these are is looked at when a word is asked for: a large index is mapped, and never read through.
    """
    columns, data, texts = (bm25.scores[name] for name in ("indptr", "data", "indices"))
    if (columns.ndim, data.ndim, texts.ndim) != (1, 1, 1) or columns.dtype.kind != "i" or texts.dtype.kind != "i":
        return False
    if not len(columns) or columns[0] != 0 or (np.diff(columns) < 0).any() or not columns[-1] == len(data) == len(texts):
        return False
    known = range(len(columns) - 1)
    vocabulary = bm25.vocab_dict
    return isinstance(vocabulary, dict) and all(type(word) is int and word in known for word in vocabulary.values())
