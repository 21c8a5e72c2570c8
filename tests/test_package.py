"""The wheel and the source distribution, built here and looked into."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.build import build_sdist, build_wheel

from tests.conftest import CORPUS, ROOT

PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["root_packages"]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `a.whl`, `a.tar.gz`, and the wheel's files in `installed`, as pip would lay them."""
    folder = tmp_path_factory.mktemp("dist")
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        (folder / build_wheel(str(folder))).rename(folder / "a.whl")
        (folder / build_sdist(str(folder))).rename(folder / "a.tar.gz")
    finally:
        os.chdir(before)
    with zipfile.ZipFile(folder / "a.whl") as wheel:
        wheel.extractall(folder / "installed")  # noqa: S202  (our own wheel)
    return folder


def files(*folders: str) -> set[str]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return {path.relative_to(ROOT).as_posix() for path in found if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_packages_the_page_and_the_corpus_and_nothing_else(dist: Path) -> None:
    with zipfile.ZipFile(dist / "a.whl") as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == {"app.py"} | files(*PACKAGES) | {f"qa/{name}" for name in files("corpus")}


def test_the_wheel_carries_its_licence_and_notices(dist: Path) -> None:
    [licences] = (dist / "installed").glob("*.dist-info/licenses")
    assert {path.name for path in licences.iterdir()} == {"LICENSE", "LICENCES.md", "NOTICE"}


def test_the_source_distribution_holds_what_builds_tests_and_documents_it(dist: Path) -> None:
    with tarfile.open(dist / "a.tar.gz") as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    wanted = files(*PACKAGES, "corpus", "training", "benchmarks", "tests", "docs", "deploy", ".streamlit")
    documents = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENCES.md", "LICENSE", "NOTICE"}
    assert wanted | documents | {"app.py", "pyproject.toml", "Makefile", "constraints.txt", "constraints-test.txt"} <= held


def test_installed_outside_a_checkout_it_finds_its_corpus_and_its_page_and_keeps_the_index_in_the_cache(
    dist: Path, tmp_path: Path
) -> None:
    script = (
        "from importlib.util import find_spec; from qa.corpus import read_corpus; from qa.places import *;"
        "print(len(read_corpus([default_corpus()]).releases), find_spec('app').origin, default_index(), sep='\\n')"
    )
    environment = {**os.environ, "PYTHONPATH": str(dist / "installed"), "QA_CACHE": str(tmp_path / "cache")}
    for name in ("QA_CORPUS", "QA_INDEX"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    releases, page, index = done.stdout.splitlines()
    assert int(releases) == len(list(CORPUS.glob("20*")))
    assert Path(page) == dist / "installed" / "app.py"
    assert Path(index) == tmp_path / "cache" / "index"
