"""Milvus, an engine that runs on a cluster: pooled vectors, searched there, and files, kept there in pieces.

What is pushed together has a digest and two collections: `<name>_<digest>`, a row a text (number, id, day, vector), and
`<name>_<digest>_files`, a row a piece. The alias `<name>` says which counts, for both, so that the switch is one step. It is
made when everything has been counted back. Words stay with the reader: BM25 came to the server later than 2.3.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.dense import CELLS, FLAT_TO
from embeddings.errors import EngineMissing, EngineRefused, EngineUnreachable, IndexDamaged
from embeddings.pieces import PIECE, Table, read_piece

MARK = "pushed by release-qa, form 1"  # the description of every collection of ours
_SEGMENT = 350_000  # vectors of 384 components in a segment of the server (512 MB), each with cells of its own
_ROWS, _PIECES = 1_000, 100  # in a message: 1.5 MB and 6.5 MB; a server takes 64 MB
_ANSWER = 64 * 2**20  # bytes of a message that are taken from a server, which gRPC would give any memory for
_CONNECTING, _ASKING, _WRITING, _LOADING = 5.0, 20.0, 60.0, 3600.0  # seconds until it is given up
_SAID = 300  # characters of what a server says of an error
_NO_COLLECTION, _NO_ALIAS = 100, 1600  # https://github.com/milvus-io/milvus/blob/v2.3.5/pkg/util/merr/errors.go
_LOST = re.compile(r"connect|unavailable|deadline|time ?out|not (?:fully )?loaded|not? available|offline", re.IGNORECASE)
# As which an answer that is none of Milvus's ends where it is read, by pymilvus or here.
_STRANGE = (LookupError, TypeError, ValueError, AttributeError, OverflowError, StopIteration, RecursionError, MemoryError)


class Engine:
    """What lies under one name on a Milvus server. Safe to share between threads."""

    def __init__(self, client: Any, host: str, port: int, name: str) -> None:
        self._client = client
        self._where = f"{host}:{port}"
        self.name = name

    @classmethod
    def connect(cls, host: str, port: int, name: str) -> Engine:
        """Raises `EngineMissing` without pymilvus, `EngineUnreachable` where no server answers."""
        try:
            import pymilvus
        except ImportError as error:
            raise EngineMissing("pymilvus") from error
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # our errors say what it would log
        with _ours(f"{host}:{port}"):
            limits = {"grpc.max_receive_message_length": _ANSWER}
            client = pymilvus.MilvusClient(uri=f"http://{host}:{port}", timeout=_CONNECTING, grpc_options=limits)
        return cls(client, host, port, name)

    @cached_property
    def version(self) -> str:
        return str(self._ask("get_server_version"))

    def current(self) -> str | None:
        """The digest that the alias names, None where nothing has been pushed yet.

        Raises `EngineRefused` when the name is in use for something else.
        """
        try:
            with self._reading():
                target = str(self._ask("describe_alias", self.name)["collection_name"])
        except EngineRefused as error:
            if error.code != _NO_ALIAS:
                raise
            if self._ask("has_collection", self.name):
                raise self._taken(f"{self.name} is a collection of something else") from None
            return None
        if not self._pattern.fullmatch(target) or not self._is_ours(target):
            raise self._taken(f"{self.name} is an alias of {target:.100}, which is something else")
        return target.removeprefix(f"{self.name}_")

    def dimension(self, digest: str) -> int:
        """The components of the vectors under a digest."""
        with self._reading():
            fields = self._ask("describe_collection", self._vectors(digest))["fields"]
            return next(int(field["params"]["dim"]) for field in fields if field["name"] == "vector")

    def count(self, digest: str) -> int:
        """The vectors under a digest, read back."""
        return self._count(self._vectors(digest))

    def push(
        self,
        table: Table,
        paths: Mapping[str, Path],
        ids: Sequence[str],
        days: npt.NDArray[np.int64],
        vectors: npt.NDArray[Any],
    ) -> None:
        """Have everything on the server under the table's digest, then let the alias name it.

        Row i has `ids[i]`, `days[i]` and `vectors[i]`; `paths` says where each file of the table lies. What a push that was
        cut off left there is not sent again. The collections of the digest before stay, for those who still read them; older
        ones are dropped.
        """
        pieces = table.pieces()

        def rows(start: int, end: int) -> list[dict[str, Any]]:
            return [{"row": i, "passage": ids[i], "day": int(days[i]), "vector": vectors[i]} for i in range(start, end)]

        def data(start: int, end: int) -> list[dict[str, Any]]:
            parts = [table.text if i == 0 else read_piece(paths, *pieces[i - 1]) for i in range(start, end)]
            return [
                {"row": i, "piece": base64.b64encode(part).decode("ascii"), "nothing": [0.0, 0.0]}
                for i, part in enumerate(parts, start)
            ]

        files = f"{self._vectors(table.digest)}_files"
        self._create(self._vectors(table.digest), "vector", vectors.shape[1], len(ids), passage=0, day=0)
        self._create(files, "nothing", 2, 0, piece=0)
        self.load(table.digest)
        self._put(self._vectors(table.digest), len(ids), rows, _ROWS)
        self._put(files, 1 + len(pieces), data, _PIECES)
        if len(ids) > FLAT_TO:
            self._finish(self._vectors(table.digest))
        self._switch(table.digest)

    def load(self, digest: str) -> None:
        """Have the server ready to answer from what is under a digest, and wait until it is."""
        collections = [self._vectors(digest), f"{self._vectors(digest)}_files"]
        for collection in collections:
            self._ask("load_collection", collection, _async=True)
        for collection in collections:
            self._wait(partial(self._is_loaded, collection))

    def table(self, digest: str) -> Table:
        """The table of what was pushed under a digest. Raises `IndexDamaged` when it is not what was pushed."""
        text = self._read(digest, 0, 1)[0]
        if hashlib.sha256(text).hexdigest()[:16] != digest:
            raise IndexDamaged(Path(self._vectors(digest)), "is damaged: its table of files is another")
        try:
            return Table.read(text)
        except ValueError as error:
            raise IndexDamaged(Path(self._vectors(digest)), f"cannot be read: {error}") from error

    def file(self, table: Table, path: str) -> Iterator[bytes]:
        """The pieces of a file of the table. Raises `IndexDamaged` after the last one when they are not what was pushed."""
        places = table.pieces_of(path)
        hashed = hashlib.sha256()
        for start in range(places.start, places.stop, _PIECES):
            for piece in self._read(table.digest, start, min(start + _PIECES, places.stop)):
                hashed.update(piece)
                yield piece
        if hashed.hexdigest() != next(digest for of, _, digest in table.files if of == path):
            raise IndexDamaged(Path(self._vectors(table.digest)) / path, "is damaged")

    def search(
        self, digest: str, vector: npt.NDArray[np.float32], k: int, condition: str, cells: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The k rows nearest to a vector of those that meet the condition ("" for all), and their cosines, descending."""
        more = {"metric_type": "IP", "params": {"nprobe": cells} if cells else {}}
        with self._reading():
            [hits] = self._ask(
                "search",
                self._vectors(digest),
                data=[vector],
                limit=k,
                filter=condition,
                search_params=more,
                consistency_level="Bounded",
            )
            rows = np.array([hit["id"] for hit in hits], dtype=np.int64)
            cosines = np.array([hit["distance"] for hit in hits], dtype=np.float32)
        order = np.lexsort((rows, -cosines))
        return rows[order], cosines[order]

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.name) + r"_[0-9a-f]{16}(?P<files>_files)?")

    def _vectors(self, digest: str) -> str:
        return f"{self.name}_{digest}"

    def _is_ours(self, collection: str) -> bool:
        with self._reading():
            return bool(self._ask("describe_collection", collection)["description"] == MARK)

    def _taken(self, why: str) -> EngineRefused:
        return EngineRefused(self._where, f"{why}. Name another collection: milvus://{self._where}/NAME")

    def _is_loaded(self, collection: str) -> bool:
        with self._reading():
            return bool(self._ask("get_load_state", collection)["state"].name == "Loaded")

    def _create(self, collection: str, vector: str, dimension: int, count: int, **fields: int) -> None:
        """A collection that is indexed and loaded as it fills; the same one where it exists."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False, description=MARK)
        schema.add_field("row", DataType.INT64, is_primary=True)
        for field in fields:
            if field == "day":
                schema.add_field(field, DataType.INT64)
            else:
                schema.add_field(field, DataType.VARCHAR, max_length=65_535)
        schema.add_field(vector, DataType.FLOAT_VECTOR, dim=dimension)
        index = self._client.prepare_index_params()
        kind = {"index_type": "IVF_FLAT", "params": {"nlist": cells_of(count)}} if count > FLAT_TO else {"index_type": "FLAT"}
        index.add_index(vector, metric_type="IP", **kind)
        if not self._ask("has_collection", collection):
            self._ask("create_collection", collection, schema=schema)
        elif not self._is_ours(collection):
            raise self._taken(f"{collection} is a collection of something else")
        self._ask("create_index", collection, index, sync=False)

    def _put(self, collection: str, count: int, rows: Callable[[int, int], list[dict[str, Any]]], size: int) -> None:
        """Upsert what is missing of `count` rows, `size` at a time, and count them back."""
        begun = self._count(collection) > 0
        for start in range(0, count, size):
            end = min(start + size, count)
            if not begun or self._count(collection, f"row >= {start} and row < {end}") < end - start:
                self._ask("upsert", collection, rows(start, end), seconds=_WRITING)
        held = self._count(collection)
        if held != count:
            raise EngineRefused(self._where, f"{collection} holds {held} rows of the {count} that were sent")

    def _finish(self, collection: str) -> None:
        """Have all rows in cells: until then the server looks through those that came last one by one."""
        self._ask("flush", collection, seconds=_LOADING)
        self._wait(partial(self._is_indexed, collection))

    def _is_indexed(self, collection: str) -> bool:
        with self._reading():
            return not int(self._ask("describe_index", collection, "vector")["pending_index_rows"])

    def _switch(self, digest: str) -> None:
        before = self.current()
        if before == digest:
            return
        self._ask("create_alias" if before is None else "alter_alias", self._vectors(digest), self.name)
        kept = {self._vectors(each) for each in (digest, before) if each}
        for collection in self._ask("list_collections"):
            match = self._pattern.fullmatch(collection)
            if match and collection.removesuffix("_files") not in kept and self._is_ours(collection):
                self._ask("drop_collection", collection)

    def _count(self, collection: str, condition: str = "") -> int:
        with self._reading():
            [found] = self._ask("query", collection, filter=condition, output_fields=["count(*)"], consistency_level="Strong")
            return int(found["count(*)"])

    def _read(self, digest: str, start: int, end: int) -> list[bytes]:
        """The pieces `start` to `end`, in order."""
        collection = f"{self._vectors(digest)}_files"
        found = self._ask(
            "query",
            collection,
            filter=f"row >= {start} and row < {end}",
            output_fields=["row", "piece"],
            consistency_level="Bounded",
            seconds=_WRITING,
        )
        with self._reading():
            pieces = {each["row"]: base64.b64decode(each["piece"], validate=True) for each in found}
        if pieces.keys() != set(range(start, end)) or any(len(piece) > PIECE for piece in pieces.values()):
            raise IndexDamaged(Path(collection), "lacks pieces that were pushed")
        return [pieces[row] for row in range(start, end)]

    def _wait(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + _LOADING
        while not done():
            if time.monotonic() > until:
                raise EngineUnreachable(self._where, f"it was not ready within {_LOADING:.0f} s")
            time.sleep(0.2)

    def _ask(self, method: str, *arguments: Any, seconds: float = _ASKING, **options: Any) -> Any:
        with _ours(self._where), self._reading():
            return getattr(self._client, method)(*arguments, timeout=seconds, **options)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """An answer of another form than Milvus's, as an error of ours: whoever answers may be anybody."""
        try:
            yield
        except _STRANGE as error:
            reason = f"it answers otherwise than Milvus does ({type(error).__name__}). See what runs at that address"
            raise EngineRefused(self._where, reason) from error


@contextmanager
def _ours(where: str) -> Iterator[None]:
    """What the client raises, as an error of ours."""
    from grpc import RpcError
    from pymilvus import MilvusException

    try:
        yield
    except (MilvusException, RpcError) as error:
        code, reason = getattr(error, "code", 0), str(getattr(error, "message", "") or error).partition("\n")[0][:_SAID]
        if code == _NO_COLLECTION:
            raise EngineRefused(
                where, "the collection is gone: others have been pushed since. Open the index anew", code
            ) from error
        if _LOST.search(reason):
            raise EngineUnreachable(where, reason) from error
        raise EngineRefused(where, reason, code if isinstance(code, int) else 0) from error


def cells_of(count: int) -> int:
    """The cells of each segment of so many vectors on the server, as many for its size as `DenseIndex` has."""
    return int(CELLS * math.sqrt(min(count, _SEGMENT)))
