from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qa.errors import LedgerDamaged, NotFound
from qa.index import load_index
from qa.ledger import LEDGER, Changes, changes_between, earlier_versions, events, record_changes, version_of
from qa.permalinks import find_cited, permalink
from qa.rebuild import rebuild
from qa.release import Release
from tests.conftest import FakeEncoder
from tests.library import RECORDS, record, write_corpus

EDITED = record(1, "Harbour Talks Held", "2022-02-28", "The two ministers agreed to narrow the harbour of Busan.")


def built(folder: Path, *records: object) -> Changes:
    corpus = write_corpus(folder / "corpus", records)  # type: ignore[arg-type]
    return rebuild([corpus], folder / "index", encoder=FakeEncoder()).changes


def test_a_rebuild_tells_what_is_new_changed_and_removed(tmp_path: Path) -> None:
    assert built(tmp_path, *RECORDS) == Changes(("m_5676-1", "m_5676-2", "m_5676-3"), encoded=3)
    assert built(tmp_path, *RECORDS) == Changes(unchanged=3)
    later = record(4, "Lanterns Lit", "2024-01-01", "A lantern was lit in Jeonju.")
    assert built(tmp_path, EDITED, RECORDS[1], later) == Changes(("m_5676-4",), ("m_5676-1",), ("m_5676-3",), 1, 2)
    assert [(event["event"], event["release"]) for event in events(tmp_path / "index")] == [
        ("new", "m_5676-1"),
        ("new", "m_5676-2"),
        ("new", "m_5676-3"),
        ("new", "m_5676-4"),
        ("changed", "m_5676-1"),
        ("removed", "m_5676-3"),
    ]


def test_a_permalink_goes_on_citing_what_was_changed_or_removed(tmp_path: Path) -> None:
    built(tmp_path, *RECORDS)
    folder = tmp_path / "index"
    before = load_index(folder)
    links = {
        key: permalink(before.releases[key], passage.start, passage.end)
        for passage in before.passages
        for key in [passage.release_id]
    }
    assert find_cited(links["m_5676-1"], before, folder).until is None
    built(tmp_path, EDITED, RECORDS[1])
    index = load_index(folder)
    for passage in before.passages:
        cited = find_cited(links[passage.release_id], index, folder)
        assert cited.text == passage.text
        assert cited.release == before.releases[passage.release_id]
        assert (cited.until is None) == (passage.release_id == "m_5676-2")
        assert cited.record()["permalink"] == links[passage.release_id]
    assert find_cited("m_5676-1", index, folder).text == index.releases["m_5676-1"].text
    assert [find_cited(passage.id, index, folder).text for passage in index.passages] == [each.text for each in index.passages]
    assert [each.release for each in earlier_versions(folder, "m_5676-1")] == [before.releases["m_5676-1"]]


@pytest.mark.parametrize(
    "link",
    ["", "m_5676-9", "m_5676-1@000000000000:0-5", "m_5676-1@{version}:5-5", "m_5676-1@{version}:0-9999", "m_5676-1@{version}"],
)
def test_a_link_that_names_nothing_is_not_found(tmp_path: Path, link: str) -> None:
    built(tmp_path, *RECORDS)
    index = load_index(tmp_path / "index")
    with pytest.raises(NotFound):
        find_cited(link.format(version=version_of(index.releases["m_5676-1"])), index, tmp_path / "index")


def test_a_build_killed_after_the_ledger_was_written_tells_nothing_twice(tmp_path: Path) -> None:
    built(tmp_path, *RECORDS)
    before = load_index(tmp_path / "index").releases
    now: dict[str, Release] = {**before, "m_5676-1": replace(before["m_5676-1"], title="Harbor Talks Held")}
    del now["m_5676-2"]
    changes = changes_between(before, now)
    for _ in range(2):
        record_changes(tmp_path / "index", changes, before, now)
    assert [event["event"] for event in events(tmp_path / "index")] == ["new"] * 3 + ["changed", "removed"]


def test_a_damaged_ledger_is_named_and_loses_nothing(tmp_path: Path) -> None:
    built(tmp_path, *RECORDS)
    path = tmp_path / "index" / "ledger.jsonl"
    path.write_text(path.read_text() + '{"event": "new"\n')
    content = path.read_text()
    with pytest.raises(LedgerDamaged, match=r"ledger.jsonl is damaged in line 4. Move it away"):
        built(tmp_path, EDITED)
    assert path.read_text() == content
    assert list(load_index(tmp_path / "index").releases) == ["m_5676-1", "m_5676-2", "m_5676-3"]


def test_a_ledger_of_before_releases_had_people_and_days_is_read(tmp_path: Path) -> None:
    built(tmp_path, *RECORDS)
    built(tmp_path, EDITED, *RECORDS[1:])
    path = tmp_path / "index" / LEDGER
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for name in ("page", "people", "days"):
        del lines[-1]["record"][name]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    [version] = earlier_versions(tmp_path / "index", "m_5676-1")
    assert version.release.text == RECORDS[0]["text"]
    assert (version.release.people, version.release.days, version.release.page) == ((), (), "")
