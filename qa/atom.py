"""Atom: news to standing questions as a feed that any feed reader follows (RFC 4287)."""

from __future__ import annotations

import datetime
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from qa.errors import QaError

_ATOM = "http://www.w3.org/2005/Atom"
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2
_IN_ADDRESSES = "%/:?#[]@!$&'()*+,;=~"  # RFC 3986, reserved, and what is encoded already


def write_feed(file: Path, feed: uuid.UUID, news: Sequence[dict[str, Any]]) -> None:
    """Replace `file` by the feed of the news, given the latest first as `qa.standing.kept_news` does. Raises `QaError`."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        scratch.write_bytes(_feed(feed, news))
        os.replace(scratch, file)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise QaError(f"{file} cannot be written: {error.strerror}; name another file for the feed") from error


def _feed(feed: uuid.UUID, news: Sequence[dict[str, Any]]) -> bytes:
    ElementTree.register_namespace("", _ATOM)
    root = ElementTree.Element(f"{{{_ATOM}}}feed")
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    _add(root, "id", feed.urn)
    _add(root, "title", "Releases that newly answer")
    _add(root, "updated", news[0]["at"] if news else now)
    _add(root, "generator", "release-qa")
    for each in news:
        entry = _add(root, "entry")
        _add(entry, "id", uuid.uuid5(feed, f"{each['question']}\n{each['permalink']}").urn)
        _add(entry, "title", each["title"])
        _add(entry, "updated", each["at"])
        _add(_add(entry, "author"), "name", each["publisher"])
        _add(entry, "category", term=each["question"])
        if each["link"]:
            _add(entry, "link", rel="alternate", href=quote(each["link"], safe=_IN_ADDRESSES))
        _add(entry, "content", _words(each), type="text")
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _words(news: dict[str, Any]) -> str:
    """The question, where the release stands to it, and the sentences that answer, or the passage where none is marked."""
    paragraph = f", paragraph {news['paragraph']}" if news["paragraph"] else ""
    whose = " [digest, not the ministry's words]" if news["provenance"] == "digest" else ""
    quotes = [f"“{each['text']}”" for each in news["quotes"]] or [news["text"]]
    return "\n".join((news["question"], f"{news['date'] or 'date unknown'}{paragraph}, {news['change']}{whose}", *quotes))


def _add(parent: ElementTree.Element, name: str, text: str | None = None, **attributes: str) -> ElementTree.Element:
    clean = {key: _NOT_IN_XML.sub("", value) for key, value in attributes.items()}
    child = ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}", clean)
    if text is not None:
        child.text = _NOT_IN_XML.sub("", text)
    return child
