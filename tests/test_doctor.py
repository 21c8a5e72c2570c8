from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qa.doctor import Finding, examine
from qa.errors import IndexUnusable
from qa.generations import building
from qa.index import load_index
from qa.rebuild import rebuild
from tests.conftest import FakeEncoder
from tests.library import RECORDS, record, write_corpus

CHECKS = [
    "dependencies",
    "index",
    "files",
    "vectors",
    "passages",
    "leftovers",
    "room",
    "ledger",
    "corpus",
    "model",
    "self-test",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rebuild([write_corpus(tmp_path / "corpus")], tmp_path / "index", encoder=FakeEncoder())
    return tmp_path / "index"


def found(folder: Path, encoder: FakeEncoder | None = None) -> dict[str, Finding]:
    findings = list(examine(folder, [folder.parent / "corpus"], encoder=encoder or FakeEncoder()))
    assert all(finding.remedy for finding in findings if not finding.ok)
    return {finding.check: finding for finding in findings}


def faults(folder: Path) -> dict[str, Finding]:
    return {name: finding for name, finding in found(folder).items() if not finding.ok}


def generation(folder: Path) -> Path:
    return folder / (folder / "CURRENT").read_text().strip()


def test_a_sound_index_passes_every_check(folder: Path) -> None:
    findings = found(folder)
    assert list(findings) == CHECKS
    assert not faults(folder)
    assert findings["self-test"].detail == "3 of 3 sampled passages find themselves"


def test_without_an_index_the_command_that_builds_one_is_named(tmp_path: Path) -> None:
    missing = found(tmp_path)["index"]
    assert (missing.ok, missing.remedy) == (False, f"qa rebuild --index {tmp_path}")


def test_every_file_with_one_byte_changed_is_a_fault(folder: Path) -> None:
    for path in sorted(each for each in generation(folder).rglob("*") if each.is_file()):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        fault = faults(folder)["index"]
        assert path.relative_to(generation(folder)).as_posix() in fault.detail
        assert fault.remedy == f"qa rebuild --index {folder}"
        path.write_bytes(content)
    assert not faults(folder)


def test_a_large_file_that_loads_though_damaged_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = generation(folder) / "tokens" / "0" / "codes.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    monkeypatch.setattr("qa.generations.check_files.__kwdefaults__", {"hashed_to": 10})
    load_index(folder)
    assert faults(folder)["files"].detail == "tokens/0/codes.npy is damaged"


def other_model(folder: Path) -> dict[str, Finding]:
    return {name: finding for name, finding in found(folder, FakeEncoder("other")).items() if not finding.ok}


def test_another_model_is_a_fault_and_ends_the_examination(folder: Path) -> None:
    findings = other_model(folder)
    assert list(findings) == ["model"]
    assert "built with fake-32" in findings["model"].detail


def newer_corpus(folder: Path) -> None:
    write_corpus(folder.parent / "corpus", [RECORDS[0], record(9, "Lanterns Lit", "2024-01-01", "A lantern was lit.")])


def no_corpus(folder: Path) -> None:
    shutil.rmtree(folder.parent / "corpus")


def leftovers(folder: Path) -> None:
    (folder / ".building-generation").mkdir()
    (folder / "generation-0123456789abcdef").mkdir()


def torn_ledger(folder: Path) -> None:
    (folder / "ledger.jsonl").write_text("{\n")


@pytest.mark.parametrize(
    ("damage", "check", "detail"),
    [
        (newer_corpus, "corpus", "1 new, 0 changed, 2 removed since the index was built"),
        (no_corpus, "corpus", "no release in"),
        (leftovers, "leftovers", ".building-generation, generation-0123456789abcdef"),
        (torn_ledger, "ledger", "ledger.jsonl is damaged in line 1"),
    ],
)
def test_each_fault_is_told_by_its_own_check(folder: Path, damage: Callable[[Path], None], check: str, detail: str) -> None:
    damage(folder)
    findings = faults(folder)
    assert list(findings) == [check]
    assert detail in findings[check].detail


def test_a_build_that_goes_on_is_no_leftover(folder: Path) -> None:
    with building(folder):
        assert found(folder)["leftovers"] == Finding("leftovers", True, "a build is going on")


def test_a_full_disk_is_a_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.doctor.ROOM", 1e12)
    assert list(faults(folder)) == ["room"]


def test_vectors_of_another_length_are_a_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = load_index(folder)
    [segment] = index.search.tokens._segments
    index.search.tokens._segments = [segment._replace(scales=np.zeros_like(segment.scales))]
    monkeypatch.setattr("qa.doctor.open_index", lambda _: index)
    assert faults(folder)["vectors"].detail == "lengths differ from 1 by at most 1.0000"


def test_rows_that_hold_other_passages_do_not_find_themselves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = load_index(folder)
    monkeypatch.setattr("qa.doctor.open_index", lambda _: replace(index, passages=index.passages[::-1]))
    findings = faults(folder)
    assert list(findings) == ["self-test"]
    assert findings["self-test"].detail == "1 of 3 sampled passages find themselves, not m_5676-3#p1, m_5676-1#p1"


def test_a_missing_or_older_dependency_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["numpy>=999", "no-such-package>=1", "pytest>=1", 'never>=1; sys_platform == "none"']
    monkeypatch.setattr("qa.doctor.metadata.requires", lambda _: lines)
    detail = faults(folder)["dependencies"].detail
    assert detail == f"numpy is {np.__version__}, not >=999; no-such-package is missing"


def test_a_damaged_index_is_a_finding_and_no_error(folder: Path) -> None:
    (generation(folder) / "manifest.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(IndexUnusable):
        load_index(folder)
    assert "format 99" in faults(folder)["index"].detail


def test_an_index_that_another_version_of_the_code_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.doctor.CODE", "of tomorrow")
    fault = faults(folder)["corpus"]
    assert fault.detail.endswith("was read by another version of the code")
    assert fault.remedy == f"qa rebuild --corpus {folder.parent / 'corpus'} --index {folder}"
