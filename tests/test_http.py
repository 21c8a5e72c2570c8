"""What the HTTP interface answers, in this process; `tests/test_served.py` starts it as a process of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from qa import ACTS, SIDES, Retriever, compare, rebuild
from qa.errors import EmptyCorpus, LedgerDamaged
from qa.retrieve import MAX_K
from server import models
from server.http import create_app
from tests.conftest import CORPUS, FakeEncoder
from tests.library import RECORDS, SEOUL_PORT, record, use_calibration, use_fake_encoder, write_corpus
from tests.test_served import client_of, wait_for

HARBOUR = "Who agreed to widen the harbour of Busan?"
MET = "The two ministers agreed to open a ferry line between Mombasa and Busan. {}"
TALKS = tuple(
    record(20 + year, "Outcome of Korea-Kenya Foreign Ministers' Meeting", f"202{year}-05-01", MET.format(more))
    for year, more in ((2, "Tea growers sent three baskets."), (4, "Visas for students become free of charge."))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("http")
    rebuild([write_corpus(made / "corpus", [*RECORDS, *TALKS])], made / "index", encoder=FakeEncoder())
    return made / "index"


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[FastAPI]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_fake_encoder(monkeypatch)
        use_calibration(monkeypatch)
        yield create_app(folder)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with client_of(app) as client:
        wait_for(client)
        yield client


def problem_of(reply: Any, status: int) -> dict[str, Any]:
    """The problem that `reply` is, in the one form that all have."""
    assert reply.headers["Content-Type"] == "application/problem+json"
    found = reply.json()
    assert dict(models.Problem.model_validate(found, extra="forbid")) | {"errors": found["errors"]} == found
    assert (reply.status_code, found["status"]) == (status, status)
    assert found["request_id"] == reply.headers["X-Request-ID"]
    assert "Traceback" not in reply.text
    return dict(found)


# what is answered


def test_the_answer_is_the_record_of_the_python_interface_and_the_generation(client: TestClient, folder: Path) -> None:
    asked: dict[str, Any] = {
        "question": "And how many million dollars?",
        "history": ["What grain goes to Kenya?"],
        "k": 2,
        "since": "2022-03-01",
    }
    reply = client.post("/retrieve", json=asked)
    retriever = Retriever.current(folder)
    expected = retriever.ask(asked["question"], 2, history=asked["history"], since="2022-03-01").record()
    assert reply.json() == expected | {"generation": retriever.index.generation}
    assert reply.json()["hits"][0]["release_id"] == "m_5676-2"
    assert client.get("/retrieve", params=asked).json() == reply.json()


def test_the_words_go_out_as_they_are_not_as_escapes(client: TestClient) -> None:
    assert "부산항은".encode() in client.post("/retrieve", json={"question": "부산항은 누가 넓히나요?"}).content


def test_releases_come_a_page_at_a_time_and_each_whole(client: TestClient) -> None:
    first = client.get("/releases", params={"limit": 2}).json()
    rest = client.get("/releases", params={"offset": 2}).json()
    ids = [each["id"] for each in first["releases"] + rest["releases"]]
    assert (first["total"], ids) == (5, ["m_5676-1", "m_5676-2", "m_5676-22", "m_5676-24", "m_5676-3"])
    whole = client.get("/releases/m_5676-1").json()
    [paragraph] = whole["paragraphs"]
    assert whole["text"][paragraph["start"] : paragraph["end"]] == SEOUL_PORT
    assert "source" not in whole  # a path of this machine


def test_a_passage_is_found_by_its_id_and_by_its_permalink_as_long_as_the_ledger_has_it(client: TestClient) -> None:
    hit = client.post("/retrieve", json={"question": HARBOUR}).json()["hits"][0]
    for name in (hit["passage_id"], hit["permalink"]):
        found = client.get(f"/passages/{quote(name, safe='')}").json()
        assert (found["text"], found["permalink"], found["until"]) == (hit["text"], hit["permalink"], None)


def test_a_release_is_compared_with_the_one_before_it_or_with_the_one_named(client: TestClient, folder: Path) -> None:
    index = Retriever.current(folder).index
    expected = compare("m_5676-22", "m_5676-24", index=index).record() | {"generation": index.generation}
    assert client.get("/compare", params={"later": "m_5676-24"}).json() == expected
    assert client.get("/compare", params={"later": "m_5676-24", "earlier": "m_5676-22"}).json() == expected
    assert {pair["change"] for pair in expected["pairs"]} == {"new", "repeated", "dropped"}


def test_ready_tells_what_is_read_and_metrics_count_what_was_asked(client: TestClient, folder: Path) -> None:
    ready = client.get("/ready").json()
    assert (ready["releases"], ready["fault"], ready["generation"]) == (5, None, Retriever.current(folder).index.generation)
    client.post("/retrieve", json={"question": HARBOUR})
    client.get("/releases/of-this-id-there-is-none")
    client.get("/a/path/that/holds/a/question")
    told = client.get("/metrics").text
    assert 'qa_answers_total{why="answered"}' in told
    assert 'qa_requests_total{route="/releases/{release_id:path}",status="404"}' in told
    assert 'qa_requests_total{route="none",status="404"}' in told
    assert "question" not in told.replace("Questions, by whether and why not they were answered", "")
    assert "qa_index_releases 5.0" in told


def test_without_an_index_the_server_is_up_but_not_ready_and_says_how_to_become_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_encoder(monkeypatch)
    monkeypatch.setattr("server.served.POLL", 0.01)
    with client_of(create_app(tmp_path / "index")) as client:
        assert client.get("/health").json() == {"status": "ok"}
        wait_for(client, 503, "Build one")
        for reply in (client.get("/ready"), client.get("/retrieve", params={"question": HARBOUR}), client.get("/releases")):
            assert problem_of(reply, 503)["detail"].endswith(f"Build one: qa rebuild --index {tmp_path / 'index'}")
        rebuild([write_corpus(tmp_path / "corpus")], tmp_path / "index", encoder=FakeEncoder())
        wait_for(client)
        assert client.post("/retrieve", json={"question": HARBOUR}).status_code == 200


# ETags and ids


def test_a_reply_is_not_sent_again_while_the_generation_is_the_same(client: TestClient, folder: Path) -> None:
    for address in ("/releases", "/releases/m_5676-1", "/compare?later=m_5676-24", f"/retrieve?question={HARBOUR}"):
        tag = client.get(address).headers["ETag"]
        assert Retriever.current(folder).index.generation in tag
        same = client.get(address, headers={"If-None-Match": f'"other", {tag}'})
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
        assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get("/releases", headers={"If-None-Match": tag}).status_code == 200  # that of another address


def test_another_day_has_another_tag_for_last_year_is_then_another(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime

    tag = client.get("/releases").headers["ETag"]
    monkeypatch.setattr("server.routes.date", type("Later", (), {"today": lambda: datetime.date(2050, 1, 1)}))
    assert client.get("/releases", headers={"If-None-Match": tag}).status_code == 200


def test_a_request_keeps_the_id_it_came_with_but_for_one_that_would_break_the_log(client: TestClient) -> None:
    assert client.get("/health", headers={"X-Request-ID": "my.id-1"}).headers["X-Request-ID"] == "my.id-1"
    for bad in ("", "a b", "x" * 65, "a\x1bb"):
        made = client.get("/health", headers={b"X-Request-ID": bad.encode("latin-1")}).headers["X-Request-ID"]
        assert len(made) == 32
        assert made != bad


# what is logged


def test_the_log_has_a_line_a_request_and_no_question_unless_asked_for(
    folder: Path, app: FastAPI, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.get("/retrieve", params={"question": "zebra harbour"}, headers={"X-Request-ID": "one"})
    client.post("/retrieve", json={"question": "zebra harbour", "k": 0}, headers={"X-Request-ID": "two"})
    client.get("/zebra")
    lines = [each.getMessage() for each in caplog.records if each.name == "server"]
    assert [line.split(" ")[:-2] for line in lines][:2] == [
        ["one", "GET", "/retrieve", "200"],
        ["two", "POST", "/retrieve", "422"],
    ]
    assert not [each for each in caplog.records if "zebra" in each.getMessage() and each.name != "httpx2"]  # the client's own
    with client_of(create_app(folder, log_questions=True)) as speaking:
        wait_for(speaking)
        speaking.post("/retrieve", json={"question": "zebra\nharbour"}, headers={"X-Request-ID": "three"})
    assert 'three asked {"question": "zebra\\nharbour"}' in caplog.text


# what is refused


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ('{"question": ""}', 422, "ask in words"),
        ('{"question": "\\ud800"}', 422, "ask in words"),
        ('{"question": "\\u0000\\u0007"}', 422, "ask in words"),
        ('{"question": "%s"}' % ("w " * 1001), 422, "shorten it"),
        ('{"question": "%s"}' % ("w" * 1_000_000), 413, "ask a shorter question"),
        ('{"question": 5}', 422, "body.question"),
        ('{"question": ["who"]}', 422, "body.question"),
        ('{"questions": "who met whom"}', 422, "body.questions"),
        ('{"question": "who met whom", "\\ud800": 1}', 422, "body"),
        ('{"question": "who met whom", "k": 0}', 422, "body.k"),
        ('{"question": "who met whom", "k": 1e999}', 422, "body.k"),
        ('{"question": "who met whom", "k": NaN}', 422, "body.k"),
        ('{"question": "who met whom", "since": "yesterday"}', 422, "YYYY-MM-DD"),
        ('{"question": "who met whom", "since": "2024-02-01", "until": "2024-01-01"}', 422, "swap them"),
        ('{"question": "who met whom", "side": "mine"}', 422, "body.side"),
        ('{"question": "who met whom", "history": "who"}', 422, "body.history"),
        ('{"question": "who met', 400, "openapi.json"),
        ("[" * 60_000, 400, "openapi.json"),
        ("[]", 422, "body"),
        ("", 422, "body"),
        ("\udcff", 400, "openapi.json"),
    ],
)
def test_a_request_that_cannot_be_used_gets_a_problem_that_names_the_way_out(
    client: TestClient, body: str, status: int, told: str
) -> None:
    content = body.encode("utf-8", "surrogateescape")
    reply = client.post("/retrieve", content=content, headers={"Content-Type": "application/json"})
    assert told in problem_of(reply, status)["detail"]


@pytest.mark.parametrize(
    "asked",
    [
        {"question": "who \ud800 met \x00 the \x1b[31m mayor", "speaker": "\ud800", "history": ["\udfff", "", "\x00"]},
        {"question": "who met whom last year or 5 years ago", "today": "0001-01-01"},
        {"question": "who met whom since 2024 and next month", "today": "9999-12-31"},
        {"question": "who met whom before this month", "today": "0001-01-01"},
        {"question": "who met whom after this year", "today": "9999-12-31"},
    ],
)
def test_a_question_with_odd_characters_or_days_is_answered(client: TestClient, asked: dict[str, Any]) -> None:
    reply = client.post("/retrieve", content=json.dumps(asked), headers={"Content-Type": "application/json"})
    assert reply.status_code == 200
    models.Answer.model_validate_json(reply.content.replace(b"\\ud800", b""), extra="forbid")


@pytest.mark.parametrize(
    ("method", "address", "status", "told"),
    [
        ("GET", "/retrieve", 422, "query.question"),
        ("GET", "/retrieve?question=who+met+whom&nonsense=1", 422, "query.nonsense"),
        ("GET", "/releases/none", 404, "GET /releases"),
        ("GET", "/passages/none", 404, "no release has this id"),
        ("GET", "/passages/m_5676-1%40000000000000%3A0-5", 404, "ledger"),
        ("GET", "/compare?later=none", 404, "the nearest"),
        ("GET", "/compare?later=m_5676-1", 422, "name the one to compare it with"),
        ("GET", "/releases?limit=0", 422, "query.limit"),
        ("GET", "/nothing", 404, "openapi.json"),
        ("DELETE", "/retrieve", 405, "openapi.json"),
        ("GET", "/docs", 404, "openapi.json"),
    ],
)
def test_what_is_not_there_is_a_problem_too(client: TestClient, method: str, address: str, status: int, told: str) -> None:
    assert told in problem_of(client.request(method, address), status)["detail"]


def test_a_body_that_is_not_said_to_be_json_is_refused_with_what_to_say(client: TestClient) -> None:
    reply = client.post("/retrieve", content='{"question": "who met whom"}', headers={"Content-Type": "text/plain"})
    assert "Content-Type: application/json" in problem_of(reply, 415)["detail"]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (LedgerDamaged(Path("ledger.jsonl"), 3), 503, "urn:release-qa:ledger-damaged"),
        (EmptyCorpus([Path("corpus")], []), 503, "urn:release-qa:empty-corpus"),
        (ZeroDivisionError("a secret"), 500, "about:blank"),
    ],
)
def test_an_error_of_ours_names_its_remedy_and_a_fault_only_its_id(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, kind: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("server.routes.find_cited", fail)
    found = problem_of(client.get("/passages/m_5676-1"), status)
    assert found["type"] == kind
    assert ("a secret" in str(found), found["detail"] == str(error)) == (False, status == 503)


# the description


def test_the_models_are_the_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rebuild([CORPUS], tmp_path / "index", encoder=FakeEncoder())
    retriever = Retriever.load(tmp_path / "index", encoder=FakeEncoder())
    whose = {"generation": retriever.index.generation}
    lines = (CORPUS / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    seen = set()
    for line in lines[::6]:
        asked = json.loads(line)
        answer = retriever.ask(asked["question"], history=asked["history"]).record() | whose
        models.Answer.model_validate(answer, extra="forbid")
        seen |= {name for name, value in answer["understood"].items() if value}
    assert seen >= {"searched", "carried", "period", "asked"}
    ids = sorted(retriever.index.releases)
    models.Comparison.model_validate(compare(ids[0], ids[1], index=retriever.index).record() | whose, extra="forbid")


def test_the_models_know_the_sides_acts_and_bounds_of_the_python_interface() -> None:
    assert (get_args(models.Side), get_args(models.Act)) == (SIDES, ACTS)
    assert models.Asking.model_json_schema()["properties"]["k"]["maximum"] == MAX_K


def test_the_description_names_every_route_its_errors_and_the_token_where_one_is_asked_for(client: TestClient) -> None:
    found = client.get("/openapi.json").json()
    routes = ["compare", "health", "metrics", "passages/{passage_id}", "ready", "releases", "releases/{release_id}", "retrieve"]
    assert sorted(found["paths"]) == [f"/{name}" for name in routes]
    for path in found["paths"].values():
        for operation in path.values():
            assert operation["description"]
            assert {"422", "429", "503"} <= operation["responses"].keys()
            for status, reply in operation["responses"].items():
                assert int(status) < 400 or list(reply["content"]) == ["application/problem+json"]
    assert "security" not in found


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_whatever_the_description_allows_and_much_that_it_does_not_is_answered_as_described(
    client: TestClient, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    asked = []
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        with suppress(Unsatisfiable):  # one that takes nothing, or any text, cannot be asked wrongly
            ask_all(client, operation, mode)
            asked.append(operation.path)
    assert {"/retrieve", "/releases", "/compare"} <= set(asked)
    assert mode is not GenerationMode.POSITIVE or len(asked) == 9


def ask_all(client: TestClient, operation: schemathesis.APIOperation[Any, Any, Any, Any], mode: GenerationMode) -> None:
    """Ask a dozen made-up requests for `operation`, and compare the replies with what is said of it."""

    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        sent = case.as_transport_kwargs(base_url="http://localhost")
        del sent["cookies"]  # there are none
        sent["content"] = sent.pop("data", None)
        reply = client.request(**sent)
        case.validate_response(
            reply, checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
        )

    ask()
