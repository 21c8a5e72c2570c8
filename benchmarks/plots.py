"""Draw the figures of `benchmarks.scale` and `benchmarks.peers`, and write the page that shows them beside their tables.

    python -m benchmarks.plots GROWTH.json PEERS.json [--into docs]

The files are what `--json` wrote. The page, `figures.md`, names the machine and the command of each.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt

from benchmarks import peers, scale
from embeddings.dense import FLAT_TO

# The curves of each picture: its axis, and the figures of `benchmarks.scale` by the words they are drawn with.
GROWTH: tuple[tuple[str, Mapping[str, str]], ...] = (
    (
        "milliseconds",
        {
            "a question, median": "answer p50 ms",
            "a question, 95th percentile": "answer p95 ms",
            "the first ten, nothing in memory": "first ten p50 ms",
            "encoding": "encoding p50 ms",
            "search: candidates and late interaction": "search p50 ms",
            "candidates alone": "proposing p50 ms",
        },
    ),
    (
        "seconds",
        {"opening": "load s", "rebuild, encoding left out": "rebuild s", "rebuild after one new release": "one more release s"},
    ),
    (
        "MB",
        {
            "memory of a reader": "MB after asking",
            "memory of a rebuild": "rebuild MB",
            "on disk": "MB on disk",
            "on disk, no token vectors shared": "token vectors MB, none shared",
        },
    ),
)
COMPARED = [name for name in peers.FIGURES if name not in peers.NOT_COMPARED]
BEND = f"""The dashed line stands at {FLAT_TO:,} passages. Up to there a search looks at every vector, and its time grows as
they do; from there on at a tenth of the cells (`embeddings/dense.py`), and it starts again from lower. BM25 goes on growing,
for it scores all passages; late interaction does not, for it judges some 120 candidates whatever the size. What is opened and
rebuilt is read as a whole, and grows as the passages do."""


def growth(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Time, memory and disk against the number of passages, both on log axes, a picture each."""
    pictures = []
    for unit, curves in GROWTH:
        values = [
            {"passages": row["passages"], "value": row[figure], "what": what}
            for row in rows
            for what, figure in curves.items()
            if row[figure] > 0
        ]
        lines = (
            alt.Chart(alt.InlineData(values=values), width=420, height=300)
            .mark_line(point=True)
            .encode(
                x=alt.X("passages:Q", scale=alt.Scale(type="log"), title="passages"),
                y=alt.Y("value:Q", scale=alt.Scale(type="log"), title=unit),
                color=alt.Color("what:N", title=None, sort=list(curves)),
            )
        )
        bend = alt.Chart(alt.InlineData(values=[{"passages": FLAT_TO}])).mark_rule(strokeDash=[4, 4], color="grey")
        pictures.append(lines + bend.encode(x="passages:Q"))
    return alt.vconcat(*pictures).resolve_scale(color="independent")


def compared(rows: Mapping[str, Mapping[str, float]]) -> Any:
    """Each figure of each system as its ratio to the first's, on a log axis."""
    first = next(iter(rows))
    values = [
        {"figure": figure, "system": name, "ratio": figures[figure] / rows[first][figure]}
        for name, figures in rows.items()
        for figure in COMPARED
        if figures[figure] > 0 and rows[first][figure] > 0
    ]
    return (
        alt.Chart(alt.InlineData(values=values), width=420, height=26 * len(COMPARED))
        .mark_point(filled=True, size=70)
        .encode(
            x=alt.X("ratio:Q", scale=alt.Scale(type="log"), title=f"times {first}"),
            y=alt.Y("figure:N", sort=COMPARED, title=None),
            color=alt.Color("system:N", sort=list(rows), title=None),
            shape=alt.Shape("system:N", sort=list(rows), legend=None),
        )
    )


def page(grown: Mapping[str, Any], beside: Mapping[str, Any]) -> str:
    """The page, in Markdown. `benchmarks/README.md` says what each figure is."""
    return "\n".join(
        [
            "# Figures of speed, memory and disk",
            "",
            "`benchmarks/README.md` says what each figure is, and what it does not say. `benchmarks/plots.py` wrote this page.",
            *_section("How it grows with the corpus", grown, "growth.svg", scale.table(grown["rows"])),
            "",
            BEND,
            *_section("The same work with what people use instead", beside, "peers.svg", peers.table(beside["rows"])),
            "",
        ]
    )


def _section(title: str, told: Mapping[str, Any], picture: str, table: str) -> list[str]:
    head = [f"## {title}", "", f"    {told['command']}", "", f"{told['machine']}.", "", f"![{title}]({picture})", "", table]
    return ["", *head]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("growth", type=Path)
    parser.add_argument("peers", type=Path)
    parser.add_argument("--into", type=Path, default=Path("docs"))
    options = parser.parse_args()
    grown, beside = (json.loads(path.read_text(encoding="utf-8")) for path in (options.growth, options.peers))
    growth(grown["rows"]).save(str(options.into / "growth.svg"))
    compared(beside["rows"]).save(str(options.into / "peers.svg"))
    (options.into / "figures.md").write_text(page(grown, beside), encoding="utf-8")


if __name__ == "__main__":
    main()
