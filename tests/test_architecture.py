from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import qa
from tests.conftest import ROOT

MODULES = sorted(path.relative_to(ROOT) for folder in ("qa", "embeddings") for path in (ROOT / folder).rglob("*.py"))
PAGE, SERVER = (sorted(path.relative_to(ROOT) for path in (ROOT / name).glob("*.py")) for name in ("page", "server"))
ABOVE = {"app", "page", "server", "streamlit", "fastapi", "starlette", "tests"}


def imported(source: str) -> set[str]:
    """The top-level names of every module imported anywhere in a source file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_nothing_below_the_page_and_the_server_imports_them(module: Path) -> None:
    names = imported((ROOT / module).read_text(encoding="utf-8"))
    assert names & ABOVE == set()
    if module.parts[0] == "embeddings":
        assert "qa" not in names


@pytest.mark.parametrize("module", [Path("app.py"), *PAGE], ids=str)
def test_the_page_asks_the_public_api_and_its_errors_and_nothing_else(module: Path) -> None:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    ours = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in ours if name.startswith(("qa", "embeddings"))} <= {"qa", "qa.errors", "embeddings.errors"}


@pytest.mark.parametrize("module", SERVER, ids=str)
def test_the_server_asks_the_public_api_and_its_errors_and_the_command_line_for_its_options(module: Path) -> None:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = {name for node in froms if (name := node.module or "").startswith(("qa", "embeddings"))}
    assert ours <= {"qa", "qa.errors", "qa.cli.options", "embeddings.errors"}
    assert {alias.name for node in froms if node.module == "qa.cli.options" for alias in node.names} <= {"add_serve_options"}


def test_the_public_api_is_pinned() -> None:
    assert qa.__all__ == [
        "ACTS",
        "SIDES",
        "Answer",
        "Asked",
        "Changes",
        "Cited",
        "Comparison",
        "Corpus",
        "Feedback",
        "Hit",
        "Index",
        "Named",
        "Options",
        "Pair",
        "Paragraph",
        "Period",
        "Place",
        "QaError",
        "Question",
        "Quote",
        "RebuildReport",
        "Release",
        "Retriever",
        "Statement",
        "__version__",
        "ask",
        "bibtex",
        "changes_in",
        "cite",
        "compare",
        "default_corpus",
        "default_feedback",
        "default_index",
        "default_own",
        "find_cited",
        "folder_of",
        "index_place",
        "keep_feedback",
        "link_to",
        "named_in",
        "place_of",
        "read_corpus",
        "rebuild",
        "retrieve",
        "series",
        "show",
        "understand",
    ]


@pytest.mark.parametrize("name", qa.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert inspect.getdoc(getattr(qa, name))


@pytest.mark.parametrize("function", [qa.ask, qa.retrieve], ids=["ask", "retrieve"])
def test_the_two_questions_take_the_same_arguments_options_by_name(function: object) -> None:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    assert [(p.name, p.kind.name) for p in parameters] == [
        ("question", "POSITIONAL_OR_KEYWORD"),
        ("k", "POSITIONAL_OR_KEYWORD"),
        ("index", "KEYWORD_ONLY"),
        ("options", "VAR_KEYWORD"),
    ]


@pytest.mark.parametrize("module", [module for module in [*MODULES, *PAGE, *SERVER] if module.name != "__init__.py"], ids=str)
def test_the_readme_lists_every_module(module: Path) -> None:
    rows = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    name = (
        rf"`(?:{re.escape(module.as_posix())}|{re.escape('.'.join(module.with_suffix('').parts))}|{module.name}|{module.stem})`"
    )
    assert any(re.search(name, row) for row in rows)


def test_every_module_says_at_its_top_what_it_is() -> None:
    silent = [str(module) for module in [*MODULES, *SERVER] if (ROOT / module).read_text(encoding="utf-8").strip()]
    silent = [module for module in silent if not ast.get_docstring(ast.parse((ROOT / module).read_text(encoding="utf-8")))]
    assert silent == []


DIAGRAM = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("```mermaid\n")[2].partition("```")[0]
LAYERS = ("app", "page", "server", "qa", "embeddings")


def stages() -> dict[str, list[str]]:
    """The modules of each stage of the picture, `page.*` and its like resolved."""
    found = {}
    for stage, label in re.findall(r'(\w+)\["[^"<]*<br/>([^"]*)"\]', DIAGRAM):
        named = label.split(", ")
        packages = [name.removesuffix(".*") for name in named if name.endswith(".*")]
        of_packages = [dotted(path) for package in packages for path in sorted((ROOT / Path(*package.split("."))).glob("*.py"))]
        found[stage] = [name for name in named if not name.endswith(".*")] + of_packages
    return found


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(module: str) -> set[str]:
    """The modules of ours that a module imports, by their full names."""
    path = ROOT / Path(*module.split("."))
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in found for alias in node.names} | {node.module or "" for node in found}
    return {name for name in names if name.partition(".")[0] in LAYERS}


def test_the_picture_of_the_flow_shows_every_module_once() -> None:
    shown = sorted(module for modules in stages().values() for module in modules)
    ours = [dotted(ROOT / path) for path in (Path("app.py"), *MODULES, *PAGE, *SERVER)]
    assert shown == sorted(name for name in ours if name not in ("embeddings", "embeddings.errors", "qa.errors"))


def test_every_arrow_of_the_picture_is_an_import() -> None:
    known = stages()
    arrows = re.findall(r"^ +(\w+)(?:\[[^\]]*\])? --> (\w+)", DIAGRAM, re.MULTILINE)
    assert len(arrows) == DIAGRAM.count("-->")
    for one, other in arrows:
        used = {name for module in known[one] for name in imports(module)} & set(known[other])
        using = {name for module in known[other] for name in imports(module)} & set(known[one])
        assert used or using, f"{one} --> {other}"
