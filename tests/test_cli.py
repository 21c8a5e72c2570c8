from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from qa import __version__, cli
from qa.cli import main
from qa.feedback import Feedback, keep_feedback
from qa.generations import building
from qa.retrieve import Retriever
from tests.conftest import ROOT
from tests.library import (
    RECORDS,
    SEOUL_PORT,
    UNRELATED,
    question_line,
    retriever_over,
    use_calibration,
    use_fake_encoder,
    write_corpus,
    write_lines,
)

HARBOUR = "Who agreed to widen the harbour of Busan?"
WIDEN = "The two ministers agreed to widen the harbour of Busan."
VISIT = {"title": "Visit", "date": "2024-01-01", "url": RECORDS[0]["url"][:-1] + "4", "text": "A visit was made."}  # type: ignore[index]
COMMANDS = sorted(cli._parser()._subparsers._group_actions[0].choices)  # type: ignore[union-attr, arg-type]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    retriever_over(folder)
    return folder / "index"


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    use_calibration(monkeypatch)
    return use_fake_encoder(monkeypatch)


class Ran:
    """What one command did: `lines` are its standard output, each as JSON."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def go(*arguments: object) -> Ran:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        printed = capsys.readouterr()
        return Ran(status, printed.out, printed.err)

    return go


# the contract


def test_rebuild_takes_several_corpora_and_reports_to_standard_error(tmp_path: Path, run: Any, models: list[str]) -> None:
    other = tmp_path / "more.txt"
    other.write_text("Lanterns Lit\n\nDate\n2024-01-01\n\nThe minister lit a lantern in Jeonju at dusk.\n", encoding="utf-8")
    corpus = write_corpus(tmp_path / "corpus")
    ran = run("rebuild", "--corpus", corpus, "--corpus", other, "--index", tmp_path / "index", "--model", "made")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.splitlines()[-1] == f"4 releases, 4 passages, 0 left out -> {tmp_path / 'index'}"
    assert models == ["made"]
    assert Retriever.load(tmp_path / "index").index.manifest.model == "made"


def test_rebuild_says_what_it_left_out_and_why(tmp_path: Path, run: Any) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    (corpus / "empty.txt").write_bytes(b"")
    ran = run("rebuild", "--corpus", corpus, "--index", tmp_path / "index")
    assert ran.status == 0
    assert f"left out {corpus / 'empty.txt'}: is empty" in ran.err
    assert "3 releases, 3 passages, 1 left out" in ran.err


def test_rebuild_without_a_corpus_reads_the_default_one(tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_CORPUS", str(write_corpus(tmp_path / "corpus")))
    monkeypatch.setenv("QA_INDEX", str(tmp_path / "index"))
    assert run("rebuild").status == 0
    assert run("ask", HARBOUR, "--json").lines[0]["hits"][0]["release_id"] == "m_5676-1"


def test_ask_prints_one_answer_as_one_json_line(index: Path, run: Any) -> None:
    ran = run("ask", HARBOUR, "-k", 2, "--index", index, "--json")
    assert (ran.status, ran.err, ran.out.count("\n")) == (0, "", 1)
    answer = ran.lines[0]
    assert list(answer) == [
        "id",
        "question",
        "answered",
        "confidence",
        "reason",
        "why",
        "missing",
        "understood",
        "hits",
        "in_time",
    ]
    assert (answer["id"], answer["question"], answer["answered"], answer["reason"]) == (None, HARBOUR, True, None)
    assert answer["understood"] == {
        "searched": HARBOUR,
        **dict.fromkeys(("carried", "since", "until", "said", "period")),
        "asked": {"speaker": None, "side": None, "act": "agreed"},
        "development": False,
    }
    first, second = answer["hits"]
    assert (first["rank"], second["rank"]) == (1, 2)
    assert (first["release_id"], first["title"], first["date"]) == ("m_5676-1", "Harbour Talks Held", "2022-02-28")
    assert (first["paragraph"], first["text"], first["also"]) == (None, SEOUL_PORT, [])
    said = {"speaker": None, "side": None, "act": "agreed", "to": None}
    assert first["quotes"] == [{"text": WIDEN, "start": 0, "end": len(WIDEN), **said}]
    assert first["score"] > second["score"]


def test_ask_keeps_to_the_days_it_is_given(index: Path, run: Any) -> None:
    ran = run("ask", HARBOUR, "--since", "2022-03-10", "--until", "2023-11-25", "--index", index, "--json")
    assert [hit["release_id"] for hit in ran.lines[0]["hits"]] == ["m_5676-2"]
    assert ran.lines[0]["understood"]["since"] == "2022-03-10"


def test_a_batch_answers_line_by_line_under_the_ids_given(index: Path, run: Any, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"id": "b", "question": HARBOUR, "history": []},
        {
            "id": 7,
            "question": "And from which port of Odesa leaves it?",
            "history": ["How much grain will Korea give to Kenya?"],
        },
        {"question": UNRELATED, "history": None},
    ]
    batch = write_lines(tmp_path / "batch.jsonl", lines)
    batch.write_bytes(b"\xef\xbb\xbf" + batch.read_bytes().replace(b"\n", b"\r\n\r\n"))  # as Windows tools write it
    ran = run("ask", "--batch", batch, "-k", 1, "--index", index, "--json")
    assert (ran.status, ran.err) == (0, "")
    assert [line["id"] for line in ran.lines] == ["b", 7, None]
    assert [line["answered"] for line in ran.lines] == [True, True, False]
    assert ran.lines[1]["understood"]["carried"] == "How much grain will Korea give to Kenya?"
    assert ran.lines[1]["hits"][0]["release_id"] == "m_5676-2"
    assert ran.lines[2]["reason"] == "no release mentions “Zebras”, “quietly”, “juggle”"


def test_two_runs_of_a_batch_are_the_same(index: Path, run: Any, tmp_path: Path) -> None:
    batch = write_lines(
        tmp_path / "batch.jsonl", [{"id": str(i), "question": word} for i, word in enumerate(SEOUL_PORT.split())]
    )
    first, second = (run("ask", "--batch", batch, "--index", index, "--json").out for _ in range(2))
    assert first == second


def test_an_empty_batch_is_no_output(index: Path, run: Any, tmp_path: Path) -> None:
    ran = run("ask", "--batch", write_lines(tmp_path / "batch.jsonl", []), "--index", index, "--json")
    assert (ran.status, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize("separator", ["\u2028", "\u0085"])
def test_a_line_separator_inside_a_question_does_not_break_its_line(
    index: Path, run: Any, tmp_path: Path, separator: str
) -> None:
    batch = write_lines(tmp_path / "batch.jsonl", [{"id": f"a{separator}b", "question": HARBOUR.replace(" ", separator)}])
    ran = run("ask", "--batch", batch, "--index", index, "--json")
    assert ran.status == 0
    assert [(line["id"], line["question"]) for line in ran.lines] == [(f"a{separator}b", HARBOUR)]


def test_a_lone_surrogate_in_an_id_comes_back_as_it_was(index: Path, run: Any, tmp_path: Path) -> None:
    (tmp_path / "batch.jsonl").write_text('{"id": "\\ud800", "question": "Who met \\ud800 there?"}\n', encoding="utf-8")
    ran = run("ask", "--batch", tmp_path / "batch.jsonl", "--index", index, "--json")
    assert [(line["id"], line["question"]) for line in ran.lines] == [("\ud800", "Who met there?")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not of the form"),
        ('"text"', "is not of the form"),
        ('{"id": "a"}', "is not of the form"),
        ('{"id": "a", "question": 3}', "is not of the form"),
        ('{"id": "a", "question": "Who?", "history": "before"}', "history is not a list of questions"),
        ('{"id": "a", "question": "Who?", "history": [1]}', "history is not a list of questions"),
        ('{"id": "a", "question": "  "}', "the question is empty"),
        (json.dumps({"id": "a", "question": "x" * 2001}), "more than 2000"),
    ],
)
def test_a_bad_line_of_a_batch_is_named(index: Path, run: Any, tmp_path: Path, line: str, said: str) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text(f'{{"id": "good", "question": "Who?"}}\n\n{line}\n', encoding="utf-8")
    ran = run("ask", "--batch", batch, "--index", index, "--json")
    assert ran.status == 1
    assert f"{batch}:3" in ran.err
    assert said in ran.err


def test_a_batch_that_is_not_utf8_is_our_error(index: Path, run: Any, tmp_path: Path) -> None:
    (tmp_path / "batch.jsonl").write_bytes('{"question": "한국"}'.encode("cp949"))
    ran = run("ask", "--batch", tmp_path / "batch.jsonl", "--index", index, "--json")
    assert (ran.status, ran.out, ran.err) == (1, "", f"qa: {tmp_path / 'batch.jsonl'} is not UTF-8\n")


# exit statuses


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["ask"],
        ["ask", "--no-such-option"],
        ["ask", "Who?", "--batch", "file.jsonl"],
        ["ask", "Who?", "-k", "five"],
        ["rebuild", "extra"],
        ["evaluate", "--check", "--pin"],
        ["evaluate", "--split", "all"],
        ["app", "--port", "http"],
    ],
)
def test_wrong_usage_exits_2_and_says_so_on_standard_error(run: Any, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("usage: qa")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", ""], "the question is empty"),
        (["ask", "Who?", "-k", "0"], "k is 0; ask for 1 to 100"),
        (["ask", "Who?", "--since", "soon"], "since 'soon' is not a date"),
        (["ask", "Who?", "--since", "2023-01-02", "--until", "2023-01-01"], "since 2023-01-02 is after until 2023-01-01"),
        (["ask", "--batch", "nowhere.jsonl"], "No such file or directory: nowhere.jsonl"),
        (["evaluate", "--questions", "nowhere.jsonl"], "No such file or directory: nowhere.jsonl"),
    ],
)
def test_an_error_of_ours_exits_1_with_one_line_on_standard_error(
    index: Path, run: Any, arguments: list[str], said: str
) -> None:
    ran = run(*arguments, "--index", index)
    assert (ran.status, ran.out) == (1, "")
    assert re.fullmatch(r"qa: [^\n]+\n", ran.err)
    assert said in ran.err


def test_a_missing_index_names_the_command(run: Any, tmp_path: Path) -> None:
    ran = run("ask", HARBOUR, "--index", tmp_path / "none", "--json")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == f"qa: no index in {tmp_path / 'none'}. Build one: qa rebuild --index {tmp_path / 'none'}\n"


@pytest.mark.parametrize("damaged", ["CURRENT", "manifest.json", "passages.jsonl", "dense.faiss", "codes.npy"])
def test_a_damaged_index_names_the_command(run: Any, tmp_path: Path, damaged: str) -> None:
    retriever_over(tmp_path)
    file = next((tmp_path / "index").rglob(damaged))
    file.write_bytes(file.read_bytes()[:-3])
    ran = run("ask", HARBOUR, "--index", tmp_path / "index", "--json")
    assert (ran.status, ran.out) == (1, "")
    assert f"Build it anew: qa rebuild --index {tmp_path / 'index'}\n" in ran.err


def test_an_index_of_another_model_names_the_command(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retriever_over(tmp_path)
    load = importlib.import_module("qa.retrieve").load_encoder
    monkeypatch.setattr(importlib.import_module("qa.retrieve"), "load_encoder", lambda name: load("another"))
    ran = run("ask", HARBOUR, "--index", tmp_path / "index", "--json")
    assert ran.status == 1
    assert f"built with another model than 'another' is now. Build it anew: qa rebuild --index {tmp_path / 'index'}" in ran.err


def test_a_corpus_without_a_release_exits_1_and_leaves_the_old_index(run: Any, tmp_path: Path) -> None:
    retriever_over(tmp_path)
    (tmp_path / "bare").mkdir()
    ran = run("rebuild", "--corpus", tmp_path / "bare", "--index", tmp_path / "index")
    assert ran.status == 1
    assert f"no release found in {tmp_path / 'bare'}" in ran.err
    assert run("ask", HARBOUR, "--index", tmp_path / "index", "--json").status == 0


def test_an_interruption_exits_1_without_a_traceback(index: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Retriever, "ask", interrupted)
    ran = run("ask", HARBOUR, "--index", index)
    assert (ran.status, ran.out, ran.err) == (1, "", "qa: interrupted\n")


# the readable form


def test_the_readable_form_shows_title_date_digest_quote_and_link(run: Any, tmp_path: Path) -> None:
    link = "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=5"
    page = (
        f"Digest, not the ministry's words. Official release: {link}\n\nHarbour Talks\n\nDate\n2022-02-28\n\n1. {SEOUL_PORT}\n"
    )
    (tmp_path / "page.txt").write_text(page, encoding="utf-8")
    assert run("rebuild", "--corpus", tmp_path / "page.txt", "--index", tmp_path / "index").status == 0
    ran = run("ask", HARBOUR, "--index", tmp_path / "index")
    assert (ran.status, ran.err) == (0, "")
    assert "1. Harbour Talks (2022-02-28, paragraph 1) [digest, not the ministry's words]" in ran.out
    assert f"»{WIDEN}« They thanked" in " ".join(ran.out.split())
    assert link in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100


def test_the_readable_form_says_plainly_that_no_release_answers(index: Path, run: Any) -> None:
    said = "No release answers this: no release mentions “Zebras”, “quietly”, “juggle” Nearest:"
    assert said in run("ask", UNRELATED, "--index", index).out
    ran = run("ask", HARBOUR, "--index", index, "--since", "2030-01-01")
    assert ran.out.strip().splitlines() == [HARBOUR, "No release answers this: no release lies within these dates"]


def test_the_readable_form_holds_no_control_character(run: Any, tmp_path: Path) -> None:
    hostile = {
        "title": "Harbour\x1b]0;owned\x07 Talks\x1b[2J",
        "date": "2022-02-28",
        "url": "https://example.org/a?b=\x1b[31m",
        "text": f"{SEOUL_PORT} \x1b[31mRed\x1b[0m \x9b5m \u202egnihtyna\u202c \x08\x08",
    }
    write_corpus(tmp_path / "corpus", [hostile])
    assert run("rebuild", "--corpus", tmp_path / "corpus", "--index", tmp_path / "index").status == 0
    ran = run("ask", HARBOUR + "\x1b[5m", "--index", tmp_path / "index")
    assert ran.status == 0
    assert [char for char in ran.out if char != "\n" and not char.isprintable()] == []
    assert "harbour of Busan" in " ".join(ran.out.split())


# help, and whole processes


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Any, command: str) -> None:
    ran = run(command, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(f"usage: qa {command} ")
    assert "--index" in ran.out or command == "collect"


def test_help_lists_every_command_with_what_it_does(run: Any) -> None:
    ran = run("--help")
    assert ran.status == 0
    for command in COMMANDS:
        assert re.search(rf"^ +{command} +\w", ran.out, re.MULTILINE)
    assert {"rebuild", "ask", "app", "evaluate"} <= set(COMMANDS)


def test_help_comes_without_loading_what_computes_or_draws() -> None:
    code = "import sys; from qa.cli import _parser; _parser().format_help(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "qa.cli.starting" in loaded
    assert loaded & {"torch", "transformers", "streamlit", "fastapi", "mcp", "matplotlib", "scipy.optimize"} == set()


def test_the_version_is_that_of_the_package(run: Any) -> None:
    told = run("--version")
    assert (told.status, told.out) == (0, f"qa {__version__}\n")


def qa_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qa.cli", *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False, env=environment)


def test_a_process_prints_korean_as_utf8_whatever_the_terminal_is(tmp_path: Path) -> None:
    done = qa_process("ask", "부산", "--index", tmp_path / "없음")
    assert (done.returncode, done.stdout) == (1, "")
    assert "없음" in done.stderr
    assert "Traceback" not in done.stderr


# evaluate


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    lines = [
        question_line("a", HARBOUR, [(1, WIDEN)]),
        question_line("b", UNRELATED, [], kind="unanswerable"),
        question_line("c", "Which orchard workers are visas waived for?", [(3, "The waiver starts on Monday.")], split="tune"),
        question_line("d", UNRELATED, [], split="tune"),
    ]
    return write_lines(tmp_path / "questions.jsonl", lines)


def test_evaluate_prints_every_figure_with_its_interval(index: Path, run: Any, questions: Path) -> None:
    ran = run("evaluate", "--questions", questions, "--index", index)
    assert (ran.status, ran.err) == (0, "")
    assert "  R@1                            1.000  [1.000, 1.000]  n=1" in ran.out.splitlines()
    assert re.search(r"^  AUROC +1\.000  \[1\.000, 1\.000\]  n=2$", ran.out, re.MULTILINE)
    assert re.search(r"^  p95 ms +\d+  \[\d+, \d+\]  n=2$", ran.out, re.MULTILINE)


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_evaluate_prints_the_figures_as_one_json_object(index: Path, run: Any, questions: Path) -> None:
    ran = run("evaluate", "--questions", questions, "--index", index, "--json")
    assert (ran.status, ran.err) == (0, "")
    assert strict(ran.out)["all"]["R@1"] == {"value": 1.0, "low": 1.0, "high": 1.0, "count": 1}


def test_a_figure_without_a_value_is_null_in_the_json(index: Path, run: Any, tmp_path: Path) -> None:
    questions = write_lines(tmp_path / "q.jsonl", [question_line("a", HARBOUR, [(1, WIDEN)])])
    ran = run("evaluate", "--questions", questions, "--index", index, "--json")
    assert strict(ran.out)["all"]["AUROC"]["value"] is None


def test_evaluate_pins_checks_and_fails_on_a_regression(index: Path, run: Any, questions: Path) -> None:
    asked = ("evaluate", "--questions", questions, "--index", index)
    floors = questions.parent / "floors.json"
    missing = run(*asked, "--check")
    assert (missing.status, "qa evaluate --pin" in missing.err) == (1, True)
    assert run(*asked, "--pin").status == 0
    assert run(*asked, "--check").status == 0
    raised = json.loads(floors.read_text(encoding="utf-8"))
    raised["floors"]["calibration error"] = -1
    floors.write_text(json.dumps(raised), encoding="utf-8")
    fallen = run(*asked, "--check")
    assert fallen.status == 1
    assert re.fullmatch(r"qa: calibration error is 0\.\d{3}, its floor is -1\.000\n", fallen.err)
    lowered = run(*asked, "--pin")
    assert (lowered.status, "say --lower to do so" in lowered.err) == (1, True)
    assert run(*asked, "--pin", "--lower").status == 0
    assert run(*asked, "--check").status == 0


def test_evaluate_keeps_its_floors_where_it_is_told(index: Path, run: Any, questions: Path, tmp_path: Path) -> None:
    run("evaluate", "--questions", questions, "--index", index, "--split", "tune", "--pin", "--floors", tmp_path / "mine.json")
    assert json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))["split"] == "tune"
    assert not (questions.parent / "floors.json").exists()


def test_evaluate_draws_the_curves(index: Path, run: Any, questions: Path, tmp_path: Path) -> None:
    assert run("evaluate", "--questions", questions, "--index", index, "--plot", tmp_path / "curves.svg").status == 0
    assert (tmp_path / "curves.svg").read_text(encoding="utf-8").startswith("<svg")


def test_evaluate_fits_the_confidence_beside_the_module(
    index: Path, run: Any, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.confidence.__file__", str(tmp_path / "confidence.py"))
    ran = run("evaluate", "--questions", questions, "--index", index, "--fit")
    assert ran.status == 0
    fitted = json.loads((tmp_path / "confidence.json").read_text(encoding="utf-8"))
    assert fitted["fitted_on"].startswith("2 questions")
    assert json.dumps(fitted, indent=1) in ran.err


# the page


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `qa app` would become: command and environment."""
    calls: list[Any] = []

    def become(_: str, command: list[str], environment: dict[str, str]) -> None:
        calls.extend((command, environment))
        raise SystemExit(3)

    monkeypatch.setattr(os, "execve", become)
    monkeypatch.chdir(Path.cwd())  # to come back to
    return calls


def test_app_starts_streamlit_on_this_machine_only_without_telemetry(started: list[Any], run: Any, tmp_path: Path) -> None:
    ran = run("app", "--index", tmp_path / "index", "--corpus", tmp_path / "corpus", "--port", 8599)
    command, environment = started
    assert ran.status == 3  # streamlit's own
    assert command[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert Path(command[4]).name == "app.py"
    assert Path(command[4]).is_file()
    said = (
        "--browser.gatherUsageStats=false",
        "--server.address=localhost",
        "--server.port=8599",
        "--server.showEmailPrompt=false",
        "--client.showErrorDetails=none",
    )
    assert set(said) <= set(command)
    assert environment["QA_INDEX"] == str(tmp_path / "index")
    assert environment["QA_CORPUS"] == str(tmp_path / "corpus")


def test_an_installed_page_has_the_settings_of_the_checkouts(started: list[Any], run: Any) -> None:
    run("app")
    for section, settings in tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")).items():
        for name, value in settings.items():
            for key, setting in value.items() if isinstance(value, dict) else [(None, value)]:
                dotted = ".".join(filter(None, (section, name, key)))
                said = str(setting).lower() if isinstance(setting, bool) else setting
                assert dotted == "server.headless" or f"--{dotted}={said}" in started[0]


def test_app_passes_a_relative_folder_on_as_an_absolute_one(
    started: list[Any], run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QA_CORPUS", raising=False)
    run("app", "--index", "mine")
    assert started[1]["QA_INDEX"] == str(tmp_path / "mine")
    assert "QA_CORPUS" not in started[1]


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (["serve", "--port", "8599", "--index", "here"], "server.http"),
        (["mcp", "--index", "here", "--http", "8765"], "server.mcp"),
    ],
)
def test_the_command_becomes_its_server_wherever_it_is_run(
    arguments: list[str], module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[Any] = []

    def execve(*call: Any) -> None:
        became.extend(call)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(arguments)
    path, command, environment = became
    assert path == sys.executable
    assert command == [sys.executable, "-P", "-m", module, *arguments[1:]]
    assert environment["PYTHONPATH"].split(os.pathsep)[0] == str(ROOT)


@pytest.mark.parametrize(("command", "missing"), [("serve", "fastapi"), ("serve", "prometheus_client"), ("mcp", "mcp")])
def test_a_server_without_its_extra_says_what_to_install(
    run: Any, monkeypatch: pytest.MonkeyPatch, command: str, missing: str
) -> None:
    monkeypatch.setattr("qa.cli.starting.find_spec", lambda name: None if name == missing else find_spec(name))
    ran = run(command)
    assert (ran.status, ran.err) == (1, f"qa: {missing} is not installed. pip install 'release-qa[{command}]'\n")


# rebuilding, showing, examining


def test_a_second_rebuild_tells_what_is_new_changed_and_removed(tmp_path: Path, run: Any) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    assert run("rebuild", "--corpus", corpus, "--index", tmp_path / "index").err.splitlines()[-2] == "3 passages encoded"
    write_corpus(corpus, [{**RECORDS[0], "title": "Harbor Talks Held"}, RECORDS[1], VISIT])
    ran = run("rebuild", "--corpus", corpus, "--index", tmp_path / "index")
    told = ["new: m_5676-4", "changed: m_5676-1", "removed: m_5676-3"]
    assert ran.err.splitlines()[-5:-2] == told
    assert ran.err.splitlines()[-2] == "2 passages encoded, the others taken over from the index before"
    [report] = run("rebuild", "--corpus", corpus, "--index", tmp_path / "index", "--json").lines
    assert (report["unchanged"], report["encoded"], report["new"], report["left_out"]) == (3, 0, [], [])


def test_a_second_rebuild_at_once_says_whom_it_waits_for(tmp_path: Path, run: Any) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    with ThreadPoolExecutor(1) as pool:
        with building(tmp_path / "index"):
            waiting = pool.submit(run, "rebuild", "--corpus", corpus, "--index", tmp_path / "index")
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
        ran = waiting.result(30)
    assert ran.status == 0
    assert f"waiting for the rebuild of process {os.getpid()} on " in ran.err


def test_show_prints_a_release_and_what_a_permalink_cites_even_after_an_edit(tmp_path: Path, run: Any) -> None:
    corpus, index = write_corpus(tmp_path / "corpus"), tmp_path / "index"
    run("rebuild", "--corpus", corpus, "--index", index)
    link = run("ask", HARBOUR, "-k", 1, "--index", index, "--json").lines[0]["hits"][0]["permalink"]
    assert run("show", link, "--index", index, "--json").lines[0]["text"] == SEOUL_PORT
    write_corpus(corpus, [{**RECORDS[0], "text": "The two ministers agreed to narrow it."}, *RECORDS[1:]])
    run("rebuild", "--corpus", corpus, "--index", index)
    cited = run("show", link, "--index", index, "--json").lines[0]
    assert (cited["text"], cited["permalink"]) == (SEOUL_PORT, link)
    assert re.search(r"Harbour Talks Held \(2022-02-28\) \[as it read until 20\d\d-", run("show", link, "--index", index).out)
    assert "agreed to narrow it" in run("show", "m_5676-1", "--index", index).out
    missing = run("show", "m_5676-99", "--index", index)
    assert (missing.status, missing.out) == (1, "")
    assert missing.err.startswith("qa: m_5676-99: no release has this id; there are 3")


def test_doctor_names_each_fault_with_its_remedy_and_exits_with_1(tmp_path: Path, run: Any) -> None:
    corpus, index = write_corpus(tmp_path / "corpus"), tmp_path / "index"
    run("rebuild", "--corpus", corpus, "--index", index, "--model", "fake")
    well = run("doctor", "--corpus", corpus, "--index", index)
    assert (well.status, well.err) == (0, "")
    assert all(line.startswith("ok ") for line in well.out.splitlines())
    write_corpus(corpus, RECORDS[:1])
    ill = run("doctor", "--corpus", corpus, "--index", index)
    assert ill.status == 1
    assert f"FAULT corpus        {corpus}: 0 new, 0 changed, 2 removed since the index was built" in ill.out
    assert f"      -> qa rebuild --corpus {corpus} --index {index}" in ill.out
    assert [each["ok"] for each in run("doctor", "--corpus", corpus, "--index", index, "--json").lines].count(False) == 1


def test_evaluate_measures_on_what_readers_said(index: Path, run: Any, tmp_path: Path) -> None:
    kept = tmp_path / "feedback.sqlite"
    keep_feedback(kept, Feedback("1-1", HARBOUR, (), "m_5676-1", WIDEN, True))
    ran = run("evaluate", "--feedback", kept, "--index", index, "--json")
    assert ran.status == 0
    assert ran.lines[0]["all"]["R@1"]["value"] == 1
    assert run("evaluate", "--feedback", kept, "--index", index, "--check").status == 2


# standing questions


@pytest.fixture
def standing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The index of two releases, and a place of its own for standing questions."""
    monkeypatch.setenv("QA_STANDING", str(tmp_path / "standing.sqlite"))
    retriever_over(tmp_path, RECORDS[1:])
    return tmp_path / "index"


def test_a_standing_question_is_kept_listed_and_forgotten(standing: Path, run: Any) -> None:
    kept = run("watch", HARBOUR, "--index", standing)
    assert (kept.status, kept.err) == (0, "")
    assert kept.out.startswith(f"1. {HARBOUR} (since 20")
    assert run("watch").out == kept.out
    [line] = run("watch", "--json").lines
    assert (line["number"], line["text"]) == (1, HARBOUR)
    assert run("watch", "--forget", HARBOUR).out == kept.out
    nothing = run("watch")
    assert (nothing.status, nothing.out, nothing.err) == (0, "", 'no question is kept; qa watch "QUESTION" keeps one\n')


def test_a_rebuild_says_that_a_standing_question_has_news_and_a_report_tells_it_once(standing: Path, run: Any) -> None:
    run("watch", HARBOUR, "--index", standing)
    corpus = write_corpus(standing.parent / "corpus", RECORDS)
    assert f"1 newly answer {HARBOUR!r}: qa watch --report" in run("rebuild", "--corpus", corpus, "--index", standing).err
    feed = standing.parent / "news.atom"
    told = run("watch", "--report", "--index", standing, "--atom", feed)
    assert f"new: {RECORDS[0]['title']} (2022-02-28)" in told.out
    assert f"»{WIDEN}«" in told.out
    assert f"<title>{RECORDS[0]['title']}</title>" in feed.read_text(encoding="utf-8")
    [again] = run("watch", "--report", "--index", standing, "--json", "--atom", feed).lines
    assert (again["question"], again["first"], again["releases"], again["news"]) == (HARBOUR, False, 3, [])
    assert f"<title>{RECORDS[0]['title']}</title>" in feed.read_text(encoding="utf-8")
    assert "newly answer" not in run("rebuild", "--corpus", corpus, "--index", standing).err


def test_a_question_kept_before_there_is_an_index_is_said_to_wait_for_the_first_report(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QA_STANDING", str(tmp_path / "standing.sqlite"))
    assert "the first report will count what is in it then as known" in run("watch", HARBOUR, "--index", tmp_path / "index").err
    retriever_over(tmp_path)
    told = run("watch", "--report", "--index", tmp_path / "index")
    assert "The 3 releases that are there now count as known; the next report tells what is new." in told.out
    assert "Nothing new since" in run("watch", "--report", "--index", tmp_path / "index").out


def test_what_goes_wrong_with_standing_questions_is_no_fault_of_a_rebuild(standing: Path, run: Any) -> None:
    (standing.parent / "standing.sqlite").write_bytes(b"no database, but long enough to be taken for one" * 40)
    ran = run("rebuild", "--corpus", write_corpus(standing.parent / "corpus"), "--index", standing)
    assert ran.status == 0
    assert "cannot be used for standing questions" in ran.err
    assert run("watch").status == 1


def test_a_feed_goes_with_a_report(run: Any) -> None:
    assert run("watch", "--atom", "news.atom").status == 2
    assert run("watch", HARBOUR, "--report").status == 2


# shell completion


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [("wat", "watch"), ("watch --rep", "--report"), ("ask --side th", "theirs"), ("ask --batch questi", "questions.jsonl")],
)
def test_bash_completes_commands_options_choices_and_files(typed: str, completed: str, tmp_path: Path, run: Any) -> None:
    printed = run("--print-completion", "bash")
    assert printed.status == 0
    (tmp_path / "questions.jsonl").touch()
    words = f"COMP_WORDS=(qa {typed}); COMP_CWORD={len(typed.split())}; _shtab_qa; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(["bash", "-c", f"{printed.out}\n{words}"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [completed]
