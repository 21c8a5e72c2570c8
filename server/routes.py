"""What can be asked over HTTP: each route asks the public API once, and sends the record that comes back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

import qa
from qa import Options, Retriever, compare, find_cited, folder_of
from qa.errors import NotFound
from server import models
from server.metrics import LOG
from server.models import Asking
from server.problems import Json
from server.served import Served

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": _PROBLEM}
    for status, description in {
        400: "The request cannot be read.",
        401: "The token is missing or wrong.",
        408: "The request did not arrive in time.",
        413: "The body is too large.",
        415: "The body is not said to be JSON.",
        421: "The Host header names another server.",
        422: "The question, or another part of the request, cannot be used.",
        429: "Too many requests; `Retry-After` says in how many seconds to ask again.",
        500: "A fault of the server.",
        503: "There is no usable index, or no answer in time; the detail names the way out.",
    }.items()
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "Nothing has this id.", "content": _PROBLEM}}
_SAME: dict[int | str, dict[str, Any]] = {304: {"description": "The reply is still the one that `If-None-Match` names."}}

router = APIRouter(responses=_ERRORS)


@dataclass(frozen=True, slots=True)
class Reading:
    """One request's view of the index: one generation, whatever is rebuilt meanwhile."""

    served: Served
    retriever: Retriever
    headers: Mapping[str, str]

    def reply(self, record: Mapping[str, Any]) -> Json:
        return Json({**record, "generation": self.retriever.index.generation}, headers=dict(self.headers))


def _reading(request: Request) -> Reading:
    """Raises 304 where the client holds the reply already: to this address, on this day, by this code and generation."""
    served: Served = request.app.state.served
    retriever = served.retriever()
    if request.method != "GET":
        return Reading(served, retriever, {"Cache-Control": "no-store"})
    about = f"{_code()} {date.today()} {request.scope['path']} {request.scope['query_string']}"  # "last year" is by the day
    tag = f'W/"{retriever.index.generation}.{hashlib.sha256(about.encode()).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    held = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    if tag.removeprefix("W/") in held:
        raise HTTPException(304, headers=headers)
    return Reading(served, retriever, headers)


@cache
def _code() -> str:
    """A digest of the code that answers: another version of it may answer otherwise."""
    root = Path(qa.__file__).parent.parent
    files = [file for name in ("server", "qa", "embeddings") for file in sorted((root / name).rglob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


Read = Annotated[Reading, Depends(_reading)]
Id = Annotated[str, InPath(description="percent-encoded: `#` is `%23`", examples=["m_5676-322004"])]


@router.post("/retrieve", response_model=models.Answer)
async def retrieve(asking: Asking, reading: Read, request: Request) -> Response:
    """The passages nearest to a question, and whether they answer it."""
    return await _answer(asking, reading, request)


@router.get("/retrieve", response_model=models.Answer, responses=_SAME, operation_id="retrieve_by_address")
async def retrieve_by_address(asking: Annotated[Asking, Query()], reading: Read, request: Request) -> Response:
    """The same, asked in the address; `history` may be repeated."""
    return await _answer(asking, reading, request)


async def _answer(asking: Asking, reading: Reading, request: Request) -> Response:
    if request.app.state.log_questions:
        LOG.info("%s asked %s", request.state.request_id, json.dumps(asking.model_dump(mode="json", exclude_defaults=True)))
    options = Options(**asking.model_dump(exclude={"question", "k"}))  # type: ignore[typeddict-item]
    answer = await reading.served.answer(partial(reading.retriever.ask, asking.question, asking.k, **options))
    record = answer.record()
    request.app.state.metrics.answers.labels(record["why"] or "answered").inc()
    return reading.reply(record)


@router.get("/releases", response_model=models.Releases, responses=_SAME)
async def releases(
    reading: Read,
    offset: Annotated[int, Query(ge=0, description="releases to leave out at the start")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="releases to return, at most")] = 100,
) -> Response:
    """The releases of the index, in the order of their ids, a page at a time."""
    known = reading.retriever.index.releases
    shown = list(known.values())[offset : offset + limit]
    return reading.reply({"releases": [_as(models.Summary, each) for each in shown], "total": len(known)})


@router.get("/releases/{release_id:path}", response_model=models.ReleaseReply, responses=_SAME | _NOT_FOUND)
async def release(release_id: Id, reading: Read) -> Response:
    """A release, whole, with the places of its paragraphs and their parts."""
    found = reading.retriever.index.releases.get(release_id)
    if found is None:
        raise NotFound(release_id, "no release has this id; GET /releases lists them")
    return reading.reply(_as(models.Release, found))


@router.get("/passages/{passage_id:path}", response_model=models.Passage, responses=_SAME | _NOT_FOUND)
async def passage(passage_id: Id, reading: Read) -> Response:
    """A passage by the `passage_id` or the `permalink` of a hit; a permalink still finds what was changed or removed since."""
    folder = folder_of(reading.served.place)
    cited = await reading.served.answer(partial(find_cited, passage_id, reading.retriever.index, folder))
    return reading.reply(cited.record())


@router.get("/compare", response_model=models.Comparison, responses=_SAME | _NOT_FOUND)
async def comparison(
    reading: Read,
    later: Annotated[str, Query(description="id of a release")],
    earlier: Annotated[str | None, Query(description="id of another; by default the one before it in its series")] = None,
) -> Response:
    """What is new, repeated and dropped between two releases, sentence by sentence."""
    index = reading.retriever.index

    def compared() -> dict[str, Any]:
        return compare(earlier, later, index=index).record()

    return reading.reply(await reading.served.answer(compared))


@router.get("/health", response_model=models.Health)
async def health() -> Response:
    """Whether the process is up; asks for no token."""
    return Json({"status": "ok"})


@router.get("/ready", response_model=models.Ready)
async def ready(request: Request) -> Response:
    """Whether questions can be answered; 503 with the remedy where they cannot."""
    served: Served = request.app.state.served
    index = served.retriever().index
    told = {"model": index.manifest.model, "releases": len(index.releases), "passages": len(index.passages)}
    fault = None if served.fault is None else str(served.fault)
    return Json({**told, "fault": fault, "generation": index.generation}, headers={"Cache-Control": "no-store"})


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
async def metrics(request: Request) -> Response:
    """Figures for Prometheus: times in seconds, sizes in bytes."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _as(model: type[models.Summary], release: object) -> dict[str, Any]:
    return model.model_validate(release).model_dump(mode="json")
