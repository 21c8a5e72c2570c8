"""Whether the confidence tells questions that a text answers from those that none does, on SQuAD 2.0.

    python benchmarks/abstention.py FOLDER [--first N] [--model NAME]

A folder holds corpus.jsonl ({"_id", "title", "text"}) and questions.jsonl ({"question", "unanswerable"}). A question is asked
of all texts. AUROC 0.5 is chance, 1 tells them apart. The encoder that ships was trained on these questions, with `--model
e5-plain` on none of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from embeddings.encoder import load_encoder
from embeddings.search import Query, SearchIndex
from qa.abstention import NEAREST, lacking
from qa.confidence import FEATURES, calibration, features
from qa.question import is_korean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=None, metavar="N", help="of the questions (default: all)")
    parser.add_argument("--model", default="e5")
    options = parser.parse_args()
    encoder = load_encoder(options.model)
    texts = [f"{record['title']}\n{record['text']}" for record in _records(options.folder / "corpus.jsonl")]
    asked = _records(options.folder / "questions.jsonl")
    asked = asked[:: max(1, len(asked) // (options.first or len(asked)))]  # spread over all articles
    found = []
    with TemporaryDirectory() as scratch:
        index = SearchIndex.build(texts, encoder, Path(scratch))
        for record in tqdm(asked, file=sys.stderr):
            [query] = Query.encode([record["question"]], encoder)
            hits = index.search(query)
            missing = [word.span() for word in lacking(query.text, [texts[row] for row in hits.rows[:NEAREST]])]
            found.append(features(query, hits, missing, is_korean(query.text)))
    answerable = [not record["unanswerable"] for record in asked]
    print(f"{len(asked)} questions over {len(texts)} texts, {sum(answerable)} of them answerable")
    print(f"{'confidence':<12}{roc_auc_score(answerable, [calibration().confidence(each) for each in found]):.3f}")
    for at, name in enumerate(FEATURES):
        print(f"{name:<12}{roc_auc_score(answerable, [each[at] for each in found]):.3f}")


def _records(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


if __name__ == "__main__":
    main()
