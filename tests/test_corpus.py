"""A corpus reads what it can and reports the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from qa.corpus import Corpus, read_corpus
from tests.conftest import OFFICIAL, needs_official

URL = "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=7"


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def record(text: str, title: str = "Talks", url: str = URL) -> str:
    return json.dumps({"title": title, "date": "2021-05-03", "url": url, "text": text})


def ids(corpus: Corpus) -> list[str]:
    return [release.id for release in corpus.releases]


def left_out(corpus: Corpus, folder: Path) -> list[tuple[str, str]]:
    return [(error.origin.removeprefix(f"{folder}/"), error.reason) for error in corpus.left_out]


def test_a_folder_of_every_form_is_read_to_any_depth_in_the_order_of_ids(tmp_path: Path) -> None:
    page = '<html><div class="board_detail"><h2>Talks</h2><div class="bo_con"><p>1. Met.</p></div></div></html>'
    folder = write(
        tmp_path,
        {
            "z.txt": "Talks\n\n1. Met.",
            "2021/may/b.HTML": page,
            "2021/c.htm": page,
            "a.json": record("1. Met.", url=URL + "1"),
            "d.jsonl": record("1. Met.", url=URL + "3") + "\n" + record("1. Met.", url=URL + "2"),
        },
    )
    corpus = read_corpus([folder])
    assert ids(corpus) == ["b", "c", "m_5676-71", "m_5676-72", "m_5676-73", "z"]
    assert corpus.left_out == ()


def test_what_cannot_be_read_is_listed_with_its_reason_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "a.txt": b"",
            "b.txt": b"\0",
            "c.html": "<html><p>Broken",
            "d.jsonl": 'x\n{"title": "T"}\n' + record("1. Met."),
            "e.txt": "1. A paragraph and no title.",
            "f.pdf": "%PDF",
            "g.txt": "Talks\n\n1. Met.",
        },
    )
    corpus = read_corpus([folder])
    assert ids(corpus) == ["g", "m_5676-7"]
    assert left_out(corpus, folder) == [
        ("a.txt", "is empty"),
        ("b.txt", "is binary, not text"),
        ("c.html", "is truncated: it ends before </html>; save the page again"),
        ("d.jsonl:1", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("d.jsonl:2", "the record has no text"),
        ("e.txt", "has no title; put the title on its first line, or save the page as HTML"),
        ("f.pdf", "is not one of .txt, .html, .htm, .json, .jsonl"),
    ]


def test_hidden_files_and_folders_readmes_and_questions_are_passed_over_without_a_word(tmp_path: Path) -> None:
    names = [
        ".a.txt",
        ".git/b.txt",
        "in/.c/d/e.txt",
        "README.txt",
        "readme.md",
        "questions.jsonl",
        "in/Questions-2.json",
        "floors.json",
    ]
    folder = write(tmp_path, dict.fromkeys(names, "not JSON") | {"in/talks.txt": "Talks\n\n1. Met."})
    corpus = read_corpus([folder])
    assert (ids(corpus), corpus.left_out) == (["talks"], ())


def test_a_hidden_folder_above_the_corpus_hides_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path / ".cache" / "corpus", {"talks.txt": "Talks\n\n1. Met."})
    assert ids(read_corpus([folder])) == ["talks"]


def test_links_out_of_the_folder_are_left_out_and_links_within_are_read_once(tmp_path: Path) -> None:
    secret = write(tmp_path / "outside", {"secret.txt": "Secret\n\n1. Met."})
    folder = write(tmp_path / "corpus", {"talks.txt": "Talks\n\n1. Met."})
    (folder / "out.txt").symlink_to(secret / "secret.txt")
    (folder / "outer").symlink_to(secret, target_is_directory=True)
    (folder / "broken.txt").symlink_to(folder / "none.txt")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    corpus = read_corpus([folder])
    assert ids(corpus) == ["talks"]
    assert left_out(corpus, folder) == [("broken.txt", "is not a regular file"), ("out.txt", "is a link out of the folder")]


def test_a_corpus_may_itself_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real", {"talks.txt": "Talks\n\n1. Met."})
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    assert ids(read_corpus([tmp_path / "link"])) == ["talks"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_left_out_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert left_out(read_corpus([tmp_path]), tmp_path) == [("pipe.txt", "is not a regular file")]
    named = read_corpus([tmp_path / "pipe.txt"])
    assert (named.releases, len(named.left_out)) == ((), 1)


def test_single_files_are_read_and_what_is_not_there_is_listed(tmp_path: Path) -> None:
    folder = write(tmp_path, {"talks.txt": "Talks\n\n1. Met.", "notes.md": "x"})
    corpus = read_corpus([folder / "talks.txt", folder / "none", folder / "notes.md"])
    assert ids(corpus) == ["talks"]
    assert left_out(corpus, folder) == [
        ("none", "does not exist"),
        ("notes.md", "is not one of .txt, .html, .htm, .json, .jsonl"),
    ]


def test_an_empty_folder_is_an_empty_corpus(tmp_path: Path) -> None:
    assert read_corpus([tmp_path]) == Corpus((), ())


def test_a_release_met_twice_with_the_same_text_counts_once(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.json": record("1. Met."), "b.json": record("1.  Met.\n/END/")})
    corpus = read_corpus([folder, folder / "a.json"])
    assert (ids(corpus), corpus.left_out) == (["m_5676-7"], ())


@pytest.mark.parametrize("other", [record("1. Parted."), record("1. Met.", title="Other talks")])
def test_of_two_texts_with_one_id_the_first_stands_and_the_other_is_listed(tmp_path: Path, other: str) -> None:
    folder = write(tmp_path, {"a.json": record("1. Met."), "b.json": other})
    corpus = read_corpus([folder])
    assert [(release.title, release.text) for release in corpus.releases] == [("Talks", "1. Met.")]
    assert left_out(corpus, folder) == [("b.json:1", f"m_5676-7 was read with another text from {folder}/a.json:1")]


def test_the_digest_is_of_the_releases_and_not_of_their_files(tmp_path: Path) -> None:
    one, other = record("1. Met."), record("1. Left.", url=URL + "1")
    apart = read_corpus([write(tmp_path / "apart", {"x.json": one, "y.json": other})])
    together = read_corpus([write(tmp_path / "together", {"all.jsonl": f"{other}\n{one}"})])
    assert apart.digest == together.digest
    assert len(apart.digest) == 64


@pytest.mark.parametrize(
    "changed",
    [
        record("1. Left."),
        record("1. Met.", title="Talk"),
        record("1. Met.", url=URL + "1"),
        record("1. Met.").replace("2021-05-03", "2021-05-04"),
        record("- Sub -\n1. Met."),
        record(f"Digest, not the ministry's words. Official release: {URL}\n1. Met."),
    ],
)
def test_whatever_a_reader_sees_changes_the_digest(tmp_path: Path, changed: str) -> None:
    before = read_corpus([write(tmp_path / "before", {"a.json": record("1. Met.")})])
    after = read_corpus([write(tmp_path / "after", {"a.json": changed})])
    assert len(before.releases) == len(after.releases) == 1
    assert before.digest != after.digest


@needs_official
def test_the_fifty_official_releases_are_read_and_none_is_left_out() -> None:
    corpus = read_corpus([OFFICIAL])
    assert len(corpus.releases) == 50
    assert corpus.left_out == ()
    assert ids(corpus)[:3] == ["korea-china-busan-meeting", "korea-china-virtual-meeting", "m_5674-320821"]
    assert ids(corpus)[-1] == "m_5689-319654"
    assert {release.provenance for release in corpus.releases} == {"official"}
    assert sum(release.date_source == "stated" for release in corpus.releases) == 48
