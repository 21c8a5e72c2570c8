"""Limits: what a request must show and may cost before it reaches a question."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from server.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A request from another site's page, its name bound to this machine's address, carries that name as its host.
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
SECONDS = 30.0  # a hundred times what a question takes on two cores (`benchmarks/load.py`), as long as people wait
BYTES = 2**16  # a question of 2,000 characters and seven before it, each of four bytes a character
RATE = 120  # requests a minute of an address, for a server that others reach: two a second, more than a person asks
_OPEN = frozenset({"/health"})  # of neither token nor rate: a probe has no secret
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(:\d*)?", re.IGNORECASE)
_REFILL = 60.0  # seconds in which an empty bucket is full again


@dataclass(frozen=True, slots=True)
class Limits:
    """`token` is asked for where there is one; `hosts` are the names in the Host header, none for any.

    `rate` is requests a minute of one client address, which may come all at once, None for any number. `seconds` is what a
    request may take to arrive, and then to be answered; `size` what its body may have, in bytes.
    """

    token: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = LOOPBACK
    rate: int | None = None
    seconds: float = SECONDS
    size: int = BYTES


class Buckets:
    """Token buckets of `rate` requests, full again within a minute, one for each client address."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when that was; oldest first

    def take(self, client: str, now: float) -> float:
        """Take one request of `client` at `now`, in seconds; how long to wait, in seconds, where there is none, else 0."""
        while self._levels and now - next(iter(self._levels.values()))[1] > _REFILL:
            self._levels.popitem(last=False)  # full again
        left, then = self._levels.pop(client, (float(self.rate), now))
        left = min(self.rate, left + (now - then) * self.rate / _REFILL)
        taken = left >= 1
        self._levels[client] = (left - taken, now)
        return 0.0 if taken else (1 - left) * _REFILL / self.rate


class Gate:
    """Middleware that lets through what is within the limits, its body read whole."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self.buckets = None if limits.rate is None else Buckets(limits.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            if scope["path"] not in _OPEN:
                self._check_rate(scope)
                self._check_token(headers)
            body = await self._read_body(receive)
        except HTTPException as refused:
            reply = problem(scope["state"]["request_id"], refused.status_code, refused.detail, headers=refused.headers)
            await reply(scope, receive, send)
            return
        if body is None:
            return  # the client went away
        await self.app(scope, _replayed(body, receive), send)

    def _check_host(self, headers: Headers) -> None:
        named = _HOST.fullmatch(headers.get("host", ""))
        if self.limits.hosts and (named is None or named[1].lower() not in self.limits.hosts):
            known = ", ".join(self.limits.hosts)
            raise HTTPException(421, f"this server answers as {known}; qa serve --allow-host NAME lets it answer as another")

    def _check_rate(self, scope: Scope) -> None:
        wait = self.buckets.take(_network(scope["client"]), time.monotonic()) if self.buckets else 0.0
        if wait:
            detail = f"more than {self.limits.rate} requests a minute; ask again in {wait:.0f} s or more"
            raise HTTPException(429, detail, {"Retry-After": str(int(wait) + 1)})

    def _check_token(self, headers: Headers) -> None:
        if self.limits.token is None:
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("latin-1"), self.limits.token.encode("utf-8"))
        if scheme.lower() != "bearer" or not same:
            raise HTTPException(401, "send the server's token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    async def _read_body(self, receive: Receive) -> bytes | None:
        """The body; None where the client went away before its end."""
        read = b""
        try:
            async with asyncio.timeout(self.limits.seconds):
                while len(read) <= self.limits.size:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    read += bytes(message.get("body", b""))
                    if not message.get("more_body") and len(read) <= self.limits.size:
                        return read
        except TimeoutError:
            raise HTTPException(408, f"the request did not arrive within {self.limits.seconds:g} s") from None
        raise HTTPException(413, f"the body has more than {self.limits.size} bytes; ask a shorter question")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """`receive`, with a body that was already read in front."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again


def _network(client: tuple[str, int] | None) -> str:
    """Who a client is: its address; of IPv6 the network, for anybody has as many addresses there as he likes."""
    host = client[0] if client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a socket file
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((int(address), 64), strict=False))
