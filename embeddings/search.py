"""Search over n texts: two searches propose, one judges.

FAISS over pooled vectors and BM25 over words each name candidates; late interaction over token vectors scores those, and
a convex combination with their BM25 scores orders them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.dense import DenseIndex
from embeddings.encoder import Encoder, Progress
from embeddings.errors import IndexDamaged
from embeddings.late import TokenStore
from embeddings.lexical import LexicalIndex

CANDIDATES = 60  # proposed by each of the two searches
LATE_SHARE = 0.7  # of late interaction in the score, the rest is the share of BM25: see benchmarks/README.md
_CHUNK = 512  # texts encoded at a time: like lengths still meet, and memory stays flat
_DENSE, _TOKENS, _WORDS = "dense.faiss", "tokens", "words"


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates of one search, best first: n rows.

    `score` (n,) is 0 to 1. It is made of `late`, the mean best similarity of the question's tokens, -1 to 1, and `words`, the
    BM25 share, 0 to 1; `dense`, the cosine of the pooled vectors, -1 to 1, only proposes. `best` (n, question tokens) is
    what `late` is the mean of.
    """

    rows: npt.NDArray[np.int64]
    score: npt.NDArray[np.float32]
    late: npt.NDArray[np.float32]
    words: npt.NDArray[np.float32]
    dense: npt.NDArray[np.float32]
    best: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """The vectors, token vectors and words of n texts; row i of each is text i."""

    dense: DenseIndex
    tokens: TokenStore
    words: LexicalIndex

    @classmethod
    def build(cls, texts: Sequence[str], encoder: Encoder, progress: Progress | None = None) -> SearchIndex:
        """Encode and index `texts`. `progress` is called with texts done and in all."""
        pooled = np.zeros((len(texts), encoder.dimension), dtype=np.float32)

        def token_vectors() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]]:
            for start in range(0, len(texts), _CHUNK):
                chunk = texts[start : start + _CHUNK]

                def show(done: int, _: int, start: int = start) -> None:
                    if progress is not None:
                        progress(start + done, len(texts))

                encoded = encoder.encode(chunk, "passage", show)
                pooled[start : start + len(chunk)] = encoded.pooled
                yield from zip(encoded.tokens, encoded.spans, strict=True)

        tokens = TokenStore.build(token_vectors(), encoder.dimension)
        return cls(DenseIndex.build(pooled), tokens, LexicalIndex.build(texts))

    def save(self, folder: Path) -> None:
        """Write into an existing folder."""
        self.dense.save(folder / _DENSE)
        self.tokens.save(folder / _TOKENS)
        self.words.save(folder / _WORDS)

    @classmethod
    def load(cls, folder: Path) -> SearchIndex:
        """Raises `IndexDamaged` when a file cannot be read or the parts do not have the same rows."""
        dense, tokens = DenseIndex.load(folder / _DENSE), TokenStore.load(folder / _TOKENS)
        if len(dense) != len(tokens):
            raise IndexDamaged(folder, f"has {len(dense)} vectors and the token vectors of {len(tokens)} texts")
        return cls(dense, tokens, LexicalIndex.load(folder / _WORDS, len(dense)))

    def __len__(self) -> int:
        return len(self.dense)

    def search(
        self,
        text: str,
        pooled: npt.NDArray[np.float32],
        tokens: npt.NDArray[np.float32],
        *,
        rows: npt.NDArray[np.int64] | None = None,
        favoured: npt.NDArray[np.int64] | None = None,
        weights: npt.NDArray[np.float32] | None = None,
        candidates: int = CANDIDATES,
    ) -> Found:
        """The nearest of all texts, or of `rows`, to a question: its text and what the encoder made of it.

        `pooled` is (dimension,), `tokens` (question tokens, dimension). The `favoured` rows propose candidates of their own
        beside those of all. `weights` (n,), 0 to 1, multiply the scores. Ties come in row order.
        """
        words = self.words.scores(text)
        found = self._proposed(pooled, words, rows, candidates)
        if favoured is not None:
            found = np.union1d(found, self._proposed(pooled, words, favoured, candidates))
        best = self.tokens.maxsim(tokens, found)
        late = best.mean(axis=1) if len(tokens) else np.zeros(len(found), dtype=np.float32)
        score = _score(late, words[found])
        if weights is not None:
            score *= weights[found]
        return _ordered(Found(found, score, late, words[found], self.dense.cosines(pooled, found), best))

    def blend(
        self, found: Found, text: str, tokens: npt.NDArray[np.float32], share: float, weights: npt.NDArray[np.float32]
    ) -> Found:
        """What was found, ordered anew with `share` of its score, 0 to 1, from another question: its text, tokens, weights."""
        best = self.tokens.maxsim(tokens, found.rows)
        late = best.mean(axis=1) if len(tokens) else np.zeros(len(best), dtype=np.float32)
        score = _score(late, self.words.scores(text)[found.rows]) * weights[found.rows]
        return _ordered(replace(found, score=(1 - share) * found.score + share * score))

    def _proposed(
        self,
        pooled: npt.NDArray[np.float32],
        words: npt.NDArray[np.float32],
        rows: npt.NDArray[np.int64] | None,
        candidates: int,
    ) -> npt.NDArray[np.int64]:
        """The rows nearest by vector and by words, ascending."""
        near, _ = self.dense.search(pooled, candidates, rows)
        pool = np.arange(len(words)) if rows is None else rows
        pool = pool[words[pool] > 0]
        worded = pool[np.argsort(-words[pool], kind="stable")[:candidates]]
        return np.union1d(near, worded)


def _score(late: npt.NDArray[np.float32], words: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.clip(LATE_SHARE * late + (1 - LATE_SHARE) * words, 0, 1)


def _ordered(found: Found) -> Found:
    """The same rows, best first, ties in row order."""
    order = np.lexsort((found.rows, -found.score))
    return Found(
        rows=found.rows[order],
        score=found.score[order],
        late=found.late[order],
        words=found.words[order],
        dense=found.dense[order],
        best=found.best[order],
    )
