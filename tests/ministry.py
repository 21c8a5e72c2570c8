"""A small ministry on this machine: the site's three page generations, its cookie gate and its worst days.

The wording is our own; the markup has the marks a visitor goes by, and no more.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ROWS = 10
GENERATIONS = (2018, 2022, 2025)
ALLOW = "User-agent: *\nDisallow: /admin/\n"


@dataclass
class Release:
    """A release on the site; its text can be edited, and every view is counted on the page."""

    seq: int
    date: date
    title: str
    paragraphs: list[str]
    views: int = 0


def release(seq: int, day: date) -> Release:
    """A release of our own wording, told apart from the others by its number."""
    return Release(
        seq,
        day,
        f"Vice Minister opens harbour office no. {seq}",
        [
            f"1. The Vice Minister opened harbour office no. {seq} on the {day.day}<sup>th</sup> and thanked its builders.",
            "2. The two sides agreed to keep the ferry timetable, the tide tables and the fish market under one roof.",
        ],
    )


@dataclass
class Ministry:
    """What the site serves: `faults` by path and query, `robots` as text or as a status, `log` of what was asked when."""

    generation: int = 2025
    releases: list[Release] = field(default_factory=list)
    robots: str | int = ALLOW
    gate: bool = False
    feed: str = ""
    faults: dict[str, Callable[[Handler], None]] = field(default_factory=dict)
    log: list[tuple[float, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    gated: int = 0
    origin: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def asked(self) -> Counter[str]:
        """How often each path and query was asked for, the gate's own answers not counted."""
        return Counter(target for _, target in self.log)

    @property
    def viewed(self) -> list[int]:
        """The releases asked for, in order."""
        return [int(target.rpartition("seq=")[2]) for _, target in self.log if "/view.do" in target]

    def spoil(self, seq: int, fault: Callable[[Handler], None], board: str = "m_5676") -> None:
        """Serve a release with a fault."""
        self.faults[f"/eng/brd/{board}/view.do?seq={seq}"] = fault

    def list_page(self, board: str, query: dict[str, list[str]]) -> str:
        """Ten rows, the newest first, of the range of dates asked for."""
        since, until = query["srchFr"][0], query["srchTo"][0]
        found = [one for one in self.releases if since <= f"{one.date:%Y%m%d}" <= until]
        found.sort(key=lambda one: (one.date, one.seq), reverse=True)
        first = (int(query["page"][0]) - 1) * ROWS
        rows = "".join(self._row(one, board) for one in found[first : first + ROWS])
        table = f"<table><tbody>{rows or '<tr><td colspan=4>No entries.</td></tr>'}</tbody></table>"
        if self.generation == 2022:
            table = f'<div class="table_list">{table}</div>'
        return f"<!DOCTYPE html><html><head><title>Board</title></head><body>{table}</body></html>"

    def _row(self, one: Release, board: str) -> str:
        title, seq, day = escape(one.title), one.seq, one.date
        if self.generation == 2018:
            link = f'<td class="tal"><a href="./view.do?seq={seq}&amp;srchFr=&amp;page=1">{title}</a></td>'
            return f"<tr><td>{seq}</td>{link}<td>{one.views}</td><td>{day:%Y-%m-%d}</td></tr>"
        if self.generation == 2022:
            link = f'<td><a href="/eng/brd/{board}/view.do?seq={seq}" title="{title}">{title[:30]}...</a></td>'
            return f"<tr><td>{seq}</td>{link}<td>{day:%Y-%m-%d}</td></tr>"
        link = f"""<td><a href="#none" onclick="f_view('{seq}');return false;">{title}</a></td>"""
        return f"<tr><td>{seq}</td>{link}<td>{day:%Y-%m-%d}</td><td>{one.views}</td></tr>"

    def view_page(self, one: Release) -> str:
        """The release's own page; its view counter goes up by one."""
        one.views += 1
        title, day = escape(one.title), f"{one.date:%Y-%m-%d}"
        body = "".join(f"<p>{paragraph}</p>" for paragraph in one.paragraphs)
        if self.generation == 2018:
            head, main = f"{title} View|Press Releases", f"<div>Date {day} hit {one.views}</div><div>{body}</div>"
        elif self.generation == 2022:
            counted = f"<tr><th>Date</th><td>{day}</td><th>Hit</th><td>{one.views}</td></tr>"
            head, main = f"{title} | Press Releases", f'<table>{counted}<tr><td class="detail_body">{body}</td></tr></table>'
        else:
            dated = f'<div class="bo_head"><h2>{title}</h2><span>{day}</span><span>hit {one.views}</span></div>'
            head = "Press Releases"
            main = f'<div class="board_detail">{dated}<div class="bo_con"><div class="se-contents">{body}</div></div></div>'
        return f"<!DOCTYPE html><html><head><title>{head}</title></head><body><ul><li>Menu</li></ul>{main}</body></html>"


class Handler(BaseHTTPRequestHandler):
    """Answers from `ministry`."""

    ministry: Ministry
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Serve a page, with its fault if it has one. A visitor that hangs up is none of the server's business."""
        with suppress(ConnectionError):
            self._serve()

    def _serve(self) -> None:
        site = self.ministry
        site.agents.add(self.headers["User-Agent"])
        if site.gate and "TMOSHCooKie=open" not in self.headers.get("Cookie", ""):
            site.gated += 1
            self.answer(307, "", Location=site.origin + self.path, **{"Set-Cookie": "TMOSHCooKie=open; Path=/; HttpOnly"})
            return
        site.log.append((time.monotonic(), self.path))
        if self.path in site.faults:
            site.faults[self.path](self)
        else:
            self.answer(*self.page())

    def page(self) -> tuple[int, str]:
        """The status and text of the page asked for."""
        site, parts = self.ministry, urlsplit(self.path)
        folder, _, name = parts.path.rpartition("/")
        query = parse_qs(parts.query)
        if self.path == "/robots.txt":
            return (200, site.robots) if isinstance(site.robots, str) else (site.robots, "")
        if parts.path == "/rss.do":
            return 200, site.feed
        if name == "list.do":
            return 200, site.list_page(folder.rpartition("/")[2], query)
        found = [one for one in site.releases if name == "view.do" and [str(one.seq)] == query.get("seq")]
        return (200, site.view_page(found[0])) if found else (404, "")

    def answer(self, status: int, text: str, **headers: str) -> None:
        """A whole, well-formed answer."""
        data = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def redirect(location: str) -> Callable[[Handler], None]:
    """Send the visitor on; to the page's own address it never ends."""
    return lambda handler: handler.answer(302, "", Location=location)


def status(code: int, times: int = 1_000, retry_after: str = "") -> Callable[[Handler], None]:
    """Answer with a status the first `times` times, then with the page."""
    left = [times]

    def answer(handler: Handler) -> None:
        left[0] -= 1
        if left[0] < 0:
            handler.answer(*handler.page())
        elif retry_after:
            handler.answer(code, "", **{"Retry-After": retry_after})
        else:
            handler.answer(code, "")

    return answer


def text(content: str) -> Callable[[Handler], None]:
    """Another page in place of the release."""
    return lambda handler: handler.answer(200, content)


def stall(handler: Handler) -> None:
    """Take the request and say nothing, until the test is over."""
    handler.ministry.released.wait(30)
    handler.close_connection = True


def drip(handler: Handler) -> None:
    """Begin an answer and go on a byte at a time in the middle of its header, so that it never times out."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Patience: ")
    while not handler.ministry.released.wait(0.05):
        handler.wfile.write(b"x")
    handler.close_connection = True


def cut_short(handler: Handler) -> None:
    """Promise the whole page and hang up halfway."""
    data = handler.page()[1].encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2])
    handler.close_connection = True


def half_a_page(handler: Handler) -> None:
    """Serve half a page as if it were whole."""
    content = handler.page()[1]
    handler.answer(200, content[: len(content) // 2])


def huge(declared: bool) -> Callable[[Handler], None]:
    """Serve a page of 50 MB, its length declared or not."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header(*(("Content-Length", str(50 * 10**6)) if declared else ("Connection", "close")))
        handler.end_headers()
        for _ in range(50):
            handler.wfile.write(b"<p>ferry</p>" * 83_334)
        handler.close_connection = True

    return answer


@contextmanager
def serve(ministry: Ministry) -> Iterator[Ministry]:
    """The ministry at an address of this machine, `ministry.origin`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"ministry": ministry}))
    server.daemon_threads = True
    ministry.origin = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield ministry
    finally:
        ministry.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def board_of(count: int, newest: date, generation: int = 2025) -> Ministry:
    """A board with `count` releases, one a day up to `newest`, numbered from 1 for the oldest."""
    releases = [release(seq, newest - timedelta(days=count - seq)) for seq in range(1, count + 1)]
    return Ministry(generation=generation, releases=releases)
