from __future__ import annotations

import json
import re
import shlex
import textwrap
from pathlib import Path

import pytest

import qa
import server.langchain
from qa import cli
from qa.retrieve import Retriever
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def command_lines() -> list[list[str]]:
    """The arguments of every `qa` command in the shell blocks, comments and continued lines put right."""
    found = []
    for block in blocks("sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            while words and re.fullmatch(r"\w+=.*", words[0]):
                words.pop(0)
            if words and Path(words[0]).name == "qa":
                stop = next((at for at, word in enumerate(words) if word in ("|", ">", "&&", ";", "<")), len(words))
                found.append(words[1:stop])
    return found


COMMANDS = command_lines()


def examples(docstring: str | None) -> list[str]:
    """The indented blocks of code in a docstring."""
    blocks = re.findall(r"(?:^ {4}.*\n)+", docstring or "", re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


EXAMPLES = [*blocks("python"), *examples(qa.__doc__), *examples(server.langchain.__doc__)]


@pytest.mark.model
@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_of_the_readme_or_a_docstring_runs_against_the_corpus_that_ships(
    block: str, shipped: Retriever, shipped_index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QA_INDEX", str(shipped_index))
    monkeypatch.setattr(Retriever, "current", {None: shipped}.__getitem__)
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102
    assert capsys.readouterr().out.strip()


def test_the_docstrings_have_examples() -> None:
    assert all(" import " in block.split("\n")[0] for block in EXAMPLES)
    assert len(EXAMPLES) == len(blocks("python")) + 2


def test_the_readme_shows_the_api_and_the_commands() -> None:
    assert any("from qa import" in block for block in blocks("python"))
    assert {"rebuild", "ask", "app"} <= {arguments[0] for arguments in COMMANDS}
    assert any("make app" in block for block in blocks("sh"))
    assert any("make test" in block for block in blocks("sh"))


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_of_the_readme_is_one_of_ours(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._parser().parse_args(arguments).command == arguments[0]
    with pytest.raises(SystemExit) as stopped:
        cli.main([arguments[0], "--help"])
    assert stopped.value.code == 0
    assert f"usage: qa {arguments[0]}" in capsys.readouterr().out


def test_every_command_is_in_the_readme() -> None:
    choices = cli._parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert set(choices or ()) == {arguments[0] for arguments in COMMANDS}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", README))) or [""])
def test_a_link_to_a_file_of_the_project_finds_it(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_figures_are_those_that_were_pinned() -> None:
    shown = {
        name: float(value) for name, value in re.findall(r"^\| ([^|]+) \| ([\d.]+) \| [\d.]+ – [\d.]+ \|", README, re.MULTILINE)
    }
    assert shown == json.loads((ROOT / "corpus" / "floors.json").read_text(encoding="utf-8"))["floors"]
