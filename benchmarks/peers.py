"""The same work with this project and with what people use instead: encode, rebuild, add a release, start, answer.

    python benchmarks/peers.py STATEMENTS.jsonl [--first 100] [--only NAME ...]

Everybody gets the same passages of the first statements of the file, the same questions and the same weights of
multilingual-e5-small, and works in processes of its own, one after the other. `pip install -e '.[peers]'` brings the others;
one that isn't installed is named and skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

# Nothing else is imported up here: each process must hold, and be charged for, only what its own system needs.

K = 5  # passages asked for
SAMPLE = 128  # passages, spread evenly, that are encoded alone: four batches of the usual 32
CHECKS = 20  # passages that are looked for by a sentence of their own
QUESTIONS = (
    "What did the President say about vaccines and the pandemic?",
    "Will the United States rejoin the Paris Agreement?",
    "What was agreed on the New START treaty with Russia?",
    "How many people may get help with rent or mortgages?",
    "What did the leaders discuss on the call with Canada?",
    "Who was nominated or appointed to the staff?",
    "코로나19 백신에 대해 무엇이 발표되었나요?",
    "climate change and clean energy jobs",
    "What will be done about racial equity in the federal government?",
    "Which orders concern immigration and the border?",
)
FIGURES = {  # decimals of each
    "passages": 0,
    "find themselves, %": 0,
    "passages encoded a second": 1,
    "rebuild s": 1,
    "one more release s": 2,
    "peak memory MB": 0,
    "index on disk MB": 2,
    "cold: loaded s": 1,
    "cold: first answer s": 1,
    "question p50 ms": 0,
    "question p95 ms": 0,
    "8 threads, ms each": 0,
}

Passages = Sequence[tuple[str, str]]  # id and the text that is encoded


class System(Protocol):
    """Something that indexes passages in a folder and answers from there. Its construction loads the model."""

    def encode(self, texts: list[str]) -> object:
        """Vectors of passages, made as `build` makes them."""

    def build(self, passages: Passages, folder: Path) -> None:
        """Encode, index and store them."""

    def add(self, passages: Passages, folder: Path) -> None:
        """Add the passages of one more release to what was built, and store it."""

    def load(self, folder: Path) -> None: ...

    def ask(self, question: str) -> list[str]:
        """Ids of the `K` nearest passages, best first."""


class Ours:
    """Reads and splits the statements as well, which all others are spared."""

    def __init__(self, _: str) -> None:
        from embeddings.encoder import load_encoder

        self._encoder = load_encoder()

    def encode(self, texts: list[str]) -> object:
        return self._encoder.encode(texts, "passage")

    def build(self, _: Passages, folder: Path) -> None:
        from qa.rebuild import rebuild

        rebuild([folder.parent / "statements"], folder, encoder=self._encoder)

    def add(self, _: Passages, folder: Path) -> None:
        from qa.rebuild import rebuild

        rebuild([folder.parent / "statements", folder.parent / "new"], folder, encoder=self._encoder)

    def load(self, folder: Path) -> None:
        from qa.retrieve import Retriever

        self._retriever = Retriever.load(folder, encoder=self._encoder)

    def ask(self, question: str) -> list[str]:
        return [hit.passage_id for hit in self._retriever.ask(question, K).hits]


class Recipe:
    """The fifty lines of the tutorials: encode in a loop, search by inner product, keep the texts in a JSON file."""

    def __init__(self, model: str) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(model, device="cpu")
        self._index: Any = None
        self._passages: list[tuple[str, str]] = []

    def encode(self, texts: list[str]) -> Any:
        import numpy as np

        return np.stack([self._model.encode("passage: " + text, normalize_embeddings=True) for text in texts])

    def build(self, passages: Passages, folder: Path) -> None:
        import faiss

        self._index = faiss.IndexFlatIP(self._model.get_embedding_dimension() or 0)
        self.add(passages, folder)

    def add(self, passages: Passages, folder: Path) -> None:
        import faiss

        self._index.add(self.encode([text for _, text in passages]))
        self._passages += passages
        folder.mkdir(exist_ok=True)
        faiss.write_index(self._index, str(folder / "index.faiss"))
        (folder / "passages.json").write_text(json.dumps(self._passages), encoding="utf-8")

    def load(self, folder: Path) -> None:
        import faiss

        self._index = faiss.read_index(str(folder / "index.faiss"))
        self._passages = json.loads((folder / "passages.json").read_text(encoding="utf-8"))

    def ask(self, question: str) -> list[str]:
        vector = self._model.encode("query: " + question, normalize_embeddings=True)
        return [self._passages[row][0] for row in self._index.search(vector[None], K)[1][0]]


class Txtai:
    """Dense and BM25, half and half, with the texts in SQLite. It reads the prompts from the model's folder."""

    def __init__(self, model: str) -> None:
        from txtai import Embeddings

        how = {"path": model, "method": "sentence-transformers", "hybrid": True, "content": True, "gpu": False}
        self._embeddings = Embeddings(how, models={})  # the cache spares `load` the model that is here already

    def encode(self, texts: list[str]) -> object:
        return self._embeddings.batchtransform(texts, "data")

    def build(self, passages: Passages, folder: Path) -> None:
        self._embeddings.index([(key, text, None) for key, text in passages])
        self._embeddings.save(str(folder))

    def add(self, passages: Passages, folder: Path) -> None:
        self._embeddings.upsert([(key, text, None) for key, text in passages])
        self._embeddings.save(str(folder))

    def load(self, folder: Path) -> None:
        self._embeddings.load(str(folder))

    def ask(self, question: str) -> list[str]:
        return [found["id"] for found in self._embeddings.search(question, K)]


class Haystack:
    """Its pipeline of the embedding and the BM25 retriever over the in-memory store, joined by reciprocal ranks."""

    def __init__(self, model: str) -> None:
        os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
        from haystack.utils import ComponentDevice
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
            SentenceTransformersTextEmbedder,
        )

        how = {"model": model, "device": ComponentDevice.from_str("cpu"), "progress_bar": False, "normalize_embeddings": True}
        self._documents = SentenceTransformersDocumentEmbedder(prefix="passage: ", **how)
        self._questions = SentenceTransformersTextEmbedder(prefix="query: ", **how)
        self._documents.warm_up()
        self._questions.warm_up()

    def encode(self, texts: list[str]) -> Any:
        return self._embedded([("", text) for text in texts])

    def _embedded(self, passages: Passages) -> Any:
        from haystack import Document

        return self._documents.run([Document(id=key, content=text) for key, text in passages])["documents"]

    def build(self, passages: Passages, folder: Path) -> None:
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        self._store = InMemoryDocumentStore()
        self.add(passages, folder)

    def add(self, passages: Passages, folder: Path) -> None:
        self._store.write_documents(self._embedded(passages))
        folder.mkdir(exist_ok=True)
        self._store.save_to_disk(str(folder / "store.json"))

    def load(self, folder: Path) -> None:
        from haystack import Pipeline
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        self._store = InMemoryDocumentStore.load_from_disk(str(folder / "store.json"))
        self._pipeline = Pipeline()
        for name, component in {
            "question": self._questions,
            "dense": InMemoryEmbeddingRetriever(self._store),
            "words": InMemoryBM25Retriever(self._store),
            "joined": DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=K),
        }.items():
            self._pipeline.add_component(name, component)
        self._pipeline.connect("question.embedding", "dense.query_embedding")
        self._pipeline.connect("dense", "joined")
        self._pipeline.connect("words", "joined")

    def ask(self, question: str) -> list[str]:
        done = self._pipeline.run({"question": {"text": question}, "words": {"query": question}})
        return [document.id for document in done["joined"]["documents"]]


class LlamaIndex:
    """Its in-memory vector store. Its BM25 retriever asks for a PyStemmer older than the one needed here."""

    def __init__(self, model: str) -> None:
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        prompts = {"query_instruction": "query: ", "text_instruction": "passage: "}
        self._model = HuggingFaceEmbedding(model_name=model, device="cpu", **prompts)

    def encode(self, texts: list[str]) -> object:
        return self._model.get_text_embedding_batch(texts)

    def build(self, passages: Passages, folder: Path) -> None:
        from llama_index.core import VectorStoreIndex

        self._index = VectorStoreIndex([], embed_model=self._model)
        self.add(passages, folder)

    def add(self, passages: Passages, folder: Path) -> None:
        from llama_index.core.schema import TextNode

        self._index.insert_nodes([TextNode(id_=key, text=text) for key, text in passages])
        self._index.storage_context.persist(str(folder))

    def load(self, folder: Path) -> None:
        from llama_index.core import StorageContext, load_index_from_storage

        stored = StorageContext.from_defaults(persist_dir=str(folder))
        self._index = load_index_from_storage(stored, embed_model=self._model)
        self._retriever = self._index.as_retriever(similarity_top_k=K)

    def ask(self, question: str) -> list[str]:
        return [found.node.node_id for found in self._retriever.retrieve(question)]


class LangChain:
    """Its FAISS store."""

    def __init__(self, model: str) -> None:
        from langchain_huggingface import HuggingFaceEmbeddings

        self._model = HuggingFaceEmbeddings(
            model_name=model,
            model_kwargs={"device": "cpu"},
            encode_kwargs={"prompt": "passage: ", "normalize_embeddings": True},
            query_encode_kwargs={"prompt": "query: ", "normalize_embeddings": True},
        )

    def encode(self, texts: list[str]) -> object:
        return self._model.embed_documents(texts)

    def build(self, passages: Passages, folder: Path) -> None:
        from langchain_community.vectorstores import FAISS

        ids, texts = zip(*passages, strict=True)
        self._store = FAISS.from_texts(texts, self._model, ids=ids)
        self._store.save_local(str(folder))

    def add(self, passages: Passages, folder: Path) -> None:
        ids, texts = zip(*passages, strict=True)
        self._store.add_texts(texts, ids=ids)
        self._store.save_local(str(folder))

    def load(self, folder: Path) -> None:
        from langchain_community.vectorstores import FAISS

        # A pickle that this program wrote a moment ago.
        self._store = FAISS.load_local(str(folder), self._model, allow_dangerous_deserialization=True)

    def ask(self, question: str) -> list[str]:
        return [document.id for document in self._store.similarity_search(question, K)]


# Each with the distributions that it needs, and what it does with one more release.
SYSTEMS: dict[str, tuple[Callable[[str], System], tuple[str, ...], str]] = {
    "ours": (Ours, (), "rebuild, which encodes only what is new"),
    "recipe": (Recipe, ("sentence-transformers", "faiss-cpu"), "`index.add`"),
    "txtai": (Txtai, ("txtai",), "`upsert`"),
    "Haystack": (Haystack, ("haystack-ai", "sentence-transformers-haystack"), "`write_documents`"),
    "LlamaIndex": (LlamaIndex, ("llama-index-core", "llama-index-embeddings-huggingface"), "`insert_nodes`"),
    "LangChain": (LangChain, ("langchain-community", "langchain-huggingface", "faiss-cpu"), "`add_texts`"),
}


def missing(name: str) -> list[str]:
    """The distributions that a system needs and that aren't installed."""
    absent = []
    for distribution in SYSTEMS[name][1]:
        try:
            version(distribution)
        except PackageNotFoundError:
            absent.append(distribution)
    return absent


def prepare(statements: Path, first: int, rounds: int, work: Path) -> None:
    """Write what all systems work from: the statements, one more, their passages, and sentences that should find theirs."""
    from embeddings import models
    from embeddings.encoder import load_encoder
    from qa.corpus import read_corpus
    from qa.index import embedded_text
    from qa.passages import split_release
    from qa.sentences import sentences

    with statements.open(encoding="utf-8") as file:
        lines = [line for line, _ in zip(file, range(first + 1), strict=False)]
    encoder = load_encoder(models.BASE)
    task: dict[str, Any] = {"model": models.resolve(models.BASE), "rounds": rounds}
    for name, part in (("statements", lines[:-1]), ("new", lines[-1:])):
        (work / name).mkdir()
        (work / name / "statements.jsonl").write_text("".join(part), encoding="utf-8")
        releases = {release.id: release for release in read_corpus([work / name]).releases}
        split = [split_release(release, encoder.count_tokens, encoder.max_tokens) for release in releases.values()]
        passages = [passage for each in split for passage in each]
        task[name] = [(passage.id, embedded_text(passage, releases)) for passage in passages]
        if name == "statements":
            chosen = passages[:: max(1, len(passages) // CHECKS)][:CHECKS]
            longest = [max(sentences(passage.text), key=lambda span: span[1] - span[0]) for passage in chosen]
            task["checks"] = [(each.text[start:end], each.id) for each, (start, end) in zip(chosen, longest, strict=True)]
    (work / "task.json").write_text(json.dumps(task), encoding="utf-8")


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(system: System, task: dict[str, Any], folder: Path) -> dict[str, float]:
    """The figures of a warm process. What was built is loaded anew before it is asked."""
    texts = [text for _, text in task["statements"]]
    sample = texts[:: max(1, len(texts) // SAMPLE)][:SAMPLE]
    system.encode(sample[:8])  # warm
    encoding = timed(lambda: system.encode(sample))
    built = timed(lambda: system.build(task["statements"], folder))
    added = timed(lambda: system.add(task["new"], folder))
    system.load(folder)
    for question in QUESTIONS:
        system.ask(question)  # warm
    asked = QUESTIONS * task["rounds"]
    alone = [timed(partial(system.ask, question)) for question in asked]
    with ThreadPoolExecutor(8) as threads:
        together = timed(lambda: list(threads.map(system.ask, asked)))
    itself = [key in system.ask(sentence) for sentence, key in [*task["checks"], *new_checks(task)]]
    return {
        "passages": len(texts),
        "find themselves, %": 100 * statistics.mean(itself),
        "passages encoded a second": len(sample) / encoding,
        "rebuild s": built,
        "one more release s": added,
        "peak memory MB": peak(),
        "index on disk MB": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6,
        "question p50 ms": 1000 * statistics.median(alone),
        "question p95 ms": 1000 * statistics.quantiles(alone, n=20, method="inclusive")[-1],
        "8 threads, ms each": 1000 * together / len(asked),
    }


def new_checks(task: dict[str, Any]) -> list[tuple[str, str]]:
    """The title of the added release and its first passage: it was added."""
    key, text = task["new"][0]
    return [(text[:300], key)]


def peak() -> float:
    """MB of this process in memory at most, mapped files included; of the operating system's own count."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    return next(int(line.split()[1]) / 1e3 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def start_cold(name: str, task: dict[str, Any], folder: Path, started: float) -> dict[str, float]:
    """Seconds since the process was started: until everything is loaded, and until one question is answered."""
    system = SYSTEMS[name][0](task["model"])
    system.load(folder)
    loaded = time.time() - started
    system.ask(QUESTIONS[0])
    return {"cold: loaded s": loaded, "cold: first answer s": time.time() - started}


def run(name: str, work: Path) -> dict[str, float]:
    """All figures of one system, from two processes."""
    figures: dict[str, float] = {}
    for phase in ("warm", "cold"):
        command = [sys.executable, __file__, "--work", str(work), "--only", name, "--phase", phase]
        command += ["--started", str(time.time())]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        figures |= json.loads(done.stdout.splitlines()[-1])
    return figures


def table(rows: dict[str, dict[str, float]]) -> str:
    """Figures by system; those of others with their ratio to the first one's."""
    first = next(iter(rows))
    lines = [f"| | {' | '.join(rows)} |", f"|---|{'---|' * len(rows)}"]
    for figure, decimals in FIGURES.items():
        cells = []
        for name, figures in rows.items():
            ratio = figures[figure] / rows[first][figure]
            compared = name != first and figure not in ("passages", "find themselves, %")
            cells.append(f"{figures[figure]:,.{decimals}f}" + (f" ({ratio:.2g}x)" if compared else ""))
        lines.append(f"| {figure} | {' | '.join(cells)} |")
    lines.append(f"| how one more release is added | {' | '.join(SYSTEMS[name][2] for name in rows)} |")
    return "\n".join(lines)


def versions(names: Sequence[str]) -> str:
    """The distributions that the systems are made of, each once."""
    return ", ".join(f"{each} {version(each)}" for each in dict.fromkeys(each for name in names for each in SYSTEMS[name][1]))


def machine() -> str:
    """The processor, its cores, the memory, and who else is at work."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = names[0] if names else processor
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else float("nan")
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}, "
        f"torch {version('torch')}{load}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("statements", type=Path, nargs="?")
    parser.add_argument("--first", type=int, default=100, help="statements of the file")
    parser.add_argument("--rounds", type=int, default=5, help="times that each question is asked, alone and by 8 threads")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    for hidden, kind in (("--work", Path), ("--phase", str), ("--started", float)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.phase is not None:
        [name] = options.only
        task, folder = json.loads((options.work / "task.json").read_text(encoding="utf-8")), options.work / name
        if Path(task["model"]).is_dir():
            os.environ["HF_HUB_OFFLINE"] = "1"  # nobody waits for an answer from the hub
        if options.phase == "warm":
            print(json.dumps(measure(SYSTEMS[name][0](task["model"]), task, folder)))
        else:
            print(json.dumps(start_cold(name, task, folder, options.started)))
        return
    if options.statements is None:
        parser.error("the following arguments are required: statements")
    print(f"{machine()}; the first {options.first} statements.\n", flush=True)
    rows = {}
    with TemporaryDirectory() as scratch:
        prepare(options.statements, options.first, options.rounds, Path(scratch))
        for name in options.only:
            if absent := missing(name):
                print(f"{name} is skipped: {', '.join(absent)} not installed")
                continue
            print(f"{name} ...", file=sys.stderr, flush=True)
            try:
                rows[name] = run(name, Path(scratch))
            except subprocess.CalledProcessError as error:  # its traceback stands above; the others' figures are not lost
                print(f"{name} failed with status {error.returncode}")
            else:
                print(json.dumps(rows[name]), file=sys.stderr, flush=True)
    print(f"{table(rows)}\n\nWith {versions(list(rows))}" if rows else "nothing was measured")


if __name__ == "__main__":
    main()
