from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.constraints import DEFAULT, TEST, without_torch
from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ASKED = {
    DEFAULT: [*PROJECT["build-system"]["requires"], *PROJECT["project"]["dependencies"]],
    TEST: PROJECT["project"]["optional-dependencies"]["test"],
}


def pins(name: str) -> list[tuple[Requirement, list[str]]]:
    """The requirements of a file, each with its hashes."""
    lines = re.sub(r"^#.*\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    split = [line.split(" --hash=") for line in lines.splitlines()]
    return [(Requirement(first), [each.strip() for each in hashes]) for first, *hashes in split]


@pytest.mark.parametrize("name", [DEFAULT, TEST])
def test_each_requirement_has_one_version_and_its_hashes(name: str) -> None:
    for requirement, hashes in pins(name):
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes), requirement


@pytest.mark.parametrize("name", [DEFAULT, TEST])
def test_all_that_is_asked_for_but_torch_is_in_the_file_in_a_version_that_will_do(name: str) -> None:
    found: dict[str, list[Requirement]] = {}
    for pinned, _ in pins(name):
        found.setdefault(canonicalize_name(pinned.name), []).append(pinned)
    for asked in map(Requirement, ASKED[name]):
        if asked.name != "torch":
            versions = [next(iter(pinned.specifier)).version for pinned in found.get(canonicalize_name(asked.name), [])]
            assert versions, f"{asked.name} is missing: make constraints"
            assert all(version in asked.specifier for version in versions), f"{asked}: make constraints"


def test_what_the_default_install_gets_was_tested_in_that_version() -> None:
    tested = {(pinned.name, str(pinned.specifier)) for pinned, _ in pins(TEST)}
    assert {(pinned.name, str(pinned.specifier)) for pinned, _ in pins(DEFAULT)} <= tested


@pytest.mark.parametrize("name", [DEFAULT, TEST])
def test_a_file_names_no_address_and_no_file_of_torch(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|^-|^(?:torch|triton|nvidia|cuda)", text, re.MULTILINE)


def test_torch_and_its_cuda_libraries_are_left_out_with_their_hashes() -> None:
    one, torchy = "a==1 \\\n    --hash=sha256:1\n", "torchy==5 \\\n    --hash=sha256:6\n"
    cuda = "nvidia-cudnn-cu13==9 ; sys_platform == 'linux' \\\n    --hash=sha256:2 \\\n    --hash=sha256:3\n"
    assert without_torch(one + cuda + "torch==2 \\\n    --hash=sha256:4\n" + torchy) == one + torchy


@pytest.mark.parametrize(("document", "files"), [("Makefile", [DEFAULT, TEST]), ("README.md", [TEST, DEFAULT])])
def test_the_commands_install_by_the_files_before_the_project(document: str, files: list[str]) -> None:
    lines = [
        line for line in (ROOT / document).read_text(encoding="utf-8").splitlines() if "python -m pip install --no" in line
    ]
    assert [re.findall("-r (\\S+)", line) for line in lines[::2]] == [[name] for name in files]
    assert all("--no-deps" in line for line in lines[::2])
    assert all("--no-build-isolation -e" in line for line in lines[1::2])
