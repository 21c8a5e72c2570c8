"""What is measured by `benchmarks.peers`: this project and what people use instead, each as an index in a folder.

Only the standard library is imported up here: a process holds, and is charged for, only what its own system needs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

K = 5  # passages asked for

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
        self._lock = Lock()  # as its own `txtai.app` has: two threads that ask at once get "Recursive use of cursors"

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
        with self._lock:
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


def versions(names: Sequence[str]) -> str:
    """The distributions that the systems are made of, each once."""
    return ", ".join(f"{each} {version(each)}" for each in dict.fromkeys(each for name in names for each in SYSTEMS[name][1]))
