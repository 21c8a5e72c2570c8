"""What operators are given in `deploy/`: it cannot be started in a test, but what it names must be there."""

from __future__ import annotations

import json
import re
import shlex
import tomllib

import pytest

from qa import cli
from tests.conftest import ROOT

SERVICE = (ROOT / "deploy" / "release-qa.service").read_text(encoding="utf-8")
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    """The arguments of `qa` in the unit and in the container file."""
    started = [shlex.split(line) for line in re.findall(r"^ExecStart(?:Pre)?=\S+/qa (.*)$", SERVICE, re.MULTILINE)]
    entry, default = (json.loads(re.search(rf"^{word} (.*)$", CONTAINER, re.MULTILINE)[1]) for word in ("ENTRYPOINT", "CMD"))  # type: ignore[index]
    assert entry == ["qa"]
    return [*started, default]


def test_the_service_builds_the_index_and_opens_the_page_and_so_does_the_container() -> None:
    assert [cli._parser().parse_args(arguments).command for arguments in commands()] == ["rebuild", "app", "app"]


@pytest.mark.parametrize("text", [SERVICE, CONTAINER], ids=["service", "container"])
def test_its_settings_are_those_of_the_readme_and_its_files_lie_where_it_may_write(text: str) -> None:
    known = re.findall(r"`(QA_\w+)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    settings = dict(re.findall(r"(QA_[A-Z]+)=(\S+)", text))
    assert set(settings) <= set(known)
    assert settings.pop("QA_PUBLIC") == "1"
    assert all(re.match("/var/(?:lib|cache)/release-qa|/data/", place) for place in settings.values())


def test_the_container_gets_the_files_that_make_dist_and_the_checkout_hold_and_the_torch_that_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [torch] = [line for line in project["dependencies"] if line.startswith("torch")]
    assert f" {torch} " in CONTAINER
    assert "COPY constraints.txt dist/release_qa-*.whl /tmp/\n" in CONTAINER
    assert (ROOT / "constraints.txt").is_file()
