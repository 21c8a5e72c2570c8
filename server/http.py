"""The HTTP interface, as `qa serve` starts it: the application, and the process that listens."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from qa import QaError
from qa.cli.options import add_serve_options
from server import models
from server.limits import LOOPBACK, RATE, Gate, Limits
from server.metrics import Metrics, Observed
from server.problems import handle_errors
from server.routes import router
from server.served import Served


def main(arguments: Sequence[str] | None = None) -> int:
    """Listen until a signal comes, then end the requests that are under way; the exit status."""
    parser = argparse.ArgumentParser(prog="qa serve")
    add_serve_options(parser)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("server", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        limits = _limits(parser, options)
        app = create_app(options.index, limits, log_questions=options.log_questions)
    except (QaError, OSError) as error:
        print(f"qa: {error}", file=sys.stderr)
        return 1
    try:
        uvicorn.run(
            app,
            host=options.host,
            port=options.port,
            log_config=None,
            access_log=False,  # it has whole addresses, and with them questions
            server_header=False,
            proxy_headers=options.trusted_proxy is not None,
            forwarded_allow_ips=options.trusted_proxy,
            timeout_graceful_shutdown=int(limits.seconds) + 1,
            http="h11",  # bounds the headers, to 64 KiB
            ws="none",
        )
    except SystemExit:  # the port is taken, for example; the log says so
        return 1
    return 0


def _limits(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Limits:
    """The limits asked for; those of who opens the server to others are stricter where nothing is said."""
    token = options.token_file.read_text(encoding="utf-8") if options.token_file else os.environ.get("QA_TOKEN", "")
    token = token.strip() or None
    if token is None and (options.token_file or "QA_TOKEN" in os.environ):
        parser.error("the token is empty; write one of your own, the longer the better, or leave it out")
    alone = _is_loopback(options.host)
    if not alone and token is None and not options.no_token:
        parser.error(
            f"{options.host} can be reached from elsewhere: set QA_TOKEN or name --token-file; with --no-token anybody may ask"
        )
    names = (*LOOPBACK, options.host, *options.allow_host) if alone or options.allow_host else ()
    hosts = tuple(dict.fromkeys(name.lower() for name in names))
    rate = options.rate if options.rate is not None else 0 if alone else RATE
    return Limits(token, hosts, rate or None, options.time_limit, options.size_limit)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def create_app(index: str | Path | None = None, limits: Limits | None = None, *, log_questions: bool = False) -> FastAPI:
    """The application over an index, by folder or address; `limits` are those of `Limits`, which suit one machine.

    Raises `BadAddress` for an address that is none; without an index it starts, and says so to whoever asks.
    """
    limits = limits or Limits()
    figures = Metrics()
    served = Served(index, limits.seconds, figures)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        keeping = asyncio.create_task(served.keep_current())
        yield
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        served.close()

    # No pages of documentation: those that FastAPI makes fetch their scripts from another host.
    app = FastAPI(title="Ask the releases", version="1", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.served, app.state.metrics, app.state.log_questions = served, figures, log_questions
    app.include_router(router)
    handle_errors(app)
    app.add_middleware(Gate, limits=limits)
    app.add_middleware(Observed, metrics=figures)  # added last, it stands outermost
    app.openapi = partial(_described, app, limits)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI, limits: Limits) -> dict[str, Any]:
    """OpenAPI, with the one form of all errors and, where there is one, the token."""
    about = (
        "Press releases answer questions, quoted to the letter; nothing is generated. Offsets count Unicode code points from "
        f"0; dates are YYYY-MM-DD. A body may have {limits.size} bytes, an answer take {limits.seconds:g} seconds"
        + (f", an address ask {limits.rate} times a minute" if limits.rate else "")
        + ". Every error is a `Problem`, but for what is no HTTP: that gets a bare 400, in plain text."
    )
    found = get_openapi(title=app.title, version=app.version, description=about, routes=app.routes)
    parts = found.setdefault("components", {})
    parts["schemas"]["Problem"] = models.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts["schemas"].update(parts["schemas"]["Problem"].pop("$defs"))
    if limits.token is not None:
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
        found["paths"]["/health"]["get"]["security"] = []
    return found


if __name__ == "__main__":
    sys.exit(main())
