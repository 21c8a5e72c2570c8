from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import peers, systems
from embeddings import models

TITLES = ("Lanterns of Jeonju", "Grain for Ukraine", "Ferries to Busan", "Visas for Students", "A Treaty on Fishing")
TEXTS = (
    "The mayor lit a thousand paper lanterns in Jeonju at dusk, and thanked the craftsmen who had folded them.",
    "The government will send forty thousand tonnes of grain to the ports that the war has cut off from the sea.",
    "A second ferry will cross to Busan every morning from May, so that traders need no longer wait for a day.",
    "Students from twelve countries will receive their visas within a week, and may work in the holidays.",
    "Both sides signed a treaty that limits the catch of squid in the straits until the stocks have recovered.",
    "The embassy in Hanoi reopened its library on Monday with nine hundred new books on law and medicine.",
)


def write_statements(path: Path) -> Path:
    """Five statements, and one more to be added."""
    lines = [
        {"title": title, "date": f"2023-05-0{day}", "url": f"https://example.org/{day}", "text": text}
        for day, (title, text) in enumerate(zip((*TITLES, "Books in Hanoi"), TEXTS, strict=True), 1)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("peers")
    peers.prepare(write_statements(folder / "all.jsonl"), 5, 1, folder)
    return folder


@pytest.mark.model
@pytest.mark.filterwarnings("default")  # the others' own deprecations are not ours to mend
@pytest.mark.parametrize("name", systems.SYSTEMS)
def test_a_system_finds_every_passage_and_that_of_a_release_added_later(name: str, work: Path) -> None:
    if absent := systems.missing(name):
        pytest.skip(f"not installed: {', '.join(absent)}")
    task = json.loads((work / "task.json").read_text(encoding="utf-8"))
    system, folder = systems.SYSTEMS[name][0](models.resolve(models.BASE)), work / name
    system.build(task["statements"], folder)
    system.add(task["new"], folder)
    system.load(folder)
    assert len(task["statements"]) == 5
    for key, text in [*task["statements"], *task["new"]]:
        assert system.ask(text.partition("\n")[2])[0] == key


def test_the_table_gives_ratios_to_the_first_system() -> None:
    ours = dict.fromkeys(peers.FIGURES, 2.0)
    lines = peers.table({"ours": ours, "recipe": {**ours, "rebuild s": 5.0}}).splitlines()
    assert "| rebuild s | 2.0 | 5.0 (2.5x) |" in lines
    assert "| passages | 2 | 2 |" in lines
