"""What requests are answered from: a loaded generation, kept current beside them, and the workers that ask it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from starlette.exceptions import HTTPException

from embeddings.errors import EmbeddingsError
from qa import QaError, Retriever, index_place

if TYPE_CHECKING:
    from pathlib import Path

    from server.metrics import Metrics

LOG = logging.getLogger("server")
POLL = 1.0  # seconds between two looks for a new generation, each of which reads one small file, or asks a server once
# Twice the cores: no question keeps one busy all the time. 60 questions of the corpus on two cores, shared with other work: 11
# a second by one worker, 13 by two, 15 by four.
WORKERS = 2 * (os.cpu_count() or 1)
T = TypeVar("T")


class Served:
    """An index as a server answers from it.

    A new generation is loaded beside the requests, which go on with the one before until it is there: none waits for it, and
    none reads two. Where a new one cannot be taken up, the one before goes on and `fault` says why.
    """

    def __init__(self, index: str | Path | None, seconds: float, metrics: Metrics) -> None:
        self.place = index_place(index)
        self.seconds = seconds
        self.metrics = metrics
        self.fault: Exception | None = None
        self._retriever: Retriever | None = None
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="asking")

    async def keep_current(self) -> None:
        """Take up the index and every new generation of it, until cancelled."""
        while True:
            try:
                self._take_up(await asyncio.to_thread(Retriever.current, self.place))
            except (QaError, EmbeddingsError, OSError) as error:
                self._tell(error)
            except Exception as error:  # a fault of ours must not end this task, and with it every later generation
                LOG.exception("the index could not be taken up")
                self._tell(error)
            await asyncio.sleep(POLL)

    def _take_up(self, retriever: Retriever) -> None:
        self.fault = None
        self.metrics.fault.set(0)
        if self._retriever is not retriever:
            self._retriever = retriever
            manifest = retriever.index.manifest
            self.metrics.releases.set(manifest.releases)
            self.metrics.passages.set(manifest.passages)
            self.metrics.generations.inc()
            LOG.info("reading %s: %d releases, %d passages", retriever.index.generation, manifest.releases, manifest.passages)

    def _tell(self, error: Exception) -> None:
        if str(error) != str(self.fault):
            LOG.warning("%s", error)
        self.fault = error
        self.metrics.fault.set(1)

    def retriever(self) -> Retriever:
        """The retriever of the generation that is read now. Raises why there is none."""
        if self._retriever is not None:
            return self._retriever
        if isinstance(self.fault, (QaError, EmbeddingsError)):
            raise self.fault
        raise HTTPException(
            503, str(self.fault or "the index is being loaded; ask again in a few seconds"), {"Retry-After": "5"}
        )

    async def answer(self, work: Callable[[], T]) -> T:
        """What `work` returns, done by one of the workers. Raises 503 when that takes too long.

        Work that waits for a worker is then given up. A thread cannot be stopped: work that has begun goes on to its end, with
        its worker, and what it makes is thrown away; so no more than the workers ever work at a time.
        """
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._workers, work), self.seconds)
        except TimeoutError:
            detail = f"not answered within {self.seconds:g} s; ask again later, or start the server with a longer --time-limit"
            raise HTTPException(503, detail, {"Retry-After": "5"}) from None

    def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)
