"""MCP: what an assistant asks through, to quote the ministry to the letter, with paragraph, date and link.

`qa mcp` starts it: over standard input and output, or with `--http PORT` over HTTP, on this machine only. `search` and `fetch`,
with `query`, `results`, `id`, `title`, `text` and `url`, are the pair of tools that assistants look for in a server.

What a release says may be meant for the assistant ("ignore what you were told ..."). So a release's words stand in fields of
their own, and the instructions, the descriptions of the tools and every result say that they are quoted.
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from contextlib import suppress
from typing import Annotated, Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.types import CallToolResult, InputRequiredResult, ResourceLink, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel, Field, ValidationError

from embeddings.errors import EmbeddingsError
from qa import ACTS, SIDES, Options, Retriever, __version__, compare, show
from qa.errors import QaError
from server.results import NOTICE, Compared, Fetched, Results

INSTRUCTIONS = f"""Search a government's press releases and quote them. {NOTICE}

Quote the words of a quote or text exactly, with the title, date, paragraph and url that stand beside them. Where `answered` is
false, say that no release answers, with the `reason`: the results are then only the nearest passages. Where `provenance` is
"digest", the words are a digest's and not the ministry's: say so."""

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
HOST = "127.0.0.1"  # nobody else gets in; for this host the SDK refuses foreign Host and Origin headers as well


class Tools:
    """The tools over one index, by folder or address, by default where `qa rebuild` puts one; the first call loads it."""

    def __init__(self, index: str | None = None) -> None:
        self.index = index

    def search(
        self,
        query: Annotated[str, Field(description="a question in English or Korean, at most 2,000 characters")],
        k: Annotated[int, Field(description="how many passages, 1 to 100")] = 5,
        since: Annotated[str | None, Field(description="only releases of this day or later, YYYY-MM-DD")] = None,
        until: Annotated[str | None, Field(description="only releases of this day or earlier, YYYY-MM-DD")] = None,
        speaker: Annotated[str | None, Field(description="only what this person or government says")] = None,
        side: Annotated[str | None, Field(description=f"only what this side says: {', '.join(SIDES)}")] = None,
        act: Annotated[str | None, Field(description=f"only passages with such an act: {', '.join(ACTS)}")] = None,
        history: Annotated[list[str] | None, Field(description="the questions before it, oldest first")] = None,
    ) -> Annotated[CallToolResult, Results]:
        """The passages of press releases that answer a question, quoted to the letter, or why no release answers it."""
        asked = {"since": since, "until": until, "speaker": speaker, "side": side, "act": act, "history": history or []}
        retriever = Retriever.current(self.index)
        answer = retriever.ask(query, k, **Options(**asked))  # type: ignore[typeddict-item]
        found = Results.of(answer, retriever.index.releases)
        return _told(found, {each.quotes[0].url if each.quotes else each.url: each.title for each in found.results})

    def fetch(
        self,
        id: Annotated[str, Field(description="of a release, or the permalink of a passage, as search gives them")],  # noqa: A002
    ) -> Annotated[CallToolResult, Fetched]:
        """A whole press release, or one passage of it as it read when it was cited."""
        fetched = Fetched.of(show(id, index=self.index))
        return _told(fetched, {fetched.url: fetched.title})

    def compare(
        self,
        later: Annotated[str, Field(description="the id of a release")],
        earlier: Annotated[str | None, Field(description="the id of another; else the one before it in its series")] = None,
    ) -> Annotated[CallToolResult, Compared]:
        """What is new, repeated and dropped between two press releases, sentence by sentence."""
        index = Retriever.current(self.index).index
        compared = Compared.of(compare(earlier, later, index=index), index.releases)
        return _told(compared, {side.url: side.title for side in (compared.earlier, compared.later)})


class Server(MCPServer):
    """The SDK's server; what goes wrong is told to the assistant as it is told to a person: with the way out."""

    async def list_tools(self) -> list[Tool]:
        tools = await super().list_tools()
        return [
            tool.model_copy(update={"input_schema": {**tool.input_schema, "additionalProperties": False}}) for tool in tools
        ]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        known = {tool.name: list(tool.input_schema["properties"]) for tool in await super().list_tools()}
        if name not in known:
            return _failed(f"there is no tool {name[:100]!r}; there are {', '.join(known)}")
        unknown = [argument for argument in arguments if argument not in known[name]]
        if unknown:  # the SDK drops it, and a filter in a wrong name would go unnoticed
            return _failed(f"{name} has no argument {unknown[0][:100]!r}; it takes {', '.join(known[name])}")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, (QaError, EmbeddingsError, OSError)):
                return _failed(str(cause))
            if isinstance(cause, ValidationError) and not isinstance(error, UnexpectedToolError):
                return _failed("; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in cause.errors()))
            raise


def made_server(index: str | None = None) -> MCPServer:
    """The server over an index, as `Tools` takes it."""
    server = Server("release-qa", title="Ask the releases", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING")
    tools = Tools(index)
    for tool, title in (
        (tools.search, "Search the releases"),
        (tools.fetch, "Read a release"),
        (tools.compare, "Compare two releases"),
    ):
        server.add_tool(tool, title=title, description=f"{tool.__doc__} {NOTICE}", annotations=_READS)
    return server


def _told(result: BaseModel, links: dict[str | None, str]) -> CallToolResult:
    """A result as structured content, as JSON for assistants that read no other, and with links to official pages."""
    return CallToolResult(
        content=[
            TextContent(text=result.model_dump_json()),
            *(
                ResourceLink(uri=url, name=title, description="the official page", mime_type="text/html")
                for url, title in links.items()
                if url
            ),
        ],
        structured_content=result.model_dump(),
    )


def _failed(why: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=why)], is_error=True)


def main() -> int:
    """Serve until the assistant closes standard input or an interruption; the exit status."""
    parser = argparse.ArgumentParser(prog="qa mcp")
    parser.add_argument("--index")
    parser.add_argument("--http", type=int, metavar="PORT")
    options = parser.parse_args()
    server = made_server(options.index)
    if options.http is not None:
        return _serve_http(server, options.http)
    # An interruption ends it at once: the SDK's thread that waits for the next line would keep the process until it comes.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server.run("stdio")
    return 0


def _serve_http(server: MCPServer, port: int) -> int:
    try:
        listener = socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        print(f"qa: port {port} cannot be used: {error}; name another: --http PORT", file=sys.stderr)
        return 1
    print(f"MCP on http://{HOST}:{port}/mcp", file=sys.stderr, flush=True)
    app = server.streamable_http_app(stateless_http=True, host=HOST)
    with suppress(KeyboardInterrupt):  # which uvicorn raises again when it has closed all
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
