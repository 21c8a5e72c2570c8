"""How good the answers are: `qa evaluate`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from qa.cli.options import Commands, add_index
from qa.printed import figure_record, figures_table


def add_commands(commands: Commands) -> None:
    """Add `evaluate` to the commands."""
    evaluate = commands.add_parser("evaluate", help="measure the answers on questions with known ones")
    evaluate.add_argument("--questions", type=Path, metavar="FILE", help="default: questions.jsonl of the corpus")
    evaluate.add_argument("--feedback", type=Path, metavar="FILE", help="measure on what readers said of answers on the page")
    evaluate.add_argument("--split", default="test", choices=("tune", "test"), help="default: test")
    add_index(evaluate)
    evaluate.add_argument("--json", action="store_true", help="the figures as JSON")
    evaluate.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves into a .png, .svg or .html file")
    evaluate.add_argument("--floors", type=Path, metavar="FILE", help="default: floors.json beside the questions")
    task = evaluate.add_mutually_exclusive_group()
    task.add_argument("--check", action="store_true", help="exit 1 when a figure falls under its floor")
    task.add_argument("--pin", action="store_true", help="make these figures the floors")
    task.add_argument("--fit", action="store_true", help="fit the confidence on the tune split first")
    evaluate.add_argument("--lower", action="store_true", help="with --pin: allow a floor to be lowered")
    evaluate.set_defaults(run=_evaluate, parser=evaluate)


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
