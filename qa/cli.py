"""The command line: `qa rebuild`, `ask`, `show`, `compare`, `watch`, `app`, `serve`, `mcp`, `collect`, `evaluate`, `doctor`.

It decides nothing. Results go to standard output, everything else to standard error. Exit status: 0, 1 for an error of ours, 2
for wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shtab

from embeddings.errors import EmbeddingsError
from qa.acts import ACTS, SIDES
from qa.errors import BadQuestion, IndexMissing, QaError
from qa.printed import (
    answer_text,
    cited_text,
    comparison_text,
    figure_record,
    figures_table,
    finding_text,
    on_one_line,
    one_line,
    printable,
    report_text,
    standing_line,
    standing_text,
)

if TYPE_CHECKING:
    from qa.standing import Standing

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
    shtab.add_argument_to(parser, "--print-completion", help="print a completion script for this shell: source <(qa ...)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    rebuild = commands.add_parser("rebuild", help="read a corpus and build its index; needs no network")
    rebuild.add_argument(
        "--corpus", action="append", type=Path, metavar="PATH", help="folder or file of releases; may be repeated"
    )
    _add_index(rebuild)
    rebuild.add_argument("--model", default=None, metavar="NAME", help="e5 (default), minilm, a folder, or a name on the hub")
    rebuild.add_argument("--watch", action="store_true", help="go on rebuilding whenever the corpus changes, until interrupted")
    rebuild.add_argument("--json", action="store_true", help="the report as JSON, one object a rebuild")
    rebuild.set_defaults(run=_rebuild)

    ask = commands.add_parser("ask", help="ask one question, or a file of them")
    ask.add_argument("question", nargs="?", metavar="QUESTION")
    ask.add_argument("--batch", type=Path, metavar="FILE.jsonl", help='lines of {"id", "question", "history"}')
    ask.add_argument("-k", type=int, default=5, metavar="N", help="passages to show, 1 to 100 (default 5)")
    ask.add_argument("--since", metavar="DATE", help="only releases of this day or later, YYYY-MM-DD")
    ask.add_argument("--until", metavar="DATE", help="only releases of this day or earlier")
    ask.add_argument("--speaker", metavar="NAME", help="only passages in which this person or government says something")
    ask.add_argument("--side", choices=SIDES, help="only what this side says; ours is the publishing government's")
    ask.add_argument("--act", choices=ACTS, metavar="ACT", help=f"only passages with such an act: {', '.join(ACTS)}")
    ask.add_argument("--today", type=date.fromisoformat, metavar="DATE", help='what "last year" counts from (default: today)')
    ask.add_argument("--reranker", metavar="NAME", help="a cross-encoder that orders the best passages: a folder or a hub name")
    _add_index(ask)
    ask.add_argument("--json", action="store_true", help="one JSON object a line")
    ask.set_defaults(run=_ask, parser=ask)

    show = commands.add_parser("show", help="a release, a passage, or what a permalink cites, as it was then")
    show.add_argument("reference", metavar="ID|PERMALINK", help="as answers give them")
    _add_index(show)
    show.add_argument("--json", action="store_true", help="one JSON object")
    show.set_defaults(run=_show)

    compare = commands.add_parser("compare", help="what is new, repeated and dropped between two releases")
    compare.add_argument("release", metavar="ID", help="release id, as answers give it")
    compare.add_argument("other", nargs="?", metavar="ID", help="default: the release before it in its series")
    _add_index(compare)
    compare.add_argument("--json", action="store_true", help="one JSON object")
    compare.set_defaults(run=_compare)

    collect = commands.add_parser("collect", help="bring official releases from the ministry's site, or a feed, into a folder")
    source = collect.add_mutually_exclusive_group(required=True)
    source.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="first day of the releases, YYYY-MM-DD")
    source.add_argument("--feed", metavar="URL", help="an RSS or Atom feed that links to releases")
    collect.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="last day (default: today in Korea)")
    collect.add_argument("--board", nargs="+", default=["m_5676"], metavar="BOARD", help="default: m_5676, Press Releases")
    collect.add_argument("--into", type=Path, default=Path("collected"), metavar="DIR", help="default: collected")
    collect.add_argument(
        "--recheck", action="store_true", help="compare every release already there, not only the last month's"
    )
    collect.add_argument("--contact", metavar="ADDRESS", help="e-mail or web address told to the site in the User-Agent")
    collect.add_argument("--site", default=None, metavar="URL", help="a mirror of the site (default: the ministry's own)")
    collect.set_defaults(run=_collect, parser=collect)

    watch = commands.add_parser("watch", help="keep a question, and tell which releases newly answer it")
    task = watch.add_mutually_exclusive_group()
    task.add_argument(
        "question", nargs="?", metavar="QUESTION", help="the question to keep (default: list those that are kept)"
    )
    task.add_argument("--report", action="store_true", help="tell what newly answers since the last report")
    task.add_argument("--forget", metavar="QUESTION|NUMBER", help="keep a question no longer")
    watch.add_argument("--atom", type=Path, metavar="FILE", help="with --report: write the news into an Atom feed")
    _add_index(watch)
    watch.add_argument("--json", action="store_true", help="one JSON object a question")
    watch.set_defaults(run=_watch, parser=watch)

    evaluate = commands.add_parser("evaluate", help="measure the answers on questions with known ones")
    evaluate.add_argument("--questions", type=Path, metavar="FILE", help="default: questions.jsonl of the corpus")
    evaluate.add_argument("--feedback", type=Path, metavar="FILE", help="measure on what readers said of answers on the page")
    evaluate.add_argument("--split", default="test", choices=("tune", "test"), help="default: test")
    _add_index(evaluate)
    evaluate.add_argument("--json", action="store_true", help="the figures as JSON")
    evaluate.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves into a .png, .svg or .html file")
    evaluate.add_argument("--floors", type=Path, metavar="FILE", help="default: floors.json beside the questions")
    task = evaluate.add_mutually_exclusive_group()
    task.add_argument("--check", action="store_true", help="exit 1 when a figure falls under its floor")
    task.add_argument("--pin", action="store_true", help="make these figures the floors")
    task.add_argument("--fit", action="store_true", help="fit the confidence on the tune split first")
    evaluate.add_argument("--lower", action="store_true", help="with --pin: allow a floor to be lowered")
    evaluate.set_defaults(run=_evaluate, parser=evaluate)

    doctor = commands.add_parser("doctor", help="check an index and what it needs; each fault with its remedy")
    doctor.add_argument(
        "--corpus", action="append", type=Path, metavar="PATH", help="what the index should be of; may be repeated"
    )
    _add_index(doctor)
    doctor.add_argument("--json", action="store_true", help="one JSON object a finding")
    doctor.set_defaults(run=_doctor)

    app = commands.add_parser("app", help="open the chat page")
    app.add_argument("--corpus", type=Path, metavar="PATH", help="corpus to build from where there is no index yet")
    _add_index(app)
    app.add_argument("--port", type=int, default=8501)
    app.set_defaults(run=_app)

    serve = commands.add_parser("serve", help="answer other programs over HTTP")
    add_serve_options(serve)
    serve.set_defaults(run=_serve)
    mcp = commands.add_parser("mcp", help="let assistants ask, by the Model Context Protocol")
    _add_index(mcp)
    mcp.add_argument(
        "--http", type=int, metavar="PORT", help="over HTTP, on this machine only (default: standard input and output)"
    )
    mcp.set_defaults(run=_mcp)
    for command in commands.choices.values():
        for action in command._actions:  # noqa: SLF001 - argparse has no other list of them
            if action.type is Path or action.dest == "index":
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    return parser


def add_serve_options(parser: argparse.ArgumentParser) -> None:
    """The options of `qa serve`, which its process reads again."""
    _add_index(parser)
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


def _add_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--index",
        metavar="DIR|ADDRESS",
        help="folder of the index, or milvus://HOST:PORT/COLLECTION (default: QA_INDEX, else .index)",
    )


def _rebuild(options: argparse.Namespace) -> int:
    from qa.rebuild import RebuildReport, rebuild
    from qa.watch import watch

    def tell(report: RebuildReport) -> None:
        if options.json:
            print(one_line(report.record()), flush=True)
        else:
            print(report_text(report.record()), file=sys.stderr)
        _tell_news(options.index)

    if options.watch:
        watch(options.corpus, options.index, told=tell, model=options.model, waiting=_tell_waiting)
    else:
        with _progress_bar() as show:
            report = rebuild(options.corpus, options.index, model=options.model, progress=show, waiting=_tell_waiting)
        tell(report)
    return 0


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int], None]]:
    from tqdm import tqdm

    with tqdm(desc="encoding", unit=" passages", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _tell_waiting(holder: str) -> None:
    print(on_one_line(f"waiting for the rebuild of {holder}"), file=sys.stderr)


def _tell_news(index: str | None) -> None:
    """Say that standing questions have news. A rebuild is none the worse when that cannot be known: then this is said."""
    from qa.places import default_standing
    from qa.retrieve import Retriever
    from qa.standing import look, standing_questions

    try:
        if standing_questions(default_standing()):
            reports = look(default_standing(), Retriever.current(index))
            for report in reports:
                if report.news:
                    print(f"{len(report.news)} newly answer {report.question.text!r}: qa watch --report", file=sys.stderr)
    except (QaError, EmbeddingsError) as error:
        print(f"qa: {error}", file=sys.stderr)


def _show(options: argparse.Namespace) -> int:
    from qa.mirror import folder_of, open_index
    from qa.permalinks import find_cited
    from qa.places import index_place

    place = index_place(options.index)
    record = find_cited(options.reference, open_index(place), folder_of(place)).record()
    print(one_line(record) if options.json else cited_text(record))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from qa.doctor import examine

    healthy = True
    for finding in examine(options.index, options.corpus):
        print(one_line(asdict(finding)) if options.json else finding_text(asdict(finding)), flush=True)
        healthy &= finding.ok
    return 0 if healthy else 1


def _ask(options: argparse.Namespace) -> int:
    if (options.question is None) == (options.batch is None):
        options.parser.error("name one QUESTION, or --batch FILE.jsonl")
    asked = [{"id": None, "question": options.question, "history": []}] if options.batch is None else _read_batch(options.batch)
    from embeddings.reranker import load_reranker
    from qa.question import Options
    from qa.retrieve import Retriever

    reranker = load_reranker(options.reranker) if options.reranker else None
    retriever = Retriever.load(options.index, reranker=reranker)
    names = ("since", "until", "speaker", "side", "act", "today")
    more = Options(**{name: getattr(options, name) for name in names})  # type: ignore[typeddict-item]
    for line in asked:
        answer = retriever.ask(line["question"], options.k, history=line["history"], **more)
        if options.json:
            print(one_line({"id": line["id"], **answer.record()}))
        else:
            print(answer_text(answer.record()))
    return 0


def _read_batch(path: Path) -> list[dict[str, Any]]:
    """The questions of a batch file. Raises `BadQuestion` naming the line that is not one."""
    from qa.question import understand

    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # a question may hold other line separators
    except UnicodeDecodeError as error:
        raise BadQuestion(f"{path} is not UTF-8") from error
    batch = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadQuestion(f"{path}:{number} is not JSON: {error}") from error
        if not isinstance(record, dict) or not isinstance(record.get("question"), str):
            raise BadQuestion(f'{path}:{number} is not of the form {{"id", "question", "history"}}')
        history = record.get("history") or []
        if not isinstance(history, list) or not all(isinstance(before, str) for before in history):
            raise BadQuestion(f"{path}:{number}: history is not a list of questions")
        try:
            understand(record["question"])
        except BadQuestion as error:
            raise BadQuestion(f"{path}:{number}: {error}") from error
        batch.append({"id": record.get("id"), "question": record["question"], "history": history})
    return batch


def _compare(options: argparse.Namespace) -> int:
    from qa.comparison import compare
    from qa.mirror import open_index
    from qa.places import index_place
    from qa.series import before

    index = open_index(index_place(options.index))
    found = compare(index, options.other or before(index, options.release), options.release)
    print(one_line(found.record()) if options.json else comparison_text(found.record()))
    return 0


def _collect(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from qa.collect import collect, collect_feed
    from qa.site import MINISTRY

    if options.feed and (options.until or options.site):
        options.parser.error("--until and --site go with --since")
    with tqdm(unit=" releases", file=sys.stderr) as bar:

        def show(line: str) -> None:
            bar.set_postfix_str(on_one_line(line))
            bar.update()

        if options.feed:
            report = collect_feed(options.feed, options.into, recheck=options.recheck, contact=options.contact, progress=show)
        else:
            report = collect(
                options.into,
                since=options.since,
                until=options.until,
                boards=options.board,
                site=options.site or MINISTRY,
                recheck=options.recheck,
                contact=options.contact,
                progress=show,
            )
    print(printable(report.summary()))
    return 1 if report.left_out else 0


def _watch(options: argparse.Namespace) -> int:
    from qa.places import default_standing
    from qa.standing import forget, standing_questions

    if options.atom and not options.report:
        options.parser.error("--atom goes with --report")
    path = default_standing()
    if options.question is not None:
        questions = [_remember(options, path)]
    elif options.forget is not None:
        questions = [forget(path, options.forget)]
    else:
        questions = standing_questions(path)
    if not questions:
        print('no question is kept; qa watch "QUESTION" keeps one', file=sys.stderr)
    elif options.report:
        _report_news(options, path)
    else:
        for question in questions:
            print(one_line(asdict(question)) if options.json else standing_line(asdict(question)))
    return 0


def _remember(options: argparse.Namespace, path: Path) -> Standing:
    from qa.mirror import open_index
    from qa.places import index_place
    from qa.standing import remember

    try:
        index = open_index(index_place(options.index))
    except IndexMissing:
        index = None
        print("there is no index yet; the first report will count what is in it then as known", file=sys.stderr)
    return remember(path, options.question, index)


def _report_news(options: argparse.Namespace, path: Path) -> None:
    from qa.atom import write_feed
    from qa.retrieve import Retriever
    from qa.standing import keep, kept_news, look

    reports = look(path, Retriever.load(options.index))
    for report in reports:
        print(one_line(report.record()) if options.json else standing_text(report.record()), flush=True)
    keep(path, reports)  # told once it is printed
    if options.atom:
        write_feed(options.atom, *kept_news(path))


def _evaluate(options: argparse.Namespace) -> int:
    from qa import confidence, evaluate
    from qa.feedback import feedback_questions
    from qa.measure import figures
    from qa.places import default_corpus
    from qa.retrieve import Retriever

    if options.feedback and (options.questions or options.check or options.pin or options.fit):
        options.parser.error("--feedback goes without --questions, --check, --pin and --fit")
    path = options.questions or default_corpus() / "questions.jsonl"
    floors = options.floors or path.parent / "floors.json"
    questions = feedback_questions(options.feedback) if options.feedback else evaluate.read_questions(path, options.split)
    retriever = Retriever.load(options.index)
    if options.fit:
        target = Path(confidence.__file__).with_suffix(".json")
        print(json.dumps(evaluate.fit(retriever, path, target), indent=1), file=sys.stderr)
        confidence.calibration.cache_clear()
    outcomes = evaluate.run(retriever, questions)
    table = figures(outcomes)
    if options.json:
        print(json.dumps({kind: {name: figure_record(figure) for name, figure in row.items()} for kind, row in table.items()}))
    else:
        print(figures_table(table))
    if options.plot:
        from qa.plot import draw

        draw(outcomes, options.plot)
    if options.pin:
        evaluate.pin(path, floors, options.split, table, lower=options.lower)
    fallen = evaluate.check(path, floors, options.split, table) if options.check else []
    for line in fallen:
        print(f"qa: {line}", file=sys.stderr)
    return 1 if fallen else 0


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
    return subprocess.run(command, env=environment, cwd=Path(page.origin).parent, check=False).returncode


def _serve(options: argparse.Namespace) -> int:
    return _become("http", ("fastapi", "uvicorn", "prometheus_client"), "serve", options.given[1:])


def _mcp(options: argparse.Namespace) -> int:
    return _become("mcp", ("mcp",), "mcp", options.given[1:])


def _become(server: str, needed: Sequence[str], extra: str, arguments: Sequence[str]) -> int:
    """Let this process become a server of the package `server`: standard input and output and signals are then its own."""
    missing = next((name for name in needed if find_spec(name) is None), None)
    if missing is not None:
        raise QaError(f"{missing} is not installed. pip install 'release-qa[{extra}]'")
    beside = Path(__file__).resolve().parent.parent  # where `server` is, whatever the folder we are in holds of that name
    paths = os.pathsep.join(filter(None, [str(beside), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", f"server.{server}", *arguments]
    environment = {**os.environ, "PYTHONPATH": paths}
    sys.stdout.flush()
    if sys.platform != "win32":  # where exec would return to the caller at once
        os.execve(sys.executable, command, environment)  # noqa: S606 - no shell is wanted
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
