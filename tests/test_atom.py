from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest

from qa.atom import write_feed
from qa.errors import QaError

FEED = uuid.UUID("0b8a2c5e-7a55-4f55-9d7e-2f6b3f0c5d11")
ATOM = "{http://www.w3.org/2005/Atom}"
NEWS: dict[str, Any] = {
    "question": "Who agreed?",
    "at": "2026-11-24T10:00:00+00:00",
    "change": "new",
    "title": "Harbour Talks Held",
    "date": "2022-02-28",
    "paragraph": "3",
    "provenance": "official",
    "publisher": "Ministry of Foreign Affairs of the Republic of Korea",
    "link": "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=1#:~:text=They%20agreed",
    "permalink": "m_5676-1@c8a4dbe8577e:0-102",
    "text": "They agreed. They left.",
    "quotes": [{"text": "They agreed."}],
}


def written(tmp_path: Path, *news: dict[str, Any]) -> tuple[ElementTree.Element, Any]:
    """The feed as XML, and as a feed reader takes it."""
    file = tmp_path / "news.atom"
    write_feed(file, FEED, news)
    read = feedparser.parse(file.read_bytes())
    assert not read.bozo
    assert read.version == "atom10"
    return ElementTree.fromstring(file.read_bytes()), read  # noqa: S314 - our own


def test_a_feed_has_what_rfc_4287_requires(tmp_path: Path) -> None:
    root, _ = written(tmp_path, NEWS, {**NEWS, "at": "2026-11-23T10:00:00+00:00", "permalink": "m_5676-2@c8a4dbe8577e:0-9"})
    assert root.tag == f"{ATOM}feed"
    for element in [root, *root.findall(f"{ATOM}entry")]:
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", element.findtext(f"{ATOM}updated") or "")
        assert (element.findtext(f"{ATOM}id") or "").startswith("urn:uuid:")
    entries = root.findall(f"{ATOM}entry")
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == 2
    assert [entry.findtext(f"{ATOM}author/{ATOM}name") for entry in entries] == [NEWS["publisher"]] * 2
    assert root.findtext(f"{ATOM}updated") == NEWS["at"]


def test_an_entry_quotes_and_links_to_the_sentence(tmp_path: Path) -> None:
    _, read = written(tmp_path, NEWS)
    [entry] = read.entries
    assert (entry.title, entry.link, entry.tags[0].term) == (NEWS["title"], NEWS["link"], NEWS["question"])
    assert entry.content[0].value == "Who agreed?\n2022-02-28, paragraph 3, new\n“They agreed.”"


def test_an_entry_keeps_its_id_when_the_feed_is_written_again(tmp_path: Path) -> None:
    ids = {written(tmp_path, NEWS)[1].entries[0].id for _ in range(2)}
    assert len(ids) == 1


def test_a_feed_without_news_is_a_feed(tmp_path: Path) -> None:
    root, read = written(tmp_path)
    assert read.entries == []
    assert root.findtext(f"{ATOM}updated")


def test_text_of_a_release_stays_text(tmp_path: Path) -> None:
    title = "</title><script>kites()</script> & ]]> \x00\x1b\ud800\ufffe“한국”"
    hostile = {**NEWS, "title": title, "question": 'Who "said" <b>?', "link": 'https://kites.example/"><a b>한', "quotes": []}
    root, read = written(tmp_path, hostile)
    entry = root.find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}title") == "</title><script>kites()</script> & ]]> “한국”"
    assert [child.tag for child in entry.iter() if "script" in child.tag] == []
    assert read.entries[0].tags[0].term == 'Who "said" <b>?'
    link = entry.find(f"{ATOM}link")
    assert link is not None
    assert link.get("href") == "https://kites.example/%22%3E%3Ca%20b%3E%ED%95%9C"
    assert (entry.findtext(f"{ATOM}content") or "").endswith(NEWS["text"])


def test_a_digest_is_said_to_be_one_and_what_has_no_link_has_none(tmp_path: Path) -> None:
    root, _ = written(tmp_path, {**NEWS, "provenance": "digest", "link": None, "date": None, "paragraph": None})
    assert "date unknown, new [digest, not the ministry's words]" in (root.findtext(f"{ATOM}entry/{ATOM}content") or "")
    assert root.find(f"{ATOM}entry/{ATOM}link") is None


def test_a_feed_that_cannot_be_written_leaves_the_old_one_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, NEWS)
    before = (tmp_path / "news.atom").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(QaError, match=r"news\.atom cannot be written: No space left on device; name another file"):
        write_feed(tmp_path / "news.atom", FEED, [])
    assert [file.name for file in tmp_path.iterdir()] == ["news.atom"]
    assert (tmp_path / "news.atom").read_bytes() == before
