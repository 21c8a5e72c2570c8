from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from embeddings.encoder import Encoded, Progress, Role
from embeddings.search import Query
from qa.corpus import Corpus, read_corpus
from qa.errors import IndexMissing, IndexUnusable
from qa.index import FORMAT, build_index, changes_in, load_index
from qa.ledger import Changes
from qa.passages import context, split_release
from tests.conftest import CORPUS, FakeEncoder
from tests.library import GRAIN, RECORDS, record, write_corpus

NINTH = record(9, "Other Grain Decided", "2024-01-02", GRAIN)
FILES = (
    "dense.faiss",
    "manifest.json",
    "passages.jsonl",
    "pooled.npy",
    "releases.jsonl",
    "tokens/0/codes.npy",
    "tokens/0/scales.npy",
    "tokens/0/spans.npy",
    "tokens/rows.npy",
    "words/data.csc.index.npy",
    "words/indices.csc.index.npy",
    "words/indptr.csc.index.npy",
    "words/params.index.json",
    "words/times.npy",
    "words/vocab.index.json",
)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return read_corpus([write_corpus(tmp_path / "corpus")])


@pytest.fixture
def folder(tmp_path: Path, corpus: Corpus, encoder: FakeEncoder) -> Path:
    """A folder with an index."""
    build_index(corpus, encoder, tmp_path / "index")
    return tmp_path / "index"


def other_corpus(folder: Path) -> Corpus:
    return read_corpus([write_corpus(folder / "other", [record(9, "Other Grain Decided", "2024-01-02", GRAIN)])])


def generation(folder: Path) -> Path:
    return folder / (folder / "CURRENT").read_text().strip()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def assert_whole(folder: Path) -> None:
    """One generation, the file that names it, the ledger, and nothing else."""
    assert visible(folder) == ["CURRENT", generation(folder).name, "ledger.jsonl"]


def assert_refused(folder: Path, reason: str = "") -> None:
    with pytest.raises(IndexUnusable, match=reason) as caught:
        load_index(folder)
    assert str(caught.value).endswith(f"Build it anew: qa rebuild --index {folder}")


class FailingEncoder(FakeEncoder):
    """Fails on the texts that a rebuild encodes."""

    def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
        raise MemoryError("in the middle of encoding")


def test_releases_and_passages_come_back_as_they_were(tmp_path: Path, encoder: FakeEncoder) -> None:
    """Over the digests that ship: numbers, points, notes, dates inferred and stated, several generations of pages."""
    corpus = read_corpus([CORPUS])
    manifest, _ = build_index(corpus, encoder, tmp_path / "index")
    index = load_index(tmp_path / "index")
    assert tuple(index.releases.values()) == corpus.releases
    expected = [p for release in corpus.releases for p in split_release(release, encoder.count_tokens, encoder.max_tokens)]
    assert list(index.passages) == expected
    assert len(index.search) == len(expected) == manifest.passages
    assert index.manifest == manifest


def test_the_manifest_says_what_was_built(folder: Path, corpus: Corpus) -> None:
    manifest = load_index(folder).manifest
    assert (manifest.format, manifest.model, manifest.fingerprint, manifest.dimension) == (FORMAT, "fake", "fake-32", 32)
    assert (manifest.releases, manifest.passages, manifest.corpus_digest) == (3, 3, corpus.digest)
    assert sorted(manifest.files) == sorted(set(FILES) - {"manifest.json"})
    assert manifest.files["dense.faiss"][0] == (generation(folder) / "dense.faiss").stat().st_size


def test_row_i_holds_passage_i_with_its_title_and_date_in_front(folder: Path, encoder: FakeEncoder) -> None:
    index = load_index(folder)
    for row, passage in enumerate(index.passages):
        text = context(index.releases[passage.release_id]) + passage.text
        found = index.search.search(Query.encode([text], encoder)[0])
        assert found.rows[0] == row
        assert found.dense[0] == pytest.approx(1, abs=1e-5)
        assert index.search.tokens.spans(row)[-1, 1] == len(text) - 1  # its last word, before the full stop


def test_a_folder_holds_one_generation_and_the_file_that_names_it(folder: Path) -> None:
    assert_whole(folder)
    assert sorted(contents(generation(folder))) == sorted(FILES)


@pytest.mark.parametrize("where", ["nothing", "empty", "file"])
def test_no_index_is_missing_and_the_command_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexMissing, match=r"Build one: qa rebuild --index") as caught:
        load_index(tmp_path / where)
    assert caught.value.folder == tmp_path / where


def flip_last_byte(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def flip_middle_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_last_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = [flip_last_byte, flip_middle_byte, cut_last_byte, emptied, replaced_by_a_folder, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", FILES)
def test_every_damaged_file_makes_the_index_unusable(folder: Path, name: str, damage: Callable[[Path], None]) -> None:
    damage(generation(folder) / name)
    assert_refused(folder, name)


@pytest.mark.parametrize("field", ["corpus_digest", "fingerprint", "model", "releases"])
def test_a_manifest_changed_by_hand_is_refused(folder: Path, field: str) -> None:
    path = generation(folder) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: 7}))
    assert_refused(folder, "manifest.json is missing or damaged")


@pytest.mark.parametrize("more", [{}, {"field_of_tomorrow": 1}])
def test_another_format_is_named_even_where_it_has_other_fields(folder: Path, more: dict[str, int]) -> None:
    path = generation(folder) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99} | more))
    assert_refused(folder, f"it has format 99, this version reads {FORMAT}")


@pytest.mark.parametrize("name", ["", ".", "..", "../elsewhere", "/", "generation-gone", "generation-\0", "x" * 5000, "tokens"])
def test_current_can_only_name_a_generation_of_its_folder(folder: Path, name: str) -> None:
    shutil.copytree(generation(folder), folder.parent, dirs_exist_ok=True)  # ".." would be a whole generation
    shutil.copytree(generation(folder), folder.parent / "elsewhere")
    (folder / "CURRENT").write_text(name)
    assert_refused(folder, "CURRENT names")


def test_a_path_to_a_whole_generation_elsewhere_is_refused(folder: Path) -> None:
    elsewhere = folder.parent / generation(folder).name
    shutil.copytree(generation(folder), elsewhere)
    (folder / "CURRENT").write_text(str(elsewhere))
    assert_refused(folder, "CURRENT names")


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_current_that_cannot_be_read_is_unusable(folder: Path, content: bytes | None) -> None:
    (folder / "CURRENT").unlink()
    if content is None:
        (folder / "CURRENT").mkdir()
    else:
        (folder / "CURRENT").write_bytes(content)
    assert_refused(folder, "CURRENT cannot be read")


def test_a_damaged_index_is_mended_by_the_next_build(folder: Path, corpus: Corpus, encoder: FakeEncoder) -> None:
    (generation(folder) / "dense.faiss").unlink()
    build_index(corpus, encoder, folder)
    assert len(load_index(folder).passages) == 3
    assert_whole(folder)


def test_an_encoder_that_fails_leaves_the_old_index_as_it_was(folder: Path) -> None:
    before = contents(folder)
    with pytest.raises(MemoryError, match="in the middle of encoding"):
        build_index(other_corpus(folder.parent), FailingEncoder(), folder)
    assert contents(folder) == before
    assert list(load_index(folder).releases) == ["m_5676-1", "m_5676-2", "m_5676-3"]


def test_the_old_index_answers_until_the_new_one_is_whole(folder: Path, encoder: FakeEncoder) -> None:
    seen: list[list[str]] = []
    build_index(other_corpus(folder.parent), encoder, folder, lambda *_: seen.append(list(load_index(folder).releases)))
    assert seen == [["m_5676-1", "m_5676-2", "m_5676-3"]]
    assert list(load_index(folder).releases) == ["m_5676-9"]
    assert_whole(folder)


def test_what_a_killed_build_left_behind_is_cleared_away(folder: Path, encoder: FakeEncoder) -> None:
    for debris in (".building-killed", "generation-0123456789abcdef"):
        (folder / debris).mkdir()
        (folder / debris / "releases.jsonl").write_text("half")
    (folder / ".CURRENT").write_text("half")
    build_index(other_corpus(folder.parent), encoder, folder)
    assert_whole(folder)


def test_an_index_loaded_before_a_rebuild_goes_on_answering(folder: Path, encoder: FakeEncoder) -> None:
    index = load_index(folder)
    build_index(other_corpus(folder.parent), encoder, folder)
    found = index.search.search(Query.encode(["orchard visas"], encoder)[0])
    assert index.passages[found.rows[0]].release_id == "m_5676-3"


def test_a_rebuild_while_the_index_is_being_read_is_no_damage(
    folder: Path, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generation goes between the reading of CURRENT and of its files; the new one is read instead."""
    index: Any = import_module("qa.index")
    check, other = index.check_files, other_corpus(folder.parent)

    def replaced_first(*arguments: Any, **options: Any) -> None:
        monkeypatch.setattr(index, "check_files", check)
        build_index(other, encoder, folder)
        check(*arguments, **options)

    monkeypatch.setattr(index, "check_files", replaced_first)
    assert list(load_index(folder).releases) == ["m_5676-9"]


def test_the_same_corpus_gives_the_same_bytes_in_whatever_order_its_files_come(tmp_path: Path, encoder: FakeEncoder) -> None:
    paths = [write_corpus(tmp_path / str(i), [each]) for i, each in enumerate(RECORDS)]
    build_index(read_corpus(paths), encoder, tmp_path / "one")
    build_index(read_corpus(paths[::-1]), encoder, tmp_path / "other")
    one, other = (contents(generation(tmp_path / name)) for name in ("one", "other"))
    assert one == other
    assert sorted(one) == sorted(FILES)


def test_a_second_build_of_the_same_corpus_replaces_the_first(folder: Path, corpus: Corpus, encoder: FakeEncoder) -> None:
    first = contents(generation(folder))
    for _ in range(2):
        build_index(corpus, encoder, folder)
        assert contents(generation(folder)) == first
        assert_whole(folder)


def test_another_word_gives_another_generation(folder: Path, corpus: Corpus, encoder: FakeEncoder) -> None:
    before = generation(folder).name
    changed = replace(corpus, releases=(replace(corpus.releases[0], title="Harbor Talks Held"), *corpus.releases[1:]))
    build_index(changed, encoder, folder)
    assert generation(folder).name != before


def test_of_two_builders_at_once_the_second_waits_and_wins(folder: Path, corpus: Corpus) -> None:
    inside, go_on = Event(), Event()

    class SlowEncoder(FakeEncoder):
        def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
            inside.set()
            assert go_on.wait(20)
            return super().encode(texts, role, progress)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(build_index, corpus, SlowEncoder(), folder)
        assert inside.wait(20)
        second = threads.submit(build_index, other_corpus(folder.parent), FakeEncoder(), folder)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.3)
        assert len([name for name in visible(folder) if name.startswith(".building-")]) == 1
        go_on.set()
        assert (first.result(20)[0].releases, second.result(20)[0].releases) == (3, 1)
    assert list(load_index(folder).releases) == ["m_5676-9"]
    assert_whole(folder)


def test_many_builders_and_readers_at_once_never_meet_half_an_index(folder: Path, corpus: Corpus) -> None:
    other = other_corpus(folder.parent)

    def build(turn: int) -> None:
        build_index(other if turn % 2 else corpus, FakeEncoder(), folder)

    def read(_: int) -> int:
        return len(load_index(folder).releases)

    with ThreadPoolExecutor(6) as threads:
        builds = threads.map(build, range(8))
        reads = threads.map(read, range(60))
        assert set(reads) <= {1, 3}
        assert list(builds) == [None] * 8
    assert_whole(folder)


def test_releases_that_are_as_they_were_are_neither_split_nor_encoded_nor_copied(
    folder: Path, corpus: Corpus, encoder: FakeEncoder
) -> None:
    counted: list[str] = []
    encoded: list[str] = []

    class Watched(FakeEncoder):
        def count_tokens(self, texts: Sequence[str]) -> list[int]:
            counted.extend(texts)
            return super().count_tokens(texts)

        def encode(self, texts: Sequence[str], role: Role, progress: Progress | None = None) -> Encoded:
            encoded.extend(texts)
            return super().encode(texts, role, progress)

    before = load_index(folder)
    inode = (generation(folder) / "tokens" / "0" / "codes.npy").stat().st_ino
    more = read_corpus([write_corpus(folder.parent / "more", [*RECORDS, record(9, "Other Grain", "2024-01-02", GRAIN)])])
    _, changes = build_index(more, Watched(), folder)
    assert (changes.new, changes.encoded) == (("m_5676-9",), 1)
    assert counted
    assert not any("harbour" in text or "Visas" in text for text in [*counted, *encoded])
    assert len(encoded) == 1
    assert (generation(folder) / "tokens" / "0" / "codes.npy").stat().st_ino == inode
    after = load_index(folder)
    assert after.passages[:3] == before.passages
    build_index(more, encoder, folder.parent / "fresh")
    fresh = load_index(folder.parent / "fresh")
    for text in ("orchard visas", "grain for Kenya", "harbour"):
        found, expected = (index.search.search(Query.encode([text], encoder)[0]) for index in (after, fresh))
        assert found.rows.tolist() == expected.rows.tolist()
        assert found.score.tolist() == expected.score.tolist()


def test_what_a_rebuild_would_change_is_told_beforehand(folder: Path, corpus: Corpus) -> None:
    assert changes_in(corpus, load_index(folder)) == Changes(unchanged=3)
    more = read_corpus(
        [write_corpus(folder.parent / "more", [{**RECORDS[0], "title": "Harbor Talks Held"}, RECORDS[1], NINTH])]
    )
    assert changes_in(more, load_index(folder)) == Changes(("m_5676-9",), ("m_5676-1",), ("m_5676-3",), 1)
