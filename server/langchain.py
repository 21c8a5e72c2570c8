"""LangChain: the releases as a retriever, each document a passage to the letter.

    from server.langchain import ReleaseRetriever
    for document in ReleaseRetriever(k=3).invoke("What did Korea and China agree on supply chains?"):
        print(document.metadata["title"], document.metadata["quotes"][0]["text"])

`pip install 'release-qa[langchain]'` brings what it needs.
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from qa import Answer, Options, ask


class ReleaseRetriever(BaseRetriever):
    """The passages nearest to a question, the nearest first; none, with `answered_only`, where no release answers it.

    `index` and `options` are as `qa.ask` takes them, and its errors are raised. Of a document, `page_content` is the passage,
    and `metadata` whether the releases answer and the fields of a hit as `qa ask --json` prints them; its quotes have offsets
    into the passage. `ainvoke` runs in a thread.
    """

    k: int = 5
    index: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    answered_only: bool = False

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - what LangChain passes
    ) -> list[Document]:
        answer = ask(query, self.k, index=self.index, **Options(**self.options))  # type: ignore[typeddict-item]
        return [] if self.answered_only and not answer.answered else _documents(answer)


def _documents(answer: Answer) -> list[Document]:
    record = answer.record()
    told = {name: record[name] for name in ("answered", "confidence", "reason")}
    return [Document(id=hit["permalink"], page_content=hit.pop("text"), metadata={**told, **hit}) for hit in record["hits"]]
