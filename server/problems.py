"""Problems: every error as problem+json (RFC 9457) that names the way out, and never a traceback."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from embeddings.errors import EmbeddingsError
from qa import QaError
from qa.errors import BadQuestion, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

_WAY_OUT = "GET /openapi.json says what can be asked, and how."


class Json(JSONResponse):
    """JSON; half a surrogate pair, which may come in with a question and has no bytes in UTF-8, goes out as its escape."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


class ProblemJson(Json):
    media_type = "application/problem+json"


def problem(
    request_id: str,
    status: int,
    detail: str,
    *,
    name: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> ProblemJson:
    """The reply to a request that failed; `name` is that of an error of `qa.errors` or `embeddings.errors`."""
    words = re.findall("[A-Z][a-z]+", name or "")
    record = {
        "type": f"urn:release-qa:{'-'.join(words).lower()}" if words else "about:blank",
        "title": " ".join(words).capitalize() or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
        "errors": list(errors),
    }
    return ProblemJson(record, status, {"Cache-Control": "no-store", **(headers or {})})


def handle_errors(app: FastAPI) -> None:
    """Let `app` answer every error with a problem."""
    app.add_exception_handler(QaError, _ours)
    app.add_exception_handler(EmbeddingsError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unforeseen)


def request_id(request: Request) -> str:
    return str(request.state.request_id)


def _ours(request: Request, error: Exception) -> ProblemJson:
    """422 for what was asked, 404 for what there is none of; else the index, its model or its server has to be seen to."""
    status = 422 if isinstance(error, BadQuestion) else 404 if isinstance(error, NotFound) else 503
    return problem(request_id(request), status, str(error), name=type(error).__name__)


def _invalid(request: Request, error: Exception) -> ProblemJson:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (Starlette calls by type)
    if isinstance(error.body, bytes):  # as it came, for want of the right Content-Type
        return problem(request_id(request), 415, "send the question as JSON, and say so: Content-Type: application/json")
    found = [{"where": ".".join(map(str, each["loc"])), "what": each["msg"]} for each in error.errors()]
    broken = any(each["type"] == "json_invalid" for each in error.errors())
    detail = "; ".join(f"{each['where']}: {each['what']}" for each in found)
    return problem(request_id(request), 400 if broken else 422, f"{detail}. {_WAY_OUT}", errors=found)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (as above)
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    detail = error.detail
    if error.status_code in (400, 404, 405):  # the framework's own, which name no way out
        detail = f"{detail}. {_WAY_OUT}"
    return problem(request_id(request), error.status_code, detail, headers=error.headers)


def _unforeseen(request: Request, error: Exception) -> ProblemJson:  # noqa: ARG001  (the server's log has it)
    headers = {"X-Request-ID": request_id(request)}  # outside of what adds it to other replies
    return problem(request_id(request), 500, "a fault of the server; its log has the rest under this id", headers=headers)
