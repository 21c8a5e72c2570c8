"""What makes an index and keeps it well: `qa rebuild`, `collect`, `doctor`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path

from embeddings.errors import EmbeddingsError
from qa.cli.options import Commands, add_index
from qa.errors import QaError
from qa.printed import finding_text, on_one_line, one_line, printable, report_text


def add_commands(commands: Commands) -> None:
    """Add `rebuild`, `collect` and `doctor` to the commands."""
    _add_rebuild(commands)
    _add_collect(commands)
    _add_doctor(commands)


def _add_rebuild(commands: Commands) -> None:
    rebuild = commands.add_parser("rebuild", help="read a corpus and build its index; needs no network")
    rebuild.add_argument(
        "--corpus", action="append", type=Path, metavar="PATH", help="folder or file of releases; may be repeated"
    )
    add_index(rebuild)
    rebuild.add_argument("--model", default=None, metavar="NAME", help="e5 (default), minilm, a folder, or a name on the hub")
    rebuild.add_argument("--watch", action="store_true", help="go on rebuilding whenever the corpus changes, until interrupted")
    rebuild.add_argument("--json", action="store_true", help="the report as JSON, one object a rebuild")
    rebuild.set_defaults(run=_rebuild)


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


def _add_collect(commands: Commands) -> None:
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


def _add_doctor(commands: Commands) -> None:
    doctor = commands.add_parser("doctor", help="check an index and what it needs; each fault with its remedy")
    doctor.add_argument(
        "--corpus", action="append", type=Path, metavar="PATH", help="what the index should be of; may be repeated"
    )
    add_index(doctor)
    doctor.add_argument("--json", action="store_true", help="one JSON object a finding")
    doctor.set_defaults(run=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from qa.doctor import examine

    healthy = True
    for finding in examine(options.index, options.corpus):
        print(one_line(asdict(finding)) if options.json else finding_text(asdict(finding)), flush=True)
        healthy &= finding.ok
    return 0 if healthy else 1
