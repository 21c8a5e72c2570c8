"""What is asked of an index: `qa ask`, `show`, `compare`, `watch`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.acts import ACTS, SIDES
from qa.cli.options import Commands, add_index
from qa.errors import BadQuestion, IndexMissing
from qa.printed import answer_text, cited_text, comparison_text, one_line, standing_line, standing_text

if TYPE_CHECKING:
    from qa.standing import Standing


def add_commands(commands: Commands) -> None:
    """Add `ask`, `show`, `compare` and `watch` to the commands."""
    _add_ask(commands)
    _add_show(commands)
    _add_compare(commands)
    _add_watch(commands)


def _add_ask(commands: Commands) -> None:
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
    add_index(ask)
    ask.add_argument("--json", action="store_true", help="one JSON object a line")
    ask.set_defaults(run=_ask, parser=ask)


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
    from qa.question import question_lines, understand

    batch = []
    for number, record in question_lines(path):
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


def _add_show(commands: Commands) -> None:
    show = commands.add_parser("show", help="a release, a passage, or what a permalink cites, as it was then")
    show.add_argument("reference", metavar="ID|PERMALINK", help="as answers give them")
    add_index(show)
    show.add_argument("--json", action="store_true", help="one JSON object")
    show.set_defaults(run=_show)


def _show(options: argparse.Namespace) -> int:
    from qa.mirror import folder_of, open_index
    from qa.permalinks import find_cited
    from qa.places import index_place

    place = index_place(options.index)
    record = find_cited(options.reference, open_index(place), folder_of(place)).record()
    print(one_line(record) if options.json else cited_text(record))
    return 0


def _add_compare(commands: Commands) -> None:
    compare = commands.add_parser("compare", help="what is new, repeated and dropped between two releases")
    compare.add_argument("release", metavar="ID", help="release id, as answers give it")
    compare.add_argument("other", nargs="?", metavar="ID", help="default: the release before it in its series")
    add_index(compare)
    compare.add_argument("--json", action="store_true", help="one JSON object")
    compare.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> int:
    from qa.comparison import compare
    from qa.mirror import open_index
    from qa.places import index_place
    from qa.series import before

    index = open_index(index_place(options.index))
    found = compare(index, options.other or before(index, options.release), options.release)
    print(one_line(found.record()) if options.json else comparison_text(found.record()))
    return 0


def _add_watch(commands: Commands) -> None:
    watch = commands.add_parser("watch", help="keep a question, and tell which releases newly answer it")
    task = watch.add_mutually_exclusive_group()
    task.add_argument(
        "question", nargs="?", metavar="QUESTION", help="the question to keep (default: list those that are kept)"
    )
    task.add_argument("--report", action="store_true", help="tell what newly answers since the last report")
    task.add_argument("--forget", metavar="QUESTION|NUMBER", help="keep a question no longer")
    watch.add_argument("--atom", type=Path, metavar="FILE", help="with --report: write the news into an Atom feed")
    add_index(watch)
    watch.add_argument("--json", action="store_true", help="one JSON object a question")
    watch.set_defaults(run=_watch, parser=watch)


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
