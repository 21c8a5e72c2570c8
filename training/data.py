"""The training data: texts as they are indexed, and questions with the passages and sentences that answer them.

Two sources, each read where it stands: statements of the White House (CC0), with the questions that stand beside this file,
and SQuAD 2.0 (CC BY-SA 4.0). Neither holds a release of the ministry.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embeddings.encoder import Encoder
from qa.corpus import read_corpus
from qa.names import Names
from qa.passages import context, split_release
from qa.question import understand
from qa.sentences import sentences


@dataclass(frozen=True, slots=True)
class Text:
    """A passage as it is encoded: `sentences` are characters of `text`; all before `body` is the context in front.

    `group` names the release, or the article of SQuAD: texts of one group are each other's nearest wrong answers.
    """

    text: str
    body: int
    sentences: tuple[tuple[int, int], ...]
    group: str


@dataclass(frozen=True, slots=True)
class Example:
    """A question as it is searched. `answers` maps the row of a text to the numbers of its sentences that answer; it is empty
    where nothing answers, and `near` is then the row of the text that comes nearest."""

    question: str
    answers: dict[int, tuple[int, ...]]
    near: int
    kind: str


@dataclass(slots=True)
class Data:
    texts: list[Text] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    def add(self, text: Text) -> int:
        self.texts.append(text)
        return len(self.texts) - 1


def read_statements(data: Data, statements: Path, questions: Path, encoder: Encoder) -> None:
    """Add the statements that questions were written about, and the questions.

    A question names the statement's URL and, as characters of its text, the sentences that answer or, where none does, those
    that come nearest. Raises `ValueError` when the statements are not those that the questions were written about.
    """
    asked = list(_records(questions))
    wanted = {record["release"] for record in asked}
    releases = {release.url: release for release in read_corpus([statements]).releases if release.url in wanted}
    names = Names(releases.values())
    places: dict[str, list[tuple[int, int, int]]] = defaultdict(list)  # of a release: start and end of a passage, its row
    for url in sorted(wanted):
        if url not in releases:
            raise ValueError(f"{statements} lacks {url}")
        release = releases[url]
        front = context(release)
        for passage in split_release(release, encoder.count_tokens, encoder.max_tokens):
            found = tuple((start + len(front), end + len(front)) for start, end in sentences(passage.text))
            row = data.add(Text(front + passage.text, len(front), found, url))
            places[url].append((passage.start, passage.end, row))
    for record in asked:
        if hashlib.sha256(releases[record["release"]].text.encode()).hexdigest()[:8] != record["digest"]:
            raise ValueError(f"{record['release']} has another text than when questions were written about it")
        answers = _answers(data, record["sentences"], places[record["release"]])
        if answers:
            question = understand(record["question"], history=record["history"], names=names).searched
            kind = record["kind"]
            data.examples.append(Example(question, {} if kind == "none" else answers, next(iter(answers)), kind))


def _answers(
    data: Data, spans: Sequence[tuple[int, int]], places: Sequence[tuple[int, int, int]]
) -> dict[int, tuple[int, ...]]:
    """Rows of the passages that hold the `spans` of a release, and the numbers of the sentences that do."""
    found: dict[int, set[int]] = defaultdict(set)
    for start, end in spans:
        for first, last, row in places:
            body = data.texts[row].body
            for number, (opens, closes) in enumerate(data.texts[row].sentences):
                if first <= start < last and opens < end - first + body and start - first + body < closes:
                    found[row].add(number)
    return {row: tuple(sorted(numbers)) for row, numbers in found.items()}


def read_squad(data: Data, folder: Path) -> None:
    """Add the paragraphs and questions of SQuAD 2.0 in the form of corpus.jsonl and questions.jsonl."""
    rows = {}
    for record in _records(folder / "corpus.jsonl"):
        front = f"{record['title']}\n"
        found = tuple((start + len(front), end + len(front)) for start, end in sentences(record["text"]))
        rows[record["_id"]] = data.add(Text(front + record["text"], len(front), found, f"squad {record['title']}"))
    for record in _records(folder / "questions.jsonl"):
        row = rows[record["doc_id"]]
        text = data.texts[row]
        holding = tuple(
            number
            for number, (start, end) in enumerate(text.sentences)
            if any(answer in text.text[start:end] for answer in record["answers"])
        )
        if record["unanswerable"]:
            data.examples.append(Example(record["question"], {}, row, "none"))
        elif holding:
            data.examples.append(Example(record["question"], {row: holding}, row, "squad"))


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
