"""Small corpora made for a test, their index built by an encoder without a model, and answers made without an index."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from embeddings.encoder import Encoder
from embeddings.search import SearchIndex
from qa.confidence import Calibration
from qa.index import Index, Manifest
from qa.measure import Outcome
from qa.passages import context, split_release
from qa.rebuild import rebuild
from qa.release import Release
from qa.retrieve import Retriever
from tests.conftest import FakeEncoder

SEOUL_PORT = "The two ministers agreed to widen the harbour of Busan. They thanked the mayor for her lantern parade."
GRAIN = "Korea will give three million dollars for grain to Kenya. The grain leaves from the port of Odesa."
UNRELATED = "Zebras quietly juggle seventeen turquoise umbrellas"
VISA = "Visas for seasonal orchard workers are waived until December. The waiver starts on Monday."

Record = Mapping[str, str | None]


def record(seq: int, title: str, date: str | None, text: str) -> Record:
    """A release record whose id will be "m_5676-<seq>"."""
    url = f"https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq={seq}"
    return {"title": title, "date": date, "url": url, "text": text}


RECORDS = (
    record(1, "Harbour Talks Held", "2022-02-28", SEOUL_PORT),
    record(2, "Grain Assistance Decided", "2022-03-10", GRAIN),
    record(3, "Orchard Visas Waived", "2023-11-26", VISA),
)


def write_corpus(folder: Path, records: Sequence[Record] = RECORDS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(each, ensure_ascii=False) + "\n" for each in records]
    (folder / "releases.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def retriever_over(folder: Path, records: Sequence[Record] = RECORDS) -> Retriever:
    """A retriever over `records`; its index is `folder / "index"`."""
    encoder = FakeEncoder()
    rebuild([write_corpus(folder / "corpus", records)], folder / "index", encoder=encoder)
    return Retriever.load(folder / "index", encoder=encoder)


def use_fake_encoder(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let `rebuild` and `Retriever.load` load the fake encoder; the names they ask for, as they come."""
    asked: list[str] = []

    def load(name: str = "e5") -> FakeEncoder:
        asked.append(name)
        return FakeEncoder(name)

    for module in ("qa.rebuild", "qa.retrieve", "qa.watch", "qa.doctor"):
        monkeypatch.setattr(importlib.import_module(module), "load_encoder", load)
    for module in ("qa.retrieve", "qa.doctor"):  # the fake one is here under whatever name
        monkeypatch.setattr(importlib.import_module(module), "on_this_machine", str)
    return asked


def use_calibration(monkeypatch: pytest.MonkeyPatch, operating_point: float = 0.5) -> Calibration:
    """Let the confidence rest on "late" alone, and be 0.5 where that is 0.65: the fake encoder needs no fitting."""
    made = Calibration((20.0, 0.0, 0.0, 0.0), -13.0, operating_point, "made for tests")
    monkeypatch.setattr(importlib.import_module("qa.retrieve"), "calibration", lambda: made)
    return made


def question_line(key: str, question: str, answers: Sequence[tuple[int, str]], **more: Any) -> dict[str, Any]:
    """A line of a question file; `answers` are (seq, sentence)."""
    told = [{"release": f"m_5676-{seq}", "sentence": sentence} for seq, sentence in answers]
    return {"id": key, "split": "test", "kind": "fact", "question": question, "answers": told, **more}


def write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def outcome(
    key: str = "q",
    *,
    kind: str = "fact",
    answerable: bool = True,
    answered: bool = True,
    confidence: float = 0.5,
    ranks: tuple[int, ...] = (),
    relevant: int = 1,
    read: int | None = None,
    quoted: bool = False,
    seconds: float = 0.01,
    shown: int = 5,
) -> Outcome:
    return Outcome(key, kind, answerable, answered, confidence, ranks, relevant, read, quoted, seconds, shown)


def index_of(releases: Iterable[Release], encoder: Encoder | None = None) -> Index:
    """An index held in memory."""
    encoder = encoder or FakeEncoder()
    known = {release.id: release for release in releases}
    passages = [passage for each in known.values() for passage in split_release(each, encoder.count_tokens, encoder.max_tokens)]
    texts = [context(known[passage.release_id]) + passage.text for passage in passages]
    with TemporaryDirectory() as folder:  # what is mapped stays readable
        search = SearchIndex.build(texts, encoder, Path(folder))
    manifest = Manifest(0, encoder.name, encoder.fingerprint, "", encoder.dimension, len(known), len(passages), "", {})
    return Index("generation-in-memory", manifest, known, tuple(passages), search)
