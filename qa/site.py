"""The ministry's site as a visitor gets it: HTTP that keeps to the rules.

robots.txt is read first and obeyed for every address, requests keep a pause between them, redirects stay on the host.
"""

from __future__ import annotations

import asyncio
import math
import re
import string
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
from protego import Protego

from qa.errors import CollectStopped, UnreadableSource
from qa.robots import AGENT, read_rules
from qa.version import __version__

MINISTRY = "https://www.mofa.go.kr"
TRIES = 3
MAX_REDIRECTS = 5  # the cookie gate takes one; httpx itself would follow 20
MAX_BYTES = 5 * 2**20  # a release page is well under 200 kB: 35 MB of records for 11,142 releases, menus added
TIMEOUT = 20.0  # seconds without a byte
PAGE_SECONDS = 60.0  # seconds for one page in all: a server that sends a byte now and then never runs into TIMEOUT
LONGEST_WAIT = 120.0  # seconds a server may ask us to wait (Retry-After) before the page is left for another run
LONGEST_PAUSE = 60.0  # seconds between requests robots.txt may ask for: at more, a month of releases takes hours
UNANSWERED = 10  # pages in a row, a whole list page, that fail for no reason of their own: then it is the site
_OWN_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


class _PassingError(Exception):
    """A failure that may pass; `after` is the number of seconds the server asked for."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        self.after = after
        super().__init__(reason)


class Site:
    """One host, visited by one visitor: its robots.txt, its cookies and the time of the last request."""

    def __init__(self, client: httpx.AsyncClient, origin: str, pause: float) -> None:
        self.origin = origin
        self._client = client
        self._pause = pause
        self._robots: Protego | None = None
        self._last = -math.inf
        self._unanswered = 0

    async def read_robots(self) -> None:
        """Learn what may be fetched and how fast.

        Raises `CollectStopped` when robots.txt cannot be read, a missing one included: RFC 9309 lets a crawler go on where
        there is none, but a government's site that loses it has more likely been moved than opened.
        """
        url = f"{self.origin}/robots.txt"
        try:
            status, text, _ = await self._answer(url)
        except UnreadableSource as error:
            raise CollectStopped(f"{error}. Without it, it is not known what may be fetched; try again later.") from error
        rules = read_rules(text) if status == 200 else None
        if rules is None:
            what = f"answers {status}" if status != 200 else "is another page, no robots.txt"
            raise CollectStopped(f"{url} {what}, so it is not known what may be fetched; try again later or ask the site.")
        rate = rules.request_rate(AGENT)
        asked = max(rules.crawl_delay(AGENT) or 0.0, rate.seconds / rate.requests if rate else 0.0)
        if asked > LONGEST_PAUSE:
            raise CollectStopped(
                f"{url} asks for {asked:g} s between requests, over the {LONGEST_PAUSE:g} s waited for; ask the site."
            )
        self._robots, self._pause = rules, max(self._pause, asked)

    def allows(self, path: str) -> bool:
        """Whether robots.txt lets us fetch the address."""
        return self._robots is None or self._robots.can_fetch(f"{self.origin}{path}", AGENT)

    async def get(self, path: str, *, moved: bool = False) -> str:
        """The page at a path; where redirects lead elsewhere on the host, only if it may have `moved`.

        Raises `UnreadableSource` for this page, `CollectStopped` when the site answers no more.
        """
        url = f"{self.origin}{path}"
        status, text, there = await self._answer(url)
        if status != 200:
            gone = ": the site no longer has it" if status in (404, 410) else ""
            raise UnreadableSource(url, f"answers {status}{gone}")
        if not moved and not _same_page(url, there):
            raise UnreadableSource(url, f"is redirected to another page, {there.raw_path.decode('ascii')}")
        return text

    async def _answer(self, url: str) -> tuple[int, str, httpx.URL]:
        """The status, the text and the address after redirects."""
        for tried in range(1, TRIES + 1):
            try:
                answer = await self._once(url)
            except _PassingError as failure:
                wait = min(self._pause * 2**tried, LONGEST_WAIT) if failure.after is None else failure.after
                if tried == TRIES or wait > LONGEST_WAIT:
                    asked = f", asking to be left alone for {wait:.0f} s" if wait > LONGEST_WAIT else ""
                    reason = f"{failure}{asked}, tried {tried} time{'s' if tried > 1 else ''}"
                    self._miss(url, reason)
                    raise UnreadableSource(url, reason) from failure
                await asyncio.sleep(wait)
            except UnreadableSource:
                self._unanswered = 0
                raise
            except TimeoutError as failure:
                reason = f"is not complete after {PAGE_SECONDS:g} s"
                self._miss(url, reason)
                raise UnreadableSource(url, reason) from failure
            else:
                if answer[0] in (401, 403):
                    self._miss(url, f"answers {answer[0]}")
                else:
                    self._unanswered = 0
                return answer
        raise AssertionError("the last try returns or raises")

    def _miss(self, url: str, reason: str) -> None:
        self._unanswered += 1
        if self._unanswered == UNANSWERED:
            raise CollectStopped(f"the site has failed {UNANSWERED} times in a row, last: {url} {reason}.")

    async def _once(self, url: str) -> tuple[int, str, httpx.URL]:
        here = httpx.URL(url)
        async with asyncio.timeout(PAGE_SECONDS + (MAX_REDIRECTS + 1) * self._pause):
            for _ in range(MAX_REDIRECTS + 1):
                path = here.raw_path.decode("ascii")
                if not self.allows(path):
                    raise UnreadableSource(url, f"is forbidden by robots.txt ({path})")
                await asyncio.sleep(self._last + self._pause - time.monotonic())
                try:
                    async with self._client.stream("GET", here) as response:
                        if response.next_request is None:
                            return response.status_code, await self._read(response, url), here
                        here = _followed(here, response.next_request.url, url)
                except httpx.TimeoutException as error:
                    raise _PassingError(f"gives no answer within {TIMEOUT:g} s") from error
                except httpx.RemoteProtocolError as error:
                    raise _PassingError(f"breaks off: {error}") from error
                except httpx.RequestError as error:
                    raise _PassingError(f"cannot be reached: {error or type(error).__name__}") from error
                except (httpx.InvalidURL, ValueError) as error:  # ValueError: a host that IDNA cannot encode
                    raise UnreadableSource(url, f"is redirected to what is no web address: {error}") from error
                finally:
                    self._last = time.monotonic()
        raise UnreadableSource(url, f"is redirected more than {MAX_REDIRECTS} times, last to {here}")

    async def _read(self, response: httpx.Response, url: str) -> str:
        if response.status_code == 429 or response.status_code >= 500:
            raise _PassingError(f"answers {response.status_code}", _retry_after(response))
        if response.status_code != 200:
            return ""
        data = bytearray()
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > MAX_BYTES:
                raise UnreadableSource(url, f"is over the limit of {MAX_BYTES // 2**20} MiB a page")
        return _decode(bytes(data), url)


@asynccontextmanager
async def visit(origin: str, *, pause: float, contact: str | None) -> AsyncIterator[Site]:
    """A site, its robots.txt read. Less than a second between requests is for servers on one's own machine only."""
    told = quote(contact or "", safe=string.punctuation + " ", errors="replace")  # a header holds ASCII only
    name = f"{AGENT}/{__version__} (+{told})" if contact else f"{AGENT}/{__version__} (no contact given)"
    pause = pause if urlsplit(origin).hostname in _OWN_MACHINE else max(1.0, pause)
    async with httpx.AsyncClient(headers={"User-Agent": name}, timeout=TIMEOUT, follow_redirects=False) as client:
        site = Site(client, origin, pause)
        await site.read_robots()
        yield site


def _same_page(asked: str, there: httpx.URL) -> bool:
    """Whether an address has the path asked for, a session's mark aside, and every parameter with its value."""
    parts, given = urlsplit(asked), parse_qs(there.query.decode("ascii"))
    wanted = parse_qs(parts.query).items()
    return there.path.partition(";")[0] == unquote(parts.path) and all(given.get(name) == values for name, values in wanted)


def _followed(here: httpx.URL, there: httpx.URL, url: str) -> httpx.URL:
    same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    safer = (here.scheme, there.scheme, here.port, there.port, there.host) == ("http", "https", None, None, here.host)
    if not (same or safer):
        raise UnreadableSource(url, f"is redirected to another host or scheme, {there.scheme}://{there.netloc.decode('ascii')}")
    return there.copy_with(fragment=None)


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    if re.fullmatch("[0-9]+", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _decode(data: bytes, url: str) -> str:
    """UTF-8, else CP949, the ministry's older encoding; what the page says of itself is not always so."""
    for encoding in ("utf-8-sig", "cp949"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UnreadableSource(url, "is not text in UTF-8 or CP949")
