from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from page.conversation import Turn
from page.request import Request, request_from
from page.take_along import as_csv, as_markdown, harmless
from tests.library import RECORDS, record, retriever_over, use_calibration

HARBOUR = "Who agreed to widen the harbour of Busan?"
WIDEN = "The two ministers agreed to widen the harbour of Busan."


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\rx", "＝1"])
def test_a_cell_that_a_spreadsheet_would_run_is_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "1 - 1", "Busan", "“=1”", "2022-02-28"])
def test_any_other_cell_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_conversation_is_exported_with_its_quotes_and_links_and_nothing_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_calibration(monkeypatch)
    hostile = record(4, "=HYPERLINK(1) <b>[x](y)", "2022-03-02", f"{WIDEN} It rained.")
    retriever = retriever_over(tmp_path, [*RECORDS[1:], hostile])
    request = Request(f"={HARBOUR}")
    turns = [Turn(1, request, retriever.ask(request.understood(retriever)), None, dict(retriever.index.releases))]
    rows = list(csv.reader(io.StringIO(as_csv(turns).removeprefix("\ufeff"))))
    first = dict(zip(rows[0], rows[1], strict=True))
    assert first["question"] == f"'={HARBOUR}"
    assert first["title"] == "'=HYPERLINK(1) <b>[x](y)"
    assert (first["quote"], first["paragraph"], first["date"]) == (WIDEN, "1", "2022-03-02")
    assert first["link"].startswith("https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=4#:~:text=")
    assert first["asked again at"].endswith("?q=%3DWho%20agreed%20to%20widen%20the%20harbour%20of%20Busan%3F")
    markdown = as_markdown(turns)
    assert "\\<b\\>\\[x\\]\\(y\\)" in markdown
    assert "> The two ministers agreed to widen the harbour of Busan\\." in markdown


def test_a_link_holds_the_request_and_gives_it_back() -> None:
    request = Request("And when?", ("Who agreed?",), since="2022-01-01", act="agreed", aside=frozenset({"period"}))
    assert request_from(request.parameters("Who agreed?")) == request
    assert request_from({"q": " "}) is None
    assert request_from({}) is None
