"""Options that more than one parser reads."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no other name for it


def add_index(parser: argparse.ArgumentParser) -> None:
    """The option of every command that reads or writes an index."""
    parser.add_argument(
        "--index",
        metavar="DIR|ADDRESS",
        help="folder of the index, or milvus://HOST:PORT/COLLECTION (default: QA_INDEX, else .index)",
    )


def add_serve_options(parser: argparse.ArgumentParser) -> None:
    """The options of `qa serve`, which its process reads again."""
    add_index(parser)
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="default: 127.0.0.1, this machine only")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="ask for the token in it; else for QA_TOKEN, where set")
    parser.add_argument("--no-token", action="store_true", help="let anybody ask who reaches an address outside this machine")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name the server is reached by")
    parser.add_argument("--trusted-proxy", metavar="ADDRESS", help="a proxy that is believed who the client is")
    parser.add_argument(
        "--rate",
        type=_at_least(0),
        metavar="N",
        help="requests a minute of one client; 0: any number (default: 0, outside 120)",
    )
    parser.add_argument("--time-limit", type=_at_least(1), default=30, metavar="SECONDS", help="for an answer (default: 30)")
    parser.add_argument(
        "--size-limit", type=_at_least(1), default=65_536, metavar="BYTES", help="of a request (default: 65536)"
    )
    parser.add_argument("--log-questions", action="store_true", help="write questions into the log; else none is kept")


def _at_least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} on")
        return int(text)

    return read
