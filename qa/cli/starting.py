"""What goes on until it is stopped: `qa app`, `serve`, `mcp`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from qa.cli.options import Commands, add_index, add_serve_options
from qa.errors import QaError

# As in .streamlit/config.toml, which an installed package does not have: nothing leaves the machine, nobody else gets in.
_PAGE_SETTINGS = {
    "browser.gatherUsageStats": "false",
    "server.address": "localhost",
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": "false",  # else the first start on a desktop waits for an address to be typed
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "theme.light.primaryColor": "#1d4f8c",
    "theme.dark.primaryColor": "#8ab4f0",
}


def add_commands(commands: Commands) -> None:
    """Add `app`, `serve` and `mcp` to the commands."""
    _add_app(commands)
    _add_serve(commands)
    _add_mcp(commands)


def _add_app(commands: Commands) -> None:
    app = commands.add_parser("app", help="open the chat page")
    app.add_argument("--corpus", type=Path, metavar="PATH", help="corpus to build from where there is no index yet")
    add_index(app)
    app.add_argument("--port", type=int, default=8501)
    app.set_defaults(run=_app)


def _app(options: argparse.Namespace) -> int:
    from qa.places import index_place

    page = find_spec("app")
    if page is None or page.origin is None:
        raise QaError("app.py is not installed; run streamlit run app.py in the project's folder")
    environment = dict(os.environ)
    if options.index is not None:
        place = index_place(options.index)
        environment["QA_INDEX"] = str(place.resolve() if isinstance(place, Path) else place)
    if options.corpus is not None:
        environment["QA_CORPUS"] = str(options.corpus.resolve())
    settings = {**_PAGE_SETTINGS, "server.port": str(options.port)}
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        page.origin,
        *(f"--{name}={value}" for name, value in settings.items()),
    ]
    os.chdir(Path(page.origin).parent)
    return _become(command, environment)


def _add_serve(commands: Commands) -> None:
    serve = commands.add_parser("serve", help="answer other programs over HTTP")
    add_serve_options(serve)
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    return _become_server("http", ("fastapi", "uvicorn", "prometheus_client"), "serve", options.given[1:])


def _add_mcp(commands: Commands) -> None:
    mcp = commands.add_parser("mcp", help="let assistants ask, by the Model Context Protocol")
    add_index(mcp)
    mcp.add_argument(
        "--http", type=int, metavar="PORT", help="over HTTP, on this machine only (default: standard input and output)"
    )
    mcp.set_defaults(run=_mcp)


def _mcp(options: argparse.Namespace) -> int:
    return _become_server("mcp", ("mcp",), "mcp", options.given[1:])


def _become_server(server: str, needed: Sequence[str], extra: str, arguments: Sequence[str]) -> int:
    """Start a module of the package `server`, which needs the packages of an extra."""
    missing = next((name for name in needed if find_spec(name) is None), None)
    if missing is not None:
        raise QaError(f"{missing} is not installed. pip install 'release-qa[{extra}]'")
    beside = Path(__file__).resolve().parents[2]  # where `server` is, whatever the folder we are in holds of that name
    paths = os.pathsep.join(filter(None, [str(beside), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", f"server.{server}", *arguments]
    return _become(command, {**os.environ, "PYTHONPATH": paths})


def _become(command: list[str], environment: dict[str, str]) -> int:
    """Let this process become another: standard input and output, and the signals that end it, are then the other's own."""
    sys.stdout.flush()
    if sys.platform != "win32":  # where exec would return to the caller at once
        os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted
    return subprocess.run(command, env=environment, check=False).returncode
