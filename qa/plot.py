"""The curves of an evaluation, drawn into a file: what is risked by answering more, and whether confidence keeps its word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np

from qa.errors import QaError
from qa.measure import BINS, Outcome, risk_coverage

FORMATS = (".png", ".svg", ".html")


def draw(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write a .png, .svg or .html, the last without any address to fetch from.

    Raises `QaError` for another ending, or when the extra `plot` is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise QaError(f"{path} ends in none of {', '.join(FORMATS)}")
    chart: Any = alt.hconcat(_risk(outcomes), _calibration(outcomes))
    ending = path.suffix.lower()
    try:
        chart.save(str(path), format=ending[1:], **({"inline": True} if ending == ".html" else {"scale_factor": 2}))
    except (ImportError, ValueError) as error:
        raise QaError(f"drawing needs vl-convert-python: pip install 'release-qa[plot]' ({error})") from error


def _risk(outcomes: Sequence[Outcome]) -> Any:
    coverage, risk = risk_coverage(outcomes)
    data = alt.InlineData(values=[{"coverage": float(x), "risk": float(y)} for x, y in zip(coverage, risk, strict=True)])
    return (
        alt.Chart(data, title="Risk against coverage, most confident first", width=360, height=280)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("coverage:Q", title="share of questions answered", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("risk:Q", title="share of those answered wrongly", scale=alt.Scale(domain=[0, 1])),
        )
    )


def _calibration(outcomes: Sequence[Outcome]) -> Any:
    order = sorted(outcomes, key=lambda outcome: outcome.confidence)
    groups = [[order[i] for i in group] for group in np.array_split(np.arange(len(order)), BINS) if len(group)]
    values = [
        {"confidence": float(np.mean([one.confidence for one in group])), "right": float(np.mean([one.right for one in group]))}
        for group in groups
    ]
    unit = alt.Scale(domain=[0, 1])
    points = (
        alt.Chart(alt.InlineData(values=values), title="Confidence against the share right, in tenths", width=360, height=280)
        .mark_line(point=True)
        .encode(
            x=alt.X("confidence:Q", title="confidence", scale=unit),
            y=alt.Y("right:Q", title="share with an answer shown", scale=unit),
        )
    )
    ideal = alt.Chart(alt.InlineData(values=[{"confidence": 0, "right": 0}, {"confidence": 1, "right": 1}]))
    return ideal.mark_line(strokeDash=[4, 4], color="grey").encode(x="confidence:Q", y="right:Q") + points
