"""What people, files and machines may come up with: an error of ours or a right answer, and nothing that a terminal obeys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from qa.cli import main
from qa.corpus import read_corpus
from qa.errors import BadQuestion, IndexMissing, UnreadableSource
from qa.events import find_event
from qa.names import Names
from qa.question import understand
from qa.rebuild import rebuild
from qa.release import LONGEST_TEXT, read_release
from qa.retrieve import Retriever
from qa.source import SourcePage
from qa.speakers import Speakers
from qa.statements import read_statements
from tests.conftest import ROOT, FakeEncoder, release_of
from tests.library import RECORDS, record, retriever_over, use_calibration, use_fake_encoder, write_corpus

ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\x9d0;x\x9c\u202e\u2066\x08\x7f\x00\r"
HARBOUR = "Who agreed to widen the harbour of Busan?"
HARM = "Harbour Talks in Busan" + ESCAPE


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    use_calibration(monkeypatch)
    use_fake_encoder(monkeypatch)


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    return retriever_over(tmp_path_factory.mktemp("hostile"))


def ran(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    """The exit status of a command, and all that it said."""
    status = main([str(each) for each in arguments])
    told = capsys.readouterr()
    return status, told.out + told.err


def obeyed(text: str) -> set[str]:
    """The characters that do more on a terminal than stand there; the progress bar's return to the start of its line aside."""
    return {char for char in text.replace("\r", "") if char != "\n" and not char.isprintable()}


# corpora


def test_a_corpus_of_everything_that_is_no_release_is_read_and_each_thing_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = write_corpus(tmp_path / "corpus", RECORDS)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("A secret\n\n1. It was kept.")
    (corpus / "link.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    (corpus / "folder").symlink_to(tmp_path / "outside")
    (corpus / "round").symlink_to(corpus)
    (corpus / "gone.txt").symlink_to(tmp_path / "nowhere")
    (corpus / "self.txt").symlink_to(corpus / "self.txt")
    os.mkfifo(corpus / "pipe.txt")
    (corpus / "two\nlines\x1b[31m.txt").write_bytes(b"")
    (corpus / "left out x: forged\n9 releases.txt").write_bytes(b"\0")
    with zipfile.ZipFile(corpus / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("bomb.txt", bytes(50 * 2**20))
    shutil.copy(corpus / "bomb.zip", corpus / "bomb.txt")
    with (corpus / "long.txt").open("wb") as file:
        file.truncate(200 * 2**20)
    (corpus / "line.txt").write_bytes(b"a" * 20 * 2**20)
    (corpus / "line.html").write_bytes(b"<html><body>Title<p>" + b"a" * 20 * 2**20 + b"</body></html>")
    (corpus / "deep.json").write_bytes(b"[" * 1_000_000)
    if sys.platform == "linux":  # others have no such names
        (corpus / os.fsdecode(b"\xff\xfe.txt")).write_bytes(b"")
    status, said = ran(capsys, "rebuild", "--corpus", corpus, "--index", tmp_path / "index")
    assert status == 0
    assert "Traceback" not in said
    assert obeyed(said) == set()
    told = [line for line in said.splitlines() if line.startswith("left out")]
    for name in ("link.txt", "gone.txt", "self.txt", "pipe.txt", "two lines[31m.txt", "bomb.zip", "bomb.txt", "long.txt",
                 "line.txt", "line.html", "deep.json"):  # fmt: skip
        assert sum(f"/{name}: " in line for line in told) == 1, name
    assert len(told) == (13 if sys.platform == "linux" else 12)
    assert said.splitlines()[-1].startswith(f"3 releases, 3 passages, {len(told)} left out")


def test_ten_thousand_empty_files_are_left_out_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "0.txt").touch()
    for at in range(1, 10_000):
        os.link(tmp_path / "0.txt", tmp_path / f"{at}.txt")
    read = read_corpus([tmp_path])
    assert (len(read.releases), len(read.left_out)) == (0, 10_000)
    assert {error.reason for error in read.left_out} == {"is empty"}


@pytest.mark.parametrize(
    ("title", "text", "reason"),
    [
        ("Talks", "a" * (LONGEST_TEXT + 1), "has 1000001 characters"),
        ("T" * 5_000, "They met.", "its title has 5000 characters"),
        (None, "T" * 5_000 + "\n\nThey met.", "its title has 5000 characters"),
    ],
)
def test_a_text_or_title_that_nobody_would_publish_is_refused(title: str | None, text: str, reason: str) -> None:
    with pytest.raises(UnreadableSource, match=reason):
        read_release(SourcePage("page.txt", "page", title, None, None, text))


UNITS = ["a", " ", "1 ", "1. ", "1.\n", "-", "- a\n", "* a\n", "a\n* b\n", ",", "(left ", "[", ".", ". ", "A. ", "A", "Aa ",
         "\n", "1\nth\n", "/ end ", "\r\n", "가", "Foreign Minister ", "January 1 ", "Mr. A "]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_a_long_page_of_one_thing_over_and_over_is_read_in_its_length(unit: str) -> None:
    """What took a time that grows with the square of the length took minutes here."""
    started = time.process_time()
    for opening in ("", "A title\n"):
        try:
            read_release(SourcePage("page.txt", "page", None, None, None, f"{opening}{unit * (100_000 // len(unit))}!\n\nb"))
        except UnreadableSource:
            continue
    assert time.process_time() - started < 10  # seconds; a quiet machine takes 1


def test_a_wall_of_nested_brackets_numbers_and_names_is_read_for_speakers() -> None:
    started = time.process_time()
    for unit in UNITS:
        release = release_of(unit * (20_000 // len(unit)) + "!x\n\nb", title="Outcome of Korea-China Talks", date="2024-01-01")
        read_statements(release, 0, len(release.text), Speakers([release]))
    assert time.process_time() - started < 30  # seconds; a quiet machine takes 4


# questions

BAD = ["", " ", "\0", "\x1b", "\u202e\u200f", "\ud800", "?" * 1_000_000, "a" * 1_000_000, "가 " * 500_000, "\n" * 1_000_000]
ODD = [
    HARBOUR.replace(" ", "\0"),
    HARBOUR.replace(" ", "\ud83d "),
    "\u202e" + HARBOUR + "\u2066\u200f",
    HARBOUR + ESCAPE,
    HARBOUR + "\u0301" * 1_000,
    "<script>alert(1)</script> " + HARBOUR,
    HARBOUR + "' OR 1=1; --",
]


@pytest.mark.parametrize("question", BAD, ids=range(len(BAD)))
def test_a_question_without_words_or_without_end_is_an_error_of_ours(
    retriever: Retriever, question: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadQuestion, match=r"empty|shorten"):
        retriever.ask(question)
    monkeypatch.setattr(Retriever, "load", lambda *_, **__: retriever)
    status, said = ran(capsys, "ask", question)
    assert (status, said.count("\n"), obeyed(said)) == (1, 1, set())


@pytest.mark.parametrize("question", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_question_with_odd_characters_is_answered(
    retriever: Retriever, question: str, form: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert retriever.ask(question).hits[0].title == retriever.ask(HARBOUR).hits[0].title
    monkeypatch.setattr(Retriever, "load", lambda *_, **__: retriever)
    status, said = ran(capsys, "ask", question, *form)
    assert (status, obeyed(said)) == (0, set())
    if form:
        assert json.loads(said)["hits"][0]["release_id"]


def test_a_history_of_a_million_characters_is_cut(retriever: Retriever) -> None:
    assert retriever.ask("And where was it held?", history=["a " * 500_000, HARBOUR]).hits
    assert len(retriever.ask("And where was it held?", history=["harbour " * 100_000]).question.carried or "") <= 2_000


def test_the_longest_question_is_understood_at_once_whatever_it_repeats(retriever: Retriever) -> None:
    units = [*UNITS, "before A", "A이전 ", "what was ", "did ", "장관 ", "is also ", "and that ", "in 2022 ", "last year ",
             "시", "van der ", "who ", "“", "한국 "]  # fmt: skip
    names = Names(retriever.index.releases.values())
    started = time.process_time()
    for unit in units:
        for opening in ("", "What a"):
            text = f"{opening}{unit * (1_900 // len(unit))} a?"
            find_event(understand(text, names=names, speakers=retriever.speakers).spelled(text))
    assert time.process_time() - started < 30  # seconds; a quiet machine takes 3


# terminals


@pytest.fixture
def armed(tmp_path: Path) -> Path:
    """A folder with the corpus, and the index of it, whose titles, texts and links would take over a terminal."""
    released = [
        {"title": HARM, "date": "2022-02-28", "url": f"https://example.org/a?b={ESCAPE}> [x](javascript:1)",
         "text": f"1. The two ministers agreed to widen the harbour of Busan.{ESCAPE}\n2. Kim{ESCAPE} thanked Lee."},
        record(7, HARM + " again", "2023-02-28", f"1. The two ministers agreed to close the harbour of Busan.{ESCAPE}"),
    ]  # fmt: skip
    write_corpus(tmp_path / "corpus", released)
    (tmp_path / "corpus" / "bad\x1b[31m\n.txt").write_bytes(b"")
    rebuild([tmp_path / "corpus"], tmp_path / "index", encoder=FakeEncoder())
    return tmp_path


COMMANDS: list[Callable[[Path, list[str]], list[str | Path]]] = [
    lambda place, _: ["rebuild", "--corpus", place / "corpus", "--index", place / "other"],
    lambda place, _: ["rebuild", "--corpus", place / "corpus", "--index", place / "other", "--json"],
    lambda place, _: ["ask", HARBOUR, "--index", place / "index"],
    lambda place, _: ["ask", HARBOUR, "--index", place / "index", "--json"],
    lambda place, ids: ["show", ids[0], "--index", place / "index"],
    lambda place, ids: ["show", ids[0], "--index", place / "index", "--json"],
    lambda place, ids: ["show", ESCAPE, "--index", place / "index"],
    lambda place, ids: ["compare", *ids, "--index", place / "index"],
    lambda place, ids: ["compare", *ids, "--index", place / "index", "--json"],
    lambda place, ids: ["compare", ESCAPE, "--index", place / "index"],
    lambda place, _: ["doctor", "--corpus", place / "corpus", "--index", place / "index"],
    lambda place, _: ["ask", HARBOUR, "--index", place / f"gone{ESCAPE}".replace("\0", "")],
    lambda place, _: ["rebuild", "--corpus", place / f"gone{ESCAPE}".replace("\0", ""), "--index", place / "other"],
    lambda place, _: ["ask", "--batch", place / f"gone{ESCAPE}".replace("\0", "")],
]


@pytest.mark.parametrize("command", range(len(COMMANDS)))
def test_no_command_passes_on_what_a_terminal_obeys(armed: Path, command: int, capsys: pytest.CaptureFixture[str]) -> None:
    ids = sorted(Retriever.load(armed / "index", encoder=FakeEncoder("fake")).index.releases)
    capsys.readouterr()
    _, said = ran(capsys, *COMMANDS[command](armed, ids))
    assert said
    assert obeyed(said) == set()
    assert "Traceback" not in said


def test_json_gives_back_the_text_to_the_letter_all_the_same(armed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, said = ran(capsys, "ask", HARBOUR, "--index", armed / "index", "--json", "-k", "9")
    told = json.loads(said)
    assert any("\x9b31m" in hit["title"] and "\u202e" in hit["text"] for hit in told["hits"])


def test_a_link_holds_nothing_that_ends_it(armed: Path) -> None:
    links = [release.url for release in Retriever.load(armed / "index").index.releases.values() if release.url]
    assert len(links) == 2
    assert all(link.isprintable() for link in links)
    assert not any(char in link for link in links for char in ' <>"`\\')


# machines


def test_an_index_whose_folder_is_gone_goes_on_answering_where_it_is_loaded(tmp_path: Path) -> None:
    retriever = retriever_over(tmp_path)
    shutil.rmtree(tmp_path / "index")
    assert retriever.ask(HARBOUR).hits[0].quotes
    with pytest.raises(IndexMissing):
        Retriever.current(tmp_path / "index")


def test_files_of_the_future_and_of_1970_are_read_as_any(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", RECORDS)
    for at, file in ((4_102_444_800, corpus), *((0, each) for each in corpus.iterdir())):
        os.utime(file, (at, at))
    report = rebuild([corpus], tmp_path / "index", encoder=FakeEncoder())
    os.utime(tmp_path / "index" / "CURRENT", (4_102_444_800, 4_102_444_800))
    assert (report.releases, rebuild([corpus], tmp_path / "index", encoder=FakeEncoder()).changes.unchanged) == (3, 3)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc, in which nobody can write")
def test_a_place_where_nobody_can_write_is_an_error_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = write_corpus(tmp_path / "corpus", RECORDS)
    status, said = ran(capsys, "rebuild", "--corpus", corpus, "--index", "/proc/qa-index")
    assert (status, said.splitlines()[-1].startswith("qa: ")) == (1, True)


def in_a_mount(*lines: str, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` where `lines` of shell have mounted something in `folder`, in a namespace of its own; skips where that is not
    allowed."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespace with mounts of its own can be made here: unshare -rm")
    script = " && ".join([*lines, 'exec "$@"'])
    command = [unshare, "-rm", "sh", "-c", script, "sh", sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


CODE = """
import importlib
from qa.cli import main
from tests.conftest import FakeEncoder
for name in ("qa.rebuild", "qa.retrieve", "qa.doctor"):
    importlib.import_module(name).load_encoder = FakeEncoder
print([main(each) for each in {commands}])
"""


def test_a_file_system_that_is_full_is_an_error_with_the_old_index_standing(tmp_path: Path) -> None:
    write_corpus(tmp_path / "small", RECORDS)
    many = [record(10 + i, f"Lanterns of Ward {i}", "2024-01-01", f"Ward {i} lit {i} lanterns. " * 200) for i in range(60)]
    write_corpus(tmp_path / "large", many)
    (tmp_path / "full").mkdir()
    commands = [["rebuild", "--corpus", "small"], ["rebuild", "--corpus", "large"], ["ask", HARBOUR]]
    code = CODE.format(commands=[[*each, "--index", "full/index"] for each in commands])
    told = in_a_mount("mount -t tmpfs -o size=400k tmpfs full", folder=tmp_path, code=code)
    assert told.stdout.endswith("[0, 1, 0]\n"), told.stderr
    assert "qa: No space left on device" in told.stderr
    assert "harbour of Busan" in " ".join(told.stdout.split())
    assert "Traceback" not in told.stderr


def test_an_index_on_a_file_system_that_is_read_only_answers_and_is_examined(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", RECORDS)
    rebuild([corpus], tmp_path / "index", encoder=FakeEncoder("e5"))
    (tmp_path / "index" / ".lock").unlink(missing_ok=True)
    commands = [["ask", HARBOUR, "--index", "index"], ["doctor", "--index", "index", "--corpus", "corpus"]]
    mounts = ("mount --bind index index", "mount -o remount,ro,bind index")
    commands.append(["rebuild", "--corpus", "corpus", "--index", "index"])
    told = in_a_mount(*mounts, folder=tmp_path, code=CODE.format(commands=commands))
    assert told.stdout.endswith("[0, 0, 1]\n"), told.stdout + told.stderr
    assert "qa: Read-only file system" in told.stderr
