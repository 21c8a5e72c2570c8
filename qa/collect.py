"""Official releases, from the ministry's site or a feed, into a folder that `qa rebuild` reads.

The folder is the state: a page that is there was fetched whole, because it is written under another name first, and its
file time says when the site last showed it so. Both come about in one `os.replace`, so nothing can disagree after a crash;
a log beside the pages could. A folder copied without its times costs at most one needless or one late look at a page.
"""

from __future__ import annotations

import asyncio
import html
import itertools
import os
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
from filelock import FileLock, Timeout

from qa.collected import KOREA, differ, fetched_on, page_at, set_aside, write_whole
from qa.errors import BadQuestion, CollectStopped, UnreadableSource
from qa.feed import read_feed
from qa.html import HtmlPage, read_html
from qa.listing import SEQ_DIGITS, Listed, list_path, read_list, view_path
from qa.site import MINISTRY, Site, visit

RECHECK_DAYS = 30  # releases are corrected in their first days, if at all; a month of them is some ten list pages


@dataclass(frozen=True, slots=True)
class Changed:
    """A release whose text the site has changed; `earlier` is the file with the wording before."""

    name: str
    earlier: Path


@dataclass(frozen=True, slots=True)
class CollectReport:
    """What became of the releases listed; `kept` counts those in the folder that were not asked for again."""

    into: Path
    new: tuple[str, ...]
    changed: tuple[Changed, ...]
    unchanged: tuple[str, ...]
    left_out: tuple[UnreadableSource, ...]
    kept: int

    def summary(self) -> str:
        """One line for each outcome, each changed release and each page left out."""
        lines = [f"new        {len(self.new)}", f"changed    {len(self.changed)}"]
        lines += [f"  {change.name}: the earlier wording is in {change.earlier}" for change in self.changed]
        lines.append(f"unchanged  {len(self.unchanged)}")
        lines.append(f"kept       {self.kept}{' not asked for again; --recheck compares them too' if self.kept else ''}")
        lines.append(f"left out   {len(self.left_out)}{'; the same command tries them again' if self.left_out else ''}")
        lines += [f"  {error}" for error in self.left_out]
        return "\n".join(lines)


def _silent(line: str) -> None:
    """No progress shown."""


def collect(
    into: Path,
    *,
    since: date,
    until: date | None = None,
    boards: Sequence[str] = ("m_5676",),
    site: str = MINISTRY,
    recheck: bool = False,
    contact: str | None = None,
    progress: Callable[[str], None] = _silent,
    pause: float = 1.0,
) -> CollectReport:
    """Fetch the releases listed from `since` to `until` (today in Korea) that are not in the folder yet.

    A release listed in the last 30 days is compared with the site once a day, with `recheck` every one at once. `progress`
    gets one line for each release dealt with. Raises `CollectStopped` when robots.txt, the site or the folder forbids going
    on, `BadQuestion` for dates, boards or addresses that cannot be.
    """
    last = until or datetime.now(KOREA).date()
    if since > last:
        raise BadQuestion(f"{since} is after {last}: nothing can be listed. Name an earlier --since or a later --until.")
    for board in boards:
        if not re.fullmatch(r"m_[0-9]+", board):
            raise BadQuestion(f"{board!r} is no board. They are named like m_5676 (Press Releases), m_5679 (Press Briefings).")
    run = _Run(into, recheck, progress)
    origin = _origin(site)
    if urlsplit(site)[2:] not in (("", "", ""), ("/", "", "")):
        raise BadQuestion(f"{site!r} is more than a site, whose paths are known. Name it without: --site {origin}")

    async def boards_of_site() -> None:
        async with visit(origin, pause=pause, contact=contact) as host:
            for board in dict.fromkeys(boards):
                for path in (list_path(board, 1, since, last), view_path(board, "")):
                    if not host.allows(path):
                        raise CollectStopped(f"robots.txt of {origin} forbids {path}. Ask the site before collecting {board}.")
                async for release in _listed(run, host, board, since, last):
                    await run.settle(host, release)

    return run.complete(boards_of_site)


def collect_feed(
    url: str,
    into: Path,
    *,
    recheck: bool = False,
    contact: str | None = None,
    progress: Callable[[str], None] = _silent,
    pause: float = 1.0,
) -> CollectReport:
    """Fetch the releases that an RSS or Atom feed links to, on the feed's own host or the ministry's; else as `collect`."""
    run = _Run(into, recheck, progress)
    origin, parts = _origin(url), urlsplit(url)

    async def releases_of_feed() -> None:
        async with AsyncExitStack() as stack:
            home = await stack.enter_async_context(visit(origin, pause=pause, contact=contact))
            hosts = {urlsplit(origin).netloc: home}
            try:
                text = await home.get(urlunsplit(("", "", parts.path or "/", parts.query, "")), moved=True)
            except UnreadableSource as error:
                raise CollectStopped(f"the feed cannot be read: {error}.") from error
            releases, left_out = read_feed(text, url)
            for each in left_out:
                run.leave_out(each)
            for release, netloc in releases:
                if netloc not in hosts and netloc == urlsplit(MINISTRY).netloc:
                    hosts[netloc] = await stack.enter_async_context(visit(MINISTRY, pause=pause, contact=contact))
                if netloc in hosts:
                    await run.settle(hosts[netloc], release)
                else:
                    run.leave_out(UnreadableSource(release.path, f"is on {netloc}, neither the feed's host nor the ministry's"))

    return run.complete(releases_of_feed)


@dataclass(slots=True)
class _Run:
    """One run and what has come of it so far."""

    into: Path
    recheck: bool
    progress: Callable[[str], None]
    new: list[str] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left_out: list[UnreadableSource] = field(default_factory=list)
    kept: int = 0

    def complete(self, work: Callable[[], Coroutine[None, None, None]]) -> CollectReport:
        """Do the work; where it stops, say what is there already."""
        try:
            self.into.mkdir(parents=True, exist_ok=True)
            with FileLock(self.into / ".collect.lock", timeout=0):
                asyncio.run(work())
        except Timeout as error:
            raise CollectStopped(f"another qa collect is at work in {self.into}. Wait for it or name another.") from error
        except OSError as error:
            why = f"{error.filename or self.into}: {error.strerror or error}"
            raise self._stopped(f"the folder cannot be used: {why}. Make room there or name another with --into.") from error
        except CollectStopped as stop:
            raise self._stopped(str(stop)) from stop
        except KeyboardInterrupt as stop:
            raise self._stopped("interrupted.") from stop
        done = (tuple(self.new), tuple(self.changed), tuple(self.unchanged), tuple(self.left_out))
        return CollectReport(self.into, *done, self.kept)

    def _stopped(self, why: str) -> CollectStopped:
        """The reason and what has come about before it; an edit that is not said now is never said."""
        edits = "".join(f", {change.name} changed (the earlier wording is in {change.earlier})" for change in self.changed)
        so_far = f"So far {len(self.new)} new{edits}, kept in {self.into}"
        return CollectStopped(f"{why} {so_far}; the same command goes on from there.")

    def leave_out(self, error: UnreadableSource) -> None:
        self.left_out.append(error)
        self.progress(f"left out: {error}")

    async def settle(self, site: Site, release: Listed) -> None:
        """Fetch one release unless the folder's copy will do, and put it in place."""
        path = self.into / f"{release.name}.html"
        before = page_at(path)
        fetched = fetched_on(path) if before is not None else None  # what cannot be read is as good as not there
        if fetched is not None and not self._due(fetched, release.date):
            self.kept += 1
            self.progress(f"{release.name} kept")
            return
        try:
            markup = await site.get(release.path)
            page = _read_release(markup, release, f"{site.origin}{release.path}")
        except UnreadableSource as error:
            held = f"; the copy of {fetched} is kept" if fetched is not None else ""
            self.leave_out(UnreadableSource(error.origin, f"{error.reason}{held}"))
            return
        if before is None:
            write_whole(path, markup.encode())
            self.new.append(release.name)
            self.progress(f"{release.name} new")
        elif differ(before, page):
            earlier = set_aside(path, str(fetched))
            write_whole(path, markup.encode())
            self.changed.append(Changed(release.name, earlier))
            self.progress(f"{release.name} changed; the earlier wording is in {earlier}")
        else:
            os.utime(path)
            self.unchanged.append(release.name)
            self.progress(f"{release.name} unchanged")

    def _due(self, fetched: date, listed: date | None) -> bool:
        today = datetime.now(KOREA).date()
        recent = listed is not None and listed >= today - timedelta(days=RECHECK_DAYS)
        return self.recheck or (recent and fetched < today)


async def _listed(run: _Run, site: Site, board: str, since: date, until: date) -> AsyncIterator[Listed]:
    """The releases of a board, list page by list page: what is fetched in between is safe whatever the next page brings.

    The list is read anew in each run, a request for ten releases, since only it knows what is missing. One list page that
    fails is left out, two in a row end the board.
    """
    seen: set[str] = set()
    failed = False
    for number in itertools.count(1):
        path = list_path(board, number, since, until)
        try:
            rows = read_list(await site.get(path), board, f"{site.origin}{path}")
        except UnreadableSource as error:
            run.leave_out(error)
            if failed:
                return
            failed = True
            continue
        failed = False
        fresh = [row for row in rows if row.name not in seen]
        seen.update(row.name for row in fresh)
        for row in fresh:
            digits = len(row.name.rpartition("-")[2])
            if digits > SEQ_DIGITS:
                run.leave_out(UnreadableSource(f"{site.origin}{path}", f"lists a release by a number of {digits} digits"))
            elif row.date is None or since <= row.date <= until:
                yield row
        # Past the last page some lists are empty and some repeat themselves; one that ignores the range never ends in it.
        if not fresh or all(row.date is not None and row.date < since for row in rows):
            return


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.port != 0 and parts.username is None and bool(httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise BadQuestion(f"{url!r} is no web address that can be asked. It has the form https://host or https://host:port")
    return f"{parts.scheme}://{parts.netloc}"


def _read_release(markup: str, release: Listed, origin: str) -> HtmlPage:
    """The page, if it is the release: a notice of maintenance, answered as a page, must not pass for an edited release."""
    page = read_html(markup, origin)
    known = page.title is not None or re.search(r"<title>[^<]*View\s*\|", markup)
    title = _letters(release.title)
    if not known and (not title or title not in _letters(markup)):
        raise UnreadableSource(origin, "is another page than the release listed: neither its markup nor its title is there")
    return page


def _letters(text: str) -> str:
    # Lists cut long titles.
    return re.sub(r"[\W_]+", "", html.unescape(text.rstrip(" .…"))).lower()
