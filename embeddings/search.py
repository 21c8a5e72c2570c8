"""Search over n texts: two searches propose, one judges.

FAISS over pooled vectors and BM25 over words each name candidates; late interaction over token vectors scores those, and
a convex combination with their BM25 scores orders them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tokenize import TokenError

import numpy as np
import numpy.typing as npt

from embeddings.dense import DenseIndex
from embeddings.encoder import Encoder, Progress
from embeddings.errors import IndexDamaged
from embeddings.late import StoredTokens, TokenStore
from embeddings.lexical import LexicalIndex, has_hangul
from embeddings.rows import RowsFile

CANDIDATES = 60  # proposed by each of the two searches
# Of late interaction in the score; the rest is the share of BM25, of which a Korean question needs more: its pairs of syllables
# tell more than words do. See benchmarks/README.md.
LATE_SHARE, LATE_SHARE_KOREAN = 0.8, 0.6
_MOST = 1.05  # of a cosine or share: vectors that half a precision made differ from length 1 by 0.004
_CHUNK = 512  # new texts encoded at a time: like lengths still meet, and memory stays flat
_POOLED, _DENSE, TOKENS, _WORDS = "pooled.npy", "dense.faiss", "tokens", "words"  # within a folder


@dataclass(frozen=True, slots=True)
class Query:
    """A question and what the encoder made of it.

    `pooled` (dimension,), `tokens` (t, dimension), `weights` (t,), and `spans` (t, 2), the characters of each token.
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

    def stressed(self, start: int, times: int) -> Query:
        """The same, where what stands after the character `start` weighs `times` as much: its tokens by their weights, its
        words by standing in `text` that often, as BM25 counts them."""
        weights = np.where(self.spans[:, 1] > start, times * self.weights, self.weights)
        return replace(self, text=self.text + f" {self.text[start:]}" * (times - 1), weights=_shares(weights))


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
class Kept:
    """An earlier index by the same encoder, and for each of n texts the row that it has there, -1 for a new one.

    `counted` is whether its words are what the code of now would count.
    """

    index: SearchIndex
    rows: npt.NDArray[np.int64]
    counted: bool = True


def _chunks(count: int, kept: Kept | None) -> Iterator[tuple[int, int]]:
    """The stretches of texts of which at most `_CHUNK` are new."""
    new = np.arange(1, count + 1) if kept is None else np.cumsum(kept.rows < 0)
    start = 0
    while start < count:
        done = int(new[start - 1]) if start else 0
        end = max(int(np.searchsorted(new, done + _CHUNK, side="right")), start + 1)
        yield start, end
        start = end


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """The vectors, token vectors and words of n texts; row i of each is text i."""

    dense: DenseIndex
    tokens: TokenStore
    words: LexicalIndex

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        encoder: Encoder,
        folder: Path,
        *,
        kept: Kept | None = None,
        progress: Progress | None = None,
    ) -> SearchIndex:
        """Encode and index `texts` in an existing folder, taking over what is `kept` of an earlier index.

        `progress` is called with texts done and in all.
        """

        tokens = None if kept is None else kept.index.tokens
        segments = [] if kept is None else kept.index.tokens.worth_keeping(kept.rows[kept.rows >= 0])

        def token_vectors(pooled: RowsFile) -> Iterator[StoredTokens | int]:
            for start, end in _chunks(len(texts), kept):
                rows = [] if kept is None else kept.rows[start:end].tolist()
                known = {at: row for at, row in enumerate(rows, start) if row >= 0}
                new = [at for at in range(start, end) if at not in known]

                def show(done: int, _: int, start: int = start, known: int = len(known)) -> None:
                    if progress is not None:
                        progress(start + known + done, len(texts))

                encoded = encoder.encode([texts[at] for at in new], "passage", show)
                made = {at: i for i, at in enumerate(new)}
                for at in range(start, end):
                    if kept is not None and at in known:
                        pooled.write(kept.index.dense.vectors[known[at]][None])
                        yield known[at]
                    else:
                        pooled.write(encoded.pooled[made[at]][None])
                        yield StoredTokens.of(encoded.tokens[made[at]], encoded.spans[made[at]])

        with RowsFile(folder / _POOLED, "float32", (encoder.dimension,)) as pooled:
            TokenStore.build(token_vectors(pooled), encoder.dimension, folder / TOKENS, tokens, segments)
        DenseIndex.build(np.load(folder / _POOLED, mmap_mode="r")).save(folder / _DENSE)
        words = (kept.index.words, kept.rows) if kept is not None and kept.counted else ()
        LexicalIndex.build(texts, *words).save(folder / _WORDS)
        return cls.load(folder, len(texts), encoder.dimension)

    @classmethod
    def load(cls, folder: Path, size: int, dimension: int) -> SearchIndex:
        """Raises `IndexDamaged` when a file cannot be read or a part is not of `size` texts and vectors of `dimension`."""
        try:
            # As a plain array over the mapped file: a `memmap` takes as long again for each slice.
            pooled = np.asarray(np.load(folder / _POOLED, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError, EOFError, TokenError) as error:
            raise IndexDamaged(folder / _POOLED, "cannot be read") from error
        if pooled.dtype != np.float32 or pooled.ndim != 2:
            raise IndexDamaged(folder / _POOLED, f"holds {pooled.dtype} in {pooled.ndim} axes, not float32 in 2")
        if pooled.shape != (size, dimension):  # before more is read: whoever wrote the files wrote this shape too
            raise IndexDamaged(folder / _POOLED, f"has shape {pooled.shape}, not {(size, dimension)}")
        dense, tokens = DenseIndex.load(folder / _DENSE, pooled), TokenStore.load(folder / TOKENS)
        if len(tokens) != size or (size and tokens.dimension != dimension):
            raise IndexDamaged(folder, f"has {size} vectors and the token vectors of {len(tokens)} texts")
        return cls(dense, tokens, LexicalIndex.load(folder / _WORDS, size))

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
        found, words = self.propose(query, rows, candidates)
        if favoured is not None:
            found = np.union1d(found, self.propose(query, favoured, candidates)[0])
        best = self.tokens.maxsim(query.tokens, found)
        late = best @ query.weights
        share = LATE_SHARE_KOREAN if has_hangul(query.text) else LATE_SHARE
        score = np.clip(share * late + (1 - share) * words[found], 0, 1)
        if factors is not None:
            score *= factors[found]
        dense = self.dense.cosines(query.pooled, found)
        for name, figures in ((TOKENS, best), (_WORDS, words[found]), (_POOLED, dense)):
            if not (np.abs(figures) <= _MOST).all():  # nor is a NaN
                raise IndexDamaged(Path(name), "holds numbers that are none of ours")
        return Found(found, score, late, words[found], dense, best).ordered()

    def propose(
        self, query: Query, rows: npt.NDArray[np.int64] | None = None, candidates: int = CANDIDATES
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The rows nearest by vector and by words, ascending, and the BM25 shares (n,) of all texts."""
        words = self.words.scores(query.text)
        near, _ = self.dense.search(query.pooled, candidates, rows)
        return np.union1d(near, _highest(words, candidates, rows)), words


def _highest(scores: npt.NDArray[np.float32], count: int, rows: npt.NDArray[np.int64] | None) -> npt.NDArray[np.int64]:
    """Of all rows, or of `rows`, those with the `count` highest scores above 0; of equal ones the first."""
    pool = np.flatnonzero(scores > 0) if rows is None else rows[scores[rows] > 0]
    if len(pool) <= count:
        return np.asarray(pool, dtype=np.int64)
    values = scores[pool]
    least = np.partition(values, len(values) - count)[len(values) - count]
    above, equal = pool[values > least], pool[values == least]
    return np.asarray(np.concatenate([above, np.sort(equal)[: count - len(above)]]), dtype=np.int64)
