"""Any bytes in a file of any suffix are a release, or an error of ours: `python tests/fuzz/pages.py -max_total_time=300`."""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["qa"]):
    from qa.errors import UnreadableSource
    from qa.passages import split_release
    from qa.records import release_from, release_record
    from qa.release import read_release
    from qa.sentences import sentences
    from qa.source import SUFFIXES, read_pages

FOLDER = Path(tempfile.mkdtemp())


def one(data: bytes) -> None:
    if not data:
        return
    path = FOLDER / f"page{SUFFIXES[data[0] % len(SUFFIXES)]}"
    path.write_bytes(data[1:])
    try:
        pages = list(read_pages(path))
    except UnreadableSource:
        return
    for page in pages:
        if isinstance(page, UnreadableSource):
            continue
        try:
            release = read_release(page)
        except UnreadableSource:
            continue
        assert release_from(release_record(release)) == release
        for start, end in sentences(release.text):
            assert release.text[start:end].strip()
        for passage in split_release(release, lambda texts: [len(text.split()) for text in texts], 64):
            assert release.text[passage.start : passage.end] == passage.text != ""


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
