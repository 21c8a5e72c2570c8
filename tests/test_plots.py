from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers, plots
from benchmarks.machine import write_figures

SIZES = (1_000, 10_000, 100_000)
FIGURES = {figure for _, curves in plots.GROWTH for figure in curves.values()}


def grown() -> list[dict[str, float | str]]:
    """Made up: what grows a hundredfold."""
    return [{"passages": size, **dict.fromkeys(sorted(FIGURES), size / 100), "index": "flat"} for size in SIZES]


def beside() -> dict[str, dict[str, float]]:
    """Made up: two systems, one of which takes twice as much of everything."""
    return {"ours": dict.fromkeys(peers.FIGURES, 2.0), "recipe": dict.fromkeys(peers.FIGURES, 4.0)}


def data(told: dict[str, Any], chart: dict[str, Any]) -> list[dict[str, Any]]:
    """What a chart is drawn from."""
    values: list[dict[str, Any]] = told["datasets"][chart["data"]["name"]]
    return values


def test_figures_grow_on_log_axes_and_a_line_marks_where_the_search_changes() -> None:
    told = plots.growth(grown()).to_dict()
    for picture, (unit, curves) in zip(told["vconcat"], plots.GROWTH, strict=True):
        lines, bend = picture["layer"]
        assert [lines["encoding"][axis]["scale"]["type"] for axis in "xy"] == ["log", "log"]
        assert lines["encoding"]["y"]["title"] == unit
        values = data(told, lines)
        assert {value["what"] for value in values} == set(curves)
        assert sorted({(value["passages"], value["value"]) for value in values}) == [(size, size / 100) for size in SIZES]
        assert data(told, bend) == [{"passages": 30_000}]


def test_what_took_nothing_has_no_place_on_a_log_axis() -> None:
    rows = grown()
    rows[0]["load s"] = 0.0
    told = plots.growth(rows).to_dict()
    assert len(data(told, told["vconcat"][1]["layer"][0])) == 8


def test_systems_are_drawn_by_their_ratio_to_the_first() -> None:
    told = plots.compared(beside()).to_dict()
    values = data(told, told)
    assert {(value["system"], value["ratio"]) for value in values} == {("ours", 1.0), ("recipe", 2.0)}
    assert {value["figure"] for value in values} == set(peers.FIGURES) - set(peers.NOT_COMPARED)


def test_the_page_has_pictures_tables_machine_and_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "scale.py"), "statements.jsonl", "--base", "50"])
    write_figures(tmp_path / "scale.json", "A machine, 2 cores", grown())
    write_figures(tmp_path / "peers.json", "Another machine", beside())
    arguments = [str(tmp_path / "scale.json"), str(tmp_path / "peers.json"), "--into", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["plots.py", *arguments])
    plots.main()
    page = (tmp_path / "figures.md").read_text(encoding="utf-8")
    for told in (
        "python -m benchmarks.scale statements.jsonl --base 50",
        "A machine, 2 cores.",
        "Another machine.",
        "![How it grows with the corpus](growth.svg)",
        "| rebuild s | 2.0 | 4.0 (2x) |",
        "| load s | 10 | 100 | 1e+03 |",
        "30,000 passages",
    ):
        assert told in page
    for name in ("growth.svg", "peers.svg"):
        assert (tmp_path / name).read_text(encoding="utf-8").startswith("<svg ")
        assert (tmp_path / name).stat().st_size < 100_000
    assert json.loads((tmp_path / "scale.json").read_text())["rows"] == grown()
