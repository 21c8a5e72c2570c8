"""Corpora of any size out of some statements: the same with other names, numbers and years, and vectors that are the real ones
with noise."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.machine import timed
from embeddings.adapter import unit
from embeddings.encoder import Encoded, Encoder, Progress, Role
from embeddings.late import StoredTokens, TokenStore

NOISE = 0.15  # of a vector's length, before it is made one again: cosine 0.99 with the real one
NAMES, YEARS = 197, 6  # sets of other names, a prime, and years: so many copies all differ
QUESTIONS = (
    "What did the leaders agree on supply chains?",
    "How much humanitarian assistance was announced for Ukraine?",
    "Did they discuss freedom of navigation in the South China Sea?",
    "What did Sullivan say about North Korea's missiles?",
    "Which countries joined the statement on Iran?",
    "양국은 공급망에 대해 무엇을 합의했나요?",
    "What was decided on migration with Mexico?",
    "Who took part in the climate meeting?",
    "What did they say about the hostages in Gaza?",
    "semiconductors and export controls",
)
Vectors = npt.NDArray[np.float32]


def write_corpus(statements: Path, base: int, copies: int, folder: Path) -> Path:
    """The first `base` statements, and as many times again as there are copies, into a folder; a file a copy."""
    folder.mkdir()
    with statements.open(encoding="utf-8") as file:
        records = [json.loads(line) for line, _ in zip(file, range(base), strict=False)]
    for copy in range(copies):
        with (folder / f"statements-{copy}.jsonl").open("w", encoding="utf-8") as file:
            for record in records:
                day = f"{2021 + copy % YEARS}{record['date'][4:]}" if not record["date"].endswith("02-29") else record["date"]
                url = f"{record['url']}?copy={copy}" if copy else record["url"]
                title, text = repeated(record["title"], copy), repeated(record["text"], copy)
                file.write(json.dumps({"title": title, "date": day, "url": url, "text": text}) + "\n")
    return folder


def repeated(text: str, copy: int) -> str:
    """The text with other names and numbers, of the same length. Numbers that begin a line stay: they part the passages."""
    if not copy:
        return text
    changed = re.sub(r"(?m)(^\W*\d+)|\d", lambda found: found[1] or str((int(found[0]) + copy) % 10), text)
    return re.sub(r"[A-Z][a-z]{3,}", lambda word: _name(word[0], copy % NAMES), changed)


@cache
def _name(word: str, kind: int) -> str:
    dice = random.Random(f"{word} {kind}")  # noqa: S311  # no secret
    return word[0] + "".join(dice.choices("aeioulnrst", k=len(word) - 1))


def masked(text: str) -> str:
    """What a text and its repetitions have in common."""
    return re.sub(r"[A-Z][a-z]{3,}", lambda word: "A" + "a" * (len(word[0]) - 1), re.sub(r"\d", "0", text))


class Repeating:
    """An encoder that knows the vectors of some texts, and gives them with noise for texts that differ in names and numbers.

    The token vectors of a text have one of `kinds` noises, its pooled vector one of its own. `seconds` is what all this took,
    so that it can be told apart from what is measured.
    """

    def __init__(self, encoder: Encoder, known: dict[str, Any], kinds: int) -> None:
        self._encoder, self._known, self._kinds = encoder, known, kinds
        self.name, self.fingerprint, self.max_tokens = encoder.name, encoder.fingerprint, encoder.max_tokens
        self.dimension = encoder.dimension
        self.seconds = 0.0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) // 5 for text in texts]

    def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
        made: list[Encoded] = []
        [taken] = timed(lambda: made.append(self._encode(texts, role, progress)))
        self.seconds += taken / 1000
        return made[0]

    def _encode(self, texts: Sequence[str], role: Role, progress: Progress | None) -> Encoded:
        if role == "query" or not texts:
            return self._encoder.encode(texts, role)
        keys = [masked(text) for text in texts]
        firsts = {key: text for key, text in zip(reversed(keys), reversed(texts), strict=True) if key not in self._known}
        if firsts:
            new = self._encoder.encode(list(firsts.values()), role, progress)
            for key, *parts in zip(firsts, new.pooled, new.tokens, new.weights, new.spans, strict=True):
                self._known[key] = tuple(parts)
        found = [self._known[key] for key in keys]
        seeds = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big") for text in texts]
        pooled = np.stack([noisy(each[0][None], seed)[0] for each, seed in zip(found, seeds, strict=True)])
        tokens = [noisy(each[1], seed % self._kinds) for each, seed in zip(found, seeds, strict=True)]
        return Encoded(pooled, tokens, [each[2] for each in found], [each[3] for each in found])


def noisy(vectors: Vectors, seed: int) -> Vectors:
    """Unit vectors near those given, the same for the same seed."""
    noise = _noise()
    start = int(np.random.default_rng(seed).integers(len(noise) - vectors.size))
    scale = NOISE / np.sqrt(vectors.shape[1])
    return unit(vectors + scale * noise[start : start + vectors.size].reshape(vectors.shape))


@cache
def _noise() -> Vectors:
    return np.random.default_rng(0).standard_normal(2**24, dtype=np.float32)  # drawn once: a long text takes a million


class SharingStore(TokenStore):
    """A `TokenStore` in which texts with the same token vectors have them in the same place, so that a disk can hold them."""

    @classmethod
    def build(
        cls,
        texts: Iterable[StoredTokens | int],
        dimension: int,
        folder: Path,
        kept: TokenStore | None = None,
        segments: Sequence[int] = (),
    ) -> TokenStore:
        places: list[int] = []
        first: dict[bytes | int, int] = {}

        def distinct() -> Iterator[StoredTokens | int]:
            for text in texts:
                key = text if isinstance(text, int) else hashlib.blake2b(text.codes.tobytes(), digest_size=16).digest()
                if key not in first:
                    first[key] = len(first)
                    yield text
                places.append(first[key])

        TokenStore.build(distinct(), dimension, folder, kept, segments)
        np.save(folder / "rows.npy", np.load(folder / "rows.npy")[places])
        return cls.load(folder)


def write_known(path: Path, known: dict[str, Any]) -> None:
    """What `Repeating` knows: pooled, token vectors, weights and spans by text, one array for each of a text's four."""
    arrays = {f"{at}-{part}": array for at, each in enumerate(known.values()) for part, array in enumerate(each)}
    np.savez(path, texts=np.array(list(known)), **arrays)


def read_known(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return {str(text): tuple(file[f"{at}-{part}"] for part in range(4)) for at, text in enumerate(file["texts"])}
