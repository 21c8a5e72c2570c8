"""The command line: `qa rebuild`, `ask`, `show`, `compare`, `watch`, `app`, `serve`, `mcp`, `collect`, `evaluate`, `doctor`.

It decides nothing. Results go to standard output, everything else to standard error. Exit status: 0, 1 for an error of ours, 2
for wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import shtab

from embeddings.errors import EmbeddingsError
from qa.cli import asking, building, measuring, starting
from qa.errors import QaError
from qa.printed import on_one_line
from qa.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        options = _parser().parse_args(given, argparse.Namespace(given=given))
        return int(options.run(options))
    except (QaError, EmbeddingsError) as error:
        print(f"qa: {on_one_line(str(error))}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, `head` for example, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        what = error.strerror or error
        print("qa: " + on_one_line(f"{what}: {error.filename}" if error.filename else str(what)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("qa: interrupted", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="qa", description="Ask a government's press releases a question.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    shtab.add_argument_to(parser, "--print-completion", help="print a completion script for this shell: source <(qa ...)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (building, asking, measuring, starting):
        module.add_commands(commands)
    for command in commands.choices.values():
        for action in command._actions:  # noqa: SLF001 - argparse has no other list of them
            if action.type is Path or action.dest == "index":
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return parser
