from __future__ import annotations

import re
from pathlib import Path

import altair as alt
import pytest

from qa import plot
from qa.errors import QaError
from qa.measure import Outcome
from qa.plot import FORMATS, draw
from tests.library import outcome

OUTCOMES = [outcome(f"q{i:02}", confidence=i / 20, ranks=(1,) if i % 3 else ()) for i in range(20)]
MAGIC = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<svg ", ".html": b"<!DOCTYPE html>"}


@pytest.mark.parametrize("suffix", [*FORMATS, ".PNG"])
def test_the_curves_are_drawn_in_the_format_of_the_ending(tmp_path: Path, suffix: str) -> None:
    draw(OUTCOMES, tmp_path / f"curves{suffix}")
    drawn = (tmp_path / f"curves{suffix}").read_bytes()
    assert drawn.lstrip().startswith(MAGIC[suffix.lower()])
    assert len(drawn) > 5_000


def test_a_drawing_names_what_its_axes_show(tmp_path: Path) -> None:
    draw(OUTCOMES, tmp_path / "curves.svg")
    drawn = (tmp_path / "curves.svg").read_text(encoding="utf-8")
    for words in ("share of questions answered", "share of those answered wrongly", "confidence", "share with an answer shown"):
        assert words in drawn


def test_a_page_fetches_nothing(tmp_path: Path) -> None:
    draw(OUTCOMES, tmp_path / "curves.html")
    page = (tmp_path / "curves.html").read_text(encoding="utf-8")
    page = re.sub(r"(<script[^>]*>).*?</script>", r"\1", page, flags=re.DOTALL)
    assert "<script" in page
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=", page) == []


@pytest.mark.parametrize("name", ["curves.pdf", "curves", "curves.png.txt"])
def test_another_ending_is_refused_and_nothing_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(QaError, match=r"ends in none of \.png, \.svg, \.html"):
        draw(OUTCOMES, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_without_its_extra_the_error_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("no module named vl_convert")

    monkeypatch.setattr(alt.HConcatChart, "save", missing)
    with pytest.raises(QaError, match=r"pip install 'release-qa\[plot\]' \(no module named vl_convert\)"):
        draw(OUTCOMES, tmp_path / "curves.png")


def points(chart: alt.Chart) -> list[dict[str, float]]:
    values: list[dict[str, float]] = chart.data.to_dict()["values"]
    return values


def test_the_risk_curve_holds_a_point_a_question() -> None:
    few = [outcome("a", confidence=0.9, ranks=(1,)), outcome("b", confidence=0.5)]
    assert points(plot._risk(few)) == [{"coverage": 0.5, "risk": 0.0}, {"coverage": 1.0, "risk": 0.5}]


def test_the_calibration_curve_holds_ten_bins_of_equal_mass() -> None:
    drawn: list[Outcome] = OUTCOMES[::-1]
    chart = plot._calibration(drawn)
    values = points(chart.layer[1])
    assert [value["confidence"] for value in values] == pytest.approx([(4 * i + 1) / 40 for i in range(10)])
    # questions 0, 3, 6, ... are wrong
    assert [value["right"] for value in values] == [0.5, 0.5, 1.0, 0.5, 0.5, 1.0, 0.5, 0.5, 1.0, 0.5]
