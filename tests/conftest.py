"""What several test modules share: where the official releases are, a release read from page text, and an encoder that
needs no model."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings

from embeddings.adapter import unit
from embeddings.encoder import Encoded, Progress, Role, load_encoder
from qa.corpus import read_corpus
from qa.rebuild import rebuild
from qa.release import Release, read_release
from qa.retrieve import Retriever
from qa.source import SourcePage

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "corpus"
SHARED = ROOT.parent / "shared"  # the official releases, which are not copied into the project
OFFICIAL = SHARED / "releases"

# The same examples on every run, so that a change is judged by what it changed; no deadline, for a busy machine is not a fault.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2_000, print_blob=True)  # pytest --hypothesis-profile search
settings.load_profile("tests")

needs_official = pytest.mark.skipif(not OFFICIAL.is_dir(), reason=f"the official releases are not here: {OFFICIAL} is missing")


@functools.cache
def _word_vector(word: str, dimension: int) -> npt.NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)


class FakeEncoder:
    """An `Encoder` without a model: a word's vector is drawn from its hash, so that texts are alike as their words are."""

    def __init__(self, name: str = "fake", dimension: int = 32, max_tokens: int = 512) -> None:
        self.name, self.dimension, self.max_tokens = name, dimension, max_tokens
        self.fingerprint = f"{name}-{dimension}"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(re.findall(r"\w+", text)) + 2 for text in texts]

    def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
        found = [list(re.finditer(r"\w+", text))[: self.max_tokens - 2] for text in texts]
        common = _word_vector("", self.dimension)[None]  # as of special tokens: a text without words has a vector too
        words = [[_word_vector(match[0].casefold(), self.dimension) for match in matches] for matches in found]
        tokens = [np.array(vectors, np.float32).reshape(-1, self.dimension) for vectors in words]
        sums = np.array([np.concatenate([common / 10, own]).sum(axis=0) for own in tokens]).reshape(-1, self.dimension)
        spans = [np.array([match.span() for match in matches], np.int32).reshape(-1, 2) for matches in found]
        if progress is not None:
            progress(len(texts), len(texts))
        weights = [np.full(len(own), 1 / max(len(own), 1), np.float32) for own in tokens]
        return Encoded(unit(sums), [unit(own) for own in tokens], weights, spans)


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


def release_of(
    text: str, *, title: str | None = None, date: str | None = None, url: str | None = None, name: str = "page"
) -> Release:
    """The release that `text` is read as: page text with its title on the first line, or a record where `title` is given."""
    return read_release(SourcePage(f"{name}.txt", name, title, date, url, text))


@functools.cache
def official_releases() -> dict[str, Release]:
    """The official releases by id; for tests marked `needs_official`."""
    return {release.id: release for release in read_corpus([OFFICIAL]).releases}


@pytest.fixture(scope="session")
def shipped_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shipped") / "index"


@pytest.fixture(scope="session")
def shipped(shipped_index: Path) -> Retriever:
    """A retriever over the corpus that ships, in `shipped_index`, with the default model; for tests marked `model`."""
    encoder = load_encoder()
    rebuild([CORPUS], shipped_index, encoder=encoder)
    return Retriever.load(shipped_index, encoder=encoder)
