"""Any text is a question, or an error of ours: `python tests/fuzz/questions.py -max_total_time=300`."""

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["qa"]):
    from embeddings.lexical import words
    from qa.corpus import read_corpus
    from qa.errors import BadQuestion
    from qa.events import find_event
    from qa.named import named_in
    from qa.names import Names
    from qa.question import understand
    from qa.speakers import Speakers
    from tests.fuzz.pieces import text_of

RELEASES = read_corpus([ROOT / "corpus"]).releases
NAMES, SPEAKERS = Names(RELEASES), Speakers(RELEASES)


def one(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    before, text = text_of(provider, 20), text_of(provider, 60)
    try:
        question = understand(text, names=NAMES, speakers=SPEAKERS, history=[before])
    except BadQuestion:
        return
    assert question.searched.endswith(question.spelled(question.text))
    question.understood()
    find_event(question.spelled(question.text))
    for named in named_in(question, SPEAKERS):
        assert question.text[named.start : named.end]
    words(question.searched)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
