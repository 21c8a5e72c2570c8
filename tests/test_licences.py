from __future__ import annotations

import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

ROW = re.compile(r"^\| ([\w.-]+) \| ([^|]*) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
LISTED = {
    name: (versions, licence, of) for name, versions, licence, of in ROW.findall((ROOT / "LICENCES.md").read_text("utf-8"))
}


def required() -> dict[str, tuple[str, str]]:
    """What pyproject.toml asks for: the versions, and the install or extras it is of."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, tuple[str, str]] = {}
    for of, lines in {"default": project["dependencies"], **project["optional-dependencies"]}.items():
        for line in lines:
            name, versions = re.match(r"([\w.-]+)([^;\[]*)", line).groups()  # type: ignore[union-attr]
            found[name] = (versions.strip(), f"{found[name][1]}, {of}" if name in found else of)
    return found


def stated(package: str) -> str:
    """What the installed package's metadata says of its licence; a text of many lines is passed over for its classifiers."""
    known = metadata.metadata(package)
    short = [text for field in ("License-Expression", "License") for text in known.get_all(field) or [] if "\n" not in text]
    return " ".join(short or [each for each in known.get_all("Classifier") or [] if each.startswith("License")])


def test_every_package_that_is_asked_for_is_listed_with_its_versions_and_what_for() -> None:
    rows = {name: (versions, of) for name, (versions, _, of) in LISTED.items() if name != "package"}
    assert rows == required()


@pytest.mark.parametrize("package", [name for name, (_, of) in required().items() if of != "peers"])
def test_the_licence_listed_is_the_one_that_the_package_states(package: str) -> None:
    try:
        known = stated(Requirement(package).name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    licence = LISTED[package][1]
    assert re.split(r"-\d|,| or ", licence)[0] in known  # a classifier says "Apache Software License", not which version
    assert "GPL" not in known or "GPL" in licence
