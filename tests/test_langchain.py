from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from qa.errors import BadQuestion, IndexMissing
from server.langchain import ReleaseRetriever
from tests.library import RECORDS, SEOUL_PORT, UNRELATED, retriever_over, use_calibration, use_fake_encoder

HARBOUR = "Who agreed to widen the harbour of Busan?"
WIDEN = "The two ministers agreed to widen the harbour of Busan."


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("langchain")
    retriever_over(folder)
    return str(folder / "index")


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    use_calibration(monkeypatch)
    use_fake_encoder(monkeypatch)
    monkeypatch.setattr(importlib.import_module("qa.retrieve"), "_LOADED", {})


def test_a_document_is_a_passage_to_the_letter_with_its_quote_title_date_and_link(index: str) -> None:
    first, *_ = found = ReleaseRetriever(k=2, index=index).invoke(HARBOUR)
    assert len(found) == 2
    assert first.page_content == SEOUL_PORT
    about = first.metadata
    assert (about["title"], about["date"], about["url"]) == ("Harbour Talks Held", "2022-02-28", RECORDS[0]["url"])
    assert (about["paragraph"], about["provenance"], about["answered"], about["reason"]) == (None, "official", True, None)
    assert about["score"] > found[1].metadata["score"]
    assert first.id == about["permalink"]
    [quote] = about["quotes"]
    assert first.page_content[quote["start"] : quote["end"]] == quote["text"] == WIDEN


def test_asked_in_a_coroutine_it_finds_the_same(index: str) -> None:
    retriever = ReleaseRetriever(k=3, index=index)
    assert asyncio.run(retriever.ainvoke(HARBOUR)) == retriever.invoke(HARBOUR)


def test_it_stands_in_a_chain_and_takes_many_questions_at_once(index: str) -> None:
    def dates(documents: list[Document]) -> list[str]:
        return [document.metadata["date"] for document in documents]

    chain = ReleaseRetriever(k=1, index=index) | RunnableLambda(dates)
    assert chain.batch([HARBOUR, "What of grain for Kenya?"]) == [["2022-02-28"], ["2022-03-10"]]


def test_options_bound_what_is_found(index: str) -> None:
    found = ReleaseRetriever(index=index, options={"since": "2022-03-10", "until": "2022-12-31"}).invoke(HARBOUR)
    assert [document.metadata["release_id"] for document in found] == ["m_5676-2"]


def test_where_no_release_answers_the_nearest_say_so_or_are_left_out(index: str) -> None:
    found = ReleaseRetriever(index=index).invoke(UNRELATED)
    assert {document.metadata["answered"] for document in found} == {False}
    assert found[0].metadata["reason"]
    assert ReleaseRetriever(index=index, answered_only=True).invoke(UNRELATED) == []


def test_errors_are_ours(index: str, tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="qa rebuild"):
        ReleaseRetriever(index=str(tmp_path / "none")).invoke(HARBOUR)
    with pytest.raises(BadQuestion, match="shorten it"):
        ReleaseRetriever(index=index).invoke("harbour " * 125_000)
