"""What a rebuild after one more release costs, and opening the index: seconds of the processor, without those of a model.

    python benchmarks/rebuild.py STATEMENTS.jsonl [--sizes 700 3000] [--folder FOLDER]

Vectors are drawn from a text's hash, so that no model is loaded, and have the length of the default one's; there are fewer
token vectors than it makes, which are linked and not read. Each size is built in `--folder`, where a later run goes on from it,
then rebuilt and opened three times, with another new release each; the least counts. It uses nothing that an earlier version
lacks: run in the checkout of one, it measures that.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from embeddings.adapter import unit
from embeddings.encoder import Encoded, Progress, Role
from qa.rebuild import rebuild
from qa.retrieve import Retriever

DIMENSION = 384
TIMES = 3


class Drawn:
    """An encoder without a model: fifty characters are a token, and vectors are drawn from the text's hash."""

    name, fingerprint, dimension, max_tokens = "drawn", "drawn", DIMENSION, 512

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) // 50 for text in texts]

    def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:  # noqa: ARG002
        counts = [max(1, each) for each in self.count_tokens(texts)]
        dice = [np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)) for text in texts]
        drawn = [
            unit(each.standard_normal((count + 1, DIMENSION), dtype=np.float32))
            for each, count in zip(dice, counts, strict=True)
        ]
        spans = [np.stack([np.arange(count) * 50, np.arange(1, count + 1) * 50], axis=1).astype(np.int32) for count in counts]
        weights = [np.full(count, 1 / count, np.float32) for count in counts]
        pooled = np.stack([each[0] for each in drawn]) if drawn else np.zeros((0, DIMENSION), np.float32)
        return Encoded(pooled, [each[1:] for each in drawn], weights, spans)


def spent(work: Callable[[], object]) -> float:
    """Seconds of the processor: of a clock, what else the machine does would be measured too."""
    started = time.process_time()
    work()
    return time.process_time() - started


def measure(statements: Path, size: int, folder: Path) -> tuple[int, float, float]:
    """Passages, and the seconds of a rebuild after one more release and of opening the index."""
    corpus, index = folder / f"corpus-{size}", folder / f"index-{size}"
    corpus.mkdir(parents=True, exist_ok=True)
    lines = statements.read_text(encoding="utf-8").splitlines()[:size]
    (corpus / "statements.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    passages = rebuild([corpus], index, encoder=Drawn()).passages
    rebuilding, opening = [], []
    for at in range(TIMES):
        text = f"Lanterns Lit {time.time_ns()}\n\n2026-01-02\n\n1. A lantern was lit in Jeonju at dusk.\n"
        (corpus / f"new-{at}.txt").write_text(text, encoding="utf-8")
        rebuilding.append(spent(lambda: rebuild([corpus], index, encoder=Drawn())))
        opening.append(spent(lambda: Retriever.load(index, encoder=Drawn())))
    return passages, min(rebuilding), min(opening)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("statements", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[700, 3_000])
    parser.add_argument("--folder", type=Path, help="where indexes are kept from run to run (default: nowhere)")
    options = parser.parse_args()
    with TemporaryDirectory() as scratch:
        for size in options.sizes:
            passages, rebuilding, opening = measure(options.statements, size, options.folder or Path(scratch))
            print(f"{size} releases, {passages} passages: one more {rebuilding:.2f} s, opening {opening:.2f} s", flush=True)


if __name__ == "__main__":
    main()
