"""Search over n texts: two searches propose, one judges.

FAISS over pooled vectors and BM25 over words each name candidates; late interaction over token vectors scores those, and
a convex combination with their BM25 scores orders them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.dense import DenseIndex
from embeddings.encoder import Encoder, Progress
from embeddings.errors import IndexDamaged
from embeddings.late import TokenStore
from embeddings.lexical import LexicalIndex, has_hangul

CANDIDATES = 60  # proposed by each of the two searches
# Of late interaction in the score; the rest is the share of BM25, of which a Korean question needs more: its pairs of syllables
# tell more than words do. See benchmarks/README.md.
LATE_SHARE, LATE_SHARE_KOREAN = 0.8, 0.6
_CHUNK = 512  # texts encoded at a time: like lengths still meet, and memory stays flat
_DENSE, _TOKENS, _WORDS = "dense.faiss", "tokens", "words"


@dataclass(frozen=True, slots=True)
class Query:
    """A question and what the encoder made of it.

    `pooled` (dimension,), `tokens` (t, token dimension), `weights` (t,), and `spans` (t, 2), the characters of each token.
    """

    text: str
    pooled: npt.NDArray[np.float32]
    tokens: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    spans: npt.NDArray[np.int32]

    @classmethod
    def encode(cls, texts: Sequence[str], encoder: Encoder) -> list[Query]:
        encoded = encoder.encode(texts, "query")
        parts = zip(texts, encoded.pooled, encoded.tokens, encoded.weights, encoded.spans, strict=True)
        return [cls(*each) for each in parts]

    def tail(self, start: int) -> Query:
        """The tokens that end after the character `start`, read with all before them, their weights 1 in sum again."""
        own = self.spans[:, 1] > start
        return Query(self.text[start:], self.pooled, self.tokens[own], _shares(self.weights[own]), self.spans[own] - start)

    def stressed(self, start: int, times: float) -> Query:
        """The same, where the tokens that end after the character `start` weigh `times` as much against the others."""
        weights = np.where(self.spans[:, 1] > start, times * self.weights, self.weights)
        return replace(self, weights=_shares(weights))


def _shares(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(weights / max(float(weights.sum()), 1e-12), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of an index and their scores; of a search, the candidates, best first: n rows.

    `score` (n,) is 0 to 1. It is made of `late`, the weighted mean best cosine of the question's tokens, -1 to 1, and
    `words`, the BM25 share, 0 to 1; `dense`, the cosine of the pooled vectors, -1 to 1, only proposes. `best`
    (n, question tokens) is what `late` is the mean of.
    """

    rows: npt.NDArray[np.int64]
    score: npt.NDArray[np.float32]
    late: npt.NDArray[np.float32]
    words: npt.NDArray[np.float32]
    dense: npt.NDArray[np.float32]
    best: npt.NDArray[np.float32]

    def ordered(self) -> Found:
        """The same rows, best first, ties in row order."""
        return self.take(np.lexsort((self.rows, -self.score)))

    def take(self, places: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Found:
        """The rows at `places` (or where it is true), in that order."""
        return Found(*(getattr(self, field.name)[places] for field in fields(self)))


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

        tokens = TokenStore.build(token_vectors(), encoder.token_dimension)
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
        query: Query,
        *,
        rows: npt.NDArray[np.int64] | None = None,
        favoured: npt.NDArray[np.int64] | None = None,
        factors: npt.NDArray[np.float32] | None = None,
        candidates: int = CANDIDATES,
    ) -> Found:
        """The nearest of all texts, or of `rows`.

        The `favoured` rows propose candidates of their own beside those of all. `factors` (n,), 0 to 1, multiply the scores.
        Ties come in row order.
        """
        words = self.words.scores(query.text)
        found = self._proposed(query.pooled, words, rows, candidates)
        if favoured is not None:
            found = np.union1d(found, self._proposed(query.pooled, words, favoured, candidates))
        best = self.tokens.maxsim(query.tokens, found)
        late = best @ query.weights
        share = LATE_SHARE_KOREAN if has_hangul(query.text) else LATE_SHARE
        score = np.clip(share * late + (1 - share) * words[found], 0, 1)
        if factors is not None:
            score *= factors[found]
        return Found(found, score, late, words[found], self.dense.cosines(query.pooled, found), best).ordered()

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
