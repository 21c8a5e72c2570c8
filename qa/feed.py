"""The releases that an RSS or Atom feed links to."""

from __future__ import annotations

import io
import re
from calendar import timegm
from datetime import date, datetime
from time import struct_time
from urllib.parse import urljoin, urlsplit

import feedparser

from qa.collected import KOREA
from qa.errors import CollectStopped, UnreadableSource
from qa.listing import Listed, release_link


def read_feed(text: str, url: str) -> tuple[list[tuple[Listed, str]], list[UnreadableSource]]:
    """The releases a feed links to, each with its host, and what is left out: entries that link to none.

    Raises `CollectStopped` for what is no feed.
    """
    left_out: list[UnreadableSource] = []
    feed = _parsed(text)
    entries = feed.entries
    if not feed.get("version"):
        raise CollectStopped(f"{url} is no RSS or Atom feed. Look up the feed's address on the site.")
    if feed.get("bozo") and not re.search(r"</(?:\w+:)?(?:rss|feed|rdf)\s*>", text, re.IGNORECASE):
        left_out.append(UnreadableSource(url, "is truncated: it ends in the middle; the entries before are read"))
        whole = re.match(r".*</(?:\w+:)?(?:item|entry)\s*>", text, re.IGNORECASE | re.DOTALL)
        entries = _parsed(whole[0]).entries if whole else []  # the link of half an entry may lead to another release
    releases: dict[str, tuple[Listed, str]] = {}
    for entry in entries:
        address = entry.get("link", "").strip()
        try:
            address = urljoin(url, address)
            found = release_link(address)
        except ValueError:
            found = None
        if found is None:
            left_out.append(UnreadableSource(address, "is no release page (.../brd/<board>/view.do?seq=...)"))
            continue
        day = _day(entry.get("published_parsed") or entry.get("updated_parsed"))
        releases.setdefault(found[0], (Listed(*found, title=entry.get("title", ""), date=day), urlsplit(address).netloc))
    return list(releases.values()), left_out


def _parsed(text: str) -> feedparser.FeedParserDict:
    # The text is UTF-8 by now, whatever its first line declares; a header outweighs that line.
    return feedparser.parse(io.BytesIO(text.encode()), response_headers={"content-type": "application/xml; charset=utf-8"})


def _day(moment: struct_time | None) -> date | None:
    try:
        return datetime.fromtimestamp(timegm(moment), KOREA).date() if moment else None
    except (ValueError, OverflowError, OSError):  # years before the first and after the last a date can have
        return None
