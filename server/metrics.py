"""What is told of each request: an id, a line in the log, and figures for Prometheus. None of them holds what was asked."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("server")
REQUEST_ID = "X-Request-ID"
_GONE = 499  # the client went away before its request was whole: no answer, and no fault of the server; nginx counts it so
_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)  # a client's own is kept where it cannot break a line of the log


class Metrics:
    """The figures of one server, each named with its unit."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter("qa_requests", "Requests answered", ["route", "status"], registry=self.registry)
        self.seconds = Histogram("qa_request_seconds", "Time to the whole answer", ["route"], registry=self.registry)
        self.open = Gauge("qa_requests_open", "Requests being answered", registry=self.registry)
        self.answers = Counter(
            "qa_answers", "Questions, by whether and why not they were answered", ["why"], registry=self.registry
        )
        self.releases = Gauge("qa_index_releases", "Releases in the generation that is read", registry=self.registry)
        self.passages = Gauge("qa_index_passages", "Passages in the generation that is read", registry=self.registry)
        self.generations = Counter("qa_index_generations", "Generations taken up since the start", registry=self.registry)
        self.fault = Gauge("qa_index_fault", "1 while the index cannot be taken up anew", registry=self.registry)


class Observed:
    """Middleware that gives each request its id, and counts, times and logs it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        key = given if _ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = key
        status, start = _GONE, time.perf_counter()

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = key
            await send(message)

        try:
            with self.metrics.open.track_inprogress():
                await self.app(scope, receive, told)
        except Exception:
            status = 500
            raise
        finally:
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", "none")  # never the path itself: it may be anything
            self.metrics.requests.labels(route, status).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            LOG.info("%s %s %s %d %.0f ms", key, scope["method"], route, status, 1000 * seconds)
