"""What is kept of an earlier build is bound to the code that made it."""

from __future__ import annotations

import inspect
from importlib import import_module, reload

import pytest

from qa import readers
from tests.test_architecture import imports

# What a page is before it is read is its digest's affair, and an error leaves nothing that could be kept.
ELSEWHERE = {"qa.html", "qa.errors", "embeddings.errors"}


def test_whatever_the_readers_import_of_ours_is_one_of_them() -> None:
    """Else a change of what they import would leave what it made before."""
    known = {module.__name__ for module in readers.READERS} | ELSEWHERE
    modules = {name for reader in readers.READERS for name in imports(reader.__name__) if _is_module(name)}
    assert modules - {"qa", "embeddings"} <= known


def _is_module(name: str) -> bool:
    try:
        return import_module(name).__name__ == name
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("changed", readers.READERS, ids=lambda module: module.__name__)
def test_another_line_in_any_of_the_readers_is_other_code(changed: object, monkeypatch: pytest.MonkeyPatch) -> None:
    before = readers.CODE
    source = inspect.getsource
    with monkeypatch.context() as patched:
        patched.setattr(inspect, "getsource", lambda module: source(module) + "# other" * (module is changed))
        other = reload(readers).CODE
    again = reload(readers).CODE
    assert other != before == again
